"""Work that a process repeats until it ends, each on a thread of its own: looking for what is due, delivering events.

No error ends a job, whatever its kind: it is logged, written down where `/health/ready` shows it, and the job is tried
again after a pause that doubles. Which errors there are is for no list to know; one that was not on it once ended
orders and bond income for good.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any, Protocol, TypeVar

import psycopg
from psycopg.rows import class_row

from domain.ports import Clock
from storage.clock import SystemClock
from storage.errors import LakeUnavailable
from storage.outages import sentence_of
from storage.postgres.database import connect
from storage.queries import statements

_SQL = statements("storage/jobs.sql")
_LOG = logging.getLogger("lakefolio.jobs")
_LONGEST_PAUSE_S = 30.0
_LONGEST_IDLE_S = 1.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Job:
    """Work by its name. `act` says whether there was something to do; then it is called again at once.

    If not it is after `every_s`, and while nothing happens after up to a second: looking is most of an idle worker.
    `close` gives back what it holds, once it is called no more.
    """

    name: str
    act: Callable[[], object]
    every_s: float
    close: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class FailingJob:
    """A job whose last attempt failed."""

    job: str
    failures: int
    failing_since: datetime
    next_attempt_at: datetime
    reason: str


class Failures(Protocol):
    """Where failing jobs are written down."""

    def failed(self, job: str, failures: int, error: Exception, pause_s: float) -> None: ...

    def recovered(self, job: str) -> None: ...


class PostgresFailures:
    """Failing jobs as rows, for all processes. What cannot be written stays in the log; health tells why by itself."""

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        self._url, self._clock = url, clock or SystemClock()

    def failed(self, job: str, failures: int, error: Exception, pause_s: float) -> None:
        now = self._clock.now()
        again = now + timedelta(seconds=pause_s)
        reason = sentence_of(error) or type(error).__name__  # its words may be of somebody's rows
        self._write("failed", job=job, failures=failures, now=now, next_attempt_at=again, reason=reason)

    def recovered(self, job: str) -> None:
        self._write("recovered", job=job)

    def _write(self, statement: str, **values: object) -> None:
        with suppress(Exception), connect(self._url, autocommit=True) as connection:
            connection.execute(_SQL[statement], values)


def failing_jobs(connection: psycopg.Connection[Any]) -> Sequence[FailingJob]:
    """The jobs whose last attempt failed, by name."""
    with connection.cursor(row_factory=class_row(FailingJob)) as cursor:
        return cursor.execute(_SQL["failing"]).fetchall()


def repeat(job: Job, stop: Event, failures: Failures) -> None:
    """Do the job until `stop` is set."""
    try:
        _repeat(job, stop, failures)
    finally:
        job.close()


def _repeat(job: Job, stop: Event, failures: Failures) -> None:
    idle = 0
    failed: int | None = None  # unknown: a process before this one may have left a failure behind
    while not stop.is_set():
        try:
            was_busy = job.act()
        except Exception as error:
            failed = (failed or 0) + 1
            pause_s = min(job.every_s * 2 ** min(failed, 20), _LONGEST_PAUSE_S)
            _LOG.warning("%s failed %d times, next try in %.1f s", job.name, failed, pause_s, exc_info=error)
            failures.failed(job.name, failed, error, pause_s)
        else:
            if failed != 0:
                failures.recovered(job.name)
            failed, idle = 0, 0 if was_busy else idle + 1
            pause_s = 0.0 if was_busy else min(job.every_s * idle, max(job.every_s, _LONGEST_IDLE_S))
        stop.wait(pause_s)


@contextmanager
def run_jobs(jobs: Iterable[Job], stop: Event, failures: Failures) -> Iterator[None]:
    """Each job has a thread beside what goes on inside; leaving ends them."""
    threads = [Thread(target=repeat, args=(job, stop, failures), name=job.name) for job in jobs]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def for_each(items: Iterable[T], act: Callable[[T], int]) -> int:
    """The sum of what `act` returns. An item that fails does not stop the others; its error is raised behind them.

    Where what all need is away, the first error is the last.
    """
    total, first = 0, None
    for item in items:
        try:
            total += act(item)
        except (psycopg.OperationalError, LakeUnavailable):
            raise
        except Exception as error:
            first = first or error
    if first:
        raise first
    return total
