"""Bonds and curves: QuantLib's own tests (Bloomberg's figures), textbooks, the Federal Reserve's staff series."""

import math
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from domain.analytics.fixed_income.bond_prices import (
    dirty_of,
    measures_of,
    price_from_curve,
    price_from_yield,
    yield_from_price,
    yield_of,
)
from domain.analytics.fixed_income.bonds import Bond, Remaining
from domain.analytics.fixed_income.curves import Curve, Curves
from domain.analytics.fixed_income.day_counts import DayCount, day_plus_months, days_of
from tests.yardsticks.cases import Case
from tests.yardsticks.day_counts import COUNTS, day
from tests.yardsticks.judging import Convention, Yardstick

ANY_DAY = date(2023, 5, 15)  # the cases of curves are in years


def _bond(case: Case) -> Bond:
    asked = case.inputs
    first = asked.get("first_coupon")
    return Bond(
        day(asked["maturity"]),
        Decimal(str(asked["coupon"])) * 100,
        COUNTS[asked["day_count"].lower()],
        asked["freq"],
        day(asked.get("issue") or asked["dated"]),
        day(first) if first else None,
    )


def _remaining(case: Case) -> Remaining:
    return _bond(case).remaining(days_of([day(case.inputs["settlement"])]))


def _priced(case: Case, left: Remaining) -> dict[str, Any]:
    """Figures of a bond at a clean price, or at a yield."""
    asked = case.inputs
    if "clean_price" in asked:
        dirty = asked["clean_price"] + left.accrued
        yields = yield_of(left, dirty)
    else:
        yields = np.array([asked["ytm"] * 100])
        dirty = dirty_of(left, yields)
    answers = measures_of(left, yields)
    return {
        "accrued": left.accrued[0],
        "clean_price": dirty[0] - left.accrued[0],
        "dirty_price": dirty[0],
        "yield": yields[0] / 100,
        "macaulay_duration": answers.macaulay_duration[0],
        "modified_duration": answers.modified_duration[0],
        "convexity": answers.convexity[0],
        "convexity_over_100": answers.convexity[0] / 100,
    }


def _on_a_market(case: Case) -> dict[str, Any]:
    """Figures at the yields and prices that are in the expected ones themselves, and on a flat curve."""
    bond, settled = _bond(case), day(case.inputs["settlement"])
    flows = bond.cash_flows(settled, bond.maturity_date)
    figures: dict[str, Any] = {
        "accrued": bond.accrued(settled),
        "cash_flows": [[str(flow.day), float(flow.amount)] for flow in flows],
    }
    if "curve" in case.inputs:
        figures["clean_price_on_curve"] = price_from_curve(bond, settled, _flat(case, settled)).clean
    for name, given in case.expected.items():
        if name == "clean_price_at_yield":
            price = price_from_yield(bond, settled, given["yield"] * 100).clean
            figures[name] = {"yield": given["yield"], "price": price}
        elif name.startswith("yield_"):
            compounded = yield_from_price(bond, settled, given["price"])
            is_continuous = name.startswith("yield_continuous")
            found = 2 * math.log1p(compounded / 200) if is_continuous else compounded / 100
            figures[name] = {"price": given["price"], "yield": found}
    return figures


def _flat(case: Case, settled: date) -> Curve:
    rate, tenors = case.inputs["curve"]["rate"], (12, 120)
    ahead = [(day_plus_months(settled, tenor) - settled).days for tenor in tenors]
    return Curve(settled, tenors, tuple(math.exp(-rate * days / 360) for days in ahead))


def _bond_figures(case: Case) -> dict[str, Any]:
    is_of_one_price = "clean_price" in case.inputs or "ytm" in case.inputs
    return _priced(case, _remaining(case)) if is_of_one_price else _on_a_market(case)


def _without_next_coupon(case: Case) -> dict[str, Any]:
    left = _remaining(case)
    amounts, coupon = left.amounts.copy(), left.amounts[0, 0]
    amounts[0, 0] = 0
    return _priced(case, replace(left, amounts=amounts, accrued=left.accrued - coupon))


def _on_its_own_dates(case: Case) -> dict[str, Any]:
    """Paid on the days of the year that the case names, a 29 February or not."""
    settled, left = day(case.inputs["settlement"]), _remaining(case)
    named = re.findall(r"(\d+) ([A-Z][a-z]{2})\b", case.inputs["coupon_dates"].split("(")[0])
    months = {date(2000, month, 1).strftime("%b"): month for month in range(1, 13)}
    paid = sorted(
        date(year, months[month], int(of_month))
        for year in (settled.year - 1, settled.year, settled.year + 1)
        for of_month, month in named
    )
    following = next(place for place, one in enumerate(paid) if one > settled)
    part = (paid[following] - settled) / (paid[following] - paid[following - 1])
    return _priced(case, replace(left, periods=np.arange(left.amounts.shape[1])[None, :] + part))


def _continuous_pct(curve: Curve, months: int) -> float:
    return 200 * math.log1p(curve.spot_pct(months) / 200)


def _parametric_zero_pct(asked: Any, years: float) -> float:
    """The zero yield, continuous and in per cent, of the parameters that a series of Svensson's model publishes."""
    total = asked["beta0"]
    for tau, slope, hump in (("tau1", "beta1", "beta2"), ("tau2", None, "beta3")):
        if asked[tau]:
            scaled = years / asked[tau]
            level = (1 - math.exp(-scaled)) / scaled
            total += (asked[slope] * level if slope else 0) + asked[hump] * (level - math.exp(-scaled))
    return float(total)


def _parametric_curve(case: Case) -> dict[str, Any]:
    """Par yields of the zero yields, and zero yields after our bootstrap of the par yields."""
    years = sorted({int(year) for figure in case.expected.values() for year in figure})
    months = range(6, 12 * years[-1] + 1, 6)
    discounts = (math.exp(-_parametric_zero_pct(case.inputs, month / 12) / 100 * month / 12) for month in months)
    given = Curve(ANY_DAY, tuple(months), tuple(discounts))
    ours = Curve.of(ANY_DAY, {tenor: given.par_pct(tenor) for tenor in given.tenors_months})
    return {
        "zero_percent_continuous": {str(year): _continuous_pct(ours, 12 * year) for year in years},
        "par_percent_semiannual": {str(year): given.par_pct(12 * year) for year in years},
    }


def _curve_of_prices(case: Case) -> dict[str, Any]:
    bonds = case.inputs["bonds"]
    tenors = [round(12 * bond["T"]) for bond in bonds]
    coupons, prices = (np.array([[float(bond[name]) for bond in bonds]]) for name in ("coupon", "price"))
    curves = Curves.from_bonds(days_of([ANY_DAY]), tenors, coupons, prices)
    curve = Curve(ANY_DAY, tuple(tenors), tuple(np.exp(curves.logs[0]).tolist()))
    return {"zero_percent_continuous": [_continuous_pct(curve, tenor) for tenor in tenors]}


def _bond_on_zeros(case: Case) -> dict[str, Any]:
    asked = case.inputs
    zeros = {float(years): rate for years, rate in asked["zero_continuous"].items()}
    discounts = tuple(math.exp(-rate * years) for years, rate in zeros.items())
    curve, months = Curve(ANY_DAY, tuple(round(12 * years) for years in zeros), discounts), 12 * asked["maturity"]
    coupon = Decimal(str(asked["coupon_percent"]))
    bond = Bond(day_plus_months(ANY_DAY, round(months)), coupon, DayCount.ACT_ACT_ICMA, asked["freq"])
    price = price_from_curve(bond, ANY_DAY, curve).clean
    return {
        "price": price,
        "yield_continuous": 2 * math.log1p(yield_from_price(bond, ANY_DAY, price) / 200),
        "par_yield_semiannual": curve.par_pct(round(months)) / 100,
    }


EX_COUPON = Convention(
    "in the days before a coupon it trades without it; here accrued interest grows up to the coupon",
    _without_next_coupon,
    lambda case: any(name.startswith("ex_coupon") for name in case.inputs),
)
OWN_DATES = Convention(
    "pays on the same days of every year; by the end-of-month rule of RULEBOOK 8 maturity, not at the end of its month "
    "in a leap year, decides the day",
    _on_its_own_dates,
    lambda case: "coupon_dates" in case.inputs,
)
YARDSTICKS = {
    "coupon bond": Yardstick(_bond_figures, (EX_COUPON, OWN_DATES)),
    "parametric curve": Yardstick(_parametric_curve),
    "curve of bond prices": Yardstick(_curve_of_prices),
    "bond on zero yields": Yardstick(_bond_on_zeros),
}
