from decimal import Decimal
from uuid import uuid4

import psycopg
import pytest

from storage.postgres.database import Database

D = Decimal


def test_a_portfolio_is_created_from_the_query_string_alone(api) -> None:
    answer = api.post("/portfolios?name=MyPortfolio&initial_cash=10000")

    assert answer.status_code == 201
    assert answer.json()["name"] == "MyPortfolio"
    assert answer.json()["cash"] == "10000"
    assert answer.json()["last_business_date"] == "2017-03-29"


def test_a_portfolio_starts_with_cash_and_units_in_one_unit_of_work(api, database: Database) -> None:
    holdings = [
        {"ticker": "AAPL", "quantity": "50", "avg_cost": "25.5"},
        {"symbol": "brandnew", "quantity": 3, "avg_cost": 0},
    ]
    body = {"name": "mine", "initial_cash": "100.10", "holdings": holdings, "business_date": "2015-01-02"}
    created = api.post("/portfolios", json=body).json()
    portfolio_id = created["portfolio_id"]

    assert (created["version"], created["cash"], created["kind"]) == (3, "100.1", "INVESTMENT")
    rows = api.get(f"/portfolios/{portfolio_id}/transactions").json()["items"]
    assert [(row["type"], row["ticker"], row["cash_effect"]) for row in rows] == [
        ("DEPOSIT", None, "100.1"),
        ("TRANSFER_IN", "AAPL", "0"),
        ("TRANSFER_IN", "BRANDNEW", "0"),
    ]
    held = api.get(f"/portfolios/{portfolio_id}/holdings").json()["holdings"]
    assert [(row["ticker"], row["quantity"], row["avg_cost"]) for row in held] == [
        ("AAPL", "50", "25.5"),
        ("BRANDNEW", "3", "0"),
    ]
    assert api.get("/securities/BRANDNEW").json()["asset_type"] == "EQUITY"
    with psycopg.connect(database.admin_url) as connection:
        events = connection.execute(
            "select event_type, version from outbox where aggregate_id = %s order by seq", (portfolio_id,)
        ).fetchall()
        (transactions,) = connection.execute(
            "select count(distinct xid) from (select xid from transaction_ledger where portfolio_id = %(id)s"
            " union all select xid from outbox where aggregate_id = %(id)s"
            " union all select xid from simulation where portfolio_id = %(id)s) as written",
            {"id": portfolio_id},
        ).fetchone()
    recorded = [("TransactionRecorded", seq) for seq in (1, 2, 3)]
    assert events == [("PortfolioCreated", 0), *recorded, ("PositionUpdated", 3), ("PositionUpdated", 3)]
    assert transactions == 1


def test_every_portfolio_has_a_standing_simulation_with_a_stored_seed(portfolio) -> None:
    (standing,) = portfolio.get("/simulations")["items"]

    assert standing["seed"] >= 0
    asked = ("name", "horizon_years", "num_paths", "sample_paths", "is_standing", "status")
    assert [standing[name] for name in asked] == ["default", 30, 10_000, 10, True, "REQUESTED"]


def test_portfolios_are_listed_page_by_page_without_gap_or_repeat(api, new_portfolio) -> None:
    made = [new_portfolio(name=f"page {i}").portfolio_id for i in range(5)]
    seen, cursor = [], None
    while True:
        page = api.get("/portfolios", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [item["portfolio_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen[-5:] == made
    assert len(seen) == len(set(seen))


def test_the_portfolio_of_another_user_does_not_exist(api, foreign_portfolio) -> None:
    for address in ("", "/transactions", "/holdings", "/cash", "/simulations"):
        answer = api.get(f"/portfolios/{foreign_portfolio}{address}")
        assert (answer.status_code, answer.json()["code"]) == (404, "portfolio_not_found")
    trade = {"type": "DEPOSIT", "amount": "1"}
    assert api.post(f"/portfolios/{foreign_portfolio}/transactions", json=trade).status_code == 404
    assert api.post(f"/portfolios/{foreign_portfolio}/simulations", json={"name": "x"}).status_code == 404
    assert str(foreign_portfolio) not in api.get("/portfolios?limit=1000").text


def test_an_unknown_portfolio_is_a_404_problem(api) -> None:
    answer = api.get(f"/portfolios/{uuid4()}")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "portfolio_not_found"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "nul\0"}, "name"),
        ({"name": "x", "initial_cash": "-1"}, "initial_cash"),
        ({"name": "x", "initial_cash": "ten"}, "initial_cash"),
        ({"name": "x", "time_zone": "Mars/Olympus"}, "time_zone"),
        ({"name": "x", "time_zone": "../../etc/passwd"}, "time_zone"),
        ({"name": "x", "base_currency": "usd"}, "base_currency"),
        ({"name": "x", "kind": "CASINO"}, "kind"),
        ({"name": "x", "business_date": "2017-03-30"}, "business_date"),
        ({"name": "x", "business_date": "1969-12-31"}, "business_date"),
        ({"name": "x", "business_date": 20170329}, "business_date"),
        ({"name": "x", "holdings": [{"ticker": "not a ticker", "quantity": "1", "avg_cost": "1"}]}, "ticker"),
        ({"name": "x", "holdings": [{"ticker": "A", "quantity": "0", "avg_cost": "1"}]}, "quantity"),
        ({"name": "x", "holdings": [{"ticker": "A", "quantity": "1"}]}, "holdings.0.avg_cost"),
        ({"name": "x", "nmae": "y"}, "nmae"),
    ],
)
def test_a_portfolio_that_cannot_be_is_refused_and_leaves_nothing(api, stored, body, field) -> None:
    before = stored()
    answer = api.post("/portfolios", json=body)

    assert answer.status_code == 422
    problem = answer.json()
    assert field in [problem.get("field"), *[error["field"] for error in problem.get("errors", [])]]
    assert stored() == before


def test_a_holding_in_another_currency_without_a_rate_is_refused_and_leaves_nothing(api, stored) -> None:
    before = stored()
    held = [{"ticker": "FIRST", "quantity": "1", "avg_cost": "1"}, {"ticker": "AAPL", "quantity": "1", "avg_cost": "1"}]
    answer = api.post("/portfolios", json={"name": "x", "base_currency": "EUR", "holdings": held})

    assert (answer.status_code, answer.json()["code"]) == (422, "fx_missing")
    assert stored() == before


def test_a_field_in_the_body_and_in_the_query_string_is_refused(api) -> None:
    answer = api.post("/portfolios?name=a", json={"name": "b"})

    assert (answer.status_code, answer.json()["field"]) == (422, "name")


def test_the_query_string_completes_a_body(api) -> None:
    created = api.post("/portfolios?name=a&initial_cash=5", json={"time_zone": "UTC"}).json()

    assert (created["name"], created["cash"], created["time_zone"]) == ("a", "5", "UTC")
