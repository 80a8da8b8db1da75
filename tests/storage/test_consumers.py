"""Delivery of the outbox: nothing missed, nothing twice, in order; each with the control that goes without."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

from domain.events import SimulationRequested
from domain.ports import EventMessage
from storage.clock import SystemClock
from storage.correlation import correlated
from storage.errors import Unavailable
from storage.events.consumers import Connection, Consumer, deliver, lag, register, replay, run_consumers
from storage.events.outbox import write_event
from storage.jobs import failing_jobs
from storage.postgres.database import Database
from storage.queries import statements

ONE, OTHER = UUID("00000000-0000-4000-8000-0000000000aa"), UUID("00000000-0000-4000-8000-0000000000bb")
_EVENT = "insert into outbox (aggregate_id, version, event_type, payload) values (%s, %s, %s, '{}') returning event_id"
_EFFECT = "insert into effect (consumer, event_id, aggregate_id, version) values (%s, %s, %s, %s)"


class FakeClock(SystemClock):
    """Stands still until it is moved on."""

    def __init__(self) -> None:
        self._now = datetime(2020, 6, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def move_on(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


@pytest.fixture(scope="module")
def module_database(new_database: Callable[[], Database]) -> Database:
    """A database with a table for the effects of handlers that allows doubles."""
    created = new_database()
    with psycopg.connect(created.admin_url) as owner:
        owner.execute(
            "create table effect (effect_id bigint generated always as identity, consumer text, event_id uuid,"
            " aggregate_id uuid, version bigint)"
        )
        owner.execute("grant select, insert on effect to lakefolio_app")
    return created


@pytest.fixture
def database(module_database: Database) -> Database:
    """Empty the module's database of events, consumers and effects."""
    with psycopg.connect(module_database.admin_url) as owner:
        owner.execute("truncate effect, outbox, delivery, dead_letter, consumer_position")
    return module_database


def open_session(database: Database) -> Connection:
    return psycopg.connect(database.services_url, autocommit=True, row_factory=dict_row)


@pytest.fixture
def session(database: Database) -> Iterator[Connection]:
    with open_session(database) as connection:
        yield connection


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def write(connection: psycopg.Connection[Any], aggregate: UUID, version: int, event_type: str = "Happened") -> UUID:
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_EVENT, (aggregate, version, event_type)).fetchone()
    assert row is not None
    return UUID(str(row["event_id"]))


def note(connection: Connection, message: EventMessage, consumer: str = "noting") -> None:
    """A handler whose effect is a row."""
    connection.execute(_EFFECT, (consumer, message.event_id, message.aggregate_id, message.version))


class Failing:
    """A handler that writes its effect and then fails, on the given versions of aggregate ONE, until it is mended."""

    def __init__(self, versions: Sequence[int], error: Exception | None = None) -> None:
        self.versions = set(versions)
        self.error = error or ValueError("this one is odd")
        self.calls = 0

    def __call__(self, connection: Connection, message: EventMessage) -> None:
        self.calls += 1
        note(connection, message)
        if message.aggregate_id == ONE and message.version in self.versions:
            raise self.error


def registered(session: Connection, consumer: Consumer) -> Consumer:
    register(session, consumer)
    return consumer


@pytest.fixture
def noting(session: Connection) -> Consumer:
    return registered(session, Consumer("noting", None, note))


def effects(session: Connection) -> list[tuple[UUID, int]]:
    rows = session.execute("select aggregate_id, version from effect order by effect_id").fetchall()
    return [(row["aggregate_id"], row["version"]) for row in rows]


def dead_letters(session: Connection) -> list[dict[str, Any]]:
    return session.execute("select * from dead_letter where replayed_at is null").fetchall()


def deliver_all(session: Connection, consumer: Consumer, clock: SystemClock) -> None:
    while deliver(session, consumer, clock):
        pass


# Which events


def test_an_event_arrives_once_with_everything_that_was_written(session, noting, clock) -> None:
    got: list[EventMessage] = []
    consumer = registered(session, Consumer("reading", None, lambda _, message: got.append(message)))
    simulation = uuid4()
    with correlated("request-7"):
        write_event(session, ONE, 3, SimulationRequested(simulation, ONE))

    assert (deliver(session, consumer, clock), deliver(session, consumer, clock)) == (1, 0)
    (message,) = got
    assert (message.event_type, message.aggregate_id, message.version) == ("SimulationRequested", ONE, 3)
    assert message.payload == {"simulation_id": str(simulation), "portfolio_id": str(ONE)}
    assert message.correlation_id == "request-7"
    assert abs(datetime.now(UTC) - message.occurred_at) < timedelta(minutes=1)


def test_an_event_that_a_handler_writes_has_the_same_cause(session, clock) -> None:
    def answer(connection: Connection, message: EventMessage) -> None:
        write_event(connection, OTHER, 1, SimulationRequested(uuid4(), OTHER))

    consumer = registered(session, Consumer("answering", ["Asked"], answer))
    session.execute(
        "insert into outbox (aggregate_id, version, event_type, payload, correlation_id)"
        " values (%s, 1, 'Asked', '{}', 'request-8')",
        (ONE,),
    )
    deliver(session, consumer, clock)

    caused = session.execute("select correlation_id from outbox where aggregate_id = %s", (OTHER,)).fetchall()
    assert caused == [{"correlation_id": "request-8"}]


def test_a_handler_gets_the_events_that_it_writes_itself(session, clock) -> None:
    def count_down(connection: Connection, message: EventMessage) -> None:
        note(connection, message)
        if message.version > 1:
            write(connection, ONE, message.version - 1)

    consumer = registered(session, Consumer("noting", None, count_down))
    write(session, ONE, 5)
    deliver_all(session, consumer, clock)

    assert effects(session) == [(ONE, version) for version in (5, 4, 3, 2, 1)]


def test_control_the_snapshot_of_a_transaction_takes_what_itself_writes_later_for_seen(session, database) -> None:
    with session.transaction():
        session.execute("select pg_current_xact_id()")
        with open_session(database) as later:
            later.execute("select pg_current_xact_id()")
        row = session.execute(
            "select pg_visible_in_snapshot(pg_current_xact_id(), pg_current_snapshot()) as is_seen"
        ).fetchone()

    assert row == {"is_seen": True}


def test_an_event_that_was_rolled_back_is_never_delivered(session, noting, clock) -> None:
    with session.transaction() as unit_of_work:
        write(session, ONE, 1)
        raise psycopg.Rollback(unit_of_work)
    write(session, ONE, 1)
    deliver_all(session, noting, clock)

    assert effects(session) == [(ONE, 1)]


def test_an_event_is_not_delivered_before_its_commit(session, database, noting, clock) -> None:
    with psycopg.connect(database.services_url) as writer:
        write(writer, ONE, 1)
        assert deliver(session, noting, clock) == 0

    assert deliver(session, noting, clock) == 1


def commit_late(session: Connection, database: Database, between: Callable[[], object]) -> None:
    """Two units of work: the one that began first and has the lower number commits after `between`."""
    with psycopg.connect(database.services_url) as early:
        write(early, ONE, 1)
        write(session, OTHER, 1)
        between()


def test_a_unit_of_work_that_commits_late_is_not_missed(session, database, noting, clock) -> None:
    commit_late(session, database, lambda: deliver_all(session, noting, clock))
    deliver_all(session, noting, clock)

    assert effects(session) == [(OTHER, 1), (ONE, 1)]


def test_control_a_consumer_that_remembers_the_last_number_misses_it(session, database) -> None:
    last, got = 0, []

    def poll() -> None:
        nonlocal last
        for row in session.execute("select seq, aggregate_id from outbox where seq > %s order by seq", (last,)):
            last = row["seq"]
            got.append(row["aggregate_id"])

    commit_late(session, database, poll)
    poll()

    assert got == [OTHER]


def test_only_events_of_the_wanted_types_arrive(session, clock) -> None:
    consumer = registered(session, Consumer("noting", ["Wanted"], note))
    write(session, ONE, 1, "Wanted")
    write(session, ONE, 2, "Unwanted")
    deliver_all(session, consumer, clock)

    assert effects(session) == [(ONE, 1)]


def test_a_new_consumer_gets_all_of_history(session, clock) -> None:
    for version in range(1, 121):
        write(session, ONE, version)
    deliver_all(session, registered(session, Consumer("noting", None, note)), clock)

    assert effects(session) == [(ONE, version) for version in range(1, 121)]


def test_a_new_consumer_from_now_gets_only_what_commits_later(session, database, clock) -> None:
    write(session, ONE, 1)
    with psycopg.connect(database.services_url) as late:
        write(late, OTHER, 1)
        consumer = registered(session, Consumer("noting", None, note, from_now=True))
    write(session, ONE, 2)
    register(session, consumer)
    deliver_all(session, consumer, clock)

    assert effects(session) == [(OTHER, 1), (ONE, 2)]


def test_every_consumer_gets_every_event(session, noting, clock) -> None:
    second = registered(session, Consumer("second", None, note))
    write(session, ONE, 1)
    deliver_all(session, noting, clock)
    deliver_all(session, second, clock)

    assert effects(session) == [(ONE, 1)] * 2


# In which order


def write_in_reverse_order_of_transactions(session: Connection, database: Database) -> None:
    """The unit of work that began first (and waited for the aggregate's lock) writes the later version."""
    with psycopg.connect(database.services_url) as waiting:
        waiting.execute("select pg_current_xact_id()")
        write(session, ONE, 1)
        write(waiting, ONE, 2)


def test_an_aggregates_events_arrive_in_the_order_they_were_written(session, database, noting, clock) -> None:
    write_in_reverse_order_of_transactions(session, database)
    deliver_all(session, noting, clock)

    assert effects(session) == [(ONE, 1), (ONE, 2)]


def test_control_the_order_of_transactions_is_another(session, database) -> None:
    write_in_reverse_order_of_transactions(session, database)

    assert [row["version"] for row in session.execute("select version from outbox order by xid")] == [2, 1]


def test_nothing_overtakes_an_event_of_its_aggregate_that_waits_for_a_retry(session, clock) -> None:
    failing = Failing([2])
    consumer = registered(session, Consumer("noting", None, failing))
    for version in (1, 2, 3):
        write(session, ONE, version)
    write(session, OTHER, 1)
    deliver_all(session, consumer, clock)
    write(session, ONE, 4)
    deliver_all(session, consumer, clock)

    assert effects(session) == [(ONE, 1), (OTHER, 1)]

    failing.versions.clear()
    clock.move_on(1)
    deliver_all(session, consumer, clock)
    assert effects(session) == [(ONE, 1), (OTHER, 1), (ONE, 2), (ONE, 3), (ONE, 4)]


# What fails


def test_a_failed_event_is_tried_again_after_growing_pauses_and_then_parked(session, clock) -> None:
    failing = Failing([1])
    consumer = registered(session, Consumer("noting", None, failing))
    event_id = write(session, ONE, 1)

    for calls, pause_s in enumerate(consumer.retry_after_s, start=1):
        deliver_all(session, consumer, clock)
        assert (failing.calls, dead_letters(session)) == (calls, [])
        clock.move_on(pause_s - 0.001)
        assert deliver(session, consumer, clock) == 0
        clock.move_on(0.001)
    deliver_all(session, consumer, clock)

    (letter,) = dead_letters(session)
    assert (letter["consumer"], letter["event_id"], letter["attempts"]) == ("noting", event_id, 5)
    assert (letter["reason"], letter["parked_at"]) == ("ValueError: this one is odd", clock.now())
    assert (failing.calls, effects(session)) == (5, [])


def test_a_retry_that_was_put_off_before_the_clock_was_set_back_is_due_with_all_behind_it(session, clock) -> None:
    noted: list[int] = []

    def fail_once(connection: Connection, message: EventMessage) -> None:
        noted.append(message.version)
        if len(noted) == 1:
            raise ValueError("not yet")

    consumer = Consumer("failing", None, fail_once)
    register(session, consumer)
    write(session, ONE, 1)
    deliver(session, consumer, clock)
    write(session, ONE, 2)
    session.execute("update delivery set next_attempt_at = next_attempt_at + interval '1 year' where attempts = 1")

    deliver(session, consumer, clock)

    assert noted == [1, 1, 2]


def test_after_a_dead_letter_the_next_events_go_on(session, clock) -> None:
    consumer = registered(session, Consumer("noting", None, Failing([1]), retry_after_s=()))
    write(session, ONE, 1)
    write(session, ONE, 2)
    deliver_all(session, consumer, clock)

    assert effects(session) == [(ONE, 2)]


def test_a_handler_that_fails_leaves_no_part_of_its_effect(session, clock) -> None:
    consumer = registered(session, Consumer("noting", None, Failing([1, 2])))
    for version in (1, 2, 3):
        write(session, OTHER if version == 3 else ONE, version)
    deliver_all(session, consumer, clock)

    assert effects(session) == [(OTHER, 3)]


def test_any_text_of_an_error_can_be_a_reason(session, clock) -> None:
    consumer = registered(session, Consumer("noting", None, Failing([1], ValueError("\0" * 5000)), retry_after_s=()))
    write(session, ONE, 1)
    deliver_all(session, consumer, clock)

    assert dead_letters(session)[0]["reason"].startswith(r"ValueError: \0\0")


def test_while_something_outside_is_away_all_wait_and_no_attempt_is_counted(session, clock) -> None:
    failing = Failing([2], Unavailable("the broker is away"))
    consumer = registered(session, Consumer("noting", None, failing, retry_after_s=()))
    write(session, ONE, 1)
    write(session, ONE, 2)
    write(session, OTHER, 1)
    for _ in range(3):
        with pytest.raises(Unavailable):
            deliver(session, consumer, clock)
    assert effects(session) == [(ONE, 1)]

    failing.versions.clear()
    deliver_all(session, consumer, clock)
    assert (effects(session), dead_letters(session)) == ([(ONE, 1), (ONE, 2), (OTHER, 1)], [])


def test_a_lost_connection_is_not_the_events_fault(session, database, clock) -> None:
    def lose(connection: Connection, message: EventMessage) -> None:
        note(connection, message)
        with psycopg.connect(database.admin_url, autocommit=True) as owner:
            owner.execute("select pg_terminate_backend(%s, 5000)", (connection.info.backend_pid,))
        try:
            connection.execute("select 1")
        except psycopg.Error as error:
            raise ValueError("what a handler may make of it") from error

    registered(session, Consumer("noting", None, note))
    write(session, ONE, 1)
    with pytest.raises(psycopg.OperationalError), open_session(database) as connection:
        deliver(connection, Consumer("noting", None, lose, retry_after_s=()), clock)

    assert (effects(session), dead_letters(session)) == ([], [])
    deliver_all(session, Consumer("noting", None, note), clock)
    assert effects(session) == [(ONE, 1)]


# Replay


@pytest.fixture
def parked(session, clock) -> tuple[Failing, Sequence[Consumer], Sequence[UUID]]:
    """Two consumers that could take neither of two events."""
    failing = Failing([1, 2])
    consumers = [registered(session, Consumer(name, None, failing, retry_after_s=())) for name in ("a", "b")]
    events = [write(session, ONE, 1), write(session, ONE, 2)]
    for consumer in consumers:
        deliver_all(session, consumer, clock)
    assert len(dead_letters(session)) == 4
    return failing, consumers, events


def test_a_replayed_dead_letter_is_delivered_again(session, parked, clock) -> None:
    failing, consumers, _ = parked
    failing.versions.clear()

    assert replay(session, clock) == {"a": 2, "b": 2}
    for consumer in consumers:
        deliver_all(session, consumer, clock)
    assert effects(session) == [(ONE, 1), (ONE, 2)] * 2
    assert dead_letters(session) == []


def test_a_replay_can_be_of_one_consumer_or_of_one_event(session, parked, clock) -> None:
    _, _, (first, second) = parked

    assert replay(session, clock, consumer="a", event_id=first) == {"a": 1}
    assert replay(session, clock, consumer="a") == {"a": 1}
    assert replay(session, clock, event_id=second) == {"b": 1}
    assert replay(session, clock, consumer="nobody") == {}


def test_a_replay_twice_delivers_once(session, parked, clock) -> None:
    failing, (consumer, _), _ = parked
    failing.versions.clear()

    assert (replay(session, clock, "a"), replay(session, clock, "a")) == ({"a": 2}, {})
    deliver_all(session, consumer, clock)
    assert replay(session, clock, "a") == {}
    deliver_all(session, consumer, clock)
    assert effects(session) == [(ONE, 1), (ONE, 2)]


def test_a_replayed_event_that_fails_again_is_parked_again(session, parked, clock) -> None:
    failing, (consumer, _), _ = parked
    failing.error = ValueError("odd in another way")
    replay(session, clock, "a")
    clock.move_on(60)
    deliver_all(session, consumer, clock)

    again = [letter for letter in dead_letters(session) if letter["consumer"] == "a"]
    assert [(letter["reason"], letter["parked_at"]) for letter in again] == [
        ("ValueError: odd in another way", clock.now())
    ] * 2


# Once


KILLED = """if True:
    import os, signal, sys
    import psycopg
    from psycopg.rows import dict_row
    from storage.clock import SystemClock
    from storage.events.consumers import Consumer, deliver

    url, how = sys.argv[1:]
    def effect_then_death(connection, message):
        values = ("noting", message.event_id, message.aggregate_id, message.version)
        effect = "insert into effect (consumer, event_id, aggregate_id, version) values (%s, %s, %s, %s)"
        if how == "in the given transaction":
            connection.execute(effect, values)
        else:
            with psycopg.connect(url) as own:
                own.execute(effect, values)
        os.kill(os.getpid(), signal.SIGKILL)

    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        deliver(connection, Consumer("noting", None, effect_then_death), SystemClock())
"""


def die_between_effect_and_record(database: Database, how: str) -> None:
    died = subprocess.run([sys.executable, "-c", KILLED, database.services_url, how], capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL, died.stderr


def deliver_after_a_death(session: Connection, consumer: Consumer) -> None:
    """The dead worker's server process may need a moment to notice."""
    until = time.monotonic() + 10
    while not deliver(session, consumer, SystemClock()):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_worker_killed_between_effect_and_record_doubles_nothing(session, database, noting) -> None:
    write(session, ONE, 1)
    die_between_effect_and_record(database, "in the given transaction")
    deliver_after_a_death(session, noting)

    assert effects(session) == [(ONE, 1)]


def test_control_an_effect_in_a_transaction_of_its_own_is_doubled(session, database, noting) -> None:
    write(session, ONE, 1)
    die_between_effect_and_record(database, "in its own")
    deliver_after_a_death(session, noting)

    assert effects(session) == [(ONE, 1)] * 2


def test_a_second_worker_passes_while_the_first_is_at_it(session, database, clock) -> None:
    second_got: list[int] = []

    def meet(connection: Connection, message: EventMessage) -> None:
        with open_session(database) as second:
            second_got.append(deliver(second, Consumer("noting", None, note), clock))
        note(connection, message)

    consumer = registered(session, Consumer("noting", None, meet))
    write(session, ONE, 1)
    deliver_all(session, consumer, clock)

    assert (second_got, effects(session)) == ([0], [(ONE, 1)])


def test_control_workers_that_do_not_lock_the_consumer_double(session, database, noting) -> None:
    """The same statements, without the lock: both read what is due before either records it."""
    sql = statements("storage/events/consumers.sql")
    write(session, ONE, 1)
    register(session, noting)
    asked = {**noting.asked, "now": datetime.now(UTC)}
    with open_session(database) as second:
        due = [(worker, worker.execute(sql["due"], asked).fetchall()) for worker in (session, second)]
        for worker, rows in due:
            for row in rows:
                del row["attempts"]
                note(worker, EventMessage(**row))
                worker.execute(sql["handled"], {**asked, "event_ids": [row["event_id"]]})

    assert effects(session) == [(ONE, 1)] * 2


def test_two_workers_at_once_handle_each_event_once_and_in_order(session, database) -> None:
    stop = threading.Event()
    consumer = Consumer("noting", None, note)
    workers = [
        threading.Thread(target=run_consumers, args=(database.services_url, [consumer], stop), kwargs={"poll_s": 0.001})
        for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    for version in range(1, 301):
        write(session, ONE, version)
    wait_until(lambda: [one.unhandled for one in lag(session)] == [0])
    stop.set()
    for worker in workers:
        worker.join()

    assert effects(session) == [(ONE, version) for version in range(1, 301)]


# The loop


def wait_until(is_true: Callable[[], bool], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(0.01)


@pytest.fixture
def running(database) -> Iterator[None]:
    """A worker with two consumers, one of which fails each time."""

    def fail(connection: Connection, message: EventMessage) -> None:
        raise ValueError("never")

    stop = threading.Event()
    consumers = [Consumer("noting", None, note), Consumer("failing", None, fail, retry_after_s=(0.01,))]
    worker = threading.Thread(
        target=run_consumers, args=(database.services_url, consumers, stop), kwargs={"poll_s": 0.01}
    )
    worker.start()
    yield
    stop.set()
    worker.join(timeout=10)
    assert not worker.is_alive()


def test_one_consumer_that_fails_does_not_stop_another(session, running) -> None:
    for version in (1, 2):
        write(session, ONE, version)

    wait_until(lambda: len(effects(session)) == 2 and len(dead_letters(session)) == 2)


def test_the_loop_goes_on_after_its_connections_were_lost(session, database, running) -> None:
    write(session, ONE, 1)
    wait_until(lambda: len(effects(session)) == 1)
    with psycopg.connect(database.admin_url, autocommit=True) as owner:
        owner.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
            " and pid not in (pg_backend_pid(), %s)",
            (session.info.backend_pid,),
        )
    write(session, ONE, 2)

    wait_until(lambda: effects(session) == [(ONE, 1), (ONE, 2)])
    wait_until(lambda: failing_jobs(session) == [])


def test_an_error_of_the_loop_itself_is_written_down_and_tried_again_beside_the_others(session, database) -> None:
    stop, nameless = threading.Event(), Consumer("", None, note)
    consumers = [Consumer("noting", None, note), nameless]
    worker = threading.Thread(
        target=run_consumers, args=(database.services_url, consumers, stop), kwargs={"poll_s": 0.01}
    )
    worker.start()

    wait_until(lambda: [one.job for one in failing_jobs(session) if one.failures > 1] == ["consumer "])
    write(session, ONE, 1)
    wait_until(lambda: len(effects(session)) == 1)
    stop.set()
    worker.join()
    assert [one.reason for one in failing_jobs(session)] == ["CheckViolation"]


def test_a_full_disk_is_no_events_fault_and_parks_none(session, clock) -> None:
    def fill(connection: Connection, message: EventMessage) -> None:
        raise psycopg.errors.DiskFull("could not extend file")

    consumer = Consumer("filling", None, fill, retry_after_s=())
    register(session, consumer)
    write(session, ONE, 1)

    for _ in range(3):
        with pytest.raises(Unavailable):
            deliver(session, consumer, clock)
    assert dead_letters(session) == []


# How far behind, and at what cost


def test_lag_tells_unhandled_events_their_age_and_dead_letters(session, clock) -> None:
    consumer = registered(session, Consumer("noting", ["Wanted"], Failing([1]), retry_after_s=()))
    assert [(one.unhandled, one.oldest_age_s, one.dead_letters) for one in lag(session)] == [(0, 0, 0)]

    write(session, ONE, 1, "Wanted")
    deliver_all(session, consumer, clock)
    write(session, ONE, 2, "Wanted")
    write(session, ONE, 3, "Unwanted")
    time.sleep(0.05)
    (behind,) = lag(session)
    assert (behind.consumer, behind.unhandled, behind.dead_letters) == ("noting", 1, 1)
    assert 0.05 <= behind.oldest_age_s < 10

    register(session, consumer)  # noticed, not handled yet: still one
    assert [one.unhandled for one in lag(session)] == [1]


def next_transaction(session: Connection) -> int:
    row = session.execute("select pg_snapshot_xmax(pg_current_snapshot())::text::bigint as next").fetchone()
    assert row is not None
    return int(row["next"])


def test_looking_for_events_when_there_are_none_is_no_transaction(session, noting, clock) -> None:
    write(session, ONE, 1)
    deliver_all(session, noting, clock)
    before = next_transaction(session)
    for _ in range(20):
        assert deliver(session, noting, clock) == 0

    assert next_transaction(session) - before < 10  # autovacuum may have one or two


def test_an_idle_position_moves_on_now_and_then(session, noting, clock) -> None:
    before = position(session)
    for _ in range(1100):
        session.execute("select pg_current_xact_id()")
    deliver(session, noting, clock)

    assert position(session) > before


def position(session: Connection) -> int:
    row = session.execute("select seen from consumer_position").fetchone()
    assert row is not None
    return int(row["seen"].split(":")[0])


def test_a_hundred_thousand_old_events_are_not_read_again(session, database) -> None:
    consumer = registered(session, Consumer("noting", None, note, from_now=True))
    with psycopg.connect(database.admin_url, autocommit=True) as owner:
        owner.execute(
            "insert into outbox (aggregate_id, version, event_type, payload)"
            " select gen_random_uuid(), n, 'Old', '{}' from generate_series(1, 100000) as n"
        )
        owner.execute("analyze outbox")
    register(session, consumer)
    session.execute("update delivery set status = 'SKIPPED'")
    where = session.execute(statements("storage/events/consumers.sql")["position"], consumer.asked).fetchone()
    assert where is not None
    values = {**consumer.asked, **where, "status": "PENDING"}
    with psycopg.ClientCursor(session) as cursor:
        for statement in ("has_news", "take_notice", "lag"):
            text = statements("storage/events/consumers.sql")[statement]
            plan = "\n".join(row["QUERY PLAN"] for row in cursor.execute(f"explain {text}", values))
            assert "outbox_xid" in plan
            assert "Seq Scan on outbox" not in plan


# In another cluster


def restored_elsewhere(database: Database) -> None:
    """As after a dump was restored into a cluster whose transactions are numbered lower."""
    with psycopg.connect(database.admin_url) as owner:
        owner.execute("update consumer_position set seen = '900000000:900000000:', system_identifier = '7'")


def test_after_a_restore_into_another_cluster_nothing_is_missed_and_nothing_doubled(
    session, database, noting, clock
) -> None:
    write(session, ONE, 1)
    deliver_all(session, noting, clock)
    restored_elsewhere(database)
    write(session, ONE, 2)
    register(session, noting)
    deliver_all(session, noting, clock)

    assert effects(session) == [(ONE, 1), (ONE, 2)]


def test_control_the_position_of_the_old_cluster_would_miss_everything(session, database, noting, clock) -> None:
    restored_elsewhere(database)
    write(session, ONE, 1)
    deliver_all(session, noting, clock)

    assert effects(session) == []
