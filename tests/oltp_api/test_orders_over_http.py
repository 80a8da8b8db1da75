"""Orders over HTTP. The small release's last closes on 2017-03-29 are AAPL 121 and MSFT 40, of the day before."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import duckdb
import httpx
import psycopg
import pytest
from pydantic import BaseModel

from domain.orders import Execution, FillSource, Order
from oltp_api.context import AppContext
from oltp_api.opening import opened
from oltp_api.orders.broker import SimulatedBroker, broker_of, fill_due_orders, handle_order_placed
from oltp_api.orders.schemas import (
    CancelRequest,
    FillRequest,
    FillView,
    OrderPage,
    OrderRequest,
    OrderView,
    OrderWithFills,
)
from pipelines.replication.tables import replicate
from storage.lake.delta import Lake
from storage.postgres.database import Database
from storage.settings import Settings
from tests.documented import contract
from tests.small_release import publish_small_release

D = Decimal


@pytest.fixture(scope="module")
def context(settings: Settings, lake: Lake) -> Any:
    """The worker's, over a released lake."""
    publish_small_release(lake)
    with opened(settings, for_everybody=True) as context:
        yield context


@pytest.fixture(scope="module", autouse=True)
def released(context: AppContext) -> None:
    assert context.analytics.release().release_id == 2


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


def test_partial_fills_add_up_and_free_the_reservation_in_proportion(desk) -> None:
    order_id = desk.placed("3", order_type="LIMIT", limit_price="33.33333333", fees="1")
    reserved = [desk.get(order_id)["reserved_cash"]]
    for _ in range(3):
        order = desk.fill(order_id, "33", quantity="1").json()
        reserved.append(order["reserved_cash"])

    assert reserved == ["100.99999999", "67.33333333", "33.66666666", "0"]
    assert (order["status"], order["filled_quantity"], order["left_quantity"]) == ("FILLED", "3", "0")
    assert sum(D(fill["fees"]) for fill in order["fills"]) == 1
    assert desk.cash() == ("9900", "0", "9900")


def test_a_fill_told_twice_is_one_fill(desk) -> None:
    order_id = desk.placed("10")
    desk.fill(order_id, "120", quantity="4", fill_id="f1")
    again = desk.fill(order_id, "120", quantity="4", fill_id="f1")

    assert (again.status_code, again.json()["filled_quantity"]) == (200, "4")
    assert desk.fill(order_id, "120", quantity="5", fill_id="f1").json()["code"] == "fill_conflict"
    assert desk.fill(order_id, "121", quantity="4", fill_id="f1").json()["code"] == "fill_conflict"
    assert len(desk.rows()) == 2
    desk.fill(order_id, "120", fill_id="f2")
    assert desk.fill(order_id, "120", fill_id="f2").json()["status"] == "FILLED"
    assert desk.units() == ("10", "0")


def test_a_fill_for_which_the_cash_is_missing_is_refused_and_changes_nothing(desk, stored) -> None:
    order_id = desk.placed("50")  # reserves 6,352.50
    desk.placed("30", ticker="MSFT", order_type="LIMIT", limit_price="100")
    before = (stored(), desk.get(order_id), desk.cash())
    answer = desk.fill(order_id, "140.01")

    assert (answer.status_code, answer.json()["code"]) == (422, "insufficient_cash")
    assert (stored(), desk.get(order_id), desk.cash()) == before
    assert desk.fill(order_id, "140").status_code == 200, "above its reservation it draws what is free"
    assert desk.cash() == ("3000", "3000", "0")


def test_an_order_is_closed_once(desk, database: Database) -> None:
    filled, cancelled = desk.placed("1"), desk.placed("1")
    desk.fill(filled, "100")
    desk.cancel(cancelled, "enough")

    assert {desk.cancel(filled).json()["code"], desk.fill(filled, "100").json()["code"]} == {"order_filled"}
    assert {desk.cancel(cancelled).json()["code"], desk.fill(cancelled, "1").json()["code"]} == {"order_cancelled"}
    assert desk.get(cancelled)["reason"] == "enough"
    assert events_of(database, filled) == [("OrderPlaced", 1), ("OrderFilled", 2)]
    assert events_of(database, cancelled) == [("OrderPlaced", 1), ("OrderCancelled", 2)]


def test_cancelling_what_is_left_keeps_what_was_filled(desk) -> None:
    order_id = desk.placed("10")
    desk.fill(order_id, "100", quantity="4")
    order = desk.cancel(order_id).json()

    assert (order["status"], order["filled_quantity"], order["reserved_cash"]) == ("CANCELLED", "4", "0")
    assert (desk.cash(), desk.units()) == (("9600", "0", "9600"), ("4", "0"))


def test_every_post_with_an_idempotency_key_has_one_effect(desk, database: Database) -> None:
    placed = [desk.place("10", key="place-once") for _ in range(2)]
    order_id = placed[0].json()["order_id"]
    filled = [desk.fill(order_id, "100", quantity="4", key="fill-once") for _ in range(2)]
    cancelled = [desk.cancel(order_id, key="cancel-once") for _ in range(2)]

    for first, again in (placed, filled, cancelled):
        assert first.is_success
        assert (again.status_code, again.content) == (first.status_code, first.content)
    assert events_of(database, order_id) == [("OrderPlaced", 1), ("OrderFilled", 2), ("OrderCancelled", 3)]
    assert desk.cash() == ("9600", "0", "9600")


def test_parallel_orders_for_different_securities_see_each_others_reservations(new_portfolio) -> None:
    for _ in range(10):
        mine = new_portfolio(initial_cash="100")
        desk = Desk(mine.api, mine.portfolio_id)
        limit = {"order_type": "LIMIT", "limit_price": "60"}
        with ThreadPoolExecutor(2) as threads:
            sent = [threads.submit(desk.place, "1", ticker, **limit) for ticker in ("AAPL", "MSFT")]

        assert sorted(answer.result().status_code for answer in sent) == [201, 422]
        assert desk.cash() == ("100", "60", "40")


def test_orders_of_different_portfolios_never_wait_for_one_another(new_portfolio, database: Database) -> None:
    busy, free = (Desk(one.api, one.portfolio_id) for one in (new_portfolio(), new_portfolio()))
    order_id = free.placed("2")
    lock = "select from portfolio where portfolio_id = %s for update"
    with ThreadPoolExecutor(1) as thread, psycopg.connect(database.services_url) as connection:
        connection.execute(lock, (busy.portfolio_id,))
        waiting = thread.submit(busy.place, "1")
        assert free.fill(order_id, "100", quantity="1").status_code == 200
        assert free.cancel(order_id).status_code == 200
        assert not waiting.done(), "those of the locked portfolio do wait"
        connection.commit()
        assert waiting.result().status_code == 201


REFUSED = [
    ("no price", {"ticker": "KO"}, "no_recent_price"),
    ("unknown ticker", {"ticker": "NOPE"}, "unknown_security"),
    ("an index", {"ticker": "SP500"}, "invalid_input"),
    ("zero quantity", {"quantity": "0"}, "invalid_number"),
    ("negative quantity", {"quantity": "-1"}, "invalid_number"),
    ("too many decimals", {"quantity": "0.000000001"}, "invalid_number"),
    ("NaN", {"quantity": "NaN"}, "invalid_number"),
    ("negative fees", {"fees": "-1"}, "invalid_number"),
    ("unknown side", {"side": "SHORT"}, "invalid_input"),
    ("unknown type", {"order_type": "STOP"}, "invalid_input"),
    ("a limit without a price", {"order_type": "LIMIT"}, "invalid_input"),
    ("a price without a limit", {"limit_price": "1"}, "invalid_input"),
    ("a limit of zero", {"order_type": "LIMIT", "limit_price": "0"}, "invalid_number"),
    ("too large", {"order_type": "LIMIT", "limit_price": "9999999999", "quantity": "9999999999"}, "out_of_range"),
    ("unknown account", {"account": "SWISS"}, "invalid_input"),
    ("a misspelt field", {"sied": "SELL"}, "invalid_input"),
    ("units that are not held", {"side": "SELL"}, "insufficient_position"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_an_order_that_cannot_be_is_a_clean_422_and_leaves_nothing(desk, stored, body, code) -> None:
    before = stored()
    answer = desk.place(**{"quantity": "1", "key": uuid4().hex, **body})

    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert stored() == before
    assert desk.api.get(f"/portfolios/{desk.portfolio_id}/orders").json()["items"] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"fill_price": "121.01"}, "worse_than_limit"),
        ({"fill_price": "100", "quantity": "10.00000001"}, "overfill"),
        ({"fill_price": "100", "quantity": "0"}, "invalid_number"),
        ({"fill_price": "0"}, "invalid_number"),
        ({"fill_price": "100", "fees": "-1"}, "invalid_number"),
        ({"fill_price": "100", "fx_rate": "2"}, "invalid_number"),
        ({"fill_price": "100", "fill_id": ""}, "invalid_input"),
        ({"fill_price": "100", "business_date": "2017-03-30"}, "invalid_input"),
        ({}, "invalid_input"),
    ],
)
def test_a_fill_that_cannot_be_is_refused_and_leaves_nothing(desk, stored, body, code) -> None:
    order_id = desk.placed("10", order_type="LIMIT", limit_price="121")
    before = (stored(), desk.get(order_id), desk.cash())
    answer = desk.api.post(f"/orders/{order_id}/fill", json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert (stored(), desk.get(order_id), desk.cash()) == before


def test_a_sale_below_its_limit_is_refused(holder) -> None:
    order_id = holder.placed("10", side="SELL", order_type="LIMIT", limit_price="130")

    assert holder.fill(order_id, "129.99").json()["code"] == "worse_than_limit"
    assert holder.fill(order_id, "130.01").json()["status"] == "FILLED"


def test_a_back_dated_fill_is_decided_against_the_history(desk) -> None:
    order_id = desk.placed("10")
    desk.transact(type="DEPOSIT", amount="1", business_date="2016-05-02")

    assert desk.fill(order_id, "100", business_date="2016-05-01").status_code == 200
    assert desk.rows()[-1]["business_date"] == "2016-05-01"
    early = desk.placed("1")
    refused = desk.fill(early, "100", business_date="2014-12-31").json()
    assert (refused["code"], refused["first_violating_date"]) == ("insufficient_cash", "2014-12-31")


def test_a_fill_in_another_currency_needs_its_rate_and_takes_that_currencys_cash(desk) -> None:
    desk.api.post("/securities", json={"ticker": "SAPDE", "currency": "EUR", "display_name": "SAP"})
    euros = {"from_currency": "USD", "amount": "1100", "to_currency": "EUR", "received": "1000"}
    assert desk.api.post(f"/portfolios/{desk.portfolio_id}/conversions", json=euros).status_code == 201
    order = desk.place("10", ticker="SAPDE", order_type="LIMIT", limit_price="90").json()

    assert (order["currency"], order["reserved_cash"]) == ("EUR", "900")
    assert desk.fill(order["order_id"], "80").json()["code"] == "fx_missing"
    assert desk.fill(order["order_id"], "80", fx_rate="1.12").json()["status"] == "FILLED"
    assert desk.rows()[-1]["fx_rate"] == "1.12"
    assert desk.cash() == ("8900", "0", "8900")


def test_a_bonds_price_is_per_cent_of_par(desk) -> None:
    desk.api.post("/securities", json={"ticker": "T10", "asset_type": "BOND", "display_name": "Treasury"})
    order = desk.place("5000", ticker="T10", order_type="LIMIT", limit_price="99").json()

    assert order["reserved_cash"] == "4950"
    assert desk.fill(order["order_id"], "98", accrued="12").json()["fills"][0]["accrued"] == "12"
    assert desk.cash() == ("5088", "0", "5088")


def test_a_trading_book_reserves_but_is_never_refused_for_a_shortage(new_portfolio) -> None:
    book = new_portfolio(kind="TRADING_BOOK", initial_cash=None)
    desk = Desk(book.api, book.portfolio_id)
    bought, sold = desk.placed("10"), desk.placed("30", ticker="MSFT", side="SELL")

    assert desk.cash() == ("0", "1270.5", "-1270.5")
    assert desk.get(sold)["reserved_quantity"] == "30"
    assert desk.fill(bought, "200").json()["is_overdrawn"] is False
    assert desk.fill(sold, "50").json()["status"] == "FILLED"
    assert (desk.units("MSFT"), desk.cash()) == (("-30", "0"), ("-500", "0", "-500"))


def test_orders_are_filtered_sorted_and_paged(desk) -> None:
    ids = [desk.placed("1", ticker=ticker) for ticker in ("AAPL", "MSFT", "AAPL", "AAPL")]
    desk.cancel(ids[0])

    def listed(**query: Any) -> list[str]:
        found = desk.api.get("/orders", params={"portfolio_id": desk.portfolio_id, **query}).raise_for_status()
        return [order["order_id"] for order in found.json()["items"]]

    assert listed() == ids
    assert listed(sort="-placed_at") == ids[::-1]
    assert listed(ticker="aapl", status="PENDING") == [ids[2], ids[3]]
    assert listed(side="SELL") == []
    assert listed(limit=2, cursor=ids[1]) == ids[2:]
    assert listed(sort="-placed_at", limit=2, cursor=ids[2]) == [ids[1], ids[0]]
    assert listed(cursor=str(uuid4())) == []
    of_portfolio = desk.api.get(f"/portfolios/{desk.portfolio_id}/orders", params={"limit": 3}).json()
    assert [order["order_id"] for order in of_portfolio["items"]] == ids[:3]
    assert of_portfolio["next_cursor"] == ids[2]


def test_another_users_orders_do_not_exist(api, foreign_portfolio: UUID, database: Database) -> None:
    order_id = uuid4()
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(
            "insert into orders (order_id, portfolio_id, account_id, security_id, side, order_type, quantity, fees,"
            " status, filled_quantity, reserved_cash, reserved_quantity, currency, reason, is_overdrawn, version,"
            " placed_at, updated_at) select %s, %s, min(account_id), (select min(security_id) from security_registry),"
            " 'BUY', 'MARKET', 1, 0, 'CANCELLED', 0, 0, 0, 'USD', '', false, 1, now(), now() from account",
            (order_id, foreign_portfolio),
        )
    place = {"portfolio_id": str(foreign_portfolio), "ticker": "AAPL", "quantity": "1"}

    for missing in (
        api.get(f"/orders/{order_id}"),
        api.post(f"/orders/{order_id}/cancel", json={}),
        api.post(f"/orders/{order_id}/fill", json={"fill_price": "1"}),
        api.get(f"/orders/{uuid4()}"),
    ):
        assert (missing.status_code, missing.json()["code"]) == (404, "order_not_found")
    assert api.post("/orders", json=place).json()["code"] == "portfolio_not_found"
    assert api.get(f"/portfolios/{foreign_portfolio}/orders").status_code == 404
    assert api.get("/orders", params={"portfolio_id": str(foreign_portfolio)}).json()["items"] == []


def test_open_orders_hold_all_that_is_reserved_and_keep_the_portfolio_from_being_archived(
    desk, database: Database
) -> None:
    ids = [desk.placed("1"), desk.placed("2"), desk.placed("1", ticker="MSFT")]
    desk.cancel(ids[0])
    desk.fill(ids[1], "100", quantity="1")

    refused = desk.api.post(f"/portfolios/{desk.portfolio_id}/archive")
    assert (refused.status_code, refused.json()["code"]) == (422, "orders_open")
    assert "2 open orders" in refused.json()["detail"]
    with psycopg.connect(database.admin_url) as connection:
        total = connection.execute(
            "select sum(reserved_cash) from orders where portfolio_id = %s", (desk.portfolio_id,)
        ).fetchone()
    assert total == (D(desk.cash()[1]),)


def test_the_database_itself_keeps_closed_orders_from_holding_a_reservation(desk, database: Database) -> None:
    order_id = desk.placed("1")

    with (
        psycopg.connect(database.services_url) as connection,
        pytest.raises(psycopg.errors.CheckViolation, match="only_open_orders_hold_reservations"),
    ):
        connection.execute("update orders set status = 'CANCELLED' where order_id = %s", (order_id,))


def test_orders_and_their_fills_are_replicated_exactly(desk, database: Database) -> None:
    order_id = desk.placed("3", order_type="LIMIT", limit_price="33.33333333")
    desk.fill(order_id, "33.33333333", quantity="1", fill_id="f1")
    with duckdb.connect() as connection:
        rows = replicate(connection, database.reader_dsn, ["raw/pg_order", "raw/pg_order_fill"]).rows

    (order,) = [row for row in rows["raw/pg_order"].to_pylist() if row["order_id"] == order_id]
    (fill,) = [row for row in rows["raw/pg_order_fill"].to_pylist() if row["order_id"] == order_id]
    assert (order["status"], order["reserved_cash"]) == ("PARTIALLY_FILLED", D("66.66666666"))
    assert (fill["fill_id"], fill["quantity"], fill["price"]) == ("f1", 1, D("33.33333333"))


def at_once(context: AppContext) -> SimulatedBroker:
    return SimulatedBroker(context.analytics, timedelta(0))


def fill_all(context: AppContext, times: int = 1) -> list[int]:
    return [fill_due_orders(context, at_once(context), datetime.now(UTC)) for _ in range(times)]


def test_the_simulated_broker_fills_at_the_last_close_after_its_delay(desk, context: AppContext) -> None:
    order_id = desk.placed("10", fees="2")
    slow = SimulatedBroker(context.analytics, timedelta(seconds=30))
    now = datetime.now(UTC)

    fill_due_orders(context, slow, now)
    assert desk.get(order_id)["status"] == "PENDING"
    fill_due_orders(context, slow, now + timedelta(seconds=31))
    order = desk.get(order_id)
    assert (order["status"], order["fills"][0]["source"]) == ("FILLED", "BROKER")
    assert (order["fills"][0]["price"], order["fills"][0]["fees"]) == ("121", "2")
    assert desk.cash() == ("8788", "0", "8788")


def test_an_order_that_was_placed_while_the_clock_was_a_year_ahead_is_filled_now(desk, context, database) -> None:
    order_id = desk.placed("10")
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(
            "update orders set placed_at = placed_at + interval '1 year' where order_id = %s", (order_id,)
        )

    fill_due_orders(context, SimulatedBroker(context.analytics, timedelta(seconds=30)), datetime.now(UTC))

    assert desk.get(order_id)["status"] == "FILLED"


def test_control_an_order_of_a_moment_ago_or_ahead_by_less_than_the_delay_waits(desk, context: AppContext) -> None:
    order_id = desk.placed("10")
    slow = SimulatedBroker(context.analytics, timedelta(seconds=30))

    for seconds in (-20, 20):
        fill_due_orders(context, slow, datetime.now(UTC) + timedelta(seconds=seconds))
    assert desk.get(order_id)["status"] == "PENDING"


def test_a_large_order_is_filled_in_two_parts_each_of_them_once(new_portfolio, context: AppContext) -> None:
    rich = new_portfolio(initial_cash="100000")
    desk = Desk(rich.api, rich.portfolio_id)
    order_id = desk.placed("301")

    fill_all(context)
    assert (desk.get(order_id)["status"], desk.get(order_id)["filled_quantity"]) == ("PARTIALLY_FILLED", "150")
    fill_all(context, times=3)
    order = desk.get(order_id)
    assert [(fill["fill_id"], fill["quantity"]) for fill in order["fills"]] == [
        ("simulated-1", "150"),
        ("simulated-2", "151"),
    ]
    assert desk.cash() == ("63579", "0", "63579")


def test_a_limit_that_the_close_does_not_meet_waits_and_is_looked_at_again(desk, context: AppContext) -> None:
    waiting = desk.placed("1", order_type="LIMIT", limit_price="120.99")
    met = desk.placed("1", order_type="LIMIT", limit_price="121")
    fill_all(context, times=2)

    assert (desk.get(waiting)["status"], desk.get(met)["status"]) == ("PENDING", "FILLED")


def test_an_order_that_cannot_be_filled_does_not_hold_up_the_others(desk, context: AppContext) -> None:
    desk.api.post("/securities", json={"ticker": "NOPRICE", "display_name": "No price"})
    stuck = desk.placed("1", ticker="NOPRICE", order_type="LIMIT", limit_price="5")
    filled = desk.placed("1")
    fill_all(context)

    assert (desk.get(stuck)["status"], desk.get(filled)["status"]) == ("PENDING", "FILLED")


def test_what_the_broker_has_confirmed_is_recorded_and_flagged_where_cash_is_missing(desk, context: AppContext) -> None:
    order_id = desk.placed("82", order_type="LIMIT", limit_price="121", fees="70")  # reserves 9,992
    desk.transact(type="WITHDRAW", amount="8")
    dear = ConfirmedAt("121", fees="100")

    assert fill_due_orders(context, dear, datetime.now(UTC)) >= 1
    order = desk.get(order_id)
    assert (order["status"], order["is_overdrawn"]) == ("FILLED", True)
    assert desk.cash() == ("-30", "0", "-30")
    assert desk.transact(type="WITHDRAW", amount="1").json()["code"] == "insufficient_cash"
    assert desk.transact(type="DEPOSIT", amount="30").status_code == 201


class ConfirmedAt:
    """A broker that has executed everything at one price and fee."""

    def __init__(self, price: str, fees: str) -> None:
        self._figures = {"price": D(price), "fees": D(fees)}

    def executions(self, order: Order, today: date, now: datetime) -> list[Execution]:
        return [Execution("confirmed", source=FillSource.BROKER, **self._figures)]


def test_an_order_placed_event_delivered_twice_is_filled_once(desk, context: AppContext, database: Database) -> None:
    order_id = desk.placed("1")
    with psycopg.connect(database.admin_url) as connection:
        found = connection.execute(
            "select payload from outbox where aggregate_id = %s and event_type = 'OrderPlaced'", (order_id,)
        ).fetchone()
    assert found

    handled = [handle_order_placed(context, at_once(context), found[0], datetime.now(UTC)) for _ in range(2)]
    assert handled == [1, 0]
    assert len(desk.get(order_id)["fills"]) == 1


def test_several_workers_at_once_fill_an_order_once(new_portfolio, context: AppContext) -> None:
    rich = new_portfolio(initial_cash="1000000")
    desk = Desk(rich.api, rich.portfolio_id)
    ids = [desk.placed("101") for _ in range(10)]
    with ThreadPoolExecutor(4) as workers:
        list(workers.map(lambda _: fill_all(context, times=3), range(4)))

    assert {desk.get(order_id)["status"] for order_id in ids} == {"FILLED"}
    assert (desk.units()[0], len(desk.rows())) == ("1010", 21)


def test_without_a_broker_orders_wait_for_people(settings: Settings, context: AppContext) -> None:
    assert broker_of(settings.model_copy(update={"broker": "none"}), context.analytics) is None
    assert isinstance(broker_of(settings, context.analytics), SimulatedBroker)


@pytest.mark.parametrize(
    "model", [OrderRequest, CancelRequest, FillRequest, FillView, OrderView, OrderWithFills, OrderPage]
)
def test_every_body_and_view_has_an_example_that_is_one(api, model: type[BaseModel]) -> None:
    documented = contract()["components"]["schemas"]
    examples = model.model_json_schema()["examples"]

    assert examples
    assert [model.model_validate(example) for example in examples]
    assert all("examples" in schema for name, schema in documented.items() if name == model.__name__)
