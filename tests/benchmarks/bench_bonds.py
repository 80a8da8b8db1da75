"""One bond valued on every day there is a curve: all days at once, against QuantLib, day by day."""

import time
from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow.parquet as pq
import QuantLib as ql  # noqa: N813

from domain.analytics.fixed_income.bond_values import value_daily
from domain.analytics.fixed_income.bonds import Bond
from domain.analytics.fixed_income.curves import Curve
from domain.analytics.fixed_income.day_counts import DayCount
from pipelines.marts.bonds import curves_of
from storage.settings import REPOSITORY
from tests.domain.test_bonds_against_quantlib import ql_bond, ql_curve, ql_day, random_days

THEIR_DAYS = 300


def quantlib_value(bond: Bond, curve: Curve, day: date) -> tuple[float, ...]:
    """Compute with QuantLib what `value_daily` gives of a day: price, accrued, yield, duration."""
    ql.Settings.instance().evaluationDate = ql_day(day)
    theirs, count = ql_bond(bond)
    theirs.setPricingEngine(ql.DiscountingBondEngine(ql_curve(curve, 0)))
    price = ql.BondPrice(theirs.cleanPrice(), ql.BondPrice.Clean)
    rate = ql.BondFunctions.bondYield(theirs, price, count, ql.Compounded, bond.coupon_frequency, ql_day(day))
    interest = ql.InterestRate(rate, count, ql.Compounded, bond.coupon_frequency)
    duration = ql.BondFunctions.duration(theirs, interest, ql.Duration.Modified, ql_day(day))
    return price.amount(), theirs.accruedAmount(ql_day(day)), rate, duration


def main() -> None:
    bond = Bond(date(2020, 2, 15), Decimal("8.5"), DayCount.ACT_ACT_ICMA, 2, date(1990, 2, 15))
    curve = pq.read_table(REPOSITORY / "sample_data" / "yield_curve.parquet")
    started = time.perf_counter()
    curves = curves_of(curve)
    made = time.perf_counter() - started
    days = curves.days[curves.days >= np.datetime64("1990-02-15")]
    value_daily(bond, days[:300], curves)
    started = time.perf_counter()
    value_daily(bond, days, curves)
    ours = (time.perf_counter() - started) / len(days)
    some = random_days(bond, THEIR_DAYS)
    started = time.perf_counter()
    for curve_of_day, day in some:
        quantlib_value(bond, curve_of_day, day)
    theirs = (time.perf_counter() - started) / THEIR_DAYS
    print(
        f"a 30-year bond on {len(days):,} days: {ours * 1e6:.0f} us a day, {theirs / ours:.0f} times as fast as day by "
        f"day with QuantLib; {len(curves.days):,} curves bootstrapped in {made:.2f} s"
    )


if __name__ == "__main__":
    main()
