"""Requests for risk analyses over HTTP: they wait, are few per user, and are read by who may see the portfolio."""

import json
import re

import httpx
import pytest

from domain.risk_analyses.bounds import BOUNDS
from storage.settings import REPOSITORY


def portfolio(api: httpx.Client) -> str:
    made = api.post("/portfolios", json={"name": "P", "initial_cash": "1000"})
    return str(made.raise_for_status().json()["portfolio_id"])


def test_a_request_waits_and_is_answered_once(api: httpx.Client) -> None:
    here = f"/portfolios/{portfolio(api)}/risk-analyses"
    first, again = (api.post(here, json={}, headers={"Idempotency-Key": "one"}) for _ in range(2))
    assert (first.status_code, again.json()) == (202, first.json())
    waiting = first.json()
    assert (waiting["status"], waiting["writer"], waiting["model_used"]) == ("REQUESTED", "configured", None)
    assert [one["analysis_id"] for one in api.get(here).json()["items"]] == [waiting["analysis_id"]]
    found = api.get(f"/risk-analyses/{waiting['analysis_id']}").json()
    assert (found["risks"], found["facts"], found["changes"]) == (None, None, None)
    page = api.get(f"/risk-analyses/{waiting['analysis_id']}/analysis.html")
    assert "not written yet" in page.raise_for_status().text


def test_another_writer_is_refused_by_name(api: httpx.Client) -> None:
    answer = api.post(f"/portfolios/{portfolio(api)}/risk-analyses", json={"writer": "oracle"})
    assert (answer.status_code, "writer" in answer.text) == (422, True)


def test_more_than_may_wait_are_refused_with_how_many_do(api: httpx.Client) -> None:
    here = f"/portfolios/{portfolio(api)}/risk-analyses"
    answers = [api.post(here, json={}) for _ in range(21)]
    assert {answer.status_code for answer in answers} == {202, 429}
    refused = answers[-1].json()
    assert (refused["code"], refused["waiting"], refused["limit"]) == ("too_many_waiting", 20, 20)


def test_an_archived_portfolio_and_a_missing_analysis_are_refused(api: httpx.Client) -> None:
    portfolio_id = portfolio(api)
    api.post(f"/portfolios/{portfolio_id}/archive").raise_for_status()
    assert api.post(f"/portfolios/{portfolio_id}/risk-analyses", json={}).json()["code"] == "portfolio_archived"
    missing = api.get("/risk-analyses/00000000-0000-4000-8000-00000000ffff")
    assert (missing.status_code, missing.json()["code"]) == (404, "risk_analysis_not_found")


def test_the_example_of_the_docs_is_taken_as_it_stands(api: httpx.Client) -> None:
    text = (REPOSITORY / "docs" / "risks.md").read_text()
    (example,) = re.findall(r"curl -s localhost:8000/api/v1(\S+) -H 'Content-Type: application/json' -d '(.*?)'", text)
    path, body = example
    answer = api.post(path.replace("<portfolio_id>", portfolio(api)), json=json.loads(body))
    assert answer.status_code in (202, 429), answer.text  # whoever asked before may have as many waiting as may


def test_the_bounds_of_the_docs_are_those_of_the_rules() -> None:
    rows = re.findall(r"^\| ([a-z].*?) \| (.*?) \| (.*?) \|$", (REPOSITORY / "docs" / "risks.md").read_text(), re.M)
    told = {name: (medium, high) for name, medium, high in rows if name != "measure"}
    for name, measure, scale in (
        ("volatility a year", "volatility/CURRENT_WEIGHTS", 100),
        ("below the last high", "drawdown/now", -100),
        ("share in other currencies", "currency/foreign", 100),
        ("leverage", "exposure/leverage", 1),
        ("rise of consumer prices", "inflation/year", 100),
    ):
        bound = BOUNDS[measure]
        numbers = [float(re.findall(r"[\d.]+", one)[0]) for one in told[name]]
        assert numbers == pytest.approx([bound.medium * scale, bound.high * scale]), name
