"""Recording trades: our endpoint against pgbench running the same SQL, and against SQLAlchemy's async ORM.

One uvicorn worker on one core; PostgreSQL, with durable commits, on the other, which the load generators share.
"""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg

from application import ledger
from ops import processes
from ops.environment import prepared
from storage.postgres import embedded
from storage.queries import statements
from storage.settings import Settings
from tests.benchmarks import load

PORTFOLIOS = 64
CLIENTS = 32
PGBENCH_CLIENTS = 8
"""Its best: each runs one statement after another, and more of them only wait for each other's rows."""
SECONDS = 8
BULK_ROWS = 5_000
REBUILT_ROWS = 1_000_000
TRADE = b'{"type":"BUY","ticker":"AAPL","quantity":"1.5","price":"140.25","fees":"1"}'
AAPL, MAIN = "'AAPL'", "'MAIN'"
_CORES = sorted(os.sched_getaffinity(0))
_PARAMETER = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True)
class Bench:
    home: Path
    variables: Mapping[str, str]
    port: int
    portfolios: list[str]

    @property
    def admin_url(self) -> str:
        return self.variables["DATABASE_ADMIN_URL"]


def main() -> None:
    with running() as bench:
        _warm(bench.port, bench.portfolios)
        ours = load.run(bench.port, CLIENTS, SECONDS, trades(bench.portfolios))
        limit = pgbench(bench)
        again = load.run(bench.port, CLIENTS, SECONDS, trades(bench.portfolios))
        rate = max(ours.rate, again.rate)
        bulk = bulk_rate(bench)
        with orm_api(bench) as port:
            _warm(port, bench.portfolios)
            orm = load.run(port, CLIENTS, SECONDS, trades(bench.portfolios))
        for run in (ours, again, orm):
            assert not run.refused, run.refused[0]
        p95 = sorted(again.latencies)[int(0.95 * len(again.latencies))]
        print(
            f"recording a trade: {rate / limit:.2f} times pgbench of the same SQL ({rate:,.0f} against {limit:,.0f} a "
            f"second), {rate / orm.rate:.1f} times SQLAlchemy's async ORM ({orm.rate:,.0f}); p95 {p95 * 1e3:.1f} ms "
            f"with {CLIENTS} clients"
        )
        print(f"bulk: {bulk / limit:.2f} times pgbench's trades ({bulk:,.0f} rows a second, {BULK_ROWS:,} a request)")
        print(rebuilt(bench))


def trades(portfolios: list[str]) -> Callable[[int], Iterator[bytes]]:
    def requests(client: int) -> Iterator[bytes]:
        for number in itertools.count():
            portfolio = portfolios[(client * 7 + number * 13) % len(portfolios)]
            yield load.post(f"/api/v1/portfolios/{portfolio}/transactions", TRADE, uuid4().hex)

    return requests


def pgbench(bench: Bench) -> float:
    """Transactions a second of pgbench running, statement by statement, what one trade runs."""
    with tempfile.TemporaryDirectory() as folder:
        scripts = []
        for number, portfolio in enumerate(bench.portfolios):
            script = Path(folder) / f"{number}.sql"
            script.write_text(_script(portfolio, bench))
            scripts += ["-f", str(script)]
        url = psycopg.conninfo.conninfo_to_dict(bench.variables["DATABASE_SERVICES_URL"])
        command = [str(embedded.binaries() / "pgbench"), "-n", "-M", "prepared", "-c", str(PGBENCH_CLIENTS), "-j", "1"]
        command += ["-T", str(SECONDS), "-h", str(url["host"]), "-U", str(url["user"]), *scripts, str(url["dbname"])]
        said = subprocess.run([*_on_core(1), *command], check=True, capture_output=True, text=True).stdout
    found = re.search(r"tps = ([\d.]+)", said)
    assert found is not None, said
    return float(found[1])


def _script(portfolio: str, bench: Bench) -> str:
    portfolios, accounts = statements("oltp_api/ledger/queries.sql"), statements("oltp_api/accounts/queries.sql")
    registry, requests = statements("oltp_api/registry/queries.sql"), statements("oltp_api/simulations/queries.sql")
    user = "'00000000-0000-4000-8000-000000000001'::uuid"
    one = f"'portfolio_id', '{portfolio}', "
    row = (
        f"array[row('{portfolio}', :p_version::bigint + 1, :a_account_id::bigint, 'BUY', 'USD', -211.375,"
        " '2017-03-29T20:00:00Z', '2017-03-29', :s_security_id::bigint, 1.5, 140.25, 1, '', 210.375, 0, 1, null, null,"
        f" null, null, null, null, null, null, '\\\\x{'ab' * 32}')::ledger_row]"
    )
    holding = (
        f"json_build_array(json_build_object({one}'account_id', :a_account_id::bigint, 'security_id',"
        " :s_security_id::bigint, 'quantity', :h_quantity::numeric + 1.5, 'reserved', '0', 'cost_basis',"
        " :h_cost_basis::numeric + 211.375, 'cost_basis_base', :h_cost_basis::numeric + 211.375, 'realised', '0',"
        " 'realised_base', '0', 'realised_fx_base', '0', 'is_basis_known', true, 'is_realised_known', true))"
    )
    payload = json.dumps({"portfolio_id": portfolio, "txn_type": "BUY", "quantity": "1.5", "price": "140.25"})
    event = (
        f"json_build_object('aggregate_id', '{portfolio}', 'version', :p_version::bigint + 1, 'event_type',"
        f" 'PositionUpdated', 'payload', '{payload}'::jsonb, 'correlation_id', 'bench')"
    )
    given = {
        "portfolio_ids": f"array['{portfolio}']::uuid[]",
        "user_ids": f"array[{user}]",
        "identifiers": f"array[{AAPL}]",
        "security_ids": "array[null]::bigint[]",
    }
    balance = ":c_balance::numeric - 211.375"
    saved = {
        **given,
        "recorded_at": "now()",
        "rows": row,
        "holdings": holding,
        "cash": f"json_build_array(json_build_object({one}'currency', 'USD', 'balance', {balance}, 'reserved', '0'))",
        "others": "'[]'",
        "updates": f"json_build_array({event})",
        "causes": "array['bench']",
        "portfolios": f"json_build_array(json_build_object({one}'version', :p_version::bigint + 1,"
        " 'last_business_date', '2017-03-29', 'last_event_ts', '2017-03-29T20:00:00Z', 'cost_method', 'AVCO',"
        f" 'ledger_hash', '{'ab' * 32}'))",
    }
    body = json.dumps({"answer": "x" * 500})
    kept = {
        "keys": f"jsonb_build_array(jsonb_build_object('user_id', {user}, 'key', gen_random_uuid(), 'request_hash',"
        f" '{'ab' * 32}', 'status', 201, 'body', '{body}'))"
    }
    named = {"values": f"array[{AAPL}]", "id_types": "array[null]", "days": "array[null]"}
    steps = [
        "begin;",
        f"{_filled(portfolios['roots'], given)} for update \\gset p_",
        f"{_filled(portfolios['cash'], given)} \\gset c_",
        f"{_filled(portfolios['holdings'], given)} \\gset h_",
        f"{_filled(accounts['usable'], {**given, 'identifiers': f'array[{MAIN}]'})} for key share \\gset a_",
        f"{_filled(registry['find'], named)} \\gset s_",
        f"{_filled(portfolios['save'], saved)};",
        f"{_filled(requests['keep_keys'], kept)};",
        "commit;",
    ]
    return "\n".join(steps)


def _filled(statement: str, values: Mapping[str, str]) -> str:
    """The statement on one line, its parameters replaced by SQL."""
    plain = re.sub(r"--[^\n]*", "", statement)
    return re.sub(r"\s+", " ", _PARAMETER.sub(lambda name: values[name[1]], plain)).strip()


def bulk_rate(bench: Bench) -> float:
    """Rows a second through the bulk endpoint, for `SECONDS`."""
    row = {"type": "BUY", "ticker": "AAPL", "quantity": "1.5", "price": "140.25", "fees": "1"}
    body = {"transactions": [row] * BULK_ROWS}
    started, rows = time.perf_counter(), 0
    with httpx.Client(base_url=f"http://127.0.0.1:{bench.port}/api/v1", timeout=120, trust_env=False) as client:
        for portfolio in itertools.cycle(bench.portfolios):
            answer = client.post(f"/portfolios/{portfolio}/transactions/bulk", json=body)
            answer.raise_for_status()
            rows += BULK_ROWS
            if time.perf_counter() - started > SECONDS:
                break
    return rows / (time.perf_counter() - started)


def rebuilt(bench: Bench) -> str:
    """How long it takes to fold a million rows anew."""
    portfolios = REBUILT_ROWS // 1_000
    with psycopg.connect(bench.admin_url, autocommit=True) as owner:
        owner.execute(
            """
            with made as (
                insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone, version)
                select gen_random_uuid(), '00000000-0000-4000-8000-000000000001', 'rebuilt', 'USD', 'INVESTMENT',
                       'UTC', 1000
                from generate_series(1, %s)
                returning portfolio_id
            )
            insert into transaction_ledger (
                portfolio_id, seq, account_id, security_id, txn_type, quantity, price, gross, fees, cash_effect,
                currency, fx_rate, business_date, event_ts, recorded_at, row_hash
            )
            select portfolio_id, seq, 1, 1 + seq %% 20, case seq %% 3 when 0 then 'SELL' else 'BUY' end,
                   case seq %% 3 when 0 then -1 else 2 end, 100 + seq %% 7,
                   (100 + seq %% 7) * case seq %% 3 when 0 then 1 else 2 end, 1,
                   (100 + seq %% 7) * case seq %% 3 when 0 then 1 else -2 end - 1, 'USD', 1,
                   date '2010-01-01' + seq::int, timestamptz '2010-01-01' + seq * interval '1 day', now(), ''
            from made cross join generate_series(1, 1000) as seq
            """,
            (portfolios,),
        )
        names = [row[0] for row in owner.execute("select portfolio_id from portfolio where name = 'rebuilt'")]
        started = time.perf_counter()
        rows = sum(ledger.rebuild(owner, portfolio_id) for portfolio_id in names)
        seconds = time.perf_counter() - started
    return f"rebuilding the projections of {rows:,} rows: {seconds:.0f} s ({rows / seconds:,.0f} rows a second)"


@contextmanager
def running() -> Iterator[Bench]:
    """A new state with the API on one core and PostgreSQL on the other."""
    with tempfile.TemporaryDirectory(prefix="lakefolio-bench-") as folder:
        settings = Settings(
            lakefolio_home=Path(folder),
            database_url=None,
            database_admin_url=None,
            lake_uri=None,
            market_source="sample",
        )
        variables = {**prepared(settings), "LOG_FORMAT": "json"}
        _pin_postgres(settings.home)
        api = pinned(processes.api(processes.free_port()))
        try:
            processes.start(api, settings.home, variables)
            processes.wait_ready(api, settings.home)
            assert api.port is not None
            with suppress(OSError):
                os.sched_setaffinity(0, {_CORES[-1]})
            yield Bench(settings.home, variables, api.port, _portfolios(api.port))
        finally:
            os.sched_setaffinity(0, _CORES)
            processes.stop(settings.home, "api")
            embedded.stop(settings.home)


def pinned(server: processes.Server, name: str | None = None) -> processes.Server:
    """The same on the core where ours runs."""
    return replace(server, name=name or server.name, command=[*_on_core(0), *server.command])


@contextmanager
def orm_api(bench: Bench) -> Iterator[int]:
    """The alternative's port, on the core where ours runs."""
    port = processes.free_port()
    command = [sys.executable, "-m", "uvicorn", "tests.benchmarks.orm_api:create_app", "--factory", "--port", str(port)]
    server = processes.Server(
        "orm", [*_on_core(0), *command, "--log-level", "error"], port, f"http://127.0.0.1:{port}/docs"
    )
    processes.start(server, bench.home, bench.variables)
    try:
        processes.wait_ready(server, bench.home)
        yield port
    finally:
        processes.stop(bench.home, "orm")


def _portfolios(port: int) -> list[str]:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=30, trust_env=False) as client:
        asked = {"name": "bench", "initial_cash": "1000000000000"}
        found = [client.post("/portfolios", json=asked).json()["portfolio_id"] for _ in range(PORTFOLIOS)]
        for portfolio in found:
            client.post(f"/portfolios/{portfolio}/transactions", json=json.loads(TRADE)).raise_for_status()
    return found


def _warm(port: int, portfolios: list[str]) -> None:
    load.run(port, CLIENTS, 2, trades(portfolios))


def _pin_postgres(home: Path) -> None:
    pid = int((home / "pgdata" / "postmaster.pid").read_text().split()[0])
    children = subprocess.run(["ps", "--ppid", str(pid), "-o", "pid="], capture_output=True, text=True).stdout.split()
    for each in (pid, *map(int, children)):
        with suppress(OSError):
            os.sched_setaffinity(each, {_CORES[-1]})


def _on_core(core: int) -> list[str]:
    return ["taskset", "-c", str(_CORES[min(core, len(_CORES) - 1)])] if shutil.which("taskset") else []


if __name__ == "__main__":
    main()
