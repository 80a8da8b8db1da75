"""Position snapshots in PostgreSQL: one unit of work reads the book, decides, stores and writes the event.

Used by the pipelines' schedule and by the API. Locking the portfolio's row keeps two takers of one book apart; the
partial unique index keeps one current snapshot per book and day whatever happens.
"""

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from uuid import UUID, uuid4

import psycopg

from domain import snapshots
from domain.errors import PortfolioNotFound
from domain.events import PositionSnapshotCreated
from domain.ports import Clock
from domain.snapshots import Book, BookHolding, PositionSnapshot, Quote, Skipped, SnapshotLine
from storage.outbox import write_event

_BOOK = "select version, time_zone from portfolio where portfolio_id = %s for update"
_HOLDINGS = """
    select account_id, security_id, name, quantity, cost_basis
    from position_current join security_name using (security_id)
    where portfolio_id = %s
    order by account_id, security_id
"""
_CURRENT = """
    select snapshot_id, portfolio_id, business_date, taken_at, portfolio_version, release_id, payload
    from position_snapshot where portfolio_id = %s and business_date = %s and is_current
"""
_SUPERSEDE = (
    "update position_snapshot set is_current = false where portfolio_id = %s and business_date = %s and is_current"
)
_STORE = """
    insert into position_snapshot (snapshot_id, portfolio_id, business_date, taken_at, portfolio_version, release_id,
                                   payload, payload_hash, is_current)
    values (%s, %s, %s, %s, %s, %s, %s, %s, true)
"""


class PostgresPositionSnapshotRepository:
    """Snapshots of record, within the connection's transaction."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def book(self, portfolio_id: UUID) -> Book:
        """The book at its newest version, its row locked until the transaction ends."""
        row = self._connection.execute(_BOOK, (portfolio_id,)).fetchone()
        if row is None:
            raise PortfolioNotFound(portfolio_id)
        holdings = self._connection.execute(_HOLDINGS, (portfolio_id,)).fetchall()
        return Book(portfolio_id, row[0], row[1], tuple(BookHolding(*holding) for holding in holdings))

    def current(self, portfolio_id: UUID, business_date: date) -> PositionSnapshot | None:
        row = self._connection.execute(_CURRENT, (portfolio_id, business_date)).fetchone()
        if row is None:
            return None
        snapshot_id, portfolio, day, taken_at, version, release_id, payload = row
        lines = tuple(_line(line) for line in payload)
        return PositionSnapshot(snapshot_id, portfolio, day, taken_at, version, release_id, lines)

    def store(self, snapshot: PositionSnapshot) -> None:
        self._connection.execute(_SUPERSEDE, (snapshot.portfolio_id, snapshot.business_date))
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
        self._connection.execute(_STORE, values)


def take_snapshot(
    connection: psycopg.Connection, portfolio_id: UUID, quotes: Mapping[int, Quote], release_id: int, clock: Clock
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


def _line(stored: dict[str, object]) -> SnapshotLine:
    exact = json.loads(json.dumps(stored), parse_float=Decimal)
    decimals = {name: _decimal(exact[name]) for name in ("quantity", "cost_basis", "close", "market_value")}
    priced_on = exact["price_date"]
    return SnapshotLine(**{**exact, **decimals, "price_date": date.fromisoformat(priced_on) if priced_on else None})


def _decimal(value: object) -> Decimal | None:
    return Decimal(str(value)) if value is not None else None
