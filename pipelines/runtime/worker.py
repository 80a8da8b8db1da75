"""A process that has imported everything a run needs, and forks a process for each run.

`python -m pipelines.runtime.worker <pid of its launcher>`; started by `pipelines.runtime.launcher`, which writes an
empty line to have a process, is told its pid, and then writes the run's request, which the process executes and ends.
At the end of input, or when its launcher is gone, it ends itself. If the code has changed since it was imported, it
starts itself again, so that no run has old code. No run outlives the launcher: `make down` leaves nothing behind, and
what was unfinished is asked for again.
"""

import importlib
import os
import select
import signal
import sys
import threading
import time
import warnings
from contextlib import suppress
from typing import Any

from pipelines.runtime.code_version import computed_code_version
from storage.process import ProcessId

_IMPORTED_BY_RUNS = (
    "pipelines.definitions",
    "domain.analytics.simulation.result",
    "dbt.cli.main",
    "dbt.adapters.duckdb.connections",
    "google.protobuf.json_format",
    "exchange_calendars",
    "matplotlib.figure",
    "pyxirr",
)
_ASKED = "--asked"
_SECONDS_TO_END = 10
_POLL_SECONDS = 5.0


def main() -> int:
    launcher, is_asked = int(sys.argv[1]), _ASKED in sys.argv
    answers = os.dup(1)
    os.dup2(2, 1)  # what a run prints is no answer to the launcher
    imported = computed_code_version()
    warm()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the processes, and they leave no zombies
    while is_asked or _line(launcher) is not None:
        is_asked = False
        if computed_code_version() != imported:
            os.dup2(answers, 1)
            os.execv(sys.executable, [sys.executable, "-m", "pipelines.runtime.worker", str(launcher), _ASKED])
        request, told = os.pipe()
        if not (pid := _forked()):
            os.close(told)
            os.close(answers)
            return _run(launcher, request)
        os.close(request)
        os.write(answers, b"%d\n" % pid)
        with suppress(BrokenPipeError), os.fdopen(told, "w") as to_process:  # it may have been killed
            to_process.write(_line(launcher) or "")
    return 0


def _line(launcher: int) -> str | None:
    """The next line that the launcher writes; None if it has closed its end, or is gone."""
    line = bytearray()
    while not line.endswith(b"\n"):  # byte by byte: what a buffer has read ahead, select does not see
        while not select.select([0], [], [], 1)[0]:
            if os.getppid() != launcher:
                return None
        if not (byte := os.read(0, 1)):
            return None
        line += byte
    return line.decode().strip()


def _forked() -> int:
    with warnings.catch_warnings():
        # The threads are those of OpenBLAS and of the allocators, which see to themselves in a fork.
        warnings.filterwarnings("ignore", message=".*multi-threaded.*", category=DeprecationWarning)
        return os.fork()


def _run(launcher: int, request: int) -> int:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    duckdb = importlib.import_module("duckdb")
    duckdb.set_default_connection(duckdb.connect())  # instead of the one that `warm` has closed
    threading.Thread(target=end_with, args=(launcher,), daemon=True).start()
    with os.fdopen(request) as asked:
        words = asked.read()
    if words:
        execute(words)
    return 0


def execute(request: str) -> None:
    """The run, as `dagster api execute_run` would."""
    from dagster import DagsterInstance
    from dagster._cli.api import _execute_run_command_body
    from dagster._grpc.types import ExecuteRunArgs
    from dagster._serdes import deserialize_value
    from dagster._utils.interrupts import capture_interrupts

    asked = deserialize_value(request, ExecuteRunArgs)
    assert asked.instance_ref is not None, "the launcher says which instance the run belongs to"
    with capture_interrupts(), DagsterInstance.from_ref(asked.instance_ref) as instance:
        threading.Thread(target=end_with_run, args=(instance, asked.run_id), daemon=True).start()
        _execute_run_command_body(asked.run_id, instance, lambda _: None, False)


def end_with(launcher: int) -> None:
    """Interrupt this process when its launcher is gone, and end it if it cannot be interrupted."""
    process = ProcessId.of(launcher)
    while process is not None and process.is_alive():
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_SECONDS_TO_END)
    os._exit(1)


def end_with_run(instance: Any, run_id: str, poll_seconds: float = _POLL_SECONDS) -> None:
    """End this process when its run was ended by somebody else: cancelled, or given up by Dagster's monitoring.

    Whoever waits in foreign code hears no interrupt; without this, what Dagster has written off goes on computing.
    """
    has_ended = False
    while not has_ended:
        time.sleep(poll_seconds)
        with suppress(Exception):  # the database may be away; then the run is not over for us
            run = instance.get_run_by_id(run_id)
            has_ended = run is None or run.is_failure_or_canceled
    time.sleep(_SECONDS_TO_END * poll_seconds / _POLL_SECONDS)  # one that ends by itself does so meanwhile
    os._exit(1)


def warm() -> None:
    """Import what runs import, and have dbt do once what it does only the first time.

    Nothing stays open: a thread is not forked, and a process that waits for one at its end waits for ever. DuckDB opens
    a connection when it is imported.
    """
    for module in _IMPORTED_BY_RUNS:
        importlib.import_module(module)
    importlib.import_module("pipelines.marts.dbt_runner").DbtRunner().warm()
    importlib.import_module("duckdb").default_connection().close()
    assert threading.active_count() == 1, f"threads are left open: {threading.enumerate()}"


if __name__ == "__main__":
    sys.exit(main())
