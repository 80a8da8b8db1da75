"""Where people sign in, a token's answers and a token's tables have what its owner may see, and nothing else."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

import lakefolio
from lakefolio.connection import ReleaseConnection
from oltp_api.answers.transport import client_of
from oltp_api.lake_tables.served import SERVED
from storage.errors import SetupError
from storage.lake import mounted
from storage.lake.delta import Lake
from storage.settings import Settings
from tests.mcp_clients import Asker, over_http, over_stdio
from tests.oltp_api.people import Person, first_code, invited, registered, served_with_accounts
from tests.small_release import PORTFOLIO, SIMULATION, TABLES, release, rows_of

_RUNS = "simulation/simulation_run"


@dataclass(frozen=True)
class Owner:
    person: Person
    portfolio_id: str
    token: str


@dataclass(frozen=True)
class World:
    address: str
    lake: Lake
    admin: Person
    ada: Owner
    bob: Owner


@pytest.fixture(scope="module")
def world(settings: Settings, lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    own = settings.model_copy(update={"lakefolio_home": tmp_path_factory.mktemp("state")})
    with served_with_accounts(own) as address:
        admin = registered(address, first_code(own), "admin@example.org")
        ada, bob = (owner(invited(admin, f"{name}@example.org")) for name in ("ada", "bob"))
        publish(lake, ada.portfolio_id, bob.portfolio_id)
        yield World(address, lake, admin, ada, bob)


def owner(person: Person) -> Owner:
    made = person.post("/tokens", {"name": "a notebook", "scopes": ["read"]})
    return Owner(person, person.portfolio("house"), made.json()["token"])


def publish(lake: Lake, *portfolio_ids: str) -> None:
    """The small release, with the same rows of every portfolio; the simulation is the first one's."""
    runs = rows_of(f"select '{SIMULATION}' as simulation_id, '{portfolio_ids[0]}' as portfolio_id")
    versions = {_RUNS: lake.publish(_RUNS, runs).version}
    for table, query in TABLES.items():
        owners = portfolio_ids[:1] if str(SIMULATION) in query or str(PORTFOLIO) not in query else portfolio_ids
        copies = [f"({query.replace(str(PORTFOLIO), one)})" for one in owners]
        versions[table] = lake.publish(table, rows_of(" union all ".join(copies))).version
    release(lake, versions)


def mounted_by(world: World, one: Owner) -> ReleaseConnection:
    return lakefolio.connect(api=world.address, token=one.token)


def seen_by(connection: ReleaseConnection) -> set[str]:
    """The portfolios of all rows of all tables."""
    found: set[str] = set()
    for table in connection.tables:
        rows = connection.frame(table, "arrow")
        assert "user_id" not in rows.column_names
        for column in {"portfolio_id"}.intersection(rows.column_names):
            found |= set(rows[column].to_pylist())
    return found


def test_a_token_mounts_its_owners_rows_and_what_is_everybodys(world: World) -> None:
    for one in (world.ada, world.bob):
        with mounted_by(world, one) as connection:
            assert seen_by(connection) == {one.portfolio_id}
            assert connection.sql("select count(*) from marts.fact_price_daily").fetchall() == [(5,)]
            assert connection.sql("from marts.fact_portfolio_value_daily").fetchall()
    with mounted_by(world, world.bob) as connection:
        assert connection.sql("from simulation.simulation_fan").fetchall() == []
    with mounted_by(world, world.ada) as connection:
        assert connection.sql("from simulation.simulation_fan").fetchall() != []


def test_what_is_shared_is_mounted_too(world: World) -> None:
    world.ada.person.share(world.ada.portfolio_id, world.bob.person, "VIEWER")
    try:
        with mounted_by(world, world.bob) as connection:
            assert seen_by(connection) == {world.ada.portfolio_id, world.bob.portfolio_id}
    finally:
        (share,) = world.ada.person.get(f"/portfolios/{world.ada.portfolio_id}/shares").json()["items"]
        address = f"/portfolios/{world.ada.portfolio_id}/shares/{share['share_id']}"
        assert world.ada.person.client.delete(address).is_success
    with mounted_by(world, world.bob) as connection:
        assert seen_by(connection) == {world.bob.portfolio_id}


def test_control_without_the_filter_of_the_release_a_token_would_see_everybodys(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(mounted, "_filter", lambda *_: None)
        publish(world.lake, world.ada.portfolio_id, world.bob.portfolio_id)  # a newer release is mounted anew
        with mounted_by(world, world.bob) as connection:
            assert seen_by(connection) == {world.ada.portfolio_id, world.bob.portfolio_id}
    publish(world.lake, world.ada.portfolio_id, world.bob.portfolio_id)


@pytest.mark.parametrize(
    ("token", "code"), [(None, "not_signed_in"), ("lkf_x", "token_is_cut"), ("other", "not_signed_in")]
)
def test_nobody_mounts_anything_without_a_token(world: World, token: str | None, code: str) -> None:
    with pytest.raises(SetupError, match=code):
        lakefolio.connect(api=world.address, token=token)


def test_a_posted_price_is_its_owners_until_an_administrator_publishes_one(world: World) -> None:
    ada, bob, admin = world.ada.person, world.bob.person, world.admin
    ada.post("/securities", {"ticker": "UNLISTED"})

    def post(one: Person, close: str, where: str = "prices") -> httpx.Response:
        return one.post(
            f"/securities/UNLISTED/{where}", {"prices": [{"date": "2017-03-28", "close": close, "currency": "USD"}]}
        )

    def seen(one: Person) -> list[tuple[str, bool]]:
        rows = one.get("/securities/UNLISTED/prices").json()["items"]
        return [(row["close"], row["is_published"]) for row in rows]

    assert [post(one, close).status_code for one, close in ((ada, "10"), (bob, "20"))] == [201, 201]
    assert (seen(ada), seen(bob), seen(admin)) == ([("10", False)], [("20", False)], [])
    assert post(bob, "30", "published-prices").json()["code"] == "administrators_only"
    assert post(admin, "30", "published-prices").status_code == 201
    assert (seen(ada), seen(bob), seen(admin)) == (
        [("10", False), ("30", True)],
        [("20", False), ("30", True)],
        [("30", True)],
    )
    refused = post(ada, "11").json()
    assert (refused["code"], refused["source"]) == ("priced_elsewhere", "POSTED")
    assert any("published-prices" in event["action"] for event in admin.get("/events").json()["items"])


def test_tables_that_tell_of_others_are_not_served(world: World) -> None:
    with mounted_by(world, world.bob) as connection:
        assert set(connection.tables) <= SERVED
    client = httpx.Client(base_url=f"{world.address}/api/v1", headers={"Authorization": f"Bearer {world.bob.token}"})
    with client:
        for table in ("raw/pg_posted_price", "marts/dim_ticker_tracker", "meta/release", "raw/app_user", "../x/y"):
            assert client.get(f"/lake-tables/{table}").status_code == 404
        assert client.get("/lake-tables/marts/fact_risk'--").json()["code"] == "lake_table_not_found"


def test_mcp_answers_a_token_as_the_api_does(world: World) -> None:
    headers = {"Authorization": f"Bearer {world.bob.token}"}
    with over_http(world.address, headers) as by_http, over_stdio(world.address, world.bob.token) as by_stdio:
        for asker in (by_http, by_stdio):
            sees_only_its_own(asker, world)


def sees_only_its_own(asker: Asker, world: World) -> None:
    listed = asker.answer("portfolios")["portfolios"]
    assert [one["portfolio_id"] for one in listed] == [world.bob.portfolio_id]
    assert asker.figures("values", portfolio_id=world.bob.portfolio_id)
    own = {"portfolio_id": world.ada.portfolio_id}
    calls = [(name, own) for name in ("positions", "values", "performance", "risk", "concentration", "gains", "status")]
    calls += [("simulations", own), ("simulations", {"simulation_id": str(SIMULATION)})]
    calls += [("restatement", {**own, "since": "2017-03-29"})]
    for name, arguments in calls:
        assert "_not_found" in asker.text(name, **arguments), name


def test_mcp_without_a_token_is_refused_with_how_to_sign(world: World) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    answer = httpx.post(f"{world.address}/mcp", json=body)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    trade = world.bob.person.token("trade")
    answer = trade.post(f"{world.address}/mcp", json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_is_missing")


def test_a_token_of_some_portfolios_asks_for_those(world: World) -> None:
    other = world.bob.person.portfolio("another one")
    some = world.bob.person.token("read", portfolio_ids=[other])
    with over_http(world.address, {"Authorization": some.headers["authorization"]}) as asker:
        assert "token_of_some_portfolios" in asker.text("portfolios")
        assert "portfolio_not_found" in asker.text("values", portfolio_id=world.bob.portfolio_id)
        assert asker.answer("values", portfolio_id=other)["figures"] == []
    assert some.get("/lake-tables").json()["code"] == "token_of_some_portfolios"


def test_the_client_within_the_process_keeps_nobodys_cookie() -> None:
    brought: list[list[bytes]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        brought.append([value for name, value in scope["headers"] if name == b"cookie"])
        headers = [(b"set-cookie", b"session=ada"), (b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def ask() -> None:
        async with client_of(app) as client:
            await client.get("/")
            await client.get("/", headers={"cookie": "session=bob"})
            await client.get("/")

    asyncio.run(ask())
    assert brought == [[], [b"session=bob"], []]
