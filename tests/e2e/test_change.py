"""Why a value changed: terms that sum to it, whatever the two days, and that are what the ledger and the closes say."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest

from application.value_change import value_change
from domain.value_changes import ChangeCause
from storage.lake.mounted import MountedRelease, mounted
from tests.changes import adds_up, days_of, pairs

D = Decimal


@pytest.fixture(scope="module")
def client(platform_home: Any) -> Iterator[httpx.Client]:
    with platform_home.client() as client:
        yield client


@pytest.fixture(scope="module")
def released(platform_home: Any) -> MountedRelease:
    return mounted(platform_home.lake, platform_home.head)


@pytest.mark.parametrize("name", ["Family savings 1990", "Bonds 2006"])
def test_any_two_days_are_explained_to_the_last_decimal(
    client: httpx.Client, released: MountedRelease, name: str
) -> None:
    (portfolio,) = [one for one in client.get("/portfolios").json()["items"] if one["name"] == name]
    days = days_of(released, portfolio["portfolio_id"])

    for begins, ends in pairs(days, 19):
        change = adds_up(value_change(released, UUID(portfolio["portfolio_id"]), begins, ends))
        assert change.rounding == 0
        assert not change.total(ChangeCause.EVENT)


def test_a_term_is_what_the_ledger_and_the_closes_make_of_it(client: httpx.Client, platform_home: Any) -> None:
    """The price term of a security from the API's own list: value, less what was paid, with what came out."""
    here, (begins, ends) = f"/portfolios/{platform_home.portfolio_id}", ("2008-06-30", "2012-12-31")
    change = client.get(f"{here}/change", params={"from": begins, "to": ends}).json()
    term = next(term for term in change["terms"] if term["name"] == "PRICE-AAPL")
    rows = client.get(f"{here}/transactions", params={"ticker": "AAPL", "from": "2008-07-01", "to": ends}).json()

    def worth(day: str) -> Decimal:
        positions = client.get(f"{here}/positions", params={"on": day}).json()["positions"]
        return next(D(one["market_value"]) for one in positions if one["ticker"] == "AAPL")

    traded = [(D(row["cash_effect"]), D(row["fees"])) for row in rows["items"]]
    assert len(traded) == 2
    assert D(term["amount"]) == worth(ends) - worth(begins) + sum(cash + fees for cash, fees in traded)


def test_the_api_and_its_words_say_the_same(client: httpx.Client, platform_home: Any) -> None:
    here = f"/portfolios/{platform_home.portfolio_id}"
    change = client.get(f"{here}/change", params={"from": "2016-12-31"}).json()
    first, last = (
        client.get(f"{here}/values", params={"from": day, "to": day}).json()["values"][0]["total_value"]
        for day in ("2016-12-31", "2017-03-29")
    )

    assert (change["begin_value"], change["end_value"], change["ends"]) == (first, last, "2017-03-29")
    assert sum(D(term["amount"]) for term in change["terms"]) + D(change["rounding"]) == D(last) - D(first)
    assert change["sentences"] == client.get(f"{here}/change", params={"from": "2016-12-31"}).json()["sentences"]
    assert change["sentences"][0] == (
        "The value from 2016-12-31 to 2017-03-29 rose by 222,439.68 USD, from 2,664,754.42 to 2,887,194.10 USD."
    )
    largest = max(change["terms"], key=lambda term: D(term["amount"]))
    assert change["sentences"][1].startswith(f"Most was added by {largest['label']} (+{D(largest['amount']):,.2f})")


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"from": "2017-03-29"},
        {"from": "2017-01-01", "to": "2016-01-01"},
        {"from": "2017-01-01", "on": "2017-03-29", "before_release": "1"},
        {"on": "2017-03-29"},
        {"on": "2017-03-29", "before_release": "1", "after_release": "1"},
    ],
)
def test_what_is_no_span_is_refused(client: httpx.Client, platform_home: Any, asked: dict[str, str]) -> None:
    answer = client.get(f"/portfolios/{platform_home.portfolio_id}/change", params=asked)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


def test_a_release_that_there_is_not_is_said(client: httpx.Client, platform_home: Any) -> None:
    asked = {"on": "2017-03-29", "before_release": "999"}
    answer = client.get(f"/portfolios/{platform_home.portfolio_id}/change", params=asked)
    assert answer.status_code == 404
    assert "there is no release 999; the newest is" in answer.json()["detail"]
