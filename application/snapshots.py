"""Position snapshots in PostgreSQL: one unit of work reads the book, decides, stores and writes the event.

Used by the pipelines' schedule and by the API. Locking the portfolio's row keeps two takers of one book apart; the
partial unique index keeps one current snapshot per book and day whatever happens.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import tuple_row

from domain import snapshots
from domain.errors import NotFound, PortfolioNotFound, SnapshotPruned
from domain.events import PositionSnapshotCreated
from domain.ports import Clock
from domain.snapshots import Book, BookHolding, PositionSnapshot, Skipped, SnapshotLine, SnapshotPrice
from storage.events.outbox import write_event

_BOOK = "select version, time_zone from portfolio where portfolio_id = %s for update"
# A bond may have no ticker: no identifier at all loses a security its name, never its line.
_HOLDINGS = """
    select account_id, security_id, coalesce(name, security_id::text), quantity,
           case when is_basis_known then cost_basis end
    from position_current left join security_name using (security_id)
    where portfolio_id = %s
    order by account_id, security_id
"""
_COLUMNS = "snapshot_id, portfolio_id, business_date, taken_at, portfolio_version, release_id, payload"
_CURRENT = f"""
    select {_COLUMNS}
    from position_snapshot where portfolio_id = %s and business_date = %s and is_current
"""
_LATEST = f"""
    select {_COLUMNS}
    from position_snapshot where portfolio_id = %s and is_current
    order by business_date desc limit 1
"""
_GET = f"select {_COLUMNS} from position_snapshot where snapshot_id = %s"
_ENDS_OF_DAY = """
    select snapshot_id, portfolio_id, business_date, taken_at, portfolio_version, release_id,
           payload_hash, jsonb_array_length(payload)
    from position_snapshot
    where portfolio_id = %(portfolio_id)s and is_current
      and business_date >= coalesce(%(start)s, '-infinity'::date)
      and business_date <= coalesce(%(end)s, 'infinity'::date)
      and business_date > coalesce(%(after)s, '-infinity'::date)
    order by business_date limit %(limit)s
"""
_SUPERSEDE = """
    update position_snapshot set is_current = false, superseded_at = %s, superseded_reason = %s
    where portfolio_id = %s and business_date = %s and is_current
"""
# The book's day is that of its time zone. One that could only be skipped as equal or older is not due.
_DUE = """
    select portfolio_id
    from portfolio
    join unnest(%(zones)s::text[], %(days)s::date[]) as today (time_zone, business_date) using (time_zone)
    where archived_at is null and not exists (
        select from position_snapshot as snapshot
        where snapshot.portfolio_id = portfolio.portfolio_id and snapshot.business_date = today.business_date
          and is_current and (portfolio_version, release_id) >= (portfolio.version, %(release_id)s)
    )
    order by created_at, portfolio_id
"""
_STORE = """
    insert into position_snapshot (snapshot_id, portfolio_id, business_date, taken_at, portfolio_version, release_id,
                                   payload, payload_hash, is_current)
    values (%s, %s, %s, %s, %s, %s, %s, %s, true)
"""


@dataclass(frozen=True, slots=True)
class EndOfDay:
    """The current snapshot of a business date, without its lines."""

    snapshot_id: UUID
    portfolio_id: UUID
    business_date: date
    taken_at: datetime
    portfolio_version: int
    release_id: int
    payload_hash: str
    line_count: int


class PostgresPositionSnapshotRepository:
    """Snapshots of record, within the connection's transaction."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._cursor = connection.cursor(row_factory=tuple_row)

    def book(self, portfolio_id: UUID) -> Book:
        """The book at its newest version, its row locked until the transaction ends."""
        row = self._cursor.execute(_BOOK, (portfolio_id,)).fetchone()
        if row is None:
            raise PortfolioNotFound(portfolio_id)
        holdings = self._cursor.execute(_HOLDINGS, (portfolio_id,)).fetchall()
        return Book(portfolio_id, row[0], row[1], tuple(BookHolding(*holding) for holding in holdings))

    def current(self, portfolio_id: UUID, business_date: date) -> PositionSnapshot | None:
        row = self._cursor.execute(_CURRENT, (portfolio_id, business_date)).fetchone()
        return _snapshot(row) if row else None

    def latest(self, portfolio_id: UUID) -> PositionSnapshot | None:
        """The current snapshot of the book's newest business date that has one."""
        row = self._cursor.execute(_LATEST, (portfolio_id,)).fetchone()
        return _snapshot(row) if row else None

    def get(self, snapshot_id: UUID) -> PositionSnapshot:
        """Return the snapshot, current or superseded; SnapshotPruned if what it held is gone."""
        row = self._cursor.execute(_GET, (snapshot_id,)).fetchone()
        if row is None:
            raise NotFound(f"there is no snapshot {snapshot_id}")
        return _snapshot(row)

    def ends_of_day(
        self, portfolio_id: UUID, start: date | None, end: date | None, limit: int, after: date | None = None
    ) -> list[EndOfDay]:
        """The current snapshots of the days from `start` to `end`, both included, and after `after`; oldest first."""
        asked = {"portfolio_id": portfolio_id, "start": start, "end": end, "after": after, "limit": limit}
        return [EndOfDay(*row) for row in self._cursor.execute(_ENDS_OF_DAY, asked).fetchall()]

    def store(self, snapshot: PositionSnapshot) -> None:
        reason = snapshots.superseded_by(snapshot)
        self._cursor.execute(_SUPERSEDE, (snapshot.taken_at, reason, snapshot.portfolio_id, snapshot.business_date))
        values = (
            snapshot.snapshot_id,
            snapshot.portfolio_id,
            snapshot.business_date,
            snapshot.taken_at,
            snapshot.portfolio_version,
            snapshot.release_id,
            snapshot.payload,
            snapshot.payload_hash,
        )
        self._cursor.execute(_STORE, values)


def books_due(connection: psycopg.Connection[Any], release_id: int, clock: Clock) -> list[UUID]:
    """The books of which a snapshot, taken now with the quotes of `release_id`, would be newer than what they have."""
    cursor = connection.cursor(row_factory=tuple_row)
    zones = [zone for (zone,) in cursor.execute("select distinct time_zone from portfolio").fetchall()]
    asked = {"zones": zones, "days": [clock.today(zone) for zone in zones], "release_id": release_id}
    return [row[0] for row in cursor.execute(_DUE, asked).fetchall()]


def take_snapshot(
    connection: psycopg.Connection[Any],
    portfolio_id: UUID,
    quotes: Mapping[int, SnapshotPrice],
    release_id: int,
    clock: Clock,
) -> PositionSnapshot | Skipped:
    """Take the book's snapshot now and store it with its event, or say why it is skipped. One unit of work."""
    with connection.transaction():
        repository = PostgresPositionSnapshotRepository(connection)
        book = repository.book(portfolio_id)
        now = clock.now()
        day = clock.today(book.time_zone)
        candidate = snapshots.snapshot_of(book, quotes, release_id, now, day, uuid4())
        decided = snapshots.decide(repository.current(portfolio_id, day), candidate)
        if isinstance(decided, PositionSnapshot):
            repository.store(decided)
            write_event(connection, portfolio_id, book.version, _created(decided))
        return decided


def _created(snapshot: PositionSnapshot) -> PositionSnapshotCreated:
    return PositionSnapshotCreated(
        snapshot.snapshot_id,
        snapshot.portfolio_id,
        snapshot.business_date,
        snapshot.taken_at,
        snapshot.portfolio_version,
        snapshot.release_id,
    )


def _snapshot(row: tuple[Any, ...]) -> PositionSnapshot:
    snapshot_id, portfolio_id, day, taken_at, version, release_id, payload = row
    if payload is None:
        raise SnapshotPruned(snapshot_id)
    lines = tuple(_line(line) for line in payload)
    return PositionSnapshot(snapshot_id, portfolio_id, day, taken_at, version, release_id, lines)


def _line(stored: dict[str, object]) -> SnapshotLine:
    exact = json.loads(json.dumps(stored), parse_float=Decimal)
    facts: dict[str, Any] = {
        **exact,
        **{name: _decimal(exact[name]) for name in ("quantity", "cost_basis", "close", "market_value")},
        "price_date": date.fromisoformat(exact["price_date"]) if exact["price_date"] else None,
    }
    return SnapshotLine(**facts)


def _decimal(value: object) -> Decimal | None:
    return Decimal(str(value)) if value is not None else None
