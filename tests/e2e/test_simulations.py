"""Simulations over HTTP, on the demo's portfolio: every kind is asked for, run from the queue, read, replayed, compared.

Everything real: requests in PostgreSQL, parameters of a release, tables of the lake.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from pipelines.definitions import build_defs
from pipelines.refresh import simulate_due
from tests.e2e.conftest import Home, savings

SEED, PATHS = 42, 2048
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "stagflation": {"scenario": "stagflation"},
    "other seed": {"scenario": "stagflation", "seed": SEED + 1},
    "historical": {"drift": "historical"},
    "equilibrium": {"drift": "equilibrium"},
    "student_t": {"model": "student_t"},
    "bootstrap": {"model": "block_bootstrap"},
    "regimes": {"model": "regime_switching"},
    "sequences": {"model": "historical_sequences"},
    "monthly": {"rebalancing": "monthly", "withdrawal_per_year": "100000", "goal": "3000000", "floor": "1000000"},
    "replay of 2008": {"scenario": "credit-crisis-2008", "inflation_annual": 0.03},
    "own": {"scenario": "apple-halves"},
}
OWN = {"name": "apple-halves", "shocks": [{"simple_return": -0.5, "of": "TICKER", "name": "AAPL"}]}


class Simulated:
    """The demo with simulations of every kind, all of one seed but one."""

    def __init__(self, home: Home, client: httpx.Client) -> None:
        self.home, self.client = home, client
        assert client.post("/simulation-scenarios", json=OWN).status_code == 201
        self.ids = {name: self.ask(name, **terms) for name, terms in KINDS.items()}
        self.run()

    def ask(self, name: str, **terms: Any) -> str:
        asked = {"portfolio_id": self.home.portfolio_id, "name": name, "horizon_years": 10, "num_paths": PATHS}
        answer = self.client.post("/simulations", json={**asked, "seed": SEED, **terms})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["simulation_id"])

    def run(self) -> None:
        self.home.pick_up()
        with self.home.joined() as instance:
            assert simulate_due(build_defs(self.home.platform), self.home.platform, instance)

    def get(self, name: str, what: str = "") -> Any:
        answer = self.client.get(f"/simulations/{self.ids.get(name, name)}{what}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def figure(self, name: str, figure: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(name)["summary"]["figures"][figure]
        return found


@pytest.fixture(scope="module")
def simulated(new_home: Any) -> Iterator[Simulated]:
    with new_home(savings, begins_with="demo") as home, home.client() as client:
        yield Simulated(home, client)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_simulated_with_errors_and_in_todays_money(simulated: Simulated, kind: str) -> None:
    shown = simulated.get(kind)

    assert (shown["status"], shown["reason"]) == ("DONE", None)
    last = shown["fan"][-1]
    assert last["p5"] < last["p50"] < last["p95"]
    assert all(last[f"{name}_error"] > 0 for name in ("p5", "p50", "p95", "mean"))
    assert 0 < last["p50_real"] < last["p50"]
    figures = shown["summary"]["figures"]
    for name, figure in figures.items():
        assert (figure["value"] is None) == (figure["standard_error"] is None) == (figure["reason"] is not None), name
