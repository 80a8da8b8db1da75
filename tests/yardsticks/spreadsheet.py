"""The spreadsheet's functions of bonds, coupons, bills and day counts, as its own results have them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

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
from tests.yardsticks.cases import Case
from tests.yardsticks.day_counts import day
from tests.yardsticks.judging import Convention, Yardstick

Inputs = Any
COUNT_OF_BASIS = {
    0: DayCount.THIRTY_360_US,
    1: DayCount.ACT_ACT_ICMA,
    2: DayCount.ACT_360,
    3: DayCount.ACT_365F,
    4: DayCount.THIRTY_E_360,
}
YEARS_OF_BASIS = {**COUNT_OF_BASIS, 1: DayCount.ACT_ACT_EXCEL}
NOMINAL_YEAR = {0: 360, 2: 360, 3: 365, 4: 360}


def _bond(asked: Inputs, rate: float = 0.01, count: DayCount | None = None) -> Bond:
    percent = Decimal(str(rate)) * 100
    return Bond(day(asked["maturity"]), percent, count or COUNT_OF_BASIS[asked["basis"]], asked["freq"])


def _settled(asked: Inputs) -> date:
    return day(asked["settlement"])


def _period(asked: Inputs) -> Days:
    """The last coupon date up to settlement and the next."""
    return _bond(asked).schedule(_settled(asked)).dates[:2]


def _whole_days(asked: Inputs, start: Any, end: Any) -> float:
    return float(days_between(COUNT_OF_BASIS[asked["basis"]], start, end))


def _years(asked: Inputs, start: str, end: str) -> float:
    return float(year_fraction(YEARS_OF_BASIS[asked["basis"]], day(asked[start]), day(asked[end])))


def _days_to_next(asked: Inputs) -> float:
    if asked["basis"] != 0:
        return _whole_days(asked, _settled(asked), _period(asked)[1])
    left = _bond(asked).remaining(days_of([_settled(asked)]))
    return float(left.periods[0, 0]) * 360 / asked["freq"]


def _accrued_interest(asked: Inputs) -> float:
    """A bond whose long first period is the one asked for; what comes after the first interest does not matter."""
    first, rate = day(asked["first_interest"]), Decimal(str(asked["rate"])) * 100
    count = COUNT_OF_BASIS[asked["basis"]]
    bond = Bond(day_plus_months(first, 1200), rate, count, asked["freq"], day(asked["issue"]), first)
    return bond.accrued(_settled(asked)) * asked["par"] / 100


def _years_to_maturity(asked: Inputs, extra_days: int = 0) -> tuple[float, float]:
    """Years in all and years over, by one length of the year: that from issue to settlement."""
    count = YEARS_OF_BASIS[asked["basis"]]
    issue, maturity = day(asked["issue"]), day(asked["maturity"])
    over = float(days_between(count, issue, _settled(asked)))
    year = over / _years(asked, "issue", "settlement")
    return float(days_between(count, issue, maturity)) / year, (over + extra_days) / year


def _priced_at_maturity(asked: Inputs, extra_days: int = 0) -> float:
    rate, total = asked["rate"] * 100, _years_to_maturity(asked, extra_days)
    if "pr" in asked:
        return yield_with_interest_at_maturity(rate, asked["pr"], *total) / 100
    return price_with_interest_at_maturity(rate, asked["yld"] * 100, *total)


def _bill_days(asked: Inputs) -> int:
    return (day(asked["maturity"]) - _settled(asked)).days


FUNCTIONS: dict[str, Callable[[Inputs], Any]] = {
    "price": lambda i: price_from_yield(_bond(i, i["rate"]), _settled(i), i["yld"] * 100).clean,
    "yield": lambda i: yield_from_price(_bond(i, i["rate"]), _settled(i), i["pr"]) / 100,
    "duration": lambda i: measures(_bond(i, i["coupon"]), _settled(i), i["yld"] * 100).macaulay_duration[0],
    "mduration": lambda i: measures(_bond(i, i["coupon"]), _settled(i), i["yld"] * 100).modified_duration[0],
    "accrint": _accrued_interest,
    "accrintm": lambda i: i["par"] * i["rate"] * _years(i, "issue", "settlement"),
    "yearfrac": lambda i: _years(i, "start", "end"),
    "coupnum": lambda i: len(_bond(i).schedule(_settled(i)).accruals),
    "coupdaysbs": lambda i: _whole_days(i, _period(i)[0], _settled(i)),
    "coupdaysnc": _days_to_next,
    "coupdays": lambda i: 360 / i["freq"] if i["basis"] in (0, 4) else _whole_days(i, *_period(i)),
    "coupncd": lambda i: str(_period(i)[1]),
    "couppcd": lambda i: str(_period(i)[0]),
    "disc": lambda i: discount_from_price(i["pr"], _years(i, "settlement", "maturity"), i["redemption"]) / 100,
    "pricedisc": lambda i: price_from_discount(
        i["discount"] * 100, _years(i, "settlement", "maturity"), i["redemption"]
    ),
    "pricemat": _priced_at_maturity,
    "yieldmat": _priced_at_maturity,
    "tbillprice": lambda i: price_from_discount(i["discount"] * 100, _bill_days(i) / 360),
    "tbillyield": lambda i: simple_yield(i["pr"], _bill_days(i) / 360) / 100,
    "tbilleq": lambda i: bond_equivalent_yield(i["discount"] * 100, _bill_days(i)) / 100,
}


def _with_nominal_periods(asked: Inputs, rate: float) -> Remaining:
    """Coupons of rate / frequency, and the spreadsheet's share of the period that is over."""
    left = _bond(asked, rate, DayCount.ACT_ACT_ICMA).remaining(days_of([_settled(asked)]))
    over = _whole_days(asked, _period(asked)[0], _settled(asked)) * asked["freq"] / NOMINAL_YEAR[asked["basis"]]
    periods = np.arange(left.amounts.shape[1]) + 1 - over
    return replace(left, periods=periods[None, :], accrued=np.array([rate * 100 / asked["freq"] * over]))


def _price_with_nominal_periods(asked: Inputs) -> float:
    left = _with_nominal_periods(asked, asked["rate"])
    return float((dirty_of(left, np.array([asked["yld"] * 100])) - left.accrued)[0])


def _measures_with_nominal_periods(asked: Inputs) -> Any:
    return measures_of(_with_nominal_periods(asked, asked["coupon"]), np.array([asked["yld"] * 100]))


def _accrued_from_first_interest(asked: Inputs) -> float:
    issue, closes = day(asked["issue"]), day(asked["first_interest"])
    months, year = 12 // asked["freq"], NOMINAL_YEAR.get(asked["basis"])
    opens = day_plus_months(closes, -months)

    def share(start: date, end: date) -> float:
        length = year / asked["freq"] if year else (closes - opens).days
        return _whole_days(asked, start, end) / length

    periods, before = share(max(issue, opens), _settled(asked)), 1
    while opens > issue:
        before += 1
        closes, opens = opens, day_plus_months(day(asked["first_interest"]), -before * months)
        periods += 1 if issue <= opens else share(issue, closes)
    return float(asked["par"] * asked["rate"] / asked["freq"] * periods)


def _of_bases(*bases: int) -> Callable[[Case], bool]:
    return lambda case: case.inputs["basis"] in bases


def _is_february_to_a_31st(case: Case) -> bool:
    asked, issue = case.inputs, day(case.inputs["issue"])
    return asked["basis"] == 0 and _settled(asked).day == 31 and issue.month == 2 and (issue + timedelta(1)).day == 1


def _other(reason: str, figure: Callable[[Inputs], Any], applies: Callable[[Case], bool]) -> tuple[Convention, ...]:
    return (Convention(reason, lambda case: figure(case.inputs), applies),)


NOMINAL_PERIODS = (
    "each coupon is rate / frequency, and a period counts as 360 or 365 / frequency days, though interest accrues for "
    "every day: accrued can exceed the coupon; here an ACT/360 or ACT/365F coupon is what its days accrued"
)
FROM_FIRST_INTEREST = (
    "accrued is counted backwards from the period before the first interest, whole periods as rate / frequency and "
    "then the days in that one period's measure; here every period accrues its own days (ICMA Rule 251)"
)
FEBRUARY_WITHOUT_31ST = (
    "from the end of February to a 31st, PRICEMAT and YIELDMAT count 31 where YEARFRAC and 30/360 US count 30"
)
OTHERS: dict[str, tuple[Convention, ...]] = {
    "price": _other(NOMINAL_PERIODS, _price_with_nominal_periods, _of_bases(2, 3)),
    "duration": _other(
        NOMINAL_PERIODS, lambda i: _measures_with_nominal_periods(i).macaulay_duration[0], _of_bases(2, 3)
    ),
    "mduration": _other(
        NOMINAL_PERIODS, lambda i: _measures_with_nominal_periods(i).modified_duration[0], _of_bases(2, 3)
    ),
    "coupdays": _other(NOMINAL_PERIODS, lambda i: NOMINAL_YEAR[i["basis"]] / i["freq"], _of_bases(2)),
    "accrint": _other(FROM_FIRST_INTEREST, _accrued_from_first_interest, _of_bases(1, 2, 3)),
    "pricemat": _other(FEBRUARY_WITHOUT_31ST, lambda i: _priced_at_maturity(i, 1), _is_february_to_a_31st),
    "yieldmat": _other(FEBRUARY_WITHOUT_31ST, lambda i: _priced_at_maturity(i, 1), _is_february_to_a_31st),
}


def _yardstick(name: str, function: Callable[[Inputs], Any]) -> Yardstick:
    return Yardstick(lambda case: function(case.inputs), OTHERS.get(name, ()))


YARDSTICKS = {name: _yardstick(name, function) for name, function in FUNCTIONS.items()}
