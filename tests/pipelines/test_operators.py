"""Where people sign in, the Dagster UI is for those who operate the platform, by the session of the API."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import psycopg
import pytest
from dagster import AssetKey, DagsterInstance
from dagster._core.workspace.load_target import EmptyWorkspaceTarget

from storage.clock import SystemClock
from storage.postgres.database import Database
from storage.settings import Settings
from storage.web.sessions import hash_of
from tests.conftest import served
from tests.probes import HOST, SOCKET, Probe, send

QUERY = "{version}"
MUTATION = 'mutation {wipeAssets(assetPartitionRanges: [{assetKey: {path: ["a"]}}]) {__typename}}'
_USER = """
with made as (
    insert into app_user (user_id, email, display_name, is_admin, is_operator_viewer, disabled_at)
    values (gen_random_uuid(), %(name)s || '@example.org', %(name)s, %(is_admin)s, %(is_viewer)s, %(disabled_at)s)
    returning user_id
)
insert into user_session (
    session_id, user_id, token_hash, user_agent, address, created_at, seen_at, confirmed_at, ends_at, ended_at,
    has_second_factor
)
select
    gen_random_uuid(), user_id, %(hash)s, '', '', %(now)s, %(seen_at)s, %(now)s, %(ends_at)s, %(ended_at)s,
    %(has_factor)s
from made
"""
_DAY = timedelta(days=1)
PEOPLE: dict[str, dict[str, object]] = {
    "administrator": {"is_admin": True},
    "viewer": {"is_viewer": True},
    "user": {},
    "disabled administrator": {"is_admin": True, "disabled_at": 0},
    "administrator whose session was ended": {"is_admin": True, "ended_at": 0},
    "administrator whose session is over": {"is_admin": True, "ends_at": -1},
    "administrator who was away": {"is_admin": True, "seen_at": -8},
    "administrator without a second factor": {"is_admin": True, "has_factor": False},
}
SHUT_OUT = [name for name in PEOPLE if name not in ("administrator", "viewer")]


@pytest.fixture(scope="module")
def root(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    from dagster_webserver.app import create_app_from_workspace_process_context  # takes a second

    from pipelines.runtime.webserver import Workspaces, guarded

    now = SystemClock().now()
    nobody = {
        "is_admin": False,
        "is_viewer": False,
        "has_factor": True,
        "disabled_at": None,
        "ended_at": None,
        "seen_at": 0,
        "ends_at": 1,
    }
    with psycopg.connect(database.admin_url) as connection:
        for name, given in PEOPLE.items():
            days = {**nobody, **given}
            moments = {each: now + days[each] * _DAY for each in days if type(days[each]) is int}
            connection.execute(_USER, {**days, **moments, "name": name, "hash": hash_of(cookie(name)), "now": now})
    settings = Settings(
        auth="accounts",
        second_factor="required",
        database_url=database.app_url,
        database_admin_url=None,
        database_services_url=None,
        public_url="https://folio.example.org",
    )
    with (
        DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as instance,
        Workspaces(instance, EmptyWorkspaceTarget(), version="a test") as workspaces,
    ):
        assert not instance.has_asset_key(AssetKey(["a"]))
        with served(guarded(create_app_from_workspace_process_context(workspaces), settings)) as address:
            yield address


def cookie(name: str) -> str:
    return f"the-secret-of-{name.replace(' ', '-')}"


def ask(root: str, name: str | None, query: str) -> httpx.Response:
    cookies = {} if name is None else {"__Host-lakefolio": cookie(name)}
    return httpx.post(f"{root}/graphql", json={"query": query}, cookies=cookies)


def test_administrators_use_it_and_viewers_see_it(root: str) -> None:
    for name in ("administrator", "viewer"):
        assert ask(root, name, QUERY).json()["data"] == {"version": "a test"}

    assert ask(root, "administrator", MUTATION).json()["data"]["wipeAssets"]["__typename"] != "UnauthorizedError"
    assert ask(root, "viewer", MUTATION).json()["data"]["wipeAssets"]["__typename"] == "UnauthorizedError"


@pytest.mark.parametrize("name", [*SHUT_OUT, None, "who is not known"])
def test_nobody_else_gets_anything(root: str, name: str | None) -> None:
    refused = ask(root, name, QUERY)

    assert (refused.status_code, refused.json()["code"]) == (401, "not_signed_in")


def test_a_socket_needs_a_session_too(root: str) -> None:
    handshake, signed = "GET /graphql HTTP/1.1", f"Cookie: __Host-lakefolio={cookie('administrator')}"

    assert send(root, Probe(handshake, [HOST, *SOCKET])).status == 401
    assert send(root, Probe(handshake, [HOST, *SOCKET, signed])).status == 101


def test_a_person_is_led_to_where_they_sign_in(root: str) -> None:
    led = httpx.get(f"{root}/runs", headers={"accept": "text/html,*/*"})

    assert (led.status_code, led.headers["location"]) == (303, "https://folio.example.org/sign-in")
    assert httpx.get(f"{root}/server_info").status_code == 200, "that it lives is seen without"
