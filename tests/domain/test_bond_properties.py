"""Properties that hold for any bond, day and curve."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.analytics.fixed_income.bond_prices import (
    dv01_by_bump,
    measures,
    price_from_curve,
    price_from_yield,
    spread_from_price,
    yield_from_price,
)
from domain.analytics.fixed_income.bond_values import value_daily
from domain.analytics.fixed_income.bonds import Bond
from domain.analytics.fixed_income.curves import Curve, Curves
from domain.analytics.fixed_income.day_counts import DayCount, day_plus_months, days_of
from domain.analytics.fixed_income.payment_calendars import PaymentCalendar, PaymentConvention
from tests.effort import examples

MOVES = {"payment_convention": PaymentConvention.FOLLOWING, "payment_calendar": PaymentCalendar.TARGET}
COUNTS = ("ACT/ACT ICMA", "30/360 US", "30E/360", "ACT/360", "ACT/365F")
PAR_TENORS = (1, 3, 6, 12, 24, 36, 60, 84, 120, 240, 360)
BONDS_OF_A_CENTURY = (date(1990, 1, 1), date(2060, 12, 31))
few = settings(max_examples=examples(60), deadline=None)  # the machine is shared

rates_pct = st.integers(-50, 1500).map(lambda hundredths: hundredths / 100)
curves = st.builds(
    lambda day, level, slopes: Curve.of(
        day, {tenor: level + slope for tenor, slope in zip(PAR_TENORS, np.cumsum(slopes).tolist(), strict=True)}
    ),
    st.dates(date(1990, 1, 1), date(2030, 12, 31)),
    st.floats(1.0, 8.0),
    st.lists(st.floats(-0.05, 0.25), min_size=len(PAR_TENORS), max_size=len(PAR_TENORS)),
)


@st.composite
def bonds(draw: st.DrawFn) -> Bond:
    frequency = draw(st.sampled_from([0, 1, 2, 4, 12]))
    maturity = draw(st.dates(*BONDS_OF_A_CENTURY))
    issue = draw(st.none() | st.integers(1, 12_000).map(lambda days: maturity - timedelta(days)))
    coupon = Decimal(draw(st.integers(1, 1500))) / 100 if frequency else Decimal(0)
    return Bond.of(maturity, coupon, draw(st.sampled_from(COUNTS)), frequency or None, issue)


@st.composite
def bonds_of_many_terms(draw: st.DrawFn) -> Bond:
    """Any that can be stated at once; their own dates are taken from the bond's own schedule."""
    frequency = draw(st.sampled_from([1, 2, 4, 12]))
    anchor = draw(st.dates(date(2000, 1, 1), date(2050, 12, 31)))
    months = 12 // frequency
    dated = day_plus_months(anchor, -months * draw(st.integers(4, 60))) + timedelta(draw(st.integers(-20, 20)))
    days_to_payment = st.sampled_from([{}, {"ex_coupon_days": 6}, {"ex_coupon_business_days": 5, **MOVES}, MOVES])
    odd = draw(st.just(0) | st.integers(21, 21 + 20 * months))  # longer than the ex-coupon period
    facts = {
        "dated_date": dated,
        "penultimate_coupon_date": anchor if odd else None,
        **draw(days_to_payment),
    }
    bond = Bond.of(
        anchor + timedelta(odd),
        Decimal(draw(st.integers(1, 1500))) / 100,
        draw(st.sampled_from(COUNTS)),
        frequency,
        dated + timedelta(draw(st.integers(0, 7))),
        **facts,
    )
    dates = [day for day in bond.schedule(dated).dates.tolist() if dated < day < anchor]
    assume(bond.issue_date < dates[0])
    listed = draw(st.lists(st.sampled_from(dates), min_size=1, max_size=4, unique=True).map(sorted))
    rates = tuple((day, bond.coupon_rate_pct + place) for place, day in enumerate(listed))
    parts = tuple((day, Decimal(20)) for day in listed)
    terms = [{"coupon_steps": rates}, {"amortisation": parts}, {"coupon_steps": rates, "amortisation": parts}]
    return replace(bond, **draw(st.sampled_from([{}, *terms])))


@few
@given(bonds_of_many_terms())
def test_what_accrues_day_by_day_is_what_the_coupons_pay(bond):
    """Accrued rises to the coupon, and falls by it on its ex-date."""
    bond = replace(bond, amortisation=())
    plan = bond.schedule(bond.dated_date)
    dates = plan.dates[plan.is_paid].tolist()
    paid = {flow.day: flow for flow in bond.cash_flows(bond.dated_date, bond.paid_off_on) if flow.kind == "COUPON"}
    assert len(paid) == len(dates)
    for day, flow in zip(dates[-3:-1], list(paid.values())[-3:-1], strict=True):
        last = max(bond.accrued(flow.ex_date - timedelta(1)), 0.0)
        assert last <= float(flow.amount) + 1e-9
        if flow.ex_date < min(day, flow.day):
            assert bond.accrued(flow.ex_date) < 0
            assert bond.accrued(flow.ex_date) > -float(flow.amount)
        if flow.day <= day:
            assert bond.accrued(day) == 0
        elif flow.ex_date > day:
            assert bond.accrued(day) == pytest.approx(float(flow.amount)), "due, and not paid yet"


@few
@given(bonds_of_many_terms(), st.integers(1, 6000), rates_pct)
def test_a_yield_and_a_duration_of_any_terms_are_those_by_price(bond, back, yield_pct):
    day = max(bond.issue_date, bond.maturity_date - timedelta(back))
    periods = bond.remaining(days_of([day])).periods.max()
    assume(periods > 0)
    price = price_from_yield(bond, day, yield_pct)

    found = yield_from_price(bond, day, price.clean)
    assert found == pytest.approx(yield_pct, abs=1e-9 * max(1, 1 / periods))
    assert measures(bond, day, yield_pct).dv01[0] == pytest.approx(dv01_by_bump(bond, day, yield_pct), rel=1e-5)


@few
@given(bonds_of_many_terms())
def test_all_of_the_face_is_repaid_and_every_coupon_is_of_what_was_left(bond):
    face = Decimal(100)
    for flow in bond.cash_flows(bond.dated_date, bond.paid_off_on):
        if flow.kind == "REDEMPTION":
            face -= face * flow.amount / 100
        assert flow.amount > 0
        assert flow.ex_date <= flow.day
    assert abs(face) < Decimal("1e-9")


@st.composite
def bonds_and_days(draw: st.DrawFn) -> tuple[Bond, date]:
    bond = draw(bonds())
    longest = (bond.maturity_date - bond.issue_date).days if bond.issue_date else 12_000
    return bond, bond.maturity_date - timedelta(draw(st.integers(1, longest)))


@few
@given(bonds_and_days(), rates_pct, st.floats(0.01, 5))
def test_a_price_falls_as_the_yield_rises(bond_and_day, yield_pct, more):
    bond, day = bond_and_day
    assume(bond.remaining(days_of([day])).periods.max() > 0)  # by months of 30 days, the 30th may be the end already
    assert price_from_yield(bond, day, yield_pct + more).dirty < price_from_yield(bond, day, yield_pct).dirty


@few
@given(bonds_and_days(), rates_pct)
def test_the_yield_of_a_price_is_the_yield_it_was_made_with(bond_and_day, yield_pct):
    bond, day = bond_and_day
    periods = bond.remaining(days_of([day])).periods.max()
    assume(periods > 0)
    price = price_from_yield(bond, day, yield_pct)
    found = yield_from_price(bond, day, price.clean)
    # A day before maturity a price of 16 digits tells the yield to about 13.
    assert found == pytest.approx(yield_pct, abs=1e-9 * max(1, 1 / periods))


@few
@given(bonds_and_days(), rates_pct)
def test_duration_and_dv01_in_closed_form_are_those_by_bump(bond_and_day, yield_pct):
    bond, day = bond_and_day
    answers = measures(bond, day, yield_pct)
    bumped = dv01_by_bump(bond, day, yield_pct)
    price = price_from_yield(bond, day, yield_pct).dirty

    assert answers.dv01[0] == pytest.approx(bumped, rel=1e-5, abs=1e-10)
    assert answers.modified_duration[0] == pytest.approx(bumped * 10_000 / price, rel=1e-5, abs=1e-8)
    assert 0 <= answers.macaulay_duration[0] <= (bond.maturity_date - day).days / 365 + 0.2


@few
@given(bonds_and_days(), rates_pct)
def test_convexity_is_the_second_difference_of_the_price(bond_and_day, yield_pct):
    bond, day = bond_and_day
    low, at, high = (price_from_yield(bond, day, yield_pct + bump).dirty for bump in (-0.1, 0.0, 0.1))
    assert measures(bond, day, yield_pct).convexity[0] == pytest.approx(
        (low - 2 * at + high) / at * 1e6, rel=2e-3, abs=1e-4
    )


@few
@given(bonds())
def test_accrued_grows_up_to_the_coupon_and_is_zero_on_its_day(bond):
    begins = bond.issue_date or bond.maturity_date - timedelta(3_000)
    for flow in bond.cash_flows(begins, bond.maturity_date)[:3]:
        if flow.kind == "REDEMPTION":
            continue
        before = [
            bond.accrued(flow.day - timedelta(days)) for days in range(5, 0, -1) if flow.day - timedelta(days) > begins
        ]
        coupon, a_day = float(flow.amount), float(bond.coupon_rate_pct) / 360
        assert before == sorted(before)
        assert all(accrued <= coupon + 1e-9 for accrued in before)
        # February's end is up to three days of 30 away from the 1st.
        assert not before or coupon - before[-1] <= 4 * a_day + 1e-9
        assert bond.accrued(flow.day) == 0


@few
@given(bonds(), rates_pct)
def test_a_dirty_price_falls_by_the_coupon_on_its_day(bond, yield_pct):
    flows = bond.cash_flows(bond.issue_date or bond.maturity_date - timedelta(3_000), bond.maturity_date)
    for flow in [flow for flow in flows if flow.day < bond.maturity_date and flow.kind == "COUPON"][:2]:
        before, on = (price_from_yield(bond, day, yield_pct).dirty for day in (flow.day - timedelta(1), flow.day))
        assert before == pytest.approx(on + float(flow.amount), rel=0.002)


@few
@given(bonds_and_days(), curves, st.floats(-200, 1500))
def test_a_spread_is_found_again_and_lowers_the_price(bond_and_day, curve, spread_bps):
    bond, day = bond_and_day
    price = price_from_curve(bond, day, curve, spread_bps)

    assert price.clean + price.accrued == price.dirty
    assert price.accrued == bond.accrued(day)
    assert spread_from_price(bond, day, price.clean, curve) == pytest.approx(spread_bps, abs=1e-4)
    assert price_from_curve(bond, day, curve, spread_bps + 10).dirty < price.dirty


@few
@given(curves, st.sampled_from(PAR_TENORS[2:]))
def test_a_par_bond_of_any_tenor_prices_to_100(curve, tenor):
    assume(curve.day.day <= 28)
    par = Decimal(curve.par_pct(tenor))
    bond = Bond(day_plus_months(curve.day, tenor), par, DayCount.ACT_ACT_ICMA, 2, curve.day, end_of_month=False)
    assert price_from_curve(bond, curve.day, curve).clean == pytest.approx(100, abs=1e-9)


@few
@given(st.one_of(bonds(), bonds_of_many_terms()), st.lists(st.integers(-12_000, 400), min_size=3, max_size=3))
def test_cash_flows_of_two_stretches_are_those_of_both(bond, places):
    first, middle, last = (bond.maturity_date + timedelta(place) for place in sorted(places))
    assert bond.cash_flows(first, middle) + bond.cash_flows(middle, last) == bond.cash_flows(first, last)


@few
@given(bonds_and_days(), st.floats(0, 500))
def test_a_day_among_many_is_worth_what_it_is_alone(bond_and_day, spread_bps):
    bond, day = bond_and_day
    par = {6: 2.0, 24: 2.5, 120: 3.5, 360: 4.0}
    days = days_of([day - timedelta(40), day, bond.maturity_date, day - timedelta(3)])
    quoted = np.sort(days)
    many = Curves.bootstrap(np.unique(quoted), list(par), np.array([list(par.values())] * len(np.unique(quoted))))
    found = value_daily(bond, days, many, spread_bps)
    alone = price_from_curve(bond, day, Curve.of(day, par), spread_bps)
    yield_pct = found.yield_pct[1]

    assert (found.clean[1], found.accrued[1]) == pytest.approx((alone.clean, alone.accrued), abs=1e-10)
    assert found.clean + found.accrued == pytest.approx(found.dirty, abs=1e-12, nan_ok=True)
    assert np.isnan(found.dirty[2])
    if bond.remaining(days_of([day])).periods.max() > 0:
        assert price_from_yield(bond, day, yield_pct).clean == pytest.approx(alone.clean, abs=1e-9)
        assert found.dv01[1] == pytest.approx(measures(bond, day, yield_pct).dv01[0], abs=1e-12)
