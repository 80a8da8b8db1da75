"""Bonds day by day: schedules, what they pay, what they refuse, and daily values."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest

from domain.analytics.fixed_income.bills import bond_equivalent_yield, price_from_discount
from domain.analytics.fixed_income.bond_prices import (
    NoYield,
    measures,
    price_from_curve,
    price_from_yield,
    spread_from_price,
    yield_from_price,
)
from domain.analytics.fixed_income.bond_values import value_daily
from domain.analytics.fixed_income.bonds import Bond, CashFlow
from domain.analytics.fixed_income.curves import Curve, Curves
from domain.analytics.fixed_income.day_counts import DayCount, days_of
from domain.securities import BondDetails
from tests.domain.treasury import treasury_yields

TREASURY = Bond(date(2027, 2, 15), Decimal("2.25"), DayCount.ACT_ACT_ICMA, 2, date(2017, 2, 15))
ZERO = Bond(date(2027, 2, 15), Decimal(0), DayCount.ACT_ACT_ICMA)
FLAT = Curve.of(date(2020, 2, 15), {6: 2.0, 360: 2.0})


def test_a_bond_is_made_from_the_facts_that_the_registry_has():
    facts = BondDetails(date(2027, 2, 15), Decimal("2.25"), "ACT/ACT ICMA", 2, issue_date=date(2017, 2, 15))
    made = Bond.of(
        facts.maturity_date,
        facts.coupon_rate_pct,
        facts.day_count,
        facts.coupon_frequency,
        facts.issue_date,
        facts.first_coupon_date,
    )
    assert made == TREASURY
    assert Bond.of(date(2027, 2, 15), Decimal(0), "ACT/ACT ICMA") == ZERO


def test_coupons_and_redemption_are_paid_after_one_day_and_up_to_another():
    half = Decimal("1.125")
    assert TREASURY.cash_flows(date(2026, 2, 15), date(2027, 2, 15)) == [
        CashFlow(date(2026, 8, 15), "COUPON", half, date(2026, 8, 15)),
        CashFlow(date(2027, 2, 15), "COUPON", half, date(2027, 2, 15)),
        CashFlow(date(2027, 2, 15), "REDEMPTION", Decimal(100), date(2027, 2, 15)),
    ]
    assert TREASURY.cash_flows(date(2026, 8, 15), date(2027, 2, 14)) == []


def test_at_maturity_and_after_it_there_is_nothing():
    for day in (date(2027, 2, 15), date(2030, 1, 1)):
        assert TREASURY.accrued(day) == 0
        assert price_from_yield(TREASURY, day, 3.0).dirty == 0
        assert price_from_curve(TREASURY, day, FLAT).dirty == 0
        assert TREASURY.cash_flows(day, date(2040, 1, 1)) == []
        with pytest.raises(ValueError, match="matures on 2027-02-15 has nothing to pay after"):
            measures(TREASURY, day, 3.0)


def test_the_last_days_value_is_par_and_the_last_coupon():
    eve = price_from_yield(TREASURY, date(2027, 2, 14), 0.0)
    assert eve.dirty == pytest.approx(101.125)
    assert eve.accrued == pytest.approx(1.125 * 183 / 184)


def test_a_zero_coupon_bond_accrues_nothing_and_compounds_twice_a_year():
    price = price_from_yield(ZERO, date(2017, 2, 15), 4.0)
    assert (price.accrued, price.clean) == (0, pytest.approx(100 * 1.02**-20, abs=1e-12))
    assert ZERO.cash_flows(date(2017, 1, 1), date(2027, 2, 15)) == [
        CashFlow(date(2027, 2, 15), "REDEMPTION", Decimal(100), date(2027, 2, 15))
    ]


def test_a_treasury_bill_as_a_zero_coupon_bond_has_the_bond_equivalent_yield():
    # 91 days at a discount of 5 %: price 98.736111, bond equivalent yield 5.134 %: both formulas are simple interest.
    price = price_from_discount(5.0, 91 / 360)
    bill = Bond(date(2023, 8, 17), Decimal(0), DayCount.ACT_360)
    assert price == pytest.approx(98.736111, abs=5e-7)
    assert bond_equivalent_yield(5.0, 91) == pytest.approx(5.134, abs=5e-4)
    assert yield_from_price(bill, date(2023, 5, 18), price) == pytest.approx(5.134, abs=0.05)


def test_a_bill_whose_discount_eats_all_of_it_has_no_yield():
    with pytest.raises(ValueError, match=r"a discount of 400\.0 % over 182 days leaves a price of -102"):
        bond_equivalent_yield(400.0, 182)


def test_month_ends_stay_month_ends_unless_the_first_coupon_says_otherwise():
    def paid(**terms: object) -> list[str]:
        bond = Bond(date(2026, 6, 30), Decimal(4), DayCount.THIRTY_360_US, 2, date(2025, 1, 15), **terms)
        return [str(day) for day in bond.schedule(date(2025, 1, 15)).dates[1:]]

    assert paid() == ["2025-06-30", "2025-12-31", "2026-06-30"]
    assert paid(end_of_month=False) == ["2025-06-30", "2025-12-30", "2026-06-30"]
    assert paid(first_coupon_date=date(2025, 12, 30)) == ["2025-06-30", "2025-12-30", "2026-06-30"]


def test_a_short_and_a_long_first_coupon_pay_for_their_days():
    # From 20 March, half a year of 30-day months has 115 days until 15 July and 295 until 15 January.
    for first, amount in ((date(2007, 7, 15), Decimal(115)), (date(2008, 1, 15), Decimal(295))):
        bond = Bond(date(2017, 1, 15), Decimal(6), DayCount.THIRTY_360_US, 2, date(2007, 3, 20), first)
        coupon = bond.cash_flows(date(2007, 3, 20), date(2008, 1, 15))[0]
        assert (coupon.day, coupon.amount) == (first, round(amount * 6 / 360, 12))
    assert bond.accrued(date(2007, 7, 15)) == pytest.approx(115 * 6 / 360)
    assert bond.accrued(date(2007, 3, 20)) == bond.accrued(date(2007, 3, 1)) == 0


def test_without_an_issue_a_bond_accrues_since_a_period_before_its_first_coupon():
    bond = Bond(date(2017, 1, 15), Decimal(6), DayCount.THIRTY_360_US, 2, first_coupon_date=date(2008, 1, 15))
    assert bond.accrues_from == date(2007, 7, 15)
    assert bond.accrued(date(2007, 7, 1)) == 0
    assert bond.cash_flows(date(2000, 1, 1), date(2008, 1, 15))[0].amount == 3


@pytest.mark.parametrize(
    ("terms", "named"),
    [
        ({"coupon_frequency": 3}, "must be one of"),
        ({"coupon_frequency": 0}, "does not go with 0 coupons"),
        ({"coupon_rate_pct": Decimal(0)}, "0 % does not go with 2"),
        ({"day_count": DayCount.ACT_ACT_EXCEL}, "no bond accrues by it"),
        ({"issue_date": date(2027, 2, 15)}, "must be after the coupons"),
        (
            {"first_coupon_date": date(2017, 9, 1)},
            "first_coupon_date 2017-09-01 is not among the regular dates 2017-08-15",
        ),
    ],
)
def test_terms_that_make_no_bond_are_refused_by_name(terms, named):
    facts = {
        "maturity_date": date(2027, 2, 15),
        "coupon_rate_pct": Decimal("2.25"),
        "day_count": DayCount.ACT_ACT_ICMA,
        "coupon_frequency": 2,
        "issue_date": date(2017, 2, 15),
    }
    with pytest.raises(ValueError, match=named):
        Bond(**{**facts, **terms})


def test_a_price_without_a_yield_is_refused_with_the_price_and_what_is_possible():
    with pytest.raises(NoYield, match=r"clean price of -1: .* to .* are possible"):
        yield_from_price(TREASURY, date(2020, 2, 15), -1.0)
    with pytest.raises(NoYield, match=r"no spread gives a clean price of -1: .* to .* are possible"):
        spread_from_price(TREASURY, date(2020, 2, 15), -1.0, FLAT)


def test_a_yield_may_be_below_zero():
    price = price_from_yield(TREASURY, date(2020, 2, 15), -1.5).clean
    assert price > 115
    assert yield_from_price(TREASURY, date(2020, 2, 15), price) == pytest.approx(-1.5, abs=1e-10)


def sample_curves() -> Curves:
    return Curves.bootstrap(*treasury_yields())


def test_a_bond_is_valued_from_its_issue_until_before_its_maturity():
    bond = Bond(date(2016, 8, 15), Decimal("4.875"), DayCount.ACT_ACT_ICMA, 2, date(2006, 8, 15))
    days = days_of([date(2006, 8, 14), date(2006, 8, 15), date(2016, 8, 12), date(2016, 8, 15), date(2016, 8, 16)])
    found = value_daily(bond, days, sample_curves())

    assert np.isnan(found.dirty).tolist() == [True, False, False, True, True]
    # The day's ten-year par yield was 4.93 %, 5.5 bp above the coupon, times a duration of 7.8 years.
    assert found.clean[1] == pytest.approx(99.57, abs=0.05)
    assert found.accrued[1] == 0
    assert found.dirty[2] == pytest.approx(102.4375, abs=0.01)
    assert found.curve_days[1] == np.datetime64("2006-08-15")


def test_a_day_without_a_curve_takes_the_last_of_seven_days_and_else_has_no_value():
    full = sample_curves()
    gap = full.of_rows(
        np.flatnonzero((full.days < np.datetime64("2010-03-01")) | (full.days > np.datetime64("2010-03-20")))
    )
    bond = Bond(date(2016, 8, 15), Decimal("4.875"), DayCount.ACT_ACT_ICMA, 2)
    days = np.arange("2010-02-26", "2010-03-23", dtype="datetime64[D]")
    found = value_daily(bond, days, gap)

    has_value = ~np.isnan(found.clean)
    assert days[has_value].tolist() == [date(2010, 2, 26) + timedelta(n) for n in (*range(8), 24)]
    assert set(found.curve_days[has_value].tolist()) == {date(2010, 2, 26), date(2010, 3, 22)}
    assert np.isnat(found.curve_days[~has_value]).all()


def test_a_spread_is_of_each_day_and_a_missing_one_has_no_value():
    days = days_of([date(2010, 3, 1), date(2010, 3, 2), date(2010, 3, 3)])
    bond = Bond(date(2016, 8, 15), Decimal("4.875"), DayCount.ACT_ACT_ICMA, 2)
    found = value_daily(bond, days, sample_curves(), np.array([0.0, 100.0, np.nan]))

    assert found.clean[0] - found.clean[1] == pytest.approx(100 * found.dv01[0], rel=0.1)
    assert found.spread_bps[:2].tolist() == [0, 100]
    assert np.isnan(found.clean).tolist() == [False, False, True]


def test_no_days_or_no_curves_have_no_values():
    none = sample_curves().of_rows(np.array([], dtype=np.int64))
    assert value_daily(TREASURY, days_of([]), sample_curves()).clean.shape == (0,)
    assert np.isnan(value_daily(TREASURY, days_of([date(2017, 3, 1)]), none).dirty).all()


def test_on_the_30th_before_a_maturity_on_the_31st_a_price_has_no_yield():
    bond = Bond(date(2012, 8, 31), Decimal(6), DayCount.THIRTY_360_US, 2)
    found = value_daily(bond, days_of([date(2012, 8, 29), date(2012, 8, 30)]), sample_curves())
    assert found.clean == pytest.approx([100, 100], abs=0.02)
    assert np.isnan(found.yield_pct).tolist() == np.isnan(found.dv01).tolist() == [False, True]


def test_a_bond_is_valued_on_every_day_of_its_thirty_years():
    curves = sample_curves()
    days = curves.days[curves.days >= np.datetime64("1990-02-15")]
    bond = Bond(date(2020, 2, 15), Decimal("8.5"), DayCount.ACT_ACT_ICMA, 2, date(1990, 2, 15))

    found = value_daily(bond, days, curves)

    assert not np.isnan(found.clean).any()
    assert len(found.clean) > 6_700


@pytest.mark.parametrize(("yield_pct", "expected"), [(4, 108.175717), (5, 100.0), (6, 92.561263)])
def test_ten_years_at_five_per_cent_are_worth_the_rulebooks_price(yield_pct, expected):
    # RULEBOOK 8
    bond = Bond(date(2030, 1, 15), Decimal(5), DayCount.ACT_ACT_ICMA, 2)
    issued = date(2020, 1, 15)
    price = price_from_yield(bond, issued, yield_pct)
    flat = Curve.of(issued, {tenor: float(yield_pct) for tenor in range(6, 121, 6)})

    assert price.clean == price.dirty == pytest.approx(expected, abs=5e-7)
    assert price_from_curve(bond, issued, flat).clean == pytest.approx(expected, abs=5e-7)
    assert yield_from_price(bond, issued, price.clean) == pytest.approx(yield_pct, abs=1e-10)


def test_a_duration_of_a_bond_at_par_is_the_closed_forms():
    # At par, modified duration is (1 - v^n) / y and so 7.794581 for ten years at 5 %: Fabozzi, Bond Markets, chapter 4.
    bond = Bond(date(2030, 1, 15), Decimal(5), DayCount.ACT_ACT_ICMA, 2)
    answers = measures(bond, date(2020, 1, 15), 5)

    assert answers.modified_duration[0] == pytest.approx((1 - 1.025**-20) / 0.05, abs=1e-12)
    assert answers.macaulay_duration[0] == pytest.approx((1 - 1.025**-20) / 0.05 * 1.025, abs=1e-12)


# 31 CFR part 356, appendix B, section II, A to G: issue, maturity, first coupon, coupon, yield and settlement; then
# the published price and accrued interest per 100.
TREASURYS_EXAMPLES = {
    "A": ("1990-05-15", "2020-05-15", None, "8.75", 8.84, "1990-05-15", 99.057893, 0.0),
    "B": ("1990-04-02", "1992-03-31", "1990-09-30", "8.5", 8.59, "1990-04-02", 99.838183, 0.0),
    "C": ("1990-03-01", "1995-05-15", "1990-11-15", "8.5", 8.53, "1990-03-01", 99.805118, 0.0),
    "D": ("1985-11-15", "1995-11-15", None, "9.5", 9.54, "1985-11-29", 99.730918, 0.367403),
    "E": ("1985-07-02", "2005-08-15", "1986-02-15", "10.75", 10.47, "1985-11-04", 102.214586, 3.672798),
    "F": ("1983-05-16", "1991-05-15", "1983-11-15", "10.5", 10.53, "1983-08-15", 99.777074, 2.596467),
    "G": ("1988-10-15", "1994-12-15", "1989-06-15", "9.75", 9.79, "1988-11-15", 99.738045, 0.825820),
}


@pytest.mark.parametrize("example", TREASURYS_EXAMPLES)
def test_a_treasury_with_any_first_coupon_costs_what_the_treasury_says(example):
    issued, matures, first, coupon, yield_pct, settled, clean, accrued = TREASURYS_EXAMPLES[example]
    paid_first = date.fromisoformat(first) if first else None
    bond = Bond(
        date.fromisoformat(matures), Decimal(coupon), DayCount.ACT_ACT_ICMA, 2, date.fromisoformat(issued), paid_first
    )
    left = bond.remaining(days_of([date.fromisoformat(settled)]))
    # The Treasury discounts over the part of the first period by simple interest, the street by compounding.
    part, per_period = left.periods[0, 0] % 1, yield_pct / 200
    simple = (1 + per_period) ** part / (1 + part * per_period)
    dirty = price_from_yield(bond, date.fromisoformat(settled), yield_pct).dirty * simple

    assert bond.accrued(date.fromisoformat(settled)) == pytest.approx(accrued, abs=1e-6)
    assert dirty - accrued == pytest.approx(clean, abs=1.5e-6)
