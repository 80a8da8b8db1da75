"""Real platforms for end-to-end tests: each begins as a copy of a state that the test run has built once.

`platform_home` is a worker's own copy of the demo. Tests may look at it and make its assets again, which changes no
number. A test that records, damages or repairs works on a state folder or a copy of the lake of its own.
"""

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import pytest

from ops import demo, processes
from ops.environment import prepared
from pipelines.automation import RANGE_END, RANGE_START
from pipelines.definitions import build_defs
from pipelines.refresh import main as refresh_main
from pipelines.refresh import refresh, release
from pipelines.runtime.partitions import SIMULATIONS
from pipelines.runtime.resources import Platform
from storage.lake.delta import Lake
from storage.lake.releases import Release
from storage.postgres import embedded
from storage.settings import REPOSITORY, MarketSource, Settings
from tests.apps import app_over
from tests.conftest import served
from tests.e2e import as_traded_books, demo_books
from tests.states import FrozenStates, discarded, thaw

SITUATIONS = json.loads((Path(__file__).parents[1] / "cases" / "situations.json").read_text())
"""All on the sample market, whose release the books are beside."""


@dataclass(frozen=True)
class Home:
    """A state folder in use: its server runs, its API answers, `variables` let other programs join."""

    settings: Settings
    variables: dict[str, str]
    base_url: str
    portfolio_id: str

    @property
    def platform(self) -> Platform:
        return self.platform_on(self.settings.lake)

    def platform_on(self, lake_uri: str) -> Platform:
        """This home with another lake."""
        return Platform(
            lakefolio_home=str(self.settings.home),
            database_url=self.variables["DATABASE_URL"],
            database_admin_url=self.variables["DATABASE_ADMIN_URL"],
            database_services_url=self.variables["DATABASE_SERVICES_URL"],
            lake_uri=lake_uri,
            market_source=self.settings.market_source,
        )

    @property
    def lake(self) -> Lake:
        return self.platform.lake

    @property
    def head(self) -> Release:
        release = self.platform.releases.head()
        assert release is not None
        return release

    def client(self) -> httpx.Client:
        """The API; addresses are relative to /api/v1."""
        return httpx.Client(base_url=self.base_url, timeout=30, trust_env=False)

    @contextmanager
    def joined(self, **more: str) -> Iterator[dg.DagsterInstance]:
        """Dagster's own storage in this home's PostgreSQL, as `dagster_home/dagster.yaml` says; and this process with
        the home's variables while inside."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**self.variables, **more}.items():
                patch.setenv(name, value)
            with dg.DagsterInstance.from_config(self.variables["DAGSTER_HOME"]) as instance:
                assert instance.compute_log_manager, "it is made when first asked for, and reads the environment then"
                yield instance

    def refresh(self, **more: str) -> None:
        """As `python -m pipelines.refresh`, in this process, which has imported everything already."""
        with self.joined(**more) as instance:
            assert refresh(self.platform, instance)

    def release(self, **more: str) -> None:
        """As `refresh`, without the simulations and the risk analyses that are due after it."""
        with self.joined(**more) as instance:
            assert release(build_defs(self.platform), self.platform, instance)

    def pick_up(self, simulations: Sequence[str] = ()) -> None:
        """As the daemon does once the ledger is ahead; and of all simulations that are due, these alone."""
        defs = build_defs(self.platform)
        with self.joined() as instance:
            assert defs.resolve_job_def("pick_up").execute_in_process(instance=instance).success
        if simulations:
            self.simulate(simulations)

    def simulate(self, simulations: Sequence[str]) -> None:
        """These alone."""
        job = build_defs(self.platform).resolve_implicit_global_asset_job_def()
        fan = dg.AssetKey(["simulation", "simulation_fan"])
        with self.joined() as instance:
            instance.add_dynamic_partitions(str(SIMULATIONS.name), simulations)
            for key in simulations:
                assert job.execute_in_process(instance=instance, partition_key=key, asset_selection=[fan]).success

    def refresh_command(self, **more: str) -> tuple[int, str]:
        """How `python -m pipelines.refresh` ends and what it says, as `refresh`."""
        said = io.StringIO()
        with self.joined(**more), redirect_stdout(said), redirect_stderr(said):
            return refresh_main(), said.getvalue()

    def materialize(self, *tables: str, years: tuple[str, str], **more: str) -> None:
        """As `dagster asset materialize --partition-range`, in this process."""
        job = build_defs(self.platform).resolve_implicit_global_asset_job_def()
        selected = [dg.AssetKey.from_user_string(table) for table in tables]
        with self.joined(**more) as instance:
            tags = dict(zip((RANGE_START, RANGE_END), years, strict=True))
            assert job.execute_in_process(instance=instance, asset_selection=selected, tags=tags).success

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """A program of the virtual environment, run in the repository with this home's variables."""
        program = Path(sys.executable).with_name(words[0])
        environment = {**os.environ, **self.variables, **more}
        return subprocess.run(
            [str(program), *words[1:]], cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=400
        )


def home_settings(home: Path, market_source: MarketSource = "sample") -> Settings:
    """Everything inside `home`, whatever the environment says."""
    return Settings(
        lakefolio_home=home, database_url=None, database_admin_url=None, lake_uri=None, market_source=market_source
    )


@pytest.fixture(scope="session")
def readme_commands() -> list[str]:
    """The commands in the README's shell blocks, continued lines joined, comments cut off."""
    blocks = re.findall(r"```sh\n(.*?)```", (REPOSITORY / "README.md").read_text(), flags=re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line.split("  #")[0].strip() for line in lines if line.strip()]


@pytest.fixture(scope="session")
def new_home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Opens a state folder of its own, with what `record` records over HTTP; its path has a space, as a user's may.

    It is a copy of the frozen state `begins_with`: the empty `cluster`, `as_traded` with what tests.e2e.as_traded_books
    records, the `demo`, or `books`: the demo with what tests.e2e.demo_books records.
    """

    @contextmanager
    def opened(
        record: Callable[[httpx.Client], str],
        market_source: MarketSource = "sample",
        begins_with: str = "cluster",
        **more: str,
    ) -> Iterator[Home]:
        with discarded(tmp_path_factory.mktemp("a state")) as folder:
            thaw(request.getfixturevalue(f"frozen_{begins_with}"), folder)
            if begins_with == "as_traded":
                more.setdefault("benchmark_ticker", as_traded_books.BENCHMARK)
            with running(home_settings(folder, market_source).model_copy(update=more), record) as home:
                yield home

    return opened


@contextmanager
def running(settings: Settings, record: Callable[[httpx.Client], str]) -> Iterator[Home]:
    """The state folder in use: its server runs, its API answers in this process; its daemon is stopped if one ran."""
    variables = {**prepared(settings), "FRED_API_KEY": ""}
    try:
        with app_over(settings) as app, served(app) as address:
            base_url = f"{address}/api/v1"
            with httpx.Client(base_url=base_url, timeout=30, trust_env=False) as client:
                portfolio_id = record(client)
            yield Home(settings, variables, base_url, portfolio_id)
    finally:
        processes.stop(settings.home, "daemon")


def refreshed(settings: Settings, record: Callable[[httpx.Client], str]) -> None:
    """Record and refresh in a state folder, then stop it: the making of a frozen state."""
    with running(settings, record) as platform:
        platform.refresh()
    embedded.stop(settings.home)


@pytest.fixture(scope="session")
def frozen_demo(frozen_cluster: Path, frozen_states: FrozenStates) -> Path:
    """The demo's portfolios, refreshed once."""

    def build(home: Path) -> None:
        thaw(frozen_cluster, home)
        refreshed(home_settings(home), record_demo)

    return frozen_states.folder("demo", build)


@pytest.fixture(scope="session")
def frozen_as_traded(frozen_cluster: Path, frozen_states: FrozenStates) -> Path:
    """The second market, all its years released, with its books."""

    def build(home: Path) -> None:
        thaw(frozen_cluster, home)
        as_traded_books.put_price_files(home)
        settings = home_settings(home, "as_traded").model_copy(update={"benchmark_ticker": as_traded_books.BENCHMARK})
        with running(settings, as_traded_books.record_all) as platform:
            as_traded_books.owners(settings)
            platform.release()
        embedded.stop(home)

    return frozen_states.folder("as_traded", build)


@pytest.fixture(scope="session")
def frozen_books(frozen_demo: Path, frozen_states: FrozenStates) -> Path:
    """The demo with a portfolio for each kind of transaction and others, all picked up at once."""

    def build(home: Path) -> None:
        thaw(frozen_demo, home)
        with running(home_settings(home), savings) as platform:
            found = demo_books.record_and_pick_up(platform, SITUATIONS)
        embedded.stop(home)
        (home / "books.json").write_text(json.dumps(found))

    return frozen_states.folder("books", build)


@pytest.fixture(scope="session")
def books(frozen_books: Path) -> dict[str, Any]:
    """The ids of the portfolios in the books' state by name, and the outcomes of its situations."""
    found: dict[str, Any] = json.loads((frozen_books / "books.json").read_text())
    return found


def record_demo(client: httpx.Client) -> str:
    portfolio_id = demo.record_history(client)
    bonds_id = demo.record_bonds(client)
    demo.request_scenario(client, portfolio_id)
    demo.request_analyses(client, portfolio_id, bonds_id)
    return portfolio_id


savings = as_traded_books.named(demo.NAME)
"""Finds the id of the demo's first portfolio."""


@pytest.fixture(scope="session")
def platform_home(new_home: Any) -> Iterator[Home]:
    """A copy of the demo; the savings are the home's portfolio."""
    with new_home(savings, begins_with="demo") as home:
        yield home


@pytest.fixture(scope="session")
def instance(platform_home: Home) -> Iterator[dg.DagsterInstance]:
    with platform_home.joined() as instance:
        yield instance
