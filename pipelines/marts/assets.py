"""Marts: the dbt project's models as assets. Write, audit, publish: dbt runs to its end, and only what passed is
published, and only then reported as materialised. Who fails a check about one portfolio is held, and keeps its rows.

Belongs here: what is built of which models, and publishing. Does not: any formula; those are in dbt_project.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import dagster as dg
from dagster_duckdb import DuckDBResource

from pipelines.marts.build import BuildFailed, MartBuild, Models
from pipelines.marts.dbt_integration import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCoreCliEventMessage,
    dbt_assets,
)
from pipelines.marts.dbt_runner import MANIFEST, BuildPart, DbtRunner, nodes
from pipelines.runtime.partitions import DaysConfig
from pipelines.runtime.resources import Platform
from pipelines.tables.holding import Failure, failed_metadata
from pipelines.tables.metadata_plots import value_chart
from pipelines.tables.publishing import described, kept_key, unchanged_metadata
from pipelines.tables.rebuild_scope import PORTFOLIOS, RebuildScope, portfolio_ids, scope_of, unchanged
from pipelines.tables.version_set import VersionSet, pinned
from storage.errors import SetupError
from storage.lake.delta import Lake, Window, schema_of
from storage.lake.s3 import enable_s3

if not MANIFEST.exists():
    raise SetupError(f"{MANIFEST} is not there; run `make manifest`")
MANIFEST_JSON: Mapping[str, Any] = json.loads(MANIFEST.read_text())
READ = [
    f"{node['schema']}/{node['name']}"
    for node in [*MANIFEST_JSON["sources"].values(), *nodes(MANIFEST_JSON, "model").values()]
    if node["resource_type"] == "source" or node["config"]["materialized"] != "ephemeral"
]
"""Every table that a model or a test may read: the sources, and the marts themselves."""
MADE = {
    f"{node['schema']}/{node['name']}"
    for node in nodes(MANIFEST_JSON, "model").values()
    if node["config"]["materialized"] != "ephemeral"
}
"""The models that are tables."""
_SOURCES = [table for table in READ if table not in MADE]
OWNED = {
    f"{node['schema']}/{node['name']}"
    for node in nodes(MANIFEST_JSON, "model").values()
    if node["config"].get("owner_column")
}
"""The models whose rows belong each to one portfolio: of these, some portfolios can be built alone."""
_TABLES = {
    unique_id: f"{node['schema']}/{node['name']}"
    for unique_id, node in [*MANIFEST_JSON["sources"].items(), *nodes(MANIFEST_JSON, "model").items()]
}


def _read_by(node: Mapping[str, Any]) -> list[str]:
    return [_TABLES[name] for name in node["depends_on"]["nodes"]]


def _sources(table: str) -> frozenset[str]:
    """The tables outside dbt that a model is made from, directly or by way of others."""
    if table not in _MODELS:
        return frozenset({table})
    return frozenset().union(*(_sources(parent) for parent in _read_by(_MODELS[table])))


def _depth(table: str) -> int:
    return 1 + max(map(_depth, _read_by(_MODELS[table])), default=0) if table in _MODELS else 0


_MODELS = {f"{node['schema']}/{node['name']}": node for node in nodes(MANIFEST_JSON, "model").values()}
SOURCES_OF = {table: _sources(table) for table in _MODELS}
_DEPTH = {table: _depth(table) for table in _MODELS}
DATE_COLUMNS = {table: node["config"].get("date_column") for table, node in _MODELS.items()}
_MODEL_NAMES = {str(node["name"]) for node in _MODELS.values()}
_BUILT = Models(
    _TABLES,
    frozenset(OWNED),
    {table: list(node["columns"]) for table, node in _MODELS.items() if table in MADE},
    nodes(MANIFEST_JSON, "test"),
)
_UNCHANGED: dict[str, Any] = {
    "scope/what": "nothing",
    "scope/why": "nothing that it is made from has changed; its rows have passed before",
}
_CHARTED = """
    select portfolio_id, business_date, total_value
    from marts.fact_portfolio_value_daily
    semi join (
        select portfolio_id from marts.fact_portfolio_value_daily
        group by portfolio_id order by max(total_value) desc limit 8
    ) using (portfolio_id)
"""


class LakeTranslator(DagsterDbtTranslator):
    """A model or source is the asset of the same name in its lake schema."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        return dg.AssetKey([dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return str(dbt_resource_props["schema"])

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        del dbt_resource_props  # one team keeps all of them
        return ["team:lakefolio"]


TRANSLATOR = LakeTranslator(DagsterDbtTranslatorSettings(enable_asset_checks=True))


@dbt_assets(manifest=MANIFEST_JSON, name="marts", dagster_dbt_translator=TRANSLATOR)
def marts(
    context: dg.AssetExecutionContext,
    config: DaysConfig,
    platform: Platform,
    dbt: DbtRunner,
) -> Iterator[dg.AssetCheckResult | dg.Output[None]]:
    seen = pinned(context.instance, context.run.run_id, platform.releases, known=READ)
    part = select_build(context, config, platform, seen)
    reused = unchanged_models(context, part, platform.lake, seen)
    done = [kept(context, table, version) for table, version in reused.items()]
    selected = selected_nodes(context, reused)
    yield from [
        dg.AssetCheckResult(asset_key=key.asset_key, check_name=key.name, passed=True, metadata=_UNCHANGED)
        for key in sorted(context.selected_asset_check_keys)
        if key.name not in selected
    ]
    if not selected:
        yield from in_order(context, done)
        return
    options = platform.lake.storage_options
    with platform.scratch(context.run.run_id) as folder:
        left_out = sorted(seen.left_out)
        build = MartBuild(
            dbt,
            _BUILT,
            platform.lake,
            seen.versions,
            folder,
            BuildPart(part.window, part.portfolios, left_out, options),
            lambda: part.portfolios or portfolio_ids(platform.lake, seen.versions[PORTFOLIOS]),
        )
        try:
            build.build([name for name in selected if name in _MODEL_NAMES])
            failing = build.test([name for name in selected if name not in _MODEL_NAMES])
        except BuildFailed:
            yield from sorted(mapped(context, build.events)[1], key=lambda check: not check.passed)
            raise
        outputs, checks = mapped(context, build.events)
        yield from (_about_portfolios(check, failing.get(check.check_name or "", ())) for check in checks)
        built = replace(part, left_out=build.part.left_out, built_without=build.built_without)
        with DuckDBResource(database=str(build.scratch)).get_connection() as connection:
            enable_s3(connection, options)
            done += [published(context, platform, connection, output, built) for output in outputs]
    if build.failures:
        context.log.warning("held: %s", build.failures)
        done = [_telling(output, build.failures) for output in done]
    yield from in_order(context, done)


def _about_portfolios(check: dg.AssetCheckResult, failures: Sequence[Failure]) -> dg.AssetCheckResult:
    """A failed check that holds portfolios is a warning: it stops nobody else."""
    if not failures:
        return check
    told: dict[str, Any] = {**check.metadata, **failed_metadata(failures)}
    return check._replace(severity=dg.AssetCheckSeverity.WARN, metadata=told)


def _telling(output: dg.Output[None], failures: Sequence[Failure]) -> dg.Output[None]:
    return output.with_metadata({**output.metadata, **failed_metadata(failures)})


@dataclass(frozen=True, slots=True)
class BuildSelection:
    """Part of the tables that is built: the days of `window`, the portfolios of `scope`, or with neither all; but none
    of `left_out`, of which the build was `built_without` and the others failed a test after it."""

    window: Window | None
    scope: RebuildScope | None = None
    left_out: Sequence[str] = ()
    built_without: Sequence[str] = ()

    @property
    def portfolios(self) -> tuple[str, ...] | None:
        return self.scope.portfolios if self.scope else None


def select_build(
    context: dg.AssetExecutionContext, config: DaysConfig, platform: Platform, seen: VersionSet
) -> BuildSelection:
    """The days that were asked for; else the portfolios of which something has changed."""
    window = config.window(platform.market_today)
    if window:
        return BuildSelection(window)
    selected = {"/".join(key.path) for key in context.selected_asset_keys}
    scope = scope_of(context.run, platform.lake, seen, read=_SOURCES, made=sorted(OWNED & selected))
    return BuildSelection(scope.window, scope)


def unchanged_models(
    context: dg.AssetExecutionContext, part: BuildSelection, lake: Lake, seen: VersionSet
) -> dict[str, int]:
    """The selected models that nothing they are made from has changed for, with the version that the release has."""
    if part.scope is None:
        return {}
    selected = {"/".join(key.path) for key in context.selected_asset_keys}
    return unchanged(context.run, lake, seen, {table: SOURCES_OF[table] for table in selected})


def kept(context: dg.AssetExecutionContext, table: str, version: int) -> dg.Output[None]:
    """The model behind `table`, as it was."""
    key = dg.AssetKey(table.split("/"))
    (name,) = (name for name, other in context.assets_def.keys_by_output_name.items() if other == key)
    return dg.Output(value=None, output_name=name, metadata=unchanged_metadata(version))


def in_order(context: dg.AssetExecutionContext, outputs: Collection[dg.Output[None]]) -> list[dg.Output[None]]:
    """Outputs as Dagster wants them: none before one that it is made from."""
    keys = context.assets_def.keys_by_output_name
    return sorted(outputs, key=lambda output: (_DEPTH["/".join(keys[output.output_name].path)], output.output_name))


def selected_nodes(context: dg.AssetExecutionContext, unchanged: Collection[str]) -> list[str]:
    """The names of the selected models but those `unchanged`, and of the tests behind the selected checks that read one
    of them."""
    tables = {"/".join(key.path) for key in context.selected_asset_keys}.difference(unchanged)
    checks = {check.name for check in context.selected_asset_check_keys}
    tests = [
        node["name"]
        for node in nodes(MANIFEST_JSON, "test").values()
        if node["name"] in checks
        and (not unchanged or any(_TABLES.get(name) in tables for name in node["depends_on"]["nodes"]))
    ]
    return sorted(table.split("/")[-1] for table in tables) + sorted(tests)


def mapped(
    context: dg.AssetExecutionContext, told: Sequence[DbtCoreCliEventMessage]
) -> tuple[list[dg.Output[None]], list[dg.AssetCheckResult]]:
    """dbt's events as Dagster's: an output per model that was built, a check result per test that ran."""
    events = [
        mapped_event
        for event in told
        for mapped_event in event.to_default_asset_events(MANIFEST_JSON, TRANSLATOR, context)
    ]
    outputs = [event for event in events if isinstance(event, dg.Output)]
    return outputs, [event for event in events if isinstance(event, dg.AssetCheckResult)]


def published(
    context: dg.AssetExecutionContext,
    platform: Platform,
    connection: Any,
    output: dg.Output[None],
    part: BuildSelection,
) -> dg.Output[None]:
    """Publish the model behind `output`: the part of it that was built, or the whole; not of who failed a test, nor of
    who was left out."""
    unique_id = output.metadata["unique_id"].value
    node = MANIFEST_JSON["nodes"][unique_id]
    table = f"{node['schema']}/{node['name']}"
    date_column = node["config"].get("date_column")
    is_owned, is_window = table in OWNED, bool(part.window and date_column)
    is_part = is_owned if part.portfolios is not None else is_window
    is_beside = is_part or (is_owned and bool(part.built_without))
    relation = connection.table(f'"{node["schema"]}"."{node["name"]}{"__window" if is_beside else ""}"')
    failed = sorted(set(part.left_out).difference(part.built_without))
    if is_owned and failed:
        relation = relation.filter(f"portfolio_id not in ({', '.join(repr(one) for one in failed)})")
    of_scope = part.scope.without(part.left_out).key if part.scope and is_part else None
    publication = platform.lake.publish(
        table,
        relation,
        date_column=date_column,
        window=part.window if is_part and date_column else None,
        key=of_scope,
        kept=kept_key(part.left_out) if is_owned and of_scope is None else None,
        run_id=context.run.run_id,
    )
    meanings = {name: column["description"] for name, column in node["columns"].items()}
    metadata = {**output.metadata, **described(platform, publication, schema_of(relation), meanings)}
    if part.scope and table in OWNED:
        metadata |= part.scope.metadata
    if node["name"] == "fact_portfolio_value_daily" and publication.is_new:
        metadata["value over time"] = value_chart(connection.execute(_CHARTED).to_arrow_table())
    return dg.Output(value=None, output_name=output.output_name, metadata=metadata)


ASSETS = [marts]
