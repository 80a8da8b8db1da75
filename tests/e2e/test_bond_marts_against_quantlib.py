"""The lake's bond prices against QuantLib, which bootstraps the bundled Treasury yields itself and prices off them.

So nothing of ours is between the market's file and the expected figures but the terms of the bonds.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 - as its own documentation calls it

from domain.analytics.fixed_income.bonds import Bond
from domain.analytics.fixed_income.day_counts import day_plus_months
from ops import demo
from storage.lake.delta import memory_duckdb
from tests.domain.test_bonds_against_quantlib import ql_bond, ql_day
from tests.domain.treasury import treasury_yields

SEED = 20170329
COUNT = 100
BONDS: Mapping[str, Mapping[str, Any]] = {
    bond["ticker"]: bond["bond"] for bond in json.loads(demo.BONDS.read_text())["securities"]
}


@pytest.fixture(autouse=True)
def evaluation_date() -> Iterator[None]:
    before = ql.Settings.instance().evaluationDate
    yield
    ql.Settings.instance().evaluationDate = before


def terms_of(ticker: str) -> Bond:
    told = BONDS[ticker]
    days = [date.fromisoformat(told[name]) if name in told else None for name in ("issue_date", "first_coupon_date")]
    rate = Decimal(told["coupon_rate_pct"])
    return Bond.of(date.fromisoformat(told["maturity_date"]), rate, told["day_count"], 2, *days)


def par_bond(day: date, months: int, yield_pct: float) -> ql.BondHelper:
    """Build the bond that the curve must price to 100: half-yearly coupons, or simple interest below six months."""
    today = ql_day(day)
    if months < 6:
        simple = 100 / (1 + yield_pct / 100 * months / 12)
        bond = ql.ZeroCouponBond(0, ql.NullCalendar(), 100, ql_day(day_plus_months(day, months)), ql.Unadjusted)
        return ql.BondHelper(ql.QuoteHandle(ql.SimpleQuote(simple)), bond)
    dates = [ql_day(day_plus_months(day, month)) for month in range(0, months + 1, 6)]
    period, none = ql.Period(6, ql.Months), ql.Unadjusted
    schedule = ql.Schedule(
        dates, ql.NullCalendar(), none, none, period, ql.DateGeneration.Forward, False, [True] * (len(dates) - 1)
    )
    count = ql.ActualActual(ql.ActualActual.ISMA, schedule)
    quote = ql.QuoteHandle(ql.SimpleQuote(100))
    return ql.FixedRateBondHelper(quote, 0, 100, schedule, [yield_pct / 100], count, ql.Unadjusted, 100, today)


def bootstrapped(day: date, curve_day: date, yields: Mapping[int, float], spread_bps: float) -> Any:
    """QuantLib's curve of `curve_day`, as it is carried to `day`: as far ahead it discounts the same."""
    ql.Settings.instance().evaluationDate = ql_day(curve_day)
    count = ql.Actual365Fixed()
    helpers = [par_bond(curve_day, months, rate) for months, rate in sorted(yields.items())]
    fitted = ql.PiecewiseLogLinearDiscount(ql_day(curve_day), helpers, count)
    later = ql.Period((day - curve_day).days, ql.Days)
    nodes = [(node + later, discount) for node, discount in fitted.nodes()]
    ql.Settings.instance().evaluationDate = ql_day(day)
    plain = ql.DiscountCurve([node for node, _ in nodes], [discount for _, discount in nodes], count)
    plain.enableExtrapolation()
    spread = ql.QuoteHandle(ql.SimpleQuote(spread_bps / 10_000))
    return ql.YieldTermStructureHandle(
        ql.ZeroSpreadedTermStructure(ql.YieldTermStructureHandle(plain), spread, ql.Continuous, ql.Annual, count)
    )


def priced(ticker: str, day: date, curve_day: date, yields: Mapping[int, float]) -> list[float]:
    """Clean price, accrued, yield, modified duration and DV01, as QuantLib has them."""
    curve = bootstrapped(day, curve_day, yields, float(BONDS[ticker].get("spread_bps", 0)))
    bond, count = ql_bond(terms_of(ticker))
    today = ql_day(day)
    bond.setPricingEngine(ql.DiscountingBondEngine(curve))
    clean, accrued = bond.cleanPrice(), bond.accruedAmount(today)
    left = sum(1 for flow in bond.cashflows() if flow.date() > today)
    compounding = ql.Simple if left == 2 else ql.Compounded  # the last coupon and the redemption
    functions = ql.BondFunctions
    price = ql.BondPrice(clean, ql.BondPrice.Clean)
    found = functions.bondYield(bond, price, count, compounding, 2, today, 1e-13, 1000, 0.03)
    rate = ql.InterestRate(found, count, compounding, 2)
    duration = functions.duration(bond, rate, ql.Duration.Modified, today)
    return [clean, accrued, 100 * found, duration, duration * (clean + accrued) / 10_000]


@pytest.fixture(scope="module")
def valued(platform_home) -> dict[str, list[tuple[Any, ...]]]:
    """The lake's own rows of each bond."""
    versions = platform_home.head.versions
    bonds, names = (
        platform_home.lake.scan(table, versions[table])
        for table in ("marts/fact_bond_valuation_daily", "marts/dim_security")
    )
    query = (
        "select ticker, price_date, curve_date, clean_price, accrued, yield_pct, modified_duration_years, dv01"
        f" from {bonds} inner join {names} using (security_id) order by ticker, price_date"
    )
    found: dict[str, list[tuple[Any, ...]]] = {ticker: [] for ticker in BONDS}
    with memory_duckdb() as connection:
        for ticker, *row in connection.execute(query).fetchall():
            found[ticker].append(tuple(row))
    return found


@pytest.fixture(scope="module")
def market() -> dict[date, dict[int, float]]:
    """The bundled par yields by day and tenor."""
    days, tenors, yields = treasury_yields()
    rows = zip(days.tolist(), yields.tolist(), strict=True)
    return {
        day: {tenor: rate for tenor, rate in zip(tenors, row, strict=True) if not np.isnan(rate)} for day, row in rows
    }


@pytest.mark.parametrize("ticker", BONDS)
def test_price_accrued_yield_and_duration_of_the_lake_are_quantlibs(valued, market, ticker: str, capsys) -> None:
    rows = valued[ticker]
    chosen = sorted(np.random.default_rng(SEED).choice(len(rows), COUNT, replace=False).tolist())
    worst = np.zeros(5)
    for place in chosen:
        day, curve_day, *ours = rows[place]
        theirs = priced(ticker, day, curve_day, market[curve_day])
        worst = np.maximum(worst, np.abs(np.array(ours, dtype=float) - theirs))
    with capsys.disabled():
        names = ("clean", "accrued", "yield %", "duration", "DV01")
        told = ", ".join(f"{name} {most:.0e}" for name, most in zip(names, worst, strict=True))
        print(f"\n{ticker}, {COUNT} days (seed {SEED}), largest differences: {told}", file=sys.__stderr__)

    assert worst.max() < 1e-6


def test_control_a_curve_that_is_a_day_old_is_seen(valued, market) -> None:
    day, curve_day, clean, *_ = valued["UST-2.25-2025"][-1]
    before = max(known for known in market if known < curve_day - timedelta(days=0))

    assert abs(float(clean) - priced("UST-2.25-2025", day, before, market[before])[0]) > 1e-3
