"""Bonds on real curves against QuantLib, an independent implementation.

QuantLib gets our discount factors at the same tenors and interpolates them in the same way, so that the mathematics of
bonds is what is compared; the bootstrap is tested by itself (test_curves.py). 25 days of each bond by default, 100 with
LAKEFOLIO_CHAOS=long.
"""

import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 - as its own documentation calls it

from domain.analytics.fixed_income.bond_prices import measures, price_from_curve, price_from_yield, yield_from_price
from domain.analytics.fixed_income.bonds import Bond
from domain.analytics.fixed_income.curves import Curve
from domain.analytics.fixed_income.day_counts import DayCount, day_plus_months
from tests.domain.treasury import treasury_yields
from tests.effort import IS_LONG

SEED = 20261121
COUNT = 100 if IS_LONG else 25
SPREAD_BPS = 85.0
TEN_YEAR_TREASURY = Bond(date(2016, 8, 31), Decimal("4.875"), DayCount.ACT_ACT_ICMA, 2, date(2006, 8, 31))
WITH_SHORT_FIRST = Bond(
    date(2017, 1, 15), Decimal("6.4"), DayCount.THIRTY_360_US, 2, date(2007, 3, 20), date(2007, 7, 15)
)
WITH_LONG_FIRST = Bond(
    date(2016, 10, 15), Decimal("5.125"), DayCount.THIRTY_360_US, 2, date(2005, 12, 8), date(2006, 10, 15)
)
NEW_TREASURY_LONG_FIRST = Bond(
    date(2011, 2, 28), Decimal("4.5"), DayCount.ACT_ACT_ICMA, 2, date(2005, 12, 8), date(2006, 8, 31)
)
BONDS = {
    "ten-year Treasury at month ends": TEN_YEAR_TREASURY,
    "corporate with a short first coupon": WITH_SHORT_FIRST,
    "corporate with a long first coupon": WITH_LONG_FIRST,
    "Treasury with a long first coupon": NEW_TREASURY_LONG_FIRST,
}


@pytest.fixture(autouse=True)
def evaluation_date() -> Iterator[None]:
    before = ql.Settings.instance().evaluationDate
    yield
    ql.Settings.instance().evaluationDate = before


def ql_day(day: date) -> ql.Date:
    return ql.Date(day.day, day.month, day.year)


def ql_bond(bond: Bond) -> tuple[ql.FixedRateBond, ql.DayCounter]:
    first = ql_day(bond.first_coupon_date) if bond.first_coupon_date else ql.Date()
    keeps_month_end = day_plus_months(bond.maturity_date, 0, keeps_month_end=True) == bond.maturity_date
    schedule = ql.Schedule(
        ql_day(bond.issue_date),
        ql_day(bond.maturity_date),
        ql.Period(12 // bond.coupon_frequency, ql.Months),
        ql.NullCalendar(),
        ql.Unadjusted,
        ql.Unadjusted,
        ql.DateGeneration.Backward,
        keeps_month_end,
        first,
    )
    is_icma = bond.day_count is DayCount.ACT_ACT_ICMA
    count = ql.ActualActual(ql.ActualActual.ISMA, schedule) if is_icma else ql.Thirty360(ql.Thirty360.USA)
    return ql.FixedRateBond(0, 100, schedule, [float(bond.coupon_rate_pct) / 100], count), count


def ql_curve(curve: Curve, spread_bps: float) -> ql.YieldTermStructureHandle:
    days = [curve.day, *(day_plus_months(curve.day, tenor) for tenor in curve.tenors_months)]
    count = ql.Actual365Fixed()
    plain = ql.YieldTermStructureHandle(ql.DiscountCurve([ql_day(day) for day in days], [1, *curve.discounts], count))
    spread = ql.QuoteHandle(ql.SimpleQuote(spread_bps / 10_000))
    return ql.YieldTermStructureHandle(ql.ZeroSpreadedTermStructure(plain, spread, ql.Continuous, ql.Annual, count))


def random_days(bond: Bond, count: int = COUNT) -> list[tuple[Curve, date]]:
    days, tenors, yields = treasury_yields()
    alive = np.flatnonzero((days >= np.datetime64(bond.issue_date)) & (days < np.datetime64(bond.maturity_date)))
    rows = np.random.default_rng(SEED).choice(alive, count, replace=False)
    found = []
    for row in sorted(rows):
        pars = {tenor: rate for tenor, rate in zip(tenors, yields[row].tolist(), strict=True) if not math.isnan(rate)}
        found.append((Curve.of(days[row].item(), pars), days[row].item()))
    return found


def both(bond: Bond, curve: Curve, day: date) -> tuple[list[float], list[float]]:
    """Clean price, accrued, price at a yield, and the measures at it: ours and QuantLib's."""
    ours = price_from_curve(bond, day, curve, SPREAD_BPS)
    yield_pct = yield_from_price(bond, day, ours.clean)
    answers = measures(bond, day, yield_pct)

    theirs, count = ql_bond(bond)
    today = ql_day(day)
    ql.Settings.instance().evaluationDate = today
    left = sum(1 for flow in theirs.cashflows() if flow.date() > today)
    compounding = ql.Simple if left == 2 else ql.Compounded  # the last coupon and the redemption
    rate = ql.InterestRate(yield_pct / 100, count, compounding, bond.coupon_frequency)
    functions = ql.BondFunctions
    spread_curve = ql_curve(curve, SPREAD_BPS)
    theirs.setPricingEngine(ql.DiscountingBondEngine(spread_curve))
    duration = functions.duration(theirs, rate, ql.Duration.Modified, today)
    return (
        [
            ours.clean,
            ours.accrued,
            price_from_yield(bond, day, yield_pct).clean,
            answers.modified_duration[0],
            answers.macaulay_duration[0],
            answers.convexity[0],
            answers.dv01[0],
        ],
        [
            theirs.cleanPrice(),
            theirs.accruedAmount(today),
            functions.cleanPrice(theirs, rate, today),
            duration,
            functions.duration(theirs, rate, ql.Duration.Simple, today),
            functions.convexity(theirs, rate, today),
            duration * (functions.cleanPrice(theirs, rate, today) + theirs.accruedAmount(today)) / 10_000,
        ],
    )


@pytest.mark.parametrize("name", BONDS)
def test_price_accrued_and_duration_are_quantlibs_on_random_days(name, capsys):
    worst = 0.0
    for curve, day in random_days(BONDS[name]):
        ours, theirs = both(BONDS[name], curve, day)
        worst = max(worst, *(abs(our - their) for our, their in zip(ours, theirs, strict=True)))
    with capsys.disabled():
        print(f"\n{name}, {COUNT} days (seed {SEED}): largest difference {worst:.1e}", file=sys.__stderr__)
    assert worst < 1e-6


def test_the_comparison_sees_a_schedule_that_forgets_the_end_of_months():
    forgetful = replace(NEW_TREASURY_LONG_FIRST, first_coupon_date=None, end_of_month=False)
    theirs, _ = ql_bond(NEW_TREASURY_LONG_FIRST)
    days = [day for _, day in random_days(NEW_TREASURY_LONG_FIRST, 20) if day > date(2006, 8, 31)]
    assert all(abs(forgetful.accrued(day) - theirs.accruedAmount(ql_day(day))) > 1e-3 for day in days)


@pytest.mark.parametrize("name", BONDS)
def test_cash_flows_are_quantlibs(name):
    bond = BONDS[name]
    theirs, _ = ql_bond(bond)
    ours = [(flow.day, float(flow.amount)) for flow in bond.cash_flows(bond.issue_date, bond.maturity_date)]

    assert [day for day, _ in ours] == [flow.date().to_date() for flow in theirs.cashflows()]
    assert [amount for _, amount in ours] == pytest.approx([flow.amount() for flow in theirs.cashflows()], abs=1e-9)
