"""Money-weighted and time-weighted returns: pyxirr's tests, spreadsheets, trackers and worked examples."""

from datetime import date, timedelta
from itertools import groupby, pairwise
from typing import Any

import numpy as np

from domain.analytics.fixed_income.day_counts import year_fraction
from domain.analytics.returns.money_weighted import XirrResult, _proved_rates, xirr
from domain.analytics.returns.performance import annualise, twr_index
from domain.analytics.risk.ratios import max_drawdown
from tests.yardsticks.cases import Case
from tests.yardsticks.day_counts import count_named, day
from tests.yardsticks.judging import Convention, Yardstick, matches

START = date(2001, 1, 1)


def _any_listed_root(case: Case, found: XirrResult) -> Any:
    """Our rate; where a case lists several real roots and ours is one of them, the one of them that it expects."""
    listed = [*case.row.get("all_real_roots_found_in_(-1,100]", []), case.row.get("alternative_valid_root")]
    expected = case.expected.get("xirr", case.expected.get("irr")) if isinstance(case.expected, dict) else case.expected
    wanted = (found.rate, found.rate if expected is None else expected)  # null: none in the range that was searched
    are_listed = all(
        any(root is not None and matches(root, rate, case.tolerance) for root in listed) for rate in wanted
    )
    rate = expected if found.rate is not None and are_listed else found.rate
    return dict.fromkeys(("xirr", "irr"), rate) if isinstance(case.expected, dict) else rate


def _xirr(case: Case) -> Any:
    return _any_listed_root(case, xirr([day(one) for one in case.inputs["dates"]], case.inputs["amounts"]))


def _xirr_by_its_day_count(case: Case) -> Any:
    dates = np.array(case.inputs["dates"], dtype="datetime64[D]")
    order = np.argsort(dates, kind="stable")
    years = year_fraction(count_named(case.inputs["day_count"]), dates.min(), dates[order])
    amounts = np.array(case.inputs["amounts"], dtype=float)
    return {"xirr": _proved_rates(years[None], amounts[None, order], np.log1p(np.array([0.1])))[0]}


def _xirr_without_flows(case: Case) -> Any:
    return {"error": xirr([], []).rate is None}


def _daily(case: Case) -> dict[str, Any]:
    rows = case.inputs["rows"]
    end, inflow, outflow = (
        np.array([row.get(key, row.get("interest", 0)) for row in rows], dtype=float)
        for key in ("value_end", "inflow", "outflow")
    )
    result = twr_index(np.concatenate([[0.0], end[:-1]])[: len(end)], end, inflow, outflow)
    levels = [1.0, *result.index]
    weeks = groupby(range(len(rows)), key=lambda n: day(rows[n]["date"]).isocalendar()[:2])
    last_of_weeks = [0, *(max(week) + 1 for _, week in weeks)]
    return {
        "daily": result.returns,
        "accumulated": result.index - 1,
        "accumulated_last": levels[-1] - 1,
        "weekly": [levels[after] / levels[before] - 1 for before, after in pairwise(last_of_weeks)],
        "warning_count": int(np.sum(np.isnan(result.returns) & (end + outflow > 0))),
    }


def _linked(periods: list[tuple[float, float, float, float]]) -> float:
    """The return over periods of begin, end, inflow at the start and outflow at the end."""
    return float(twr_index(*np.array(periods, dtype=float).T).index[-1] - 1)


def _between_flows(case: Case) -> dict[str, Any]:
    value, periods = case.inputs["start_value"], []
    for event in [*case.inputs["events"], {"value_before_flow": case.inputs["end_value"], "flow": 0}]:
        periods.append((value, event["value_before_flow"], 0, 0))
        value = event["value_before_flow"] + event["flow"]
    return {"twr": _linked(periods)}


def _yearly(case: Case) -> dict[str, Any]:
    """One flow a year; the years by their values, or by the prices of one unit. Income leaves at a year's end."""
    asked = case.inputs
    given = asked.get("subperiods") or [{"begin": a, "end": b, "income": 0} for a, b in pairwise(asked["prices"])]
    total = _linked([(one["begin"], one["end"], 0, one["income"]) for one in given])
    flows = [START + timedelta(365 * year) for year in range(len(asked["flows_t"]))]
    return {
        "mwr": xirr(flows, asked["flows_t"]).rate,
        "twr": total,
        "twr_annual": annualise(np.array([total]), np.array([365 * len(given)]))[0],
    }


def _linked_returns(case: Case) -> dict[str, Any]:
    return {"linked": _linked([(1, 1 + one, 0, 0) for one in case.inputs["period_returns"]])}


def _deepest_fall(case: Case) -> dict[str, Any]:
    fall = max_drawdown(1 + np.array(case.inputs["accumulated"], dtype=float))
    first = str(case.inputs.get("dates", START))[:10]
    days = [None if place is None else str(day(first) + timedelta(place)) for place in (fall.trough, fall.recovery)]
    return {"max_drawdown": fall.depth, "longest_recovery": days}


OTHER_DAYS = Convention(
    "years counted by another day count than ACT/365 (RULEBOOK 7)",
    _xirr_by_its_day_count,
    lambda case: "day_count" in case.inputs,
)
NO_FLOWS = Convention(
    "an error without flows, which are one way to have no rate here",
    _xirr_without_flows,
    lambda case: not case.inputs["dates"],
)
YARDSTICKS = {
    "xirr": Yardstick(_xirr, (OTHER_DAYS, NO_FLOWS)),
    "twr_daily": Yardstick(_daily),
    "flows within a period": Yardstick(_between_flows),
    "yearly flows": Yardstick(_yearly),
    "linked returns": Yardstick(_linked_returns),
    "drawdown_from_accumulated_returns": Yardstick(_deepest_fall),
}
