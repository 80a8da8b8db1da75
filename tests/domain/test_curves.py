"""Curves against the rulebook's vectors and the real Treasury yields; published ones are in tests/yardsticks."""

import math
from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from domain.analytics.fixed_income.bond_prices import price_from_curve
from domain.analytics.fixed_income.bonds import Bond
from domain.analytics.fixed_income.curves import Curve, Curves
from domain.analytics.fixed_income.day_counts import DayCount, day_plus_months, days_of, plus_months
from tests.domain.treasury import treasury_yields

TODAY = date(2023, 5, 15)  # any day: the tenors are in months


def test_spot_yields_of_the_rulebooks_par_yields():
    # RULEBOOK 8
    curve = Curve.of(TODAY, {6: 2.0, 12: 2.4, 18: 2.76, 24: 3.084, 30: 3.3756, 36: 3.638})
    spots = [curve.spot_pct(tenor) for tenor in curve.tenors_months]
    assert spots == pytest.approx([2.0000, 2.4024, 2.7669, 3.0974, 3.3974, 3.6700], abs=5e-5)


def test_every_par_bond_of_every_day_since_1990_prices_to_100():
    days, tenors, yields = treasury_yields()
    curves = Curves.bootstrap(days, tenors, yields)
    assert yields.shape == (6816, 11)
    for place, tenor in enumerate(tenors):
        months = np.arange(6, tenor + 1, 6) if tenor >= 6 else np.array([tenor])
        ahead = (plus_months(days[:, None], months) - days[:, None]).astype(np.int64)
        discounts = np.exp(curves.log_discounts(ahead))
        coupons = yields[:, place] * min(tenor, 6) / 12
        prices = coupons * discounts.sum(axis=1) + 100 * discounts[:, -1]
        assert np.nanmax(np.abs(prices - 100)) < 1e-9
        assert np.isnan(prices).sum() == np.isnan(yields[:, place]).sum()


def test_a_treasury_issued_at_the_par_yield_of_a_tenor_prices_to_100():
    days, tenors, yields = treasury_yields()
    priced = 0
    for row in range(0, len(days), 97):
        opened: date = days[row].item()
        pars = {tenor: rate for tenor, rate in zip(tenors, yields[row].tolist(), strict=True) if not math.isnan(rate)}
        curve = Curve.of(opened, pars)
        for tenor, rate in pars.items():
            # Issued on the 31st, the coupons of a bond and of a tenor fall on different days of shorter months.
            if tenor >= 6 and opened.day <= 28:
                matures = day_plus_months(opened, tenor)
                bond = Bond(matures, Decimal(str(rate)), DayCount.ACT_ACT_ICMA, 2, opened, end_of_month=False)
                assert price_from_curve(bond, opened, curve).clean == pytest.approx(100, abs=1e-9)
                priced += 1
    assert priced > 400


def test_a_missing_tenor_is_bridged_and_not_a_yield_of_zero():
    full = {6: 2.0, 24: 3.0, 60: 3.5, 120: 4.0}
    without = {tenor: rate for tenor, rate in full.items() if tenor != 60}
    rows = np.array([[full[tenor] for tenor in full], [full[tenor] if tenor != 60 else np.nan for tenor in full]])
    both = Curves.bootstrap(days_of([TODAY, date(2023, 5, 16)]), list(full), rows)
    alone = Curve.of(date(2023, 5, 16), without)

    ahead = np.array([[100, 2_000, 3_000, 4_000]] * 2)
    assert both.log_discounts(ahead)[1] == pytest.approx(alone.curves().log_discounts(ahead[:1])[0], abs=1e-15)
    assert both.log_discounts(ahead)[0] == pytest.approx(
        Curve.of(TODAY, full).curves().log_discounts(ahead[:1])[0], abs=1e-15
    )
    assert 3.0 < alone.par_pct(60) < 4.0


def test_the_first_tenors_rate_holds_before_it_and_the_last_ones_beyond():
    curve = Curve.of(TODAY, {3: 2.0, 12: 2.5, 120: 4.0})
    at_first, at_last = date(2023, 8, 15), date(2033, 5, 15)
    days = (at_last - TODAY).days

    assert math.log(curve.discount(date(2023, 6, 30))) == pytest.approx(math.log(curve.discount(at_first)) / 2)
    assert curve.discount(TODAY) == 1
    assert curve.discount(date(2043, 5, 15)) == pytest.approx(
        curve.discount(at_last) ** ((date(2043, 5, 15) - TODAY).days / days), rel=1e-14
    )


def test_between_tenors_the_forward_rate_is_constant():
    curve = Curve.of(TODAY, {12: 2.5, 24: 4.0})
    logs = [math.log(curve.discount(day)) for day in (date(2024, 6, 1), date(2024, 8, 1), date(2024, 10, 1))]
    assert logs[1] - logs[0] == pytest.approx(logs[2] - logs[1], rel=1e-12)


def test_a_shift_moves_every_par_yield():
    curve = Curve.of(TODAY, {1: 1.0, 3: 1.2, 6: 1.5, 24: 2.0, 120: 3.0})
    shifted = curve.shifted(25)

    assert [shifted.par_pct(tenor) - curve.par_pct(tenor) for tenor in curve.tenors_months] == pytest.approx([0.25] * 5)
    assert shifted.shifted(-25).discounts == pytest.approx(curve.discounts, abs=1e-13)


def test_a_curve_is_carried_for_seven_days_and_not_longer():
    curves = Curves.bootstrap(days_of([TODAY, date(2023, 5, 16)]), [6], np.array([[2.0], [3.0]]))
    asked = days_of([date(2023, 5, 14), TODAY, date(2023, 5, 16), date(2023, 5, 23), date(2023, 5, 24)])
    carried, is_fresh = curves.carried(asked)

    assert is_fresh.tolist() == [False, True, True, True, False]
    assert carried.days[1:4].tolist() == [TODAY, date(2023, 5, 16), date(2023, 5, 16)]
    assert carried.log_discounts(np.array([[184]] * 5))[3] == pytest.approx(-math.log(1.015), abs=1e-12)


@pytest.mark.parametrize(
    ("tenors", "yields", "named"),
    [
        ([12, 6], [[1.0, 1.0]], "ascend"),
        ([6, 13], [[1.0, 1.0]], "whole half-years"),
        ([6, 12], [[np.nan, np.nan]], "no yield at all on 2023-05-15"),
        ([12, 360], [[1.0, 1000.0]], "no discount factor fits the yields of 2023-05-15"),
    ],
)
def test_yields_that_make_no_curve_are_refused_by_name(tenors, yields, named):
    with pytest.raises(ValueError, match=named):
        Curves.bootstrap(days_of([TODAY]), tenors, np.array(yields))


def test_a_curve_says_nothing_of_the_days_before_it():
    with pytest.raises(ValueError, match="2023-05-14 is before the curve's 2023-05-15"):
        Curve.of(TODAY, {12: 2.0}).discount(date(2023, 5, 14))
