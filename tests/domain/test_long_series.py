"""The long monthly series: total returns, par bonds, and the volatility of means."""

import numpy as np
import pytest

from domain.analytics.simulation.long_series import OF_MONTH_ENDS, LongSeries


def series(level=(100.0, 101.0, 99.0), dividend=(12.0, 12.0, 12.0), long_yield_pct=(4.0, 4.0, 4.0)) -> LongSeries:
    months = np.datetime64("1926-01", "M") + np.arange(len(level))
    columns = (np.array(one, dtype=float) for one in (level, dividend, np.ones(len(level)), long_yield_pct))
    return LongSeries(months, *columns)


def test_a_months_return_has_a_twelfth_of_the_years_dividend_in_it():
    assert np.exp(series().share_returns) == pytest.approx([102 / 100, 100 / 101])


def test_a_par_bond_at_a_constant_yield_earns_it():
    # 5 % twice a year: a month is a sixth of a half-year, whatever the maturity.
    for years in (1, 20):
        assert np.exp(series().bond_returns(years)) == pytest.approx([1.025 ** (1 / 6)] * 2)


def test_a_par_bond_loses_its_duration_when_yields_rise():
    rise = series(long_yield_pct=(4.0, 4.1, 4.1)).bond_returns()[0] - series().bond_returns()[0]
    duration = (1 - 1.025**-40) / 0.05  # modified, of a par bond of twenty years at 5 %

    assert rise == pytest.approx(-0.001 * duration, rel=0.02)


def test_returns_are_chosen_by_their_months_and_a_gap_is_refused():
    found = series()

    assert found.between("1926-02", "1926-03") == slice(0, 2)
    assert found.between("1926-03", "1926-12") == slice(1, 2)
    with pytest.raises(ValueError, match="without a gap"):
        LongSeries(np.array(["1926-01", "1926-03"], "datetime64[M]"), *(np.ones(2) for _ in range(4)))


def test_monthly_means_have_two_thirds_of_the_variance_of_month_ends():
    days = 21
    walk = np.random.default_rng(5).standard_normal((40_000, days)).cumsum().reshape(-1, days)
    means, ends = np.diff(walk.mean(axis=1)), np.diff(walk[:, -1])

    assert ends.std() / means.std() == pytest.approx(OF_MONTH_ENDS, rel=0.01)
