"""Positions: the ledger replayed with the domain's own rule of cost, as ranges of validity.

Belongs here: which portfolios are replayed, and publishing what the rule returns. Does not: any arithmetic on cost.
"""

from typing import Any

import dagster as dg
import duckdb

from pipelines.interval_fold import fold
from pipelines.publishing import publish
from pipelines.resources import Platform
from pipelines.scope import LEDGER, PORTFOLIOS, scope_of
from pipelines.version_set import pinned
from storage.s3 import let_read

TABLE = "positions/position_interval"


@dg.asset(
    key=TABLE.split("/"),
    deps=[dg.AssetKey(LEDGER.split("/")), dg.AssetKey(PORTFOLIOS.split("/"))],
    description="One row per portfolio, account, security and range of days without change: quantity, cost, realised.",
    group_name="positions",
    owners=["team:lakefolio"],
    kinds={"python", "deltalake"},
    code_version="3",
)
def position_interval(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[Any]:
    seen = pinned(context.instance, context.run.run_id, platform.releases, known=[LEDGER, PORTFOLIOS])
    lake, versions = platform.lake, seen.versions
    scope = scope_of(context.run, lake, seen, read=[LEDGER, PORTFOLIOS], made=[TABLE])
    with platform.scratch(context.run.run_id) as folder, duckdb.connect(folder / "fold.duckdb") as connection:
        connection.execute("set TimeZone = 'UTC'; set memory_limit = '4GB'")
        let_read(connection, lake.storage_options)
        intervals = fold(
            connection,
            lake.scan(LEDGER, versions[LEDGER]),
            lake.scan(PORTFOLIOS, versions[PORTFOLIOS]),
            scope.portfolios,
        )
        return publish(
            platform, context.asset_key, intervals, context.run.run_id, lake_key=scope.key, extra=scope.metadata
        )


ASSETS = [position_interval]
