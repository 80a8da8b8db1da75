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
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from storage.postgres import embedded
from storage.postgres.database import DATABASE, Database, embedded_database, prepare
from storage.settings import Settings
from tests.conftest import served
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
                self.home.refresh()


@contextmanager
def served_api(settings: Settings) -> Iterator[httpx.Client]:
    from oltp_api.app import create_app

    with (
        served(create_app(settings)) as address,
        httpx.Client(base_url=f"{address}/api/v1", timeout=120, trust_env=False) as api,
    ):
        yield api


@contextmanager
def emptied_api(database: Database, settings: Settings) -> Iterator[tuple[Any, httpx.Client, Callable[[], None]]]:
    """The app over an empty `database`, its client, and what makes it as empty as it was: sooner than another app is
    made, whose connections notice by themselves that theirs are gone."""
    from oltp_api.app import create_app

    urls = {"database_url": database.app_url, "database_admin_url": database.admin_url}
    app = create_app(settings.model_copy(update=urls))
    name = conninfo_to_dict(database.admin_url)["dbname"]
    maintenance = make_conninfo(database.admin_url, dbname="postgres")

    def copy(of: str, to: str) -> None:
        with psycopg.connect(maintenance, autocommit=True) as connection:
            connection.execute(f"drop database if exists {to} with (force)")
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s and pid <> pg_backend_pid()",
                (of,),
            )
            connection.execute(f"create database {to} template {of} strategy wal_log")

    with served(app) as address, httpx.Client(base_url=f"{address}/api/v1", timeout=120, trust_env=False) as api:
        copy(name, f"{name}_empty")
        yield app, api, lambda: copy(f"{name}_empty", name)


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
                urls = {"database_url": database.app_url, "database_admin_url": database.admin_url}
                return settings.model_copy(update=urls)

            with running(settings, lambda _: "") as state:
                yield FileStates(state, new_settings)


def _copy(admin_url: str, of: str, name: str) -> None:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f"create database {name} template {of}")
