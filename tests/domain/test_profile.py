"""All of a series' risk at once: what is measured on which returns, and what is left unknown."""

from dataclasses import asdict
from datetime import date

import numpy as np
import pytest

from domain.analytics.returns.series import Benchmark, Daily, PortfolioSeries
from domain.analytics.risk.profile import Basis, deepest_fall, risk_profile, sharpe_ratio, weighted_returns
from domain.analytics.risk.ratios import sharpe
from domain.analytics.risk.value_at_risk import Method

DAYS = np.datetime64("2015-01-01") + np.arange(100)
RANDOM = np.random.default_rng(7)
RETURNS = RANDOM.normal(0.0005, 0.01, 100)
FREE = np.full(100, 0.0001)


def test_under_sixty_returns_there_is_no_figure() -> None:
    returns = RETURNS.copy()
    returns[:41] = np.nan

    found = asdict(risk_profile(Basis.REALISED, DAYS, returns, FREE, RETURNS))
    statuses = {found.pop(name) for name in list(found) if name.endswith("_status")}

    assert statuses == {"INSUFFICIENT"}
    assert (found.pop("basis"), found.pop("status"), found.pop("n")) == ("REALISED", "INSUFFICIENT", 59)
    assert (found.pop("first_day"), found.pop("last_day")) == (date(2015, 2, 11), date(2015, 4, 10))
    assert (found.pop("tails"), set(found.values())) == ((), {None})


def test_of_nothing_nothing_is_known() -> None:
    none = np.empty(0)

    found = risk_profile(Basis.CURRENT_WEIGHTS, DAYS[:0], none, none, None)

    assert (found.status, found.n, found.first_day) == ("INSUFFICIENT", 0, None)


def test_without_a_benchmark_or_a_yield_only_what_needs_them_is_unknown() -> None:
    found = risk_profile(Basis.REALISED, DAYS, RETURNS, np.full(100, np.nan), None)

    assert found.volatility == pytest.approx(RETURNS.std(ddof=1) * np.sqrt(252))
    unknown = (found.sharpe, found.sortino, found.downside_deviation, found.beta, found.tracking_error)
    assert set(unknown) == {None}
    assert (found.sharpe_status, found.sortino_status) == ("NO_RISK_FREE", "NO_RISK_FREE")
    assert (found.alpha_status, found.information_ratio_status) == ("NO_BENCHMARK", "NO_BENCHMARK")
    assert len(found.tails) == 12


def test_against_itself_beta_is_one_and_nothing_is_active() -> None:
    found = risk_profile(Basis.REALISED, DAYS, RETURNS, FREE, RETURNS)

    assert found.beta == pytest.approx(1)
    assert found.alpha == pytest.approx(0, abs=1e-12)
    assert found.tracking_error == 0
    assert (found.information_ratio, found.information_ratio_status) == (None, "NO_VARIATION")


@pytest.mark.parametrize("daily", [0.0, 0.0003], ids=["cash", "the same every day"])
def test_what_does_not_move_has_no_ratio_and_no_noise(daily: float) -> None:
    """Over bills whose yield moves, the excess of cash does move: by itself it would have a Sharpe ratio of -18."""
    bills = np.linspace(0.0001, 0.00012, 100)
    noise = np.resize([0.0, 2.2e-16, -2.2e-16], 100)  # of a growth near 1, less 1

    found = risk_profile(Basis.REALISED, DAYS, np.full(100, daily) + noise, bills, RETURNS)

    assert sharpe(daily - bills) is not None
    assert (found.sharpe, found.sharpe_status) == (None, "NO_VARIATION")
    assert (found.sortino, found.sortino_status) == (None, "NO_VARIATION")
    assert (found.volatility, found.max_drawdown, found.peak) == (0, 0, None)
    assert (found.alpha_status, found.information_ratio_status) == ("OK", "OK")


def test_what_earns_the_risk_free_return_has_no_ratio() -> None:
    bills = np.linspace(0.0001, 0.00012, 100)

    found = risk_profile(Basis.REALISED, DAYS, bills + 0, bills, None)

    assert (found.sharpe, found.sharpe_status, found.sortino_status) == (None, "NO_VARIATION", "NO_VARIATION")


def test_never_below_the_risk_free_return_there_is_no_sortino_ratio() -> None:
    found = risk_profile(Basis.REALISED, DAYS, FREE + np.abs(RETURNS), FREE, None)

    assert (found.sortino, found.sortino_status, found.sharpe_status) == (None, "NO_DOWNSIDE", "OK")


def test_every_method_confidence_and_horizon_is_there_once() -> None:
    tails = risk_profile(Basis.REALISED, DAYS, RETURNS, FREE, None).tails

    asked = {(tail.method, tail.confidence, tail.horizon_days) for tail in tails}
    assert asked == {(method, at, days) for method in Method for at in (0.95, 0.99) for days in (1, 10)}


def test_a_fall_on_the_first_day_begins_before_it() -> None:
    returns = np.zeros(100)
    returns[0], returns[4] = -0.5, 1.0

    found = risk_profile(Basis.REALISED, DAYS, returns, FREE, None)

    assert found.max_drawdown == -0.5
    assert (found.peak, found.trough, found.recovery) == (date(2015, 1, 1), date(2015, 1, 1), date(2015, 1, 5))


def test_a_fall_is_counted_from_what_was_paid_in_and_on_sessions() -> None:
    """1,000 in on a Friday, 900 that evening, 700 on the Sunday, 750 on the Monday: 25 %, and not 16.7 or 30 %."""
    values, nothing, true = np.array([900.0, 900.0, 700.0, 750.0]), np.zeros(4), np.ones(4, dtype=bool)
    series = PortfolioSeries(
        days=np.datetime64("2016-01-01") + np.arange(4),
        value=values,
        inflow=np.array([1000.0, 0, 0, 0]),
        outflow=nothing,
        fees=nothing,
        returns=values / np.concatenate([[1000.0], values[:-1]]) - 1,
        is_session=np.array([True, False, False, True]),
        is_covered=true,
        is_value_covered=true,
        are_flows_known=true,
    )

    found = deepest_fall(series.growth)

    assert found.depth == pytest.approx(-0.25)
    assert (found.peak, found.trough, found.recovery) == (date(2016, 1, 1), date(2016, 1, 4), None)


def test_a_sharpe_ratio_takes_sixty_returns() -> None:
    few = sharpe_ratio(RETURNS[:59], FREE[:59])
    enough = sharpe_ratio(RETURNS[:60], FREE[:60])
    known_on_few = sharpe_ratio(RETURNS, np.where(np.arange(100) < 35, FREE, np.nan))

    assert (few.value, few.status) == (None, "INSUFFICIENT")
    assert (known_on_few.value, known_on_few.status) == (None, "INSUFFICIENT")
    assert (enough.value, enough.status) == (pytest.approx(sharpe(RETURNS[:60] - FREE[:60])), "OK")


def test_a_series_that_never_fell_has_no_dates() -> None:
    found = risk_profile(Basis.REALISED, DAYS, np.full(100, 0.01), FREE, None)

    assert (found.max_drawdown, found.peak, found.trough, found.recovery) == (0, None, None, None)


def test_weights_that_lack_of_one_are_cash_and_a_missing_part_is_no_return() -> None:
    returns = np.array([[0.1, 0.2], [0.1, np.nan]])

    found = weighted_returns(np.array([0.5, 0.25]), returns)

    assert found[0] == pytest.approx(0.1)
    assert np.isnan(found[1])


def test_values_of_days_are_found_by_their_day() -> None:
    known = Daily(DAYS[[1, 3]], np.array([10.0, 30.0]))

    assert known.on(DAYS[:5])[[1, 3]].tolist() == [10, 30]
    assert np.isnan(known.on(DAYS[:5])[[0, 2, 4]]).all()
    assert np.isnan(Daily(DAYS[:0], np.empty(0)).on(DAYS[:2])).all()


def test_a_benchmark_is_known_from_its_first_level_to_its_last() -> None:
    index = Benchmark("I", "TOTAL_RETURN", DAYS[[2, 3, 6]], np.array([100.0, 110.0, 121.0]))

    levels = index.growth_at(DAYS[:9])

    assert np.isnan(levels[[0, 1, 7, 8]]).all()
    assert levels[2:7] == pytest.approx([100, 110, 110, 110, 121])
    assert index.sessions.on(DAYS[2:7])[[1, 4]] == pytest.approx([0.1, 0.1])
