"""Many people: trades with accounts, policies and the audit log against the same server without accounts; a page of an
owner's portfolios among 10,000 of strangers against the same page alone; and others' wait beside wrong passwords.

Both servers are of one state, asked in turn; the owner signs by a token.
"""

import asyncio
import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import httpx
import psycopg

from oltp_api.access.credentials import new_token
from ops import processes
from storage.web.sessions import hash_of
from tests.benchmarks import load
from tests.benchmarks.bench_trades import TRADE, Bench, pinned, running

ROUNDS, SECONDS = 5, 3
OWNERS, EACH = 1_000, 10
PASSWORDS = 100
_OWNER = """
insert into app_user (user_id, email, display_name) values (%(user_id)s, %(email)s, 'x');
insert into api_token (token_id, user_id, name, prefix, token_hash, scopes, created_at)
values (gen_random_uuid(), %(user_id)s, 'x', 'lkf_', %(hash)s, '{read,trade}', now())
"""
_PORTFOLIOS = """
insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone)
select gen_random_uuid(), %(user_id)s, 'p' || number, 'USD', 'INVESTMENT', 'UTC'
from generate_series(1, %(each)s) as number
"""


def main() -> None:
    with running() as bench, with_accounts(bench) as port:
        token = owners_token(bench)
        for clients in (1, 32):
            ratios = []
            for _ in range(ROUNDS):
                own = load.run(bench.port, clients, SECONDS, trades(bench, ""))
                theirs = load.run(port, clients, SECONDS, trades(bench, f"Authorization: Bearer {token}\r\n"))
                assert not (own.refused + theirs.refused), (own.refused + theirs.refused)[0]
                ratios.append(theirs.rate / own.rate)
            print(
                f"a trade with accounts, {clients} at once: {statistics.median(ratios):.2f} times without "
                f"({theirs.rate:,.0f} a second; {', '.join(f'{each:.2f}' for each in sorted(ratios))})"
            )
        print(f"an owner's page among {OWNERS * EACH:,} portfolios: {listed(bench, port):.2f} times as long as alone")
        print(
            f"others beside {PASSWORDS} wrong passwords: {asyncio.run(beside(port, token)):.2f} times as long as alone"
        )


@contextmanager
def with_accounts(bench: Bench) -> Iterator[int]:
    """The port of a second server of the same state, where everybody signs in."""
    server = pinned(processes.api(processes.free_port()), "accounts")
    processes.start(server, bench.home, {**bench.variables, "AUTH": "accounts"})
    try:
        processes.wait_ready(server, bench.home)
        assert server.port is not None
        yield server.port
    finally:
        processes.stop(bench.home, server.name)


def owners_token(bench: Bench) -> str:
    """A token of the one owner that there was before."""
    token = new_token()
    with psycopg.connect(bench.admin_url) as connection:
        connection.execute(
            "insert into api_token (token_id, user_id, name, prefix, token_hash, scopes, created_at)"
            " select gen_random_uuid(), user_id, 'x', 'lkf_', %s, '{read,trade}', now() from app_user limit 1",
            (hash_of(token),),
        )
    return token


def trades(bench: Bench, header: str) -> Callable[[int], Iterator[bytes]]:
    def requests(client: int) -> Iterator[bytes]:
        for number in itertools.count():
            portfolio = bench.portfolios[(client * 7 + number * 13) % len(bench.portfolios)]
            yield load.post(f"/api/v1/portfolios/{portfolio}/transactions", TRADE, uuid4().hex, header)

    return requests


def listed(bench: Bench, port: int) -> float:
    """How much longer an owner's page takes once others have portfolios too."""
    token, owner = new_token(), uuid4()
    with psycopg.connect(bench.admin_url, autocommit=True) as connection:
        connection.execute("delete from portfolio where version = 0")

        def add(user_id: object, secret: str) -> None:
            values = {"user_id": user_id, "email": f"{user_id}@example.org", "hash": hash_of(secret), "each": EACH}
            for statement in _OWNER.split(";\n"):
                connection.execute(statement, values)
            connection.execute(_PORTFOLIOS, values)

        add(owner, token)
        connection.execute("vacuum analyze portfolio")
        alone = _median(port, token)
        for _ in range(OWNERS - 1):
            add(uuid4(), new_token())
        connection.execute("vacuum analyze portfolio")
    return _median(port, token) / alone


def _median(port: int, token: str) -> float:
    with httpx.Client(
        base_url=f"http://127.0.0.1:{port}/api/v1", headers={"Authorization": f"Bearer {token}"}
    ) as client:
        times = []
        for _ in range(300):
            started = time.perf_counter()
            assert len(client.get("/portfolios").json()["items"]) == EACH
            times.append(time.perf_counter() - started)
    return statistics.median(times[100:])


async def beside(port: int, token: str) -> float:
    """How much longer another's request takes while wrong passwords are tried."""
    limits = httpx.Limits(max_connections=PASSWORDS + 1)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=120, limits=limits) as client:

        async def asked() -> float:
            started = time.perf_counter()
            (await client.get("/accounts", headers={"Authorization": f"Bearer {token}"})).raise_for_status()
            return time.perf_counter() - started

        quiet = [await asked() for _ in range(200)]
        wrong = [
            asyncio.create_task(client.post("/session", json={"email": f"{each}@example.org", "password": "x" * 20}))
            for each in range(PASSWORDS)
        ]
        busy = []
        while not all(each.done() for each in wrong):
            busy.append(await asked())
    return statistics.median(busy) / statistics.median(quiet[50:])


if __name__ == "__main__":
    main()
