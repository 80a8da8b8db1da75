"""A release with portfolios to measure the risk of: what they hold on its last day, and prices, rates and splits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from domain.analytics.arrays import Days, Float64
from storage.lake.delta import Lake
from storage.lake.releases import Release
from tests.small_release import TABLES, release, rows_of

SESSIONS: Days = np.busday_offset(np.datetime64("2016-09-01"), np.arange(142), roll="forward")
AS_OF: date = SESSIONS[-1].item()


@dataclass(frozen=True, eq=False)
class Held:
    """A security that portfolios hold, and its closes of all sessions."""

    security_id: int
    ticker: str
    closes: Float64
    currency: str = "USD"
    asset_type: str = "EQUITY"
    price_source: str = "POSTED"
    price_kind: str = "AS_TRADED"
    facts: Mapping[str, Any] = field(default_factory=dict)


def publish_risk_release(
    lake: Lake,
    held: Sequence[Held],
    portfolios: Mapping[str, Mapping[int, float]],
    *,
    cash: Mapping[str, Mapping[str, float]] | None = None,
    splits: Sequence[Mapping[str, Any]] = (),
    actions: Sequence[Mapping[str, Any]] = (),
    rates: Mapping[str, Float64] | None = None,
    tables: Mapping[str, pa.Table] | None = None,
) -> Release:
    """Release `portfolios`, the value of each security in each, in dollars; and `cash`, likewise by currency."""
    rates = rates or {}
    known = {name: rows_of(query) for name, query in TABLES.items()}
    rows: dict[str, list[dict[str, Any]]] = {
        "marts/dim_date": [{"date_day": day, "is_trading_day": True} for day in SESSIONS.tolist()],
        "marts/dim_security": [
            {name: getattr(one, name) for name in ("security_id", "ticker", "asset_type", "currency", "price_kind")}
            | dict(one.facts)
            for one in held
        ],
        "marts/fact_price_daily": [row for one in held for row in _prices(one)],
        "marts/fact_position_daily": [
            {
                **{"portfolio_id": owner, "account_id": 1, "security_id": security_id, "business_date": AS_OF},
                **{"quantity": 1, "market_value": value, "market_value_base": value, "cost_basis_base": abs(value)},
            }
            for owner, values in portfolios.items()
            for security_id, value in values.items()
        ],
        "marts/fact_cash_daily": [
            {
                **{"portfolio_id": owner, "currency": currency, "business_date": AS_OF, "base_currency": "USD"},
                **{"balance": value, "balance_base": value, "fx_rate": 1, "fx_status": "PRICED"},
            }
            for owner, balances in (cash or {}).items()
            for currency, value in balances.items()
        ],
        "marts/fact_return_daily": [
            {
                **{"portfolio_id": owner, "level": "PORTFOLIO", "business_date": day, "daily_return": 0.0},
                **{"begin_value": 1, "end_value": 1, "inflow": 0, "outflow": 0, "fees": 0, "return_base": 1},
                **{"is_begin_covered": True, "is_end_covered": True, "are_flows_known": True, "twr_index": 1.0},
            }
            for owner in portfolios
            for day in SESSIONS.tolist()
        ],
        "marts/fx_rate_daily": [
            {"currency": currency, "business_date": day, "rate_date": day, "rate_per_eur": rate, "status": "PRICED"}
            for currency, series in rates.items()
            for day, rate in zip(SESSIONS.tolist(), series.tolist(), strict=True)
        ],
        "raw/corporate_action": [{"action_type": "SPLIT", **one} for one in actions],
        "raw/pg_transaction_ledger": [
            {"txn_type": "SPLIT", "split_old": 1, "seq": place, **one} for place, one in enumerate(splits, 1)
        ],
    }
    versions = {}
    for name, table in {**known, **(tables or {})}.items():
        made = _filled(rows[name], table) if name in rows else table
        versions[name] = lake.publish(name, made).version
    return release(lake, versions)


def prices_of(one: Held) -> pa.Table:
    """The rows of its prices, as the mart has them."""
    return _filled(_prices(one), rows_of(TABLES["marts/fact_price_daily"]))


def _prices(one: Held) -> list[dict[str, Any]]:
    growth = np.append(np.nan, one.closes[1:] / one.closes[:-1])[: len(one.closes)]
    days = SESSIONS[len(SESSIONS) - len(growth) :].tolist()
    return [
        {
            **{"security_id": one.security_id, "price_date": day, "close": close, "currency": one.currency},
            **{"price_kind": one.price_kind, "price_source": one.price_source, "split_factor": 1, "accrued": 0},
            "simple_return": None if np.isnan(grown) else grown - 1,
            "log_return": None if np.isnan(grown) else float(np.log(grown)),
        }
        for day, close, grown in zip(days, one.closes.tolist(), growth.tolist(), strict=True)
    ]


def _filled(rows: Sequence[Mapping[str, Any]], shape: pa.Table) -> pa.Table:
    """The rows as a table of this shape; what they do not have is null."""
    columns = {column.name: _column([row.get(column.name) for row in rows], column.type) for column in shape.schema}
    return pa.table(columns, schema=shape.schema)


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_decimal(kind):
        known = [None if value is None else round(float(value), 8) for value in values]
        return pa.array(known, pa.float64()).cast(kind)
    return pa.array(values, kind)
