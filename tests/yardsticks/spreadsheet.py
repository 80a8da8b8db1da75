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
from domain.analytics.fixed_income.bond_prices import dirty_of, measures, measures_of, yield_of
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
    return float(days_between(COUNT_OF_BASIS[asked["basis"]], start, end)) + _a_31st(asked, start, end)


def _years(asked: Inputs, start: str, end: str) -> float:
    first, last = day(asked[start]), day(asked[end])
    return float(year_fraction(YEARS_OF_BASIS[asked["basis"]], first, last)) + _a_31st(asked, first, last) / 360


def _a_31st(asked: Inputs, start: Any, end: Any) -> int:
    """The day more that the spreadsheet counts from the end of February to a 31st, if its count is asked for."""
    if not asked.get("counts a 31st") or asked["basis"] != 0:
        return 0
    first, last = day(str(start)), day(str(end))
    return int(first.month == 2 and (first + timedelta(1)).day == 1 and last.day == 31)


def _days_to_next(asked: Inputs) -> float:
    if asked["basis"] != 0:
        return _whole_days(asked, _settled(asked), _period(asked)[1])
    left = _bond(asked).remaining(days_of([_settled(asked)]))
    return float(left.periods[0, 0]) * 360 / asked["freq"] - _a_31st(asked, _period(asked)[0], _settled(asked))


def _remaining(asked: Inputs, rate: float) -> Remaining:
    """Payments to come, of a bond that is redeemed at another price than par where the case says so."""
    left = _bond(asked, rate).remaining(days_of([_settled(asked)]))
    amounts = left.amounts.copy()
    amounts[0, -1] += asked.get("redemption", 100) - 100
    return replace(left, amounts=amounts)


def _clean_price(left: Remaining, asked: Inputs) -> float:
    return float((dirty_of(left, np.array([asked["yld"] * 100])) - left.accrued)[0])


def _yield(asked: Inputs) -> float:
    left = _remaining(asked, asked["rate"])
    return float(yield_of(left, asked["pr"] + left.accrued)[0] / 100)


def _accrued_interest(asked: Inputs) -> float:
    """A bond whose long first period is the one asked for; what comes after the first interest does not matter."""
    first, rate = day(asked["first_interest"]), Decimal(str(asked["rate"])) * 100
    count = COUNT_OF_BASIS[asked["basis"]]
    bond = Bond(day_plus_months(first, 1200), rate, count, asked["freq"], day(asked["issue"]), first)
    return bond.accrued(_settled(asked)) * asked["par"] / 100


def _priced_at_maturity(asked: Inputs) -> float:
    """All years are of one length: that of the time from issue to settlement."""
    issue, settled, maturity = day(asked["issue"]), _settled(asked), day(asked["maturity"])
    count = YEARS_OF_BASIS[asked["basis"]]
    year = float(days_between(count, issue, settled)) / float(year_fraction(count, issue, settled))
    until = (
        (float(days_between(count, issue, end)) + _a_31st(asked, issue, end)) / year for end in (maturity, settled)
    )
    rate = asked["rate"] * 100
    if "pr" in asked:
        return yield_with_interest_at_maturity(rate, asked["pr"], *until) / 100
    return price_with_interest_at_maturity(rate, asked["yld"] * 100, *until)


def _bill_days(asked: Inputs) -> int:
    return (day(asked["maturity"]) - _settled(asked)).days


FUNCTIONS: dict[str, Callable[[Inputs], Any]] = {
    "price": lambda i: _clean_price(_remaining(i, i["rate"]), i),
    "yield": _yield,
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
    left = _remaining({**asked, "basis": 1}, rate)
    over = _whole_days(asked, _period(asked)[0], _settled(asked)) * asked["freq"] / NOMINAL_YEAR[asked["basis"]]
    periods = np.arange(left.amounts.shape[1]) + 1 - over
    return replace(left, periods=periods[None, :], accrued=np.array([rate * 100 / asked["freq"] * over]))


def _nominal_duration(asked: Inputs) -> float:
    left = _with_nominal_periods(asked, asked["coupon"])
    return float(measures_of(left, np.array([asked["yld"] * 100])).macaulay_duration[0])


def _nominal_modified(asked: Inputs) -> float:
    return _nominal_duration(asked) / (1 + asked["yld"] / asked["freq"])


def _modified(asked: Inputs) -> float:
    return float(FUNCTIONS["duration"](asked)) / (1 + asked["yld"] / asked["freq"])


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


def _is_last_period(case: Case) -> bool:
    return FUNCTIONS["coupnum"](case.inputs) == 1


def _other(reason: str, figure: Callable[[Inputs], Any], applies: Callable[[Case], bool]) -> Convention:
    return Convention(reason, lambda case: figure(case.inputs), applies)


def _days_on_their_own(asked: Inputs) -> float:
    whole = days_between(DayCount.THIRTY_E_360_ISDA, _settled(asked), _period(asked)[1])
    return float(whole) - (_settled(asked).day == 31)


def _counting_a_31st(function: Callable[[Inputs], Any]) -> Convention:
    return _other(A_31ST, lambda asked: function({**asked, "counts a 31st": True}), _of_bases(0))


NOMINAL_PERIODS = (
    "each coupon is rate / frequency, and a period counts as 360 or 365 / frequency days, though interest accrues for "
    "every day: accrued can exceed the coupon; here an ACT/360 or ACT/365F coupon is what its days accrued"
)
FROM_FIRST_INTEREST = (
    "accrued is counted backwards from the period before the first interest, whole periods as rate / frequency and "
    "then the days in that one period's measure; here every period accrues its own days (ICMA Rule 251)"
)
A_31ST = "from the end of February to a 31st it counts 31, where 30/360 US counts 30"
LAST_PERIOD = (
    "in the last coupon period modified duration is Macaulay's over 1 + yield / frequency, though the price there is "
    "by simple interest; here it is of that price"
)
ON_THEIR_OWN = (
    "days to the next coupon are counted on their own, the end of February as a 30th and a 31st as it is; here they "
    "are what the period leaves"
)
OTHERS: dict[str, tuple[Convention, ...]] = {
    "price": (
        _other(NOMINAL_PERIODS, lambda i: _clean_price(_with_nominal_periods(i, i["rate"]), i), _of_bases(2, 3)),
        _counting_a_31st(lambda i: _clean_price(_with_nominal_periods(i, i["rate"]), i)),
    ),
    "duration": (
        _other(NOMINAL_PERIODS, _nominal_duration, _of_bases(2, 3)),
        _counting_a_31st(_nominal_duration),
    ),
    "mduration": (
        _other(NOMINAL_PERIODS, _nominal_modified, _of_bases(2, 3)),
        _other(LAST_PERIOD, _modified, _is_last_period),
        _counting_a_31st(_nominal_modified),
    ),
    "coupdays": (_other(NOMINAL_PERIODS, lambda i: NOMINAL_YEAR[i["basis"]] / i["freq"], _of_bases(2, 3)),),
    "accrint": (_other(FROM_FIRST_INTEREST, _accrued_from_first_interest, _of_bases(1, 2, 3)),),
    "coupdaysnc": (
        _counting_a_31st(_days_to_next),
        _other(ON_THEIR_OWN, _days_on_their_own, _of_bases(0)),
    ),
    **{
        name: (_counting_a_31st(FUNCTIONS[name]),)
        for name in ("accrintm", "yearfrac", "coupdaysbs", "disc", "pricedisc", "pricemat", "yieldmat")
    },
}


def _yardstick(name: str, function: Callable[[Inputs], Any]) -> Yardstick:
    return Yardstick(lambda case: function(case.inputs), OTHERS.get(name, ()))


YARDSTICKS = {name: _yardstick(name, function) for name, function in FUNCTIONS.items()}
