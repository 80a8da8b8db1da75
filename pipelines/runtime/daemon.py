"""Dagster's daemon, `python -m pipelines.runtime.daemon`: as `dagster-daemon run`, but idle when there is no work.

Dagster's own starts a new code server every minute, to see whether the code has changed: 5 s of a core each. Here the
code is looked at, and the daemon ends when it is another, for whoever keeps it running to start it with that. So it
does when the clock was set back: its threads wait for a moment by the clock, which may then be years away.
"""

import os
import signal
import sys
import threading
import time
from datetime import datetime
from typing import Any

from dagster import DagsterInstance
from dagster._daemon import controller
from dagster._daemon.cli import run_command

from pipelines.runtime.code_version import computed_code_version
from pipelines.runtime.run_process import cancel_what_nobody_launches
from storage.clock import SystemClock

_LOOK_EVERY_SECONDS = 30
_SKEW_SECONDS = 5
_NEVER = 10 * 365 * 86_400


def main() -> None:
    vars(controller)["RELOAD_WORKSPACE_INTERVAL"] = _NEVER
    with DagsterInstance.get() as instance:
        forget_the_future(instance, SystemClock().now())
        cancel_what_nobody_launches(instance)
    threading.Thread(target=end_when_outdated, daemon=True).start()
    run_command(["-w", "workspace.yaml"])


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


def end_when_outdated() -> None:
    """End this process when its code or its clock is another than it began with."""
    code, offset = computed_code_version(), time.time() - time.monotonic()
    while computed_code_version() == code and time.time() - time.monotonic() > offset - _SKEW_SECONDS:
        time.sleep(_LOOK_EVERY_SECONDS)
    print("the code has changed, or the clock was set back; ending, to be started again", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
