"""Collateral rankings: made for every book's newest snapshot that has none, and brought to the lake.

PostgreSQL holds the rankings of record; most were made when the snapshot's event arrived, the rest are made here. What
is published are the books whose rankings are not those that the lake has.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import dagster as dg
import pyarrow as pa

from application.rankings import PostgresCollateralRankings, rank_snapshot
from domain.errors import Refusal
from pipelines.runtime.resources import Platform
from pipelines.tables.publishing import publish_books
from pipelines.tables.table_plots import of_rankings
from storage.postgres import database as postgres

TABLE = "positions/collateral_ranking"
_MONEY, _NUMBER = pa.decimal128(28, 8), pa.decimal128(18, 8)
_RANKING = {
    "ranking_id": pa.string(),
    "snapshot_id": pa.string(),
    "portfolio_id": pa.string(),
    "business_date": pa.date32(),
    "schedule": pa.string(),
    "valuation_basis": pa.string(),
    "created_at": pa.timestamp("us", tz="UTC"),
    "ranking_currency": pa.string(),
}
_ITEM = {
    "rank": pa.int32(),
    "security_id": pa.int64(),
    "ticker": pa.string(),
    "issuer": pa.string(),
    "currency": pa.string(),
    "quantity": _NUMBER,
    "price": _NUMBER,
    "haircut": _NUMBER,
    "fx_haircut": _NUMBER,
    "market_value": _MONEY,
    "before_cap": _MONEY,
    "lendable_value": _MONEY,
    "cumulative_value": _MONEY,
    "is_eligible": pa.bool_(),
    "reason": pa.string(),
}
SCHEMA = pa.schema({**_RANKING, **_ITEM})
_ITEMS = """
    select ranking_id::text, snapshot_id::text, portfolio_id::text, business_date, schedule, valuation_basis,
           created_at, currency, item
    from collateral_ranking cross join lateral jsonb_array_elements(payload) with ordinality as listed (item, place)
    where %(books)s::uuid[] is null or portfolio_id = any(%(books)s)
    order by seq, place
"""
# What changes with every ranking of a book. One without items has no row in the lake.
_BY_BOOK = """
    select portfolio_id::text, count(*), max(created_at)
    from collateral_ranking where payload <> '[]' group by portfolio_id
"""
_BY_BOOK_IN_LAKE = "select portfolio_id, count(distinct ranking_id), max(created_at) from {table} group by portfolio_id"


@dg.asset(
    key=TABLE.split("/"),
    deps=[dg.AssetKey(["positions", "position_snapshot"])],
    description="What every ranked snapshot can be lent against, item by item; what does not count has a reason.",
    group_name="snapshots",
    owners=["team:lakefolio"],
    kinds={"postgres", "deltalake"},
    code_version="1",
)
def collateral_ranking(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[Any]:
    with postgres.connect(platform.database.services_url, autocommit=True) as connection:
        due = PostgresCollateralRankings(connection).unranked()
        ranked = sum(_is_ranked(context, connection, snapshot_id) for snapshot_id in due)
        result = publish_books(
            platform,
            context.asset_key,
            connection,
            in_database=_BY_BOOK,
            in_lake=_BY_BOOK_IN_LAKE,
            schema=SCHEMA,
            stored=stored_items,
            run_id=context.run.run_id,
            extra={"snapshots ranked": ranked, "snapshots refused": len(due) - ranked},
            pictures=of_rankings,
        )
    if platform.releases.head():
        platform.releases.append(platform.lake.versions([TABLE]), platform.clock.now(), context.run.run_id)
    return result


def _is_ranked(context: dg.AssetExecutionContext, connection: Any, snapshot_id: UUID) -> bool:
    """Rank the snapshot, and say whether it could be; one book that cannot keeps no other one waiting."""
    try:
        rank_snapshot(connection, snapshot_id)
    except Refusal as refusal:
        context.log.warning("snapshot %s is not ranked: %s", snapshot_id, refusal.message)
        return False
    return True


def stored_items(connection: Any, books: Sequence[str] | None = None) -> pa.Table:
    """The items of every stored ranking, or of those of some books; oldest first."""
    rows = [
        {**dict(zip(_RANKING, of, strict=True)), **{name: _typed(name, item[name]) for name in _ITEM}}
        for *of, item in connection.execute(_ITEMS, {"books": books}).fetchall()
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _typed(name: str, value: Any) -> Any:
    is_decimal = pa.types.is_decimal(_ITEM[name])
    return Decimal(value) if is_decimal and value is not None else value


ASSETS = [collateral_ranking]
