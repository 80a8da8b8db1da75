from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from oltp_api.registry.sample_market import register_sample_market, securities_of
from oltp_api.unit_of_work import UnitOfWork
from storage.clock import SampleMarketClock
from storage.postgres.database import Database


def test_the_sample_markets_securities_are_there(api) -> None:
    aapl = api.get("/securities/aapl").json()

    assert (aapl["ticker"], aapl["currency"], aapl["sector"]) == ("AAPL", "USD", "Information Technology")
    assert len(api.get("/securities").json()["items"]) >= 21


def test_registering_the_sample_market_again_changes_nothing(api, database: Database, stored) -> None:
    before = stored()
    with psycopg.connect(database.services_url, row_factory=psycopg.rows.dict_row) as connection:
        assert register_sample_market(UnitOfWork(connection, SampleMarketClock()), securities_of("sample")) == 0

    assert stored() == before


def test_a_registered_security_can_be_found_by_a_part_of_its_name(api) -> None:
    body = {"ticker": "acme", "asset_type": "ETF", "currency": "EUR", "display_name": "100%_Acme", "sector": "Tools"}
    created = api.post("/securities", json=body)

    assert (created.status_code, created.json()["ticker"]) == (201, "ACME")
    assert api.get("/securities", params={"q": "%_acme"}).json()["items"] == [created.json()]


def test_a_ticker_has_one_meaning(api, stored) -> None:
    before = stored()
    answer = api.post("/securities", json={"ticker": "AAPL", "display_name": "Another Apple"})

    assert (answer.status_code, answer.json()["code"]) == (409, "already_exists")
    assert {**stored()} == before


def test_securities_are_listed_page_by_page(api) -> None:
    first = api.get("/securities", params={"limit": 2}).json()
    second = api.get("/securities", params={"limit": 2, "cursor": first["next_cursor"]}).json()

    tickers = [item["ticker"] for item in first["items"] + second["items"]]
    assert tickers == sorted(set(tickers))
    assert len(tickers) == 4


@pytest.mark.parametrize("ticker", ["NOPE", "%00", "a%20b", "%F0%9F%8D%8E", "x" * 300])
def test_an_unknown_security_is_a_refusal(api, ticker) -> None:
    answer = api.get(f"/securities/{ticker}")

    assert (answer.status_code, answer.json()["code"]) in [(404, "unknown_security"), (422, "invalid_input")]


@pytest.mark.parametrize(
    "body",
    [
        {"ticker": "a b"},
        {"ticker": "B1", "asset_type": "BOND", "sector": "Tech"},
        {"ticker": "B1", "currency": "EURO"},
        {"ticker": "B1", "display_name": ""},
    ],
)
def test_a_security_that_cannot_be_is_refused(api, stored, body) -> None:
    before = stored()

    assert api.post("/securities", json=body).status_code == 422
    assert stored() == before


def test_a_simulation_is_a_stored_request(api, portfolio) -> None:
    body = {"name": "soon", "horizon_years": 5, "num_paths": 500, "sample_paths": 3, "seed": 7}
    answer = api.post(f"/portfolios/{portfolio.portfolio_id}/simulations", json=body)

    assert answer.status_code == 202
    asked = answer.json()
    assert {name: asked[name] for name in body} == body
    assert (asked["status"], asked["is_standing"]) == ("REQUESTED", False)
    assert [one["name"] for one in portfolio.get("/simulations")["items"]] == ["default", "soon"]
    assert api.get(f"/simulations/{asked['simulation_id']}").json() == {
        **{**asked, "fan": None},
        **{"contributions": None, "explain": None},
    }


@pytest.mark.parametrize("sort", ["requested", "-requested"])
def test_simulations_are_filtered_sorted_and_paged(api, portfolio, sort: str) -> None:
    for name in ("a", "b", "c", "d"):
        api.post(f"/portfolios/{portfolio.portfolio_id}/simulations", json={"name": name})
    names, query = [], {"sort": sort, "limit": 2}
    while True:
        page = portfolio.get("/simulations", **query)
        names += [one["name"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]

    oldest_first = ["default", "a", "b", "c", "d"]
    assert names == (oldest_first if sort == "requested" else oldest_first[::-1])
    assert len(portfolio.get("/simulations", status="REQUESTED")["items"]) == 5
    assert portfolio.get("/simulations", status="DONE") == {"items": [], "next_cursor": None}


def test_a_seed_is_drawn_where_none_is_given(api, portfolio) -> None:
    answers = [
        api.post(f"/portfolios/{portfolio.portfolio_id}/simulations", json={"name": "x"}).json() for _ in range(2)
    ]

    assert answers[0]["seed"] != answers[1]["seed"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"horizon_years": 31},
        {"horizon_years": 0},
        {"num_paths": 100_001},
        {"sample_paths": 51},
        {"seed": -1},
        {"seed": 2**63},
        {"name": " "},
        {"num_paths": "1e3"},
        {"num_paths": True},
    ],
)
def test_a_simulation_beyond_the_limits_is_refused(api, portfolio, stored, wrong) -> None:
    before = stored()
    answer = api.post(f"/portfolios/{portfolio.portfolio_id}/simulations", json={"name": "x", **wrong})

    assert answer.status_code == 422
    assert stored() == before


def test_an_unknown_simulation_is_a_404(api) -> None:
    answer = api.get(f"/simulations/{uuid4()}")

    assert (answer.status_code, answer.json()["code"]) == (404, "simulation_not_found")


def test_a_refused_simulation_shows_its_reason(api, portfolio, database: Database) -> None:
    (standing,) = portfolio.get("/simulations")["items"]
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(
            "update simulation set status = 'REFUSED', reason = 'no parameters for X', summary = %s"
            " where simulation_id = %s",
            (Jsonb({"p50": 1.5}), standing["simulation_id"]),
        )
    shown = api.get(f"/simulations/{standing['simulation_id']}").json()

    assert (shown["status"], shown["reason"], shown["summary"]) == ("REFUSED", "no parameters for X", {"p50": 1.5})


def test_above_an_owners_limit_a_request_is_refused_and_says_how_many_wait(api, database: Database) -> None:
    portfolio_id = api.post("/portfolios", json={"name": "busy"}).json()["portfolio_id"]
    waiting = "select count(*) from simulation where status = 'REQUESTED' and not is_standing"
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        ((before,),) = connection.execute(waiting).fetchall()
        connection.execute("update app_user set max_waiting_simulations = %s", (before + 2,))
        try:
            asked = [api.post(f"/portfolios/{portfolio_id}/simulations", json={"name": str(n)}) for n in range(3)]
            connection.execute("update simulation set status = 'DONE' where name = '0'")
            asked.append(api.post(f"/portfolios/{portfolio_id}/simulations", json={"name": "again"}))
        finally:
            connection.execute("update app_user set max_waiting_simulations = default")

    assert [answer.status_code for answer in asked] == [202, 202, 429, 202]
    refused = asked[2].json()
    assert (refused["code"], refused["waiting"], refused["limit"]) == ("too_many_waiting", before + 2, before + 2)
