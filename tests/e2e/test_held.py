"""One portfolio's numbers stop nobody else's: what the API accepts is released, and what fails a check is held.

Everything real: rows over HTTP, refreshes, a row that was tampered with in the database, a mart that cannot measure one
portfolio.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import httpx
import psycopg
import pyarrow.compute as pc
import pytest

from pipelines.definitions import build_defs
from pipelines.marts import performance
from storage.lake.held import HeldPortfolio, held_in
from tests.e2e.conftest import savings
from tests.e2e.demo_books import bought, recorded
from tests.effort import IS_LONG


class Desk:
    """A home with portfolios by name, whose runs are made in this process."""

    def __init__(self, home: Any, instance: dg.DagsterInstance, client: httpx.Client, ids: dict[str, str]) -> None:
        self.home, self.instance, self.client, self.ids = home, instance, client, ids
        self.defs = build_defs(home.platform)
        self.asked: dict[str, str] = {}
        self.shown: dict[str, Any] = {}

    def pick_up(self) -> dg.ExecuteInProcessResult:
        done = self.defs.resolve_job_def("pick_up").execute_in_process(instance=self.instance, raise_on_error=False)
        assert done.success
        return done

    def held(self) -> dict[str, HeldPortfolio]:
        names = {portfolio_id: name for name, portfolio_id in self.ids.items()}
        return {names.get(one, one): why for one, why in held_in(self.home.lake, self.home.head).items()}

    def get(self, name: str, what: str, **asked: str) -> httpx.Response:
        return self.client.get(f"/portfolios/{self.ids[name]}/{what}", params=asked)

    def record(self, name: str, kind: str, on: str, **fields: str) -> None:
        recorded(self.client, self.ids[name], kind, on, **fields)

    def ask_for_simulation(self, name: str, called: str) -> None:
        body = {"name": called, "horizon_years": 1, "num_paths": 100}
        answer = self.client.post(f"/portfolios/{self.ids[name]}/simulations", json=body)
        self.asked[called] = str(answer.raise_for_status().json()["simulation_id"])

    def tamper(self, name: str, by: int) -> None:
        """Change what a row did to cash, as no application can: only the database's owner, behind its triggers."""
        with psycopg.connect(self.home.platform.database.admin_url, autocommit=True) as connection:
            connection.execute("set session_replication_role = replica")
            changed = connection.execute(
                "update transaction_ledger set cash_effect = cash_effect + %s, xid = pg_current_xact_id()"
                " where portfolio_id = %s and txn_type = 'BUY'",
                (by, self.ids[name]),
            )
            assert changed.rowcount == 1


@pytest.fixture(scope="module")
def desk(new_home: Any, books: dict[str, Any]) -> Iterator[Desk]:
    with new_home(savings, begins_with="books") as home, home.joined() as instance, home.client() as client:
        yield Desk(home, instance, client, books["beside"])


def test_whatever_the_api_accepts_is_released(desk: Desk) -> None:
    assert desk.held() == {}
    for number, name in enumerate(desk.ids):
        seen = ("review", "values", "review.html", "performance/holdings")[: 4 if IS_LONG or number < 8 else 1]
        answers = {what: desk.get(name, what) for what in seen}
        assert {what: answer.status_code for what, answer in answers.items()} == dict.fromkeys(answers, 200), name
        assert answers["review"].json()["status"] == "RELEASED"
        assert answers["review"].json()["total"], name


def test_a_day_before_all_prices_has_a_value(desk: Desk) -> None:
    (value,) = desk.get("first days", "values", **{"from": "1970-01-01", "to": "1970-01-01"}).json()["values"]
    (later,) = desk.get("first days", "values", **{"from": "1989-12-31", "to": "1989-12-31"}).json()["values"]

    assert (value["total_value"], later["total_value"]) == ("100", "200")


def test_a_book_below_zero_is_ruined_and_no_period_with_that_has_a_return(desk: Desk) -> None:
    periods = {one["period"]: one for one in desk.get("below zero", "performance").json()["periods"]}

    assert (periods["SINCE_INCEPTION"]["status"], periods["SINCE_INCEPTION"]["twr"]) == ("RUINED", None)
    assert periods["1Y"]["gain"] is not None


def test_a_short_beside_a_long_loses_no_more_than_both(desk: Desk) -> None:
    """On the sum of both positions; on their net, as it was, a day lost 197.6 %."""
    daily = desk.home.lake.read("marts/fact_return_daily", desk.home.head.versions["marts/fact_return_daily"])
    is_mine = pc.and_(pc.equal(daily["portfolio_id"], desk.ids["pair"]), pc.equal(daily["level"], "ACCOUNT"))
    rows = daily.filter(is_mine).to_pylist()
    first = min(rows, key=lambda row: row["business_date"])

    assert first["return_base"] == 3000 * 10 + 800 * 40
    assert min(row["daily_return"] for row in rows if row["daily_return"] is not None) > -1
    assert not any(row["is_ruin"] for row in rows)


def test_a_price_beyond_what_is_kept_is_none(desk: Desk) -> None:
    """By a split, or because the holding would be worth more at it than any money may be."""
    days = {"from": "2016-05-31", "to": "2016-06-01"}
    before, after = desk.get("split away", "values", **days).json()["values"]
    (yen, _) = desk.get("in yen", "values", **days).json()["values"]
    held = [desk.get(name, "positions").json()["positions"][0] for name in ("split away", "in yen")]

    assert (before["total_value"], before["n_missing"]) == ("200000000000080", 0)
    assert [(one["total_value"], one["n_missing"]) for one in (after, yen)] == [("80", 1), ("100", 1)]
    assert [(one["quantity"], one["status"], one["market_value"]) for one in held] == [
        ("2", "MISSING", None),
        ("9000000000", "MISSING", None),
    ]


@pytest.fixture(scope="module")
def failing(desk: Desk) -> dg.ExecuteInProcessResult:
    """The run in which three fail: rows of two were tampered with, one of them new, and a third cannot be measured."""
    measure = performance.subject_performance

    def measured(of: Any, *more: Any) -> Any:
        if any(subject.portfolio_id == desk.ids["other"] for subject in of.subjects):
            raise ZeroDivisionError("planted")
        return measure(of, *more)

    desk.shown = desk.get("tampered", "positions").json()
    desk.ask_for_simulation("tampered", "waits")
    desk.tamper("tampered", 7)
    for name in ("tampered", "other", "good"):
        desk.record(name, "DEPOSIT", "2015-01-02", amount="5")
    desk.ids["new"] = bought(desk.client, "new")
    desk.tamper("new", -3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(performance, "subject_performance", measured)
        return desk.pick_up()


def test_what_fails_holds_its_portfolio_and_no_other(desk: Desk, failing: dg.ExecuteInProcessResult) -> None:
    assert sorted(desk.held()) == ["new", "other", "tampered"]
    day = {"from": "2015-01-02", "to": "2015-01-02"}
    assert desk.get("good", "values", **day).json()["values"][0]["inflow"] == "5"
    (check,) = [one for one in failing.get_asset_check_evaluations() if one.check_name == "nobody_is_held"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)


def test_a_row_that_was_tampered_with_holds_its_portfolio(desk: Desk, failing: dg.ExecuteInProcessResult) -> None:
    held, shown = desk.held()["tampered"], desk.get("tampered", "positions").json()

    assert (held.shown_version, held.failed_version) == (2, 3)
    assert (shown["status"], shown["held"]["check_name"]) == ("HELD", held.check_name)
    assert (shown["total"], shown["positions"]) == (desk.shown["total"], desk.shown["positions"])
    assert desk.get("tampered", "review").json()["held"] == shown["held"]


def test_what_cannot_be_measured_holds_its_portfolio(desk: Desk, failing: dg.ExecuteInProcessResult) -> None:
    day = {"from": "2015-01-02", "to": "2015-01-02"}

    assert "planted" in desk.held()["other"].figures
    assert desk.get("other", "values", **day).json()["values"][0]["inflow"] == "0", "no table shows the new row"


def test_who_helps_and_who_watches_is_told(desk: Desk, failing: dg.ExecuteInProcessResult) -> None:
    overview = desk.client.get(f"/support/portfolios/{desk.ids['tampered']}/overview").json()
    metrics = httpx.get(desk.home.base_url.replace("/api/v1", "/metrics"), trust_env=False).text

    assert (overview["release_head"]["portfolio_version"], overview["ledger_head"]["version"]) == (2, 3)
    assert overview["release_head"]["held"]["failed_version"] == 3
    assert not overview["release_head"]["has_seen_ledger_head"]
    assert "lakefolio_held_portfolios 3.0" in metrics
    ready = httpx.get(desk.home.base_url.replace("/api/v1", "/health/ready"), trust_env=False).json()
    assert ready["held_portfolios"] == 3
    assert ready["release_lag_seconds"] > 0, "its new row waits to be shown"


def test_a_held_portfolios_simulations_wait(desk: Desk, failing: dg.ExecuteInProcessResult) -> None:
    from pipelines.simulations.queue import due_simulations

    due = {str(one) for one in due_simulations(desk.home.platform, desk.home.head)}
    assert desk.asked["waits"] not in due


def test_a_new_portfolio_that_fails_shows_nothing_and_says_why(desk: Desk, failing: dg.ExecuteInProcessResult) -> None:
    assert desk.held()["new"].shown_as_of is None
    refused = desk.get("new", "review")
    assert (refused.status_code, refused.json()["code"]) == (409, "held")


def test_what_passes_again_is_released_and_the_restatement_has_its_cause(
    desk: Desk, failing: dg.ExecuteInProcessResult
) -> None:
    """Each is tried again with a row of its own; a row of others is no reason to try the one that has none."""
    since = desk.held()["tampered"].held_since
    desk.tamper("new", 3)
    for name in ("new", "other", "good"):
        desk.record(name, "DEPOSIT", "2016-02-01", amount="1")
    for number in range(4):
        desk.ask_for_simulation("good", f"one of {number}")

    done = desk.pick_up()

    (tried,) = [
        str(event.materialization.metadata["scope/what"].value)
        for event in done.get_asset_materialization_events()
        if event.asset_key.path[-1] == "fact_portfolio_value_daily" and "scope/what" in event.materialization.metadata
    ]
    assert desk.ids["good"] in tried
    assert desk.ids["tampered"] not in tried
    assert {name: held.held_since for name, held in desk.held().items()} == {"tampered": since}
    assert desk.get("other", "review").json()["status"] == "RELEASED"
    (value,) = desk.get("other", "values", **{"from": "2016-02-01", "to": "2016-02-01"}).json()["values"]
    assert value["cash"] == "8006"
    assert desk.get("new", "review").status_code == 200
    (check,) = [one for one in done.get_asset_check_evaluations() if one.check_name == "restatements_have_a_cause"]
    assert check.passed, check.description


def test_many_due_simulations_are_one_run_that_survives_one_that_fails(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is planted to fail; the others are done, and it is refused with the reason. The standing ones count as done,
    since more of the same show nothing else."""
    from pipelines.refresh import simulate_due
    from pipelines.simulations import assets as simulation

    asked = [desk.asked[f"one of {number}"] for number in range(4)]
    with psycopg.connect(desk.home.platform.database.admin_url) as connection:
        done = "update simulation set is_standing = false, status = 'DONE' where simulation_id <> all(%s::uuid[])"
        connection.execute(done, (asked,))
    compute, filters = simulation.simulate, dg.RunsFilter(job_name="simulate")
    before = desk.instance.get_runs_count(filters)

    def computed(inputs: Any, model: Any, spec: Any, workers: int) -> Any:
        if spec.seed == bad_seed:
            raise FloatingPointError("planted")
        return compute(inputs, model, spec, workers=workers)

    bad_seed = desk.client.get(f"/simulations/{asked[1]}").json()["seed"]
    monkeypatch.setattr(simulation, "simulate", computed)
    assert simulate_due(desk.defs, desk.home.platform, desk.instance)

    answers = [desk.client.get(f"/simulations/{one}").json() for one in asked]
    assert [answer["status"] for answer in answers] == ["DONE", "REFUSED", "DONE", "DONE"]
    assert "planted" in answers[1]["reason"]
    assert answers[2]["fan"]
    assert desk.instance.get_runs_count(filters) == before + 1
