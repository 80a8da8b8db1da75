"""Returns of a bond along past curves, against QuantLib and by definition."""

from datetime import date, timedelta
from decimal import Decimal
from math import exp, log

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 - as its own documentation calls it

from domain.analytics.fixed_income.bonds import Bond
from domain.analytics.fixed_income.curves import Curves
from domain.analytics.fixed_income.day_counts import DayCount
from domain.analytics.fixed_income.repricing import repriced_returns
from tests.domain.treasury import treasury_yields

AS_OF = date(2017, 3, 29)
TEN_YEARS = Bond(date(2027, 2, 15), Decimal("2.25"), DayCount.ACT_ACT_ICMA, 2, date(2017, 2, 15))
BILL = Bond(date(2018, 3, 29), Decimal(0), DayCount.ACT_365F)


@pytest.fixture(scope="module")
def curves() -> Curves:
    days, tenors, yields = treasury_yields()
    since = days >= np.datetime64("2008-06-01")
    return Curves.bootstrap(days[since], tenors, yields[since])


def quantlib_price(bond: Bond, curves: Curves, row: int, at: date) -> float:
    """Worth of the payments after `AS_OF` by the curve in this place, as if its day were `at`."""
    at_day = ql.Date(at.day, at.month, at.year)
    known = np.unique(curves.ends[row], return_index=True)[1]
    dates = [at_day, *[at_day + int(end) for end in curves.ends[row][known]]]
    curve = ql.DiscountCurve(dates, [1.0, *np.exp(curves.logs[row][known]).tolist()], ql.Actual365Fixed())
    curve.enableExtrapolation()
    flows = bond.cash_flows(AS_OF, bond.maturity_date)
    leg = [ql.SimpleCashFlow(float(one.amount), ql.Date(one.day.day, one.day.month, one.day.year)) for one in flows]
    return float(ql.CashFlows.npv(leg, ql.YieldTermStructureHandle(curve), False, at_day, at_day))


def test_a_bond_is_repriced_along_past_curves_as_quantlib_does(curves) -> None:
    days = curves.days
    found = repriced_returns(TEN_YEARS, AS_OF, days, curves)

    assert len(found) == len(days) - 1
    for step in np.random.default_rng(15).integers(0, len(found), 100).tolist():
        apart = int((days[step + 1] - days[step]).astype(int))
        before = quantlib_price(TEN_YEARS, curves, step, AS_OF - timedelta(days=apart))
        after = quantlib_price(TEN_YEARS, curves, step + 1, AS_OF)
        assert found[step] == pytest.approx(after / before - 1, abs=1e-12)


def test_on_a_curve_that_stands_still_a_bill_earns_its_yield() -> None:
    """ln(0.97) of a year ahead, so a day is a 365th of it and a weekend three (c)."""
    days = np.array(["2017-03-23", "2017-03-24", "2017-03-27"], dtype="datetime64[D]")
    still = Curves(days, np.full((3, 1), 365), np.full((3, 1), log(0.97)))

    assert repriced_returns(BILL, AS_OF, days, still) == pytest.approx(
        [exp(-log(0.97) * n / 365) - 1 for n in (1, 3)], rel=1e-12
    )


def test_a_spread_is_carry_and_no_move() -> None:
    days = np.array(["2017-03-23", "2017-03-24"], dtype="datetime64[D]")
    still = Curves(days, np.full((2, 1), 365), np.zeros((2, 1)))

    assert repriced_returns(BILL, AS_OF, days, still, 365.0)[0] == pytest.approx(exp(0.0365 / 365) - 1, rel=1e-12)


def test_next_to_a_day_without_a_curve_there_is_no_return() -> None:
    days = np.array(["2017-03-01", "2017-03-02", "2017-03-20", "2017-03-21"], dtype="datetime64[D]")
    curves = Curves(days[[0, 1, 3]], np.full((3, 1), 365), np.full((3, 1), -0.03))

    assert np.isnan(repriced_returns(BILL, AS_OF, days, curves)).tolist() == [False, True, True]


def test_a_bond_that_is_paid_off_has_no_returns() -> None:
    days = np.array(["2017-03-23", "2017-03-24"], dtype="datetime64[D]")
    with pytest.raises(ValueError, match="matures"):
        repriced_returns(BILL, BILL.maturity_date, days, Curves(days, np.full((2, 1), 365), np.zeros((2, 1))))
