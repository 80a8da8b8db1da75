"""Replication: the ledger's database at one instant, table by table in the lake.

Belongs here: the copy and its horizon. Does not: any change of what was recorded.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from pipelines.replication.postgres_reader import reader
from pipelines.replication.tables import TABLES, Copy, deliver, heads_of, replicate
from pipelines.runtime.resources import Platform
from pipelines.tables.publishing import described
from pipelines.tables.run_events import HORIZON_KEY
from pipelines.tables.version_set import pinned

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
    heads = heads_of(platform.lake, sorted(keys))
    with reader() as connection:
        replica = replicate(connection, platform.database.reader_dsn, sorted(keys), heads)
    horizon = {HORIZON_KEY: f"{replica.horizon.system_identifier}/{replica.horizon.snapshot}"}
    for table, copy in replica.copies.items():
        publication = deliver(platform.lake, table, copy, replica.instant, context.run.run_id)
        metadata = {**described(platform, publication, copy.rows.schema), **_told(copy), **horizon}
        yield dg.MaterializeResult(asset_key=keys[table], metadata=metadata)


def _told(copy: Copy) -> dict[str, Any]:
    mode = {"replication/mode": "new rows"} if copy.head else {"replication/mode": "whole", "replication/why": copy.why}
    return {"replication/rows_read": copy.rows.num_rows, **mode}


ASSETS = [replicate_postgres]
