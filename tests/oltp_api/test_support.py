"""The overview of a portfolio for the one who helps its owner."""

import re

import httpx
import pyarrow as pa
import pytest

from storage.lake.delta import Lake
from tests.small_release import NOWHERE, publish_small_release, release


@pytest.fixture
def overview(api: httpx.Client):
    def ask(portfolio_id: str) -> dict:
        answer = api.get(f"/support/portfolios/{portfolio_id}/overview")
        assert answer.status_code == 200, answer.text
        return answer.json()

    return ask


def test_it_shows_the_ledger_head_and_what_is_open(api, overview, portfolio) -> None:
    row = portfolio.post("a-key", type="DEPOSIT", amount="1", business_date="2016-01-04").json()
    asked = api.post(f"/portfolios/{portfolio.portfolio_id}/simulations", json={"name": "beside the standing one"})
    assert asked.status_code == 202

    found = overview(portfolio.portfolio_id)

    assert found["portfolio"] == portfolio.get()
    assert re.fullmatch("[0-9a-f]{64}", found["ledger_head"].pop("head_hash"))
    assert found["ledger_head"] == {
        "version": 2,
        "recorded_at": row["recorded_at"],
        "newest_business_date": "2016-01-04",
    }
    assert (found["open_simulations"], found["open_orders"], found["reserved_cash"]) == (2, 0, "0")
    assert found["last_idempotency_key_at"] is not None
    assert (found["release_head"], found["last_snapshot"], found["dead_letters"]) == (None, None, 0)


def test_it_tells_whether_the_release_has_seen_the_ledger_head(overview, portfolio, lake: Lake) -> None:
    def released(portfolio_id: str, version: int) -> None:
        rows = pa.table({"portfolio_id": [portfolio_id], "version": [version]})
        published = {"marts/dim_security": 0, "raw/pg_portfolio": lake.publish("raw/pg_portfolio", rows).version}
        release(lake, published, NOWHERE)

    publish_small_release(lake)
    unknown = overview(portfolio.portfolio_id)["release_head"]
    released(portfolio.portfolio_id, 1)
    seen = overview(portfolio.portfolio_id)["release_head"]
    portfolio.post(type="DEPOSIT", amount="1")
    behind = overview(portfolio.portfolio_id)["release_head"]

    assert (unknown["portfolio_version"], unknown["has_seen_ledger_head"]) == (None, False)
    assert (seen["portfolio_version"], seen["has_seen_ledger_head"]) == (1, True)
    assert (behind["portfolio_version"], behind["has_seen_ledger_head"]) == (1, False)


def test_another_users_portfolio_does_not_exist(api, foreign_portfolio) -> None:
    answer = api.get(f"/support/portfolios/{foreign_portfolio}/overview")

    assert (answer.status_code, answer.json()["code"]) == (404, "portfolio_not_found")
