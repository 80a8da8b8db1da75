"""A storm over the outbox: writers that commit late or roll back, handlers that fail, workers killed with -9.

Every committed event must have its effect exactly once, in the order of its aggregate. Two consumers go without a
protection as the controls: one remembers the last number it saw, one commits its effect in a transaction of its own.
1,200 events and 2 kills (of one worker, then all) by default, 100,000 and 50 with LAKEFOLIO_CHAOS=long. LAKEFOLIO_SEED
repeats a seed.
"""

import json
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count, groupby
from operator import le
from uuid import UUID, uuid5

import psycopg
import pytest

from domain.ports import EventMessage
from storage.events.consumers import Connection, Consumer, lag, run_consumers
from storage.postgres.database import Database

IS_LONG = os.environ.get("LAKEFOLIO_CHAOS") == "long"
EVENTS, KILLS = (100_000, 50) if IS_LONG else (1_200, 2)
HANDLING_S = 0 if IS_LONG else 0.001  # in the short form, slower than the writers: a kill meets a worker at work
WRITERS, WORKERS, AGGREGATES = 4, 2, 20
SPACE = UUID("00000000-0000-4000-8000-0000000000cc")
_TABLES = """
    create table root (root_id uuid primary key, version bigint not null);
    create table effect (effect_id bigint generated always as identity, consumer text, event_id uuid,
                         aggregate_id uuid, version bigint);
    grant select, update on root to lakefolio_app;
    grant select, insert on effect to lakefolio_app;
"""
_LOCK = "update root set version = version + %s where root_id = %s returning version"
_WRITE = """
    insert into outbox (aggregate_id, version, event_type, payload)
    select %s, version, 'Happened', '{}' from generate_series(%s::bigint, %s::bigint) as version
"""
_ECHO = "insert into outbox (aggregate_id, version, event_type, payload) values (%s, %s, 'Echoed', '{}')"
_EFFECT = "insert into effect (consumer, event_id, aggregate_id, version) values (%s, %s, %s, %s)"


@dataclass(frozen=True)
class Aftermath:
    """Final state: committed event ids, effects (aggregate, version, event) in order, and what the controls got."""

    committed: list[UUID]
    effects: list[tuple[UUID, int, UUID]]
    effects_in_their_own: list[UUID]
    seen_by_number: list[UUID]
    dead_letters: int
    rolled_back: int
    retried: int
    exit_codes: list[int]


def write(database: Database, rng: random.Random, quota: threading.Semaphore) -> int:
    """Units of work of 1 to 5 events until the quota is used up; how many events were rolled back."""
    rolled_back = 0
    with psycopg.connect(database.services_url) as connection:
        while quota.acquire(blocking=False):
            events = 1
            while events < 5 and quota.acquire(blocking=False):
                events += 1
            while rng.random() < 0.2:
                rolled_back += events
                unit_of_work(connection, rng, events)
                connection.rollback()
            unit_of_work(connection, rng, events)
            connection.commit()
    return rolled_back


def unit_of_work(connection: psycopg.Connection, rng: random.Random, events: int) -> None:
    """It is numbered when it begins and may wait then, and again before its end: many commit late."""
    connection.execute("select pg_current_xact_id()")
    time.sleep(rng.choice([0, 0, 0.001, 0.003]))
    root_id = uuid5(SPACE, str(rng.randrange(AGGREGATES)))
    ((version,),) = connection.execute(_LOCK, (events, root_id)).fetchall()
    connection.execute(_WRITE, (root_id, version - events + 1, version))
    time.sleep(rng.choice([0, 0, 0, 0.002, 0.01]))


def remember_the_last_number(database: Database, stop: threading.Event) -> list[UUID]:
    """The control: a consumer with `seq > last`, which polls until it is stopped and once more."""
    got, last = [], 0
    with psycopg.connect(database.services_url, autocommit=True) as connection:
        while True:
            is_last_look = stop.is_set()
            found = connection.execute(
                "select seq, event_id from outbox where seq > %s order by seq", (last,)
            ).fetchall()
            got += [event_id for _, event_id in found]
            last = found[-1][0] if found else last
            if is_last_look:
                return got
            time.sleep(0.001)


class Workers:
    """Processes that run the same consumers; `kill` ends some with -9 and starts others in their places.

    One that has this file imported forks them: a second of imports for each otherwise.
    """

    def __init__(self, database: Database, seed: int) -> None:
        self._url, self._seeds = database.services_url, count(seed)
        self._parent = subprocess.Popen(
            [sys.executable, __file__], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._pids = [self._start() for _ in range(WORKERS)]

    def _start(self) -> int:
        return self._told("start", self._url, next(self._seeds))

    def kill(self, places: Sequence[int]) -> None:
        for place in places:
            assert self._ended(self._pids[place], signal.SIGKILL) == -signal.SIGKILL, "it had ended before"
        for place in places:
            self._pids[place] = self._start()

    def end(self) -> list[int]:
        """Ask them to end; their exit codes."""
        return [self._ended(self._pids.pop(), signal.SIGTERM) for _ in range(WORKERS)]

    def kill_all(self) -> None:
        for pid in self._pids:
            os.kill(pid, signal.SIGKILL)
        self._parent.kill()
        self._parent.communicate()

    def _ended(self, pid: int, by: signal.Signals) -> int:
        os.kill(pid, by)
        return self._told("wait", pid)

    def _told(self, *request: str | int) -> int:
        assert self._parent.stdin
        assert self._parent.stdout
        print(json.dumps(request), file=self._parent.stdin, flush=True)
        return int(self._parent.stdout.readline())


@contextmanager
def working(database: Database, seed: int) -> Iterator[Workers]:
    workers = Workers(database, seed)
    try:
        yield workers
    finally:
        workers.kill_all()


@contextmanager
def set_at_the_end(stop: threading.Event) -> Iterator[None]:
    try:
        yield
    finally:
        stop.set()


@pytest.fixture(scope="module")
def aftermath(new_database: Callable[[], Database]) -> Aftermath:
    seed = int(os.environ.get("LAKEFOLIO_SEED") or random.SystemRandom().randrange(10**6))
    print(f"\noutbox: seed {seed}, {EVENTS} events, {KILLS} kills of {WORKERS} workers")
    began, rng, database = time.monotonic(), random.Random(seed), new_database()
    with psycopg.connect(database.admin_url) as owner:
        owner.execute(_TABLES)
        for number in range(AGGREGATES):
            owner.execute("insert into root values (%s, 0)", (uuid5(SPACE, str(number)),))
    quota, stop = threading.Semaphore(EVENTS), threading.Event()
    with ThreadPoolExecutor(WRITERS + 1) as threads, set_at_the_end(stop), working(database, seed) as workers:
        by_number = threads.submit(remember_the_last_number, database, stop)
        writers = [threads.submit(write, database, random.Random(rng.random()), quota) for _ in range(WRITERS)]
        with psycopg.connect(database.services_url, autocommit=True) as session:
            for kill in range(KILLS):
                wait_until(session, partial(le, EVENTS * (kill + 0.5) / (KILLS + 0.5)), writers)
                time.sleep(rng.uniform(0, 0.02))
                workers.kill(range(WORKERS) if kill % 2 else [rng.randrange(WORKERS)])
            rolled_back = sum(writer.result() for writer in writers)
            wait_until(session, lambda _: sum(one.unhandled for one in lag(session)) == 0, writers)
            stop.set()
            result = look(session, by_number.result(), rolled_back, workers.end())
    report(result, time.monotonic() - began)
    return result


def wait_until(session: psycopg.Connection, is_true: Callable[[float], bool], writers: Sequence["Future[int]"]) -> None:
    """Wait until it is true of the number of effects."""
    until = time.monotonic() + 600
    while not is_true(session.execute("select count(*) from effect where consumer = 'noting'").fetchall()[0][0]):
        assert not any(writer.done() and writer.exception() for writer in writers), writers
        assert time.monotonic() < until, "delivery stands still"
        time.sleep(0.02)


def look(session: psycopg.Connection, by_number: list[UUID], rolled_back: int, exit_codes: list[int]) -> Aftermath:
    def column(query: str) -> list[UUID]:
        return [row[0] for row in session.execute(query).fetchall()]

    effects = "select aggregate_id, version, event_id from effect where consumer = 'noting' order by effect_id"
    return Aftermath(
        committed=column("select event_id from outbox"),
        effects=session.execute(effects).fetchall(),
        effects_in_their_own=column("select event_id from effect where consumer = 'on its own'"),
        seen_by_number=by_number,
        dead_letters=session.execute("select count(*) from dead_letter").fetchall()[0][0],
        rolled_back=rolled_back,
        retried=session.execute("select count(*) from delivery where attempts > 1").fetchall()[0][0],
        exit_codes=exit_codes,
    )


def report(after: Aftermath, seconds: float) -> None:
    handled = [event_id for _, _, event_id in after.effects]
    print(
        f"outbox: {len(after.committed)} committed, {after.rolled_back} rolled back, {after.retried} retried;"
        f" missed {len(set(after.committed) - set(handled))}, doubled {doubled(handled)};"
        f" controls: `seq > last` missed {len(set(after.committed) - set(after.seen_by_number))},"
        f" effects of their own doubled {doubled(after.effects_in_their_own)}; {seconds:.0f} s"
    )


def doubled(event_ids: list[UUID]) -> int:
    return sum(times - 1 for times in Counter(event_ids).values())


def test_no_committed_event_is_missed(aftermath) -> None:
    assert len(aftermath.committed) > EVENTS  # echoes too
    assert set(aftermath.committed) - {event_id for _, _, event_id in aftermath.effects} == set()


def test_no_event_that_was_rolled_back_is_delivered(aftermath) -> None:
    assert aftermath.rolled_back > 0
    assert {event_id for _, _, event_id in aftermath.effects} - set(aftermath.committed) == set()


def test_no_effect_is_doubled(aftermath) -> None:
    assert doubled([event_id for _, _, event_id in aftermath.effects]) == 0


def test_the_events_of_an_aggregate_take_effect_in_their_order_whatever_is_retried(aftermath) -> None:
    assert aftermath.retried > 0
    assert aftermath.dead_letters == 0
    for _, effects in groupby(sorted(aftermath.effects, key=lambda effect: effect[0]), key=lambda effect: effect[0]):
        versions = [version for _, version, _ in effects]
        assert versions == sorted(versions)


def test_workers_end_in_peace_when_asked(aftermath) -> None:
    assert aftermath.exit_codes == [0] * WORKERS


def test_control_a_consumer_that_remembers_the_last_number_misses_events(aftermath) -> None:
    assert set(aftermath.committed) - set(aftermath.seen_by_number)


def test_control_effects_in_a_transaction_of_their_own_are_doubled(aftermath) -> None:
    assert doubled(aftermath.effects_in_their_own) > 0


def fork_workers() -> None:
    """For each line start a worker and print its number, or wait for one that ends and print its exit code."""
    logging.disable()  # of the failures that are meant
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    for line in sys.stdin:
        word, *given = json.loads(line)
        if word == "start":
            told = os.fork()
            if told == 0:
                work(*given, stop)
                os._exit(0)
        else:
            signal.alarm(30)
            told = os.waitstatus_to_exitcode(os.waitpid(*given, 0)[1])
            signal.alarm(0)
        print(told, flush=True)


def work(url: str, seed: int, stop: threading.Event) -> None:
    """Two consumers of everything, which fail now and then; one answers some events with another."""
    rng = random.Random(seed)
    own = psycopg.connect(url, autocommit=True, options="-c synchronous_commit=off")

    def handle(connection: psycopg.Connection, consumer: str, message: EventMessage) -> None:
        values = (consumer, message.event_id, message.aggregate_id, message.version)
        connection.execute(_EFFECT, values)
        time.sleep(HANDLING_S)
        if rng.random() < 0.01:
            raise ValueError("now and then")

    def note(connection: Connection, message: EventMessage) -> None:
        if message.event_type == "Happened" and message.version % 10 == 0:
            connection.execute(_ECHO, (uuid5(message.aggregate_id, "echo"), message.version))
        handle(connection, "noting", message)

    consumers = [
        Consumer("noting", None, note, retry_after_s=[0.01] * 20),
        Consumer("on its own", None, lambda _, message: handle(own, "on its own", message), retry_after_s=[0.01] * 20),
    ]
    run_consumers(url, consumers, stop, poll_s=0.01)


if __name__ == "__main__":
    fork_workers()
