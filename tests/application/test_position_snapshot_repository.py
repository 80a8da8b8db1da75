"""Guarantees of the repository of position snapshots."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from application.snapshots import PostgresPositionSnapshotRepository
from domain.snapshots import PositionSnapshot, SnapshotLine
from storage.postgres import database as postgres
from storage.postgres.database import Database

LOCAL_USER = "00000000-0000-4000-8000-000000000001"
BOOK, DAY = UUID(int=7), date(2017, 3, 29)
LINE = SnapshotLine(1, 2, "KO", Decimal("3.5"), Decimal("100.00000001"), Decimal("34.78"), DAY, Decimal("121.73"))
UNPRICED = SnapshotLine(1, 3, "NEW", Decimal(-1), Decimal(-9), None, None, None)


@pytest.fixture
def repository(database: Database) -> Iterator[PostgresPositionSnapshotRepository]:
    with postgres.connect(database.services_url) as connection:
        connection.execute(
            "insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone)"
            " values (%s, %s, 'book', 'USD', 'TRADING_BOOK', 'UTC')",
            (BOOK, LOCAL_USER),
        )
        yield PostgresPositionSnapshotRepository(connection)
        connection.rollback()


def snapshot(version: int, day: date = DAY) -> PositionSnapshot:
    taken_at = datetime(2017, 3, 29, 21, version, tzinfo=UTC)
    return PositionSnapshot(uuid4(), BOOK, day, taken_at, version, 1, (LINE, UNPRICED))


def test_a_book_without_a_snapshot_that_day_has_none(repository: PostgresPositionSnapshotRepository) -> None:
    repository.store(snapshot(1, date(2017, 3, 28)))

    assert repository.current(BOOK, DAY) is None


def test_a_stored_snapshot_comes_back_as_it_was(repository: PostgresPositionSnapshotRepository) -> None:
    stored = snapshot(1)
    repository.store(stored)

    current = repository.current(BOOK, DAY)

    assert current == stored
    assert current.payload_hash == stored.payload_hash


def test_the_newest_stored_one_is_current(repository: PostgresPositionSnapshotRepository) -> None:
    repository.store(snapshot(1))
    newer = snapshot(2)
    repository.store(newer)

    assert repository.current(BOOK, DAY) == newer
