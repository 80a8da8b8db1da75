"""Simulations: each requested one run against the newest release, with its stored seed.

Belongs here: gathering what a simulation starts from and publishing what comes out. Does not: the model, which is in
domain.analytics.simulation.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import dagster as dg
import numpy as np
import pyarrow as pa

from domain.analytics.simulation import GbmInputs, SimulationResult, SimulationSpec, simulate
from domain.errors import InvalidInput, NoRelease, Refusal
from domain.ports import SimulationRequest
from pipelines.partitions import SIMULATIONS
from pipelines.plots import fan_chart
from pipelines.publishing import publish
from pipelines.resources import Platform
from storage import postgres
from storage.analytics import LakeAnalyticsRepository, LakeSimulationParamsRepository
from storage.lake import Lake, memory_duckdb
from storage.releases import Release
from storage.simulations import PostgresSimulationRepository

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
    """What a simulation starts from: the portfolio in a release, and the parameters of what it holds."""

    inputs: GbmInputs
    release_id: int
    portfolio_version: int
    as_of: str


@dg.multi_asset(
    name="simulate_portfolios",
    specs=SPECS,
    can_subset=True,
    partitions_def=SIMULATIONS,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def simulate_portfolios(context: dg.AssetExecutionContext, platform: Platform) -> Iterator[dg.MaterializeResult[Any]]:
    release = platform.releases.head()
    if release is None:
        raise NoRelease
    tables: dict[str, list[pa.Table]] = {}
    pictures: dict[str, Any] = {}
    for simulation_id in context.partition_keys:
        done = run_request(context, platform, release, UUID(simulation_id))
        for name, rows in (done or {}).items():
            tables.setdefault(name, []).append(rows)
        if done:
            pictures = {"fan": fan_of(done["simulation_fan"], simulation_id)}
    published = {}
    for name, parts in tables.items():
        key = dg.AssetKey(["simulation", name])
        if key in context.selected_asset_keys:
            for part in parts:
                lake_key = {"simulation_id": part["simulation_id"][0].as_py(), "release_id": release.release_id}
                result = publish(platform, key, part, context.run_id, lake_key=lake_key, extra=pictures)
            published["/".join(key.path)] = result.metadata["lake/version"]
            yield result
    if published:
        platform.releases.append(published, platform.clock.now(), context.run_id)


def run_request(
    context: dg.AssetExecutionContext, platform: Platform, release: Release, simulation_id: UUID
) -> dict[str, pa.Table] | None:
    """Simulate one request and write its summary to its row; None, with the reason in the row, if it is refused."""
    with postgres.connect(platform.database.app_url) as connection:
        request = PostgresSimulationRepository(connection).get(simulation_id)
    version = portfolio_versions(platform.lake, release).get(request.portfolio_id, 0)
    try:
        start = started(platform.lake, release, request, version)
    except Refusal as refusal:
        context.log.warning("simulation %s is refused: %s", simulation_id, refusal.message)
        _finish(platform, request, "REFUSED", release, version, reason=refusal.message)
        return None
    spec = SimulationSpec(request.horizon_years, request.num_paths, request.seed, request.sample_paths)
    result = simulate(start.inputs, spec, workers=2)
    _finish(platform, request, "DONE", release, version, summary=_summary(start, result))
    return rows_of(request, start, result)


def started(lake: Lake, release: Release, request: SimulationRequest, version: int) -> Start:
    """Values, drifts, volatilities and correlation of what the portfolio holds at the release's last day.

    Refused if a position has no price, a security no parameters, or nothing is held and no cash.
    """
    analytics = LakeAnalyticsRepository.at(lake, release)
    positions = analytics.get_positions(request.portfolio_id)
    unpriced = [position.ticker for position in positions if position.market_value is None]
    if unpriced:
        raise InvalidInput("portfolio", f"has no price for {', '.join(unpriced)}")
    values = analytics.get_values(request.portfolio_id, release.as_of, release.as_of)
    if not values or values[-1].total_value <= 0:
        raise InvalidInput("portfolio", "is worth nothing, so there is nothing to simulate")
    parameters = LakeSimulationParamsRepository(lake, release)
    ids = [position.security_id for position in positions]
    known = parameters.get_security_params(ids)
    try:
        inputs = GbmInputs(
            values=np.array([float(position.market_value or 0) for position in positions]),
            mu_annual=np.array([security.mu_annual for security in known]),
            volatility_annual=np.array([security.volatility_annual for security in known]),
            correlation=np.array(parameters.get_correlation(ids), dtype=float).reshape(len(ids), len(ids)),
            cash=float(values[-1].cash),
        )
    except ValueError as error:
        raise InvalidInput("portfolio", f"cannot be simulated: {error}") from error
    return Start(inputs, release.release_id, version, str(release.as_of))


def portfolio_versions(lake: Lake, release: Release) -> dict[UUID, int]:
    """The version of every portfolio in a release."""
    version = release.versions.get("raw/pg_portfolio")
    if version is None:
        return {}
    with memory_duckdb() as connection:
        source = lake.scan("raw/pg_portfolio", version)
        rows = connection.execute(f"select portfolio_id, version from {source} where archived_at is null").fetchall()
    return {UUID(portfolio_id): number for portfolio_id, number in rows}


def rows_of(request: SimulationRequest, start: Start, result: SimulationResult) -> dict[str, pa.Table]:
    """The lake's rows of one simulation: its run, its fan and its sample paths."""
    steps = len(result.times_years)
    named = {"simulation_id": str(request.simulation_id), "release_id": start.release_id}

    def repeated(count: int) -> dict[str, Any]:
        return {name: [value] * count for name, value in named.items()}

    fan = {f"p{percentile}": result.fan[:, column] for column, percentile in enumerate(result.percentiles)}
    count = len(result.sample_percentiles)
    return {
        "simulation_run": pa.table(
            {name: [value] for name, value in {**named, **_run(request, start, result)}.items()}
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


def _run(request: SimulationRequest, start: Start, result: SimulationResult) -> dict[str, Any]:
    return {
        "portfolio_id": str(request.portfolio_id),
        "portfolio_version": start.portfolio_version,
        "as_of": start.as_of,
        "model": "gaussian",
        "horizon_years": request.horizon_years,
        "num_paths": request.num_paths,
        "seed": request.seed,
        **result.metrics,
    }


def _summary(start: Start, result: SimulationResult) -> dict[str, object]:
    return {"as_of": start.as_of, "initial_value": float(result.fan[0, 3]), **result.metrics}


def _finish(
    platform: Platform, request: SimulationRequest, status: str, release: Release, version: int, **outcome: Any
) -> None:
    with postgres.connect(platform.database.app_url) as connection:
        PostgresSimulationRepository(connection).finish(
            request.simulation_id, status, release.release_id, version, platform.clock.now(), **outcome
        )


ASSETS = [simulate_portfolios]
