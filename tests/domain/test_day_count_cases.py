"""Day counts against QuantLib's own tests and two worked-example sites (by way of pyxirr's)."""

import json
import sys
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.analytics.fixed_income.day_counts import (
    DayCount,
    accrual_years,
    day_plus_months,
    days_between,
    days_of,
    is_month_end,
    year_fraction,
)

CASES = json.loads((Path(__file__).parents[1] / "cases" / "day_count.json").read_text())["cases"]
OURS = {
    "30/360 bond basis (US, ISDA 2006 4.16(f))": DayCount.THIRTY_360_BOND_BASIS,
    "30/360 ISDA": DayCount.THIRTY_360_BOND_BASIS,
    "30/360 USA (NASD/SIFMA, Feb end-of-month rule)": DayCount.THIRTY_360_US,
    "30/360 US": DayCount.THIRTY_360_US,
    "30E/360 eurobond basis (ISDA 2006 4.16(g))": DayCount.THIRTY_E_360,
    "30E/360": DayCount.THIRTY_E_360,
    "30E/360 German": DayCount.THIRTY_E_360_ISDA,
    "Act/360": DayCount.ACT_360,
    "Act/365F": DayCount.ACT_365F,
    "Act/Act ISDA": DayCount.ACT_ACT_ISDA,
    "Act/Act ISMA/ICMA": DayCount.ACT_ACT_ICMA,
    "actual": DayCount.ACT_360,
}
OUT_OF_SCOPE = {
    "Act/Act AFB": "the French variant is on no security's details (RULEBOOK 8)",
    "NL/365": "a year without leap days is on no security's details (RULEBOOK 8)",
}
RUN = [case for case in CASES if case["convention"] not in OUT_OF_SCOPE]


def day(text: str) -> date:
    return date.fromisoformat(text)


def icma_years(asked: dict[str, str]) -> float:
    """The reference period, and the regular ones before it if the start is earlier."""
    opens, closes = day(asked["ref_start"]), day(asked["ref_end"])
    months = (closes.year - opens.year) * 12 + closes.month - opens.month
    years, end = 0.0, day(asked["end"])
    while end > day(asked["start"]):
        start = max(opens, day(asked["start"]))
        years += float(accrual_years(DayCount.ACT_ACT_ICMA, start, end, opens, closes, 12 // months))
        opens, closes, end = day_plus_months(opens, -months), opens, opens
    return years


def found(case: dict[str, Any]) -> dict[str, float]:
    asked = case["inputs"]
    ends = day(asked["start"]), day(asked["end"])
    if case["kind"] == "day_count_triple":
        return {name: float(days_between(OURS[name], *ends)) for name in case["expected"]}
    count = OURS[case["convention"]]
    if count is DayCount.ACT_ACT_ICMA:
        return {"year_fraction": icma_years(asked)}
    return {"days": float(days_between(count, *ends)), "year_fraction": float(year_fraction(count, *ends))}


def is_equal(case: dict[str, Any]) -> bool:
    ours = found(case)
    return all(abs(ours[name] - expected) <= case["tolerance"] for name, expected in case["expected"].items())


@pytest.mark.parametrize("case", RUN, ids=lambda case: case["id"])
def test_a_day_count_is_the_published_one(case):
    assert is_equal(case), found(case)


def test_every_case_is_compared_or_out_of_scope_with_a_reason(capsys):
    counts = Counter(
        "out of scope" if case["convention"] in OUT_OF_SCOPE else "equal" if is_equal(case) else "unexplained"
        for case in CASES
    )
    with capsys.disabled():
        print(f"\nday_count.json: {dict(counts)}", file=sys.__stderr__)

    assert counts == {"equal": 77, "out of scope": 3}


def test_days_by_array_are_the_days_one_by_one():
    starts = np.arange("2007-01-25", "2008-04-05", 3, dtype="datetime64[D]")
    ends = starts + np.arange(len(starts)) * 2
    for count in set(DayCount) - {DayCount.ACT_ACT_ICMA}:
        one_by_one = [float(year_fraction(count, start, end)) for start, end in zip(starts, ends, strict=True)]
        assert year_fraction(count, starts, ends).tolist() == one_by_one


def test_icma_years_need_their_coupon_period():
    with pytest.raises(ValueError, match="coupon periods"):
        year_fraction(DayCount.ACT_ACT_ICMA, date(2024, 1, 1), date(2024, 7, 1))


@pytest.mark.parametrize("count", [count for count in DayCount if count.has_equal_months])
def test_a_part_of_a_period_of_equal_months_never_accrues_more_than_the_whole(count):
    # From 28 February the bond basis and 30E/360 count 182 days until 30 August, two more than half a year has.
    opens, closes = date(2023, 2, 28), date(2023, 8, 31)
    part = accrual_years(count, opens, date(2023, 8, 30), opens, closes, 2)
    assert part <= accrual_years(count, opens, closes, opens, closes, 2) == 0.5


def test_months_are_added_up_to_the_last_day_of_a_month():
    assert day_plus_months(date(2024, 1, 31), 1) == date(2024, 2, 29)
    assert day_plus_months(date(2024, 2, 29), -12) == date(2023, 2, 28)
    assert day_plus_months(date(2023, 2, 28), 6) == date(2023, 8, 28)
    assert day_plus_months(date(2023, 2, 28), 6, keeps_month_end=True) == date(2023, 8, 31)
    assert is_month_end(days_of([date(2023, 2, 28), date(2024, 2, 28), date(2024, 12, 31)])).tolist() == [
        True,
        False,
        True,
    ]
