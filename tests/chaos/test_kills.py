"""Every part of a running state is killed with -9 at random, again and again, under load; each comes back in time.

Clients trade meanwhile as in test_crash, each command sent again under its key until it is answered. The next kill
comes when all parts are back. 200 kills with `make chaos`; LAKEFOLIO_KILLS: another number.
The short form is tests/e2e/test_up_and_down.py.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import httpx
import psutil
import psycopg
import pytest

from ops import lifecycle, processes, supervisor
from storage.postgres import embedded
from storage.postgres.database import embedded_database
from tests.chaos.test_crash import SEED, Client, Hot, add_second_account, broken_chains, run
from tests.e2e.test_commands import make
from tests.e2e.test_up_and_down import Up
from tests.history import violations
from tests.waiting import wait_until

KILLS = int(os.environ.get("LAKEFOLIO_KILLS", "200"))
CLIENTS = 3
SECONDS_MEDIAN, SECONDS_MOST = 20, 60
NEWEST_BEAT = """
    select extract(epoch from max("timestamp")) from dagster.daemon_heartbeats where daemon_type = 'SENSOR'
"""


@pytest.fixture
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    opened = Up(tmp_path_factory.mktemp("kills"), processes.free_port(), processes.free_port(), [])
    assert make("up", *opened.words, seconds=600).returncode == 0
    try:
        yield opened
    finally:
        make("down", opened.words[0])


@contextmanager
def stranger() -> Iterator["subprocess.Popen[bytes]"]:
    """A process with the words of a run, and the right not to be harmed."""
    with subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(1e6)", "pipelines.runtime.worker"]
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def is_run(process: psutil.Process) -> bool:
    """A process that the warm worker has forked has its words, and it as its parent."""
    try:
        parent = process.parent()
        return all("pipelines.runtime.worker" in " ".join(one.cmdline()) for one in (process, parent) if one) and bool(
            parent
        )
    except psutil.Error:
        return False


class Killer:
    """Kills one part at a time, and measures how long until all are back."""

    def __init__(self, up: Up) -> None:
        self.up, self.random = up, random.Random(SEED)
        self.took: dict[str, list[float]] = defaultdict(list)
        self.database = embedded_database(embedded.socket_folder(up.home))

    def kill(self, name: str) -> None:
        killed, began = self._kill(name), time.time()
        deadline = time.monotonic() + 5 * SECONDS_MOST
        while not self._is_back(name, killed, began):
            assert time.monotonic() < deadline, f"{name} has not come back: {supervisor.status(self.up.home)}"
            time.sleep(0.1)
        self.took[name].append(time.time() - began)

    def _kill(self, name: str) -> object:
        """Kill and return the process of `name`. A run is waited for, and killed at a moment of its own."""
        if name == supervisor.POSTGRES:
            server = embedded.server(self.up.home)
            embedded.kill(self.up.home)
            return server
        if name == "run":
            return self._kill_a_run()
        wait_until(lambda: name in self.up.leaders(), SECONDS_MOST)  # the last kill may have ended it too
        target = self.up.leaders()[name]
        target.kill()
        return target

    def _kill_a_run(self) -> psutil.Process:
        runs: list[psutil.Process] = []

        def has_run() -> bool:
            runs[:] = [one for one in processes.processes_of(self.up.home, "daemon") if is_run(one)]
            return bool(runs)

        while True:
            wait_until(has_run, 300)
            time.sleep(self.random.random() * 2)
            target = self.random.choice(runs)
            with suppress(psutil.NoSuchProcess):  # it may have done its work meanwhile
                target.kill()
                return target

    def _is_back(self, name: str, killed: object, began: float) -> bool:
        """Every part is there, other than what was killed, and does its work: answers, or has a new heartbeat."""
        if not self.up.all_ready():
            return False
        if name == supervisor.POSTGRES and embedded.server(self.up.home) == killed:
            return False
        if name in lifecycle.NAMES and self.up.leaders().get(name) in (None, killed):
            return False
        with httpx.Client(timeout=10, trust_env=False) as client:
            try:
                for address in (f"{self.up.api_port}/health/ready", f"{self.up.ui_port}/server_info"):
                    if client.get(f"http://127.0.0.1:{address}").status_code != 200:
                        return False
            except httpx.HTTPError:
                return False
        if name == "run":
            return any(is_run(one) and one != killed for one in processes.processes_of(self.up.home, "daemon"))
        return name != "daemon" or self._newest_beat() > began

    def _newest_beat(self) -> float:
        with psycopg.connect(self.database.admin_url) as connection:
            row = connection.execute(NEWEST_BEAT).fetchone()
        return float(row[0]) if row and row[0] else 0.0


def test_whatever_is_killed_is_back_in_time_and_nothing_acknowledged_is_lost(up: Up, capsys) -> None:
    hot = Hot(f"http://127.0.0.1:{up.api_port}/api/v1").open()
    killer = Killer(up)
    add_second_account(killer.database)
    kinds = [*lifecycle.NAMES, "run", supervisor.POSTGRES]
    is_over = [False]

    def kill_one_after_another(_: Callable[[], int]) -> None:
        try:
            for number in range(KILLS):
                time.sleep(killer.random.random() * 2)
                name = killer.random.choice(kinds) if number >= len(kinds) else kinds[number]
                killer.kill(name)
                with capsys.disabled():
                    print(f"  kill {number + 1} {name}: {killer.took[name][-1]:.1f} s", file=sys.__stderr__, flush=True)
        finally:
            is_over[0] = True

    class Steady(Client):
        """Trades five times a second, until the last kill."""

        def act(self) -> None:
            if not is_over[0]:
                super().act()
                time.sleep(0.2)

    with stranger() as bystander:
        calls = run([Steady(number, hot) for number in range(CLIENTS)], KILLS * 1000, kill_one_after_another)
        assert bystander.poll() is None
        took = [seconds for each in killer.took.values() for seconds in each]
        report = {
            name: [len(each), round(statistics.median(each), 1), round(max(each), 1)]
            for name, each in killer.took.items()
        }
        with capsys.disabled():
            print(f"\nkills: seed {SEED}, [number, median s, most s] {json.dumps(report)}", file=sys.__stderr__)

        ledgers = hot.ledgers()
        assert violations(calls, ledgers) == []
        assert broken_chains(killer.database, hot.portfolio_ids) == []
        assert make("verify", up.words[0]).returncode == 0
        every = [one for name in lifecycle.NAMES for one in processes.processes_of(up.home, name)]
        server = embedded.server(up.home)
        assert make("down", up.words[0]).returncode == 0
        assert [one for one in every if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []
        assert server is not None
        assert not server.is_alive()
        assert bystander.poll() is None
    assert statistics.median(took) <= SECONDS_MEDIAN, report
    assert max(took) <= SECONDS_MOST, report
