"""From a trade's commit to its release, with the daemon running, against one refresh as a command."""

import statistics
import time

from ops import processes
from tests.benchmarks.state import State, demo_state

TRADES = 12
PAUSE_SECONDS = 6


def main() -> None:
    with demo_state() as state:
        state.refresh()
        command = state.refresh()
        daemon = processes.daemon()
        processes.start(daemon, state.home, state.variables)
        processes.wait_ready(daemon, state.home)
        waits = [waited(state) for _ in range(TRADES)]
    ordered = sorted(waits)
    median, p95 = statistics.median(ordered), ordered[round(0.95 * (TRADES - 1))]
    print(
        f"trade to release, {TRADES} trades: median {median:.1f} s, p95 {p95:.1f} s; the median is "
        f"{median / command:.2f} times `python -m pipelines.refresh` ({command:.1f} s); the first, cold, took "
        f"{waits[0]:.1f} s"
    )


def waited(state: State) -> float:
    """Seconds until the API's valued positions show one more trade."""
    trade = {"type": "BUY", "ticker": "KO", "quantity": "1", "price": "34.7"}
    here = f"/portfolios/{state.portfolio_id}"
    before = held(state)
    state.client.post(f"{here}/transactions", json=trade).raise_for_status()
    started = time.perf_counter()
    while held(state) == before:
        if time.perf_counter() - started > 120:
            raise TimeoutError("the trade was not released within 120 s")
        time.sleep(0.5)
    seconds = time.perf_counter() - started
    time.sleep(PAUSE_SECONDS)
    return seconds


def held(state: State) -> str:
    positions = state.client.get(f"/portfolios/{state.portfolio_id}/positions").json()["positions"]
    return next(str(position["quantity"]) for position in positions if position["ticker"] == "KO")


if __name__ == "__main__":
    main()
