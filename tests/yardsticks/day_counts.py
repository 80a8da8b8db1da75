"""Day counts and year fractions: QuantLib's own tests and two worked-example sites (by way of pyxirr's)."""

from datetime import date
from typing import Any

from domain.analytics.fixed_income.day_counts import (
    DayCount,
    accrual_years,
    day_plus_months,
    days_between,
    year_fraction,
)
from tests.yardsticks.cases import Case
from tests.yardsticks.judging import Yardstick

COUNTS = {
    "30/360 bond basis": DayCount.THIRTY_360_BOND_BASIS,
    "30/360 isda": DayCount.THIRTY_360_BOND_BASIS,
    "30/360 usa": DayCount.THIRTY_360_US,
    "30/360 us": DayCount.THIRTY_360_US,
    "30/360 sia": DayCount.THIRTY_360_US,
    "30/360 nasd": DayCount.THIRTY_360_US,
    "30/360 isma": DayCount.THIRTY_360_BOND_BASIS,
    "30/360 european": DayCount.THIRTY_E_360,
    "30/360 german": DayCount.THIRTY_E_360_ISDA,
    "30e/360": DayCount.THIRTY_E_360,
    "30e/360 eurobond basis": DayCount.THIRTY_E_360,
    "30e/360 german": DayCount.THIRTY_E_360_ISDA,
    "30e/360 isda": DayCount.THIRTY_E_360_ISDA,
    "act/360": DayCount.ACT_360,
    "act/365f": DayCount.ACT_365F,
    "act/act isda": DayCount.ACT_ACT_ISDA,
    "act/act isma": DayCount.ACT_ACT_ICMA,
    "act/act icma": DayCount.ACT_ACT_ICMA,
    "act/act isma/icma": DayCount.ACT_ACT_ICMA,
    "act/act bond": DayCount.ACT_ACT_ICMA,
    "actual": DayCount.ACT_360,
}
"""Our day counts by the names of others, without what they add in brackets."""


def day(text: str) -> date:
    return date.fromisoformat(text)


def count_named(name: str) -> DayCount:
    """The day count of that name; KeyError if we have none."""
    return COUNTS[name.split("(")[0].strip().lower()]


def _icma_years(asked: Any) -> float:
    """The reference period, and the regular ones before it if the start is earlier."""
    opens, closes = day(asked["ref_start"]), day(asked["ref_end"])
    months = (closes.year - opens.year) * 12 + closes.month - opens.month
    years, end = 0.0, day(asked["end"])
    while end > day(asked["start"]):
        start = max(opens, day(asked["start"]))
        years += float(accrual_years(DayCount.ACT_ACT_ICMA, start, end, opens, closes, 12 // months))
        opens, closes, end = day_plus_months(opens, -months), opens, opens
    return years


def _fraction(case: Case) -> dict[str, Any]:
    asked, count = case.inputs, count_named(case.row["convention"])
    ends = day(asked["start"]), day(asked["end"])
    if count is DayCount.ACT_ACT_ICMA:
        return {"year_fraction": _icma_years(asked)}
    return {"days": float(days_between(count, *ends)), "year_fraction": float(year_fraction(count, *ends))}


def _several(case: Case) -> dict[str, Any]:
    ends = day(case.inputs["start"]), day(case.inputs["end"])
    return {name: float(days_between(count_named(name), *ends)) for name in case.expected}


YARDSTICKS = {
    "day_count": Yardstick(_fraction),
    "year_fraction": Yardstick(_fraction),
    "day_count_triple": Yardstick(_several),
}
