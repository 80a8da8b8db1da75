"""Requests for simulations: every kind is stored as it was asked, and what cannot be is refused by name at once."""

import json
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from application.simulations import PostgresSimulationRepository
from domain.analytics.simulation.fitted import MODELS
from domain.analytics.simulation.scenarios import BUILT_IN
from domain.simulations import ModelName
from oltp_api.simulations.schemas import EXAMPLES
from storage.postgres.database import Database

TABLE = [{"ticker": "AAPL", "mu_annual": 0.07, "source": "mine", "date": "2017-03-01"}]


def asked(api: Any, portfolio: Any, **terms: Any) -> Any:
    return api.post("/simulations", json={"portfolio_id": portfolio.portfolio_id, "name": "x", **terms})


def test_models_have_one_list() -> None:
    assert set(ModelName) == set(MODELS)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one["name"])
def test_every_kind_is_stored_as_it_was_asked(api, portfolio, database: Database, example: dict[str, Any]) -> None:
    answer = asked(api, portfolio, **example)

    assert answer.status_code == 202, answer.text
    shown = answer.json()
    assert {name: shown[name] for name in example if name != "given_drifts"} == {
        name: value for name, value in example.items() if name != "given_drifts"
    }
    with psycopg.connect(database.services_url) as connection:
        stored = PostgresSimulationRepository(connection).get(shown["simulation_id"])
    assert (str(stored.terms.model), stored.terms.drift and str(stored.terms.drift)) == (shown["model"], shown["drift"])
    assert [one.ticker for one in stored.terms.given_drifts] == [one["ticker"] for one in shown["given_drifts"]]
    again = api.get(f"/simulations/{shown['simulation_id']}").json()
    assert again == {**shown, "fan": None, "contributions": None, "explain": None}


def test_the_default_drift_is_the_posterior_and_the_standing_simulation_has_it(portfolio) -> None:
    (standing,) = portfolio.get("/simulations")["items"]

    assert (standing["model"], standing["drift"], standing["scenario"]) == ("gaussian", "posterior", None)
    assert standing["horizon_years"] == 30
    assert "bands of this kind held" in standing["track_record"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"scenario": "no-such"}, "scenario"),
        ({"drift": "given"}, "given_drifts"),
        ({"given_drifts": TABLE}, "given_drifts"),
        ({"drift": "given", "given_drifts": TABLE * 2}, "given_drifts"),
        ({"drift": "given", "given_drifts": [{**TABLE[0], "mu_annual": 0.6}]}, "mu_annual"),
        ({"sampling": "sobol", "num_paths": 8192, "model": "student_t"}, "sampling"),
        ({"sampling": "sobol", "num_paths": 8192, "rebalancing": "monthly"}, "sampling"),
        ({"sampling": "sobol", "num_paths": 10_000}, "num_paths"),
        ({"model": "historical_sequences", "drift": "posterior"}, "drift"),
        ({"inflation_annual": 0.3}, "inflation_annual"),
        ({"inflation_annual": -0.06}, "inflation_annual"),
        ({"floor": "-1"}, "floor"),
        ({"goal": "-0.01"}, "goal"),
        ({"withdrawal_per_year": "-5"}, "withdrawal_per_year"),
        ({"goal": "1000000000000001"}, "goal"),
    ],
)
def test_what_cannot_be_is_refused_by_name(api, portfolio, stored, wrong: dict[str, Any], field: str) -> None:
    before = stored()
    answer = asked(api, portfolio, **wrong)

    assert (answer.status_code, answer.json().get("field")) == (422, field), answer.text
    assert stored() == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": "merton"},
        {"drift": "hope"},
        {"rebalancing": "weekly"},
        {"sampling": "halton"},
        {"inflation_annual": float("inf")},
        {"horizont": 5},
        {"drift": "given", "given_drifts": [{"ticker": "AAPL", "mu_annual": 0.07}]},
    ],
)
def test_an_unknown_word_or_number_is_refused(api, portfolio, stored, wrong: dict[str, Any]) -> None:
    before = stored()
    body = f'{{"portfolio_id": "{portfolio.portfolio_id}", "name": "x", {as_json(wrong)}}}'
    answer = api.post("/simulations", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code in (400, 422), answer.text
    assert stored() == before


def as_json(wrong: dict[str, Any]) -> str:
    """Members of an object, an infinite number as 1e400."""
    return json.dumps(wrong)[1:-1].replace("Infinity", "1e400")


def test_a_drift_that_is_held_and_not_given_is_refused_by_its_ticker(api, portfolio) -> None:
    portfolio.buy("1", "100", "MSFT")
    answer = asked(api, portfolio, drift="given", given_drifts=TABLE)

    assert (answer.status_code, answer.json()["code"], answer.json()["missing"]) == (422, "drift_missing", ["MSFT"])


def test_an_unknown_scenario_names_those_that_there_are(api, portfolio) -> None:
    answer = asked(api, portfolio, scenario="no-such").json()

    assert (answer["code"], answer["given"]) == ("unknown_scenario", "no-such")
    assert set(answer["known"]) >= set(BUILT_IN)


def test_an_owners_scenario_is_stored_used_and_deleted(api, portfolio) -> None:
    body = {"name": "half", "description": "all lose half", "shocks": [{"simple_return": -0.5}]}
    first = api.post("/simulation-scenarios", json=body)
    request = asked(api, portfolio, scenario="half").json()
    api.post("/simulation-scenarios", json={**body, "shocks": [{"simple_return": -0.1}]})
    listed = {one["name"]: one for one in api.get("/simulation-scenarios").json()["items"]}
    gone = [api.delete("/simulation-scenarios/half").status_code for _ in range(2)]

    assert first.status_code == 201
    assert listed["half"]["parts"]["shocks"][0]["simple_return"] == -0.1
    assert [one for one in listed if listed[one]["is_built_in"]] == list(BUILT_IN)
    assert gone == [204, 404]
    shown = api.get(f"/simulations/{request['simulation_id']}").json()
    assert shown["scenario_parts"]["shocks"][0]["simple_return"] == -0.5, "as it was when it was asked"
    assert asked(api, portfolio, scenario="half").status_code == 422


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"name": "stagflation", "drift_scale": 2}, "scenario_is_built_in"),
        ({"name": "nothing"}, "invalid_input"),
        ({"name": "x", "volatility_scale": 9}, "invalid_input"),
        ({"name": "x", "replay": {"first": "2009-03-01", "last": "2008-09-01"}}, "invalid_input"),
        ({"name": "x", "shocks": [{"simple_return": -0.5, "of": "TICKER"}]}, "invalid_input"),
    ],
)
def test_a_scenario_that_cannot_be_is_refused(api, wrong: dict[str, Any], code: str) -> None:
    answer = api.post("/simulation-scenarios", json=wrong)

    assert (answer.status_code, answer.json()["code"]) == (409 if "built_in" in code else 422, code)
    assert "x" not in {one["name"] for one in api.get("/simulation-scenarios").json()["items"]}


def test_a_standing_simulation_is_renamed_and_not_deleted(api, portfolio) -> None:
    (standing,) = portfolio.get("/simulations")["items"]
    address = f"/simulations/{standing['simulation_id']}"

    assert api.patch(address, json={"name": " mine "}).json()["name"] == "mine"
    assert api.patch(address, json={"name": " "}).status_code == 422
    assert api.delete(address).json()["code"] == "simulation_is_standing"
    assert [one["name"] for one in portfolio.get("/simulations")["items"]] == ["mine"]


@pytest.mark.parametrize("act", ["get", "patch", "delete", "replay", "paths", "inputs", "compare"])
def test_anothers_simulation_is_not_there(api, foreign_portfolio, database: Database, act: str) -> None:
    simulation_id = uuid4()
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(
            "insert into simulation (simulation_id, portfolio_id, user_id, name, horizon_years, num_paths,"
            " sample_paths, seed, status, requested_at) select %s, %s, user_id, 'theirs', 1, 10, 1, 1, 'DONE', now()"
            " from portfolio where portfolio_id = %s",
            (simulation_id, foreign_portfolio, foreign_portfolio),
        )
    address = f"/simulations/{simulation_id}"
    answer = {
        "get": lambda: api.get(address),
        "patch": lambda: api.patch(address, json={"name": "mine"}),
        "delete": lambda: api.delete(address),
        "replay": lambda: api.post(f"{address}/replay"),
        "paths": lambda: api.get(f"{address}/paths"),
        "inputs": lambda: api.get(f"{address}/inputs"),
        "compare": lambda: api.get("/simulations/compare", params={"ids": f"{simulation_id},{simulation_id}"}),
    }[act]()

    assert (answer.status_code, answer.json()["code"]) == (404, "simulation_not_found")
    with psycopg.connect(database.admin_url) as connection:
        left = connection.execute("select name, hidden_at from simulation where simulation_id = %s", (simulation_id,))
        assert left.fetchone() == ("theirs", None)


@pytest.mark.parametrize("ids", ["", "x,y", str(UUID(int=1)), f"{UUID(int=1)},{UUID(int=2)},{UUID(int=3)}"])
def test_a_comparison_is_of_two(api, ids: str) -> None:
    answer = api.get("/simulations/compare", params={"ids": ids})

    assert (answer.status_code, answer.json()["field"]) == (422, "ids")
