"""Kinds of bonds against QuantLib: price off a curve, accrued, yield and duration of random terms and days.

Terms, issue, frequency and day are drawn; QuantLib builds its own schedule from them, and discounts on our factors. 50
of each kind by default, 100 with LAKEFOLIO_CHAOS=long.
"""

import math
import random
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 - as its own documentation calls it

from domain.analytics.fixed_income.bond_prices import measures, price_from_curve, yield_from_price
from domain.analytics.fixed_income.bond_values import value_daily
from domain.analytics.fixed_income.bonds import Bond
from domain.analytics.fixed_income.curves import Curve
from domain.analytics.fixed_income.day_counts import DayCount, day_plus_months, is_month_end
from domain.analytics.fixed_income.payment_calendars import PaymentCalendar, PaymentConvention, moved
from tests.domain.test_bonds_against_quantlib import evaluation_date, ql_curve, ql_day  # noqa: F401 - a fixture
from tests.effort import IS_LONG

SEED = 20261128
COUNT = 100 if IS_LONG else 50
MONTH_END = 28
"""Not at month ends: QuantLib's regular period before an odd first coupon on 28 February begins on 28 August."""
SPREAD_BPS = 40.0
TENORS = (3, 6, 12, 24, 60, 120, 240)
CALENDARS = {
    PaymentCalendar.WEEKENDS: ql.WeekendsOnly(),
    PaymentCalendar.TARGET: ql.TARGET(),
    PaymentCalendar.US_FEDERAL: ql.UnitedStates(ql.UnitedStates.FederalReserve),
    PaymentCalendar.UK: ql.UnitedKingdom(),
}
CONVENTIONS = {
    PaymentConvention.FOLLOWING: ql.Following,
    PaymentConvention.MODIFIED_FOLLOWING: ql.ModifiedFollowing,
    PaymentConvention.PRECEDING: ql.Preceding,
}
COUNTS = {
    DayCount.THIRTY_360_US: ql.Thirty360(ql.Thirty360.USA),
    DayCount.THIRTY_E_360: ql.Thirty360(ql.Thirty360.EurobondBasis),
    DayCount.ACT_360: ql.Actual360(),
    DayCount.ACT_365F: ql.Actual365Fixed(),
}


def plain(draw: random.Random) -> Bond:
    """A bond issued on a coupon date between 2001 and 2012, of 2 to 12 years."""
    frequency = draw.choice([1, 2, 4])
    maturity = date(2014, 1, 1) + timedelta(draw.randrange(3000))
    issue = day_plus_months(maturity, -12 // frequency * draw.randrange(2 * frequency, 12 * frequency))
    return Bond(maturity, Decimal(draw.randrange(50, 900)) / 100, DayCount.ACT_ACT_ICMA, frequency, issue)


def dated_apart(draw: random.Random) -> Bond:
    """Accruing from up to a period before a coupon date or from it, and issued some weeks later."""
    bond = plain(draw)
    assert bond.issue_date
    dated = bond.issue_date - timedelta(draw.choice([0, draw.randrange(300 // bond.coupon_frequency)]))
    issue = dated + timedelta(draw.randrange(1, 80 // bond.coupon_frequency))
    return (
        replace(bond, dated_date=dated, issue_date=issue) if bond.maturity_date.day < MONTH_END else dated_apart(draw)
    )


def with_odd_last(draw: random.Random) -> Bond:
    """By months of 30 days too, but not at month ends: QuantLib's half-year from 28 February has 178 of 180 days."""
    bond = plain(draw)
    longest = 1.9 * 365 / bond.coupon_frequency
    maturity = bond.maturity_date + timedelta(draw.randrange(1, int(longest)))
    counts = [DayCount.ACT_ACT_ICMA, DayCount.THIRTY_360_US, DayCount.THIRTY_E_360]
    count = draw.choice(counts if bond.maturity_date.day < MONTH_END else counts[:1])
    return replace(bond, penultimate_coupon_date=bond.maturity_date, maturity_date=maturity, day_count=count)


def ex_coupon(draw: random.Random) -> Bond:
    bond = plain(draw)
    if draw.random() < 0.5:
        return replace(bond, ex_coupon_days=draw.randrange(1, 20))
    calendar = draw.choice(list(PaymentCalendar))
    return replace(bond, ex_coupon_business_days=draw.randrange(1, 12), payment_calendar=calendar)


def moved_off_holidays(draw: random.Random) -> Bond:
    calendar, convention = draw.choice(list(PaymentCalendar)), draw.choice(list(PaymentConvention))
    return replace(plain(draw), payment_convention=convention, payment_calendar=calendar)


def stepping_up(draw: random.Random) -> Bond:
    bond = plain(draw)
    assert bond.issue_date
    dates = bond.schedule(bond.issue_date).dates[1:-1].tolist()
    days = sorted(draw.sample(dates, min(3, len(dates))))
    return replace(bond, coupon_steps=tuple((day, bond.coupon_rate_pct + place) for place, day in enumerate(days, 1)))


def amortising(draw: random.Random) -> Bond:
    """Repaid in equal or unequal parts on some or all of its coupon dates."""
    bond = plain(draw)
    assert bond.issue_date
    dates = bond.schedule(bond.issue_date).dates[1:-1].tolist()
    days = sorted(draw.sample(dates, draw.randrange(1, len(dates) + 1)))
    parts = [Decimal(draw.randrange(100, 9900 // len(days))) / 100 for _ in days]
    return replace(bond, amortisation=tuple(zip(days, parts, strict=True)))


def all_at_once(draw: random.Random) -> Bond:
    """A dated bond with an odd last coupon, days moved as a gilt's are, and seven business days ex coupon."""
    bond = with_odd_last(draw)
    assert bond.issue_date
    assert bond.penultimate_coupon_date
    if bond.penultimate_coupon_date.day >= MONTH_END:
        return all_at_once(draw)
    bond = replace(bond, day_count=DayCount.ACT_ACT_ICMA)
    facts = {"payment_convention": PaymentConvention.FOLLOWING, "payment_calendar": PaymentCalendar.UK}
    steps = ((bond.penultimate_coupon_date, bond.coupon_rate_pct + 1),)
    dated = bond.issue_date - timedelta(10)
    return replace(bond, **facts, ex_coupon_business_days=7, dated_date=dated, coupon_steps=steps)


KINDS = [dated_apart, with_odd_last, ex_coupon, moved_off_holidays, stepping_up, amortising, all_at_once]


def ql_bond(bond: Bond, moves_payments: bool) -> tuple[ql.FixedRateBond, ql.DayCounter]:
    begins = bond.accrues_from
    assert begins
    anchor = bond.penultimate_coupon_date or bond.maturity_date
    months = 12 // bond.coupon_frequency
    schedule = ql.Schedule(
        ql_day(begins),
        ql_day(bond.maturity_date),
        ql.Period(months, ql.Months),
        ql.NullCalendar(),
        ql.Unadjusted,
        ql.Unadjusted,
        ql.DateGeneration.Backward,
        bool(is_month_end(anchor)),
        ql_day(bond.first_coupon_date) if bond.first_coupon_date else ql.Date(),
        ql_day(bond.penultimate_coupon_date) if bond.penultimate_coupon_date else ql.Date(),
    )
    is_icma = bond.day_count is DayCount.ACT_ACT_ICMA
    count = ql.ActualActual(ql.ActualActual.ISMA, schedule) if is_icma else COUNTS[bond.day_count]
    starts = list(schedule.dates())[:-1]
    rates = [rate_on(bond, day.to_date()) / 100 for day in starts]
    calendar = CALENDARS[bond.payment_calendar] if bond.payment_calendar else ql.NullCalendar()
    convention = CONVENTIONS[bond.payment_convention] if bond.payment_convention and moves_payments else ql.Unadjusted
    days = bond.ex_coupon_days or bond.ex_coupon_business_days
    period = ql.Period(days, ql.Days) if days else ql.Period()
    ex_calendar = calendar if bond.ex_coupon_business_days else ql.NullCalendar()
    if bond.amortisation:
        paid = dict(bond.amortisation)
        faces = [
            100 - sum(float(paid.get(earlier.to_date(), 0)) for earlier in starts if earlier <= day) for day in starts
        ]
        return ql.AmortizingFixedRateBond(0, faces, schedule, rates, count), count
    return (
        ql.FixedRateBond(
            0, 100, schedule, rates, count, convention, 100, ql.Date(), calendar, period, ex_calendar, ql.Following
        ),
        count,
    )


def rate_on(bond: Bond, day: date) -> float:
    rate = bond.coupon_rate_pct
    for since, higher in bond.coupon_steps:
        rate = higher if since <= day else rate
    return float(rate)


def a_curve(draw: random.Random, day: date) -> Curve:
    """Discount factors of rates that rise or fall with the tenor; no bootstrap, which is tested by itself."""
    level, slope = draw.uniform(0.01, 0.06), draw.uniform(-0.001, 0.0025)
    discounts = [math.exp(-(level + slope * place) * tenor / 12) for place, tenor in enumerate(TENORS)]
    return Curve(day, TENORS, tuple(discounts))


def a_day(draw: random.Random, bond: Bond) -> date:
    """A business day of its calendar: QuantLib settles no bond on another, and values it on the next."""
    begins = bond.issue_date
    assert begins
    days = 50 if bond.dated_date and draw.random() < 0.3 else (bond.maturity_date - begins).days
    day = begins + timedelta(draw.randrange(days))
    if bond.payment_calendar:
        day = CALENDARS[bond.payment_calendar].adjust(ql_day(day)).to_date()
    return day if day < bond.maturity_date else begins


def both(bond: Bond, day: date, curve: Curve) -> tuple[list[float], list[float]]:
    """Clean and accrued off the curve, yield and modified duration at that price: ours and QuantLib's."""
    ours = price_from_curve(bond, day, curve, SPREAD_BPS)
    yield_pct = yield_from_price(bond, day, ours.clean)
    today = ql_day(day)
    ql.Settings.instance().evaluationDate = today
    theirs, _ = ql_bond(bond, moves_payments=True)
    theirs.setPricingEngine(ql.DiscountingBondEngine(ql_curve(curve, SPREAD_BPS)))
    scheduled, count = ql_bond(bond, moves_payments=False)
    left = {flow.date() for flow in scheduled.cashflows() if flow.date() > today}
    compounding = ql.Simple if len(left) == 1 else ql.Compounded
    price = ql.BondPrice(theirs.dirtyPrice() - scheduled.accruedAmount(today), ql.BondPrice.Clean)
    found = ql.BondFunctions.bondYield(
        scheduled, price, count, compounding, bond.coupon_frequency, today, 1e-13, 1000, 0.03
    )
    rate = ql.InterestRate(found, count, compounding, bond.coupon_frequency)
    duration = ql.BondFunctions.duration(scheduled, rate, ql.Duration.Modified, today)
    return (
        [ours.clean, ours.accrued, yield_pct, measures(bond, day, yield_pct).modified_duration[0]],
        [theirs.cleanPrice(), theirs.accruedAmount(today), 100 * found, duration],
    )


@cache
def cases(kind: Callable[[random.Random], Bond]) -> list[tuple[Bond, date, Curve]]:
    draw = random.Random(f"{SEED} {kind.__name__}")
    found = []
    for _ in range(COUNT):
        bond = kind(draw)
        day = a_day(draw, bond)
        found.append((bond, day, a_curve(draw, day)))
    return found


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_kind_of_bond_is_quantlibs_on_random_terms_and_days(kind, capsys) -> None:
    worst = np.zeros(4)
    for bond, day, curve in cases(kind):
        ours, theirs = both(bond, day, curve)
        difference = np.abs(np.array(ours) - theirs)
        assert difference.max() < 1e-6, (bond, day, ours, theirs)
        worst = np.maximum(worst, difference)
    with capsys.disabled():
        names = ("clean", "accrued", "yield %", "duration")
        told = ", ".join(f"{name} {most:.0e}" for name, most in zip(names, worst, strict=True))
        print(
            f"\n{kind.__name__}, {COUNT} terms and days (seed {SEED}), largest differences: {told}", file=sys.__stderr__
        )


def amounts_per_outstanding_face(bond: ql.Bond) -> list[float]:
    face, found = 100.0, []
    for flow in bond.cashflows():
        found.append(100 * flow.amount() / face)
        if ql.as_fixed_rate_coupon(flow) is None:
            face -= flow.amount()
    return found


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_cash_flows_of_each_kind_are_quantlibs(kind) -> None:
    for bond, _, _ in cases(kind):
        theirs, _ = ql_bond(bond, moves_payments=True)
        assert bond.accrues_from
        ours = bond.cash_flows(bond.accrues_from, bond.paid_off_on)
        assert [flow.day for flow in ours] == [flow.date().to_date() for flow in theirs.cashflows()]
        amounts = amounts_per_outstanding_face(theirs)
        assert [float(flow.amount) for flow in ours] == pytest.approx(amounts, abs=1e-9)
        coupons = [ql.as_fixed_rate_coupon(flow) for flow in theirs.cashflows()][:-1]
        if bond.ex_coupon_days or bond.ex_coupon_business_days:
            assert [flow.ex_date for flow in ours[:-1]] == [each.exCouponDate().to_date() for each in coupons]


@pytest.mark.parametrize(
    ("kind", "plainer"),
    [
        (dated_apart, {"dated_date": None}),
        (ex_coupon, {"ex_coupon_days": 0, "ex_coupon_business_days": 0, "payment_calendar": None}),
        (moved_off_holidays, {"payment_convention": None, "payment_calendar": None}),
        (stepping_up, {"coupon_steps": ()}),
        (amortising, {"amortisation": ()}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_control_the_comparison_sees_a_term_that_is_forgotten(kind, plainer) -> None:
    unlike = 0
    for bond, day, curve in cases(kind):
        forgetful = price_from_curve(replace(bond, **plainer), day, curve, SPREAD_BPS)
        right = price_from_curve(bond, day, curve, SPREAD_BPS)
        unlike += abs(forgetful.clean - right.clean) + abs(forgetful.accrued - right.accrued) > 1e-6
    assert unlike >= COUNT // 20


@pytest.mark.parametrize("calendar", list(PaymentCalendar), ids=str)
def test_business_days_of_a_payment_calendar_are_quantlibs_from_2000_to_2060(calendar) -> None:
    days = np.arange("2000-01-01", "2060-01-01", dtype="datetime64[D]")
    business = moved(days, PaymentConvention.FOLLOWING, calendar) == days
    theirs = [CALENDARS[calendar].isBusinessDay(ql_day(day)) for day in days.tolist()]
    assert days[business != np.array(theirs)].tolist() == []


def callable_early(draw: random.Random) -> Bond:
    bond = plain(draw)
    assert bond.issue_date
    if bond.maturity_date.day >= MONTH_END:
        return callable_early(draw)
    dates = bond.schedule(bond.issue_date).dates[1:-1].tolist()
    days = sorted(draw.sample(dates, min(4, len(dates))))
    calls = tuple((day, Decimal(10400 - 100 * place) / 100) for place, day in enumerate(days))
    return replace(bond, call_schedule=calls, ex_coupon_days=draw.choice([0, 7]))


def to_worst_in_quantlib(bond: Bond, day: date, curve: Curve) -> tuple[list[float], date]:
    """Clean price, accrued, yield and duration of the cheapest of QuantLib's bonds to each call and to maturity."""
    today = ql_day(day)
    ql.Settings.instance().evaluationDate = today
    found = []
    for until, price in [*bond.call_schedule, (bond.maturity_date, Decimal(100))]:
        if until <= day:
            continue
        plan = ql.Schedule(
            *(ql_day(bond.issue_date), ql_day(until), ql.Period(12 // bond.coupon_frequency, ql.Months)),
            *(ql.NullCalendar(), ql.Unadjusted, ql.Unadjusted, ql.DateGeneration.Backward, False),
        )
        count = ql.ActualActual(ql.ActualActual.ISMA, plan)
        ex = ql.Period(bond.ex_coupon_days, ql.Days) if bond.ex_coupon_days else ql.Period()
        rates = [float(bond.coupon_rate_pct) / 100]
        early = ql.FixedRateBond(
            *(0, 100, plan, rates, count, ql.Unadjusted, float(price), ql.Date(), ql.NullCalendar(), ex),
            *(ql.NullCalendar(), ql.Unadjusted),
        )
        early.setPricingEngine(ql.DiscountingBondEngine(ql_curve(curve, SPREAD_BPS)))
        found.append((early.cleanPrice(), until, early, count))
    clean, until, early, count = min(found, key=lambda each: each[0])
    left = {flow.date() for flow in early.cashflows() if flow.date() > today}
    compounding = ql.Simple if len(left) == 1 else ql.Compounded
    price = ql.BondPrice(clean, ql.BondPrice.Clean)
    rate = ql.BondFunctions.bondYield(early, price, count, compounding, bond.coupon_frequency, today, 1e-13, 999, 0.03)
    interest = ql.InterestRate(rate, count, compounding, bond.coupon_frequency)
    duration = ql.BondFunctions.duration(early, interest, ql.Duration.Modified, today)
    return [clean, early.accruedAmount(today), 100 * rate, duration], until


def test_a_callable_bond_is_valued_to_worst_as_quantlibs_on_random_terms_and_days(capsys) -> None:
    worst, called = np.zeros(4), 0
    for bond, day, curve in cases(callable_early):
        values = value_daily(bond, np.array([day], dtype="datetime64[D]"), curve.curves(), SPREAD_BPS)
        ours = [float(each[0]) for each in (values.clean, values.accrued, values.yield_pct, values.modified_duration)]
        theirs, until = to_worst_in_quantlib(bond, day, curve)
        assert values.redemption_days[0].item() == until
        assert price_from_curve(bond, day, curve, SPREAD_BPS).clean == ours[0]
        worst = np.maximum(worst, np.abs(np.array(ours) - theirs))
        called += until < bond.maturity_date
    with capsys.disabled():
        print(f"\ncallable, {COUNT} terms and days, {called} of them called: {worst.max():.0e}", file=sys.__stderr__)
    assert worst.max() < 1e-6
    assert COUNT // 10 < called < COUNT, "both ways are there"


def test_the_discount_rate_of_a_bill_is_that_of_quantlibs_money_market_yield() -> None:
    draw = random.Random(SEED)
    for _ in range(COUNT):
        maturity = date(2014, 1, 1) + timedelta(draw.randrange(3000))
        day = maturity - timedelta(draw.randrange(1, 366))
        bill = Bond(maturity, Decimal(0), DayCount.ACT_360)
        values = value_daily(bill, np.array([day], dtype="datetime64[D]"), a_curve(draw, day).curves())
        ql.Settings.instance().evaluationDate = ql_day(day)
        theirs = ql.ZeroCouponBond(0, ql.NullCalendar(), 100, ql_day(maturity))
        price = ql.BondPrice(float(values.clean[0]), ql.BondPrice.Clean)
        simple = ql.BondFunctions.bondYield(theirs, price, ql.Actual360(), ql.Simple, ql.Annual, ql_day(day), 1e-14)
        years = (maturity - day).days / 360
        assert values.discount_pct[0] == pytest.approx(100 * simple / (1 + simple * years), abs=1e-9)
