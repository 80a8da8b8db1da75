"""The process that executes a run, by a tag of the run: its machine, its pid and its start."""

import socket

from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter

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


def cancel_if_it_cannot_start(instance: DagsterInstance, run: DagsterRun) -> None:
    """Cancel a run that was killed before it began. Run monitoring would wait for it for two minutes, and so would all
    that its place in the queue is for. It has not failed: nothing waits longer for having tried."""
    newest = instance.get_run_by_id(run.run_id)
    if newest is not None and newest.status is DagsterRunStatus.STARTING and was_killed(newest):
        instance.report_run_canceled(newest, "its process was killed before it began")


def cancel_what_nobody_launches(instance: DagsterInstance) -> None:
    """Cancel the runs that a daemon has taken from the queue and was killed before they began."""
    for run in instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.STARTING])):
        if WORKER_TAG in run.tags:
            cancel_if_it_cannot_start(instance, run)
        else:
            instance.report_run_canceled(run, "the daemon that was to launch it was killed")
