"""Requests for risk analyses over HTTP: they wait, are few per user, and are read by who may see the portfolio."""

import httpx


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
