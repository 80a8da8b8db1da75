"""XIRR, time-weighted return and annualising, against published figures."""

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.analytics.returns.money_weighted import xirr
from domain.analytics.returns.performance import annualise, twr_index

FOLDER = Path(__file__).parents[1] / "cases"


def cases_of(name: str) -> list[dict]:
    return json.loads((FOLDER / f"{name}.json").read_text())["cases"]


def days(*texts: str) -> list[date]:
    return [date.fromisoformat(text) for text in texts]


PYXIRR = cases_of("pyxirr_xirr")
PYXIRR_OTHER_KINDS = {
    "xnpv": "no public net present value here",
    "xnfv": "no public net future value here",
    "irr": "periodic, without dates",
    "fv": "periodic annuities",
    "pv": "periodic annuities",
    "ppmt": "periodic annuities",
    "npv_excel_first_flow_at_t1": "periodic, without dates",
}
PYXIRR_NOT_RUN = {
    "xirr-random": "its flows are in a file that the case does not carry",
    "xirr-random_1000": "its flows are in a file that the case does not carry",
    "xirr-daycount-30/360 SIA": "RULEBOOK 7 counts days ACT/365",
    "xirr-daycount-act/360": "RULEBOOK 7 counts days ACT/365",
    "xirr-empty": "upstream raises an error; here no flows are one way to have no answer (tested below)",
}
XIRR_CASES = [case for case in PYXIRR if case["kind"] == "xirr" and case["id"] not in PYXIRR_NOT_RUN]
XIRR_CASES += [case for case in cases_of("portfolio_performance") if case["kind"] == "xirr"]
XIRR_CASES += [case for case in cases_of("excel_documented") if case["function"] == "XIRR"]
TTWROR = {case["id"]: case for case in cases_of("portfolio_performance") if case["kind"] == "twr_daily"}
WORKED = {case["id"]: case for case in cases_of("twr_mwr_worked_examples")}


def test_every_case_is_run_or_has_a_reason():
    assert {case["kind"] for case in PYXIRR} == {"xirr"} | set(PYXIRR_OTHER_KINDS)
    assert {case["id"] for case in PYXIRR if case["kind"] == "xirr"} >= set(PYXIRR_NOT_RUN)
    assert len(XIRR_CASES) == 32 + 2  # pyxirr's, Portfolio Performance's irr-1, the spreadsheet's doc-XIRR-25
    assert set(TTWROR) == {"ttwror-excel", "ttwror-empty", "ttwror-interest-without-capital"}
    assert set(WORKED) == set(WORKED_TWR) | set(WORKED_MWR) | {
        "modified-dietz-month"
    }  # the last is no TWR: out of scope


@pytest.mark.parametrize("case", XIRR_CASES, ids=lambda case: case["id"])
def test_xirr_is_the_published_rate(case):
    result = xirr(days(*case["inputs"]["dates"]), case["inputs"]["amounts"])
    expected = case["expected"]
    expected = expected.get("xirr", expected.get("irr")) if isinstance(expected, dict) else expected
    if expected is None:
        assert (result.rate, result.status) == (None, "NO_SIGN_CHANGE")
        return
    roots = [expected, *case.get("all_real_roots_found_in_(-1,100]", [])]
    assert result.rate == pytest.approx(min(roots, key=lambda root: abs(root - 0.1)), abs=case["tolerance"])
    if case.get("acceptance") in ("unique", "any_of_roots"):
        assert result.status == ("OK" if case["acceptance"] == "unique" else "MULTIPLE")


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


# Each worked example as periods of (begin, end, inflow at the start, outflow at the end), and the days it took.
WORKED_TWR = {
    "actuarial-two-flows": ([(100_000, 112_000, 0, 0), (112_000, 125_000, 30_000, 0), (83_000, 100_000, 0, 0)], None),
    "three-periods": ([(100_000, 110_000, 0, 0), (105_000, 108_000, 0, 0), (108_000, 100_000, 3_000, 0)], None),
    "mwr-vs-twr-shares-1": ([(50, 50, 0, 0), (50, 80, 0, 5)], 730),  # the dividend leaves as an outflow
    "mwr-vs-twr-shares-2": ([(42, 55, 0, 0), (55, 54, 0, 0)], 730),
    "linked-irr": ([(1, 1.04, 0, 0), (1, 1.09, 0, 0), (1, 1.05, 0, 0), (1, 1.11, 0, 0)], None),
}
WORKED_MWR = ["mwr-vs-twr-shares-1", "mwr-vs-twr-shares-2"]


@pytest.mark.parametrize("name", WORKED_TWR)
def test_time_weighted_return_is_the_worked_examples(name):
    periods, elapsed = WORKED_TWR[name]
    total = twr_index(*np.array(periods, dtype=float).T).index[-1] - 1
    expected = WORKED[name]["expected"]
    found = total if elapsed is None else annualise(np.array([total]), np.array([elapsed]))[0]
    wanted = expected.get("twr", expected.get("linked", expected.get("twr_annual")))
    assert found == pytest.approx(wanted, abs=WORKED[name]["tolerance"])


@pytest.mark.parametrize("name", WORKED_MWR)
def test_money_weighted_return_is_the_worked_examples(name):
    amounts = WORKED[name]["inputs"]["flows_t"]  # one a year
    result = xirr([date(2021, 1, 1) + timedelta(365 * year) for year in range(len(amounts))], amounts)
    assert result.rate == pytest.approx(WORKED[name]["expected"]["mwr"], abs=WORKED[name]["tolerance"])


def test_daily_returns_and_index_are_portfolio_performances_ttwror():
    case = TTWROR["ttwror-excel"]
    end, inflow, outflow = (
        np.array([row[key] for row in case["inputs"]["rows"]], dtype=float)
        for key in ("value_end", "inflow", "outflow")
    )
    result = twr_index(np.concatenate([[0.0], end[:-1]]), end, inflow, outflow)
    assert result.returns == pytest.approx(case["expected"]["daily"], abs=case["tolerance"])
    assert result.index - 1 == pytest.approx(case["expected"]["accumulated"], abs=case["tolerance"])


def test_no_days_have_no_returns():
    # ttwror-empty: upstream accumulates 0; here the index is empty and the caller has nothing to show.
    nothing = np.array([])
    assert len(twr_index(nothing, nothing, nothing, nothing).index) == 0


def test_gain_on_no_capital_is_a_break_that_the_index_carries_over():
    # ttwror-interest-without-capital: upstream returns 0 with a warning; RULEBOOK 7 says undefined, which is NaN.
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
