"""Positions: the ledger replayed with the domain's own rule of cost, as ranges of validity.

Belongs here: feeding rows to the rule and writing what it returns. Does not: any arithmetic on cost.
"""

from collections import defaultdict
from typing import Any
from uuid import UUID

import dagster as dg
import pyarrow as pa

from domain.intervals import position_intervals
from domain.ledger import Transaction, TxnType
from pipelines.publishing import publish
from pipelines.resources import Platform
from pipelines.version_set import pinned

LEDGER = "raw/pg_transaction_ledger"
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
    ]
)


@dg.asset(
    key=["positions", "position_interval"],
    deps=[dg.AssetKey(LEDGER.split("/"))],
    description="One row per portfolio, account, security and range of days without change: quantity, cost, realised.",
    group_name="positions",
    owners=["team:lakefolio"],
    kinds={"python", "deltalake"},
    code_version="1",
)
def position_interval(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[Any]:
    versions = pinned(context.instance, context.run.run_id, platform.releases, known=[LEDGER]).versions
    ledger = platform.lake.read(LEDGER, versions[LEDGER])
    return publish(platform, context.asset_key, intervals_of(ledger), context.run.run_id)


def intervals_of(ledger: pa.Table) -> pa.Table:
    """The intervals of every portfolio in a replicated ledger."""
    by_portfolio: dict[str, list[Transaction]] = defaultdict(list)
    for row in ledger.to_pylist():
        by_portfolio[row["portfolio_id"]].append(_transaction(row))
    rows = [interval for rows in by_portfolio.values() for interval in position_intervals(rows)]
    columns = {name: [getattr(row, name) for row in rows] for name in SCHEMA.names}
    columns["portfolio_id"] = [str(identifier) for identifier in columns["portfolio_id"]]
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
    )


ASSETS = [position_interval]
