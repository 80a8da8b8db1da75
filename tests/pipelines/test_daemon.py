"""A daemon that starts deals with ticks from before the clock was set back, and with runs that nobody launches."""

import os
import subprocess
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._daemon import controller

from pipelines.automation import past_runs
from pipelines.runtime.daemon import forget_the_future
from pipelines.runtime.run_process import cancel_what_nobody_launches, tag_of

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
IN_A_YEAR = NOW.timestamp() + 365 * 86_400
A_MINUTE_AGO = NOW.timestamp() - 60


def state_of(name: str, kind: InstigatorType, data: Any) -> InstigatorState:
    location = GrpcServerCodeLocationOrigin(host="localhost", port=1, location_name="lakefolio")
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "repository"), name)
    return InstigatorState(origin, kind, InstigatorStatus.DECLARED_IN_CODE, data)


def ticked(instance: dg.DagsterInstance, state: InstigatorState, at: float) -> InstigatorState:
    instance.add_instigator_state(state)
    instance.create_tick(
        TickData(
            instigator_origin_id=state.instigator_origin_id,
            selector_id=state.selector_id,
            instigator_name=state.instigator_name,
            instigator_type=state.instigator_type,
            status=TickStatus.SKIPPED,
            timestamp=at,
        )
    )
    return state


def kept(instance: dg.DagsterInstance, state: InstigatorState) -> tuple[Any, list[float]]:
    found = instance.get_instigator_state(state.instigator_origin_id, state.selector_id)
    assert found is not None
    ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id)
    return found.instigator_data, [tick.timestamp for tick in ticks]


@pytest.mark.parametrize(("at", "left"), [(IN_A_YEAR, []), (A_MINUTE_AGO, [A_MINUTE_AGO])])
def test_ticks_that_have_not_come_yet_are_forgotten_and_others_stay(at: float, left: list[float]) -> None:
    sensed = SensorInstigatorData(last_tick_timestamp=at, last_tick_start_timestamp=at, cursor="mine")
    scheduled = ScheduleInstigatorData("0 1 * * *", start_timestamp=at)
    with dg.DagsterInstance.local_temp() as instance:
        sensor = ticked(instance, state_of("sensor", InstigatorType.SENSOR, sensed), at)
        schedule = ticked(instance, state_of("schedule", InstigatorType.SCHEDULE, scheduled), at)

        forget_the_future(instance, NOW)

        expected = min(at, NOW.timestamp())
        assert kept(instance, sensor) == (
            SensorInstigatorData(last_tick_timestamp=expected, last_tick_start_timestamp=expected, cursor="mine"),
            left,
        )
        assert kept(instance, schedule) == (ScheduleInstigatorData("0 1 * * *", start_timestamp=expected), left)


@dg.job
def nothing() -> None: ...


def starting(instance: dg.DagsterInstance, tags: dict[str, str]) -> str:
    run = instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.STARTING, tags=tags)
    return run.run_id


def status_of(instance: dg.DagsterInstance, run_id: str) -> str:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status.value


def test_runs_that_were_killed_before_they_began_are_canceled_and_make_room_in_the_queue() -> None:
    """One before the daemon had a process for it, one with its process; one whose process lives is left alone."""
    with dg.DagsterInstance.local_temp() as instance, subprocess.Popen(["sleep", "60"]) as process:
        alive, killed = starting(instance, tag_of(os.getpid())), starting(instance, tag_of(process.pid))
        unlaunched = starting(instance, {})
        process.kill()
        process.wait()

        cancel_what_nobody_launches(instance)

        statuses = [status_of(instance, one) for one in (alive, killed, unlaunched)]
    assert statuses == ["STARTING", "CANCELED", "CANCELED"]


def test_a_sensor_takes_a_run_that_was_killed_before_it_began_out_of_the_queue() -> None:
    with dg.DagsterInstance.local_temp() as instance, subprocess.Popen(["sleep", "60"]) as process:
        killed = starting(instance, tag_of(process.pid))
        process.kill()
        process.wait()

        assert past_runs(instance, ["nothing"]) == []
        assert status_of(instance, killed) == "CANCELED"
        (run,) = past_runs(instance, ["nothing"])
    assert run.status is dg.DagsterRunStatus.CANCELED, "no failure, so that nothing backs off"


def test_the_name_by_which_dagster_is_told_not_to_reload_is_still_its_own() -> None:
    assert controller.RELOAD_WORKSPACE_INTERVAL > 0
    assert "RELOAD_WORKSPACE_INTERVAL" in controller.DagsterDaemonController.check_workspace_freshness.__code__.co_names
