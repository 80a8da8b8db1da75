"""A lake that cannot be read is 503 on every route that reads it, and is read again as soon as it can be.

Nothing stands in for the lake: its files are moved, cut short and overwritten beneath a running API. By default two
of five damages, all with LAKEFOLIO_CHAOS=long.
"""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from threading import Event

import duckdb
import httpx
import psycopg
import pytest

from oltp_api.context import AppContext
from oltp_api.opening import opened
from oltp_api.worker import jobs_of
from storage.errors import LakeUnavailable
from storage.jobs import PostgresFailures, failing_jobs, run_jobs
from storage.lake import mounted
from storage.lake.delta import Lake
from storage.lake.mounted import readable
from storage.postgres.database import Database
from storage.settings import Settings
from tests.apps import app_over
from tests.conftest import served
from tests.documented import contract
from tests.effort import IS_LONG
from tests.small_release import PORTFOLIO, publish_small_release
from tests.waiting import wait_until

Damage = Callable[[Path], None]


def gone(lake: Path) -> None:
    lake.rename(lake.with_name("elsewhere"))
    lake.mkdir()


def without_data(lake: Path) -> None:
    for file in lake.rglob("*.parquet"):
        file.unlink()


def torn(lake: Path) -> None:
    for file in lake.rglob("*.parquet"):
        file.write_bytes(file.read_bytes()[:40])


def overwritten(lake: Path) -> None:
    for file in lake.rglob("*.parquet"):
        file.write_bytes(b"\xff" * file.stat().st_size)


def with_folders_for_files(lake: Path) -> None:
    for file in lake.rglob("*.parquet"):
        file.unlink()
        file.mkdir()


DAMAGES = [gone, torn, *([without_data, overwritten, with_folders_for_files] if IS_LONG else [])]


@pytest.fixture(scope="module")
def context(settings: Settings, lake: Lake, database: Database) -> Iterator[AppContext]:
    publish_small_release(lake)
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(
            "insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone)"
            " select %s, user_id, 'small', 'USD', 'INVESTMENT', 'UTC' from app_user limit 1",
            (PORTFOLIO,),
        )
    with app_over(settings) as app, served(app) as address:
        app.state.address = address
        yield app.state.context, address


@pytest.fixture
def api(context: tuple[AppContext, str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=context[1], timeout=60, trust_env=False) as client:
        yield client


@contextmanager
def damaged(lake: Lake, damage: Damage) -> Iterator[None]:
    """The lake is damaged inside, and whole again afterwards."""
    root = Path(lake.root)
    whole = root.with_name(f"{root.name} whole")
    shutil.copytree(root, whole)
    try:
        damage(root)
        yield
    finally:
        shutil.rmtree(root)
        shutil.rmtree(root.with_name("elsewhere"), ignore_errors=True)
        whole.rename(root)


def readers(api: httpx.Client) -> dict[str, httpx.Response]:
    """The answers of every GET for the small portfolio, but of lineage: the small release has not got its columns."""
    values = {"portfolio_id": str(PORTFOLIO), "security_id": "1", "name": "supervisory", "identifier": "AAPL"}
    answers = {}
    for path, operations in contract()["paths"].items():
        if "get" in operations and "/lineage/" not in path:
            with suppress(KeyError):
                address = path.format(**values)
                answers[path] = api.get(address, params={"since": "2017-01-01", "ticker": "AAPL"})
    return answers


@pytest.fixture(scope="module")
def of_a_whole_lake(context: tuple[AppContext, str]) -> dict[str, int]:
    """The status of every reader's answer."""
    with httpx.Client(base_url=context[1], timeout=60, trust_env=False) as client:
        statuses = {path: answer.status_code for path, answer in readers(client).items()}
    assert max(statuses.values()) < 500, statuses
    return statuses


READS_THE_LAKE = {
    "/api/v1/portfolios/{portfolio_id}/positions",
    "/api/v1/portfolios/{portfolio_id}/values",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_route_that_reads_the_lake_says_so_and_answers_again_without_a_restart(
    api, lake: Lake, of_a_whole_lake: dict[str, int], damage
) -> None:
    with damaged(lake, damage):
        wait_until(lambda: api.get("/health/ready").status_code == 503)
        meanwhile = readers(api)
        live = api.get("/health/live")
        metrics = api.get("/metrics")

    refused = {path for path, answer in meanwhile.items() if answer.status_code != of_a_whole_lake[path]}
    assert refused >= READS_THE_LAKE | {"/api/v1/health/ready"}
    for path in refused:
        answer = meanwhile[path]
        assert (answer.status_code, answer.json()["code"]) == (503, "lake_unavailable"), path
        assert int(answer.headers["Retry-After"]) > 0
    assert (live.status_code, metrics.status_code) == (200, 200)
    assert "lakefolio_database_up 1.0" in metrics.text
    assert {path: answer.status_code for path, answer in readers(api).items()} == of_a_whole_lake


def test_control_what_no_one_takes_for_the_lakes_is_a_fault_of_ours(api, lake: Lake, monkeypatch) -> None:
    monkeypatch.setattr(mounted, "readable", nullcontext)
    values = f"/api/v1/portfolios/{PORTFOLIO}/values"

    with damaged(lake, torn):
        wait_until(lambda: api.get(values).status_code == 500)
    monkeypatch.undo()
    wait_until(lambda: api.get("/health/ready").status_code == 200)


def test_a_release_is_mounted_again_after_duckdb_has_refused_everything(context, api) -> None:
    mounted = context[0].analytics._mounted()
    mounted.is_broken.set()

    assert api.get("/health/ready").status_code == 200
    assert context[0].analytics._mounted() is not mounted


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), ValueError("odd"), KeyError("min"), MemoryError()])
def test_whatever_a_library_raises_is_the_lakes_unless_it_is_a_bug_of_ours(error: Exception) -> None:
    with pytest.raises(LakeUnavailable), readable():
        raise error
    with pytest.raises(duckdb.BinderException), readable():
        raise duckdb.BinderException("no such column")


def test_orders_and_bond_income_go_on_after_a_read_error_and_health_shows_it_meanwhile(
    context, api, settings: Settings, lake: Lake, database: Database
) -> None:
    """The worker's own jobs, on threads as it has them; the error is of a kind that no list of theirs has named."""
    portfolio = api.post("/api/v1/portfolios", json={"name": "mine", "initial_cash": "9000"}).json()["portfolio_id"]
    orders = f"/api/v1/portfolios/{portfolio}/orders"
    body = {"side": "BUY", "ticker": "AAPL", "order_type": "LIMIT", "limit_price": "900", "quantity": "1"}
    stop, at_once = Event(), settings.model_copy(update={"broker_delay_s": 0})

    def failing() -> list[str]:
        return [one["job"] for one in api.get("/health/ready").json()["failing_jobs"]]

    def is_filled() -> bool:
        return all(order["status"] == "FILLED" for order in api.get(orders).json()["items"])

    before = threading.active_count()
    with (
        opened(at_once, for_everybody=True) as everybody,
        run_jobs(jobs_of(at_once, everybody), stop, PostgresFailures(database.services_url)),
    ):
        with damaged(lake, without_data):
            placed = api.post("/api/v1/orders", json={"portfolio_id": portfolio, **body})
            assert placed.status_code == 201, placed.text
            with psycopg.connect(database.services_url) as connection:
                wait_until(lambda: "orders" in {one.job for one in failing_jobs(connection)})
        assert threading.active_count() >= before + 2, "no thread has ended"
        wait_until(is_filled, 60)
        wait_until(lambda: failing() == [])
