"""Dagster's daemon, `python -m pipelines.runtime.daemon`: as `dagster-daemon run`, but idle when there is no work.

Dagster's own starts a code server, and a new one every minute, to see whether the code has changed. This one has the
code itself, and ends when that is another, for whoever keeps it running to start it again.
"""

from contextlib import suppress
from datetime import datetime
from typing import Any

from dagster import DagsterInstance
from dagster._daemon import controller
from dagster._utils.interrupts import capture_interrupts, setup_interrupt_handlers

from pipelines.runtime.own_code import OwnCode, watch_code
from pipelines.runtime.run_process import cancel_what_nobody_launches
from storage.clock import SystemClock

_SKEW_SECONDS = 5
_NEVER = 10 * 365 * 86_400


def main() -> None:
    vars(controller)["RELOAD_WORKSPACE_INTERVAL"] = _NEVER
    watch_code()
    with DagsterInstance.get() as instance:
        forget_the_future(instance, SystemClock().now())
        cancel_what_nobody_launches(instance)
        setup_interrupt_handlers()
        running = controller.daemon_controller_from_instance(instance, OwnCode())
        with suppress(KeyboardInterrupt), capture_interrupts(), running as daemons:
            daemons.check_daemon_loop()


def forget_the_future(instance: DagsterInstance, now: datetime) -> None:
    """Take back when sensors and schedules are said to have ticked last, where that has not come yet.

    Each waits until an interval after its last tick: one from before the clock was set back would stop it for as long.
    """
    latest = now.timestamp() + _SKEW_SECONDS
    for state in instance.all_instigator_state():
        data = state.instigator_data
        told = data._asdict() if data is not None else {}
        future: dict[str, Any] = {
            name: now.timestamp()
            for name, value in told.items()
            if name.endswith("_timestamp") and value is not None and value > latest
        }
        if data is not None and future:
            instance.update_instigator_state(state.with_data(data._replace(**future)))
        ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)
        if ticks and ticks[0].timestamp > latest:
            instance.purge_ticks(state.instigator_origin_id, state.selector_id, before=ticks[0].timestamp + 1)


if __name__ == "__main__":
    main()
