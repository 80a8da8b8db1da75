import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from functools import partial
from uuid import uuid4

import psycopg
import pytest
from psycopg.errors import UniqueViolation

from application.snapshots import PostgresPositionSnapshotRepository, take_snapshot
from domain.errors import PortfolioNotFound
from domain.snapshots import Book, BookHolding, PositionSnapshot, Skipped, SnapshotPrice, snapshot_of
from storage.postgres.database import Database
from tests.small_book import (
    BOOK,
    NOON,
    QUOTES,
    TODAY,
    FakeClock,
    count,
    take,
    trade,
    wait_until_one_is_blocked,
    with_small_book,
)


@pytest.fixture
def database(new_database: Callable[[], Database]) -> Database:
    """A database of this test's own."""
    return with_small_book(new_database)


@pytest.fixture
def connection(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.services_url, autocommit=True) as opened:
        yield opened


def test_a_book_is_stored_with_its_holdings_and_their_values(connection: psycopg.Connection) -> None:
    taken = take(connection)

    assert isinstance(taken, PositionSnapshot)
    assert (taken.business_date, taken.portfolio_version, taken.release_id) == (TODAY, 4, 7)
    assert [(line.ticker, line.quantity, line.market_value) for line in taken.lines] == [
        ("ACME", Decimal("10.5"), Decimal("131.25")),
        ("ZETA", Decimal("-3"), None),
    ]


def test_what_is_stored_is_read_back_equal_to_the_last_digit(connection: psycopg.Connection) -> None:
    taken = take(connection)

    assert PostgresPositionSnapshotRepository(connection).current(BOOK, TODAY) == taken


def test_the_stored_hash_is_that_of_the_stored_payload(connection: psycopg.Connection) -> None:
    take(connection)

    current = PostgresPositionSnapshotRepository(connection).current(BOOK, TODAY)

    assert current
    stored = connection.execute("select payload_hash from position_snapshot").fetchall()
    assert stored == [(current.payload_hash,)]


def test_the_hash_does_not_depend_on_the_order_of_the_holdings_or_on_when_it_was_taken() -> None:
    one = BookHolding(1, 1, "ACME", Decimal("10.50000000"), Decimal("105.00000000"))
    two = BookHolding(1, 2, "ZETA", Decimal("-3.00000000"), Decimal("-30.00000000"))
    first = snapshot_of(Book(BOOK, 4, "UTC", (one, two)), QUOTES, 7, NOON, TODAY, uuid4())

    later = snapshot_of(Book(BOOK, 4, "UTC", (two, one)), QUOTES, 7, NOON + timedelta(hours=1), TODAY, uuid4())

    assert later.payload_hash == first.payload_hash


def test_the_hash_is_of_a_payload_that_anyone_can_write_down() -> None:
    line = BookHolding(1, 2, "ZETA", Decimal("-3.00000000"), Decimal("-30.00000001"))
    snapshot = snapshot_of(Book(BOOK, 4, "UTC", (line,)), {}, 7, NOON, TODAY, uuid4())

    assert snapshot.payload == (
        '[{"account_id":1,"close":null,"cost_basis":"-30.00000001","market_value":null,"price_date":null,'
        '"quantity":"-3.00000000","security_id":2,"ticker":"ZETA"}]'
    )
    # printf '%s' '<the payload>' | sha256sum
    assert snapshot.payload_hash == "fc0138048dd58ff31d89f3c42b6da9be5902b10b178d9281d6204b8345aafd4b"


def test_a_bond_is_worth_its_face_times_its_price_per_cent() -> None:
    bond = BookHolding(1, 1, "US912810TM09", Decimal("10000"), Decimal("9900"))
    quotes = {1: SnapshotPrice("US912810TM09", Decimal("99.5"), TODAY, Decimal(100))}

    (line,) = snapshot_of(Book(BOOK, 4, "UTC", (bond,)), quotes, 7, NOON, TODAY, uuid4()).lines

    assert (line.close, line.market_value) == (Decimal("99.5"), 9_950)


def test_one_digit_of_a_quantity_is_another_hash() -> None:
    def of(quantity: str) -> str:
        held = BookHolding(1, 1, "ACME", Decimal(quantity), Decimal(0))
        return snapshot_of(Book(BOOK, 4, "UTC", (held,)), {}, 7, NOON, TODAY, uuid4()).payload_hash

    assert of("1.00000001") != of("1.00000002")


def test_the_same_again_is_skipped_with_a_reason(connection: psycopg.Connection) -> None:
    take(connection)

    again = take(connection)

    reason = "version 4 of release 7 is equal to version 4 of release 7"
    assert again == Skipped(BOOK, TODAY, reason)
    assert count(connection, "position_snapshot") == 1


def test_an_older_release_is_skipped_with_a_reason(connection: psycopg.Connection) -> None:
    take(connection, release_id=7)

    older = take(connection, release_id=6)

    assert isinstance(older, Skipped)
    assert older.reason == "version 4 of release 6 is older than version 4 of release 7"


def test_a_newer_release_supersedes(connection: psycopg.Connection) -> None:
    take(connection, release_id=7)

    newer = take(connection, release_id=8)

    assert PostgresPositionSnapshotRepository(connection).current(BOOK, TODAY) == newer
    assert count(connection, "position_snapshot") == 2
    assert count(connection, "position_snapshot where is_current") == 1


def test_a_newer_version_of_the_book_supersedes(connection: psycopg.Connection) -> None:
    take(connection)
    trade(connection)

    newer = take(connection)

    assert isinstance(newer, PositionSnapshot)
    assert newer.portfolio_version == 5
    assert count(connection, "position_snapshot where is_current") == 1


def test_a_superseded_snapshot_keeps_its_payload(connection: psycopg.Connection) -> None:
    first = take(connection)
    trade(connection)
    take(connection)

    assert isinstance(first, PositionSnapshot)
    kept = connection.execute(
        "select payload_hash from position_snapshot where snapshot_id = %s", (first.snapshot_id,)
    ).fetchall()
    assert kept == [(first.payload_hash,)]


def test_every_business_date_has_a_current_one(connection: psycopg.Connection) -> None:
    take(connection)

    take(connection, clock=FakeClock(NOON + timedelta(days=1)))

    assert count(connection, "position_snapshot where is_current") == 2


def test_a_book_without_holdings_is_stored_empty(connection: psycopg.Connection) -> None:
    connection.execute("update account_holding set quantity = 0")

    taken = take(connection)

    assert isinstance(taken, PositionSnapshot)
    assert taken.lines == ()


def test_an_unknown_book_is_refused(connection: psycopg.Connection) -> None:
    with pytest.raises(PortfolioNotFound):
        take_snapshot(connection, uuid4(), QUOTES, 7, FakeClock())


def test_a_stored_snapshot_has_one_event(connection: psycopg.Connection) -> None:
    taken = take(connection)
    take(connection)

    events = connection.execute("select event_type, aggregate_id, version, payload from outbox").fetchall()

    assert isinstance(taken, PositionSnapshot)
    ((kind, book, version, payload),) = events
    assert (kind, book, version) == ("PositionSnapshotCreated", BOOK, 4)
    assert payload["snapshot_id"] == str(taken.snapshot_id)


def test_snapshot_and_event_are_rolled_back_together(connection: psycopg.Connection) -> None:
    with connection.transaction() as unit_of_work:
        take(connection)
        raise psycopg.Rollback(unit_of_work)

    assert (count(connection, "position_snapshot"), count(connection, "outbox")) == (0, 0)


def test_without_its_event_no_snapshot_is_stored_and_none_superseded(
    connection: psycopg.Connection, database: Database
) -> None:
    first = take(connection)
    with psycopg.connect(database.admin_url) as owner:
        owner.execute("alter table outbox add constraint full_up check (event_id is null) not valid")

    with pytest.raises(psycopg.errors.CheckViolation):
        take(connection, release_id=8)

    assert PostgresPositionSnapshotRepository(connection).current(BOOK, TODAY) == first


def together(*works: Callable[[], object]) -> list[object]:
    """Start all `works` at once; list what each returned or raised."""
    outcomes: list[object] = []
    ready = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        ready.wait()
        try:
            outcomes.append(work())
        except psycopg.Error as error:
            outcomes.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_of_two_takers_at_once_one_stores_and_one_skips(database: Database) -> None:
    with psycopg.connect(database.services_url) as one, psycopg.connect(database.services_url) as two:
        for release_id in range(1, 11):
            outcomes = together(lambda: take(one, release_id), lambda: take(two, release_id))  # noqa: B023

            assert sorted(type(outcome).__name__ for outcome in outcomes) == ["PositionSnapshot", "Skipped"]


@contextmanager
def two_who_look_without_the_lock(database: Database) -> Iterator[tuple[Callable[[], None], ...]]:
    """Two takers who have found no snapshot; each way to store what it decided, and then the ways to commit it."""
    with psycopg.connect(database.services_url) as one, psycopg.connect(database.services_url) as two:
        takers = [PostgresPositionSnapshotRepository(connection) for connection in (one, two)]
        assert [taker.current(BOOK, TODAY) for taker in takers] == [None, None]
        decided = [PositionSnapshot(uuid4(), BOOK, TODAY, NOON, 4, release_id, ()) for release_id in (7, 8)]
        stores = [partial(taker.store, snapshot) for taker, snapshot in zip(takers, decided, strict=True)]
        yield *stores, one.commit, two.commit
        two.rollback()


def test_control_without_the_lock_both_decide_to_store_and_the_constraint_refuses_one(
    database: Database, connection: psycopg.Connection
) -> None:
    with two_who_look_without_the_lock(database) as (store, store_too, commit, _), ThreadPoolExecutor(1) as pool:
        store()
        second = pool.submit(store_too)
        wait_until_one_is_blocked(database)
        commit()
        with pytest.raises(UniqueViolation):
            second.result()

    assert count(connection, "position_snapshot") == 1


def test_control_without_lock_and_constraint_two_are_current(
    database: Database, connection: psycopg.Connection
) -> None:
    with psycopg.connect(database.admin_url) as owner:
        owner.execute("drop index one_current_snapshot_of_a_day")

    with two_who_look_without_the_lock(database) as acts:
        for act in acts:
            act()

    assert count(connection, "position_snapshot where is_current") == 2
