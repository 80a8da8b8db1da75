"""A real PostgreSQL server for the whole test run, fresh databases on it, and the API served over real HTTP."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import uvicorn
from xdist.scheduler import LoadFileScheduling

from storage import embedded
from storage.lake import Lake
from storage.postgres import Database, embedded_database, prepare
from storage.settings import Settings
from storage.web_server import configured

_TEMPLATE = "lakefolio_template"


E2E = Path(__file__).parent / "e2e"
ON_THE_DEMO = frozenset(path.name for path in E2E.glob("test_*.py") if "platform_home" in path.read_text())


class ByModule(LoadFileScheduling):  # type: ignore[misc]
    """A module's tests share a worker; so do those on the demo's platform, which is made once then."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return "the demo" if Path(path).name in ON_THE_DEMO else path


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByModule:
    return ByModule(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins, so that both workers end together."""
    items.sort(key=lambda item: (item.path.name not in ON_THE_DEMO, item.path.parent != E2E))


@pytest.fixture(scope="session")
def postgres_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state folder of a running server, whose hundreds of databases need not outlive this machine."""
    home = tmp_path_factory.mktemp("postgres")
    server = embedded_database(embedded.start(home), "postgres")
    with psycopg.connect(server.admin_url, autocommit=True) as connection:
        connection.execute("alter system set fsync = off")
        connection.execute("select pg_reload_conf()")
    yield home
    embedded.stop(home)
    shutil.rmtree(home / "pgdata", ignore_errors=True)


@pytest.fixture(scope="session")
def new_database(postgres_home: Path) -> Callable[[], Database]:
    """Makes a fresh migrated database, in about 25 ms: it is a copy of one that was migrated once."""
    socket_dir = embedded.start(postgres_home)
    prepare(embedded_database(socket_dir, _TEMPLATE))
    maintenance = embedded_database(socket_dir, "postgres").admin_url
    numbers = count(1)

    def create() -> Database:
        name = f"test_{next(numbers)}"
        with psycopg.connect(maintenance, autocommit=True) as connection:
            connection.execute(f"create database {name} template {_TEMPLATE}")
        return embedded_database(socket_dir, name)

    return create


@pytest.fixture(scope="module")
def database(new_database: Callable[[], Database]) -> Database:
    """A migrated database of this test module's own."""
    return new_database()


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """An empty lake of this test module's own; its path has a space, as a user's may."""
    return Lake(str(tmp_path_factory.mktemp("a lake")), lock=nullcontext)


@pytest.fixture(scope="module")
def settings(database: Database, lake: Lake, postgres_home: Path) -> Settings:
    return Settings(
        lakefolio_home=postgres_home,
        database_url=database.app_url,
        database_admin_url=database.admin_url,
        lake_uri=lake.root,
        market_source="sample",
    )


@pytest.fixture(scope="module")
def api(settings: Settings) -> Iterator[httpx.Client]:
    """A client of the API over `database` and `lake`; addresses are relative to /api/v1."""
    from oltp_api.app import create_app

    with served(create_app(settings)) as address, httpx.Client(base_url=f"{address}/api/v1", timeout=30) as client:
        yield client


@contextmanager
def served(app: Any, **more: Any) -> Iterator[str]:
    """The address at which `app` answers while inside."""
    server = uvicorn.Server(configured(app, "127.0.0.1", 0, log_level="critical", **more))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the application did not start"
        time.sleep(0.005)
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join()
