"""How due simulations become runs: one, however many are due, and none beside one that is at it."""

from datetime import UTC, datetime

import dagster as dg
import psycopg
import pyarrow as pa
import pytest

from pipelines.automation import requests_sensor
from pipelines.risk_analyses.queue import analyse
from pipelines.runtime.resources import SIMULATION_LOCK, Platform
from pipelines.simulations.queue import simulate
from storage.lake.delta import Lake
from storage.lake.releases import Release
from storage.postgres import database as postgres
from storage.postgres.database import Database
from storage.postgres.horizon import current_horizon
from tests.simulation_requests import Queue


@pytest.fixture
def platform(database: Database, lake: Lake) -> Platform:
    """A release that shows 48 new portfolios, each with a simulation that waits."""
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        queue = Queue(connection)
        for _ in range(48):
            queue.ask(queue.owner())
        rows = [(str(one), 1, None) for one in queue.portfolios.values()]
        columns = dict(zip(("portfolio_id", "version", "archived_at"), map(list, zip(*rows, strict=True)), strict=True))
        version = lake.publish("raw/pg_portfolio", pa.table(columns)).version
        horizon = current_horizon(connection)
    platform = Platform(
        database_url=database.app_url,
        database_admin_url=database.admin_url,
        database_services_url=database.services_url,
        lake_uri=lake.root,
        market_source="sample",
    )
    now, versions = datetime.now(UTC), {"raw/pg_portfolio": version}
    release = Release(0, None, None, "REFRESH", now, now.date(), horizon, "code", "run", versions)
    platform.releases.publish(release, None)
    return platform


def test_many_due_simulations_are_one_run_and_none_beside_one_that_is_at_it(platform: Platform) -> None:
    sensor = requests_sensor(simulate, analyse)
    resources = {"platform": platform}
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance, resources=resources)
        asked = sensor.evaluate_tick(context).run_requests
        with postgres.advisory_lock(platform.database.admin_url, SIMULATION_LOCK):
            beside = sensor.evaluate_tick(context)

    assert [request.tags["lakefolio/why"] for request in asked or []] == ["48 simulations wait"]
    assert (beside.run_requests, "48 simulations wait" in (beside.skip_message or "")) == ([], True)
