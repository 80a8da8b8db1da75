"""The spreadsheet's functions for bonds, coupons, bills and day counts, as its own results have them.

Every row is either equal, or by another convention: then what we give is not equal, and with the spreadsheet's
convention put in its place it is. So no difference is left unexplained.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.analytics.arrays import Days
from domain.analytics.fixed_income.bills import (
    bond_equivalent_yield,
    discount_from_price,
    price_from_discount,
    price_with_interest_at_maturity,
    simple_yield,
    yield_with_interest_at_maturity,
)
from domain.analytics.fixed_income.bond_prices import (
    dirty_of,
    measures,
    measures_of,
    price_from_yield,
    yield_from_price,
)
from domain.analytics.fixed_income.bonds import Bond, Remaining
from domain.analytics.fixed_income.day_counts import DayCount, day_plus_months, days_between, days_of, year_fraction

Inputs = dict[str, Any]
FOLDER = Path(__file__).parents[1] / "cases"
GRID = json.loads((FOLDER / "excel_grid.json").read_text())
DOCUMENTED = json.loads((FOLDER / "excel_documented.json").read_text())["cases"]
ROWS = [
    {**row, "function": name.upper(), "tolerance": GRID["tolerance"], "file": "excel_grid.json"}
    for name, function in GRID["functions"].items()
    for row in function["rows"]
]
ROWS += [{**case, "file": "excel_documented.json"} for case in DOCUMENTED]

COUNT_OF_BASIS = {
    0: DayCount.THIRTY_360_US,
    1: DayCount.ACT_ACT_ICMA,
    2: DayCount.ACT_360,
    3: DayCount.ACT_365F,
    4: DayCount.THIRTY_E_360,
}
YEARS_OF_BASIS = {**COUNT_OF_BASIS, 1: DayCount.ACT_ACT_EXCEL}
NOMINAL_YEAR = {0: 360, 2: 360, 3: 365, 4: 360}

OUT_OF_SCOPE = {
    "XIRR": "money-weighted return: tested in test_performance.py, the grid's rows have periodic guesses",
    "XNPV": "no public net present value here",
    "IRR": "periodic, without dates",
    "MIRR": "periodic, without dates",
    "NPV": "periodic, without dates",
    "EFFECT": "converts a rate between compoundings, nothing of a bond",
}
NOMINAL_PERIODS = (
    "each coupon is rate / frequency, and a period counts as 360 or 365 / frequency days, though interest accrues for "
    "every day: accrued can exceed the coupon. Here an ACT/360 or ACT/365F coupon is what its days accrued"
)
FROM_FIRST_INTEREST = (
    "counted backwards from the period before the first interest, whole periods as rate / frequency and then the days "
    "from settlement taken off in that one period's measure. Here every period accrues its own days (ICMA Rule 251)"
)
FEBRUARY_WITHOUT_31ST = (
    "from the end of February to a 31st, PRICEMAT and YIELDMAT count 31 where YEARFRAC and 30/360 US count 30"
)


def day(text: str) -> date:
    return date.fromisoformat(text)


def bond_of(asked: Inputs, rate: float = 0.01, count: DayCount | None = None) -> Bond:
    percent = Decimal(str(rate)) * 100
    return Bond(day(asked["maturity"]), percent, count or COUNT_OF_BASIS[asked["basis"]], asked["freq"])


def settled(asked: Inputs) -> date:
    return day(asked["settlement"])


def period(asked: Inputs) -> Days:
    """The last coupon date up to settlement and the next."""
    return bond_of(asked).schedule(settled(asked)).dates[:2]


def whole_days(asked: Inputs, start: Any, end: Any) -> float:
    return float(days_between(COUNT_OF_BASIS[asked["basis"]], start, end))


def years(asked: Inputs, start: str, end: str) -> float:
    return float(year_fraction(YEARS_OF_BASIS[asked["basis"]], day(asked[start]), day(asked[end])))


def days_to_next(asked: Inputs) -> float:
    if asked["basis"] != 0:
        return whole_days(asked, settled(asked), period(asked)[1])
    left = bond_of(asked).remaining(days_of([settled(asked)]))
    return float(left.periods[0, 0]) * 360 / asked["freq"]


def accrued_interest(asked: Inputs) -> float:
    """A bond whose long first period is the one asked for; what comes after the first interest does not matter."""
    first, rate = day(asked["first_interest"]), Decimal(str(asked["rate"])) * 100
    count = COUNT_OF_BASIS[asked["basis"]]
    bond = Bond(day_plus_months(first, 1200), rate, count, asked["freq"], day(asked["issue"]), first)
    return bond.accrued(settled(asked)) * asked["par"] / 100


def years_to_maturity(asked: Inputs, extra_days: int = 0) -> tuple[float, float]:
    """Years in all and years over, by one length of the year: that from issue to settlement."""
    count = YEARS_OF_BASIS[asked["basis"]]
    issue, maturity = day(asked["issue"]), day(asked["maturity"])
    over = float(days_between(count, issue, settled(asked)))
    year = over / years(asked, "issue", "settlement")
    return float(days_between(count, issue, maturity)) / year, (over + extra_days) / year


def priced_at_maturity(asked: Inputs, extra_days: int = 0) -> float:
    rate, total = asked["rate"] * 100, years_to_maturity(asked, extra_days)
    if "pr" in asked:
        return yield_with_interest_at_maturity(rate, asked["pr"], *total) / 100
    return price_with_interest_at_maturity(rate, asked["yld"] * 100, *total)


def bill_days(asked: Inputs) -> int:
    return (day(asked["maturity"]) - settled(asked)).days


FUNCTIONS: dict[str, Callable[[Inputs], float | str]] = {
    "PRICE": lambda i: price_from_yield(bond_of(i, i["rate"]), settled(i), i["yld"] * 100).clean,
    "YIELD": lambda i: yield_from_price(bond_of(i, i["rate"]), settled(i), i["pr"]) / 100,
    "DURATION": lambda i: measures(bond_of(i, i["coupon"]), settled(i), i["yld"] * 100).macaulay_duration[0],
    "MDURATION": lambda i: measures(bond_of(i, i["coupon"]), settled(i), i["yld"] * 100).modified_duration[0],
    "ACCRINT": accrued_interest,
    "ACCRINTM": lambda i: i["par"] * i["rate"] * years(i, "issue", "settlement"),
    "YEARFRAC": lambda i: years(i, "start", "end"),
    "COUPNUM": lambda i: len(bond_of(i).schedule(settled(i)).accruals),
    "COUPDAYSBS": lambda i: whole_days(i, period(i)[0], settled(i)),
    "COUPDAYSNC": days_to_next,
    "COUPDAYS": lambda i: 360 / i["freq"] if i["basis"] in (0, 4) else whole_days(i, *period(i)),
    "COUPNCD": lambda i: str(period(i)[1]),
    "COUPPCD": lambda i: str(period(i)[0]),
    "DISC": lambda i: discount_from_price(i["pr"], years(i, "settlement", "maturity"), i["redemption"]) / 100,
    "PRICEDISC": lambda i: price_from_discount(
        i["discount"] * 100, years(i, "settlement", "maturity"), i["redemption"]
    ),
    "PRICEMAT": priced_at_maturity,
    "YIELDMAT": priced_at_maturity,
    "TBILLPRICE": lambda i: price_from_discount(i["discount"] * 100, bill_days(i) / 360),
    "TBILLYIELD": lambda i: simple_yield(i["pr"], bill_days(i) / 360) / 100,
    "TBILLEQ": lambda i: bond_equivalent_yield(i["discount"] * 100, bill_days(i)) / 100,
}


def with_nominal_periods(asked: Inputs, rate: float) -> Remaining:
    """Coupons of rate / frequency, and the spreadsheet's share of the period that is over."""
    left = bond_of(asked, rate, DayCount.ACT_ACT_ICMA).remaining(days_of([settled(asked)]))
    over = whole_days(asked, period(asked)[0], settled(asked)) * asked["freq"] / NOMINAL_YEAR[asked["basis"]]
    periods = np.arange(left.amounts.shape[1]) + 1 - over
    return replace(left, periods=periods[None, :], accrued=np.array([rate * 100 / asked["freq"] * over]))


def price_with_nominal_periods(asked: Inputs) -> float:
    left = with_nominal_periods(asked, asked["rate"])
    return float((dirty_of(left, np.array([asked["yld"] * 100])) - left.accrued)[0])


def accrued_from_first_interest(asked: Inputs) -> float:
    issue, closes = day(asked["issue"]), day(asked["first_interest"])
    months, year = 12 // asked["freq"], NOMINAL_YEAR.get(asked["basis"])
    opens = day_plus_months(closes, -months)

    def share(start: date, end: date) -> float:
        length = year / asked["freq"] if year else (closes - opens).days
        return whole_days(asked, start, end) / length

    periods, before = share(max(issue, opens), settled(asked)), 1
    while opens > issue:
        before += 1
        closes, opens = opens, day_plus_months(day(asked["first_interest"]), -before * months)
        periods += 1 if issue <= opens else share(issue, closes)
    return float(asked["par"] * asked["rate"] / asked["freq"] * periods)


ALIGNED: dict[str, Callable[[Inputs], float]] = {
    "PRICE": price_with_nominal_periods,
    "DURATION": lambda i: float(
        measures_of(with_nominal_periods(i, i["coupon"]), np.array([i["yld"] * 100])).macaulay_duration[0]
    ),
    "MDURATION": lambda i: float(
        measures_of(with_nominal_periods(i, i["coupon"]), np.array([i["yld"] * 100])).modified_duration[0]
    ),
    "COUPDAYS": lambda i: NOMINAL_YEAR[i["basis"]] / i["freq"],
    "ACCRINT": accrued_from_first_interest,
    "PRICEMAT": lambda i: priced_at_maturity(i, extra_days=1),
    "YIELDMAT": lambda i: priced_at_maturity(i, extra_days=1),
}


def other_convention(row: dict[str, Any]) -> str | None:
    """Why the spreadsheet's figure is not ours, if it is not."""
    asked, basis = row["inputs"], row["inputs"].get("basis")
    match row["function"]:
        case "PRICE" | "DURATION" | "MDURATION" if basis in (2, 3):
            return NOMINAL_PERIODS
        case "COUPDAYS" if basis == 2:
            return NOMINAL_PERIODS
        case "ACCRINT" if basis in (1, 2, 3) and row["id"] not in ACCRUED_ALIKE:
            return FROM_FIRST_INTEREST
        case "PRICEMAT" | "YIELDMAT" if basis == 0 and asked["issue"] == "1993-02-28" and settled(asked).day == 31:
            return FEBRUARY_WITHOUT_31ST
    return None


# Settlement is in the first of the periods, or all of it in whole ones, so that both ways are one.
ACCRUED_ALIKE = {"accrint-43"}
RUN = [row for row in ROWS if row["function"] not in OUT_OF_SCOPE]


def matches(found: float | str, row: dict[str, Any]) -> bool:
    expected = row["expected"]
    return found == expected if isinstance(expected, str) else abs(float(found) - expected) <= row["tolerance"]


def explained(row: dict[str, Any]) -> str:
    if row["function"] in OUT_OF_SCOPE:
        return "out of scope"
    is_ours = matches(FUNCTIONS[row["function"]](row["inputs"]), row)
    if other_convention(row) is None:
        return "equal" if is_ours else "unexplained"
    is_aligned = matches(ALIGNED[row["function"]](row["inputs"]), row)
    return "another convention" if is_aligned and not is_ours else "unexplained"


@pytest.mark.parametrize("row", RUN, ids=lambda row: row["id"])
def test_a_function_gives_what_the_spreadsheet_gives(row):
    assert explained(row) != "unexplained", FUNCTIONS[row["function"]](row["inputs"])


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("excel_grid.json", {"equal": 485, "another convention": 60, "out of scope": 32}),
        ("excel_documented.json", {"equal": 7, "out of scope": 6}),
    ],
)
def test_every_row_is_equal_explained_or_out_of_scope(file, expected, capsys):
    rows = [row for row in ROWS if row["file"] == file]
    counts = Counter(explained(row) for row in rows)
    with capsys.disabled():
        print(f"\n{file}: {dict(counts)}", file=sys.__stderr__)

    assert counts == expected
