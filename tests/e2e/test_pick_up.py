"""The daemon alone releases what is recorded, also after its worker was killed in the middle of a refresh.

With LAKEFOLIO_CHAOS=long only; in test_up_and_down all parts at once are killed, and release what was recorded.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from ops import processes
from pipelines.runtime.resources import REFRESH_LOCK
from storage.postgres import database as postgres

pytestmark = pytest.mark.long
_WORKER = """
    select split_part(split_part(tags.value, ':', 2), '@', 1)::int
    from dagster.runs join dagster.run_tags as tags using (run_id)
    where runs.status = 'STARTED' and runs.pipeline_name = 'pick_up' and tags.key = 'lakefolio/worker'
"""


def new_portfolio(client: httpx.Client) -> str:
    asked = {"name": "picked up", "initial_cash": "100000", "business_date": "2016-01-04"}
    return str(client.post("/portfolios", json=asked).raise_for_status().json()["portfolio_id"])


@pytest.fixture(scope="module")
def watched(new_home) -> Iterator[Any]:
    """A home whose daemon runs; its API has a portfolio with cash, beside the demo's."""
    with new_home(new_portfolio, begins_with="demo") as home:
        processes.start(processes.daemon(), home.settings.home, home.variables)
        yield home


def buy(home: Any, quantity: int) -> None:
    body = {"type": "BUY", "ticker": "KO", "quantity": str(quantity), "price": "40", "business_date": "2016-01-05"}
    with home.client() as client:
        client.post(f"/portfolios/{home.portfolio_id}/transactions", json=body).raise_for_status()


def shown(home: Any) -> tuple[int, Decimal]:
    """The newest release, and the quantity it values; 0 before there is one."""
    with home.client() as client:
        answer = client.get(f"/portfolios/{home.portfolio_id}/positions")
    if answer.status_code == 503:
        return 0, Decimal(0)
    found = answer.raise_for_status().json()
    priced = [Decimal(held["quantity"]) for held in found["positions"] if held["status"] == "PRICED"]
    return found["release_id"], sum(priced, Decimal(0))


def wait_until(is_true: Callable[[], Any], seconds: float, home: Any) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := is_true():
            return answer
        time.sleep(0.5)
    log = home.settings.home / "logs" / "daemon.log"
    pytest.fail(f"not within {seconds} s; the daemon's log ends with:\n{log.read_text()[-3000:]}")


def test_a_trade_is_valued_without_any_other_action_though_the_refresh_of_one_before_was_killed(watched) -> None:
    before = shown(watched)
    buy(watched, 1)
    with psycopg.connect(watched.variables["DATABASE_ADMIN_URL"], autocommit=True) as connection:
        worker = wait_until(
            lambda: postgres.is_locked(connection, REFRESH_LOCK) and connection.execute(_WORKER).fetchone(),
            300,
            watched,
        )[0]
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: not postgres.is_locked(connection, REFRESH_LOCK), 10, watched)
    assert shown(watched) == before, "it was killed before it released"

    buy(watched, 2)

    wait_until(lambda: shown(watched)[1] == 3, 300, watched)
    assert shown(watched)[0] > before[0]


def test_stopping_the_daemon_leaves_none_of_its_processes(watched) -> None:
    assert processes.stop(watched.settings.home, "daemon")

    wait_until(lambda: not running(watched, "dagster", "pipelines."), 30, watched)


def running(home: Any, *words: str) -> list[str]:
    """Commands of this home's processes that contain one of `words`."""
    mark = f"LAKEFOLIO_HOME={home.settings.home}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue  # it has ended meanwhile, or is somebody else's
    return [command for command in found if any(word in command for word in words)]
