"""Bonds: what each is worth on every session, from that day's Treasury curve and its own terms.

Belongs here: which terms, days and curve go into the valuation, and the shape of what comes out. Does not: any formula;
those are in domain/analytics. A bond that cannot be valued has accrued interest and no price, and the log says why; one
of which no schedule can be made has no row.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.analytics.arrays import Days
from domain.analytics.fixed_income.bond_facts import bond_of
from domain.analytics.fixed_income.bond_values import BondValues, value_daily
from domain.analytics.fixed_income.bonds import Bond
from domain.analytics.fixed_income.curves import Curves
from domain.analytics.fixed_income.day_counts import days_of
from pipelines.runtime.resources import EXCHANGE, Platform
from pipelines.tables.publishing import publish, unchanged_metadata
from pipelines.tables.rebuild_scope import unchanged
from pipelines.tables.table_plots import of_bonds
from pipelines.tables.version_set import pinned

VALUATION = "marts/fact_bond_valuation_daily"
BONDS, SECURITIES = "raw/pg_bond_details", "raw/pg_security_registry"
CURVE, CALENDAR = "raw/yield_curve", "raw/trading_calendar"
_READ = (BONDS, SECURITIES, CURVE, CALENDAR)
_CURVES_CURRENCY = "USD"
_PRICE = pa.decimal128(18, 8)
SCHEMA = pa.schema(
    [
        ("security_id", pa.int64()),
        ("price_date", pa.date32()),
        ("clean_price", _PRICE),
        ("accrued", _PRICE),
        ("dirty_price", _PRICE),
        ("yield_pct", pa.float64()),
        ("modified_duration_years", pa.float64()),
        ("dv01", pa.float64()),
        ("spread_bps", pa.float64()),
        ("curve_date", pa.date32()),
        ("redemption_date", pa.date32()),
        ("discount_pct", pa.float64()),
    ]
)
MEANINGS = {
    "security_id": "Bond.",
    "price_date": "Session, coupon date or ex-coupon date, from its issue to the day before its last payment.",
    "clean_price": "Per cent of face, without accrued: dirty_price - accrued; null, as all but accrued, if not priced.",
    "accrued": "Interest accrued since the last coupon, per 100 of face; 0 on a coupon date, negative ex coupon.",
    "dirty_price": "What 100 of face is worth: its payments discounted on the curve plus spread_bps.",
    "yield_pct": "Yield to maturity by the street convention, per cent a year, compounding as often as it pays.",
    "modified_duration_years": "Fraction by which the dirty price falls if the yield rises by 1, in years.",
    "dv01": "By how much 100 of face falls if the yield rises by one basis point.",
    "spread_bps": "Over the Treasury curve, in basis points: as registered; 0 for a sovereign without one.",
    "redemption_date": "When it is paid off: at maturity, or of a callable bond when its price is lowest.",
    "discount_pct": "Of a bill (no coupon, ACT/360, within a year of payment): 100 - price, per year of 360 days.",
    "curve_date": "The day of the curve, at most 7 days before.",
}


@dg.asset(
    key=VALUATION.split("/"),
    deps=[dg.AssetKey(table.split("/")) for table in _READ],
    description="Grain: one row per bond and session or coupon date: clean and dirty price, yield, duration, DV01.",
    group_name="marts",
    owners=["team:lakefolio"],
    kinds={"python", "deltalake"},
    code_version="3",
)
def fact_bond_valuation_daily(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[Any]:
    seen = pinned(context.instance, context.run.run_id, platform.releases, known=_READ)
    for version in unchanged(context.run, platform.lake, seen, {VALUATION: _READ}).values():
        return dg.MaterializeResult(metadata=unchanged_metadata(version))
    bonds, securities, curve, calendar = (platform.lake.read(table, seen.versions[table]) for table in _READ)
    rows, refused = valued(bonds.join(securities, "security_id"), curve, sessions(calendar))
    for security_id, reason in refused.items():
        context.log.warning("bond %s has no value: %s", security_id, reason)
    extra = {"not valued": dg.MetadataValue.json({str(bond): reason for bond, reason in refused.items()})}
    return publish(
        platform,
        context.asset_key,
        rows,
        context.run.run_id,
        extra=extra,
        meanings=MEANINGS,
        pictures=partial(of_bonds, bonds=bonds),
    )


def sessions(calendar: pa.Table) -> Days:
    """The exchange's trading days, in order."""
    is_session = pc.and_(calendar["is_trading_day"], pc.equal(calendar["exchange"], EXCHANGE))
    days = calendar.filter(is_session)["calendar_date"].to_numpy().astype("datetime64[D]")
    return np.sort(days)


def valued(bonds: pa.Table, curve: pa.Table, days: Days) -> tuple[pa.Table, Mapping[int, str]]:
    """The rows of every bond, each with its `currency`, and why some have no price.

    A coupon is cash on its own date, and the seller's from its ex-date on, so a bond is worth less from either on, be
    it a session or not.
    """
    tables, refused = [SCHEMA.empty_table()], {}
    curves = curves_of(curve) if bonds.num_rows and curve.num_rows else None
    for terms in sorted(bonds.to_pylist(), key=lambda row: int(row["security_id"])):
        try:
            bond, reason = bond_of(terms), _why_not_priced(terms, curves)
            on = _with_coupon_dates(bond, days)
            spread = np.nan if reason else float(terms["spread_bps"] or 0)
            tables.append(_rows(terms, value_daily(bond, on, curves or Curves.none(), spread), on))
            if reason:
                refused[int(terms["security_id"])] = reason
        except ValueError as error:
            refused[int(terms["security_id"])] = str(error)
        except Exception as error:  # a fault of ours in one bond's numbers leaves all the others their values
            refused[int(terms["security_id"])] = f"it could not be computed: {error!r}"
    return pa.concat_tables(tables).combine_chunks(), refused


def curves_of(curve: pa.Table) -> Curves:
    """The curve of every day, bootstrapped; a tenor that was not issued on a day is absent there."""
    days, row = np.unique(curve["curve_date"].to_numpy().astype("datetime64[D]"), return_inverse=True)
    tenors, column = np.unique(curve["tenor_months"].to_numpy(), return_inverse=True)
    yields = np.full((len(days), len(tenors)), np.nan)
    yields[row, column] = [float(value) for value in curve["par_yield_pct"].to_pylist()]
    return Curves.bootstrap(days, [int(tenor) for tenor in tenors], yields)


def _why_not_priced(terms: Mapping[str, Any], curves: Curves | None) -> str | None:
    if curves is None:
        return "there is no curve"
    if terms["spread_bps"] is not None:
        return None
    if terms["issuer_class"] != "SOVEREIGN":
        return "it is no sovereign and has no spread_bps over the Treasury curve"
    if terms["currency"] != _CURVES_CURRENCY:
        return f"it is in {terms['currency']} and has no spread_bps over the Treasury curve, which is of dollars"
    return None


def _with_coupon_dates(bond: Bond, days: Days) -> Days:
    if not len(days):
        return days
    flows = bond.cash_flows(days[0].item(), days[-1].item())
    coupons = [flow for flow in flows if flow.kind == "COUPON"]
    return np.union1d(days, days_of([day for flow in coupons for day in (flow.day, flow.ex_date)]))


def _rows(terms: Mapping[str, Any], values: BondValues, days: Days) -> pa.Table:
    known = ~np.isnan(values.accrued)
    clean, accrued = (_price(figures[known]) for figures in (values.clean, values.accrued))
    columns = [
        pa.array(np.full(int(known.sum()), int(terms["security_id"]))),
        pa.array(days[known]),
        clean,
        accrued,
        pc.add(clean, accrued).cast(_PRICE),
        *(_figure(of[known]) for of in (values.yield_pct, values.modified_duration, values.dv01, values.spread_bps)),
        pa.array(values.curve_days[known]),
        pa.array(values.redemption_days[known]),
        _figure(values.discount_pct[known]),
    ]
    return pa.Table.from_arrays(
        [pa.array(column).cast(field.type) for column, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA
    )


def _price(figures: Any) -> pa.Array:
    return pa.array(np.round(figures, 8), from_pandas=True).cast(_PRICE)


def _figure(figures: Any) -> pa.Array:
    """NaN is null."""
    return pa.array(figures, from_pandas=True)


ASSETS = [fact_bond_valuation_daily]
