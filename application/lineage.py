"""Where a number comes from: a position's value on a day as the ledger rows, price, rate and splits behind it.

Everything is read from one release, so the parts are those that the number was made of, whatever came later.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import isnan
from typing import Any
from uuid import UUID

from domain.errors import SecurityNotFound, plain
from domain.money import ZERO, product
from storage.lake.mounted import MountedRelease
from storage.lake.releases import Release
from storage.queries import statements

_SQL = statements("application/lineage.sql")
Row = Mapping[str, Any]
READ = (
    *("marts/fact_position_daily", "marts/fact_price_daily", "marts/fact_own_price_daily"),
    *("marts/fx_rate_daily", "marts/fact_bond_valuation_daily"),
    *("raw/pg_transaction_ledger", "raw/corporate_action", "raw/price_daily"),
)
"""The tables whose versions an explanation names."""


@dataclass(frozen=True, slots=True)
class ValueLineage:
    """The value of a security in a portfolio at a day's close, and what it was made of.

    `holdings` are those of each account, `transactions` all that led to them, `price` the close that was used,
    `valuation` a bond's from the curve, `rates` what the exchange rate was crossed from. `steps` say it in words. The
    statuses are of price and rate, None where nothing was held.
    """

    release: Release
    security_id: int
    ticker: str
    business_date: date
    quantity: Decimal
    market_value: Decimal | None
    market_value_base: Decimal | None
    price_status: str | None
    stale_days: int | None
    fx_status: str | None
    holdings: Sequence[Row]
    transactions: Sequence[Row]
    price: Row | None
    valuation: Row | None
    rates: Sequence[Row]
    splits: Sequence[Row]
    steps: Sequence[str]

    @property
    def versions(self) -> Mapping[str, int]:
        return {table: self.release.versions[table] for table in READ if table in self.release.versions}


def explained(mounted: MountedRelease, portfolio_id: UUID, security_id: int, on: date) -> ValueLineage:
    """SecurityNotFound if the release does not know the security; a day on which nothing was held has quantity 0."""
    asked = {"security_id": security_id, "on": on, "portfolio_id": str(portfolio_id)}
    named = mounted.rows(_SQL["security"], security_id=security_id)
    if not named:
        raise SecurityNotFound(f"id:{security_id}")
    holdings = mounted.rows(_SQL["position"], **asked)
    held = holdings[0] if holdings else None
    day = held["price_date"] if held else None
    price = _one(mounted.rows(_SQL["price"], security_id=security_id, price_date=day)) if day else None
    is_derived = price is not None and price["price_kind"] == "DERIVED"
    valuation = _one(mounted.rows(_SQL["valuation"], security_id=security_id, price_date=day)) if is_derived else None
    currencies = sorted({held["currency"], held["base_currency"]}) if held else []
    rates = mounted.rows(_SQL["rates"], on=on, currencies=currencies) if len(currencies) > 1 else []
    transactions = mounted.rows(_SQL["transactions"], **asked)
    return ValueLineage(
        release=mounted.release,
        security_id=security_id,
        ticker=named[0]["ticker"],
        business_date=on,
        quantity=sum((row["quantity"] for row in holdings), ZERO),
        market_value=_total(holdings, "market_value"),
        market_value_base=_total(holdings, "market_value_base"),
        price_status=held["status"] if held else None,
        stale_days=held["stale_days"] if held else None,
        fx_status=held["fx_status"] if held else None,
        holdings=holdings,
        transactions=transactions,
        price=price,
        valuation=valuation,
        rates=rates,
        splits=mounted.rows(_SQL["splits"], security_id=security_id, on=on),
        steps=_steps(holdings, transactions, price, valuation, rates),
    )


def _steps(
    holdings: Sequence[Row], transactions: Sequence[Row], price: Row | None, valuation: Row | None, rates: Sequence[Row]
) -> list[str]:
    counted = [row for row in transactions if row["reverses_seq"] is None and row["reversed_by_seq"] is None]
    quantity = sum((row["quantity"] for row in holdings), ZERO)
    steps = [f"{len(counted)} ledger rows up to the day leave {plain(quantity)} units"]
    if not holdings:
        return steps
    held = holdings[0]
    if price is None:
        return [*steps, "there is no price, so no value: MISSING"]
    age = f", {held['stale_days']} sessions old" if held["stale_days"] else ""
    steps.append(f"the close of {price['price_date']} is {plain(price['close'])} {price['currency']}{age}")
    if valuation is not None:
        curve = f"the curve of {valuation['curve_date']} plus {valuation['spread_bps']:g} bps"
        until = f" up to {valuation['redemption_date']}" if valuation.get("redemption_date") else ""
        steps.append(f"it is derived from {curve}{until}{_at_a_yield(valuation['yield_pct'])}")
    worth = f"{plain(quantity)} x {plain(held['close'])}"
    if held["market_value"] != product(held["quantity"], held["close"]):
        worth = f"{plain(quantity)} x ({plain(held['close'])} + {plain(held['accrued'])} accrued) / 100"
    value = _total(holdings, "market_value")
    assert value is not None
    steps.append(f"{worth} = {plain(value)} {held['currency']}")
    if held["fx_status"] == "FX_MISSING":
        steps.append(f"there is no rate from {held['currency']} to {held['base_currency']}: FX_MISSING")
    elif held["currency"] != held["base_currency"]:
        base = _total(holdings, "market_value_base")
        assert base is not None
        crossed = ", ".join(f"{plain(row['rate_per_eur'])} {row['currency']} per EUR" for row in rates)
        steps.append(f"one {held['currency']} is {plain(held['fx_rate'])} {held['base_currency']} ({crossed})")
        steps.append(f"{plain(value)} x {plain(held['fx_rate'])} = {plain(base)} {held['base_currency']}")
    return steps


def _at_a_yield(yield_pct: float | None) -> str:
    return "" if yield_pct is None or isnan(yield_pct) else f", at a yield of {yield_pct:.4f} %"


def _total(holdings: Sequence[Row], name: str) -> Decimal | None:
    amounts = [row[name] for row in holdings]
    return sum(amounts, ZERO) if amounts and None not in amounts else None


def _one(rows: Sequence[Row]) -> Row | None:
    return rows[0] if rows else None
