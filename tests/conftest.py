"""A real PostgreSQL server for the whole test run, fresh databases on it, and the API served over real HTTP."""

import gc
import importlib
import os
import shutil
import signal
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import httpx
import hypothesis
import psycopg
import pytest
import uvicorn
from hypothesis.internal.conjecture import providers

from storage.lake.delta import Lake
from storage.postgres import embedded
from storage.postgres.database import DATABASE, Database, embedded_database, prepare
from storage.settings import REPOSITORY, Settings
from storage.settings import settings as settings_of_this_process
from storage.web.server import configured
from tests.apps import app_over
from tests.documented import status_is_documented
from tests.effort import IS_LONG
from tests.kernels import compile_in_turn
from tests.states import FrozenStates, discarded, thaw, unsynced

_LONGEST = (
    "test_incremental",
    "test_single_assets",
    "test_lake_on_s3",
    "test_live_market",
    "test_held",
    "test_windows",
    "test_files",
    "test_backup",
    "test_up_and_down",
    "test_file_mutations",
)
"""The modules that take longest (2026-11-29). The first two build the frozen states; the next two need neither;
test_held builds the books' state on the demo's.

One that is not here begins last where its folder's name is last: test_files ran 107 s alone.
"""


gc.disable()
"""Until all is collected: what a program imports stays, and looking for garbage among it took a fifth of the time."""


def pytest_collection(session: pytest.Session) -> None:
    """Import this worker's share of the modules first; the others then find their asserts rewritten.

    In a fresh checkout all workers would otherwise rewrite the same module at the same time.
    """
    worker = getattr(session.config, "workerinput", None)
    if worker is None:
        return
    places = [Path(argument) for argument in session.config.args]
    modules = sorted(path for place in places if place.is_dir() for path in place.rglob("test_*.py"))
    for path in modules[int(worker["workerid"].removeprefix("gw")) :: worker["workercount"]]:
        sys.path.insert(0, str(path.parent.absolute()))
        with suppress(Exception):  # which is collected as the error that it is
            importlib.import_module(path.stem)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked as long unless all is asked for; and run what takes longest first, so that all workers
    end together and none waits for a state that another builds."""
    if not IS_LONG:
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("long")])
        items[:] = [item for item in items if not item.get_closest_marker("long")]
    places = {f"{name}.py": place for place, name in enumerate(_LONGEST)}
    folders = {"e2e": 1, "chaos": 2}
    items.sort(key=lambda item: (places.get(item.path.name, len(places)), folders.get(item.path.parent.name, 3)))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Have workers compile in turn; and the garbage collector look less often at all tests and modules, which costs
    3 in 100. Each API that starts would look at all of them, and each that stops give them back to be looked at.
    """
    if hasattr(session.config, "workerinput"):
        compile_in_turn(Path(tempfile.gettempdir()) / "kernels.lock")
    gc.freeze()
    gc.enable()
    gc.set_threshold(50_000, 20, 20)
    for name in ("collect", "unfreeze"):
        setattr(gc, name, lambda *_: None)


hypothesis.settings.load_profile("long" if IS_LONG else "short")


def pytest_configure(config: pytest.Config) -> None:
    """Give this run and its workers a temporary folder of their own, so that nothing stays behind in the system's:
    frozen states, and folders of sockets whose servers' own paths are too long.

    Hypothesis would read every module of ours for constants to try, 2 s in each worker; in the long form it does.
    Nobody here speaks TLS, but each client of HTTP would read all certificates of the system: 25 ms, a thousand times.
    """
    interruptible()
    if not IS_LONG:
        duckdb.connect = on_one_thread(duckdb.connect)
        providers.is_local_module_file = lambda _: False
    ssl.create_default_context = cache(ssl.create_default_context)
    if hasattr(config, "workerinput"):
        return
    refuse_outdated_manifest()
    patch = pytest.MonkeyPatch()
    own = Path(tempfile.mkdtemp(prefix="lakefolio-tests-"))
    own.chmod(0o755)  # the server's user looks in
    patch.setenv("PYTEST_DEBUG_TEMPROOT", os.environ.get("PYTEST_DEBUG_TEMPROOT", str(own.parent)))
    patch.setenv("TMPDIR", str(own))
    patch.setattr(tempfile, "tempdir", None)

    def restore() -> None:
        patch.undo()
        shutil.rmtree(own, ignore_errors=True)

    config.add_cleanup(restore)


def refuse_outdated_manifest() -> None:
    """`make test` has parsed the dbt project; where pytest is called without it, a run would fail in the middle."""
    project = REPOSITORY / "dbt_project"
    manifest = project / "target" / "manifest.json"
    made_at = manifest.stat().st_mtime if manifest.exists() else 0
    for path in (*project.rglob("*.sql"), *project.rglob("*.yml")):
        if "target" not in path.relative_to(project).parts and path.stat().st_mtime > made_at:
            raise pytest.UsageError(f"{path.relative_to(REPOSITORY)} is newer than dbt's manifest; run `make manifest`")


def on_one_thread(connect: Callable[..., Any]) -> Callable[..., Any]:
    """Return DuckDB's `connect` for this process: four workers share the cores, and two threads took twice the time to
    do the same.

    The long form, and every program that a test starts, has as many as there are cores.
    """

    def connected(*place: Any, config: dict[str, Any] | None = None, **more: Any) -> Any:
        return connect(*place, config={"threads": 1, **(config or {})}, **more)

    return connected


def interruptible() -> None:
    """Have an interrupt interrupt this process, as in a terminal, however it was started.

    A shell's script starts what it puts into the background with SIGINT ignored. Dagster's runs give SIGTERM what
    SIGINT has, and programs inherit it: each that a test stopped was killed after its 15 s of grace.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def settings_are_read_anew() -> Iterator[None]:
    """A process reads its settings once; here each test may have an environment of its own."""
    yield
    settings_of_this_process.cache_clear()


@pytest.fixture(scope="session")
def frozen_states() -> FrozenStates:
    """Return the states that all workers of this run share."""
    root = Path(tempfile.gettempdir()) / "frozen"
    root.mkdir(exist_ok=True)
    return FrozenStates(root)


@pytest.fixture(scope="session")
def frozen_cluster(frozen_states: FrozenStates) -> Path:
    """A state folder whose database is migrated and has nothing in it."""

    def build(home: Path) -> None:
        prepare(embedded_database(embedded.start(home)))
        embedded.stop(home)
        unsynced(home)

    return frozen_states.folder("cluster", build)


@pytest.fixture(scope="session")
def postgres_home(frozen_cluster: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state folder of a running server, whose hundreds of databases need not outlive this machine."""
    home = tmp_path_factory.mktemp("postgres")
    thaw(frozen_cluster, home)
    embedded.start(home)
    with discarded(home):
        yield home


@pytest.fixture(scope="session")
def new_database(postgres_home: Path) -> Callable[[], Database]:
    """Makes a fresh migrated database, in about 25 ms: it is a copy of one that was migrated once."""
    socket_dir = embedded.start(postgres_home)
    maintenance = embedded_database(socket_dir, "postgres").admin_url
    numbers = count(1)

    def create() -> Database:
        name = f"test_{next(numbers)}"
        with psycopg.connect(maintenance, autocommit=True) as connection:
            connection.execute(f"create database {name} template {DATABASE} strategy file_copy")
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


def urls_of(database: Database) -> dict[str, str]:
    """The settings that say where a database is."""
    return {
        "database_url": database.app_url,
        "database_admin_url": database.admin_url,
        "database_services_url": database.services_url,
    }


@pytest.fixture(scope="module")
def settings(database: Database, lake: Lake, postgres_home: Path) -> Settings:
    return Settings(
        lakefolio_home=postgres_home,
        database_url=database.app_url,
        database_admin_url=database.admin_url,
        database_services_url=database.services_url,
        lake_uri=lake.root,
        market_source="sample",
    )


@pytest.fixture(scope="module")
def api(settings: Settings) -> Iterator[httpx.Client]:
    """A client of the API over `database` and `lake`, which takes no status that is not documented; addresses are
    relative to /api/v1."""
    hooks = {"response": [status_is_documented]}
    with (
        app_over(settings) as app,
        served(app) as address,
        httpx.Client(base_url=f"{address}/api/v1", timeout=30, event_hooks=hooks) as client,
    ):
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
