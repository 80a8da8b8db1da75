"""A number taken apart: what the lineage says is what the marts and the ledger say, and it adds up."""

from decimal import Decimal
from typing import Any

import pytest

from storage.settings import REPOSITORY

D = Decimal


@pytest.fixture(scope="module")
def position(platform_home: Any) -> dict[str, Any]:
    with platform_home.client() as client:
        positions = client.get(f"/portfolios/{platform_home.portfolio_id}/positions").json()["positions"]
    found: dict[str, Any] = next(one for one in positions if one["ticker"] == "AAPL")
    return found


def lineage(home: Any, security_id: int, **asked: str) -> dict[str, Any]:
    with home.client() as client:
        answer = client.get(f"/lineage/portfolios/{home.portfolio_id}/securities/{security_id}", params=asked)
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


def test_the_parts_make_the_number(platform_home: Any, position: dict[str, Any]) -> None:
    found = lineage(platform_home, position["security_id"])

    assert found["market_value"] == position["market_value"]
    assert sum(D(row["quantity"]) for row in found["transactions"]) == D(found["quantity"]) == D(position["quantity"])
    assert D(found["quantity"]) * D(found["price"]["close"]) == D(found["market_value"])
    assert found["release_id"] == platform_home.head.release_id
    versions = platform_home.head.versions
    assert found["versions"] == {table: versions[table] for table in found["versions"]}
    assert "raw/pg_transaction_ledger" in found["versions"]
    assert found["steps"][-1].endswith(f"= {position['market_value']} USD")


def test_its_links_answer_with_the_rows_it_names(platform_home: Any, position: dict[str, Any]) -> None:
    found = lineage(platform_home, position["security_id"])

    with platform_home.client() as client:
        for row in found["transactions"]:
            path = row["link"].removeprefix("/api/v1")
            assert row["seq"] in {item["seq"] for item in client.get(path).raise_for_status().json()["items"]}
        for link in found["links"].values():
            client.get(link.removeprefix("/api/v1")).raise_for_status()


def test_of_an_earlier_day_it_names_only_what_was_recorded_for_it(platform_home: Any, position: dict[str, Any]) -> None:
    first = lineage(platform_home, position["security_id"])["transactions"][0]
    early = lineage(platform_home, position["security_id"], date=first["business_date"])

    assert [row["seq"] for row in early["transactions"]] == [first["seq"]]
    assert early["quantity"] == first["quantity"]


def test_what_was_not_held_has_no_value_and_says_so(platform_home: Any, position: dict[str, Any]) -> None:
    found = lineage(platform_home, position["security_id"], date="1990-01-02")

    assert (found["quantity"], found["market_value"], found["price"]) == ("0", None, None)
    assert found["steps"] == ["0 ledger rows up to the day leave 0 units"]


def test_an_unknown_security_is_not_found(platform_home: Any) -> None:
    with platform_home.client() as client:
        answer = client.get(f"/lineage/portfolios/{platform_home.portfolio_id}/securities/999999")

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_security")


def test_a_command_says_it_too(platform_home: Any, position: dict[str, Any]) -> None:
    url = platform_home.base_url.removesuffix("/api/v1")
    words = ["--portfolio", platform_home.portfolio_id, "--ticker", "AAPL", "--api", url]
    done = platform_home.run("python", "-m", "ops", "explain", *words)

    assert done.returncode == 0, done.stderr
    assert f"= {position['market_value']} USD" in done.stdout
    assert "explain" in (REPOSITORY / "Makefile").read_text()
