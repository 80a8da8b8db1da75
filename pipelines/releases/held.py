"""Held portfolios: who failed a check of this run, shown as the last release has it in every table.

Belongs here: putting rows of the last release back, and saying whose, why and since when. Does not: what a check
demands, nor which portfolios are tried again; that is `pipelines.tables.rebuild_scope`.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import dagster as dg
import pyarrow as pa

from pipelines.marts.assets import DATE_COLUMNS
from pipelines.runtime.resources import Platform
from pipelines.tables.publishing import publish
from pipelines.tables.rebuild_scope import PORTFOLIOS
from pipelines.tables.run_events import VERSION_KEY
from pipelines.tables.version_set import VersionSet, pinned
from storage.lake.delta import MOST_KEYS, Lake
from storage.lake.held import SCHEMA, TABLE, HeldPortfolio
from storage.lake.releases import is_result

KEY = dg.AssetKey(TABLE.split("/"))
CHECK = "nobody_is_held"
_VALUES = "marts/fact_portfolio_value_daily"
_LAST_DAYS = "select portfolio_id, max(business_date) from {table} group by portfolio_id"
_VERSIONS = "select portfolio_id, version from {table}"


def held_asset(upstream: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    """Make the asset of the portfolios that are held, from everything in `upstream`; the release names it too."""

    @dg.asset(
        key=KEY,
        deps=list(upstream),
        description="Grain: one row per portfolio that a check has failed for: the release shows it as it was before.",
        group_name="release",
        owners=["team:lakefolio"],
        kinds={"python", "deltalake"},
        code_version="1",
        check_specs=[
            dg.AssetCheckSpec(CHECK, asset=KEY, description="Every portfolio is released up to its newest ledger row.")
        ],
    )
    def held(
        context: dg.AssetExecutionContext, platform: Platform
    ) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        known = ["/".join(key.path) for key in upstream]
        seen = pinned(context.instance, context.run.run_id, platform.releases, known=known)
        portfolios = sorted(seen.left_out)
        tables = tables_by_portfolio(platform.lake, seen) if portfolios else []
        fitting = _fit(platform.lake, seen, tables)
        if portfolios and not fitting:
            context.log.warning("tables have other columns than before: %s portfolios show nothing", len(portfolios))
        # Whoever is not tried again was left as it was; of whoever failed now, some tables may be new already.
        touched = sorted(seen.tried.failed) if fitting else portfolios
        for table in tables if touched else []:
            version = put_back(platform.lake, seen, table, touched, fitting, context.run.run_id)
            if version == seen.versions[table]:
                continue
            context.log_event(
                dg.AssetMaterialization(
                    table.split("/"),
                    description="The rows of held portfolios are those of the last release.",
                    metadata={VERSION_KEY: version},
                )
            )
        rows = [one.as_row() for one in held_portfolios(platform, seen, portfolios, fitting)]
        result = publish(platform, KEY, pa.Table.from_pylist(rows, schema=SCHEMA), context.run.run_id)
        yield result
        yield dg.AssetCheckResult(
            asset_key=KEY,
            check_name=CHECK,
            passed=not rows,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"portfolios": len(rows), "why": dg.MetadataValue.md(_listed(rows))},
        )

    return held


def tables_by_portfolio(lake: Lake, seen: VersionSet) -> list[str]:
    """The tables that a run makes whose rows belong each to one portfolio."""
    return [
        table
        for table, version in sorted(seen.versions.items())
        if table.partition("/")[0] in ("positions", "marts")
        and not is_result(table)
        and "portfolio_id" in lake.columns(table, version)
    ]


def put_back(lake: Lake, seen: VersionSet, table: str, portfolios: Sequence[str], fitting: bool, run_id: str) -> int:
    """Give `portfolios` the rows in `table` that they have in the last release, or none; the table's version then."""
    before = seen.base.versions.get(table) if seen.base and fitting else None
    if before is not None and before == seen.versions[table]:
        return before
    version = seen.versions[table]
    for first in range(0, len(portfolios), MOST_KEYS):
        some = portfolios[first : first + MOST_KEYS]
        listed = ", ".join(f"'{one}'" for one in some)
        source = f"from {lake.scan(table, before)} where portfolio_id in ({listed})"
        nothing = f"from {lake.scan(table, version)} where false"
        with lake.connect() as connection:
            rows = connection.execute(source if before is not None else nothing).to_arrow_table()
        version = lake.publish(
            table, rows, date_column=DATE_COLUMNS.get(table), key={"portfolio_id": some}, run_id=run_id
        ).version
    return version


def held_portfolios(
    platform: Platform, seen: VersionSet, portfolios: Sequence[str], fitting: bool
) -> list[HeldPortfolio]:
    """Why each of `portfolios` is held, since when, and what is shown of it."""
    if not portfolios:
        return []
    released = seen.base.versions if seen.base else {}
    days: Mapping[str, date] = _asked(platform.lake, _LAST_DAYS, _VALUES, released) if fitting else {}
    before: Mapping[str, int] = _asked(platform.lake, _VERSIONS, PORTFOLIOS, released)
    now: Mapping[str, int] = _asked(platform.lake, _VERSIONS, PORTFOLIOS, seen.versions)
    found = []
    for one in portfolios:
        known, failure = seen.held.get(one), seen.tried.failed.get(one)
        why = (
            {"table_name": failure.table, "check_name": failure.check, "figures": failure.figures}
            if failure
            else {name: getattr(known, name) for name in ("table_name", "check_name", "figures")}
        )
        shown = known.shown_version if known else before.get(one)
        found.append(
            HeldPortfolio(
                **why,
                portfolio_id=UUID(one),
                held_since=known.held_since if known else platform.clock.now(),
                failed_version=known.failed_version if known and not failure else now.get(one, 0),
                shown_version=shown if one in days else None,
                shown_as_of=days.get(one),
            )
        )
    return found


def _fit(lake: Lake, seen: VersionSet, tables: Sequence[str]) -> bool:
    """True if the last release's rows have the columns that every table has now: all of them, or none is shown."""
    before = seen.base.versions if seen.base else {}
    return all(
        table in before and lake.columns(table, before[table]) == lake.columns(table, seen.versions[table])
        for table in tables
    )


def _asked(lake: Lake, query: str, table: str, versions: Mapping[str, int]) -> dict[str, Any]:
    if table not in versions:
        return {}
    with lake.connect() as connection:
        return dict(connection.execute(query.format(table=lake.scan(table, versions[table]))).fetchall())


def _listed(rows: Sequence[Mapping[str, Any]]) -> str:
    """The first of them; ids and reasons, never a name."""
    told = [
        "| "
        + " | ".join(str(row[name]) for name in ("portfolio_id", "table_name", "check_name", "figures", "held_since"))
        for row in rows[:20]
    ]
    return "\n".join(["| portfolio | table | check | figures | since |", "|---|---|---|---|---|", *told])
