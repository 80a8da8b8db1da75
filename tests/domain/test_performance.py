"""XIRR, time-weighted return and annualising; published figures are in tests/yardsticks."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.analytics.returns.money_weighted import xirr
from domain.analytics.returns.performance import annualise, twr_index


def days(*texts: str) -> list[date]:
    return [date.fromisoformat(text) for text in texts]


def test_xirr_of_the_rulebooks_vectors():
    # RULEBOOK 7
    dates = days("2008-01-01", "2008-03-01", "2008-10-30", "2009-02-15", "2009-04-01")
    assert xirr(dates, [-10_000, 2_750, 4_250, 3_250, 2_750]).rate == pytest.approx(0.3733625335, abs=1e-9)
    assert xirr(days("2011-07-01", "2014-07-01"), [-10_000, 1]).rate == pytest.approx(-0.953453909, abs=1e-9)


def test_of_several_rates_the_one_nearest_ten_per_cent_is_given():
    # -1, +2.4, -1.43 at 0, 1 and 2 years of 365 days: (1 + r) is 1.1 or 1.3.
    result = xirr(days("2021-01-01", "2022-01-01", "2023-01-01"), [-100, 240, -143])
    assert result.status == "MULTIPLE"
    assert result.rate == pytest.approx(0.10, abs=1e-9)


@pytest.mark.parametrize(
    ("dates", "amounts"),
    [
        ([], []),
        (["2024-01-01"], [-100.0]),
        (["2024-01-01", "2025-01-01"], [-100.0, -5.0]),
        (["2024-01-01", "2025-01-01"], [0.0, 0.0]),
        (["2024-01-01", "2024-01-01"], [-100.0, 110.0]),
        (["2024-01-01", "2024-01-02"], [-100.0, 1e-12]),
    ],
    ids=["no flows", "one flow", "only paid in", "nothing", "all on one day", "all lost in a day"],
)
def test_no_answer_is_none_and_never_zero(dates, amounts):
    result = xirr(days(*dates), amounts)
    assert (result.rate, result.status) == (None, "NO_SIGN_CHANGE")


def test_money_back_without_gain_is_zero_per_cent_and_ok():
    result = xirr(days("2024-01-01", "2025-06-01"), [-100, 100])
    assert result.status == "OK"
    assert result.rate == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("final", [110.0, 95.0])
def test_one_day_is_compounded_to_a_year(final):
    result = xirr(days("2024-01-01", "2024-01-02"), [-100, final])
    assert result.status == "OK"
    assert 1 + result.rate == pytest.approx((final / 100) ** 365, rel=1e-7)


def test_order_and_splitting_of_flows_do_not_matter():
    whole = xirr(days("2022-01-01", "2023-01-01", "2024-01-01"), [-100, -50, 180])
    parts = xirr(days("2024-01-01", "2023-01-01", "2022-01-01", "2022-01-01"), [180, -50, -60, -40])
    assert parts == whole


@settings(deadline=None)  # the machine is shared
@given(
    st.lists(st.tuples(st.integers(0, 4_000), st.floats(-1e6, 1e6).map(lambda x: round(x, 2))), min_size=2, max_size=12)
)
def test_every_rate_given_makes_the_flows_worth_nothing(flows):
    start = date(2010, 1, 1)
    result = xirr([start + timedelta(day) for day, _ in flows], [amount for _, amount in flows])
    if result.rate is None or result.rate < -0.999999:
        return
    discounted = [amount * np.exp(-np.log1p(result.rate) * day / 365) for day, amount in flows]
    assert abs(sum(discounted)) <= 1e-6 * sum(map(abs, discounted))


def test_flows_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="1 dates do not fit 2 amounts"):
        xirr(days("2024-01-01"), [1.0, 2.0])
    with pytest.raises(ValueError, match="finite"):
        xirr(days("2024-01-01", "2025-01-01"), [-1.0, float("nan")])


def test_no_days_have_no_returns():
    nothing = np.array([])
    assert len(twr_index(nothing, nothing, nothing, nothing).index) == 0


def test_gain_on_no_capital_is_a_break_that_the_index_carries_over():
    # RULEBOOK 7: undefined, which is NaN.
    begin, end = np.array([0.0, 0.0, 100.0]), np.array([1.0, 0.0, 110.0])
    result = twr_index(begin, end, np.zeros(3), np.array([1.0, 0.0, 0.0]))
    assert result.returns == pytest.approx([np.nan, np.nan, 0.1], nan_ok=True)
    assert result.index == pytest.approx([1.0, 1.0, 1.1])


def test_losing_everything_is_minus_one_and_not_a_break():
    result = twr_index(np.array([100.0, 0.0]), np.zeros(2), np.zeros(2), np.zeros(2))
    assert result.returns == pytest.approx([-1.0, np.nan], nan_ok=True)
    assert result.index == pytest.approx([0.0, 0.0])


def test_less_than_nothing_is_a_ruin_without_index_until_the_next_money():
    begin, end = np.array([0.0, 100.0, -10.0, -5.0, 0.0, 60.0]), np.array([100.0, -10.0, -5.0, 0.0, 60.0, 66.0])
    result = twr_index(begin, end, np.array([100.0, 0, 0, 5, 50, 0]), np.zeros(6))
    assert result.returns == pytest.approx([0.0, np.nan, np.nan, np.nan, 0.2, 0.1], nan_ok=True)
    assert result.index == pytest.approx([1.0, np.nan, np.nan, np.nan, 1.2, 1.32], nan_ok=True)


def test_after_a_loss_of_everything_the_index_begins_again_with_the_next_money():
    begin, end = np.array([0.0, 100.0, 0.0, 0.0]), np.array([100.0, 0.0, 0.0, 44.0])
    result = twr_index(begin, end, np.array([100.0, 0, 0, 40]), np.zeros(4))
    assert result.returns == pytest.approx([0.0, -1.0, np.nan, 0.1], nan_ok=True)
    assert result.index == pytest.approx([1.0, 0.0, 0.0, 1.1])


@settings(deadline=None)  # the machine is shared
@given(st.floats(0.01, 100), st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=8))
def test_the_size_of_deposits_does_not_change_the_return(scale, rates):
    value, begin, end, inflow = 0.0, [], [], []
    for rate in rates:
        begin.append(value)
        inflow.append(100.0 * scale)
        value = (value + inflow[-1]) * (1 + rate)
        end.append(value)
    result = twr_index(np.array(begin), np.array(end), np.array(inflow), np.zeros(len(rates)))
    assert result.returns == pytest.approx(rates, abs=1e-12)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"begin": [np.nan]}, "begin"),
        ({"end": [np.nan]}, "end"),
        ({"end": [1.0, 2.0]}, "end"),
        ({"inflow": [-1.0]}, "inflow"),
        ({"outflow": [-1.0]}, "outflow"),
    ],
)
def test_a_missing_value_or_a_negative_flow_is_refused_by_name(changed, named):
    good = {"begin": [1.0], "end": [1.0], "inflow": [0.0], "outflow": [0.0]}
    with pytest.raises(ValueError, match=named):
        twr_index(**{name: np.array(series) for name, series in (good | changed).items()})


def test_a_return_is_annual_from_a_year_on_and_never_under_it() -> None:
    totals, days = np.array([0.21, 0.10, 0.10, -1.0, -1.5, np.nan]), np.array([730, 365, 364, 730, 730, 730])

    assert annualise(totals, days) == pytest.approx([0.10, 0.10, np.nan, -1.0, np.nan, np.nan], nan_ok=True)
