"""How an asset's rows reach the lake, and what its materialisation says about them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, LiteralString

import psycopg
import pyarrow as pa
from dagster import AssetKey, MaterializeResult, MetadataValue, TableColumn, TableSchema
from deltalake import Schema

from pipelines.runtime.resources import Platform
from pipelines.tables.run_events import VERSION_KEY
from storage.lake.delta import MOST_KEYS, Key, Lake, Publication, Rows, Window, schema_of

Pictures = Callable[[Lake, int], Mapping[str, Any]]
"""Draws a version of a table; None where there is nothing to draw."""


def publish(
    platform: Platform,
    key: AssetKey,
    rows: Rows,
    run_id: str,
    *,
    date_column: str | None = None,
    window: Window | None = None,
    lake_key: Key | None = None,
    kept: Collection[str] = (),
    extra: Mapping[str, Any] | None = None,
    meanings: Mapping[str, str] | None = None,
    pictures: Pictures | None = None,
) -> MaterializeResult[Any]:
    """Publish `rows` as the table called `key` and report version, rows, schema, with `meanings`, and place; and
    `pictures` of a new version. The rows of the portfolios `kept` stay as they are."""
    publication = platform.lake.publish(
        "/".join(key.path),
        rows,
        date_column=date_column,
        window=window,
        key=lake_key,
        kept=kept_key(kept),
        run_id=run_id,
    )
    drawn = pictures(platform.lake, publication.version) if pictures and publication.is_new else {}
    return MaterializeResult(
        asset_key=key,
        metadata={
            **described(platform, publication, schema_of(rows), meanings),
            **(extra or {}),
            **{name: picture for name, picture in drawn.items() if picture is not None},
        },
    )


def version_of(result: MaterializeResult[Any]) -> int:
    """The version that a publication has reported."""
    version = (result.metadata or {})[VERSION_KEY]
    assert isinstance(version, int)
    return version


def kept_key(portfolios: Collection[str]) -> Key | None:
    """The rows of portfolios that a publication leaves as they are; None for none."""
    return {"portfolio_id": sorted(portfolios)} if portfolios else None


def publish_books(
    platform: Platform,
    key: AssetKey,
    connection: psycopg.Connection[Any],
    *,
    in_database: LiteralString,
    in_lake: str,
    schema: pa.Schema,
    stored: Callable[[psycopg.Connection[Any], Sequence[str] | None], pa.Table],
    run_id: str,
    extra: Mapping[str, Any],
    pictures: Pictures | None = None,
) -> MaterializeResult[Any]:
    """Publish the rows of record as the table called `key`: of the books of which it has others, or of all if it has
    other columns.

    The two queries give a row per book, its id first, that differs if its rows do; `in_lake` reads `{table}`. `stored`
    gives the rows of record of some books, or of all, with the columns of `schema`.
    """
    table = "/".join(key.path)
    has_same_columns = platform.lake.exists(table) and platform.lake.open(table).schema() == Schema.from_arrow(schema)
    books = _differing_books(platform.lake, table, connection, in_database, in_lake) if has_same_columns else None
    lake_key = None if books is None else {"portfolio_id": books}
    rows = stored(connection, books)
    return publish(platform, key, rows, run_id, lake_key=lake_key, extra=extra, pictures=pictures)


def _differing_books(
    lake: Lake, table: str, connection: psycopg.Connection[Any], in_database: LiteralString, in_lake: str
) -> list[str] | None:
    """None if they are many."""
    with lake.connect() as duckdb:
        before = set(duckdb.execute(in_lake.format(table=lake.scan(table))).fetchall())
    now = set(connection.execute(in_database).fetchall())
    books = sorted({book for book, *_ in before ^ now})
    return books if len(books) <= MOST_KEYS else None


def unchanged_metadata(version: int) -> dict[str, Any]:
    """Metadata of a table that is at `version` as it was, and was not made."""
    return {
        VERSION_KEY: version,
        "lake/is_new_version": False,
        "scope/what": "nothing",
        "scope/why": "nothing that it is made from has changed",
    }


def described(
    platform: Platform, publication: Publication, schema: pa.Schema, meanings: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Metadata of a publication, under the names that Dagster's UI knows; `meanings` describe its columns."""
    columns = [TableColumn(field.name, str(field.type), (meanings or {}).get(field.name)) for field in schema]
    return {
        VERSION_KEY: publication.version,
        "lake/is_new_version": publication.is_new,
        "dagster/row_count": publication.row_count,
        "dagster/uri": MetadataValue.path(platform.lake.uri(publication.table)),
        "dagster/column_schema": TableSchema(columns),
        **({"lake/changed_years": list(publication.changed_years)} if publication.changed_years else {}),
    }
