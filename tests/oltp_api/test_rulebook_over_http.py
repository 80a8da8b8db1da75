"""Rulebook 0, 1, 2, 3, 4, 6 and 13 where the whole path from request to stored row decides."""

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from domain.money import money, product, share
from storage.postgres.database import Database

USER = "00000000-0000-4000-8000-000000000001"


@pytest.fixture(scope="module")
def second_account(database: Database) -> str:
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(
            "insert into account (user_id, identifier, broker, account_type) values (%s, 'TWO', 'Broker', 'CUSTODY')",
            (USER,),
        )
    return "TWO"


def held(portfolio: Any) -> dict[str, Any]:
    (found,) = portfolio.get("/holdings")["holdings"]
    return found


def numbers_in(value: Any) -> list[object]:
    if isinstance(value, dict):
        return [number for part in value.values() for number in numbers_in(part)]
    if isinstance(value, list):
        return [number for part in value for number in numbers_in(part)]
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


def test_money_crosses_http_as_a_string(portfolio) -> None:
    row = portfolio.buy("0.12345678", "1234.56789012", fees="0.00000001").json()
    answers = [row, portfolio.get("/holdings"), portfolio.get("/cash"), portfolio.get()]

    assert isinstance(row["cash_effect"], str)
    assert {type(number) for answer in answers for number in numbers_in(answer)} == {int}  # ids, seq and version
    exact = product(Decimal("0.12345678"), Decimal("1234.56789012"))
    assert Decimal(row["cash_effect"]) == -round(exact + Decimal("0.00000001"), 2)
    assert Decimal(row["gross"]) == -Decimal(row["cash_effect"]) - Decimal("0.00000001"), "what the cash says"


def test_python_rounds_as_postgres_and_duckdb_do(database: Database) -> None:
    """Half away from zero, at 8 places, of the exact product or quotient."""
    import duckdb

    draw = random.Random(7)
    pairs = [(Decimal(draw.randint(-(10**9), 10**9)).scaleb(-8), Decimal(draw.randint(1, 10**6))) for _ in range(300)]
    ours = [(product(a, b.scaleb(-4)), share(a, Decimal(1), b), money(a * 5 * Decimal("1e-9"))) for a, b in pairs]
    with psycopg.connect(database.admin_url) as connection:
        theirs = [
            connection.execute(
                "select round(%(a)s * %(b)s * 0.0001, 8), round(%(a)s / %(b)s, 8), round(%(a)s * 5 * 0.000000001, 8)",
                {"a": a, "b": b},
            ).fetchone()
            for a, b in pairs
        ]
    assert ours == theirs
    with duckdb.connect() as duck:
        for a, b in pairs:
            query = "select round($a::decimal(18, 8) * $b::decimal(10, 0) * 0.0001, 8)"
            assert duck.execute(query, {"a": str(a), "b": str(b)}).fetchone() == (product(a, b.scaleb(-4)),)


def test_a_change_of_the_method_restates_holdings_and_is_recorded_as_an_event(portfolio, database: Database) -> None:
    portfolio.buy("10", "10", business_date="2016-01-04")
    portfolio.buy("10", "20", business_date="2016-01-05")
    portfolio.sell("10", "25", business_date="2016-01-06")
    assert (held(portfolio)["cost_basis"], held(portfolio)["realised"]) == ("150", "100")

    answer = portfolio.api.put(f"/portfolios/{portfolio.portfolio_id}/cost-method", json={"cost_method": "FIFO"})
    (restated,) = answer.json()["holdings"]
    assert (restated["cost_basis"], restated["realised"]) == ("200", "150")
    with psycopg.connect(database.admin_url) as connection:
        events = connection.execute(
            "select payload ->> 'cost_method' from outbox where event_type = 'CostMethodChanged' and aggregate_id = %s",
            (portfolio.portfolio_id,),
        ).fetchall()
    assert events == [("FIFO",)]


def test_a_gain_on_an_unknown_basis_is_absent_from_the_answer_never_0(portfolio) -> None:
    portfolio.post(type="TRANSFER_IN", ticker="AAPL", quantity="10")
    portfolio.sell("4", "100")

    assert (held(portfolio)["basis"], held(portfolio)["cost_basis"], held(portfolio)["realised"]) == (
        "UNKNOWN",
        None,
        None,
    )


@pytest.mark.parametrize(
    "row",
    [
        {"type": "DIVIDEND", "amount": "5"},
        {"type": "DIVIDEND", "per_unit": "0.5", "ex_date": "2016-01-05"},
        {"type": "SPLIT", "split_new": "2", "split_old": "1"},
    ],
    ids=["a dividend", "a dividend per unit", "a split"],
)
def test_a_dividend_or_split_of_a_total_return_security_is_refused(portfolio, stored, row: dict[str, str]) -> None:
    portfolio.buy("10", "100", business_date="2016-01-04")
    before = stored()
    answer = portfolio.post(ticker="AAPL", business_date="2016-01-06", **row)

    assert (answer.status_code, answer.json()["code"]) == (422, "total_return_security")
    assert stored() == before


@pytest.mark.parametrize("moment", [{}, {"event_ts": "2016-01-06T20:30:00Z"}], ids=["no moment", "a later moment"])
def test_a_split_applies_at_the_start_of_its_day_whatever_moment_is_given(portfolio, moment: dict[str, str]) -> None:
    portfolio.api.post("/securities", json={"ticker": "SPLITS"})
    portfolio.buy("10", "100", ticker="SPLITS", business_date="2016-01-05")
    portfolio.buy("3", "50", ticker="SPLITS", business_date="2016-01-06", event_ts="2016-01-06T15:00:00Z")
    split = {"type": "SPLIT", "split_new": "2", "split_old": "1", "business_date": "2016-01-06", **moment}
    row = portfolio.post(ticker="SPLITS", **split).json()

    assert row["event_ts"] == "2016-01-06T05:00:00Z"
    assert (held(portfolio)["quantity"], held(portfolio)["cost_basis"]) == ("23", "1150")


def test_what_a_reversal_took_back_is_no_longer_stored(portfolio, database: Database) -> None:
    portfolio.buy("10", "100")
    for seq in (2, 1):
        address = f"/portfolios/{portfolio.portfolio_id}/transactions/{seq}/reversal"
        assert portfolio.api.post(address, json={}).status_code == 201

    assert portfolio.get("/holdings")["holdings"] == []
    assert portfolio.get()["cash"] == "0"
    with psycopg.connect(database.admin_url) as connection:
        stored = connection.execute(
            "select quantity, cost_basis, realised from account_holding where portfolio_id = %s",
            (portfolio.portfolio_id,),
        ).fetchall()
    assert stored == [(0, 0, 0)]


def test_a_back_dated_row_rewrites_no_other_portfolio(new_portfolio: Callable[..., Any], database: Database) -> None:
    mine, other = new_portfolio(), new_portfolio()
    for one in (mine, other):
        one.buy("10", "100", business_date="2016-01-06")
    query = "select xmin::text, * from account_holding where portfolio_id = %s"
    with psycopg.connect(database.admin_url, row_factory=dict_row, autocommit=True) as connection:
        before = connection.execute(query, (other.portfolio_id,)).fetchall()
        mine.buy("10", "50", business_date="2016-01-04")
        assert connection.execute(query, (other.portfolio_id,)).fetchall() == before


def add(portfolio: Any, **body: Any) -> Any:
    return portfolio.api.post(f"/portfolios/{portfolio.portfolio_id}/holdings", json=body)


def test_adding_and_removing_a_holding_over_http_recomputes_the_position(portfolio, second_account: str) -> None:
    add(portfolio, account="MAIN", ticker="AAPL", quantity="50", cost_per_unit="500")
    add(portfolio, account=second_account, ticker="AAPL", quantity="30", cost_per_unit="520")
    assert (held(portfolio)["quantity"], held(portfolio)["avg_cost"]) == ("80", "507.5")

    address = f"/portfolios/{portfolio.portfolio_id}/holdings/AAPL/accounts/MAIN"
    assert portfolio.api.delete(address).status_code == 200
    assert (held(portfolio)["quantity"], held(portfolio)["avg_cost"]) == ("30", "520")
    assert portfolio.get()["cash"] == "10000"


@pytest.mark.parametrize("cost", ["0", None])
def test_a_bought_holding_costs_more_than_0_and_a_received_one_may_cost_nothing_or_be_unknown(portfolio, cost) -> None:
    body = {"account": "MAIN", "ticker": "AAPL", "quantity": "5", "cost_per_unit": cost}
    assert add(portfolio, **body).json()["code"] == "invalid_number"
    assert portfolio.get("/holdings")["holdings"] == []

    assert add(portfolio, **body, is_received=True).status_code == 201
    assert held(portfolio)["avg_cost"] == cost


def test_a_held_quantity_is_above_0_over_http(portfolio) -> None:
    for quantity in ("0", "-1"):
        answer = add(portfolio, account="MAIN", ticker="AAPL", quantity=quantity, cost_per_unit="1")
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_number")
