"""`GET /review` on the demo's lake with 8 clients: its 95th percentile while nothing runs, and while a refresh runs.

The clients ask again and again on connections of their own, from another process than the API's. What is kept of a
release is there after the first answer; the first one after a new release is made while they ask.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import quantiles
from time import perf_counter

import httpx

from tests.benchmarks.state import State, demo_state

CLIENTS = 8
SECONDS = 15.0


def main() -> None:
    with demo_state() as state:
        state.refresh()
        address = f"{state.client.base_url}portfolios/{state.portfolio_id}/review"
        started = perf_counter()
        size = len(state.client.get(address).raise_for_status().content)
        first = perf_counter() - started
        quiet = p95(asked(address, lambda: threading.Event().wait(SECONDS)))
        _trade(state)
        busy = p95(asked(address, state.refresh))
    print(
        f"/review ({size / 1024:.0f} KB) with {CLIENTS} clients: p95 {quiet * 1e3:.0f} ms, {busy / quiet:.1f} times as "
        f"long while a refresh runs ({busy * 1e3:.0f} ms); the first answer of a release takes {first * 1e3:.0f} ms"
    )


def asked(address: str, meanwhile: Callable[[], object]) -> list[float]:
    """How long each answer took that `CLIENTS` got one after another, as long as `meanwhile` lasts."""
    is_over = threading.Event()
    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(_ask, address, is_over) for _ in range(CLIENTS)]
        try:
            meanwhile()
        finally:
            is_over.set()
        return [seconds for client in clients for seconds in client.result()]


def p95(times: list[float]) -> float:
    return quantiles(times, n=20)[-1]


def _ask(address: str, is_over: threading.Event) -> list[float]:
    took = []
    with httpx.Client(timeout=60, trust_env=False) as client:
        while not is_over.is_set():
            started = perf_counter()
            client.get(address).raise_for_status()
            took.append(perf_counter() - started)
    return took


def _trade(state: State) -> None:
    trade = {"type": "BUY", "ticker": "KO", "quantity": "1", "price": "42.44", "business_date": "2017-03-29"}
    state.client.post(f"/portfolios/{state.portfolio_id}/transactions", json=trade).raise_for_status()


if __name__ == "__main__":
    main()
