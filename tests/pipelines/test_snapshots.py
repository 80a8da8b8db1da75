import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.errors import UniqueViolation

from domain.errors import PortfolioNotFound
from domain.snapshots import Book, BookHolding, PositionSnapshot, Quote, Skipped, business_date, snapshot_of
from storage.postgres import Database
from storage.snapshots import PostgresPositionSnapshotRepository, take_snapshot

USER = "00000000-0000-4000-8000-000000000001"
BOOK = UUID("00000000-0000-4000-8000-0000000000aa")
NOON = datetime(2017, 3, 29, 12, tzinfo=UTC)
TODAY = date(2017, 3, 29)
QUOTES = {1: Quote("ACME", Decimal("12.50000000"), date(2017, 3, 28))}
_SET_UP = """
    insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone, version)
    values ('{book}', '{user}', 'Desk', 'USD', 'TRADING_BOOK', 'America/New_York', 4);
    insert into security_registry (asset_type, currency, display_name)
    values ('EQUITY', 'USD', 'Acme'), ('EQUITY', 'USD', 'Zeta');
    insert into security_identifier (security_id, id_type, id_value, is_primary)
    values (1, 'TICKER', 'ACME', true), (2, 'TICKER', 'ZETA', true);
    insert into account_holding (portfolio_id, account_id, security_id, quantity, cost_basis, cost_basis_base, realised,
                                 realised_base, realised_fx_base, is_basis_known, is_realised_known)
    select '{book}', account_id, security_id, quantity, cost, cost, 0, 0, 0, true, true
    from account, (values (1, 10.5, 105), (2, -3, -30.00000001)) as held (security_id, quantity, cost);
"""


@dataclass
class FakeClock:
    """Stands still until it is moved."""

    moment: datetime = NOON

    def now(self) -> datetime:
        return self.moment

    def today(self, zone: str) -> date:
        return business_date(self.moment, zone)


@pytest.fixture
def database(new_database: Callable[[], Database]) -> Database:
    """A database of this test's own: one book at version 4 with two holdings, of which one has a quote."""
    created = new_database()
    with psycopg.connect(created.admin_url) as connection:
        connection.execute(_SET_UP.format(book=BOOK, user=USER))  # type: ignore[arg-type]
    return created


@pytest.fixture
def connection(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.app_url, autocommit=True) as opened:
        yield opened


def take(connection: psycopg.Connection, release_id: int = 7, clock: FakeClock | None = None) -> object:
    return take_snapshot(connection, BOOK, QUOTES, release_id, clock or FakeClock())


def trade(connection: psycopg.Connection) -> None:
    connection.execute("update portfolio set version = version + 1")
    connection.execute("update account_holding set quantity = quantity * 2")


def count(connection: psycopg.Connection, what: str) -> int:
    row = connection.execute(f"select count(*) from {what}").fetchone()  # type: ignore[arg-type]
    assert row is not None
    return int(row[0])


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
    """What each of `works` returned or raised, all started at once."""
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
    with psycopg.connect(database.app_url) as one, psycopg.connect(database.app_url) as two:
        for release_id in range(1, 11):
            outcomes = together(lambda: take(one, release_id), lambda: take(two, release_id))  # noqa: B023

            assert sorted(type(outcome).__name__ for outcome in outcomes) == ["PositionSnapshot", "Skipped"]


def store_unlocked(connection: psycopg.Connection, looked: threading.Barrier) -> None:
    """What a taker without the lock of the book's row would do: look, decide, and store what it decided."""
    with connection.transaction():
        repository = PostgresPositionSnapshotRepository(connection)
        assert repository.current(BOOK, TODAY) is None
        looked.wait()
        repository.store(PositionSnapshot(uuid4(), BOOK, TODAY, NOON, 4, 7, ()))


def store_two_unlocked(database: Database) -> list[object]:
    looked = threading.Barrier(2)
    with (
        psycopg.connect(database.app_url, autocommit=True) as one,
        psycopg.connect(database.app_url, autocommit=True) as two,
    ):
        return together(lambda: store_unlocked(one, looked), lambda: store_unlocked(two, looked))


def test_control_without_the_lock_both_decide_to_store_and_the_constraint_refuses_one(database: Database) -> None:
    outcomes = store_two_unlocked(database)

    assert sorted(isinstance(outcome, UniqueViolation) for outcome in outcomes) == [False, True]


def test_control_without_lock_and_constraint_two_are_current(
    database: Database, connection: psycopg.Connection
) -> None:
    with psycopg.connect(database.admin_url) as owner:
        owner.execute("drop index one_current_snapshot_of_a_day")

    store_two_unlocked(database)

    assert count(connection, "position_snapshot where is_current") == 2


@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        # Lord Howe: UTC+10:30, and half an hour more in summer
        ("Australia/Lord_Howe", "2017-07-01T13:29:59Z", "2017-07-01"),
        ("Australia/Lord_Howe", "2017-07-01T13:30:00Z", "2017-07-02"),
        ("Australia/Lord_Howe", "2017-01-01T12:59:59Z", "2017-01-01"),
        ("Australia/Lord_Howe", "2017-01-01T13:00:00Z", "2017-01-02"),
        # Nuuk: UTC-3 in the winter of 2017, UTC-2 since it moved in March 2023
        ("America/Nuuk", "2017-01-10T02:59:59Z", "2017-01-09"),
        ("America/Nuuk", "2017-01-10T03:00:00Z", "2017-01-10"),
        ("America/Nuuk", "2024-01-10T01:59:59Z", "2024-01-09"),
        ("America/Nuuk", "2024-01-10T02:00:00Z", "2024-01-10"),
        # Apia crossed the date line: after 29 December 2011 came the 31st
        ("Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29"),
        ("Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31"),
    ],
)
def test_the_business_date_is_the_day_in_the_books_own_zone(zone: str, moment: str, day: str) -> None:
    assert business_date(datetime.fromisoformat(moment), zone).isoformat() == day


def test_there_was_no_30_december_2011_in_apia() -> None:
    minutes = [datetime(2011, 12, 28, tzinfo=UTC) + timedelta(minutes=15 * n) for n in range(4 * 24 * 5)]

    assert date(2011, 12, 30) not in {business_date(minute, "Pacific/Apia") for minute in minutes}


def test_the_same_moment_has_the_same_business_date_whatever_zone_it_is_written_in() -> None:
    written = datetime.fromisoformat("2017-03-29T23:30:00-04:00")

    assert business_date(written, "Asia/Tokyo") == business_date(written.astimezone(UTC), "Asia/Tokyo")


def test_a_moment_without_a_zone_has_no_business_date() -> None:
    with pytest.raises(AssertionError, match="without a zone"):
        business_date(datetime(2017, 3, 29), "UTC")  # noqa: DTZ001
