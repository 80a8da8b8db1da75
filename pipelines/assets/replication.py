"""Replication: the ledger's database at one instant, table by table in the lake.

Belongs here: the copy and its horizon. Does not: any change of what was recorded.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from pipelines.instants import Instant
from pipelines.publishing import described, publish
from pipelines.replication import BY_LAKE_TABLE, TABLES, Copy, reader, replicate
from pipelines.resources import Platform
from pipelines.version_set import HORIZON_KEY, pinned
from storage.appending import append, head_of

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
def replicate_postgres(context: dg.AssetExecutionContext, platform: Platform) -> Iterator[dg.MaterializeResult[Any]]:
    pinned(
        context.instance, context.run.run_id, platform.releases
    )  # before reading, so that the horizon is never older than the pinned one
    keys = {"/".join(key.path): key for key in context.selected_asset_keys}
    heads = {table: head_of(platform.lake, table) for table in keys if BY_LAKE_TABLE[table].is_append_only}
    with reader() as connection:
        replica = replicate(connection, platform.database.reader_dsn, sorted(keys), heads)
    for table, copy in replica.copies.items():
        yield _delivered(platform, keys[table], copy, replica.instant, context.run.run_id)


def _delivered(
    platform: Platform, key: dg.AssetKey, copy: Copy, instant: Instant, run_id: str
) -> dg.MaterializeResult[Any]:
    horizon = f"{instant.horizon.system_identifier}/{instant.horizon.snapshot}"
    told = {HORIZON_KEY: horizon, "replication/mode": "new rows" if copy.head else "whole"}
    told |= {"replication/why_whole": copy.why_whole} if copy.why_whole else {}
    told |= {"replication/rows_read": copy.rows.num_rows}
    if copy.head is None:
        return publish(platform, key, copy.rows, run_id, extra=told, notes=instant.notes)
    publication = append(platform.lake, copy.head, copy.rows, run_id, instant.notes)
    return dg.MaterializeResult(asset_key=key, metadata={**described(platform, publication, copy.rows), **told})


ASSETS = [replicate_postgres]
