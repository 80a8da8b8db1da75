"""Many people: trades with accounts, policies and the audit log against the same server without accounts; a page of an
owner's portfolios among 10,000 of strangers against the same page alone; a stranger's question about what is there
against one about what is not; and others' wait beside wrong passwords.

Both servers are of one state, asked in turn; the owner signs by a token. A trade's ratio is that of many short rounds,
for whatever else the machine does lasts longer than one and meets both, and beside it stands the ratio by CPU.
"""

import asyncio
import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from uuid import uuid4

import httpx
import psutil
import psycopg

from oltp_api.access.credentials import new_token
from oltp_api.access.rules import named_in
from ops import processes
from storage.postgres import embedded
from storage.web.sessions import hash_of
from tests.benchmarks import load
from tests.benchmarks.bench_trades import TRADE, Bench, pinned, running

ROUNDS, SECONDS = 48, 0.25
OWNERS, EACH = 1_000, 10
PASSWORDS = 100
TOLD_ROUNDS, TOLD_EACH = 5, 60
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


_THINGS = """
insert into orders (
    order_id, portfolio_id, account_id, security_id, side, order_type, quantity, fees, status, filled_quantity,
    reserved_cash, reserved_quantity, currency, reason, is_overdrawn, version, placed_at, updated_at
)
select
    %(order_id)s, portfolio_id, account_id, security_id, 'BUY', 'MARKET', 1, 0, 'FILLED',
    1, 0, 0, 'USD', '', false, 1, now(), now()
from transaction_ledger
where portfolio_id = %(portfolio_id)s and security_id is not null
limit 1;
insert into simulation (
    simulation_id, portfolio_id, user_id, name, horizon_years, num_paths, sample_paths, seed, requested_at
)
select %(simulation_id)s, portfolio_id, user_id, 'x', 1, 1, 0, 0, now() from portfolio
where portfolio_id = %(portfolio_id)s;
insert into import_batch (
    import_id, portfolio_id, file_name, file_sha256, status, total, recorded, duplicates, refused, skipped, report,
    created_at
)
select %(import_id)s, %(portfolio_id)s, 'x', repeat('a', 64), 'NOTHING', 0, 0, 0, 0, 0, '{}', now()
"""
Asked = tuple[str, str, str]
ASKED: Sequence[Asked] = [
    *(
        ("GET", f"/portfolios/{{portfolio_id}}{rest}", "")
        for rest in ("", "/holdings", "/cash", "/transactions", "/gains", "/review", "/export", "/concentration")
    ),
    ("GET", "/books/{portfolio_id}/snapshots/latest", ""),
    ("GET", "/orders/{order_id}", ""),
    ("GET", "/simulations/{simulation_id}", ""),
    ("GET", "/imports/{import_id}", ""),
    ("POST", "/portfolios/{portfolio_id}/transactions", TRADE.decode()),
    ("POST", "/orders", '{"portfolio_id":"{portfolio_id}","ticker":"AAPL","side":"BUY","quantity":"1"}'),
    ("POST", "/simulations", '{"portfolio_id":"{portfolio_id}","horizon_years":1}'),
    ("DELETE", "/simulations/{simulation_id}", ""),
]


def main() -> None:
    with running() as bench, with_accounts(bench) as port:
        token = owners_token(bench)
        for clients in (1, 32):
            print(compared(bench, port, token, clients))
        print(told_by_time(bench, port))
        print(f"an owner's page among {OWNERS * EACH:,} portfolios: {listed(bench, port):.2f} times as long as alone")
        print(
            f"others beside {PASSWORDS} wrong passwords: {asyncio.run(beside(port, token)):.2f} times as long as alone"
        )


@dataclass
class Side:
    """One of two servers: what it has recorded in its rounds, and what that took of its process and of PostgreSQL's."""

    port: int
    requests: Callable[[int], Iterator[bytes]]
    cost: Callable[[], tuple[float, float]]
    recorded: int = 0
    api_seconds: float = 0.0
    postgres_seconds: float = 0.0

    def round(self, clients: int, seconds: float = SECONDS) -> float:
        """Trades a second."""
        before = self.cost()
        run = load.run(self.port, clients, seconds, self.requests)
        after = self.cost()
        assert not run.refused, run.refused[0]
        self.recorded += len(run.latencies)
        self.api_seconds += after[0] - before[0]
        self.postgres_seconds += after[1] - before[1]
        return run.rate

    def milliseconds(self) -> tuple[float, float]:
        """CPU of a trade: of the API, and of PostgreSQL."""
        return self.api_seconds / self.recorded * 1e3, self.postgres_seconds / self.recorded * 1e3


def compared(bench: Bench, port: int, token: str, clients: int) -> str:
    """Rounds in turn, now the one first and now the other."""
    without = Side(bench.port, trades(bench, ""), cost_of(bench, "api"))
    accounts = Side(port, trades(bench, f"Authorization: Bearer {token}\r\n"), cost_of(bench, "accounts"))
    for side in (without, accounts):
        replace(side).round(clients, seconds=2)
    ratios = []
    for number in range(ROUNDS):
        order = (without, accounts) if number % 2 else (accounts, without)
        rates = {side.port: side.round(clients) for side in order}
        ratios.append(rates[accounts.port] / rates[without.port])
    low, middle, high = statistics.quantiles(ratios, n=4)
    spent, saved = accounts.milliseconds(), without.milliseconds()
    return (
        f"a trade with accounts, {clients} at once: {middle:.2f} times without (half of {ROUNDS} rounds {low:.2f} to "
        f"{high:.2f}), by CPU {sum(saved) / sum(spent):.2f} (API {spent[0]:.2f} ms and {saved[0]:.2f}, PostgreSQL "
        f"{spent[1]:.2f} and {saved[1]:.2f})"
    )


def cost_of(bench: Bench, name: str) -> Callable[[], tuple[float, float]]:
    """Seconds of CPU so far: of the server `name`, and of all of PostgreSQL's processes."""
    (server,) = processes.processes_of(bench.home, name)
    found = embedded.server(bench.home)
    assert found is not None
    postgres = psutil.Process(found.pid)

    def seconds() -> tuple[float, float]:
        api, own = server.cpu_times(), postgres.cpu_times()
        ended = own.children_user + own.children_system
        backends = [each.cpu_times() for each in postgres.children()]
        return api.user + api.system, ended + sum(each.user + each.system for each in (own, *backends))

    return seconds


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
    """How much longer an owner's page takes while others have portfolios too, than before and after."""
    token, owner = new_token(), uuid4()
    with psycopg.connect(bench.admin_url, autocommit=True) as connection:

        def add(user_id: object, secret: str) -> None:
            values = {"user_id": user_id, "email": f"{user_id}@example.org", "hash": hash_of(secret), "each": EACH}
            for statement in _OWNER.split(";\n"):
                connection.execute(statement, values)
            connection.execute(_PORTFOLIOS, values)

        def page() -> float:
            connection.execute("vacuum analyze portfolio")
            return _median(port, token)

        connection.execute("delete from portfolio where version = 0")
        add(owner, token)
        before = page()
        for _ in range(OWNERS - 1):
            add(uuid4(), new_token())
        among = page()
        connection.execute("delete from portfolio where version = 0 and user_id <> %s", (owner,))
        return among / statistics.mean((before, page()))


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


def told_by_time(bench: Bench, port: int) -> str:
    """How much longer a stranger waits for the 404 of what is another's than for that of what is not there.

    The control is two that are not there. Answers are the same but for the id, the moment and the request's own id.
    """
    theirs = {name: str(value) for name, value in named(bench).items()}
    token = strangers_token(bench)
    ratios: dict[str, list[float]] = {}
    controls: list[float] = []
    with closing(HTTPConnection("127.0.0.1", port)) as connection:
        for _ in range(TOLD_ROUNDS):
            for asked in ASKED:
                there, missing, again = told(connection, token, asked, theirs)
                ratios.setdefault(asked[1], []).append(there / missing)
                controls.append(again / missing)
    medians = {path: statistics.median(each) for path, each in ratios.items()}
    by_ratio = sorted(medians, key=medians.__getitem__)
    spread = [f"{each:.3f}" for each in (*statistics.quantiles(controls, n=20)[::18], statistics.median(controls))]
    return (
        f"what is another's, asked for {len(ASKED)} ways: {statistics.median(medians.values()):.3f} times as long as "
        f"what is not there (from {medians[by_ratio[0]]:.3f}, {by_ratio[0]}, to {medians[by_ratio[-1]]:.3f}, "
        f"{by_ratio[-1]}; of two that are not there {spread[2]}, nine in ten {spread[0]} to {spread[1]})"
    )


def named(bench: Bench) -> Mapping[str, object]:
    """A portfolio of the owner's, an order, a simulation and an import in it."""
    ids = {"portfolio_id": bench.portfolios[0], **{f"{each}_id": uuid4() for each in ("order", "simulation", "import")}}
    with psycopg.connect(bench.admin_url) as connection:
        for statement in _THINGS.split(";\n"):
            connection.execute(statement, ids)
    return ids


def strangers_token(bench: Bench) -> str:
    token, user_id = new_token(), uuid4()
    values = {"user_id": user_id, "email": f"{user_id}@example.org", "hash": hash_of(token)}
    with psycopg.connect(bench.admin_url) as connection:
        for statement in _OWNER.replace("{read,trade}", "{read,trade,import,simulate}").split(";\n"):
            connection.execute(statement, values)
    return token


def told(connection: HTTPConnection, token: str, asked: Asked, theirs: Mapping[str, str]) -> tuple[float, float, float]:
    """Lower deciles of the seconds for what is there, for what is not, and for that once more; asked in turn."""
    method, path, body = asked
    name = named_in(path) or "portfolio_id"
    times: list[list[float]] = [[], [], []]
    said: set[bytes] = set()
    for number in range(TOLD_EACH):
        for which in ((0, 1, 2), (2, 1, 0), (1, 0, 2))[number % 3]:
            target = theirs[name] if which == 0 else str(uuid4())
            sent = body.replace("{portfolio_id}", target).encode()
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            started = time.perf_counter()
            connection.request(method, f"/api/v1{path.replace('{' + name + '}', target)}", sent or None, headers)
            answer = connection.getresponse()
            content = answer.read()
            times[which].append(time.perf_counter() - started)
            assert answer.status == 404, content
            kept = [(name, value) for name, value in answer.getheaders() if name not in ("date", "x-request-id")]
            said.add(content.replace(target.encode(), b"") + str(kept).encode())
    assert len(said) == 1, said
    there, missing, again = (statistics.quantiles(each, n=10)[0] for each in times)
    return there, missing, again


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
