"""Two owners, one shared portfolio, a script with a token: what each sees, over real HTTP."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from storage.postgres.database import Database
from storage.settings import Settings
from tests.oltp_api.people import Person, first_code, invited, registered, served_with_accounts, stranger

TRADE = {"type": "BUY", "ticker": "AAPL", "quantity": "1", "price": "33.77"}


@pytest.fixture(scope="module")
def admin(settings: Settings, tmp_path_factory) -> Iterator[Person]:
    own = settings.model_copy(update={"lakefolio_home": tmp_path_factory.mktemp("state")})
    with served_with_accounts(own) as address:
        yield registered(address, first_code(own), "admin@example.org")


@pytest.fixture(scope="module")
def ada(admin: Person) -> Person:
    return invited(admin, "ada@example.org")


@pytest.fixture(scope="module")
def bob(admin: Person) -> Person:
    return invited(admin, "bob@example.org")


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def listed(person: Person) -> set[str]:
    return {each["portfolio_id"] for each in person.get("/portfolios").json()["items"]}


def test_an_offer_counts_once_it_is_accepted_and_either_side_ends_it(ada: Person, bob: Person) -> None:
    portfolio_id = ada.portfolio()
    path = f"/portfolios/{portfolio_id}"
    offer = ada.post(f"{path}/shares", {"email": "BOB@example.org", "role": "VIEWER"}).json()
    assert code_of(bob.get(path)) == (404, "portfolio_not_found")
    assert portfolio_id not in listed(bob)
    (seen,) = [each for each in bob.get("/shares").json()["items"] if each["share_id"] == offer["share_id"]]
    assert (seen["owner_email"], seen["role"], seen["accepted_at"]) == (ada.email, "VIEWER", None)

    assert bob.post(f"/shares/{offer['share_id']}/accept").is_success
    assert bob.get(f"{path}/holdings").is_success
    assert portfolio_id in listed(bob)
    assert code_of(bob.post(f"{path}/transactions", TRADE)) == (403, "role_is_too_small")
    assert ada.client.delete(f"{path}/shares/{offer['share_id']}").status_code == 204
    assert code_of(bob.get(f"{path}/holdings")) == (404, "portfolio_not_found")
    assert portfolio_id not in listed(bob)

    again = ada.share(portfolio_id, bob, "EDITOR")
    assert bob.post(f"{path}/transactions", TRADE).status_code == 201
    assert bob.client.delete(f"/shares/{again}").status_code == 204
    assert code_of(bob.post(f"{path}/transactions", TRADE)) == (404, "portfolio_not_found")


def test_nobody_takes_an_offer_that_is_for_another_address(ada: Person, bob: Person, admin: Person) -> None:
    portfolio_id = ada.portfolio()
    offer = ada.post(f"/portfolios/{portfolio_id}/shares", {"email": bob.email, "role": "VIEWER"}).json()
    assert code_of(admin.post(f"/shares/{offer['share_id']}/accept")) == (404, "share_not_found")
    assert code_of(admin.client.delete(f"/shares/{offer['share_id']}")) == (404, "share_not_found")
    twice = ada.post(f"/portfolios/{portfolio_id}/shares", {"email": bob.email, "role": "EDITOR"})
    assert code_of(twice) == (409, "already_exists")


def test_an_editor_records_in_the_owners_accounts_and_the_log_says_who(ada: Person, bob: Person, database) -> None:
    portfolio_id = ada.portfolio()
    ada.post("/accounts", {"identifier": "PENSION", "broker": "B", "account_type": "RETIREMENT"})
    ada.share(portfolio_id, bob, "EDITOR")

    made = bob.post(f"/portfolios/{portfolio_id}/transactions", {**TRADE, "account": "PENSION"})

    assert made.status_code == 201, made.text
    assert [each["identifier"] for each in bob.get("/accounts").json()["items"]] == ["MAIN"]
    events = ada.get(f"/portfolios/{portfolio_id}/events").json()["items"]
    assert events[0]["action"] == "POST /portfolios/{portfolio_id}/transactions"
    assert events[0]["user_id"] == bob.get("/me").json()["user_id"]
    with psycopg.connect(database.admin_url) as connection:
        owners = connection.execute(
            "select distinct user_id::text from account join account_holding using (account_id)"
            " where portfolio_id = %s",
            (portfolio_id,),
        ).fetchall()
    assert owners == [(ada.get("/me").json()["user_id"],)]


def test_idempotency_keys_are_the_askers_own_and_a_replay_needs_the_right_again(ada: Person, bob: Person) -> None:
    portfolio_id = ada.portfolio()
    share_id = ada.share(portfolio_id, bob, "EDITOR")
    path = f"/portfolios/{portfolio_id}/transactions"
    key = {"Idempotency-Key": "the-same"}
    first, second = ada.post(path, TRADE, **key), bob.post(path, TRADE, **key)
    assert (first.status_code, second.status_code) == (201, 201), second.text
    assert first.json()["seq"] != second.json()["seq"]
    assert bob.post(path, TRADE, **key).headers["idempotency-replayed"] == "true"
    ada.client.delete(f"/portfolios/{portfolio_id}/shares/{share_id}")
    assert code_of(bob.post(path, TRADE, **key)) == (404, "portfolio_not_found")


def test_trades_of_many_in_one_commit_are_each_their_own_in_the_log(ada: Person, bob: Person, admin: Person) -> None:
    people = [ada, bob, admin]
    portfolios = [person.portfolio("together") for person in people]
    tokens = [person.token("trade") for person in people]

    def trade(number: int) -> int:
        return tokens[number % 3].post(f"/portfolios/{portfolios[number % 3]}/transactions", json=TRADE).status_code

    with ThreadPoolExecutor(12) as threads:
        assert set(threads.map(trade, range(36))) == {201}

    for person, portfolio_id in zip(people, portfolios, strict=True):
        events = person.get(f"/portfolios/{portfolio_id}/events").json()["items"]
        assert [each["action"] for each in events] == ["POST /portfolios/{portfolio_id}/transactions"] * 12
        assert {each["user_id"] for each in events} == {person.get("/me").json()["user_id"]}


def test_an_order_in_the_body_is_judged_by_its_portfolio(ada: Person, bob: Person) -> None:
    portfolio_id = ada.portfolio()
    order = {"portfolio_id": portfolio_id, "ticker": "AAPL", "side": "BUY", "order_type": "LIMIT"}
    order |= {"quantity": "1", "limit_price": "1"}
    assert code_of(bob.post("/orders", order)) == (404, "portfolio_not_found")
    ada.share(portfolio_id, bob, "EDITOR")
    placed = bob.post("/orders", order)
    assert placed.status_code == 201
    assert ada.get(f"/orders/{placed.json()['order_id']}").is_success
    assert bob.get(f"/portfolios/{portfolio_id}/orders").json()["items"]


def test_an_administrator_sees_that_there_are_portfolios_and_reads_none(ada: Person, admin: Person) -> None:
    portfolio_id = ada.portfolio("secret")
    user = next(each for each in admin.get("/users").json()["items"] if each["email"] == ada.email)
    assert user["portfolios"] == len(listed(ada))
    assert code_of(admin.get(f"/portfolios/{portfolio_id}")) == (404, "portfolio_not_found")
    assert "secret" not in admin.get("/events").text


def test_a_token_of_some_portfolios_opens_no_other(ada: Person) -> None:
    one, other = ada.portfolio(), ada.portfolio()
    script = ada.token("read", "trade", portfolio_ids=[one])
    assert script.post(f"/portfolios/{one}/transactions", json=TRADE).status_code == 201
    assert code_of(script.get(f"/portfolios/{other}")) == (404, "portfolio_not_found")
    assert code_of(script.get("/portfolios")) == (403, "token_of_some_portfolios")
    assert script.get("/securities").is_success
    foreign = ada.token("read", portfolio_ids=["00000000-0000-0000-0000-000000000009"])
    assert code_of(foreign.get(f"/portfolios/{one}")) == (404, "portfolio_not_found")


def test_metrics_and_what_readiness_tells_are_the_administrators(ada: Person, admin: Person) -> None:
    root = ada.address
    assert httpx.get(f"{root}/metrics").status_code == 401
    assert stranger(root).get(f"{root}/health/ready").json() == {"status": "ready"}
    with httpx.Client(headers=dict(admin.token("admin").headers)) as client:
        assert client.get(f"{root}/metrics").is_success


def test_the_front_page_shows_what_is_shared_too(ada: Person, bob: Person, database: Database) -> None:
    portfolio_id = ada.portfolio("House of both")
    ada.share(portfolio_id, bob, "VIEWER")
    page = bob.client.get(f"{bob.address}/")
    assert page.status_code == 200
    assert "House of both" in page.text
