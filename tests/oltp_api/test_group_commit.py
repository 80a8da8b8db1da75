"""Trades that arrive together share a commit, and nothing else: each is decided, answered and refused alone."""

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from application.ledger import verify
from domain.commands import RecordTransaction
from domain.ledger import TxnType
from oltp_api.connections import RowLock
from oltp_api.context import LOCAL_USER, AppContext
from oltp_api.ledger import group
from oltp_api.ledger.group import LedgerGroups, Outcome, PendingTransaction
from oltp_api.ledger.group_commit import MOST_TOGETHER, GroupCommit
from oltp_api.ledger.handlers import wanted_by
from oltp_api.ledger.repository import LOCKS
from oltp_api.ledger.schemas import TransactionRequest
from oltp_api.ledger.writing import Loaded
from oltp_api.opening import opened
from oltp_api.portfolios.repository import PortfolioAttributes
from oltp_api.sight import sight_of
from oltp_api.web.idempotency import Answer, IdempotencyKey
from storage.postgres.database import Database
from storage.settings import Settings
from tests.effort import IS_LONG

SECONDS = 20


class Slow:
    """Commits groups of numbers, each when it is allowed to; remembers them."""

    def __init__(self, is_failing: bool = False) -> None:
        self.groups: list[list[int]] = []
        self.go = threading.Event()
        self._is_failing = is_failing

    def __call__(self, group: Sequence[int]) -> list[int]:
        self.groups.append(list(group))
        assert self.go.wait(SECONDS)
        if self._is_failing:
            raise ValueError("the disk is full")
        return [-number for number in group]


async def submitted(commit: Slow, numbers: Sequence[int], apart: Callable[[int], int]) -> list[Any]:
    """Submit the numbers one after another while the first groups are being committed; return what became of them."""
    group: GroupCommit[int, int] = GroupCommit(commit, apart)
    tasks = []
    for number in numbers:
        tasks.append(asyncio.create_task(group.submit(number)))
        await asyncio.sleep(0)
    commit.go.set()
    return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), SECONDS)


def test_what_arrives_during_a_commit_forms_the_next_group() -> None:
    commit = Slow()

    assert asyncio.run(submitted(commit, range(100), lambda number: number)) == [-number for number in range(100)]
    assert [len(group) for group in commit.groups[:2]] == [1, 1]
    assert max(len(group) for group in commit.groups) == MOST_TOGETHER
    assert sorted(number for group in commit.groups for number in group) == list(range(100))


def test_what_arrives_in_one_turn_of_the_loop_is_one_group() -> None:
    async def together() -> Slow:
        commit = Slow()
        commit.go.set()
        group: GroupCommit[int, int] = GroupCommit(commit, lambda number: number)
        await asyncio.wait_for(asyncio.gather(*map(group.submit, range(5))), SECONDS)
        return commit

    assert asyncio.run(together()).groups == [list(range(5))]


def test_one_root_is_in_one_group_at_a_time_and_in_the_order_of_arrival() -> None:
    running: set[int] = set()
    seen: list[int] = []

    class Checked(Slow):
        def __call__(self, group: Sequence[int]) -> list[int]:
            roots = {number % 3 for number in group}
            assert len(roots) == len(group)
            assert not roots & running
            running.update(roots)
            seen.extend(group)
            done = super().__call__(group)
            running.difference_update(roots)
            return done

    numbers = [random.Random(1).randrange(1000) for _ in range(60)]
    assert asyncio.run(submitted(Checked(), numbers, lambda number: number % 3)) == [-number for number in numbers]
    for root in range(3):
        assert [one for one in seen if one % 3 == root] == [one for one in numbers if one % 3 == root]


def test_a_group_that_fails_fails_for_each_of_its_members() -> None:
    outcomes = asyncio.run(submitted(Slow(is_failing=True), range(5), lambda number: number))

    assert [str(outcome) for outcome in outcomes] == ["the disk is full"] * 5


def test_a_client_that_left_does_not_disturb_its_group() -> None:
    async def leave() -> list[int]:
        commit = Slow()
        group: GroupCommit[int, int] = GroupCommit(commit, lambda number: number)
        first = asyncio.create_task(group.submit(0))
        others = [asyncio.create_task(group.submit(number)) for number in (1, 2, 3)]
        await asyncio.sleep(0.01)
        first.cancel()
        others[1].cancel()
        commit.go.set()
        return [await others[0], await others[2], await group.submit(4)]

    assert asyncio.run(leave()) == [-1, -3, -4]


@pytest.fixture(scope="module")
def context(settings: Settings) -> Iterator[AppContext]:
    with opened(settings, for_everybody=True) as context:
        yield context


@pytest.fixture(scope="module")
def groups(context: AppContext) -> LedgerGroups:
    return LedgerGroups(context)


def entry(portfolio_id: str | UUID, key: str | None = None, **given: Any) -> PendingTransaction:
    body = TransactionRequest.model_validate({"type": "DEPOSIT", "amount": "5", **given})
    command = body.command(LOCAL_USER, UUID(str(portfolio_id)))
    sight = sight_of(LOCAL_USER, LOCAL_USER, command.portfolio_id)
    wanted = wanted_by(command, IdempotencyKey(LOCAL_USER, key, "a hash") if key else None)
    return PendingTransaction(
        command, wanted, "a cause", lambda rows, *_: Answer(201, str(rows[0].seq).encode()), sight
    )


def buy(portfolio_id: str, quantity: str = "1", **given: Any) -> PendingTransaction:
    return entry(portfolio_id, type="BUY", ticker="AAPL", quantity=quantity, price="100", amount=None, **given)


def kinds(outcomes: Sequence[Outcome]) -> list[str]:
    return [
        "alone" if outcome is None else "recorded" if isinstance(outcome, Answer) else type(outcome).__name__
        for outcome in outcomes
    ]


def test_each_member_is_decided_and_refused_alone(
    new_portfolio, context: AppContext, groups: LedgerGroups, foreign_portfolio: UUID
) -> None:
    clients = [new_portfolio() for _ in range(5)]
    ids = [one.portfolio_id for one in clients]
    entries = [
        buy(ids[0]),
        buy(ids[1], quantity="1000"),
        entry(ids[2]),
        entry(ids[3], type="BUY", ticker="NOSUCH", quantity="1", price="1", amount=None),
        entry(foreign_portfolio),
        entry(ids[4], account="NOSUCH"),
    ]

    outcomes = groups.record(entries)

    assert kinds(outcomes) == ["recorded", "InsufficientCash", "recorded", "UnknownSecurity", "alone", "alone"]
    versions = [
        context.transact(lambda work, one=each: PortfolioAttributes(work).one(LOCAL_USER, UUID(one))["version"])
        for each in ids
    ]
    assert versions == [2, 1, 2, 1, 1]


def test_what_is_recorded_together_is_what_is_recorded_one_by_one(
    new_portfolio, api: httpx.Client, groups: LedgerGroups, database: Database
) -> None:
    draw = random.Random(20260)
    twins = [(new_portfolio(), new_portfolio()) for _ in range(8)]
    for _ in range(25 if IS_LONG else 15):
        requests = [trade(draw) for _ in twins]
        outcomes = groups.record(
            [entry(ours.portfolio_id, **asked) for (ours, _), asked in zip(twins, requests, strict=True)]
        )
        for (ours, theirs), asked, outcome in zip(twins, requests, outcomes, strict=True):
            if outcome is None:
                assert ours.post(**asked).status_code == theirs.post(**asked).status_code
            else:
                assert theirs.post(**asked).is_success == isinstance(outcome, Answer)

    told = [[facts(one) for one in pair] for pair in twins]
    assert all(one == other for one, other in told)
    assert sum(len(one["rows"]) for one, _ in told) > 60
    with psycopg.connect(database.admin_url) as connection:
        assert not [difference for checked in verify(connection) for difference in checked.differences]


def trade(draw: random.Random) -> dict[str, Any]:
    kind = draw.choice(["BUY", "BUY", "SELL", "DEPOSIT", "WITHDRAW", "FEE", "TRANSFER_IN"])
    if kind in {"DEPOSIT", "WITHDRAW", "FEE"}:
        return {"type": kind, "amount": str(draw.randrange(1, 4000))}
    asked = {
        "type": kind,
        "ticker": draw.choice(["AAPL", "MSFT"]),
        "quantity": str(draw.randrange(1, 30)),
        "amount": None,
    }
    day = draw.choice([None, None, "2016-03-01", "2017-03-29"])
    return {**asked, "price": str(draw.randrange(50, 200)), "business_date": day}


def facts(portfolio: Any) -> dict[str, Any]:
    rows = portfolio.get("/transactions", limit=200)["items"]
    unlike = {"portfolio_id", "recorded_at"}
    return {
        "rows": [{name: value for name, value in row.items() if name not in unlike} for row in rows],
        "holdings": portfolio.get("/holdings")["holdings"],
        "cash": portfolio.get("/cash")["balances"],
    }


@contextmanager
def held_by_somebody(database: Database, portfolio_id: str) -> Iterator[None]:
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("select 1 from portfolio where portfolio_id = %s for update", (portfolio_id,))
        yield


def test_nobody_waits_for_a_portfolio_that_a_stranger_has_locked(
    new_portfolio, groups: LedgerGroups, database: Database
) -> None:
    free, busy = new_portfolio(), new_portfolio()
    with held_by_somebody(database, busy.portfolio_id):
        began = time.monotonic()
        outcomes = groups.record([entry(busy.portfolio_id), entry(free.portfolio_id)])

        assert kinds(outcomes) == ["alone", "recorded"]
        assert time.monotonic() - began < 1


def test_control_with_a_lock_that_waits_everybody_waits_for_the_stranger(
    new_portfolio, groups: LedgerGroups, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LOCKS, RowLock.SKIP, "for update")
    free, busy = new_portfolio(), new_portfolio()
    with ThreadPoolExecutor(1) as threads:
        with held_by_somebody(database, busy.portfolio_id):
            waiting = threads.submit(groups.record, [entry(busy.portfolio_id), entry(free.portfolio_id)])
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.5)
        assert kinds(waiting.result(timeout=SECONDS)) == ["recorded", "recorded"]


def test_over_http_the_one_whose_portfolio_is_locked_waits_and_the_others_do_not(
    new_portfolio, database: Database
) -> None:
    free, busy = new_portfolio(), new_portfolio()
    with ThreadPoolExecutor(1) as threads:
        with held_by_somebody(database, busy.portfolio_id):
            waiting = threads.submit(busy.post, type="DEPOSIT", amount="5")
            time.sleep(0.05)
            assert [free.post(type="DEPOSIT", amount="5").status_code for _ in range(3)] == [201] * 3
            assert not waiting.done()
        assert waiting.result(timeout=SECONDS).status_code == 201


def test_a_key_that_was_used_has_no_effect_in_a_group(new_portfolio, groups: LedgerGroups) -> None:
    mine, other = new_portfolio(), new_portfolio()
    key, used = uuid4().hex, entry(mine.portfolio_id, uuid4().hex)
    (first,) = groups.record([used])
    assert mine.post(key=key, type="DEPOSIT", amount="5").status_code == 201

    (again,) = groups.record([used])
    outcomes = groups.record([entry(mine.portfolio_id, key), entry(other.portfolio_id, uuid4().hex)])

    assert isinstance(first, Answer)
    assert again == replace(first, is_replayed=True)
    assert kinds(outcomes) == ["IdempotencyConflict", "recorded"]
    assert (mine.get()["version"], other.get()["version"]) == (3, 2)


def test_two_of_one_key_in_a_group_are_both_left_alone_and_nothing_is_stored(
    new_portfolio, groups: LedgerGroups
) -> None:
    mine, other = new_portfolio(), new_portfolio()
    key = uuid4().hex

    outcomes = groups.record([entry(mine.portfolio_id, key), entry(other.portfolio_id, key)])

    assert kinds(outcomes) == ["alone", "alone"]
    assert (mine.get()["version"], other.get()["version"]) == (1, 1)


def test_where_the_database_refuses_one_all_are_left_alone_and_nothing_is_stored(
    new_portfolio, groups: LedgerGroups
) -> None:
    clients = [new_portfolio() for _ in range(4)]
    entries = [entry(one.portfolio_id, uuid4().hex) for one in clients]
    entries[2] = replace(entries[2], answer=lambda *_: Answer(201, b"\0"))  # PostgreSQL stores no such text

    assert kinds(groups.record(entries)) == ["alone"] * 4
    assert [one.get()["version"] for one in clients] == [1] * 4


def test_a_bug_in_one_decision_is_that_ones_alone(
    new_portfolio, groups: LedgerGroups, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = new_portfolio(), new_portfolio()
    decide = group.decide

    def decided(command: RecordTransaction, loaded: Loaded) -> Any:
        if command.txn_type is TxnType.WITHDRAW:
            loaded.portfolio.cash["USD"] = Decimal(-1)
            raise ZeroDivisionError
        return decide(command, loaded)

    monkeypatch.setattr(group, "decide", decided)
    outcomes = groups.record([entry(mine.portfolio_id, type="WITHDRAW"), entry(other.portfolio_id)])

    assert kinds(outcomes) == ["ZeroDivisionError", "recorded"]
    assert (mine.get()["cash"], other.get()["cash"]) == ("10000", "10005")


def test_a_lost_connection_is_told_to_everyone_and_not_tried_again(
    new_portfolio, groups: LedgerGroups, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = new_portfolio()
    calls: list[int] = []

    def lost(work: Any) -> None:
        calls.append(1)
        raise psycopg.OperationalError("the connection is lost")

    monkeypatch.setattr(group.UnitOfWork, "commit", lost)
    with pytest.raises(psycopg.OperationalError):
        groups.record([entry(mine.portfolio_id)])
    assert calls == [1]


def test_what_needs_the_history_is_left_alone_and_what_is_recorded_is_known(
    new_portfolio, groups: LedgerGroups
) -> None:
    clients = [new_portfolio() for _ in range(5)]
    ids = [one.portfolio_id for one in clients]
    assert clients[3].post(type="DEPOSIT", amount="5", external_id="from the broker").status_code == 201
    outcomes = groups.record(
        [
            entry(ids[0], type="SPLIT", ticker="AAPL", split_new="2", split_old="1", amount=None),
            entry(ids[1], type="DIVIDEND", ticker="AAPL", per_unit="1", ex_date="2017-01-03", amount=None),
            entry(ids[2], business_date="2010-01-04"),
            entry(ids[3], external_id="from the broker"),
            entry(ids[4], type="BUY", ticker="id:1", quantity="1", price="1", amount=None),
        ]
    )

    assert kinds(outcomes) == ["alone", "alone", "alone", "AlreadyExists", "recorded"]


def test_the_events_of_a_group_carry_each_their_own_cause(new_portfolio, api: httpx.Client, database: Database) -> None:
    clients = [new_portfolio() for _ in range(6)]

    def record(number: int) -> None:
        headers = {"X-Request-ID": f"cause-{number}"}
        address = f"/portfolios/{clients[number].portfolio_id}/transactions"
        api.post(address, json={"type": "DEPOSIT", "amount": "5"}, headers=headers).raise_for_status()

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(record, range(6)))
    with psycopg.connect(database.admin_url) as connection:
        for number, client in enumerate(clients):
            found = connection.execute(
                "select correlation_id from outbox where aggregate_id = %s and version = 2", (client.portfolio_id,)
            ).fetchall()
            assert found == [(f"cause-{number}",)]
