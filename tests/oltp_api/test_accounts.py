"""Accounts over HTTP (RULEBOOK 13), and what an archived one does."""

from collections.abc import Callable
from itertools import count
from threading import Thread
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from oltp_api.accounts.repository import Accounts
from oltp_api.context import LOCAL_USER
from oltp_api.unit_of_work import UnitOfWork
from storage.clock import SampleMarketClock
from storage.postgres.database import Database

_NUMBERS = count(1)


@pytest.fixture
def account(api: httpx.Client) -> Callable[..., dict[str, Any]]:
    """Opens an account with an identifier of its own."""

    def create(**body: Any) -> dict[str, Any]:
        answer = api.post("/accounts", json={"identifier": f"ACC {next(_NUMBERS)}", "broker": "Fidelity", **body})
        assert answer.status_code == 201, answer.text
        return {**answer.json(), "etag": answer.headers["ETag"]}

    return create


def patch(api: httpx.Client, address: str, etag: str | None, **body: Any) -> httpx.Response:
    return api.patch(f"/accounts/{address}", json=body, headers={"If-Match": etag} if etag else {})


def test_an_account_has_a_generated_id(account) -> None:
    ids = [account()["account_id"] for _ in range(3)]

    assert len(set(ids)) == 3


def test_an_accounts_identifier_is_unique_per_owner(api, account, database: Database) -> None:
    identifier = account()["identifier"]
    again = api.post("/accounts", json={"identifier": f" {identifier} ", "broker": "Schwab"})
    with psycopg.connect(database.admin_url) as connection:  # another owner may have one of the same name
        other = uuid4()
        connection.execute("insert into app_user values (%s, %s)", (other, f"{other}@example.invalid"))
        connection.execute(
            "insert into account (user_id, identifier, broker, account_type) values (%s, %s, 'Theirs', 'BANK')",
            (other, identifier),
        )

    assert (again.status_code, again.json()["code"]) == (409, "already_exists")
    assert api.get(f"/accounts/{identifier}").json()["broker"] == "Fidelity"
    assert "Theirs" not in api.get("/accounts", params={"limit": 1000}).text


@pytest.mark.parametrize("broker", ["", "  ", "x" * 201])
def test_an_accounts_broker_is_not_empty(api, account, broker) -> None:
    assert api.post("/accounts", json={"identifier": "nobroker", "broker": broker}).status_code == 422
    made = account()
    assert patch(api, made["identifier"], made["etag"], broker=broker).status_code == 422


def test_an_accounts_type_is_one_of_the_known(api) -> None:
    body = {"identifier": "typed", "broker": "B", "account_type": "CASINO"}

    assert api.post("/accounts", json=body).status_code == 422


@pytest.mark.parametrize("identifier", ["U***00001", "#12-34", "...678", "Joint (A&B)"])
def test_an_account_may_be_called_what_its_broker_prints(api, identifier) -> None:
    answer = api.post("/accounts", json={"identifier": identifier, "broker": "B"})

    assert answer.status_code == 201, answer.text
    assert api.get(f"/accounts/{quote(identifier, safe='')}").json() == answer.json()


@pytest.mark.parametrize("identifier", ["", " ", "a/b", "-x", "x" * 65, "nul\0", "a?b", "..", "***"])
def test_an_accounts_identifier_can_be_part_of_an_address(api, identifier) -> None:
    assert api.post("/accounts", json={"identifier": identifier, "broker": "B"}).status_code == 422


def test_an_account_is_edited_from_what_was_read(api, account) -> None:
    made = account()
    edited = patch(api, made["identifier"], made["etag"], broker="Schwab", identifier="moved over")

    assert (edited.status_code, edited.headers["ETag"]) == (200, '"2"')
    assert api.get("/accounts/moved over").json() == edited.json()
    assert (edited.json()["broker"], edited.json()["account_id"]) == ("Schwab", made["account_id"])
    assert api.get(f"/accounts/{made['identifier']}").json()["code"] == "account_not_found"


def test_an_edit_without_if_match_is_asked_for_one(api, account) -> None:
    made = account()
    answer = patch(api, made["identifier"], None, broker="Schwab")

    assert (answer.status_code, answer.json()["code"]) == (428, "precondition_required")
    assert api.get(f"/accounts/{made['identifier']}").json()["broker"] == "Fidelity"


def test_an_edit_of_an_account_that_was_changed_since_is_refused_and_told_the_current_version(api, account) -> None:
    made = account()
    patch(api, made["identifier"], made["etag"], broker="First")
    late = patch(api, made["identifier"], made["etag"], broker="Second")

    assert (late.status_code, late.json()["code"], late.json()["current"]) == (412, "stale_version", '"2"')
    assert late.headers["ETag"] == '"2"'
    assert api.get(f"/accounts/{made['identifier']}").json()["broker"] == "First"


def test_an_account_cannot_take_the_identifier_of_another(api, account) -> None:
    one, other = account(), account()
    answer = patch(api, one["identifier"], one["etag"], identifier=other["identifier"])

    assert (answer.status_code, answer.json()["code"]) == (409, "already_exists")


def test_an_archived_account_takes_no_transactions_and_keeps_its_history(api, account, portfolio) -> None:
    identifier = account()["identifier"]
    assert portfolio.post(type="DEPOSIT", amount="5", account=identifier).status_code == 201
    archived = api.delete(f"/accounts/{identifier}")
    refused = portfolio.post(type="DEPOSIT", amount="5", account=identifier)

    assert archived.json()["archived_at"]
    assert (refused.status_code, refused.json()["code"]) == (422, "account_archived")
    assert [row["account"] for row in portfolio.get("/transactions")["items"]] == ["MAIN", identifier]


def test_an_account_that_holds_units_is_not_archived_and_says_what_it_holds(api, account, portfolio) -> None:
    identifier = account()["identifier"]
    portfolio.buy("2.5", "10", account=identifier)
    answer = api.delete(f"/accounts/{identifier}")

    assert (answer.status_code, answer.json()["code"]) == (409, "account_in_use")
    assert answer.json()["held"] == [{"portfolio_id": portfolio.portfolio_id, "ticker": "AAPL", "quantity": "2.5"}]
    portfolio.sell("2.5", "10", account=identifier)
    assert api.delete(f"/accounts/{identifier}").status_code == 200


def test_archiving_an_account_twice_is_archiving_it_once(api, account) -> None:
    identifier = account()["identifier"]

    assert api.delete(f"/accounts/{identifier}").json() == api.delete(f"/accounts/{identifier}").json()


def test_an_account_that_was_archived_by_mistake_is_brought_back(api, account, portfolio) -> None:
    identifier = account()["identifier"]
    api.delete(f"/accounts/{identifier}")

    assert api.post(f"/accounts/{identifier}/unarchive").json()["archived_at"] is None
    assert portfolio.post(type="DEPOSIT", amount="5", account=identifier).status_code == 201


def test_the_account_that_takes_what_names_none_stays_open_under_its_name(api) -> None:
    for answer in (api.delete("/accounts/MAIN"), patch(api, "MAIN", "*", identifier="OTHER")):
        assert (answer.status_code, answer.json()["code"]) == (422, "default_account")
    assert patch(api, "MAIN", "*", broker="Fidelity").status_code == 200


def archived_during(use: Callable[[UnitOfWork], Any], database: Database, api: httpx.Client, identifier: str) -> bool:
    """Say whether archiving the account waits for the end of a transaction that has done `use`."""
    archiving = Thread(target=lambda: api.delete(f"/accounts/{identifier}"))
    with psycopg.connect(database.services_url, row_factory=dict_row) as connection:
        use(UnitOfWork(connection, SampleMarketClock()))
        archiving.start()
        archiving.join(0.5)
        waited = archiving.is_alive()
    archiving.join()
    return waited


def test_archiving_waits_for_a_transaction_that_uses_the_account(api, account, database: Database) -> None:
    identifier = account()["identifier"]

    assert archived_during(lambda work: Accounts(work).id_of(LOCAL_USER, identifier), database, api, identifier)


def test_control_with_a_mere_look_at_the_account_it_would_not_wait(api, account, database: Database) -> None:
    identifier = account()["identifier"]

    assert not archived_during(lambda work: Accounts(work).one(LOCAL_USER, identifier), database, api, identifier)


def test_accounts_are_filtered_sorted_and_paged(api, account) -> None:
    made = [account(broker=f"Paged {name}", account_type="CUSTODY") for name in ("b", "c", "a")]
    api.delete(f"/accounts/{made[1]['identifier']}")

    def brokers(**query: Any) -> list[str]:
        asked = {"broker": "paged", "account_type": "CUSTODY", **query}
        seen, cursor = [], None
        while cursor is not None or not seen:
            page = api.get("/accounts", params={**asked, "limit": 1, **({"cursor": cursor} if cursor else {})}).json()
            seen += [item["broker"][-1] for item in page["items"]]
            cursor = page["next_cursor"]
        return seen

    assert brokers() == ["b", "c", "a"]
    assert brokers(sort="broker") == ["a", "b", "c"]
    assert brokers(sort="-broker", archived=False) == ["b", "a"]
    assert brokers(archived=True) == ["c"]


@pytest.mark.parametrize("identifier", ["nobody", "%00", "%F0%9F%8D%8E", "%ED%A0%80", "x" * 201])
def test_an_unknown_account_is_a_refusal(api, identifier) -> None:
    assert api.get(f"/accounts/{identifier}").status_code in (400, 404, 422)
    assert api.delete(f"/accounts/{identifier}").status_code in (400, 404, 422)
    assert patch(api, identifier, "*", broker="B").status_code in (400, 404, 422)
