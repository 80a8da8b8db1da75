"""Replication: the ledger's database at one instant, table by table in the lake.

Belongs here: the copy and its horizon. Does not: any change of what was recorded.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_duckdb import DuckDBResource

from pipelines.publishing import publish
from pipelines.replication import TABLES, replicate
from pipelines.resources import Platform
from pipelines.version_set import HORIZON_KEY, pinned

SPECS = [
    dg.AssetSpec(
        table.lake_table.split("/"),
        description=f"The table `{table.source}` as it was at the release's horizon.",
        group_name="replication",
        owners=["team:lakefolio"],
        kinds={"postgres", "deltalake"},
        code_version="2",
        skippable=True,
    )
    for table in TABLES
]


@dg.multi_asset(name="replicate_postgres", specs=SPECS, can_subset=True)
def replicate_postgres(
    context: dg.AssetExecutionContext, platform: Platform, duckdb: DuckDBResource
) -> Iterator[dg.MaterializeResult[Any]]:
    pinned(
        context.instance, context.run.run_id, platform.releases
    )  # before reading, so that the horizon is never older than the pinned one
    keys = {"/".join(key.path): key for key in context.selected_asset_keys}
    with duckdb.get_connection() as connection:
        replica = replicate(connection, platform.database.reader_dsn, sorted(keys))
    horizon = {HORIZON_KEY: f"{replica.horizon.system_identifier}/{replica.horizon.snapshot}"}
    for table, rows in replica.rows.items():
        yield publish(platform, keys[table], rows, context.run.run_id, extra=horizon)


ASSETS = [replicate_postgres]
