"""The demo: 27 years of a portfolio on the bundled market and ten of one of bonds, from the ledger to the report.

It is the product's own path, with its own state folder. Every request carries an Idempotency-Key, so that running the
demo again changes nothing twice.
"""

import csv
import json
import time
from dataclasses import replace
from pathlib import Path

import httpx

from ops import bond_report, processes, report, review_report
from ops.client import pages, post
from ops.environment import prepared
from ops.lifecycle import DEMO
from storage.errors import SetupError
from storage.postgres import embedded
from storage.settings import REPOSITORY, Settings

HISTORY = REPOSITORY / "sample_data" / "demo_history.csv"
BONDS = REPOSITORY / "sample_data" / "demo_bonds.json"
NAME = "Family savings 1990"
SCENARIO = "stagflation"


def run(current: Settings) -> int:
    """Set up the state folder `demo`, record the history, refresh, and print the report."""
    started = time.perf_counter()
    state = _demo_settings(current)
    was_running = embedded.is_running(state.home)
    variables = {**prepared(state), "FRED_API_KEY": ""}
    api = replace(processes.api(processes.free_port()), name=DEMO)  # one that `make up` has started stays
    try:
        _say(f"starting the API in {_relative(state)}")
        processes.start(api, state.home, variables)
        processes.wait_ready(api, state.home)
        with httpx.Client(base_url=f"http://127.0.0.1:{api.port}/api/v1", timeout=30, trust_env=False) as client:
            portfolio_id = record_history(client)
            bonds_id = record_bonds(client)
            request_scenario(client, portfolio_id)
            request_analyses(client, portfolio_id, bonds_id)
            _say("refreshing the graph: prices, rates, replica, positions, marts, release, simulation, risks")
            if processes.refresh(variables):
                raise SetupError(f"the refresh failed; its steps are above, its logs in {state.home / 'dagster'}")
            print(report.render(report.gather(client, portfolio_id)))
            print(bond_report.render(bond_report.gather(client, bonds_id)))
            page = review_report.save_page(client, portfolio_id, state.home / "review.html")
    finally:
        processes.stop(state.home, DEMO)
        if not was_running:
            embedded.stop(state.home)
    print(_where(state, time.perf_counter() - started, page))
    return 0


def record_history(client: httpx.Client) -> str:
    """The demo portfolio's id, its ledger recorded over HTTP; what is recorded already stays as it is."""
    before = _count(client)
    with HISTORY.open(newline="") as file:
        first, *rest = csv.DictReader(file)
    asked = {"name": NAME, "initial_cash": first["amount"], "business_date": first["business_date"]}
    portfolio_id = str(post(client, "/portfolios", asked, "demo-portfolio")["portfolio_id"])
    for number, row in enumerate(rest, start=2):
        body = {name: value for name, value in row.items() if value}
        post(client, f"/portfolios/{portfolio_id}/transactions", body, f"demo-{number:04d}")
    added = _count(client) - before
    print(f"  recorded {len(rest) + 1} transactions over HTTP, {added} of them new", flush=True)
    return portfolio_id


def record_bonds(client: httpx.Client) -> str:
    """The id of the demo's portfolio of bonds: its trades, and after each what had become due."""
    told = json.loads(BONDS.read_text())
    before = _count(client)
    registered = {bond["ticker"] for bond in pages(client, "/securities", asset_type="BOND")}
    for bond in told["securities"]:
        if bond["ticker"] not in registered:
            post(client, "/securities", {"asset_type": "BOND", **bond}, f"demo-{bond['ticker']}")
    portfolio_id = str(post(client, "/portfolios", told["portfolio"], "demo-bonds")["portfolio_id"])
    for number, row in enumerate(told["transactions"], start=2):
        post(client, f"/portfolios/{portfolio_id}/transactions", row, f"demo-bonds-{number:04d}")
        post(client, f"/portfolios/{portfolio_id}/bond-income", {}, f"demo-bond-income-{number:04d}")
    added = _count(client) - before
    print(f"  recorded {len(told['transactions'])} trades of bonds, {added} new rows with coupons and par", flush=True)
    return portfolio_id


def request_scenario(client: httpx.Client, portfolio_id: str) -> None:
    """A simulation beside the standing one: the same random numbers under a scenario."""
    listed = pages(client, f"/portfolios/{portfolio_id}/simulations")
    seed = next(one["seed"] for one in listed if one["is_standing"])
    asked = {"portfolio_id": portfolio_id, "name": SCENARIO, "scenario": SCENARIO, "seed": seed}
    post(client, "/simulations", asked, f"demo-{SCENARIO}")


def request_analyses(client: httpx.Client, *portfolio_ids: str) -> None:
    """An analysis of the risks of each portfolio, in words."""
    for portfolio_id in portfolio_ids:
        post(client, f"/portfolios/{portfolio_id}/risk-analyses", {}, f"demo-risks-{portfolio_id}")


def _count(client: httpx.Client) -> int:
    return sum(int(portfolio["version"]) for portfolio in pages(client, "/portfolios"))


def _demo_settings(current: Settings) -> Settings:
    """The demo's own folder and server, whatever the environment says; a HOME_DIR given on purpose is kept."""
    default = REPOSITORY / ".lakefolio"
    home = default / "demo" if current.home == default else current.home
    return Settings(
        lakefolio_home=home, database_url=None, database_admin_url=None, lake_uri=None, market_source="sample"
    )


def _relative(state: Settings) -> str:
    home = state.home
    return str(home.relative_to(REPOSITORY)) if home.is_relative_to(REPOSITORY) else str(home)


def _say(line: str) -> None:
    print(f"\n{line} ...", flush=True)


def _where(state: Settings, seconds: float, page: Path) -> str:
    home = _relative(state)
    return (
        f"\nThe lake is in {home}/lake: Delta tables for DuckDB, Polars, Spark."
        f"\nTo look around: `make up HOME_DIR={home}`, then its portfolios are at http://127.0.0.1:8000"
        f"\nand the Dagster UI, with the lineage graph, at http://127.0.0.1:3000."
        f"\nDone in {seconds:.0f} s. All of it on one page: {page.as_uri()}"
    )
