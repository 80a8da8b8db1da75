"""Fixtures of the API tests: a portfolio to act on, and a look at what is stored."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from storage.postgres.database import Database


@dataclass(frozen=True)
class Client:
    """One portfolio over HTTP."""

    api: httpx.Client
    portfolio_id: str

    def post(self, key: str | None = None, **body: Any) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return self.api.post(f"/portfolios/{self.portfolio_id}/transactions", json=body, headers=headers)

    def buy(self, quantity: str, price: str, ticker: str = "AAPL", **more: Any) -> httpx.Response:
        return self.post(type="BUY", ticker=ticker, quantity=quantity, price=price, **more)

    def sell(self, quantity: str, price: str, ticker: str = "AAPL", **more: Any) -> httpx.Response:
        return self.post(type="SELL", ticker=ticker, quantity=quantity, price=price, **more)

    def get(self, what: str = "", **query: Any) -> Any:
        answer = self.api.get(f"/portfolios/{self.portfolio_id}{what}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def new_portfolio(api: httpx.Client) -> Callable[..., Client]:
    """Makes a portfolio, by default with 10,000 USD since 2015-01-02."""

    def create(**body: Any) -> Client:
        asked = {"name": "mine", "initial_cash": "10000", "business_date": "2015-01-02", **body}
        answer = api.post("/portfolios", json=asked)
        assert answer.status_code == 201, answer.text
        return Client(api, answer.json()["portfolio_id"])

    return create


@pytest.fixture
def portfolio(new_portfolio: Callable[..., Client]) -> Client:
    return new_portfolio()


@pytest.fixture
def foreign_portfolio(database: Database) -> UUID:
    """A portfolio of another user."""
    user_id, portfolio_id = uuid4(), uuid4()
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("insert into app_user values (%s, %s)", (user_id, f"{user_id}@example.invalid"))
        connection.execute(
            "insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone)"
            " values (%s, %s, 'theirs', 'USD', 'INVESTMENT', 'UTC')",
            (portfolio_id, user_id),
        )
    return portfolio_id


@pytest.fixture
def stored(database: Database) -> Callable[[], dict[str, Any]]:
    """Return a look at the database, in counts and sums; equal before and after means that nothing was stored."""
    tables = ["transaction_ledger", "outbox", "portfolio", "simulation", "idempotency_key", "security_registry"]
    sums = {"position_current": "quantity + cost_basis", "cash_balance": "balance", "portfolio": "version"}

    def look() -> dict[str, Any]:
        with psycopg.connect(database.admin_url) as connection:
            counts = {
                f"{table} rows": connection.execute(f"select count(*) from {table}").fetchone() for table in tables
            }
            totals = {
                f"{table} sum": connection.execute(f"select sum({what}) from {table}").fetchone()
                for table, what in sums.items()
            }
        return {**counts, **totals}

    return look
