"""How an asset's rows reach the lake, and what its materialisation says about them."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from dagster import AssetKey, MaterializeResult, MetadataValue, TableColumn, TableSchema

from pipelines.resources import Platform
from pipelines.version_set import VERSION_KEY
from storage.lake import Publication, Window


def publish(
    platform: Platform,
    key: AssetKey,
    rows: pa.Table,
    run_id: str,
    *,
    date_column: str | None = None,
    window: Window | None = None,
    lake_key: Mapping[str, str | int] | None = None,
    extra: Mapping[str, Any] | None = None,
    meanings: Mapping[str, str] | None = None,
) -> MaterializeResult[Any]:
    """Publish `rows` as the table called `key` and report version, rows, schema, with `meanings`, and place."""
    publication = platform.lake.publish(
        "/".join(key.path), rows, date_column=date_column, window=window, key=lake_key, run_id=run_id
    )
    return MaterializeResult(
        asset_key=key, metadata={**described(platform, publication, rows, meanings), **(extra or {})}
    )


def described(
    platform: Platform, publication: Publication, rows: pa.Table, meanings: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Metadata of a publication, under the names that Dagster's UI knows; `meanings` describe its columns."""
    columns = [TableColumn(field.name, str(field.type), (meanings or {}).get(field.name)) for field in rows.schema]
    return {
        VERSION_KEY: publication.version,
        "lake/is_new_version": publication.is_new,
        "dagster/row_count": publication.row_count,
        "dagster/uri": MetadataValue.path(platform.lake.uri(publication.table)),
        "dagster/column_schema": TableSchema(columns),
        **({"lake/changed_years": list(publication.changed_years)} if publication.changed_years else {}),
    }
