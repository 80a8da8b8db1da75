"""RULEBOOK 10 and 15: which snapshots are kept, what they keep, and what happens when the database fails."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random
from uuid import uuid4

import psycopg
import pytest

from application.snapshot_pruning import prune_payloads
from application.snapshots import PostgresPositionSnapshotRepository, books_due, take_snapshot
from domain.errors import SnapshotPruned
from domain.snapshots import Book, PositionSnapshot, business_date, decide, snapshot_of
from storage.postgres.database import Database
from tests.small_book import BOOK, NOON, QUOTES, TODAY, USER, FakeClock, count, take, trade, with_small_book

WEEK = timedelta(days=7)


@pytest.fixture
def database(new_database: Callable[[], Database]) -> Database:
    return with_small_book(new_database)


@pytest.fixture
def connection(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.services_url, autocommit=True) as opened:
        yield opened


def superseded(connection: psycopg.Connection) -> PositionSnapshot:
    """A snapshot that another has taken the place of."""
    first = take(connection)
    trade(connection)
    take(connection, clock=FakeClock(NOON + timedelta(minutes=10)))
    assert isinstance(first, PositionSnapshot)
    return first


def prune(connection: psycopg.Connection, after: timedelta, keep_days: int = 7) -> int:
    return prune_payloads(connection, NOON + timedelta(minutes=10) + after, keep_days)


def test_a_superseded_snapshot_says_by_what_and_when(connection) -> None:
    first = superseded(connection)

    row = connection.execute(
        "select superseded_at, superseded_reason from position_snapshot where snapshot_id = %s", (first.snapshot_id,)
    ).fetchone()

    current = PostgresPositionSnapshotRepository(connection).current(BOOK, TODAY)
    assert current
    assert row == (
        NOON + timedelta(minutes=10),
        f"superseded by version 5 of release 7 ({current.snapshot_id})",
    )


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_the_books_due_are_those_of_which_a_snapshot_would_be_stored(connection, database, hour) -> None:
    zones = ("Pacific/Apia", "Australia/Lord_Howe", "America/Nuuk", "America/New_York")
    with psycopg.connect(database.admin_url) as owner:
        for number, zone in enumerate(zones * 2):
            owner.execute(
                "insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone, archived_at)"
                " values (gen_random_uuid(), %s, %s, 'USD', 'TRADING_BOOK', %s, %s)",
                (USER, f"book {number}", zone, None if number else NOON),
            )
    books = [row[0] for row in connection.execute("select portfolio_id from portfolio where archived_at is null")]
    random = Random(hour)
    for book in books:
        for _ in range(random.randrange(3)):
            then = FakeClock(NOON + timedelta(hours=hour - random.choice([0, 6, 24])))
            take_snapshot(connection, book, QUOTES, random.choice([6, 7, 8]), then)
    for book in random.sample(books, 2):
        connection.execute("update portfolio set version = version + 1 where portfolio_id = %s", (book,))
    clock = FakeClock(NOON + timedelta(hours=hour))

    due = books_due(connection, 7, clock)

    taken = {book: take_snapshot(connection, book, QUOTES, 7, clock) for book in books}
    assert sorted(due) == sorted(book for book, found in taken.items() if isinstance(found, PositionSnapshot))


def test_superseded_snapshots_lose_their_payload_after_seven_days(connection) -> None:
    first = superseded(connection)

    assert prune(connection, after=WEEK) == 0
    assert prune(connection, after=WEEK + timedelta(seconds=1)) == 1

    with pytest.raises(SnapshotPruned):
        PostgresPositionSnapshotRepository(connection).get(first.snapshot_id)


def test_the_days_a_payload_is_kept_are_a_setting(connection) -> None:
    superseded(connection)

    assert prune(connection, after=timedelta(days=1, seconds=1), keep_days=1) == 1


def test_time_hash_and_reason_stay_when_a_payload_is_pruned(connection) -> None:
    first = superseded(connection)
    kept = "select taken_at, payload_hash, superseded_at, superseded_reason from position_snapshot where not is_current"
    before = connection.execute(kept).fetchall()

    prune(connection, after=2 * WEEK)

    assert connection.execute(kept).fetchall() == before
    assert before[0][:2] == (first.taken_at, first.payload_hash)


def test_the_last_snapshot_of_a_day_never_loses_its_payload(connection) -> None:
    last = take(connection)

    assert prune(connection, after=100 * WEEK) == 0
    assert PostgresPositionSnapshotRepository(connection).current(BOOK, TODAY) == last


def test_pruning_again_changes_nothing(connection) -> None:
    superseded(connection)
    prune(connection, after=2 * WEEK)

    assert prune(connection, after=3 * WEEK) == 0


def test_the_event_of_a_snapshot_is_not_seen_before_the_commit_and_once_after_it(database, connection) -> None:
    events = "outbox where event_type = 'PositionSnapshotCreated'"
    with psycopg.connect(database.services_url) as taker, taker.transaction():
        for _ in range(2):  # the second is skipped
            take(taker)
        assert count(taker, events) == 1
        assert count(connection, events) == 0

    assert count(connection, events) == 1


def test_one_snapshot_of_a_book_and_date_is_current_by_constraint(database, connection) -> None:
    take(connection)
    trade(connection)
    take(connection)

    with psycopg.connect(database.admin_url) as owner, pytest.raises(psycopg.errors.UniqueViolation):
        owner.execute("update position_snapshot set is_current = true, superseded_at = null, superseded_reason = null")


@pytest.mark.parametrize(
    "change",
    [
        "payload = '[]'",
        "payload_hash = 'other'",
        "taken_at = now()",
        "portfolio_version = 99",
        "business_date = business_date + 1",
    ],
)
def test_a_stored_snapshot_is_immutable(connection, change: str) -> None:
    take(connection)

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"update position_snapshot set {change}")


def test_a_current_snapshot_cannot_lose_its_payload(connection) -> None:
    take(connection)

    with pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("update position_snapshot set payload = null, pruned_at = now()")


@pytest.mark.parametrize(
    ("known_as", "shown"),
    [
        ([("ISIN", "US0000000001", True), ("CUSIP", "000000001", True)], "US0000000001"),
        ([("CUSIP", "000000001", True)], "000000001"),
        ([("TICKER", "OLD", False), ("ISIN", "US0000000001", True)], "US0000000001"),
        ([], "1"),
    ],
)
def test_a_security_without_a_ticker_stays_in_the_snapshot(connection, database, known_as, shown) -> None:
    with psycopg.connect(database.admin_url) as owner:
        owner.execute("delete from security_identifier where security_id = 1")
        for identifier in known_as:
            owner.execute("insert into security_identifier values (1, %s, %s, %s)", identifier)

    taken = take(connection)

    assert isinstance(taken, PositionSnapshot)
    assert [line.ticker for line in taken.lines] == [shown, "ZETA"]


def test_units_of_unknown_cost_have_none_in_the_snapshot(connection) -> None:
    connection.execute("update account_holding set is_basis_known = false, cost_basis = 0 where security_id = 1")

    take(connection)

    current = PostgresPositionSnapshotRepository(connection).current(BOOK, TODAY)
    assert current
    assert [line.cost_basis is None for line in current.lines] == [True, False]


def test_ends_of_day_are_the_current_snapshots_oldest_first(connection) -> None:
    for days in (2, 0, 1):
        take(connection, clock=FakeClock(NOON + timedelta(days=days)))
    trade(connection)
    take(connection)

    days = PostgresPositionSnapshotRepository(connection).ends_of_day(BOOK, TODAY, TODAY + timedelta(days=1), 10)

    assert [(end.business_date, end.portfolio_version, end.line_count) for end in days] == [
        (TODAY, 5, 2),
        (TODAY + timedelta(days=1), 4, 2),
    ]


def writers_in_any_order(database: Database, store: Callable[[psycopg.Connection, int], object], seed: int) -> None:
    """Eight takers at once, each with another release."""
    releases = list(range(1, 9))
    Random(seed).shuffle(releases)
    ready = threading.Barrier(len(releases))

    def write(release_id: int) -> None:
        with psycopg.connect(database.services_url, autocommit=True) as connection:
            ready.wait()
            store(connection, release_id)

    with ThreadPoolExecutor(len(releases)) as pool:
        list(pool.map(write, releases))


@pytest.mark.parametrize("seed", range(5))
def test_of_concurrent_writers_the_latest_wins(database, connection, seed) -> None:
    writers_in_any_order(database, take, seed)

    current = PostgresPositionSnapshotRepository(connection).current(BOOK, TODAY)

    assert current
    assert current.release_id == 8
    assert count(connection, "position_snapshot where is_current") == 1
    assert count(connection, "outbox") == count(connection, "position_snapshot")


def test_control_a_writer_that_looks_before_it_locks_can_put_an_older_one_last(database, connection) -> None:
    """Both look and find none; the newer stores first, the older after it, over it."""
    newer = snapshot_of(Book(BOOK, 4, "UTC", ()), QUOTES, 8, NOON, TODAY, uuid4())
    older = replace(newer, snapshot_id=uuid4(), release_id=7)
    with psycopg.connect(database.services_url) as one, psycopg.connect(database.services_url) as two:
        writers = [PostgresPositionSnapshotRepository(one), PostgresPositionSnapshotRepository(two)]
        decided = [
            decide(writer.current(BOOK, TODAY), candidate)
            for writer, candidate in zip(writers, (newer, older), strict=True)
        ]
        assert decided == [newer, older]
        writers[0].store(newer)
        one.commit()
        writers[1].store(older)
        two.commit()

    current = PostgresPositionSnapshotRepository(connection).current(BOOK, TODAY)
    assert current
    assert current.release_id == 7


def unreadable_to_the_application(database: Database) -> None:
    """From now on the application cannot look whether there is a snapshot, though it could still store one."""
    with psycopg.connect(database.admin_url) as owner:
        owner.execute("revoke select (payload) on position_snapshot from lakefolio_app")
        owner.execute("revoke select on position_snapshot from lakefolio_app")
        columns = "snapshot_id, portfolio_id, business_date, is_current"
        owner.execute(f"grant select ({columns}) on position_snapshot to lakefolio_app")


def test_a_database_error_is_not_no_snapshot_yet_and_stores_nothing(database, connection) -> None:
    take(connection, release_id=7)
    unreadable_to_the_application(database)

    with pytest.raises(psycopg.Error):
        take(connection, release_id=6)

    assert (count(connection, "position_snapshot where is_current"), count(connection, "outbox")) == (1, 1)


def test_control_one_that_takes_an_error_for_no_snapshot_yet_stores_an_older_one(database, connection) -> None:
    """The source design does this: `except Exception: pass  # No snapshot yet`."""
    take(connection, release_id=7)
    unreadable_to_the_application(database)

    def current_or_none(repository: PostgresPositionSnapshotRepository) -> PositionSnapshot | None:
        try:
            with connection.transaction():
                return repository.current(BOOK, TODAY)
        except psycopg.Error:
            return None

    with connection.transaction():
        repository = PostgresPositionSnapshotRepository(connection)
        older = snapshot_of(repository.book(BOOK), QUOTES, 6, NOON, TODAY, uuid4())
        decided = decide(current_or_none(repository), older)
        assert isinstance(decided, PositionSnapshot)
        repository.store(decided)

    with psycopg.connect(database.admin_url) as owner:
        current = owner.execute("select release_id from position_snapshot where is_current").fetchall()
    assert current == [(6,)], "a newer one was superseded by an older"


ZONES = ["Australia/Lord_Howe", "America/Nuuk", "Pacific/Apia"]


def take_around_the_clock(database: Database, connection: psycopg.Connection, zone: str) -> list[datetime]:
    """A snapshot every three hours, from the 27th of December 2011 to the 2nd of January, each of a newer release."""
    book = uuid4()
    connection.execute(
        "insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone)"
        " values (%s, %s, %s, 'USD', 'TRADING_BOOK', %s)",
        (book, USER, zone, zone),
    )
    moments = [NOON.replace(year=2011, month=12, day=27) + timedelta(hours=3 * number) for number in range(48)]
    for release_id, moment in enumerate(moments, start=1):
        take_snapshot(connection, book, QUOTES, release_id, FakeClock(moment))
    return moments


@pytest.mark.parametrize("zone", ZONES)
def test_every_business_date_keeps_its_last_snapshot_in_a_zone_with_odd_days(database, connection, zone) -> None:
    moments = take_around_the_clock(database, connection, zone)

    ends = connection.execute(
        "select business_date, taken_at from position_snapshot where is_current order by business_date"
    ).fetchall()

    last_of: dict[date, datetime] = {business_date(moment, zone): moment for moment in moments}
    assert dict(ends) == last_of
    assert (date(2011, 12, 30) in last_of) == (zone != "Pacific/Apia")
