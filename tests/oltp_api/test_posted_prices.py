"""Prices over HTTP: facts of record of a security that no market source prices."""

from collections.abc import Callable
from itertools import count
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from storage.postgres.database import Database

_NUMBERS = count(1)


@pytest.fixture
def ticker(api: httpx.Client) -> str:
    """A security that nobody lists."""
    name = f"OWN{next(_NUMBERS)}"
    api.post("/securities", json={"ticker": name}).raise_for_status()
    return name


@pytest.fixture
def post(api: httpx.Client, ticker: str) -> Callable[..., httpx.Response]:
    def posted(*rows: tuple[Any, Any], key: str | None = None, of: str = ticker, **more: Any) -> httpx.Response:
        prices = [{"date": day, "close": close, "currency": "USD", **more} for day, close in rows]
        headers = {"Idempotency-Key": key} if key else {}
        return api.post(f"/securities/{of}/prices", json={"prices": prices}, headers=headers)

    return posted


def listed(api: httpx.Client, ticker: str, **asked: Any) -> list[tuple[str, str, bool]]:
    answer = api.get(f"/securities/{ticker}/prices", params=asked).raise_for_status().json()
    return [(row["price_date"], row["close"], row["is_current"]) for row in answer["items"]]


def test_what_was_posted_is_listed_and_a_correction_is_a_newer_row(api, ticker, post) -> None:
    answer = post(("2017-03-28", "12.40"), ("2017-03-29", "12.55"))
    assert answer.status_code == 201
    assert answer.json() | {"posted": 2, "first_date": "2017-03-28", "last_date": "2017-03-29"} == answer.json()

    post(("2017-03-28", "12.45"))

    current = [("2017-03-28", "12.45", True), ("2017-03-29", "12.55", True)]
    assert listed(api, ticker) == current
    assert listed(api, ticker, superseded=True) == [("2017-03-28", "12.4", False), *current]
    assert listed(api, ticker, **{"from": "2017-03-29"}) == current[1:]
    page = api.get(f"/securities/{ticker}/prices", params={"limit": 1}).json()
    assert listed(api, ticker, cursor=page["next_cursor"]) == current[1:]


def test_the_same_request_with_its_key_posts_once(api, ticker, post) -> None:
    first, again = (post(("2017-03-28", "12.40"), key=f"of {ticker}".replace(" ", "-")) for _ in range(2))

    assert (again.json(), again.headers["Idempotency-Replayed"]) == (first.json(), "true")
    assert len(listed(api, ticker, superseded=True)) == 1
    assert post(("2017-03-28", "13"), key=f"of-{ticker}").json()["code"] == "idempotency_conflict"


@pytest.mark.parametrize(
    ("row", "more", "code"),
    [
        (("2017-03-30", "12"), {}, "future_price"),
        (("1969-12-31", "12"), {}, "invalid_input"),
        (("2017-02-30", "12"), {}, "invalid_input"),
        (("2017-03-29", "0"), {}, "invalid_number"),
        (("2017-03-29", "-1"), {}, "invalid_number"),
        (("2017-03-29", "NaN"), {}, "invalid_number"),
        (("2017-03-29", "1e3"), {}, "invalid_number"),
        (("2017-03-29", "0.123456789"), {}, "invalid_number"),
        (("2017-03-29", "10000000000"), {}, "out_of_range"),
        (("2017-03-29", "12"), {"currency": "EUR"}, "currency_mismatch"),
        (("2017-03-29", "12"), {"volume": 3}, "invalid_input"),
        (("2017-03-28", "12"), {}, "invalid_input"),
    ],
)
def test_a_price_that_cannot_be_one_is_refused_with_all_that_came_with_it(api, ticker, post, row, more, code) -> None:
    """The last one comes twice in a batch."""
    answer = post(("2017-03-28", "12"), row, **more)

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json().get("market_ends") == ("2017-03-29" if code == "future_price" else None)
    assert listed(api, ticker) == []


def test_a_security_that_is_priced_elsewhere_or_unknown_is_refused(post) -> None:
    of_the_market, unknown = post(("2017-03-29", "12"), of="AAPL"), post(("2017-03-29", "12"), of="NOBODY")

    assert (of_the_market.status_code, of_the_market.json()["code"]) == (409, "priced_elsewhere")
    assert of_the_market.json()["source"] == "MARKET"
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_security")


def test_what_another_user_says_as_their_own_is_not_seen_and_in_nobodys_way(
    api, ticker, post, database: Database
) -> None:
    other = uuid4()
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("insert into app_user values (%s, %s)", (other, f"{other}@example.invalid"))
        connection.execute(
            "insert into posted_price (security_id, price_date, close, currency, user_id, owner_id, posted_at)"
            " select security_id, '2017-03-28', 1, 'USD', %s, %s, now() from security_identifier where id_value = %s",
            (other, other, ticker),
        )

    assert post(("2017-03-29", "12")).status_code == 201

    (listed_one,) = api.get(f"/securities/{ticker}/prices").json()["items"]
    assert (listed_one["close"], listed_one["is_published"]) == ("12", True)


@pytest.mark.parametrize("change", ["update posted_price set close = 1", "delete from posted_price"])
def test_what_was_posted_stays(post, database: Database, change: str) -> None:
    post(("2017-03-29", "12")).raise_for_status()

    for url in (database.services_url, database.admin_url):
        with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(change)
