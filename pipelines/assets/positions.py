"""Positions: the ledger replayed with the domain's own rule of cost, as ranges of validity.

Belongs here: feeding rows to the rule and writing what it returns. Does not: any arithmetic on cost.
"""

from collections import defaultdict
from dataclasses import fields
from typing import Any
from uuid import UUID

import dagster as dg
import pyarrow as pa

from domain.holdings import CostMethod
from domain.intervals import PositionInterval, position_intervals
from domain.ledger import Transaction, TxnType
from pipelines.publishing import publish
from pipelines.resources import Platform
from pipelines.version_set import pinned

LEDGER, PORTFOLIOS = "raw/pg_transaction_ledger", "raw/pg_portfolio"
_QUANTITY, _MONEY = pa.decimal128(18, 8), pa.decimal128(28, 8)
SCHEMA = pa.schema(
    [
        ("portfolio_id", pa.string()),
        ("account_id", pa.int64()),
        ("security_id", pa.int64()),
        ("valid_from", pa.date32()),
        ("valid_to", pa.date32()),
        ("quantity", _QUANTITY),
        ("cost_basis", _MONEY),
        ("avg_cost", _MONEY),
        ("realised", _MONEY),
        ("cost_basis_base", _MONEY),
        ("realised_base", _MONEY),
        ("realised_fx_base", _MONEY),
        ("departed_base", _MONEY),
        ("is_basis_known", pa.bool_()),
        ("is_realised_known", pa.bool_()),
        ("cost_method", pa.string()),
    ]
)


@dg.asset(
    key=["positions", "position_interval"],
    deps=[dg.AssetKey(LEDGER.split("/")), dg.AssetKey(PORTFOLIOS.split("/"))],
    description="One row per portfolio, account, security and range of days without change: quantity, cost, realised.",
    group_name="positions",
    owners=["team:lakefolio"],
    kinds={"python", "deltalake"},
    code_version="2",
)
def position_interval(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[Any]:
    versions = pinned(context.instance, context.run.run_id, platform.releases, known=[LEDGER, PORTFOLIOS]).versions
    ledger, portfolios = (platform.lake.read(table, versions[table]) for table in (LEDGER, PORTFOLIOS))
    return publish(platform, context.asset_key, intervals_of(ledger, portfolios), context.run.run_id)


def intervals_of(ledger: pa.Table, portfolios: pa.Table) -> pa.Table:
    """The intervals of every portfolio in a replicated ledger, each by its own method of cost."""
    methods = dict(zip(*(portfolios[name].to_pylist() for name in ("portfolio_id", "cost_method")), strict=True))
    by_portfolio: dict[str, list[Transaction]] = defaultdict(list)
    for row in ledger.to_pylist():
        by_portfolio[row["portfolio_id"]].append(_transaction(row))
    intervals = [
        interval
        for portfolio_id, rows in by_portfolio.items()
        for interval in position_intervals(rows, CostMethod(methods[portfolio_id]))
    ]
    columns = {field.name: [getattr(row, field.name) for row in intervals] for field in fields(PositionInterval)}
    columns["portfolio_id"] = [str(identifier) for identifier in columns["portfolio_id"]]
    columns["cost_method"] = [methods[portfolio_id] for portfolio_id in columns["portfolio_id"]]
    return pa.Table.from_pydict(columns, schema=SCHEMA)


def _transaction(row: dict[str, Any]) -> Transaction:
    return Transaction(
        portfolio_id=UUID(row["portfolio_id"]),
        seq=row["seq"],
        account_id=row["account_id"],
        txn_type=TxnType(row["txn_type"]),
        currency=row["currency"],
        cash_effect=row["cash_effect"],
        event_ts=row["event_ts"],
        business_date=row["business_date"],
        security_id=row["security_id"],
        quantity=row["quantity"],
        price=row["price"],
        fees=row["fees"],
        note=row["note"],
        gross=row["gross"],
        accrued=row["accrued"],
        fx_rate=row["fx_rate"],
        ex_date=row["ex_date"],
        split_new=row["split_new"],
        split_old=row["split_old"],
        transfer_id=UUID(row["transfer_id"]) if row["transfer_id"] else None,
        reverses_seq=row["reverses_seq"],
        external_id=row["external_id"],
    )


ASSETS = [position_interval]
