"""The worker as a process of its own, and `python -m ops replay`: as a person runs them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from domain.events import SimulationRequested
from ops import cli
from storage.events.consumers import lag
from storage.events.outbox import write_event
from storage.postgres.database import Database
from storage.settings import REPOSITORY
from tests.conftest import urls_of

Replay = Callable[..., tuple[int, str]]
PORTFOLIO = UUID("00000000-0000-4000-8000-0000000000aa")
_PARK = """
    with parked as (
        update delivery set status = 'PARKED', handled_at = null
        where consumer = 'publisher' and event_id = %(event_id)s returning consumer, event_id
    )
    insert into dead_letter (consumer, event_id, reason, attempts, parked_at)
    select consumer, event_id, 'ValueError: odd', 5, now() from parked
    on conflict (consumer, event_id) do update set replayed_at = null
"""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("worker") / "worker.log"


@pytest.fixture(scope="module")
def worker(database: Database, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("wb") as output, process("oltp_api.worker", database=database, output=output) as running:
        yield running
        running.kill()


def process(*words: str, database: Database, output: object = subprocess.PIPE) -> "subprocess.Popen[bytes]":
    command, environment = [sys.executable, "-m", *words], {**os.environ, **urls(database)}
    return subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=output, stderr=output)


def urls(database: Database) -> dict[str, str]:
    return {**{name.upper(): url for name, url in urls_of(database).items()}, "KAFKA_BOOTSTRAP": ""}


def happen(database: Database) -> UUID:
    """The id of a new event."""
    with psycopg.connect(database.services_url) as connection:
        write_event(connection, PORTFOLIO, 1, SimulationRequested(uuid4(), PORTFOLIO))
        row = connection.execute("select event_id from outbox order by seq desc limit 1").fetchone()
    assert row is not None
    return UUID(str(row[0]))


def published(log: Path) -> list[str]:
    """Ids of the events in the worker's log."""
    lines = [line.split(" lakefolio.events ")[1] for line in log.read_text().splitlines() if "lakefolio.events" in line]
    return [json.loads(line)["event_id"] for line in lines]


def wait_until(is_true: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not is_true():
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(0.02)


def all_handled(database: Database) -> bool:
    with psycopg.connect(database.services_url) as connection:
        return [(one.consumer, one.unhandled) for one in lag(connection)] == [("collateral", 0), ("publisher", 0)]


def replay(database: Database, *words: str) -> tuple[int, str]:
    """The exit code and all that `python -m ops replay` prints."""
    with process("ops", "replay", *words, database=database) as running:
        printed, errors = running.communicate()
    return running.returncode, (printed + errors).decode()


def test_a_replayed_dead_letter_is_published_by_the_worker(database, worker, log) -> None:
    event_id = happen(database)
    wait_until(lambda: str(event_id) in published(log) and all_handled(database))
    with psycopg.connect(database.services_url) as connection:
        connection.execute(_PARK, {"event_id": event_id})

    code, said = replay(database, "--consumer", "publisher", "--event", str(event_id))

    assert (code, said.split()) == (0, ["publisher", "1", "event", "replayed"])
    wait_until(lambda: published(log).count(str(event_id)) == 2)


def test_the_worker_publishes_what_happens_and_ends_in_peace(database, worker, log) -> None:
    before, after = happen(database), None
    wait_until(lambda: str(before) in published(log))
    after = happen(database)
    wait_until(lambda: str(after) in published(log))

    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=20) == 0
    assert all_handled(database)
    assert "Traceback" not in log.read_text()


@pytest.fixture
def replayed(database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Replay:
    """Runs `python -m ops replay` in this process; its exit code, and all that it prints."""
    for name, value in urls(database).items():
        monkeypatch.setenv(name, value)

    def run(*words: str) -> tuple[int, str]:
        code = cli.main(["replay", *words])
        return code, "".join(capsys.readouterr())

    return run


def test_a_replay_of_nothing_says_so(replayed: Replay) -> None:
    code, said = replayed()
    assert said == "  there are no dead letters; nothing was replayed\n"
    assert code == 0
    event_id = uuid4()
    assert replayed("--consumer", "broker", "--event", str(event_id)) == (
        0,
        f"  there are no dead letters of consumer broker with event id {event_id}; nothing was replayed\n",
    )


def test_what_is_no_event_id_is_one_sentence(replayed: Replay) -> None:
    code, said = replayed("--event", "the last one")

    assert (code, said.count("\n")) == (2, 1)
    assert said.startswith("error: 'the last one' is not an event id")
