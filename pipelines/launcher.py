"""Runs start in a process that has already imported what they need.

Dagster's default launcher starts a process per run, which imports Dagster, dbt and the project: 4 to 6 of the 15
seconds from a trade to its release. Here one worker waits, warm; it gets the run, and the next is warmed when that run
has ended. Every run still has a process of its own, so that killing it harms nothing else.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from dagster import DagsterInstance, DagsterRun
from dagster._config import UserConfigSchema
from dagster._core.launcher.base import CheckRunHealthResult, LaunchRunContext, RunLauncher, WorkerStatus
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import ConfigurableClass, ConfigurableClassData, serialize_value

WORKER_TAG = "lakefolio/worker"


class WarmRunLauncher(RunLauncher[DagsterInstance], ConfigurableClass):
    """Hands each run to a warm worker process on this machine."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        self._inst_data = inst_data
        self._lock = threading.Lock()
        self._warm: subprocess.Popen[bytes] | None = None
        super().__init__()  # type: ignore[no-untyped-call]

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        return self._inst_data

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> "WarmRunLauncher":
        del config_value  # there is nothing to configure
        return cls(inst_data)

    def launch_run(self, context: LaunchRunContext) -> None:
        run = context.dagster_run
        origin = context.job_code_origin
        assert origin is not None, "a run of this code location knows its code"
        request = serialize_value(ExecuteRunArgs(origin, run.run_id, self._instance.get_ref()))
        worker = self._take()
        self._instance.add_run_tags(run.run_id, {WORKER_TAG: f"{socket.gethostname()}:{worker.pid}"})
        assert worker.stdin is not None
        worker.stdin.write(request.encode() + b"\n")
        worker.stdin.close()
        threading.Thread(target=self._await, args=(worker,), daemon=True).start()

    def terminate(self, run_id: str) -> bool:
        run = self._instance.get_run_by_id(run_id)
        pid = _local_pid(run) if run and not run.is_finished else None
        if run is None or pid is None or not _is_worker(pid):
            return False
        self._instance.report_run_canceling(run)
        os.kill(pid, signal.SIGINT)
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """FAILED once the process is gone: run monitoring then ends a killed run, which would stay STARTED."""
        pid = _local_pid(run)
        if pid is None:
            return CheckRunHealthResult(WorkerStatus.UNKNOWN, "it runs on another machine")
        if _is_worker(pid):
            return CheckRunHealthResult(WorkerStatus.RUNNING, run_worker_id=str(pid))
        return CheckRunHealthResult(WorkerStatus.FAILED, f"its process {pid} has ended", transient=False)

    def dispose(self) -> None:
        with self._lock:
            warm, self._warm = self._warm, None
        if warm and warm.stdin:
            warm.stdin.close()  # it reads the end of its input, and ends

    def _take(self) -> "subprocess.Popen[bytes]":
        with self._lock:
            worker, self._warm = self._warm, None
        return worker if worker and worker.poll() is None else _started()

    def _await(self, worker: "subprocess.Popen[bytes]") -> None:
        worker.wait()
        with self._lock:
            if self._warm is None:
                self._warm = _started()


def keep_connections(instance: DagsterInstance) -> DagsterInstance:
    """The instance, its connections kept: a run otherwise opens 450 to Dagster's storage, at 2 ms each."""
    instance.optimize_for_webserver(statement_timeout=60_000, pool_recycle=3600, max_overflow=5)
    return instance


def _started() -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "pipelines.worker", str(os.getpid())]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)


def _local_pid(run: DagsterRun) -> int | None:
    host, _, pid = run.tags.get(WORKER_TAG, "").rpartition(":")
    return int(pid) if host == socket.gethostname() else None


def _is_worker(pid: int) -> bool:
    with suppress(OSError):
        return b"pipelines.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False
