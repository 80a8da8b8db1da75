"""Simulations: each requested one computed from the newest release, with its stored seed.

Belongs here: gathering what a simulation starts from and publishing what comes out. Does not: the model, which is in
domain.analytics.simulation.kernel; nor which one is next, which is in `pipelines.simulations.queue`.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import dagster as dg
import duckdb
import numpy as np
import psycopg
import pyarrow as pa
from deltalake.exceptions import DeltaError

from application.analytics.review import LakeAnalyticsRepository
from application.simulation_parameters import LakeSimulationParamsRepository
from application.simulations import MOST_ATTEMPTS, PostgresSimulationRepository
from domain.analytics.simulation.figures import PERCENTILES
from domain.analytics.simulation.inputs import SimulationInputs, SimulationSpec
from domain.analytics.simulation.models import Gaussian
from domain.analytics.simulation.result import SimulationResult, simulate
from domain.errors import InvalidInput, NoRelease, Refusal
from domain.ports import ReleasedCash, SimulationRequest, ValuedPosition
from domain.securities import AssetType
from pipelines.runtime.partitions import SIMULATIONS
from pipelines.runtime.resources import Platform
from pipelines.tables.metadata_plots import fan_chart
from pipelines.tables.publishing import publish
from storage.lake.delta import Lake
from storage.lake.held import held_in
from storage.lake.releases import Release
from storage.postgres import database as postgres

_AWAY = (OSError, MemoryError, psycopg.Error, duckdb.IOException, DeltaError)
"""Errors of what a simulation stands on, not of itself."""
_DESCRIPTIONS = {
    "simulation_run": "One row per simulation and release: what it started from and what it came to.",
    "simulation_fan": "Percentiles of a simulated portfolio's value at every step.",
    "simulation_path": "Sample paths at evenly spaced percentiles of the final value.",
}
SPECS = [
    dg.AssetSpec(
        ["simulation", name],
        deps=[dg.AssetKey(["meta", "release"])],
        description=description,
        group_name="simulation",
        owners=["team:lakefolio"],
        kinds={"numpy", "deltalake"},
        code_version="1",
        skippable=True,
        partitions_def=SIMULATIONS,
    )
    for name, description in _DESCRIPTIONS.items()
]


@dataclass(frozen=True, slots=True)
class Start:
    """Inputs of a simulation: the portfolio in a release, and the parameters of what it holds."""

    inputs: SimulationInputs
    release_id: int
    portfolio_version: int
    as_of: str
    value_status: str


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
    """All three tables belong together and are published together, whichever are selected."""
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
    with postgres.connect(platform.database.app_url) as connection:
        repository = PostgresSimulationRepository(connection)
        request, attempts = repository.get(simulation_id), repository.begin(simulation_id)
    version = portfolio_versions(platform.lake, release).get(request.portfolio_id, 0)
    tell = log.info if request.is_standing else log.warning  # nobody has asked for a standing one
    try:
        if attempts > MOST_ATTEMPTS:
            raise InvalidInput("simulation", f"ended its run {MOST_ATTEMPTS} times before it was done")
        start = started(platform.lake, release, request, version)
        spec = SimulationSpec(request.horizon_years, request.num_paths, request.seed, request.sample_paths)
        result = simulate(start.inputs, Gaussian(), spec, workers=2)
    except Refusal as refusal:
        tell("simulation %s is refused: %s", simulation_id, refusal.message)
        return SimulationOutcome(request, version, reason=refusal.message)
    except _AWAY:
        raise
    except Exception as error:
        log.exception("simulation %s has failed", simulation_id)
        return SimulationOutcome(request, version, reason=f"it could not be computed: {error!r}")
    return SimulationOutcome(request, version, rows_of(request, start, result), _summary(start, result))


def recorded(
    platform: Platform, release: Release, outcome: SimulationOutcome, run_id: str
) -> list[dg.MaterializeResult[Any]]:
    """Publish what came of a request, release it, and write it to the request's row: last, for DONE there means that
    the fan can be read."""
    results = [_published(platform, release, outcome, name, run_id) for name in outcome.tables]
    if results:
        tables = [f"simulation/{name}" for name in outcome.tables]
        platform.releases.append(platform.lake.versions(tables), platform.clock.now(), run_id)
    with postgres.connect(platform.database.app_url) as connection:
        PostgresSimulationRepository(connection).finish(
            outcome.request.simulation_id,
            "REFUSED" if outcome.reason else "DONE",
            release.made_from,
            outcome.portfolio_version,
            platform.clock.now(),
            summary=outcome.summary,
            reason=outcome.reason,
        )
    return results


def _published(
    platform: Platform, release: Release, outcome: SimulationOutcome, name: str, run_id: str
) -> dg.MaterializeResult[Any]:
    """One of the three tables, its rows under their simulation and release."""
    simulation_id = str(outcome.request.simulation_id)
    extra = {"fan": fan_of(outcome.tables[name], simulation_id)} if name == "simulation_fan" else {}
    lake_key: dict[str, str | int] = {"simulation_id": simulation_id, "release_id": release.made_from}
    key = dg.AssetKey(["simulation", name])
    return publish(platform, key, outcome.tables[name], run_id, lake_key=lake_key, extra=extra)


def started(lake: Lake, release: Release, request: SimulationRequest, version: int) -> Start:
    """Values, drifts, volatilities and correlation of what the portfolio holds at the release's last day.

    Refused if a position has no price or is a bond, something is in another currency, a security has no parameters, or
    nothing is held and no cash.
    """
    analytics = LakeAnalyticsRepository.at(lake, release)
    positions = analytics.get_positions(request.portfolio_id)
    unpriced = [position.ticker for position in positions if position.market_value is None]
    if unpriced:
        raise InvalidInput("portfolio", f"has no price for {', '.join(unpriced)}")
    held: list[ValuedPosition | ReleasedCash] = [*positions, *analytics.get_cash(request.portfolio_id)]
    foreign = sorted({one.currency for one in held if one.currency != one.base_currency})
    if foreign:
        raise InvalidInput("portfolio", f"holds {', '.join(foreign)}; exchange rates are not simulated yet")
    details = analytics.get_ticker_details([position.ticker for position in positions])
    bonds = sorted(ticker for ticker, known in details.items() if known.asset_type == AssetType.BOND)
    if bonds:
        raise InvalidInput("portfolio", f"holds bonds, which are not simulated yet: {', '.join(bonds)}")
    values = analytics.get_values(request.portfolio_id, release.as_of, release.as_of)
    if not values or values[-1].total_value <= 0:
        raise InvalidInput("portfolio", "is worth nothing, so there is nothing to simulate")
    stated = analytics.get_stated_splits([str(request.portfolio_id)]).get(str(request.portfolio_id), ())
    parameters = LakeSimulationParamsRepository(lake, release, stated)
    ids = [position.security_id for position in positions]
    known = parameters.get_security_params(ids)
    try:
        inputs = SimulationInputs(
            values=np.array([float(position.market_value or 0) for position in positions]),
            mu_annual=np.array([security.mu_annual for security in known]),
            volatility_annual=np.array([security.volatility_annual for security in known]),
            correlation=np.array(parameters.get_correlation(ids), dtype=float).reshape(len(ids), len(ids)),
            cash=float(values[-1].cash),
        )
    except ValueError as error:
        raise InvalidInput("portfolio", f"cannot be simulated: {error}") from error
    return Start(inputs, release.made_from, version, str(release.as_of), values[-1].status)


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


def rows_of(request: SimulationRequest, start: Start, result: SimulationResult) -> dict[str, pa.Table]:
    """The lake's rows of one simulation: its run, its fan and its sample paths."""
    steps = len(result.times_years)
    named = {"simulation_id": str(request.simulation_id), "release_id": start.release_id}

    def repeated(count: int) -> dict[str, Any]:
        return {name: [value] * count for name, value in named.items()}

    fan = {f"p{percentile}": result.fan[:, column] for column, percentile in enumerate(PERCENTILES)}
    count = len(result.sample_percentiles)
    return {
        "simulation_run": pa.table(
            {
                **{name: [value] for name, value in {**named, **_run(request, start)}.items()},
                **{name: pa.array([value], pa.float64()) for name, value in _figures(result).items()},
            }
        ),
        "simulation_fan": pa.table(
            {
                **repeated(steps),
                "step": np.arange(steps),
                "years": result.times_years,
                **fan,
                "mean": result.mean,
                "probability_of_loss": result.probability_of_loss,
            }
        ),
        "simulation_path": pa.table(
            {
                **repeated(steps * count),
                "path": np.repeat(np.arange(count), steps),
                "percentile": np.repeat(result.sample_percentiles, steps),
                "step": np.tile(np.arange(steps), count),
                "value": result.sample_paths.ravel(),
            }
        ),
    }


def fan_of(fan: pa.Table, simulation_id: str) -> Any:
    columns = {name: fan[name].to_pylist() for name in ("p5", "p25", "p50", "p75", "p95")}
    return fan_chart(fan["years"].to_pylist(), columns, f"simulation {simulation_id[:8]}")


def _run(request: SimulationRequest, start: Start) -> dict[str, Any]:
    return {
        "portfolio_id": str(request.portfolio_id),
        "portfolio_version": start.portfolio_version,
        "as_of": start.as_of,
        "model": "gaussian",
        "horizon_years": request.horizon_years,
        "num_paths": request.num_paths,
        "seed": request.seed,
    }


def _summary(start: Start, result: SimulationResult) -> dict[str, object]:
    initial = {"initial_value": float(result.fan[0, 3]), "value_status": start.value_status}
    return {"as_of": start.as_of, **initial, **_figures(result)}


def _figures(result: SimulationResult) -> dict[str, float | None]:
    return {**{name: one.value for name, one in result.figures.items()}, "psd_distance": result.psd_distance}


ASSETS = [simulate_portfolios]
