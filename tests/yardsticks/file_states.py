"""One fresh state for many files: a server and a lake, with an empty database for each file.

Files call different securities by one ticker (a share in dollars, another in francs), and a registry has one of a
ticker: so each file has a registry of its own.
"""

import io
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import psycopg

from storage.postgres import embedded
from storage.postgres.database import DATABASE, Database, embedded_database, prepare
from storage.settings import Settings
from tests.apps import app_over
from tests.conftest import served, urls_of
from tests.e2e.conftest import Home, home_settings, running
from tests.states import discarded

_PRISTINE = "pristine"
_LONG_AGO = "2000-01-05"


@dataclass(frozen=True)
class FileStates:
    """Opens empty databases in a running state; what is released there is released for all of them."""

    home: Home
    new_settings: Callable[[], Settings]

    @contextmanager
    def opened(self) -> Iterator[httpx.Client]:
        with served_api(self.new_settings()) as api:
            yield api

    def release(self, currencies: set[str]) -> None:
        """Make a release that has the rates of `currencies`: of what no portfolio has moved there are none."""
        with self.home.client() as api:
            used = {each["base_currency"] for each in api.get("/portfolios").json()["items"]}
            for currency in sorted(currencies - used):
                body = {"name": currency, "base_currency": currency}
                made = api.post("/portfolios", json=body).raise_for_status().json()
                for other in sorted(currencies - {currency}):
                    moved = {"type": "DEPOSIT", "amount": "1", "currency": other, "fx_rate": "1"}
                    address = f"/portfolios/{made['portfolio_id']}/transactions"
                    api.post(address, json={**moved, "business_date": _LONG_AGO}).raise_for_status()
        if currencies - used:
            with redirect_stdout(io.StringIO()):
                self.home.release()


@contextmanager
def served_api(settings: Settings) -> Iterator[httpx.Client]:
    with (
        app_over(settings) as app,
        served(app) as address,
        httpx.Client(base_url=f"{address}/api/v1", timeout=120, trust_env=False) as api,
    ):
        yield api


@contextmanager
def emptied_api(database: Database, settings: Settings) -> Iterator[tuple[Any, httpx.Client, Callable[[], None]]]:
    """The app over an empty `database`, its client, and what makes it as empty as it was.

    Rows are taken out: of another database of that name the app's connections would hear a second later.
    """
    with (
        app_over(settings.model_copy(update=urls_of(database))) as app,
        served(app) as address,
        httpx.Client(base_url=f"{address}/api/v1", timeout=120, trust_env=False) as api,
        psycopg.connect(database.admin_url, autocommit=True) as owner,
    ):
        yield app, api, emptying(owner)


def emptying(owner: psycopg.Connection[Any]) -> Callable[[], None]:
    """Remember which rows there are; return what brings back these, and numbers from the beginning."""
    tables = [name for (name,) in owner.execute("select tablename from pg_tables where schemaname = 'public'")]
    filled = [name for name in tables if owner.execute(f"select 1 from {name} limit 1").fetchone()]
    owner.execute("create schema as_it_was")
    for name in filled:
        owner.execute(f"create table as_it_was.{name} as table {name}")
    numbers = owner.execute("select sequencename, last_value from pg_sequences where last_value > 0").fetchall()
    owner.execute("set session_replication_role = replica")  # the ledger's triggers let nobody else do it

    def empty() -> None:
        with owner.transaction():
            owner.execute(f"truncate {', '.join(tables)} restart identity")
            for name in filled:
                owner.execute(f"insert into {name} overriding system value table as_it_was.{name}")
            for number in numbers:
                owner.execute("select setval(%s, %s)", number)

    return empty


@contextmanager
def fresh_file_states() -> Iterator[FileStates]:
    """A state in a folder of its own, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="lakefolio-files-") as folder:
        home = Path(folder) / "state"
        home.mkdir(mode=0o700)
        with discarded(home):
            settings = home_settings(home)
            socket_dir = embedded.start(home)
            prepare(embedded_database(socket_dir))
            admin_url = embedded_database(socket_dir, "postgres").admin_url
            _copy(admin_url, DATABASE, _PRISTINE)
            numbers = count(1)

            def new_settings() -> Settings:
                name = f"file_{next(numbers)}"
                _copy(admin_url, _PRISTINE, name)
                database = embedded_database(socket_dir, name)
                urls = urls_of(database)
                return settings.model_copy(update=urls)

            with running(settings, lambda _: "") as state:
                yield FileStates(state, new_settings)


def _copy(admin_url: str, of: str, name: str) -> None:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f"create database {name} template {of}")
