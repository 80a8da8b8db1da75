"""Clients that go on while the API and PostgreSQL are killed with -9: nothing is lost, nothing happens twice.

Clients do mixed operations on three hot portfolios, each with an idempotency key, and send each again under its key
until it is answered. In the end `tests.history` compares what they saw with the ledger. Four clients, 300 operations
and 2 kills; LAKEFOLIO_CHAOS=long: eight, 10,000 and 50. LAKEFOLIO_SEED repeats the operations of a run.
"""

import os
import random
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from domain.ledger import first_hash, row_hash
from oltp_api.ledger.repository import Portfolios
from oltp_api.unit_of_work import UnitOfWork
from ops import processes
from ops.environment import prepared
from storage.clock import SampleMarketClock
from storage.postgres import embedded
from storage.postgres.database import Database
from storage.settings import Settings
from tests.history import Call, Ledger, violations

LONG = os.environ.get("LAKEFOLIO_CHAOS") == "long"
CLIENTS, OPERATIONS, KILLS = (8, 10_000, 50) if LONG else (4, 300, 2)
SEED = int(os.environ.get("LAKEFOLIO_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
DAY = "2017-03-01"
TICKERS = ("HOTA", "HOTB")


@dataclass
class Hot:
    """Three portfolios that everyone acts on, with 2,000 USD each, so that some commands are refused."""

    base_url: str
    portfolio_ids: list[str] = field(default_factory=list)

    def client(self, **more: Any) -> httpx.Client:
        return httpx.Client(base_url=self.base_url, timeout=15, trust_env=False, **more)

    def open(self) -> "Hot":
        with self.client() as api:
            for ticker in TICKERS:
                body = {"ticker": ticker, "asset_type": "EQUITY", "currency": "USD", "display_name": ticker}
                assert api.post("/securities", json=body).status_code in (201, 409)
            for name in ("one", "two", "three"):
                asked = {"name": name, "business_date": DAY, "initial_cash": "2000"}
                self.portfolio_ids.append(api.post("/portfolios", json=asked).json()["portfolio_id"])
        return self

    def ledgers(self) -> dict[str, Ledger]:
        with self.client() as api:
            return {portfolio_id: read(api, f"/portfolios/{portfolio_id}") for portfolio_id in self.portfolio_ids}


def read(api: httpx.Client, address: str) -> Ledger:
    rows: list[dict[str, Any]] = []
    query: dict[str, Any] | None = {"limit": 1000}
    while query is not None:
        page = api.get(f"{address}/transactions", params=query).json()
        rows, cursor = rows + page["items"], page["next_cursor"]
        query = {"limit": 1000, "cursor": cursor} if cursor else None
    cash = {part["currency"]: Decimal(part["balance"]) for part in api.get(f"{address}/cash").json()["balances"]}
    holdings = {
        (part["account"], held["ticker"]): tuple(Decimal(part[name]) for name in ("quantity", "cost_basis", "realised"))
        for held in api.get(f"{address}/holdings").json()["holdings"]
        for part in held["accounts"]
    }
    return Ledger(rows, api.get(address).json()["version"], cash, holdings)


class Client:
    """One client; `calls` in the order in which it made them. `cut` may lose the answer of an attempt."""

    def __init__(self, number: int, hot: Hot, has_keys: bool = True, cut: Callable[[], bool] = lambda: False) -> None:
        self.number, self.hot, self.has_keys, self.cut = number, hot, has_keys, cut
        self.random = random.Random(SEED * 1000 + number)
        self.calls: list[Call] = []
        self.http = hot.client()

    def act(self) -> None:
        portfolio_id = self.random.choice(self.hot.portfolio_ids)
        note = f"{self.number}-{len(self.calls)}"
        path, body = self._drawn(portfolio_id)
        call = Call(self.number, portfolio_id, body, note)
        answer = self._until_answered(call, "POST", path, {**body, "note": note})
        call.status, call.was_replayed = answer.status_code, "Idempotency-Replayed" in answer.headers
        if answer.is_success:
            told = answer.json()
            call.rows = told.get("transactions", [told])
        self.calls.append(call)
        if self.random.random() < 0.2:
            self._look(portfolio_id)

    def _look(self, portfolio_id: str) -> None:
        call = Call(self.number, portfolio_id, {})
        call.version_read = self._until_answered(call, "GET", f"/portfolios/{portfolio_id}", None).json()["version"]
        self.calls.append(call)

    def _drawn(self, portfolio_id: str) -> tuple[str, dict[str, str]]:
        draw = self.random
        address = f"/portfolios/{portfolio_id}"
        kind = draw.choices(
            ["BUY", "SELL", "DEPOSIT", "WITHDRAW", "DIVIDEND", "transfer", "reversal"], [30, 25, 12, 12, 6, 10, 5]
        )[0]
        mine = [row for call in self.calls if call.portfolio_id == portfolio_id for row in call.rows]
        if kind == "reversal" and mine:
            return f"{address}/transactions/{draw.choice(mine)['seq']}/reversal", {}
        if kind == "transfer":
            ways = draw.sample(["MAIN", "SECOND"], 2)
            body = {"from_account": ways[0], "to_account": ways[1], "quantity": str(draw.randint(1, 9))}
            return f"{address}/transfers", {**body, "ticker": draw.choice(TICKERS), "business_date": DAY}
        dated = {"type": kind if kind.isupper() else "DEPOSIT", "business_date": DAY}
        if kind in ("BUY", "SELL"):
            traded = {"ticker": draw.choice(TICKERS), "account": draw.choice(["MAIN", "SECOND"])}
            numbers = {"quantity": str(draw.randint(1, 30)), "price": f"{draw.randint(10, 99)}.{draw.randint(1, 9)}"}
            return f"{address}/transactions", {**dated, **traded, **numbers, "fees": draw.choice(["0", "1", "2.5"])}
        amount = str(draw.randint(1, 3000))
        if kind == "DIVIDEND":
            paid = {"ticker": draw.choice(TICKERS), "amount": amount, "ex_date": DAY}
            return f"{address}/transactions", {**dated, **paid} | draw.choice([{}, {"withheld": "1"}])
        return f"{address}/transactions", {**dated, "amount": amount}

    def _until_answered(self, call: Call, method: str, path: str, body: dict[str, str] | None) -> httpx.Response:
        """The first answer that says what happened; with a key, whatever was cut before it had its effect once."""
        headers = {"Idempotency-Key": str(uuid4())} if self.has_keys and body is not None else {}
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                answer = self.http.request(method, path, json=body, headers=headers)
                if answer.status_code < 500 and not self.cut():
                    return answer
                assert answer.status_code in (200, 201, 422, 503), answer.text
                call.attempts_cut += answer.status_code != 422
            except httpx.ConnectError:
                pass  # it was not even sent
            except httpx.TransportError:
                call.attempts_cut += 1
            time.sleep(0.05)
        raise AssertionError(f"{method} {path} was not answered for two minutes")


class Servers:
    """The API and PostgreSQL of one state folder, killed and started again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        settings = Settings(
            lakefolio_home=home, database_url=None, database_admin_url=None, lake_uri=None, market_source="sample"
        )
        self.variables = prepared(settings)
        self.database = Database(*(self.variables[f"DATABASE_{each}URL"] for each in ("", "ADMIN_", "SERVICES_")))
        self.api = processes.api(processes.free_port())
        self.base_url = f"http://127.0.0.1:{self.api.port}/api/v1"
        self.start_api()

    def start_api(self) -> None:
        self.api_pid = processes.start(self.api, self.home, self.variables).process.pid
        processes.wait_ready(self.api, self.home)

    def kill_api(self) -> None:
        os.kill(self.api_pid, signal.SIGKILL)
        while processes.is_running(self.home, "api"):
            time.sleep(0.005)
        self.start_api()

    def kill_postgres(self) -> None:
        embedded.kill(self.home)
        embedded.start(self.home)

    def stop(self) -> None:
        processes.stop(self.home, "api")
        embedded.stop(self.home)
        shutil.rmtree(self.home, ignore_errors=True)


@pytest.fixture
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    opened = Servers(tmp_path_factory.mktemp("crash"))
    add_second_account(opened.database)
    yield opened
    opened.stop()


def add_second_account(database: Database) -> None:
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(
            "insert into account (user_id, identifier, broker, account_type)"
            " select user_id, 'SECOND', 'Broker', 'CUSTODY' from app_user on conflict do nothing"
        )


def run(clients: list[Client], operations: int, meanwhile: Callable[[Callable[[], int]], None]) -> list[Call]:
    """All clients' calls, after together `operations`; `meanwhile` is told how many were begun."""
    begun, tickets = [0], iter(range(operations))
    lock, failures = threading.Lock(), []

    def work(client: Client) -> None:
        try:
            while True:
                with lock:
                    if failures or next(tickets, None) is None:
                        return
                    begun[0] += 1
                client.act()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    try:
        meanwhile(lambda: operations if failures else begun[0])
    finally:
        for thread in threads:
            thread.join()
        for client in clients:
            client.http.close()
    assert not failures, failures
    return [call for client in clients for call in client.calls]


def broken_chains(database: Database, portfolio_ids: list[str]) -> list[str]:
    """Rows whose hash is not that of their content and of the hash before, and heads that are not the last row's."""
    broken = []
    with psycopg.connect(database.admin_url, row_factory=dict_row) as connection:
        portfolios = Portfolios(UnitOfWork(connection, SampleMarketClock()))
        for portfolio_id in map(UUID, portfolio_ids):
            head = first_hash(portfolio_id)
            query = "select seq, row_hash, recorded_at from transaction_ledger where portfolio_id = %s order by seq"
            stored = connection.execute(query, (portfolio_id,)).fetchall()
            history = portfolios.history(portfolio_id)
            for row, kept in zip(history, stored, strict=True):
                head = row_hash(head, row, kept["recorded_at"])
                if head != kept["row_hash"]:
                    broken.append(f"{portfolio_id} row {kept['seq']}")
            said = connection.execute("select ledger_hash from portfolio where portfolio_id = %s", (portfolio_id,))
            if said.fetchone() != {"ledger_hash": head}:
                broken.append(f"{portfolio_id} head")
    return broken


def test_nothing_is_lost_or_doubled_when_the_api_and_postgres_are_killed(servers: Servers, capsys) -> None:
    hot = Hot(servers.base_url).open()
    started = time.monotonic()
    killer = random.Random(SEED)
    kills = [servers.kill_api, servers.kill_postgres] * (KILLS // 2) + [servers.kill_api] * (KILLS % 2)
    moments = [OPERATIONS * (place + killer.random()) / (KILLS + 1) for place in range(KILLS)]

    def kill_now_and_then(begun: Callable[[], int]) -> None:
        for kill, moment in zip(kills, moments, strict=True):
            while begun() < moment:
                time.sleep(0.002)
            time.sleep(killer.random() * 0.02)
            kill()

    calls = run([Client(number, hot) for number in range(CLIENTS)], OPERATIONS, kill_now_and_then)

    writes = [call for call in calls if call.note]
    acknowledged = [call for call in writes if call.status == 201]
    cut = sum(call.attempts_cut for call in calls)
    unseen = sum(call.was_replayed for call in writes)
    with capsys.disabled():
        print(
            f"\ncrash: seed {SEED}, {CLIENTS} clients, {len(writes)} operations, {len(kills)} kills:"
            f" {len(acknowledged)} acknowledged, {len(writes) - len(acknowledged)} refused,"
            f" {cut} ambiguous of which {unseen} had been committed, {time.monotonic() - started:.1f} s",
            file=sys.__stderr__,  # seen from a worker of xdist too
        )
    ledgers = hot.ledgers()
    assert violations(calls, ledgers) == []
    assert sum(ledger.version for ledger in ledgers.values()) >= len(acknowledged) > OPERATIONS / 3
    assert any(call.status == 422 for call in writes)
    assert broken_chains(servers.database, hot.portfolio_ids) == []
    assert cut > 0


@pytest.fixture
def unsteady(api: httpx.Client, database: Database) -> Hot:
    """The API as always, for clients that lose every third answer."""
    add_second_account(database)
    return Hot(str(api.base_url)).open()


def losing_answers() -> Callable[[], bool]:
    numbers = count(1)
    return lambda: next(numbers) % 3 == 0


def test_an_answer_that_was_lost_costs_nothing_where_the_request_has_a_key(unsteady: Hot) -> None:
    clients = [Client(number, unsteady, cut=losing_answers()) for number in range(2)]
    calls = run(clients, 60, lambda _: None)

    assert violations(calls, unsteady.ledgers()) == []
    assert sum(call.was_replayed for call in calls) > 0


def test_control_without_a_key_a_lost_answer_makes_the_effect_happen_twice(unsteady: Hot) -> None:
    clients = [Client(number, unsteady, has_keys=False, cut=losing_answers()) for number in range(2)]
    calls = run(clients, 60, lambda _: None)

    found = violations(calls, unsteady.ledgers())
    assert any("acknowledged with 1 rows, but in the ledger with 2" in problem for problem in found)


def test_control_a_changed_byte_breaks_the_chain_from_its_row_on(unsteady: Hot, database: Database) -> None:
    run([Client(1, unsteady)], 20, lambda _: None)
    assert broken_chains(database, unsteady.portfolio_ids) == []

    (victim, *_) = unsteady.portfolio_ids
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("alter table transaction_ledger disable trigger append_only")
        connection.execute("update transaction_ledger set note = 'x' where portfolio_id = %s and seq = 1", (victim,))
        connection.execute("alter table transaction_ledger enable trigger append_only")
    assert broken_chains(database, unsteady.portfolio_ids)[0] == f"{victim} row 1"
