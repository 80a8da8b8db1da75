"""Simulations: each requested one computed from the newest release, with its stored seed.

Belongs here: running one request and publishing what comes out. Does not: what it starts from, which is in
`pipelines.simulations.starting`; its rows, in `.tables`; nor which one is next, in `.queue`.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import dagster as dg
import duckdb
import psycopg
import pyarrow as pa
from deltalake.exceptions import DeltaError

from application.simulations import MOST_ATTEMPTS, PostgresSimulationRepository
from domain.analytics.simulation.result import simulate
from domain.errors import InvalidInput, NoRelease, Refusal
from domain.simulations import SimulationRequest
from pipelines.runtime.partitions import SIMULATIONS
from pipelines.runtime.resources import Platform
from pipelines.simulations.replaying import replayed
from pipelines.simulations.starting import calibrated, started
from pipelines.simulations.tables import DESCRIPTIONS, Told, rows_of, summary_of
from pipelines.tables.metadata_plots import fan_chart
from pipelines.tables.publishing import publish, version_of
from storage.errors import SchemaChanged
from storage.lake.delta import Lake
from storage.lake.held import held_in
from storage.lake.releases import Release
from storage.postgres import database as postgres

WORKERS = 2
"""Threads of one simulation; the bits are the same for any number."""
AWAY = (OSError, MemoryError, psycopg.Error, duckdb.IOException, DeltaError)
"""Errors of what a simulation or an analysis stands on, not of itself."""
SPECS = [
    dg.AssetSpec(
        ["simulation", name],
        deps=[dg.AssetKey(["meta", "release"])],
        description=description,
        group_name="simulation",
        owners=["team:lakefolio"],
        kinds={"numpy", "deltalake"},
        code_version="2",
        skippable=True,
        partitions_def=SIMULATIONS,
    )
    for name, description in DESCRIPTIONS.items()
]


@dataclass(frozen=True, slots=True)
class SimulationOutcome:
    """One request's tables and summary, or the reason why it was refused."""

    request: SimulationRequest
    portfolio_version: int
    tables: dict[str, pa.Table] = field(default_factory=dict)
    summary: dict[str, object] | None = None
    reason: str | None = None


@dg.multi_asset(
    name="simulate_portfolios",
    specs=SPECS,
    can_subset=True,
    partitions_def=SIMULATIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def simulate_portfolios(context: dg.AssetExecutionContext, platform: Platform) -> Iterator[dg.MaterializeResult[Any]]:
    """The tables belong together and are published together, whichever are selected."""
    release = platform.releases.head()
    if release is None:
        raise NoRelease
    results = []
    for key in context.partition_keys:
        outcome = run_request(context.log, platform, release, UUID(key))
        results = recorded(platform, release, outcome, context.run.run_id)
    yield from (result for result in results if result.asset_key in context.selected_asset_keys)


def run_request(log: logging.Logger, platform: Platform, release: Release, simulation_id: UUID) -> SimulationOutcome:
    """Simulate one request against the release; nothing of a result is written yet.

    Refused with the reason if it cannot be simulated, and also if it fails otherwise, or its run has ended again and
    again: it would stop whatever is behind it. What is away, such as the database, is an error of the run.
    """
    with postgres.connect(platform.database.services_url) as connection:
        repository = PostgresSimulationRepository(connection)
        request, attempts = repository.get(simulation_id), repository.begin(simulation_id)
    version = portfolio_versions(platform.lake, release).get(request.portfolio_id, 0)
    tell = log.info if request.is_standing else log.warning  # nobody has asked for a standing one
    try:
        if attempts > MOST_ATTEMPTS:
            raise InvalidInput("simulation", f"ended its run {MOST_ATTEMPTS} times before it was done")
        if request.replay_of is not None:
            return SimulationOutcome(request, version, summary=replayed(platform, request))
        if request.calibration_of is not None:
            return SimulationOutcome(request, version, summary=calibrated(platform.lake, release, request, version))
        start = started(platform.lake, release, request, version)
        result = simulate(start.inputs, start.model, start.spec, workers=WORKERS)
    except Refusal as refusal:
        tell("simulation %s is refused: %s", simulation_id, refusal.message)
        return SimulationOutcome(request, version, reason=refusal.message)
    except AWAY:
        raise
    except Exception as error:
        log.exception("simulation %s has failed", simulation_id)
        return SimulationOutcome(request, version, reason=f"it could not be computed: {error!r}")
    told = Told.of(request, start, result)
    return SimulationOutcome(request, version, rows_of(told), summary_of(told))


def recorded(
    platform: Platform, release: Release, outcome: SimulationOutcome, run_id: str
) -> list[dg.MaterializeResult[Any]]:
    """Publish what came of a request, release it, and write it to the request's row: last, for DONE there means that
    the fan can be read."""
    made = {name: _published(platform, release, outcome, name, run_id) for name in outcome.tables}
    if made:
        versions = {f"simulation/{name}": version_of(result) for name, result in made.items()}
        platform.releases.append(versions, platform.clock.now(), run_id)
    with postgres.connect(platform.database.services_url) as connection:
        PostgresSimulationRepository(connection).finish(
            outcome.request.simulation_id,
            "REFUSED" if outcome.reason else "DONE",
            release.made_from,
            outcome.portfolio_version,
            platform.clock.now(),
            summary=outcome.summary,
            reason=outcome.reason,
        )
    return list(made.values())


def _published(
    platform: Platform, release: Release, outcome: SimulationOutcome, name: str, run_id: str
) -> dg.MaterializeResult[Any]:
    """One of the tables, its rows under their simulation and release. A table that an older code made without some
    columns gets them, unknown in its rows of before; a release that names its older version still opens that."""
    rows, simulation_id = outcome.tables[name], str(outcome.request.simulation_id)
    extra = {"fan": fan_of(rows, simulation_id)} if name == "simulation_fan" else {}
    lake_key: dict[str, str | int] = {"simulation_id": simulation_id, "release_id": release.made_from}
    key = dg.AssetKey(["simulation", name])
    publishing = partial(publish, platform, key, rows, run_id, lake_key=lake_key, extra=extra)
    try:
        return publishing()
    except SchemaChanged:
        grow(platform.lake, f"simulation/{name}", rows.schema)
        return publishing()


def grow(lake: Lake, table: str, schema: pa.Schema) -> None:
    """Give a table that has others the columns of `schema`: once, after an upgrade."""
    rows = lake.read(table)
    columns = [
        rows[one.name].cast(one.type) if one.name in rows.schema.names else pa.nulls(len(rows), one.type)
        for one in schema
    ]
    lake.publish(table, pa.table(columns, schema=schema))


def portfolio_versions(lake: Lake, release: Release) -> dict[UUID, int]:
    """The version of every portfolio in a release; one that is held has none, and its simulations wait."""
    version = release.versions.get("raw/pg_portfolio")
    if version is None:
        return {}
    with lake.connect() as connection:
        source = lake.scan("raw/pg_portfolio", version)
        rows = connection.execute(f"select portfolio_id, version from {source} where archived_at is null").fetchall()
    held = held_in(lake, release)
    return {UUID(portfolio_id): number for portfolio_id, number in rows if portfolio_id not in held}


def fan_of(fan: pa.Table, simulation_id: str) -> Any:
    columns = {name: fan[name].to_pylist() for name in ("p5", "p25", "p50", "p75", "p95")}
    return fan_chart(fan["years"].to_pylist(), columns, f"simulation {simulation_id[:8]}")


ASSETS = [simulate_portfolios]
