"""Positions: the ledger replayed with the domain's own rule of cost, as ranges of validity and as disposals.

Belongs here: which portfolios are replayed, and publishing what the rule returns. Does not: any arithmetic on cost.
A portfolio that cannot be folded is held, and keeps its rows.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dagster as dg
import duckdb

from pipelines.positions.interval_fold import Folded, fold
from pipelines.runtime.resources import Platform
from pipelines.tables.holding import Failure, culprits, failed_metadata, failure_of, retried_metadata
from pipelines.tables.publishing import publish
from pipelines.tables.rebuild_scope import LEDGER, PORTFOLIOS, RebuildScope, due_again, portfolio_ids, scope_of
from pipelines.tables.version_set import pinned
from storage.lake.s3 import enable_s3

INTERVALS, DISPOSALS = "positions/position_interval", "positions/disposal"
_SPECS = {
    INTERVALS: (
        "One row per portfolio, account, security and range of days without change: quantity, cost, realised.",
        "4",
    ),
    DISPOSALS: (
        "One row per portfolio, ledger row and lot that it gave for money: days, term, proceeds, cost, gain.",
        "1",
    ),
}


@dg.multi_asset(
    name="replay_ledger",
    specs=[
        dg.AssetSpec(
            table.split("/"),
            deps=[dg.AssetKey(LEDGER.split("/")), dg.AssetKey(PORTFOLIOS.split("/"))],
            description=description,
            group_name="positions",
            owners=["team:lakefolio"],
            kinds={"python", "deltalake"},
            code_version=code_version,
        )
        for table, (description, code_version) in _SPECS.items()
    ],
    can_subset=True,
)
def replay_ledger(context: dg.AssetExecutionContext, platform: Platform) -> Iterator[dg.MaterializeResult[Any]]:
    seen = pinned(context.instance, context.run.run_id, platform.releases, known=[LEDGER, PORTFOLIOS])
    lake, versions = platform.lake, seen.versions
    keys = {table: key for table in _SPECS if (key := dg.AssetKey(table.split("/"))) in context.selected_asset_keys}
    scope = scope_of(context.run, lake, seen, read=[LEDGER, PORTFOLIOS], made=list(keys))
    retried = due_again(context.run, lake, seen, scope)
    if scope.portfolios is not None and retried:
        scope = RebuildScope(scope.why, tuple(sorted({*scope.portfolios, *retried})), scope.since)
    with platform.scratch(context.run.run_id) as folder, duckdb.connect(folder / "fold.duckdb") as connection:
        connection.execute("set TimeZone = 'UTC'; set memory_limit = '4GB'")
        enable_s3(connection, lake.storage_options)

        def folded(chosen: Sequence[str] | None, left_out: Sequence[str] = ()) -> Folded:
            tables = lake.scan(LEDGER, versions[LEDGER]), lake.scan(PORTFOLIOS, versions[PORTFOLIOS])
            return fold(connection, *tables, chosen, left_out=left_out)

        try:
            failures: list[Failure] = []
            made = folded(scope.portfolios)
        except Exception as error:
            failures = _failures(platform, versions, scope, folded, error)
            scope = scope.without([failure.portfolio_id for failure in failures])
            made = folded(scope.portfolios, [failure.portfolio_id for failure in failures])
            context.log.exception("held: %s", failures)
        kept = [failure.portfolio_id for failure in failures]
        tables = {INTERVALS: made.intervals, DISPOSALS: made.disposals}
        for table, key in keys.items():
            yield publish(
                platform,
                key,
                tables[table],
                context.run.run_id,
                lake_key=scope.key,
                kept=kept if scope.is_whole else (),
                extra={**scope.metadata, **failed_metadata(failures), **retried_metadata(retried)},
            )


def _failures(
    platform: Platform, versions: dict[str, int], scope: RebuildScope, folded: Callable[..., Any], error: Exception
) -> list[Failure]:
    """Find the portfolios whose rows cannot be folded; raise `error` again if it is nobody's."""
    found: dict[str, Exception] = {}

    def works(chosen: Sequence[str]) -> bool:
        try:
            folded(chosen)
        except Exception as why:
            found.update(dict.fromkeys(chosen, why))
            return False
        return True

    who = culprits(scope.portfolios or portfolio_ids(platform.lake, versions[PORTFOLIOS]), works)
    if not who:
        raise error
    return [failure_of(one, INTERVALS, "can_be_folded", found[one]) for one in who]


ASSETS = [replay_ledger]
