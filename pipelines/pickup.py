"""When to refresh: a decision from what is there now, with nothing remembered.

*Ahead*: something recorded is not seen by the newest release's horizon. *In flight*: a live worker holds the lock, or
a run waits in Dagster's queue, or was asked for so recently that its worker may still be starting. A run that says
STARTED but holds no lock was killed; it does not block the next. Failures in a row back off 1, 2, 4 ... 30 minutes; a
newer edit resets them. What is from a moment that has not come yet is from before the clock was set back: it says
nothing about now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from dagster import DagsterRunStatus, RunRecord

from pipelines.runtime.run_process import local_process

START_UP = timedelta(seconds=45)
"""How long a run may take from being asked for to holding the lock."""

_SKEW = timedelta(seconds=5)
"""By how much the clocks of Dagster, PostgreSQL and this process may differ."""

LONGEST_BACK_OFF = timedelta(minutes=30)
_WAITING = {DagsterRunStatus.QUEUED, DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.STARTED}


@dataclass(frozen=True, slots=True)
class PastRun:
    """Record of a run in Dagster, and whether its process is alive on this machine."""

    status: DagsterRunStatus
    asked_at: datetime
    ended_at: datetime | None = None
    is_alive: bool = False

    @classmethod
    def of(cls, record: RunRecord) -> "PastRun":
        ended = datetime.fromtimestamp(record.end_time, tz=record.create_timestamp.tzinfo) if record.end_time else None
        process = local_process(record.dagster_run)
        is_alive = process is not None and process.is_alive()
        return cls(record.dagster_run.status, record.create_timestamp, ended, is_alive)


@dataclass(frozen=True, slots=True)
class RefreshDecision:
    is_due: bool
    reason: str


def decide(
    now: datetime, unseen: Sequence[str], is_locked: bool, runs: Sequence[PastRun], newest_edit: datetime | None
) -> RefreshDecision:
    """Say whether to ask for a run now, and why. `runs` come newest first."""
    runs = [run for run in runs if run.asked_at <= now + _SKEW]
    newest_edit = newest_edit if newest_edit and newest_edit <= now + _SKEW else None
    if not unseen:
        return RefreshDecision(False, "the newest release shows everything that was recorded")
    if is_locked:
        return RefreshDecision(False, "a refresh is running")
    if runs and runs[0].status is DagsterRunStatus.QUEUED:
        return RefreshDecision(False, "a refresh waits in the queue")
    if runs and runs[0].status in _WAITING and (runs[0].is_alive or now - runs[0].asked_at < START_UP):
        return RefreshDecision(False, "a refresh was asked for and is starting")
    until = backed_off_until(now, runs, newest_edit)
    if until and now < until:
        return RefreshDecision(False, f"the last refresh failed; the next is tried at {until:%H:%M:%S}")
    return RefreshDecision(True, f"not released yet: {', '.join(unseen)}")


def backed_off_until(now: datetime, runs: Sequence[PastRun], newest_edit: datetime | None) -> datetime | None:
    """When the next try is due after failures in a row since the newest edit; None if nothing failed last."""
    ended = [run for run in runs if run.status not in _WAITING]  # the others were killed, or would hold the lock
    failures = list(takewhile(lambda run: run.status is DagsterRunStatus.FAILURE, ended))
    if newest_edit:
        failures = [run for run in failures if run.asked_at >= newest_edit]
    if not failures:
        return None
    wait = min(timedelta(minutes=2 ** min(len(failures) - 1, 10)), LONGEST_BACK_OFF)
    ended_at = failures[0].ended_at
    return (ended_at if ended_at and ended_at <= now + _SKEW else failures[0].asked_at) + wait
