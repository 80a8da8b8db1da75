"""`make up` and `make down` on a copy of the demo: one owner, parts that come back when killed, nothing left.

One state is started once for all of it, by two commands at once. With LAKEFOLIO_CHAOS=long the parts are killed in the
middle of a refresh; hundreds of kills under load are in tests/chaos/test_kills.py.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest
import yaml

from ops import lifecycle, ownership, processes, supervisor
from pipelines.runtime.resources import REFRESH_LOCK
from storage.postgres import database as postgres
from storage.postgres import embedded
from tests.e2e.conftest import home_settings
from tests.e2e.test_commands import make, refused, run
from tests.effort import IS_LONG
from tests.states import thaw
from tests.waiting import wait_until


@dataclass(frozen=True)
class Up:
    """A state that two commands at once were to start."""

    home: Path
    api_port: int
    ui_port: int
    commands: "list[subprocess.CompletedProcess[str]]"

    @property
    def words(self) -> list[str]:
        return [f"HOME_DIR={self.home}", f"API_PORT={self.api_port}", f"UI_PORT={self.ui_port}"]

    @property
    def api(self) -> httpx.Client:
        return httpx.Client(base_url=f"http://127.0.0.1:{self.api_port}/api/v1", timeout=30, trust_env=False)

    def all_ready(self) -> bool:
        parts = supervisor.status(self.home)["parts"]
        return set(parts) == {supervisor.POSTGRES, *lifecycle.NAMES} and all(
            part["state"] == supervisor.READY for part in parts.values()
        )

    def leaders(self) -> dict[str, psutil.Process]:
        """Each server's own process, a child of the supervisor; those that are there."""
        owner = ownership.owner_of(self.home)
        assert owner is not None, "the supervisor runs"
        found = {}
        for name in lifecycle.NAMES:
            for process in processes.processes_of(self.home, name):
                with suppress(psutil.Error):
                    if process.ppid() == owner.pid:
                        found[name] = process
        return found


@pytest.fixture(scope="module")
def up(frozen_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    home = tmp_path_factory.mktemp("up") / "a state"
    thaw(frozen_demo, home)
    opened = Up(home, processes.free_port(), processes.free_port(), [])
    try:
        with ThreadPoolExecutor(2) as pool:
            opened.commands.extend(pool.map(lambda _: make("up", *opened.words, seconds=300), range(2)))
        yield opened
    finally:
        make("down", f"HOME_DIR={home}")
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def stranger() -> Iterator["subprocess.Popen[bytes]"]:
    """A process with the words of a server, and the right not to be harmed."""
    words = ["import time; time.sleep(3600)", "oltp_api.app:create_app", "pipelines.runtime.worker", "postgres"]
    with subprocess.Popen([sys.executable, "-c", *words]) as process:
        yield process
        process.kill()


def test_of_two_who_start_one_state_at_once_one_does_and_the_other_says_so(up: Up) -> None:
    first, second = sorted(up.commands, key=lambda command: command.returncode)

    assert first.returncode == 0, first.stderr
    assert f"http://127.0.0.1:{up.api_port}/docs" in first.stdout
    assert "waiting for" in first.stdout
    assert "run already" in refused(second)
    assert httpx.get(f"http://127.0.0.1:{up.ui_port}/server_info", trust_env=False).status_code == 200


def test_commands_beside_a_running_state_neither_start_nor_stop_its_parts(up: Up) -> None:
    before = up.leaders(), embedded.server(up.home)

    assert "run already" in refused(make("up", *up.words))
    assert make("env", up.words[0]).returncode == 0
    assert make("verify", up.words[0]).returncode == 0

    assert (up.leaders(), embedded.server(up.home)) == before


def test_every_part_that_is_killed_comes_back_and_releases_all_that_was_acknowledged(up: Up) -> None:
    """In the long form in the middle of a refresh, which the next one does not wait for."""
    trade = {"type": "BUY", "ticker": "KO", "quantity": "3", "price": "40", "business_date": "2016-01-05"}
    with up.api as api:
        opened = {"name": "kept", "initial_cash": "10000", "business_date": "2016-01-04"}
        created = api.post("/portfolios", json=opened).raise_for_status()
        address = f"/portfolios/{created.json()['portfolio_id']}"
        api.post(f"{address}/transactions", json=trade).raise_for_status()
        if IS_LONG:
            with psycopg.connect(postgres.locate(home_settings(up.home)).admin_url, autocommit=True) as connection:
                wait_until(lambda: postgres.is_locked(connection, REFRESH_LOCK), 180)
        before = up.leaders()
        for process in before.values():
            process.kill()
        embedded.kill(up.home)

        wait_until(lambda: supervisor.status(up.home)["parts"][supervisor.POSTGRES]["starts"] >= 2, 60)
        wait_until(up.all_ready, 180)

        assert not set(before.values()) & set(up.leaders().values())
        assert api.get("/health/ready").json()["status"] == "ready"
        assert api.get(address).json()["version"] == 2
        wait_until(lambda: ("3", "PRICED") in shown(api, address), 300, pause=0.5)


def shown(api: httpx.Client, address: str) -> list[tuple[str, str]]:
    """The quantity and the status of each position in the newest release."""
    positions = api.get(f"{address}/positions").json().get("positions", [])
    return [(held["quantity"], held["status"]) for held in positions]


def test_it_answers_to_the_readme(up: Up, readme_commands: list[str]) -> None:
    """The README's two curl commands, word for word but for the port and the id."""
    curls = [command for command in readme_commands if command.startswith("curl ")]
    first, second = [command.replace("localhost:8000", f"127.0.0.1:{up.api_port}") for command in curls]
    created = yaml.safe_load(run("bash", "-c", first).stdout)
    recorded = yaml.safe_load(run("bash", "-c", second.replace("<portfolio_id>", created["portfolio_id"])).stdout)

    assert (recorded["ticker"], recorded["quantity"], recorded["seq"]) == ("AAPL", "10", 2)


def test_down_ends_all_of_it_and_nothing_else(up: Up, stranger: "subprocess.Popen[bytes]") -> None:
    every = [one for name in lifecycle.NAMES for one in processes.processes_of(up.home, name)]
    server = embedded.server(up.home)
    for name in lifecycle.NAMES:  # as an older version has left them, and a reboot
        (up.home / "run" / f"{name}.pid").write_text(str(stranger.pid))

    down = make("down", up.words[0])

    assert "stopped daemon, webserver, worker, api" in down.stdout, down.stderr
    assert [one for one in every if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []
    assert server is not None
    assert not server.is_alive()
    assert stranger.poll() is None
    (up.home / "pgdata" / "postmaster.pid").write_text(f"{stranger.pid}\n{up.home / 'pgdata'}\n0\n5432\n")
    assert "stopped nothing" in make("down", up.words[0]).stdout
    assert stranger.poll() is None
