"""Health tells how far behind the newest release is, and what holds it back."""

import time
from datetime import UTC, datetime

import httpx
import psycopg
import pytest

from storage.lake.delta import Lake
from storage.lake.releases import Releases
from storage.postgres.database import Database
from storage.postgres.horizon import current_horizon
from tests.small_release import AS_OF, publish_small_release, release


@pytest.fixture
def ready(api: httpx.Client):
    def ask() -> dict:
        answer = api.get("/health/ready")
        assert answer.status_code == 200, answer.text
        return answer.json()

    return ask


def released(lake: Lake, database: Database) -> None:
    with psycopg.connect(database.services_url) as connection:
        horizon = current_horizon(connection)
    if lake.exists("meta/release"):
        release(lake, {"marts/dim_security": 0}, horizon)
    else:
        publish_small_release(lake, horizon=horizon)


def test_lag_is_unknown_before_the_first_release_then_zero_then_grows_until_the_next(
    ready, portfolio, lake: Lake, database: Database
) -> None:
    before = ready()
    released(lake, database)
    up_to_date = ready()
    portfolio.post(type="DEPOSIT", amount="1")
    first = ready()
    time.sleep(0.2)
    portfolio.post(type="DEPOSIT", amount="1")
    later = ready()
    released(lake, database)
    again = ready()

    assert (before["release"], before["release_lag_seconds"]) == (None, None)
    assert up_to_date["release_lag_seconds"] == 0
    assert 0 < first["release_lag_seconds"] < first["release_lag_seconds"] + 0.2 < later["release_lag_seconds"] < 30
    assert again["release_lag_seconds"] == 0
    head = Releases(lake).head()
    assert head is not None
    assert again["release"]["release_id"] == head.release_id
    assert again["release"]["as_of"] == AS_OF.isoformat()
    assert datetime.fromisoformat(again["release"]["released_at"]) <= datetime.now(UTC)


def test_a_release_of_another_cluster_has_seen_nothing(ready, portfolio, lake: Lake, database: Database) -> None:
    portfolio.post(type="DEPOSIT", amount="1")
    released(lake, database)
    assert ready()["release_lag_seconds"] == 0

    with psycopg.connect(database.services_url) as connection:
        horizon = current_horizon(connection)
    Releases(lake).adopt(type(horizon)(horizon.snapshot, "7"), datetime.now(UTC))
    assert ready()["release_lag_seconds"] > 0

    Releases(lake).adopt(horizon, datetime.now(UTC))


@pytest.mark.parametrize("role", ["app_url", "admin_url"])
def test_a_transaction_that_stays_open_is_told_whoever_holds_it(ready, database: Database, role: str) -> None:
    assert ready()["oldest_transaction_seconds"] < 0.3

    with psycopg.connect(getattr(database, role)) as connection:
        connection.execute("select 1")
        time.sleep(0.5)
        held = ready()["oldest_transaction_seconds"]

    assert 0.5 <= held < 10


def test_control_the_applications_role_alone_does_not_see_the_owners_transaction(database: Database) -> None:
    with psycopg.connect(database.admin_url) as owner, psycopg.connect(database.services_url) as connection:
        owner.execute("select 1")
        seen = connection.execute(
            "select count(xact_start) from pg_stat_activity where pid = %s", (owner.info.backend_pid,)
        ).fetchone()

    assert seen == (0,)


def test_nothing_is_dead_until_there_are_consumers(ready) -> None:
    assert ready()["dead_letters"] == 0


NOT_READY = "not_ready"


@pytest.mark.parametrize(
    ("refuse", "allow", "code"),
    [
        ("alter role lakefolio set default_transaction_read_only = on", "alter role lakefolio reset all", "read_only"),
        (
            "revoke insert on write_probe from lakefolio_app",
            "grant insert on write_probe to lakefolio_app",
            "not_ready",
        ),
    ],
    ids=["read-only", "not allowed"],
)
def test_ready_is_false_while_nothing_can_be_stored(
    api: httpx.Client, database: Database, refuse: str, allow: str, code: str
) -> None:
    """The database answers every question meanwhile, which was all that health asked."""

    def status_after(statement: str) -> httpx.Response:
        with psycopg.connect(database.admin_url, autocommit=True) as owner:
            owner.execute(statement)
            owner.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and usename = 'lakefolio'"
            )
        time.sleep(1.1)  # what was proved counts for a second
        return api.get("/health/ready")

    try:
        refused = status_after(refuse)
        assert (refused.status_code, refused.json()["code"]) == (503, code)
        assert "Retry-After" in refused.headers
    finally:
        again = status_after(allow)
    assert again.status_code == 200
