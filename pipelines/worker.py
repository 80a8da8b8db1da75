"""A process that imports everything a run needs, waits for one run on its standard input, executes it and ends.

`python -m pipelines.worker <pid of its launcher>`; started by `pipelines.launcher`. End of input without a run: it
just ends. If the code has changed since it was imported, it starts itself again, so that a warm worker never runs old
code. It does not outlive its launcher: `make down` leaves nothing behind, and what was unfinished is asked for again.
"""

import importlib
import os
import signal
import sys
import threading
import time

from pipelines.code_version import computed_code_version

_IMPORTED_BY_RUNS = (
    "pipelines.definitions",
    "domain.analytics.simulation",
    "dbt.cli.main",
    "dbt.adapters.duckdb.connections",
    "google.protobuf.json_format",
    "exchange_calendars",
    "matplotlib.figure",
    "pyxirr",
)


_SECONDS_TO_END = 10


def main() -> int:
    threading.Thread(target=end_with, args=(int(sys.argv[1]),), daemon=True).start()
    imported = computed_code_version()
    warm()
    request = sys.stdin.readline().strip()
    if not request:
        return 0
    if computed_code_version() != imported:
        os.execv(sys.executable, [sys.executable, "-m", "dagster", "api", "execute_run", request])
    execute(request)
    return 0


def execute(request: str) -> None:
    """The run, as `dagster api execute_run` would, but with connections that are kept."""
    from dagster import DagsterInstance
    from dagster._cli.api import _execute_run_command_body
    from dagster._grpc.types import ExecuteRunArgs
    from dagster._serdes import deserialize_value
    from dagster._utils.interrupts import capture_interrupts

    from pipelines.launcher import keep_connections

    asked = deserialize_value(request, ExecuteRunArgs)
    assert asked.instance_ref is not None, "the launcher says which instance the run belongs to"
    with capture_interrupts(), DagsterInstance.from_ref(asked.instance_ref) as instance:
        _execute_run_command_body(asked.run_id, keep_connections(instance), lambda _: None, False)


def end_with(launcher: int) -> None:
    """Interrupt this process when its launcher is gone, and end it if it cannot be interrupted."""
    while os.getppid() == launcher:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_SECONDS_TO_END)
    os._exit(1)


def warm() -> None:
    """Import what runs import, and load what replication loads."""
    for module in _IMPORTED_BY_RUNS:
        importlib.import_module(module)
    importlib.import_module("pipelines.postgres_reader").warm()


if __name__ == "__main__":
    sys.exit(main())
