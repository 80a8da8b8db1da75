"""Position snapshots: taken for every book, and brought to the lake.

PostgreSQL holds the snapshots of record; this asset takes those that are due and publishes all of them.
"""

from typing import Any

import dagster as dg
import pyarrow as pa

from domain.snapshots import PositionSnapshot, Quote
from pipelines.publishing import publish
from pipelines.resources import Platform
from storage import postgres
from storage.lake import Lake, memory_duckdb
from storage.releases import Release
from storage.snapshots import take_snapshot

TABLE = "positions/position_snapshot"
SCHEMA = pa.schema(
    [
        ("snapshot_id", pa.string()),
        ("portfolio_id", pa.string()),
        ("business_date", pa.date32()),
        ("taken_at", pa.timestamp("us", tz="UTC")),
        ("portfolio_version", pa.int64()),
        ("release_id", pa.int64()),
        ("payload", pa.string()),
        ("payload_hash", pa.string()),
        ("is_current", pa.bool_()),
    ]
)
_BOOKS = "select portfolio_id from portfolio where archived_at is null order by created_at, portfolio_id"
_STORED = """
    select snapshot_id::text, portfolio_id::text, business_date, taken_at, portfolio_version, release_id,
           payload::text, payload_hash, is_current
    from position_snapshot order by taken_at, snapshot_id
"""
_QUOTES = """
    select security_id, any_value(ticker), arg_max(close, price_date), max(price_date)
    from {prices} join {securities} using (security_id) group by security_id
"""


@dg.asset(
    key=TABLE.split("/"),
    deps=[dg.AssetKey(["meta", "release"])],
    description="What every book held and was worth, snapshot by snapshot; one per book and business date is current.",
    group_name="snapshots",
    owners=["team:lakefolio"],
    kinds={"postgres", "deltalake"},
    code_version="1",
)
def position_snapshot(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[Any]:
    release = platform.releases.head()
    taken: list[object] = []
    with postgres.connect(platform.database.app_url, autocommit=True) as connection:
        if release:
            quotes = quotes_of(platform.lake, release)
            books = [row[0] for row in connection.execute(_BOOKS).fetchall()]
            taken = [take_snapshot(connection, book, quotes, release.made_from, platform.clock) for book in books]
        rows = stored_snapshots(connection)
    result = publish(platform, context.asset_key, rows, context.run.run_id, extra=_counted(taken))
    if release:
        platform.releases.append(platform.lake.versions([TABLE]), platform.clock.now(), context.run.run_id)
    return result


def quotes_of(lake: Lake, release: Release) -> dict[int, Quote]:
    """The last close of every security in a release."""
    tables = {name: release.versions.get(f"marts/{name}") for name in ("fact_price_daily", "dim_security")}
    if None in tables.values():
        return {}
    prices, securities = (lake.scan(f"marts/{name}", version) for name, version in tables.items())
    with memory_duckdb() as connection:
        rows = connection.execute(_QUOTES.format(prices=prices, securities=securities)).fetchall()
    return {security_id: Quote(ticker, close, day) for security_id, ticker, close, day in rows}


def stored_snapshots(connection: Any) -> pa.Table:
    """Every stored snapshot, oldest first."""
    rows = connection.execute(_STORED).fetchall()
    return pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], schema=SCHEMA)


def _counted(taken: list[object]) -> dict[str, int]:
    stored = sum(isinstance(outcome, PositionSnapshot) for outcome in taken)
    return {"snapshots stored": stored, "snapshots skipped": len(taken) - stored}


ASSETS = [position_snapshot]
