"""A broker's file of 100,000 rows: tried and recorded, against the bulk endpoint with rows of the same kind.

One uvicorn worker on one core; PostgreSQL on the other. Memory is the worker's, at its highest.
"""

import time
from collections.abc import Iterator
from datetime import date, timedelta

import httpx
import psutil

from tests.benchmarks.bench_trades import Bench, bulk_rate, running

ROWS = 100_000
_FIRST, _DAYS = date(1996, 1, 2), 20 * 365
_HEADER = '"Date","Action","Symbol","Description","Quantity","Price","Fees & Comm","Amount"\n'


def main() -> None:
    file = (_HEADER + "".join(reversed(list(rows(ROWS))))).encode()
    with running() as bench:
        worker = _listening(bench.port)
        before = worker.memory_info().rss
        tried, recorded = _sent(bench, file, dry_run=True), _sent(bench, file, dry_run=False)
        most = _peak(worker)
        bulk = bulk_rate(bench)
    print(
        f"a file of {ROWS:,} rows: tried {tried:,.0f} rows a second, recorded {recorded:,.0f}, "
        f"{recorded / bulk:.2f} times the bulk endpoint ({bulk:,.0f}); "
        f"{most / 2**20:,.0f} MB at most, {before / 2**20:,.0f} before"
    )


def rows(count: int) -> Iterator[str]:
    """Lines of Schwab's form over twenty years: money comes in, is invested and earns."""
    for number in range(count):
        day = f"{_FIRST + timedelta(days=number * _DAYS // count):%m/%d/%Y}"
        units = 1 + number % 9
        if number % 10 == 0:
            yield f'"{day}","MoneyLink Transfer","","Tfr {number}","","","","$10,000.00"\n'
        elif number % 10 < 7:
            yield f'"{day}","Buy","AAPL","APPLE","{units}","$10.00","$1.00","-${units * 10 + 1:.2f}"\n'
        elif number % 10 < 9:
            yield f'"{day}","Sell","AAPL","APPLE","1","$11.00","","$11.00"\n'
        else:
            yield f'"{day}","Credit Interest","","","","","","${units}.25"\n'


def _sent(bench: Bench, file: bytes, dry_run: bool) -> float:
    """Rows a second of one request."""
    body = {"name": "a long file", "initial_cash": "10000000", "business_date": "1995-01-03"}
    with httpx.Client(base_url=f"http://127.0.0.1:{bench.port}/api/v1", timeout=600, trust_env=False) as client:
        portfolio = client.post("/portfolios", json=body).raise_for_status().json()["portfolio_id"]
        started = time.perf_counter()
        answer = client.post(
            f"/portfolios/{portfolio}/imports",
            content=file,
            params={"dry_run": str(dry_run).lower()},
            headers={"Content-Type": "text/csv"},
        )
        seconds = time.perf_counter() - started
    assert answer.is_success, answer.text
    assert answer.json()["recorded"] == ROWS, answer.text[:500]
    return ROWS / seconds


def _listening(port: int) -> psutil.Process:
    found = next(each for each in psutil.net_connections("tcp") if each.status == "LISTEN" and each.laddr.port == port)
    assert found.pid is not None
    return psutil.Process(found.pid)


def _peak(process: psutil.Process) -> int:
    """The most memory that a process has had, as the kernel counts it."""
    status = open(f"/proc/{process.pid}/status").read()  # noqa: PTH123, SIM115, a file of the kernel's
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
