"""Requests that take too long are ended by PostgreSQL, answered as busy, and leave nothing behind."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from oltp_api.app import create_app
from oltp_api.context import LOCAL_USER, AppContext
from storage.postgres.database import Database, prepare
from storage.settings import Settings
from tests.conftest import served

SLOW = "select pg_sleep(1.5)"
IDLE_SECONDS = 1.5
_RECORDED = "insert into app_user (user_id, email) values (gen_random_uuid(), gen_random_uuid()::text)"


@pytest.fixture(scope="module")
def limits() -> dict[str, str]:
    return {"statement_timeout": "800ms", "lock_timeout": "300ms", "idle_in_transaction_timeout": "800ms"}


@pytest.fixture(scope="module")
def api(settings: Settings, limits: dict[str, str]) -> Iterator[httpx.Client]:
    """The API with short limits, and routes that are slow after they have written."""
    app = create_app(settings.model_copy(update=limits))

    def recorded(act: Any) -> None:
        context: AppContext = app.state.context
        with context.pool.connection() as connection:
            connection.execute(_RECORDED)
            act(connection)

    @app.post("/api/v1/slow")
    def slow() -> None:
        recorded(lambda connection: connection.execute(SLOW))

    @app.post("/api/v1/idle")
    def idle() -> None:
        recorded(lambda connection: (time.sleep(IDLE_SECONDS), connection.execute("select 1")))

    with served(app) as address, httpx.Client(base_url=f"{address}/api/v1", timeout=30) as client:
        yield client


@pytest.fixture
def users(database: Database) -> Any:
    def count() -> Any:
        with psycopg.connect(database.admin_url) as connection:
            return connection.execute("select count(*) from app_user").fetchone()

    return count


def is_busy(answer: httpx.Response) -> bool:
    problem = answer.json()
    return (
        (answer.status_code, problem["code"]) == (503, "busy")
        and answer.headers["content-type"] == "application/problem+json"
        and int(answer.headers["Retry-After"]) > 0
    )


@pytest.mark.parametrize("kind", ["slow", "idle"])
def test_a_slow_statement_or_an_idle_transaction_is_ended_as_busy_and_nothing_is_stored(api, users, kind) -> None:
    before = users()

    answer = api.post(f"/{kind}")

    assert is_busy(answer), answer.text
    assert users() == before


def test_a_locked_portfolio_is_busy_and_nothing_is_stored(api, portfolio, database: Database, stored) -> None:
    before = stored()
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("select from portfolio where portfolio_id = %s for update", (portfolio.portfolio_id,))
        answer = portfolio.post("a-key", type="DEPOSIT", amount="1")
        connection.rollback()

    assert is_busy(answer), answer.text
    assert stored() == before
    assert portfolio.post("a-key", type="DEPOSIT", amount="1").status_code == 201, "the key is still free"


def test_a_lock_that_is_released_in_time_is_waited_for(api, portfolio, database: Database) -> None:
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("select from portfolio where portfolio_id = %s for update", (portfolio.portfolio_id,))
        threading.Timer(0.1, connection.rollback).start()
        assert portfolio.post(type="DEPOSIT", amount="1").status_code == 201


def test_control_without_limits_all_of_it_is_stored(settings: Settings, users) -> None:
    app = create_app(
        settings.model_copy(
            update={"statement_timeout": "0s", "lock_timeout": "0s", "idle_in_transaction_timeout": "0s"}
        )
    )

    @app.post("/slow")
    def slow() -> None:
        context: AppContext = app.state.context
        with context.pool.connection() as connection:
            connection.execute(_RECORDED)
            connection.execute(SLOW)
            time.sleep(IDLE_SECONDS)
            connection.execute("select 1")

    before = users()
    with served(app) as address:
        assert httpx.post(f"{address}/slow", timeout=30).status_code == 200

    assert users() == (before[0] + 1,)


def test_limits_that_are_changed_apply_from_the_next_preparing_on(database: Database) -> None:
    asked = {"statement_timeout": "7s", "lock_timeout": "6s", "idle_in_transaction_session_timeout": "5s"}

    prepare(database, asked)

    with psycopg.connect(database.services_url) as connection:
        found = {name: connection.execute(f"show {name}").fetchone() for name in asked}
    assert found == {name: (value,) for name, value in asked.items()}


def test_limits_that_are_not_asked_for_are_the_settings_defaults(database: Database) -> None:
    prepare(database)

    with psycopg.connect(database.services_url) as connection:
        assert connection.execute("show statement_timeout").fetchone() == ("30s",)


def test_the_local_user_is_untouched(database: Database) -> None:
    with psycopg.connect(database.admin_url) as connection:
        assert connection.execute("select count(*) from app_user where user_id = %s", (LOCAL_USER,)).fetchone() == (1,)
