"""Consumers of the outbox: every committed event reaches each of them at least once, and its effect happens once.

`deliver` is the whole rule: take notice of what has been committed since the consumer's position, hand the next events
to its handler, record them as handled. What a handler writes on the connection it is given commits with that record
or not at all, so a kill at any moment doubles nothing. A handler with an effect elsewhere (a publisher) may be called
again; the event's id tells.

Order: events of one aggregate arrive in the order they were written, and none overtakes one that waits for a retry.
Between aggregates nothing is promised. One that cannot be handled is parked as a dead letter and the next go on:
after a replay it arrives late, which its version tells.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event
from typing import Any, cast
from uuid import UUID

import psycopg
from psycopg.rows import DictRow, class_row, dict_row

from domain.ports import Clock, EventMessage
from storage.clock import SystemClock
from storage.correlation import correlated
from storage.errors import Unavailable
from storage.jobs import Job, PostgresFailures, run_jobs
from storage.outages import outage_of
from storage.postgres.database import open_connection
from storage.queries import statements

Connection = psycopg.Connection[DictRow]
Handler = Callable[[Connection, EventMessage], None]

_SQL = statements("storage/events/consumers.sql")
_LOG = logging.getLogger(__name__)
_BATCH = 50  # below the 64 savepoints that PostgreSQL keeps at hand for a transaction; more slow every reader down
_STALE_AFTER = 1000  # transactions: an idle position is moved on rarely, since moving it is a transaction too


@dataclass(frozen=True, slots=True)
class Consumer:
    """Listener to events of some types (None: all), and its handler, inside the transaction of the given connection.

    A failed event is tried again after each pause of `retry_after_s` and parked after the last. `from_now`: what was
    committed before it was first registered is skipped. Events of a type added later are delivered from then on.
    """

    name: str
    event_types: Sequence[str] | None
    handle: Handler
    retry_after_s: Sequence[float] = (1, 4, 16, 64)
    from_now: bool = False

    @property
    def attempts(self) -> int:
        return len(self.retry_after_s) + 1

    @property
    def asked(self) -> dict[str, Any]:
        """Parameters of its statements."""
        types = None if self.event_types is None else list(self.event_types)
        return {
            "consumer": self.name,
            "event_types": types,
            "stale_after": _STALE_AFTER,
            "limit": _BATCH,
            "longest_pause_s": max(self.retry_after_s, default=0),
        }


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a consumer is behind: events not handled yet, the age of the oldest, and dead letters not replayed."""

    consumer: str
    unhandled: int
    oldest_age_s: float
    dead_letters: int


def run_consumers(
    url: str,
    consumers: Sequence[Consumer],
    stop: Event,
    clock: Clock | None = None,
    poll_s: float = 0.2,
) -> None:
    """Deliver to each of `consumers`, on a thread and connection of its own, until `stop` is set.

    Any number of processes may run the same consumers. What fails, be it the loop itself, is tried again.
    """
    jobs = delivery_jobs(url, consumers, clock or SystemClock(), poll_s)
    with run_jobs(jobs, stop, PostgresFailures(url)):
        stop.wait()


def delivery_jobs(url: str, consumers: Sequence[Consumer], clock: Clock, poll_s: float) -> Sequence[Job]:
    """A job per consumer: hand it its next events."""
    deliveries = [_Delivery(url, one, clock) for one in consumers]
    return [Job(f"consumer {one.consumer.name}", one, poll_s, one.close) for one in deliveries]


class _Delivery:
    """Delivers to one consumer, on a connection that is opened again after a failure."""

    def __init__(self, url: str, consumer: Consumer, clock: Clock) -> None:
        self._url, self.consumer, self._clock = url, consumer, clock
        self._connection: Connection | None = None

    def __call__(self) -> int:
        try:
            if self._connection is None:
                self._connection = cast(Connection, open_connection(self._url, autocommit=True))
                self._connection.row_factory = dict_row
                register(self._connection, self.consumer)
            return deliver(self._connection, self.consumer, self._clock)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def register(connection: Connection, consumer: Consumer) -> None:
    """Give the consumer a position if it has none, and catch up with what it has not noticed yet."""
    with connection.transaction():
        connection.execute("set local statement_timeout = 0")  # all of history, if it is new
        registered = connection.execute(_SQL["register"], consumer.asked).fetchone()
        is_new = registered is not None and registered["is_new"]
        _take_notice(connection, consumer, "SKIPPED" if is_new and consumer.from_now else "PENDING")


def deliver(connection: Connection, consumer: Consumer, clock: Clock) -> int:
    """Hand the next events to a registered consumer, in one unit of work, and return how many it got.

    It gets none if there are none, or if another worker delivers to it. Raises Unavailable, once what was handled
    before is committed.
    """
    now = clock.now()
    if _has_news(connection, consumer):
        with connection.transaction():  # of its own: a transaction's snapshot takes what itself writes for seen
            _take_notice(connection, consumer)
    if connection.execute(_SQL["due"], {**consumer.asked, "now": now, "limit": 1}).fetchone() is None:
        return 0
    outage: Unavailable | None = None
    handled: list[UUID] = []
    held_back: set[UUID] = set()
    with connection.transaction():
        if connection.execute(_SQL["lock"], consumer.asked).fetchone() is None:
            return 0
        for row in connection.execute(_SQL["due"], {**consumer.asked, "now": now}).fetchall():
            attempts, message = row.pop("attempts") + 1, EventMessage(**row)
            if message.aggregate_id in held_back:
                continue
            try:
                with connection.transaction(), correlated(message.correlation_id or str(message.event_id)):
                    consumer.handle(connection, message)
                handled.append(message.event_id)
            except Unavailable as reason:
                outage = reason
                break
            except Exception as error:
                if cause := outage_of(error):  # of the machine's: no event is to blame, and none is to be parked
                    outage = Unavailable(cause.sentence)
                    break
                if connection.closed:  # whatever the handler made of that, the event is not to blame
                    raise psycopg.OperationalError("the connection was lost") from error
                held_back.add(message.aggregate_id)
                _put_off(connection, consumer, message, attempts, error, clock.now())
        connection.execute(_SQL["handled"], {**consumer.asked, "event_ids": handled, "now": clock.now()})
    if outage:
        raise outage
    return len(handled) + len(held_back)


def replay(
    connection: psycopg.Connection[Any], clock: Clock, consumer: str | None = None, event_id: UUID | None = None
) -> dict[str, int]:
    """Return dead letters (all, a consumer's, an event's) to their consumers as if new; how many by consumer."""
    asked = {"consumer": consumer, "event_id": event_id, "now": clock.now()}
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        return {row["consumer"]: row["events"] for row in cursor.execute(_SQL["replay"], asked)}


def lag(connection: psycopg.Connection[Any]) -> list[Lag]:
    """How far each registered consumer is behind, by name."""
    with connection.cursor(row_factory=dict_row) as cursor:
        positions = cursor.execute(_SQL["positions"]).fetchall()
    with connection.cursor(row_factory=class_row(Lag)) as cursor:
        return [cursor.execute(_SQL["lag"], position).fetchall()[0] for position in positions]


def _has_news(connection: Connection, consumer: Consumer) -> bool:
    """Say whether taking notice is worth a transaction; queried without one, by index."""
    position = connection.execute(_SQL["position"], consumer.asked).fetchone()
    assert position is not None, f"{consumer.name} is not registered"
    asked = {**consumer.asked, **position}
    return position["is_stale"] or connection.execute(_SQL["has_news"], asked).fetchone() is not None


def _take_notice(connection: Connection, consumer: Consumer, status: str = "PENDING") -> None:
    """Note what was committed since the position as `status`, unless another worker is at it."""
    position = connection.execute(_SQL["lock"], consumer.asked).fetchone()
    if position is not None:
        connection.execute(_SQL["take_notice"], {**consumer.asked, **position, "status": status})


def _put_off(
    connection: Connection, consumer: Consumer, message: EventMessage, attempts: int, error: Exception, now: datetime
) -> None:
    """Try the event again later, or park it after the last attempt."""
    asked = {**consumer.asked, "event_id": message.event_id, "attempts": attempts, "reason": _reason(error)}
    if attempts < consumer.attempts:
        later = now + timedelta(seconds=consumer.retry_after_s[attempts - 1])
        connection.execute(_SQL["retry"], {**asked, "next_attempt_at": later})
    else:
        connection.execute(_SQL["park"], {**asked, "now": now})
    what = f"{message.event_type} {message.event_id}"
    _LOG.warning(
        "%s failed on %s, attempt %d of %d: %s", consumer.name, what, attempts, consumer.attempts, _reason(error)
    )


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".replace("\0", "\\0")[:1000]
