"""What Dagster keeps of its sensors and schedules does not stop them when the clock is set back."""

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

from pipelines.daemon import forget_the_future

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


def test_the_name_by_which_dagster_is_told_not_to_reload_is_still_its_own() -> None:
    assert controller.RELOAD_WORKSPACE_INTERVAL > 0
    assert "RELOAD_WORKSPACE_INTERVAL" in controller.DagsterDaemonController.check_workspace_freshness.__code__.co_names
