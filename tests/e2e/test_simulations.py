"""Simulations over HTTP, on the demo's portfolio: kinds are asked for, run, read and compared, and some are replayed;
every model, drift and kind with LAKEFOLIO_CHAOS=long.

Everything real: requests in PostgreSQL, parameters of a release, tables of the lake.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import httpx
import psycopg
import pytest

from pipelines.definitions import build_defs
from pipelines.refresh import simulate_due
from pipelines.replication.assets import replicate_postgres
from pipelines.simulations.assets import WORKERS
from tests.e2e.conftest import Home, savings
from tests.effort import IS_LONG

SEED, PATHS = 42, 2048
MU = "marts/security_historical_mu"
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "other plain": {"seed": SEED + 1},
    "stagflation": {"scenario": "stagflation"},
    "other stagflation": {"scenario": "stagflation", "seed": SEED + 1},
    "japan": {"scenario": "japan-lost-decade"},
    "other japan": {"scenario": "japan-lost-decade", "seed": SEED + 1},
    "regimes": {"model": "regime_switching"},
    "monthly": {"rebalancing": "monthly", "withdrawal_per_year": "100000", "goal": "3000000", "floor": "1000000"},
    "replay of 2008": {"scenario": "credit-crisis-2008", "inflation_annual": 0.03},
    "own": {"scenario": "apple-halves"},
    "sobol": {"sampling": "sobol"},
}
if IS_LONG:
    KINDS |= {
        "historical": {"drift": "historical"},
        "equilibrium": {"drift": "equilibrium"},
        "student_t": {"model": "student_t"},
        "bootstrap": {"model": "block_bootstrap"},
        "sequences": {"model": "historical_sequences"},
    }
CHANGED = {"another seed": "seed = seed + 1", "no release": "release_id = 10000"}
"""Simulations that somebody changes behind the application, and how."""
RELEASE = dg.AssetKey(["meta", "release"])
OWN = {"name": "apple-halves", "shocks": [{"simple_return": -0.5, "of": "TICKER", "name": "AAPL"}]}
_SIMULATE_WHAT_IS_DUE = """
import dagster as dg
from pipelines.definitions import build_defs
from pipelines.refresh import simulate_due
from pipelines.runtime.resources import Platform
platform = Platform()
assert simulate_due(build_defs(platform), platform, dg.DagsterInstance.get())
"""


class Simulated:
    """The demo with simulations of every kind, all of one seed but one."""

    def __init__(self, home: Home, instance: dg.DagsterInstance, client: httpx.Client) -> None:
        self.home, self.instance, self.client = home, instance, client
        self.defs = build_defs(home.platform)
        assert client.post("/simulation-scenarios", json=OWN).status_code == 201
        self.ids = {name: self.ask(name, **terms) for name, terms in KINDS.items()}
        listed = client.get(f"/portfolios/{home.portfolio_id}/positions").json()["positions"]
        table = [
            {"ticker": one["ticker"], "mu_annual": 0.05, "source": "a guess", "date": "2017-03-01"} for one in listed
        ]
        self.ids["given"] = self.ask("given", drift="given", given_drifts=table)
        self.ids |= {name: self.ask(name, num_paths=100, horizon_years=1) for name in CHANGED}
        self.run()

    def ask(self, name: str, **terms: Any) -> str:
        asked = {"portfolio_id": self.home.portfolio_id, "name": name, "horizon_years": 5, "num_paths": PATHS}
        answer = self.client.post("/simulations", json={**asked, "seed": SEED, **terms})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["simulation_id"])

    def release(self) -> None:
        """Release what has been asked for; of tables, since nothing is recorded here, only the replica's are made."""
        job, made = self.defs.resolve_implicit_global_asset_job_def(), [*replicate_postgres.keys, RELEASE]
        assert job.execute_in_process(instance=self.instance, asset_selection=made).success

    def run(self) -> None:
        self.release()
        assert simulate_due(self.defs, self.home.platform, self.instance)

    def get(self, name: str, what: str = "") -> Any:
        answer = self.client.get(f"/simulations/{self.ids.get(name, name)}{what}")
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def simulated(new_home: Any) -> Iterator[Simulated]:
    with new_home(savings, begins_with="demo") as home, home.joined() as instance, home.client() as client:
        yield Simulated(home, instance, client)


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


@pytest.mark.parametrize("error", ["standard_error", "relative_error"])
def test_on_common_numbers_a_difference_has_half_the_error_of_independent_runs_at_most(
    simulated: Simulated, error: str
) -> None:
    """Figures in money, in amounts and in proportion."""
    common = compared(simulated, "plain", "japan")
    independent = compared(simulated, "plain", "other japan")

    assert (common["on_common_numbers"], independent["on_common_numbers"]) == (True, False)
    errors, apart = ({one["name"]: one[error] for one in each["differences"]} for each in (common, independent))
    shares = {name: errors[name] / apart[name] for name in ("mean", "median", "p5", "p95")}
    assert max(shares.values()) <= 0.5, shares
    median = next(one for one in common["differences"] if one["name"] == "median")
    assert median["difference"] == median["second"] - median["first"]


def test_a_difference_is_within_its_error_of_the_one_by_another_seed(simulated: Simulated) -> None:
    """The control: were errors on common numbers too small, differences of another seed would be far outside."""
    one = {each["name"]: each for each in compared(simulated, "plain", "stagflation")["differences"]}
    two = {each["name"]: each for each in compared(simulated, "other plain", "other stagflation")["differences"]}

    away = {
        name: (two[name]["difference"] - one[name]["difference"])
        / (one[name]["standard_error"] ** 2 + two[name]["standard_error"] ** 2) ** 0.5
        for name in one
        if one[name]["standard_error"] and two[name]["standard_error"]
    }
    assert len(away) > 8
    assert max(map(abs, away.values())) < 4, away


def compared(simulated: Simulated, first: str, second: str) -> Any:
    ids = ",".join(simulated.ids.get(name, name) for name in (first, second))
    answer = simulated.client.get("/simulations/compare", params={"ids": ids})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def replays(simulated: Simulated) -> dict[str, Any]:
    """The comparisons of replays, all computed in a process of their own, as after a restart."""
    asked = {name: simulated.client.post(f"/simulations/{simulated.ids[name]}/replay").json() for name in KINDS}
    simulated.release()
    made = simulated.home.run("python", "-c", _SIMULATE_WHAT_IS_DUE)
    assert made.returncode == 0, made.stdout + made.stderr
    done = {name: simulated.get(one["simulation_id"]) for name, one in asked.items()}
    assert {one["status"] for one in done.values()} == {"DONE"}
    return {name: one["summary"] for name, one in done.items()}


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_a_replay_in_another_process_with_other_workers_is_equal_to_the_bit(
    simulated: Simulated, replays: dict[str, Any], kind: str
) -> None:
    assert (replays[kind]["is_bit_equal"], replays[kind]["differences"]) == (True, [])
    assert replays[kind]["result_hash"] == simulated.get(kind)["summary"]["result_hash"]
    assert replays[kind]["workers"] != WORKERS


@pytest.fixture(scope="module")
def later(simulated: Simulated) -> dict[str, Any]:
    """Replays of what was not changed and of what was, behind the application, and a calibration, of one turn."""
    plain = f"/simulations/{simulated.ids['plain']}"
    asked = {"unchanged": simulated.client.post(f"{plain}/replay")}
    asked["calibration"] = simulated.client.post(f"{plain}/calibration")
    for name, change in CHANGED.items():
        with psycopg.connect(simulated.home.platform.database.admin_url, autocommit=True) as connection:
            connection.execute(f"update simulation set {change} where simulation_id = %s", (simulated.ids[name],))
        asked[name] = simulated.client.post(f"/simulations/{simulated.ids[name]}/replay")
    assert {answer.status_code for answer in asked.values()} == {202}
    simulated.run()
    return {name: simulated.get(answer.json()["simulation_id"]) for name, answer in asked.items()}


def test_a_replay_is_equal_to_the_bit(simulated: Simulated, later: dict[str, Any]) -> None:
    """Workers change no bit of any model, as tests/domain shows."""
    again = later["unchanged"]["summary"]

    assert (again["is_bit_equal"], again["differences"]) == (True, [])
    assert again["result_hash"] == simulated.get("plain")["summary"]["result_hash"]


def test_a_replay_says_which_input_differs(simulated: Simulated, later: dict[str, Any]) -> None:
    """The control: a seed that somebody changed, and a release that is not there."""
    assert {(later[name]["status"], later[name]["replay_of"]) for name in CHANGED} == {
        ("DONE", simulated.ids[name]) for name in CHANGED
    }
    seed, gone = (later[name]["summary"] for name in CHANGED)

    assert not seed["is_bit_equal"]
    assert [(one["name"], one["before"], one["now"]) for one in seed["differences"]] == [("seed", "42", "43")]
    assert (gone["is_bit_equal"], gone["differences"][0]["name"]) == (False, "release")


def test_a_portfolio_is_calibrated_on_request(simulated: Simulated, later: dict[str, Any]) -> None:
    done = later["calibration"]

    assert (done["status"], done["calibration_of"]) == ("DONE", simulated.ids["plain"]), done["reason"]
    records = {(one["horizon_years"], one["span"]): one for one in done["summary"]["records"]}
    assert {horizon for horizon, _ in records} >= {1, 5, 10}
    assert all(0 <= one["coverage_90"] <= 1 and one["n_separate"] >= 1 for one in records.values())
    assert {(one["model"], one["drift"]) for one in records.values()} == {("gaussian", "posterior")}


def test_a_replay_is_in_no_list(simulated: Simulated) -> None:
    listed = simulated.client.get(f"/portfolios/{simulated.home.portfolio_id}/simulations").json()["items"]

    assert all(one["replay_of"] is None and one["calibration_of"] is None for one in listed)


def test_inputs_say_where_each_number_is_from(simulated: Simulated) -> None:
    items = simulated.get("plain", "/inputs")["items"]
    by_name = {(one["name"], one["ticker"]): one for one in items}

    drift = by_name["mu_annual", "AAPL"]
    assert (drift["source"], drift["window_end"], drift["unit"]) == (MU, "2017-03-29", "per year")
    assert drift["source_version"] is not None
    assert by_name["value", "AAPL"]["lineage"]
    assert len(by_name["correlation", None]["content_hash"]) == 64
    assert by_name["seed", None]["value"] == SEED
    assert not [one for one in items if one["value"] is None and not one["text"] and not one["content_hash"]]
    for address in {one["lineage"] for one in items if one["lineage"]}:
        assert simulated.client.get(simulated.client.base_url.join(address)).status_code == 200, address


def test_a_given_drift_says_whose_it_is_and_of_which_day(simulated: Simulated) -> None:
    items = simulated.get("given", "/inputs")["items"]
    drifts = [one for one in items if one["name"] == "mu_annual"]

    assert {(one["value"], one["how"]) for one in drifts} == {(0.05, "given: a guess, 2017-03-01")}
    assert simulated.get("given")["summary"]["drift"]["sources"] == ["given: a guess, 2017-03-01"]


def test_sample_paths_lie_at_their_percentiles(simulated: Simulated) -> None:
    shown = simulated.get("plain", "/paths")

    ends = [path["values"][-1] for path in shown["paths"]]
    assert len(ends) == 10
    assert ends == sorted(ends)
    assert {len(path["values"]) for path in shown["paths"]} == {len(shown["years"])} == {61}
    last = simulated.get("plain")["fan"][-1]
    assert last["p5"] == pytest.approx(ends[0], rel=0.01)  # both at 5 %


def test_contributions_add_up_to_the_wealth_that_is_expected(simulated: Simulated) -> None:
    shown = simulated.get("plain")

    wealth = sum(one["wealth"] for one in shown["contributions"])
    cash = shown["summary"]["initial_value"] - sum(
        one["value"] for one in simulated.get("plain", "/inputs")["items"] if one["name"] == "value"
    )
    assert wealth == pytest.approx(shown["summary"]["figures"]["mean"]["value"], abs=2 * cash + 1000)
    assert sum(one["risk"] for one in shown["contributions"]) == pytest.approx(1)
    assert simulated.get("monthly")["contributions"] is None


def test_a_deleted_simulation_is_in_no_list_and_kept(simulated: Simulated) -> None:
    simulation_id = simulated.ask("short-lived")
    listed = f"/portfolios/{simulated.home.portfolio_id}/simulations"
    renamed = simulated.client.patch(f"/simulations/{simulation_id}", json={"name": "renamed"}).json()
    answer = simulated.client.delete(f"/simulations/{simulation_id}")

    assert (renamed["name"], answer.status_code) == ("renamed", 204)
    assert simulation_id not in {one["simulation_id"] for one in simulated.client.get(listed).json()["items"]}
    assert simulated.get(simulation_id)["is_hidden"]


def test_of_nothing_there_is_neither_path_nor_comparison(simulated: Simulated) -> None:
    waiting = simulated.ask("waits")

    for what in ("paths", "inputs"):
        answer = simulated.client.get(f"/simulations/{waiting}/{what}")
        assert (answer.status_code, answer.json()["code"]) == (409, "simulation_not_done")
    answer = simulated.client.get("/simulations/compare", params={"ids": f"{waiting},{simulated.ids['plain']}"})
    assert (answer.status_code, answer.json()["code"]) == (409, "simulation_not_done")


def test_pages_show_a_simulation_and_two_side_by_side(simulated: Simulated) -> None:
    one, other = simulated.ids["plain"], simulated.ids["stagflation"]
    page = simulated.client.get(f"/simulations/{one}/simulation.html")
    both = simulated.client.get("/simulations/compare.html", params={"ids": f"{one},{other}"})

    assert (page.status_code, both.status_code) == (200, 200)
    assert [page.text.count(said) for said in ("In today’s money</figcaption>", "weight of data", "<script")] == [
        1,
        15,
        0,
    ]
    assert both.text.count('<svg class="chart') == 2
    assert "same random numbers" in both.text
