"""Position snapshots: taken for every book, and brought to the lake.

PostgreSQL holds the snapshots of record; this asset takes those that are due, prunes what was superseded long ago, and
publishes the books whose snapshots are not those that the lake has.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import dagster as dg
import pyarrow as pa

from application.analytics.review import LakeAnalyticsRepository
from application.snapshot_pruning import prune_payloads
from application.snapshots import books_due, take_snapshot
from domain.snapshots import PositionSnapshot
from pipelines.runtime.resources import Platform
from pipelines.tables.publishing import publish_books
from storage.postgres import database as postgres

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
        ("superseded_reason", pa.string()),
        ("pruned_at", pa.timestamp("us", tz="UTC")),
    ]
)
_STORED = """
    select snapshot_id::text, portfolio_id::text, business_date, taken_at, portfolio_version, release_id,
           payload::text, payload_hash, is_current, superseded_reason, pruned_at
    from position_snapshot where %(books)s::uuid[] is null or portfolio_id = any(%(books)s)
    order by taken_at, snapshot_id
"""
# What changes when a snapshot of a book is stored, superseded or pruned; the same words in either database.
_BY_BOOK = """
    select cast(portfolio_id as varchar), count(*), count(*) filter (where is_current), count(pruned_at), max(taken_at)
    from {table} group by portfolio_id
"""


@dg.asset(
    key=TABLE.split("/"),
    deps=[dg.AssetKey(["meta", "release"])],
    description="What every book held and was worth, snapshot by snapshot; one per book and business date is current.",
    group_name="snapshots",
    owners=["team:lakefolio"],
    kinds={"postgres", "deltalake"},
    code_version="2",
)
def position_snapshot(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[Any]:
    release = platform.releases.head()
    taken: list[object] = []
    with postgres.connect(platform.database.services_url, autocommit=True) as connection:
        if release:
            analytics = LakeAnalyticsRepository.at(platform.lake, release)
            due = books_due(connection, analytics.get_quotes().release_id, platform.clock)
            for priced, books in analytics.by_owner([str(book) for book in due]):
                quotes = priced.get_quotes()
                taken += [
                    take_snapshot(connection, UUID(book), quotes.by_security, quotes.release_id, platform.clock)
                    for book in books
                ]
        pruned = prune_payloads(connection, platform.clock.now(), platform.settings.snapshot_payload_days)
        result = publish_books(
            platform,
            context.asset_key,
            connection,
            in_database=_BY_BOOK.format(table="position_snapshot"),
            in_lake=_BY_BOOK,
            schema=SCHEMA,
            stored=stored_snapshots,
            run_id=context.run.run_id,
            extra={**_counted(taken), "payloads pruned": pruned},
        )
    if release:
        platform.releases.append(platform.lake.versions([TABLE]), platform.clock.now(), context.run.run_id)
    return result


def stored_snapshots(connection: Any, books: Sequence[str] | None = None) -> pa.Table:
    """Every stored snapshot, or those of some books; oldest first."""
    rows = connection.execute(_STORED, {"books": books}).fetchall()
    return pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], schema=SCHEMA)


def _counted(taken: list[object]) -> dict[str, int]:
    stored = sum(isinstance(outcome, PositionSnapshot) for outcome in taken)
    return {"snapshots stored": stored, "snapshots skipped": len(taken) - stored}


ASSETS = [position_snapshot]
