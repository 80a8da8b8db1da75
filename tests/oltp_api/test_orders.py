"""Orders over HTTP. The small release's last closes on 2017-03-29 are AAPL 121 and MSFT 40, of the day before."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from domain.errors import PortfolioNotFound
from domain.events import OrderPlaced
from domain.holdings import CostMethod
from oltp_api.app import create_app
from oltp_api.broker import SimulatedBroker, broker_of, fill_due_orders, handle_order_placed
from oltp_api.dependencies import LOCAL_USER, World
from storage.lake import Lake
from storage.outbox import payload_of
from storage.postgres import Database
from storage.settings import Settings
from tests.conftest import served
from tests.small_release import publish_small_release

D = Decimal


@pytest.fixture(scope="module")
def world(settings: Settings, lake: Lake) -> Any:
    """The running application's own world, over a released lake."""
    publish_small_release(lake)
    app = create_app(settings)
    with served(app):
        yield app.state.world


@pytest.fixture(scope="module", autouse=True)
def released(world: World) -> None:
    assert world.analytics.release().release_id == 2


@dataclass(frozen=True)
class Desk:
    """Orders of one portfolio."""

    api: httpx.Client
    portfolio_id: str

    def place(self, quantity: Any = "10", ticker: str = "AAPL", key: str | None = None, **more: Any) -> httpx.Response:
        body = {"portfolio_id": self.portfolio_id, "ticker": ticker, "quantity": quantity, **more}
        return self.api.post("/orders", json=body, headers=_keyed(key))

    def placed(self, *of: Any, **more: Any) -> str:
        answer = self.place(*of, **more)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["order_id"])

    def fill(self, order_id: str, fill_price: Any, key: str | None = None, **more: Any) -> httpx.Response:
        body = {"fill_price": fill_price, **more}
        return self.api.post(f"/orders/{order_id}/fill", json=body, headers=_keyed(key))

    def cancel(self, order_id: str, reason: str = "changed my mind", key: str | None = None) -> httpx.Response:
        return self.api.post(f"/orders/{order_id}/cancel", json={"reason": reason}, headers=_keyed(key))

    def get(self, order_id: str) -> dict[str, Any]:
        return dict(self.api.get(f"/orders/{order_id}").raise_for_status().json())

    def rows(self) -> list[dict[str, Any]]:
        return list(self.api.get(f"/portfolios/{self.portfolio_id}/transactions").raise_for_status().json()["items"])

    def cash(self) -> tuple[str, str, str]:
        """Balance, reserved and available dollars."""
        balances = self.api.get(f"/portfolios/{self.portfolio_id}/cash").raise_for_status().json()["balances"]
        (usd,) = [balance for balance in balances if balance["currency"] == "USD"]
        return usd["balance"], usd["reserved"], usd["available"]

    def units(self, ticker: str = "AAPL") -> tuple[str, str]:
        """Held, and of that reserved."""
        held = self.api.get(f"/portfolios/{self.portfolio_id}/holdings").raise_for_status().json()["holdings"]
        (account,) = next((one["accounts"] for one in held if one["ticker"] == ticker), [{"quantity": "0"}])
        return account["quantity"], account.get("reserved", "0")

    def transact(self, **body: Any) -> httpx.Response:
        return self.api.post(f"/portfolios/{self.portfolio_id}/transactions", json=body)


def _keyed(key: str | None) -> dict[str, str]:
    return {"Idempotency-Key": key} if key else {}


@pytest.fixture
def desk(portfolio) -> Desk:
    """10,000 dollars and no units."""
    return Desk(portfolio.api, portfolio.portfolio_id)


@pytest.fixture
def holder(new_portfolio) -> Desk:
    """10,000 dollars and 10 AAPL."""
    held = new_portfolio(holdings=[{"ticker": "AAPL", "quantity": "10", "avg_cost": "100"}])
    return Desk(held.api, held.portfolio_id)


def events_of(database: Database, order_id: str) -> list[tuple[str, int]]:
    with psycopg.connect(database.admin_url) as connection:
        rows = connection.execute(
            "select event_type, version from outbox where aggregate_id = %s order by seq", (order_id,)
        ).fetchall()
    return [(kind, version) for kind, version in rows]


def test_the_requests_of_the_source_example_work_as_they_stand(api) -> None:
    mine = api.post("/portfolios?name=MyPortfolio&initial_cash=10000", headers={"accept": "application/json"}).json()
    order = {"portfolio_id": mine["portfolio_id"], "symbol": "AAPL", "quantity": 10, "order_type": "MARKET"}
    first, second = (api.post("/orders", json=order) for _ in range(2))
    assert (first.status_code, first.json()["side"], first.json()["status"]) == (201, "BUY", "PENDING")

    address = f"/orders/{first.json()['order_id']}"
    cancelled = api.post(f"{address}/cancel", json={"reason": "User requested cancellation"})
    filled = api.post(f"/orders/{second.json()['order_id']}/fill", json={"fill_price": 150.50})

    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "CANCELLED")
    assert (filled.status_code, filled.json()["status"]) == (200, "FILLED")
    assert api.get(address).json() == cancelled.json()
    assert api.get(f"/portfolios/{mine['portfolio_id']}").json()["cash"] == "8495"


def test_a_purchase_at_the_market_reserves_the_last_close_and_a_twentieth_and_its_fee(desk) -> None:
    order = desk.place("10", fees="3").json()

    assert (order["reserved_cash"], order["reserved_quantity"], order["currency"]) == ("1273.5", "0", "USD")
    assert desk.cash() == ("10000", "1273.5", "8726.5")
    assert [row["type"] for row in desk.rows()] == ["DEPOSIT"]


def test_a_fill_writes_its_ledger_row_pays_the_price_and_frees_the_rest(desk) -> None:
    order_id = desk.placed("10")
    order = desk.fill(order_id, "120.5", fees="1", fill_id="f1", note="from the desk").json()

    row = desk.rows()[-1]
    assert (order["status"], order["filled_quantity"], order["reserved_cash"]) == ("FILLED", "10", "0")
    assert (row["type"], row["quantity"], row["cash_effect"], row["note"]) == ("BUY", "10", "-1206", "from the desk")
    assert (row["external_id"], row["seq"]) == (f"order:{order_id}:f1", order["fills"][0]["seq"])
    assert desk.cash() == ("8794", "0", "8794")
    assert desk.units() == ("10", "0")


def test_a_sale_reserves_its_units_from_other_sales_and_transfers(holder) -> None:
    order_id = holder.placed("8", side="SELL")
    assert holder.units() == ("10", "8")

    refused = holder.transact(type="SELL", ticker="AAPL", quantity="3", price="100")
    again = holder.place("3", side="SELL")
    assert {refused.json()["code"], again.json()["code"]} == {"insufficient_position"}
    assert (again.json()["held"], again.json()["asked"]) == ("2", "3")

    assert holder.fill(order_id, "130").json()["status"] == "FILLED"
    assert (holder.units(), holder.cash()) == (("2", "0"), ("11040", "0", "11040"))


def test_reserved_cash_can_be_neither_withdrawn_nor_spent_nor_reserved_again(desk) -> None:
    desk.placed("80")  # reserves 10,164

    assert desk.place("70").status_code == 422


def test_cash_that_an_order_reserved_is_refused_to_everything_else(desk) -> None:
    desk.placed("70", order_type="LIMIT", limit_price="100")

    for refused in (
        desk.transact(type="WITHDRAW", amount="3000.01"),
        desk.transact(type="BUY", ticker="MSFT", quantity="1", price="3000.01"),
        desk.place("1", ticker="MSFT", order_type="LIMIT", limit_price="3000.01"),
    ):
        assert (refused.status_code, refused.json()["code"], refused.json()["available"]) == (
            422,
            "insufficient_cash",
            "3000",
        )
    assert desk.transact(type="WITHDRAW", amount="3000").status_code == 201
    assert desk.cash() == ("7000", "7000", "0")
