"""The process that executes a run, by a tag of the run: its machine, its pid and its start."""

import socket

from dagster import DagsterRun

from storage.process import ProcessId

WORKER_TAG = "lakefolio/worker"


def tag_of(pid: int) -> dict[str, str]:
    """The tag for a run that the process `pid` of this machine executes."""
    return {WORKER_TAG: f"{socket.gethostname()}:{ProcessId.of(pid)}"}


def local_process(run: DagsterRun) -> ProcessId | None:
    """The process of a run on this machine: by its start too, as its pid may be a stranger's by now."""
    host, _, process = run.tags.get(WORKER_TAG, "").partition(":")
    return ProcessId.parse(process) if host == socket.gethostname() else None


def was_killed(run: DagsterRun) -> bool:
    """A run that says it goes on, but whose process is gone."""
    process = local_process(run)
    return not run.is_finished and process is not None and not process.is_alive()
