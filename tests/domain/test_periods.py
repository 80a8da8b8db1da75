"""Performance by period, against dates and figures written down by hand and properties of the definitions."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.analytics.returns.periods import Period, PeriodPerformance, performance
from domain.analytics.returns.series import Benchmark, PortfolioSeries
from tests.effort import examples


def series(
    value: list[float],
    first: date = date(2015, 1, 1),
    inflow: dict[int, float] | None = None,
    outflow: dict[int, float] | None = None,
    fees: dict[int, float] | None = None,
) -> PortfolioSeries:
    """Daily values, and flows and fees by position; weekends are no sessions."""
    n = len(value)
    days = np.datetime64(first) + np.arange(n)

    def spread(given: dict[int, float] | None) -> np.ndarray:
        return np.array([(given or {}).get(i, 0.0) for i in range(n)])

    paid_in, paid_out = spread(inflow if inflow is not None else {0: value[0]} if value else {}), spread(outflow)
    closes = np.array(value, dtype=float)
    base = np.concatenate([[0.0], closes[:-1]]) + paid_in
    returns = np.full(n, np.nan)
    np.divide(closes + paid_out, base, out=returns, where=base > 0)
    is_session = np.array([(first + timedelta(i)).weekday() < 5 for i in range(n)])
    true = np.ones(n, dtype=bool)
    return PortfolioSeries(days, closes, paid_in, paid_out, spread(fees), returns - 1, is_session, true, true, true)


def over(found: PortfolioSeries, period: Period, benchmark: Benchmark | None = None) -> PeriodPerformance:
    return next(one for one in performance(found, benchmark) if one.period is period)


@pytest.mark.parametrize(
    ("period", "start"),
    [
        (Period.DAY, date(2016, 2, 26)),  # 2016-02-29 was a Monday: the session before was Friday
        (Period.WEEK, date(2016, 2, 22)),
        (Period.MONTH_TO_DATE, date(2016, 1, 31)),
        (Period.MONTH, date(2016, 1, 29)),
        (Period.QUARTER, date(2015, 11, 29)),
        (Period.YEAR_TO_DATE, date(2015, 12, 31)),
        (Period.YEAR, date(2015, 2, 28)),  # there was no 29th
        (Period.THREE_YEARS, date(2013, 2, 28)),
        (Period.FIVE_YEARS, date(2011, 2, 28)),
        (Period.SINCE_INCEPTION, date(2015, 1, 1)),
    ],
)
def test_a_period_starts_at_the_close_of(period: Period, start: date) -> None:
    found = series([100.0] * ((date(2016, 2, 29) - date(2015, 1, 1)).days + 1))

    assert found.as_of == date(2016, 2, 29)
    assert over(found, period).start == start


def test_a_period_that_the_portfolio_is_too_young_for_has_no_figures() -> None:
    found = performance(series([100.0, 110.0], first=date(2016, 3, 1)))

    young = {one.period: one for one in found if one.status == "TOO_YOUNG"}
    assert set(young) == {*Period} - {Period.DAY, Period.MONTH_TO_DATE, Period.SINCE_INCEPTION}
    assert {one.twr for one in young.values()} == {None}
    assert performance(series([])) == []


def test_a_deposit_is_no_gain_and_a_years_return_is_annual() -> None:
    days = 366
    value = [100.0] * 100 + [300.0] * (days - 100)
    found = series([*value[:-1], 330.0], inflow={0: 100.0, 100: 200.0})

    one = over(found, Period.SINCE_INCEPTION)

    assert (one.begin_value, one.end_value, one.net_contributions, one.gain) == (0, 330, 300, 30)
    assert one.twr == pytest.approx(0.1)
    assert one.twr_annual == pytest.approx(0.1)  # 365 days
    assert one.xirr == pytest.approx(one.mwr)


def test_under_a_year_nothing_is_annual_and_the_money_weighted_return_is_the_periods() -> None:
    one = over(series([100.0] * 9 + [110.0]), Period.SINCE_INCEPTION)

    assert (one.twr_annual, one.twr_gross_annual, one.xirr) == (None, None, None)
    assert one.mwr == pytest.approx(0.1)
    assert one.xirr_status == "OK"


@pytest.mark.parametrize(
    ("deposits", "value", "expected"),
    [  # situation S-33: pyxirr's issue 61
        ({0: 7118.29}, [7118.29, 6127.83], 6127.83 / 7118.29 - 1),
        ({0: 100, 1: 100}, [100, 200, 50], ((np.sqrt(3) - 1) / 2) ** 2 - 1),  # x^2 + x = 1/2, x = sqrt(1 + r)
        ({0: 100, 7: 100}, [*[100] * 7, *[200] * 5, 100], -0.64756463),
    ],
    ids=["a day", "two days", "twelve days"],
)
def test_the_money_weighted_return_of_a_few_days_is_solved_over_them(
    deposits: dict[int, float], value: list[float], expected: float
) -> None:
    one = over(series(value, inflow=deposits), Period.SINCE_INCEPTION)

    assert one.mwr == pytest.approx(expected, abs=1e-8)
    assert one.xirr_status == "OK"


@settings(deadline=None, max_examples=examples(100))
@given(
    st.lists(st.floats(-0.7, 2.5), min_size=2, max_size=30),
    st.dictionaries(st.integers(1, 28), st.floats(1, 1e6), max_size=5),
)
def test_what_was_paid_in_grows_at_the_periods_return_to_what_is_there(
    returns: list[float], deposits: dict[int, float]
) -> None:
    n, value = len(returns) - 1, 0.0
    inflow = {0: 1000.0, **{day: amount for day, amount in deposits.items() if day < n}}
    closes = []
    for i, earned in enumerate(returns):
        value = (value + inflow.get(i, 0.0)) * (1 + earned)
        closes.append(value)

    one = over(series(closes, inflow=inflow), Period.SINCE_INCEPTION)

    assert one.xirr_status == "OK"
    grown = sum(amount * (1 + one.mwr) ** ((n - day) / n) for day, amount in inflow.items())
    assert grown == pytest.approx(closes[-1], rel=1e-8)


def test_who_loses_everything_has_lost_all_of_the_money() -> None:
    one = over(series([100.0, 150.0, 0.0, 0.0], inflow={0: 100, 1: 50}), Period.SINCE_INCEPTION)

    assert (one.twr, one.mwr, one.xirr_status) == (-1, -1, "OK")


def test_money_that_earned_nothing_has_returned_exactly_nothing() -> None:
    one = over(series([100.0] * 50 + [300.0] * 400, inflow={0: 100, 50: 200}), Period.SINCE_INCEPTION)

    assert (str(one.mwr), str(one.xirr), one.xirr_status) == ("0.0", "0.0", "OK")


def test_annual_returns_count_from_the_first_day_with_money_to_the_last_with_a_gap_between() -> None:
    """100 become 110 in a year, are away for one, become 121 in another, are taken out, and the book stays open."""
    value = [*[100.0] * 365, *[0.0] * 365, *[110.0] * 365, *[0.0] * 400]
    found = series(value, inflow={0: 100, 730: 110}, outflow={365: 110, 1095: 121})

    one = over(found, Period.SINCE_INCEPTION)

    assert one.twr_annual == pytest.approx(1.21 ** (365 / 1095) - 1)
    discounted = np.array([-100, 110, -110, 121]) / (1 + one.xirr) ** np.arange(4)
    assert discounted.sum() == pytest.approx(0, abs=1e-9)
    assert one.mwr == pytest.approx((1 + one.xirr) ** 3 - 1)


def test_gross_is_before_fees() -> None:
    one = over(series([100.0, 99.0, 99.0], fees={1: 1.0}), Period.SINCE_INCEPTION)

    assert one.twr == pytest.approx(-0.01)
    assert one.twr_gross == pytest.approx(0.0)


def test_a_portfolio_that_was_empty_for_a_while_has_a_break_not_a_total_loss() -> None:
    value = [100.0, 110.0, 0.0, 0.0, 50.0, 55.0]
    found = series(value, inflow={0: 100.0, 4: 50.0}, outflow={2: 110.0})

    one = over(found, Period.SINCE_INCEPTION)

    assert np.isnan(found.returns[3])
    assert one.twr == pytest.approx(1.1 * 1.0 * 1.1 - 1)


def test_the_return_of_a_session_after_a_weekend_holds_all_its_days() -> None:
    friday = date(2016, 2, 26)
    days, returns = series([100.0, 101.0, 102.0, 103.0], first=friday).session_returns()

    assert list(days) == [np.datetime64("2016-02-29")]
    assert returns == pytest.approx([0.03])


def test_the_same_flows_in_the_benchmark_by_hand() -> None:
    level = Benchmark("INDEX", "TOTAL_RETURN", np.datetime64("2014-12-31") + np.arange(4), np.array([10, 11, 11, 22.0]))
    found = series([100.0, 150.0, 160.0], inflow={0: 100.0, 1: 50.0}, outflow={2: 20.0})

    one = over(found, Period.SINCE_INCEPTION, level)

    assert one.benchmark_twr == pytest.approx(1.0)
    assert one.benchmark_value == pytest.approx((100 + 50) * 2 - 20)
    assert one.active_return == pytest.approx((one.twr or 0) - 1.0)


def test_a_benchmark_begins_at_the_close_of_the_portfolios_first_value() -> None:
    """It rises by half until that close, and by a tenth on each of the two days after, on which the portfolio does too.
    Nobody had money in it before, not in a portfolio either that was there before its money."""
    days = np.datetime64("2016-02-20") + np.arange(10)
    index = Benchmark("INDEX", "TOTAL_RETURN", days, np.array([10.0] * 6 + [15, 16.5, 18.15, 18.15]))
    new = series([100.0, 110, 121, 121], first=date(2016, 2, 26))
    late = series([0.0, 0, 100, 110, 121, 121], first=date(2016, 2, 24), inflow={2: 100})

    for found in (new, late):
        one = over(found, Period.SINCE_INCEPTION, index)
        assert (one.twr, one.benchmark_twr) == (pytest.approx(0.21), pytest.approx(0.21))
        assert (one.active_return, one.benchmark_value) == (pytest.approx(0), pytest.approx(121))


def test_a_benchmark_ends_with_the_last_day_with_money() -> None:
    """All is taken out, and the index doubles after it."""
    days = np.datetime64("2015-01-01") + np.arange(5)
    index = Benchmark("INDEX", "TOTAL_RETURN", days, np.array([10.0, 11, 11, 22, 22]))
    found = series([100.0, 0, 0, 0, 0], inflow={0: 100}, outflow={1: 110})

    one = over(found, Period.SINCE_INCEPTION, index)

    assert (one.twr, one.benchmark_twr) == (pytest.approx(0.1), pytest.approx(0.1))


def test_a_benchmark_that_does_not_reach_over_the_period_says_nothing() -> None:
    days = np.datetime64("2015-01-02") + np.arange(2)
    one = over(series([100.0, 150.0, 160.0]), Period.SINCE_INCEPTION, Benchmark("I", "PRICE_INDEX", days, np.ones(2)))

    assert (one.benchmark_twr, one.benchmark_value, one.active_return) == (None, None, None)


@pytest.mark.parametrize(
    ("name", "at", "status"),
    [
        ("is_value_covered", 0, "OK"),  # only the last day's value counts, and the flows of all days
        ("is_value_covered", 1, "UNCOVERED"),
        ("are_flows_known", 0, "UNCOVERED"),
    ],
)
def test_what_has_no_rate_has_no_money_weighted_return(name: str, at: int, status: str) -> None:
    found = series([100.0, 110.0])
    unrated = replace(found, **{name: np.arange(2) != at})

    one = over(unrated, Period.SINCE_INCEPTION)

    assert one.xirr_status == status
    assert (one.mwr is None) == (status != "OK")


returns_of_days = st.lists(st.floats(-0.2, 0.25), min_size=2, max_size=40)


@settings(deadline=None)
@given(returns_of_days, st.floats(0.001, 1e6), st.integers(0, 39))
def test_scaling_all_deposits_leaves_every_twr_unchanged(returns: list[float], factor: float, at: int) -> None:
    def grown(scale: float) -> PortfolioSeries:
        value, values, inflow = 0.0, [], {0: 100.0 * scale, at % len(returns): 100.0 * scale}
        for i, earned in enumerate(returns):
            value = (value + inflow.get(i, 0.0)) * (1 + earned)
            values.append(value)
        return series(values, inflow=inflow)

    for one, other in zip(performance(grown(1)), performance(grown(factor)), strict=True):
        assert one.twr == (None if other.twr is None else pytest.approx(other.twr, rel=1e-9, abs=1e-9))


@settings(deadline=None)
@given(returns_of_days)
def test_in_itself_a_portfolio_would_have_become_what_it_is(returns: list[float]) -> None:
    index = np.concatenate([[1.0], np.cumprod(1 + np.array(returns))])
    own = Benchmark("SELF", "TOTAL_RETURN", np.datetime64("2015-01-01") + np.arange(len(index)), index)
    found = series(list(100 * index), inflow={0: 100.0})

    one = over(found, Period.SINCE_INCEPTION, own)

    assert one.active_return == pytest.approx(0, abs=1e-9)
    assert one.benchmark_value == pytest.approx(one.end_value, rel=1e-9)
