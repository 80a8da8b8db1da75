"""Edits of a portfolio (RULEBOOK 15): rename and archive, each from the version that was read."""

import json
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from storage.postgres.database import Database


def rename(api: httpx.Client, portfolio_id: str, name: str, etag: str | None) -> httpx.Response:
    headers = {"If-Match": etag} if etag else {}
    return api.patch(f"/portfolios/{portfolio_id}", json={"name": name}, headers=headers)


def etag_of(api: httpx.Client, portfolio_id: str) -> str:
    return api.get(f"/portfolios/{portfolio_id}").headers["ETag"]


@pytest.fixture
def events(database: Database) -> Callable[[str], list[tuple[str, dict[str, Any]]]]:
    """Return a look at what the outbox says of a portfolio's edits."""

    def look(portfolio_id: str) -> list[tuple[str, dict[str, Any]]]:
        with psycopg.connect(database.admin_url) as connection:
            return connection.execute(
                "select event_type, payload from outbox where aggregate_id = %s"
                " and event_type not in ('PortfolioCreated', 'TransactionRecorded') order by seq",
                (portfolio_id,),
            ).fetchall()

    return look


def test_a_portfolio_is_renamed(api, portfolio, events) -> None:
    answer = rename(api, portfolio.portfolio_id, " Renamed ", etag_of(api, portfolio.portfolio_id))

    assert (answer.status_code, answer.json()["name"], answer.json()["revision"]) == (200, "Renamed", 1)
    assert answer.json() == portfolio.get()
    assert events(portfolio.portfolio_id) == [
        ("PortfolioRenamed", {"portfolio_id": portfolio.portfolio_id, "name": "Renamed", "revision": 1})
    ]


def test_a_name_that_it_has_already_is_no_edit(api, portfolio, events) -> None:
    before = etag_of(api, portfolio.portfolio_id)
    answer = rename(api, portfolio.portfolio_id, "mine", before)

    assert (answer.status_code, answer.headers["ETag"]) == (200, before)
    assert events(portfolio.portfolio_id) == []


def test_every_answer_about_a_portfolio_carries_its_version_as_a_strong_etag(api, portfolio) -> None:
    created = api.post("/portfolios", json={"name": "x", "initial_cash": "1"}, headers={"Idempotency-Key": "etag"})
    again = api.post("/portfolios", json={"name": "x", "initial_cash": "1"}, headers={"Idempotency-Key": "etag"})
    address = f"/portfolios/{created.json()['portfolio_id']}"

    assert created.headers["ETag"] == again.headers["ETag"] == api.get(address).headers["ETag"] == '"1.0"'
    assert api.patch(address, json={"name": "y"}, headers={"If-Match": '"1.0"'}).headers["ETag"] == '"1.1"'
    api.post(f"{address}/transactions", json={"type": "DEPOSIT", "amount": "1"})
    assert api.post(f"{address}/archive", headers={"If-Match": '"2.1"'}).headers["ETag"] == '"2.2"'


def test_an_edit_without_if_match_is_asked_for_one(api, portfolio) -> None:
    answer = rename(api, portfolio.portfolio_id, "other", None)

    assert (answer.status_code, answer.json()["code"]) == (428, "precondition_required")
    assert portfolio.get()["name"] == "mine"


@pytest.mark.parametrize("etag", ['"0.0"', 'W/"1.0"', '"", "7.7"'])
def test_an_edit_of_what_was_changed_since_is_refused_and_told_the_current_version(
    api, portfolio, stored, etag
) -> None:
    before = stored()
    answer = rename(api, portfolio.portfolio_id, "other", etag)

    assert (answer.status_code, answer.json()["code"], answer.headers["ETag"]) == (412, "stale_version", '"1.0"')
    assert (stored(), portfolio.get()["name"]) == (before, "mine")


def test_a_ledger_row_makes_what_was_read_stale_too(api, portfolio) -> None:
    seen = etag_of(api, portfolio.portfolio_id)
    portfolio.post(type="DEPOSIT", amount="1")

    assert rename(api, portfolio.portfolio_id, "other", seen).status_code == 412


@pytest.mark.parametrize("etag", ["1.0", '"1.0', '"a" "b"', "*, *"])
def test_an_if_match_that_is_none_is_refused(api, portfolio, etag) -> None:
    assert rename(api, portfolio.portfolio_id, "other", etag).status_code == 422


@pytest.mark.parametrize("etag", ['"1.0"', '"0.0", "1.0"', "*"])
def test_an_if_match_may_name_several_versions_or_any(api, portfolio, etag) -> None:
    assert rename(api, portfolio.portfolio_id, "other", etag).status_code == 200


def edited_at_once(api: httpx.Client, portfolio_id: str, etag: str, times: int = 8) -> Counter[int]:
    barrier = Barrier(times)

    def edit(number: int) -> int:
        barrier.wait()
        return rename(api, portfolio_id, f"name {number}", etag).status_code

    with ThreadPoolExecutor(times) as threads:
        return Counter(threads.map(edit, range(times)))


def test_of_parallel_edits_from_the_same_version_exactly_one_wins(api, new_portfolio) -> None:
    for _ in range(5):
        portfolio = new_portfolio()
        assert edited_at_once(api, portfolio.portfolio_id, '"1.0"') == {200: 1, 412: 7}
        assert portfolio.get()["revision"] == 1


def test_control_with_any_version_allowed_every_parallel_edit_overwrites_the_others(api, portfolio) -> None:
    assert edited_at_once(api, portfolio.portfolio_id, "*") == {200: 8}


def test_what_has_not_changed_is_not_sent_again(api, portfolio) -> None:
    address = f"/portfolios/{portfolio.portfolio_id}"
    for known in ('"1.0"', 'W/"1.0"', "*"):
        answer = api.get(address, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", '"1.0"')

    assert api.get(address, headers={"If-None-Match": '"0.0"'}).status_code == 200


def test_an_archived_portfolio_takes_no_commands(api, portfolio, stored, events) -> None:
    address = f"/portfolios/{portfolio.portfolio_id}"
    assert api.post(f"{address}/archive").json()["archived_at"]
    before = stored()
    commands = [
        portfolio.post(type="DEPOSIT", amount="1"),
        api.post(f"{address}/simulations", json={"name": "x"}),
        rename(api, portfolio.portfolio_id, "other", "*"),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in commands] == [(422, "portfolio_archived")] * 3
    assert stored() == before
    assert [name for name, _ in events(portfolio.portfolio_id)] == ["PortfolioArchived"]


def test_an_archived_portfolio_keeps_its_history(api, portfolio) -> None:
    portfolio.buy("1", "10")
    looked_at = ("/transactions", "/holdings", "/cash")
    before = [portfolio.get(what) for what in looked_at]
    api.post(f"/portfolios/{portfolio.portfolio_id}/archive")

    assert [portfolio.get(what) for what in looked_at] == before


def test_a_portfolio_that_was_archived_by_mistake_is_brought_back(api, portfolio, events) -> None:
    address = f"/portfolios/{portfolio.portfolio_id}"
    for act in ("archive", "archive", "unarchive", "unarchive"):
        assert api.post(f"{address}/{act}").status_code == 200

    assert (portfolio.get()["archived_at"], portfolio.get()["revision"]) == (None, 2)
    assert portfolio.post(type="DEPOSIT", amount="1").status_code == 201
    assert [name for name, _ in events(portfolio.portfolio_id)] == ["PortfolioArchived", "PortfolioUnarchived"]


def test_a_portfolio_is_never_deleted(api, portfolio) -> None:
    assert api.delete(f"/portfolios/{portfolio.portfolio_id}").status_code == 405


def test_the_portfolio_of_another_user_cannot_be_edited(api, foreign_portfolio) -> None:
    for portfolio_id in (foreign_portfolio, uuid4()):
        assert rename(api, str(portfolio_id), "mine now", "*").status_code == 404
        assert api.post(f"/portfolios/{portfolio_id}/archive").status_code == 404


def test_portfolios_are_filtered_and_sorted(api, new_portfolio) -> None:
    made = [new_portfolio(name=f"Sorted {name}", kind="TRADING_BOOK") for name in ("b", "c", "a")]
    api.post(f"/portfolios/{made[1].portfolio_id}/archive")

    def listed(**query: Any) -> list[str]:
        items = api.get("/portfolios", params={"name": "sorted", **query}).json()["items"]
        return [item["name"][-1] for item in items]

    assert listed() == ["b", "c", "a"]
    assert listed(sort="-created") == ["a", "c", "b"]
    assert listed(sort="name") == ["a", "b", "c"]
    assert listed(sort="-name", archived=False) == ["b", "a"]
    assert listed(archived=True, kind="TRADING_BOOK") == ["c"]
    assert listed(kind="INVESTMENT") == []


@pytest.mark.parametrize("sort", ["created", "-created", "name", "-name"])
def test_every_order_of_portfolios_pages_without_gap_or_repeat_while_others_are_added(api, new_portfolio, sort) -> None:
    made = {new_portfolio(name=f"{sort} {number % 3}").portfolio_id for number in range(7)}
    seen, cursor = [], None
    while cursor is not None or not seen:
        query = {"name": f"{sort} ", "sort": sort, "limit": 2, **({"cursor": cursor} if cursor else {})}
        page = api.get("/portfolios", params=query).json()
        seen += [item["portfolio_id"] for item in page["items"]]
        new_portfolio(name="of no concern")
        cursor = page["next_cursor"]

    assert len(seen) >= len(made)
    assert (set(seen) >= made, len(set(seen))) == (True, len(seen))


def test_names_of_any_letters_are_paged(api, new_portfolio) -> None:
    names = ["page of \u00fc\"'%s\\", "page of 'a, b'", "page of \U0001f34e"]
    for name in names:
        new_portfolio(name=name)
    seen, cursor = [], None
    while cursor is not None or not seen:
        query = {"name": "page of ", "sort": "name", "limit": 1, **({"cursor": cursor} if cursor else {})}
        page = api.get("/portfolios", params=query).json()
        seen += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]

    assert sorted(seen) == sorted(names)


_SOME_ID = "00000000-0000-4000-8000-0000000000aa"


def cursor_of(*values: object) -> str:
    return urlsafe_b64encode(json.dumps(values).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        *("x", "e30=", "\xe9", "WyJuYW1lIl0="),
        cursor_of("created", "2017-01-01T00:00:00+00:00", _SOME_ID),
        cursor_of("name", "one more", "is needed", _SOME_ID),
        cursor_of("name", "a", "not an id"),
        cursor_of("name", "nul\0", _SOME_ID),
        cursor_of("name", "\ud800", _SOME_ID),
    ],
)
def test_a_cursor_that_is_none_of_this_order_is_refused(api, cursor) -> None:
    answer = api.get("/portfolios", params={"sort": "name", "cursor": cursor})

    assert (answer.status_code, answer.json()["field"]) == (422, "cursor")


def test_a_portfolio_has_the_default_limits_until_it_has_its_own(api, portfolio) -> None:
    address = f"/portfolios/{portfolio.portfolio_id}/limits"
    own = {"dimension": "issuer", "measure": "GROSS_WEIGHT", "warn_at": 0.1, "breach_at": 0.15}
    before = api.get(address)
    set_own = api.put(
        address,
        json={"limits": [{**own, "warn_at": "0.1", "breach_at": "0.15"}]},
        headers={"If-Match": before.headers["ETag"]},
    )

    assert (before.json()["is_default"], len(before.json()["limits"])) == (True, 5)
    assert set_own.json() == {"is_default": False, "limits": [own]}
    assert api.get(address).json() == set_own.json()
    assert (set_own.headers["ETag"], portfolio.get()["limits"]) == (etag_of(api, portfolio.portfolio_id), [own])
    rename(api, portfolio.portfolio_id, "Bound", set_own.headers["ETag"])
    assert api.get(address).json() == set_own.json()
    stale = api.put(address, json={"limits": []}, headers={"If-Match": before.headers["ETag"]})
    assert stale.status_code == 412
    assert api.put(address, json={"limits": []}).json() == {"is_default": False, "limits": []}
    assert api.put(address, json={"limits": None}).json() == before.json()


@pytest.mark.parametrize(
    "wrong",
    [
        {"dimension": "issuer", "measure": "GROSS_WEIGHT", "warn_at": "0.2", "breach_at": "0.1"},
        {"dimension": "issuer", "measure": "GROSS_WEIGHT", "warn_at": "0", "breach_at": "0.1"},
        {"dimension": "issuer", "measure": "LEVERAGE", "warn_at": "1", "breach_at": "2"},
        {"dimension": "portfolio", "measure": "HHI", "warn_at": "0.1", "breach_at": "0.2"},
        {"dimension": "weather", "measure": "HHI", "warn_at": "0.1", "breach_at": "0.2"},
        {"dimension": "issuer", "measure": "HHI", "warn_at": "NaN", "breach_at": "0.2"},
        {"dimension": "issuer", "measure": "HHI", "warn_at": "1", "breach_at": "1e400"},
        {"dimension": "issuer", "measure": "HHI", "warn_at": "1", "breach_at": "99999"},
    ],
)
def test_a_limit_that_makes_no_sense_changes_nothing(api, portfolio, wrong) -> None:
    address = f"/portfolios/{portfolio.portfolio_id}/limits"

    assert api.put(address, json={"limits": [wrong]}).status_code == 422
    good = {"dimension": "issuer", "measure": "HHI", "warn_at": "0.1", "breach_at": "0.2"}
    assert api.put(address, json={"limits": [good, good]}).status_code == 422
    assert api.get(address).json()["is_default"] is True


def test_a_portfolio_chooses_after_how_many_days_a_gain_is_long_term(api, portfolio) -> None:
    address = f"/portfolios/{portfolio.portfolio_id}"
    chosen = api.put(f"{address}/long-term-days", json={"days": 730})
    back = api.put(f"{address}/long-term-days", json={"days": None})

    assert (chosen.status_code, chosen.json()["long_term_days"], back.json()["long_term_days"]) == (200, 730, None)
    assert back.json()["revision"] == portfolio.get()["revision"] == 2
    for wrong in ({"days": -1}, {"days": 36_501}, {"days": "730"}, {"days": 1.5}, {}):
        assert api.put(f"{address}/long-term-days", json=wrong).status_code == 422
    api.post(f"{address}/archive").raise_for_status()
    assert api.put(f"{address}/long-term-days", json={"days": 1}).json()["code"] == "portfolio_archived"
