"""Requests that meet, on a real PostgreSQL: of two that exclude each other exactly one wins, of twins exactly one acts.

The short forms run with every test run; LAKEFOLIO_CHAOS=long makes them those of the issue. Both print their seed and
figures (`pytest -s`). Each has a control: the same race without the protection must be lost.
"""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from decimal import Decimal
from functools import partial
from typing import Annotated, Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from fastapi import Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool
from pydantic import BaseModel

from application.analytics.review import LakeAnalyticsRepository
from domain.commands import CancelOrder, CreatePortfolio, FillOrder, InitialHolding, PlaceOrder, RecordTransaction
from domain.errors import Refusal
from domain.ledger import TxnType
from domain.orders import Execution, OrderType, Side
from domain.portfolio import PortfolioKind
from oltp_api.app import create_app
from oltp_api.connections import RowLock
from oltp_api.context import LOCAL_USER, ContextDep, UserDep
from oltp_api.ledger.group import ledger_groups
from oltp_api.ledger.handlers import record_transaction
from oltp_api.ledger.repository import LOCKS
from oltp_api.ledger.writing import decided, load_one
from oltp_api.orders import handlers as orders
from oltp_api.portfolios.handlers import create_portfolio
from oltp_api.unit_of_work import Pool, UnitOfWork
from oltp_api.web.idempotency import Answer, IdempotencyKeys, IdempotentCommand, idempotent_command, response_of
from storage.clock import SampleMarketClock
from storage.lake.delta import Lake
from storage.postgres.database import Database
from storage.settings import Settings
from tests.conftest import served

LONG = os.environ.get("LAKEFOLIO_CHAOS") == "long"
SEED = int(os.environ.get("LAKEFOLIO_SEED", "20170329"))
PAIRS = 10_000 if LONG else 60
SALES = 1_000 if LONG else 30
STORMS = 1_000 if LONG else 4
TWINS = 50 if LONG else 20
CASH = Decimal(1_000_000)
WON = "won"
KINDS = ("deposit", "place", "fill", "cancel")


@pytest.fixture
def unlocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's portfolio is locked, and there is time between loading and deciding, so that two writers surely meet."""
    monkeypatch.setitem(LOCKS, RowLock.WAIT, "")
    monkeypatch.setattr(orders, "load_one", slowly(orders.load_one))
    monkeypatch.setattr(orders, "decided", lambda wanted, act, work, _: decided(wanted, slowly(act), work, False))


def slowly(act: Callable[..., Any]) -> Callable[..., Any]:
    def acted(*asked: Any) -> Any:
        time.sleep(0.05)
        return act(*asked)

    def loaded(*asked: Any) -> Any:
        found = act(*asked)
        time.sleep(0.05)
        return found

    return loaded if act is load_one else acted


class Ring:
    """Two opponents on one database, let loose at the same moment, again and again."""

    def __init__(self, pool: Pool, lake: Lake) -> None:
        self._pool = pool
        self._clock = SampleMarketClock()
        self._prices = LakeAnalyticsRepository.newest(lake)
        self._threads = ThreadPoolExecutor(2)
        self._delays = random.Random(SEED)

    def act(self, command: Callable[[UnitOfWork], Any]) -> Any:
        with self._pool.connection() as connection:
            work = UnitOfWork(connection, self._clock)
            done = command(work)
            work.commit()
            return done

    def fight(self, *commands: Callable[[UnitOfWork], Any]) -> list[str]:
        """How each of the two ends: won, the refusal's code, or the database error's name."""
        start = threading.Barrier(2)
        head_start_s = self._delays.uniform(-0.001, 0.001)
        waits = (max(head_start_s, 0), max(-head_start_s, 0))

        def run(command: Callable[[UnitOfWork], Any], wait_s: float) -> str:
            start.wait()
            time.sleep(wait_s)
            try:
                self.act(command)
            except Refusal as refusal:
                return refusal.code
            except psycopg.Error as error:
                return type(error).__name__
            return WON

        return list(self._threads.map(run, commands, waits))

    def new_portfolio(self, held: str = "0") -> UUID:
        units = (InitialHolding("AAPL", Decimal(held), Decimal(1)),) if Decimal(held) else ()
        command = CreatePortfolio(
            LOCAL_USER, "race", "USD", PortfolioKind.INVESTMENT, "America/New_York", CASH, units, None
        )
        return UUID(str(self.act(partial(create_portfolio, command))))

    def place(self, portfolio_id: UUID, quantity: str, limit: str, side: Side = Side.BUY) -> UUID:
        return UUID(str(self.act(self.placing(portfolio_id, quantity, limit, side))))

    def placing(self, portfolio_id: UUID, quantity: str, limit: str, side: Side) -> Callable[[UnitOfWork], UUID]:
        command = PlaceOrder(LOCAL_USER, portfolio_id, "AAPL", Decimal(quantity), side, OrderType.LIMIT, Decimal(limit))
        return partial(orders.place_order, command, prices=self._prices)


@pytest.fixture(scope="module")
def pool(api: httpx.Client, database: Database) -> Iterator[Pool]:
    """Open a pool of the application's role; the API has registered the securities."""
    with ConnectionPool(
        database.services_url, min_size=2, max_size=4, kwargs={"row_factory": dict_row}, open=False
    ) as own:
        yield own


@pytest.fixture
def ring(pool: Pool, lake: Lake) -> Ring:
    return Ring(pool, lake)


def figures(database: Database, portfolio_id: UUID) -> dict[str, Decimal]:
    """Cash, reservations and ledger of one portfolio, by what each of the tables says."""
    query = """
        select
            (select balance from cash_balance where portfolio_id = p.portfolio_id) as cash,
            (select reserved from cash_balance where portfolio_id = p.portfolio_id) as reserved_cash,
            (select coalesce(sum(reserved), 0) from account_holding where portfolio_id = p.portfolio_id)
                as reserved_units,
            (select coalesce(sum(quantity), 0) from account_holding where portfolio_id = p.portfolio_id) as units,
            (select sum(cash_effect) from transaction_ledger where portfolio_id = p.portfolio_id) as ledger_cash,
            (select coalesce(sum(quantity), 0) from transaction_ledger where portfolio_id = p.portfolio_id)
                as ledger_units,
            (select count(*) from transaction_ledger where portfolio_id = p.portfolio_id) as ledger_rows,
            (select coalesce(sum(reserved_cash), 0) from orders where portfolio_id = p.portfolio_id)
                as orders_reserved_cash,
            (select coalesce(sum(reserved_quantity), 0) from orders where portfolio_id = p.portfolio_id)
                as orders_reserved_units,
            p.version
        from portfolio as p
        where p.portfolio_id = %s
    """
    with psycopg.connect(database.admin_url, row_factory=dict_row) as connection:
        found = connection.execute(query, (portfolio_id,)).fetchone()
    assert found
    return found


def check_books(found: dict[str, Decimal]) -> None:
    """Nothing lost, nothing stranded, nothing twice."""
    assert found["cash"] == found["ledger_cash"]
    assert found["units"] == found["ledger_units"]
    assert found["reserved_cash"] == found["orders_reserved_cash"]
    assert found["reserved_units"] == found["orders_reserved_units"]
    assert found["version"] == found["ledger_rows"]


def cancel_against_fill(ring: Ring, portfolio_id: UUID, price: str) -> list[str]:
    order_id = ring.place(portfolio_id, "3", "33.33333333")
    fill = FillOrder(LOCAL_USER, order_id, Execution("f", Decimal(price)))
    cancel = CancelOrder(LOCAL_USER, order_id)
    return ring.fight(partial(orders.fill_order, fill), partial(orders.cancel_order, cancel))


def test_of_a_cancel_and_a_fill_exactly_one_wins_and_no_cent_is_stranded(ring: Ring, database: Database) -> None:
    portfolio_id = ring.new_portfolio()
    began = time.monotonic()
    outcomes = Counter(tuple(cancel_against_fill(ring, portfolio_id, "33.33333333")) for _ in range(PAIRS))
    found = figures(database, portfolio_id)

    print(f"cancel against fill: seed {SEED}, {dict(outcomes)} in {time.monotonic() - began:.1f} s")
    assert outcomes.keys() <= {(WON, "order_filled"), ("order_cancelled", WON)}
    assert len(outcomes) == 2, "each of them wins sometimes, or they never met"
    check_books(found)
    filled = outcomes[WON, "order_filled"]
    assert (found["reserved_cash"], found["units"]) == (0, 3 * filled)
    assert found["cash"] == CASH - filled * 100, "99.99999999, as it can be paid"


@pytest.mark.usefixtures("unlocked")
def test_control_without_the_row_lock_both_win_and_the_books_do_not_agree(ring: Ring, database: Database) -> None:
    """The machine decides which of the two writes last, and only one of the ways is seen in the books."""
    portfolio_id = ring.new_portfolio()
    outcomes: Counter[tuple[str, ...]] = Counter()

    def fight_on() -> None:
        for _ in range(40):
            outcomes[tuple(cancel_against_fill(ring, portfolio_id, "33"))] += 1
            check_books(figures(database, portfolio_id))

    with pytest.raises(AssertionError):
        fight_on()
    assert outcomes[WON, WON] > 0


def sale(portfolio_id: UUID) -> Callable[[UnitOfWork], Any]:
    command = RecordTransaction(
        LOCAL_USER, portfolio_id, TxnType.SELL, ticker="AAPL", quantity=Decimal(1), price=Decimal(100)
    )
    return partial(record_transaction, command)


def sales_of_the_last_unit(ring: Ring, portfolio_id: UUID, draw: random.Random) -> list[str]:
    """Two of: a sale, an order to sell."""
    order = ring.placing(portfolio_id, "1", "100", Side.SELL)
    return ring.fight(*(draw.choice([sale(portfolio_id), order]) for _ in range(2)))


def test_of_two_sales_of_the_last_unit_exactly_one_wins(ring: Ring, database: Database) -> None:
    draw = random.Random(SEED)
    began = time.monotonic()
    ends: Counter[tuple[str, ...]] = Counter()
    for _ in range(SALES):
        portfolio_id = ring.new_portfolio(held="1")
        ends[tuple(sorted(sales_of_the_last_unit(ring, portfolio_id, draw)))] += 1
        check_books(figures(database, portfolio_id))

    print(f"two sales of the last unit: seed {SEED}, {dict(ends)} in {time.monotonic() - began:.1f} s")
    assert ends == {("insufficient_position", WON): SALES}


@pytest.mark.usefixtures("unlocked")
def test_control_without_the_row_lock_two_orders_reserve_the_same_unit(ring: Ring, database: Database) -> None:
    portfolio_id = ring.new_portfolio(held="1")
    order = ring.placing(portfolio_id, "1", "100", Side.SELL)

    assert ring.fight(order, order) == [WON, WON]
    with pytest.raises(AssertionError):
        check_books(figures(database, portfolio_id))


class CarelessCommand(IdempotentCommand):
    """Looks whether the key was used, acts, and keeps the key afterwards, in a transaction of its own."""

    def commit(self, body: BaseModel, status: int, act: Callable[[UnitOfWork], BaseModel]) -> Response:
        key = self.key_of(body)
        assert key is not None
        first = self.context.transact(lambda work: IdempotencyKeys(work).find(key))
        if first is not None:
            return response_of(first)
        time.sleep(0.05)  # so that twins surely meet between the look and the act, on any machine
        answer = Answer(status, self.context.transact(act).model_dump_json().encode())
        with suppress(psycopg.errors.UniqueViolation):
            self.context.transact(lambda work: IdempotencyKeys(work).keep((key, answer)))
        return response_of(answer)


class Ungrouped:
    """Each transaction is recorded alone."""

    async def commit(
        self, idempotent: CarelessCommand, body: BaseModel, status: int, command: RecordTransaction, view: Any
    ) -> Response:
        def act(work: UnitOfWork) -> BaseModel:
            rows, security = record_transaction(command, work)
            return view(rows, security, work.recorded_at)

        return await run_in_threadpool(idempotent.commit, body, status, act)


def careless(
    request: Request,
    context: ContextDep,
    user_id: UserDep,
    key: Annotated[str | None, Header(alias="Idempotency-Key")] = None,
) -> CarelessCommand:
    return CarelessCommand(context, user_id, f"{request.method} {request.url.path}", key)


@contextmanager
def crowd(base_url: httpx.URL | str) -> Iterator[Callable[[str, dict[str, str]], list[httpx.Response]]]:
    """Sends one request as many times as there are twins, all at once, with one Idempotency-Key."""
    limits = httpx.Limits(max_connections=TWINS, max_keepalive_connections=TWINS)
    with (
        httpx.Client(base_url=base_url, timeout=60, limits=limits) as client,
        ThreadPoolExecutor(TWINS) as threads,
    ):

        def storm(address: str, body: dict[str, str]) -> list[httpx.Response]:
            headers, start = {"Idempotency-Key": str(uuid4())}, threading.Barrier(TWINS)

            def send(_: int) -> httpx.Response:
                start.wait()
                return client.post(address, json=body, headers=headers)

            return list(threads.map(send, range(TWINS)))

        yield storm


def effects(database: Database) -> Counter[str]:
    """How much of everything there is; the difference is what a storm did."""
    tables = ("transaction_ledger", "orders", "order_fill", "outbox", "portfolio")
    with psycopg.connect(database.admin_url) as connection:
        rows = {table: connection.execute(f"select count(*) from {table}").fetchone() for table in tables}
        closed = connection.execute("select count(*) from orders where status = 'CANCELLED'").fetchone()
    return Counter({**{table: row[0] for table, row in rows.items() if row}, "cancelled": closed[0] if closed else 0})


def new_order(portfolio_id: str) -> dict[str, str]:
    return {"portfolio_id": portfolio_id, "ticker": "AAPL", "quantity": "1", "order_type": "LIMIT", "limit_price": "1"}


def open_portfolio(client: httpx.Client) -> str:
    asked = client.post(
        "/portfolios",
        json={"name": "storm", "initial_cash": "1000000"},
        headers={"Idempotency-Key": str(uuid4())},
    )
    return str(asked.raise_for_status().json()["portfolio_id"])


def storm_of(client: httpx.Client, kind: str, portfolio_id: str) -> tuple[str, dict[str, str], dict[str, int]]:
    """An address, a body, and what one such request does."""
    order = new_order(portfolio_id)
    if kind == "deposit":
        address = f"/portfolios/{portfolio_id}/transactions"
        return address, {"type": "DEPOSIT", "amount": "1"}, {"transaction_ledger": 1, "outbox": 1}
    if kind == "place":
        return "/orders", order, {"orders": 1, "outbox": 1}
    order_id = client.post("/orders", json=order).raise_for_status().json()["order_id"]
    if kind == "fill":
        done = {"transaction_ledger": 1, "order_fill": 1, "outbox": 3}  # of the order, the ledger and the position
        return f"/orders/{order_id}/fill", {"fill_price": "1", "quantity": "0.5"}, done
    return f"/orders/{order_id}/cancel", {"reason": "storm"}, {"cancelled": 1, "outbox": 1}


def test_a_storm_of_identical_requests_has_exactly_one_effect(api: httpx.Client, database: Database) -> None:
    draw, began = random.Random(SEED), time.monotonic()
    portfolio_id = open_portfolio(api)
    acted: Counter[str] = Counter()
    with crowd(api.base_url) as storm:
        for number in range(STORMS):
            kind = KINDS[number] if number < len(KINDS) else draw.choice(KINDS)
            address, body, expected = storm_of(api, kind, portfolio_id)
            before = effects(database)
            answers = storm(address, body)
            assert effects(database) - before == Counter(expected), (kind, number)
            assert {answer.is_success for answer in answers} == {True}, Counter(one.text for one in answers)
            assert len({answer.content for answer in answers}) == 1
            assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == TWINS - 1
            acted[kind] += 1

    print(f"storms of {TWINS}: seed {SEED}, {dict(acted)} in {time.monotonic() - began:.1f} s")
    check_books(figures(database, UUID(portfolio_id)))


def test_control_keys_kept_outside_the_transaction_let_twins_act_twice(settings: Settings, database: Database) -> None:
    app = create_app(settings)
    app.dependency_overrides[idempotent_command] = careless
    app.dependency_overrides[ledger_groups] = Ungrouped
    with served(app) as address, httpx.Client(base_url=f"{address}/api/v1", timeout=30) as client:
        portfolio_id = open_portfolio(client)
        before = effects(database)
        with crowd(client.base_url) as storm:
            storm(f"/portfolios/{portfolio_id}/transactions", {"type": "DEPOSIT", "amount": "1"})

    assert (effects(database) - before)["transaction_ledger"] > 1
