"""Runs start in a process that has already imported what they need.

Dagster's default launcher starts a process per run, which imports Dagster, dbt and the project: 6 seconds of work, for
a trade's run and again for its simulation's. Here one worker has imported all of it and forks a process per run. Every
run still has a process of its own, so that killing it harms nothing else.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any

from dagster import DagsterInstance, DagsterRun
from dagster._config import UserConfigSchema
from dagster._core.launcher.base import CheckRunHealthResult, LaunchRunContext, RunLauncher, WorkerStatus
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import ConfigurableClass, ConfigurableClassData, serialize_value

from pipelines.runtime.run_process import local_process, tag_of


class WarmRunLauncher(RunLauncher[DagsterInstance], ConfigurableClass):
    """Has each run executed in a process that a warm worker on this machine forks."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        self._inst_data = inst_data
        self._lock = threading.Lock()
        self._worker: subprocess.Popen[bytes] | None = None
        super().__init__()

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
        with self._lock:
            pid = self._process()
            try:  # before the run begins: both write its record
                self._instance.add_run_tags(run.run_id, tag_of(pid))
            except BaseException:
                self._tell("")
                raise
            self._tell(request)

    def terminate(self, run_id: str) -> bool:
        run = self._instance.get_run_by_id(run_id)
        process = local_process(run) if run and not run.is_finished else None
        if run is None or process is None or not process.is_alive():
            return False
        self._instance.report_run_canceling(run)
        return process.send(signal.SIGINT)

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """FAILED once the process is gone: run monitoring then ends a killed run, which would stay STARTED."""
        process = local_process(run)
        if process is None:
            return CheckRunHealthResult(WorkerStatus.UNKNOWN, "it runs on another machine")
        if process.is_alive():
            return CheckRunHealthResult(WorkerStatus.RUNNING, run_worker_id=str(process))
        return CheckRunHealthResult(WorkerStatus.FAILED, f"its process {process.pid} has ended", transient=False)

    def dispose(self) -> None:
        with self._lock:
            worker, self._worker = self._worker, None
        if worker and worker.stdin:
            worker.stdin.close()  # it reads the end of its input, and ends

    def _process(self) -> int:
        """The pid of a process that waits for a request."""
        if self._worker is None or self._worker.poll() is not None:
            self._worker = _started()
        assert self._worker.stdout is not None
        self._tell("")
        answer = self._worker.stdout.readline()
        if not answer:
            raise RuntimeError("the process that runs are forked from has ended; the daemon's log says why")
        return int(answer)

    def _tell(self, line: str) -> None:
        assert self._worker is not None
        assert self._worker.stdin is not None
        self._worker.stdin.write(line.encode() + b"\n")
        self._worker.stdin.flush()


def _started() -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "pipelines.runtime.worker", str(os.getpid())]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
