"""Due simulations, one after another in one run: owners in turn, after each whoever is next by then.

So a thousand requests of one owner delay another's by the time of one, they take the memory of one, and what was done
before the run is killed stays done. A release comes first: while a refresh is running the next one waits.
"""

import time
from datetime import timedelta
from uuid import UUID

import dagster as dg

from application.simulations import PostgresSimulationRepository
from pipelines.runtime.partitions import SIMULATIONS
from pipelines.runtime.resources import REFRESH_LOCK, SIMULATION_LOCK, Platform
from pipelines.simulations.assets import portfolio_versions, recorded, run_request
from storage.lake.releases import Release
from storage.postgres import database as postgres

LONGEST_WAIT = timedelta(minutes=2)
"""A refresh that takes longer than this is no longer waited for, so that a busy ledger does not stop simulations."""
_POLL_SECONDS = 0.5


def due_simulations(platform: Platform, head: Release | None) -> list[UUID]:
    """Ids of the simulations that the newest release can and should run, the next one first."""
    if head is None:
        return []
    versions = portfolio_versions(platform.lake, head)
    with postgres.connect(platform.database.services_url) as connection:
        requests = PostgresSimulationRepository(connection).due(head.horizon, versions)
    return [request.simulation_id for request in requests]


@dg.op(description="Runs every simulation that is due, one after another, owners in turn; a release comes first.")
def simulate_in_turn(context: dg.OpExecutionContext, platform: Platform) -> None:
    with postgres.advisory_lock(platform.database.admin_url, SIMULATION_LOCK):
        while (release := platform.releases.head()) and (due := due_simulations(platform, release)):
            context.log.info("%s simulations are due", len(due))
            wait_for_refresh(platform)
            run_one(context, platform, due[0])


def run_one(context: dg.OpExecutionContext, platform: Platform, simulation_id: UUID) -> None:
    """Against the newest release there is by now."""
    release = platform.releases.head()
    assert release is not None, "a simulation is due of a release"
    outcome = run_request(context.log, platform, release, simulation_id)
    context.instance.add_dynamic_partitions(str(SIMULATIONS.name), [str(simulation_id)])
    for result in recorded(platform, release, outcome, context.run_id):
        assert result.asset_key is not None
        context.log_event(
            dg.AssetMaterialization(result.asset_key, partition=str(simulation_id), metadata=result.metadata)
        )


def wait_for_refresh(platform: Platform) -> None:
    """Until no refresh is running."""
    until = time.monotonic() + LONGEST_WAIT.total_seconds()
    with postgres.connect(platform.database.admin_url, autocommit=True) as connection:
        while postgres.is_locked(connection, REFRESH_LOCK) and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)


@dg.job(
    name="simulate",
    description="Every simulation that is due, one after another, against the newest release.",
    executor_def=dg.in_process_executor,
    tags={"lakefolio/kind": "simulation"},
)
def simulate() -> None:
    simulate_in_turn()
