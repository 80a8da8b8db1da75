"""Idempotency keys, and writers that meet: with the protection, and with it removed as the control."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from domain.commands import RecordTransaction
from domain.errors import Refusal
from domain.ledger import TxnType
from oltp_api.connections import RowLock
from oltp_api.context import LOCAL_USER
from oltp_api.ledger import handlers as ledger
from oltp_api.ledger.repository import LOCKS
from oltp_api.unit_of_work import UnitOfWork
from storage.clock import SampleMarketClock
from storage.postgres.database import Database


def in_parallel(times: int, act: Callable[[], Any]) -> list[Any]:
    """Call `act` on each of as many threads at once; return what each gives."""
    barrier = Barrier(times)

    def run(_: int) -> Any:
        barrier.wait()
        return act()

    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(run, range(times)))


def test_the_same_request_again_gets_the_same_answer_and_no_second_row(portfolio) -> None:
    first = portfolio.post(key="k1", type="DEPOSIT", amount="5")
    again = portfolio.post(key="k1", type="DEPOSIT", amount="5")

    assert (again.status_code, again.content) == (first.status_code, first.content) == (201, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert portfolio.get()["version"] == 2


def test_twins_with_different_keys_both_stay(portfolio) -> None:
    portfolio.post(key="twin-a", type="DEPOSIT", amount="5")
    portfolio.post(key="twin-b", type="DEPOSIT", amount="5")

    assert portfolio.get()["cash"] == "10010"


def test_the_same_key_with_another_body_is_a_conflict_and_leaves_nothing(portfolio, stored) -> None:
    portfolio.post(key="k2", type="DEPOSIT", amount="5")
    before = stored()
    answer = portfolio.post(key="k2", type="DEPOSIT", amount="6")

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_conflict")
    assert stored() == before


def test_the_same_key_at_another_address_is_a_conflict(new_portfolio) -> None:
    one, other = new_portfolio(), new_portfolio()
    one.post(key="k3", type="DEPOSIT", amount="5")

    assert other.post(key="k3", type="DEPOSIT", amount="5").json()["code"] == "idempotency_conflict"


def test_a_refused_request_does_not_use_up_its_key(portfolio) -> None:
    assert portfolio.post(key="k4", type="WITHDRAW", amount="10001").status_code == 422
    portfolio.post(type="DEPOSIT", amount="1")

    assert portfolio.post(key="k4", type="WITHDRAW", amount="10001").status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "x" * 201, "ü"])
def test_a_key_that_is_none_is_refused(api, portfolio, key) -> None:
    answer = api.post(
        f"/portfolios/{portfolio.portfolio_id}/transactions",
        json={"type": "DEPOSIT", "amount": "1"},
        headers={"Idempotency-Key": key.encode()},
    )

    assert answer.status_code == 422
    assert portfolio.get()["version"] == 1


def test_portfolios_and_simulations_honour_the_key_too(api, portfolio, stored) -> None:
    for address, body in (
        ("/portfolios", {"name": "once"}),
        (f"/portfolios/{portfolio.portfolio_id}/simulations", {"name": "once"}),
    ):
        first = api.post(address, json=body, headers={"Idempotency-Key": f"once {address}"[-40:].replace(" ", "-")})
        before = stored()
        again = api.post(address, json=body, headers={"Idempotency-Key": f"once {address}"[-40:].replace(" ", "-")})
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert first.is_success
        assert stored() == before


def test_parallel_identical_requests_have_one_effect(portfolio) -> None:
    answers: list[httpx.Response] = in_parallel(8, lambda: portfolio.post(key="k5", type="DEPOSIT", amount="5"))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 7
    assert portfolio.get()["cash"] == "10005"


def test_control_without_a_key_every_parallel_request_has_its_effect(portfolio) -> None:
    in_parallel(8, lambda: portfolio.post(type="DEPOSIT", amount="5"))

    assert portfolio.get()["cash"] == "10040"
    assert [row["seq"] for row in portfolio.get("/transactions")["items"]] == list(range(1, 10))


def test_of_two_parallel_sales_of_everything_exactly_one_wins(portfolio) -> None:
    portfolio.buy("10", "100")
    answers = in_parallel(2, lambda: portfolio.sell("10", "100"))

    assert sorted(answer.status_code for answer in answers) == [201, 422]
    assert {answer.json().get("code") for answer in answers} == {None, "insufficient_position"}
    assert portfolio.get("/holdings")["holdings"] == []
    assert portfolio.get()["cash"] == "10000"


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is time between loading and deciding, so that two writers surely meet."""
    decide = ledger.decide

    def decided(*asked: Any) -> Any:
        time.sleep(0.2)
        return decide(*asked)

    monkeypatch.setattr(ledger, "decide", decided)


def two_sales_of_ten(portfolio_id: str, database: Database) -> list[str]:
    """How two parallel sales of 10 AAPL end: 'sold', the refusal's code, or the error's name."""
    command = RecordTransaction(
        user_id=LOCAL_USER,
        portfolio_id=UUID(portfolio_id),
        txn_type=TxnType.SELL,
        ticker="AAPL",
        quantity=Decimal(10),
        price=Decimal(1),
    )

    def sell() -> str:
        clock = SampleMarketClock()
        try:
            with psycopg.connect(database.services_url, row_factory=dict_row) as connection:
                work = UnitOfWork(connection, clock)
                ledger.record_transaction(command, work)
                work.commit()
        except Refusal as refusal:
            return refusal.code
        except psycopg.Error as error:
            return type(error).__name__
        return "sold"

    return in_parallel(2, sell)


@pytest.mark.usefixtures("slow")
def test_the_row_lock_lets_the_second_sale_see_the_first(portfolio, database: Database) -> None:
    portfolio.buy("10", "100")

    outcomes = two_sales_of_ten(portfolio.portfolio_id, database)

    assert Counter(outcomes) == {"sold": 1, "insufficient_position": 1}


@pytest.mark.usefixtures("slow")
def test_control_without_the_row_lock_both_sales_are_decided_and_only_the_ledgers_key_stops_one(
    portfolio, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LOCKS, RowLock.WAIT, "")
    portfolio.buy("10", "100")

    outcomes = two_sales_of_ten(portfolio.portfolio_id, database)

    assert Counter(outcomes) == {"sold": 1, "UniqueViolation": 1}


def test_parallel_trades_of_different_securities_share_the_cash(new_portfolio) -> None:
    mine = new_portfolio(initial_cash="100")
    tickers = iter(["AAPL", "MSFT", "IBM", "XOM"])
    answers = in_parallel(4, lambda: mine.buy("1", "60", ticker=next(tickers)))

    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422]
    assert mine.get()["cash"] == "40"


def test_parallel_portfolios_register_a_new_ticker_once(api) -> None:
    held = [{"ticker": name, "quantity": "1", "avg_cost": "1"} for name in ("NEWA", "NEWB", "NEWC")]
    orders = iter([held, held[::-1]] * 3)
    answers = in_parallel(6, lambda: api.post("/portfolios", json={"name": "x", "holdings": next(orders)}))

    assert {answer.status_code for answer in answers} == {201}
    assert len(api.get("/securities?q=NEW").json()["items"]) == 3
