"""Users by invitation, their sessions, passwords and tokens, over real HTTP."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from oltp_api.users.passwords import PasswordGate
from storage.postgres.database import Database
from storage.settings import Settings
from storage.web.guard import WebRefusal
from tests.oltp_api.people import (
    PASSWORD,
    Person,
    first_code,
    invited,
    registered,
    served_with_accounts,
    signed_in,
    stranger,
)

NEW = "another long word of mine"


@pytest.fixture(scope="module")
def own(settings: Settings, tmp_path_factory) -> Settings:
    """A state folder of this module's own, for its link."""
    return settings.model_copy(update={"lakefolio_home": tmp_path_factory.mktemp("state")})


@pytest.fixture(scope="module")
def address(own: Settings, database: Database) -> Iterator[str]:
    with psycopg.connect(database.admin_url) as connection:  # as the one owner left it
        connection.execute(
            "insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone)"
            " select gen_random_uuid(), user_id, 'from before', 'USD', 'INVESTMENT', 'UTC' from app_user"
        )
    with served_with_accounts(own) as address:
        yield address


@pytest.fixture(scope="module")
def admin(address: str, own: Settings) -> Person:
    return registered(address, first_code(own), "Admin@example.org".lower())


@pytest.fixture(scope="module")
def ada(admin: Person) -> Person:
    return invited(admin, "ada@example.org")


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_the_first_administrator_gets_what_was_there_before_there_were_users(admin: Person) -> None:
    assert admin.get("/me").json()["is_admin"]
    assert [each["name"] for each in admin.get("/portfolios").json()["items"]] == ["from before"]


def test_the_first_link_is_good_once(admin: Person, address: str, own: Settings) -> None:
    body = {"code": first_code(own), "email": "late@example.org", "display_name": "Late", "password": PASSWORD}
    assert code_of(stranger(address).post("/registrations", json=body)) == (409, "invitation_ended")


def test_nobody_gets_in_without_a_session(admin: Person, address: str) -> None:
    client = stranger(address)
    assert code_of(client.get("/portfolios")) == (401, "not_signed_in")
    assert code_of(client.post("/portfolios", json={"name": "x"})) == (401, "not_signed_in")
    client.cookies.set("lakefolio_session", "a" * 43)
    assert code_of(client.get("/portfolios")) == (401, "not_signed_in")


def test_an_invitation_is_for_its_address_and_is_good_once(admin: Person, address: str) -> None:
    link = admin.post("/invitations", {"email": "eve@example.org"}).json()
    body = {"code": link["code"], "email": "mallory@example.org", "display_name": "M", "password": PASSWORD}
    assert code_of(stranger(address).post("/registrations", json=body)) == (422, "invited_otherwise")

    assert registered(address, link["code"], "eve@example.org").get("/me").json()["is_admin"] is False
    again = {**body, "email": "eve@example.org"}
    assert code_of(stranger(address).post("/registrations", json=again)) == (409, "invitation_ended")


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("seven77", "invalid_input"),
        ("x" * 129, "invalid_input"),
        ("password123", "common_password"),
        ("PASSWORD123", "common_password"),
        ("bob.b@example.org", "common_password"),
    ],
)
def test_a_password_that_is_tried_first_is_refused(admin: Person, address: str, password: str, code: str) -> None:
    link = admin.post("/invitations", {}).json()
    body = {"code": link["code"], "email": "bob.b@example.org", "display_name": "B", "password": password}
    answer = stranger(address).post("/registrations", json=body)
    assert code_of(answer) == (422, code)
    assert password not in answer.text
    assert registered(address, link["code"], f"p{abs(hash(password))}@example.org", "x" * 128).get("/me").is_success


def test_unknown_and_wrong_and_disabled_look_alike(ada: Person, admin: Person, address: str) -> None:
    gone = invited(admin, "gone@example.org")
    user_id = gone.get("/me").json()["user_id"]
    assert admin.client.patch(f"/users/{user_id}", json={"is_disabled": True}).is_success
    bodies = [
        {"email": "nobody@example.org", "password": PASSWORD},
        {"email": ada.email, "password": "wrong"},
        {"email": gone.email, "password": PASSWORD},
    ]

    answers = [stranger(address).post("/session", json=body) for body in bodies]

    assert {code_of(answer) for answer in answers} == {(401, "wrong_credentials")}
    assert len({answer.content for answer in answers}) == 1
    assert code_of(gone.get("/me")) == (401, "not_signed_in")  # its session ended at once


def test_a_session_is_new_with_every_sign_in_and_its_cookie_is_for_this_host_alone(ada: Person, address: str) -> None:
    client = stranger(address)
    client.cookies.set("lakefolio_session", "fixed-by-somebody-else-xxxxxxxxxxxxxxxxxxxx")
    answer = client.post("/session", json={"email": ada.email, "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert "fixed-by-somebody-else" not in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Domain" not in cookie

    before = stranger(address)
    before.cookies.update(client.cookies)
    assert before.get("/me").is_success
    assert client.post("/session", json={"email": ada.email, "password": PASSWORD}).is_success
    assert code_of(before.get("/me")) == (401, "not_signed_in")  # that browser's session is another one by now
    assert client.get("/me").is_success


def test_signing_out_ends_the_session_and_not_only_the_cookie(ada: Person, address: str) -> None:
    here, elsewhere = signed_in(address, ada.email), signed_in(address, ada.email)
    copied = stranger(address)
    copied.cookies.update(here.client.cookies)
    assert copied.get("/me").is_success
    gone = here.client.delete("/session")
    assert gone.status_code == 204
    assert "Max-Age=0" in gone.headers["set-cookie"]
    assert code_of(copied.get("/me")) == (401, "not_signed_in")
    assert elsewhere.get("/me").is_success


def test_with_tls_in_front_the_cookie_has_the_host_prefix(ada: Person, own: Settings, address: str) -> None:
    with served_with_accounts(own, public_url="https://folio.example.org") as encrypted:
        answer = stranger(encrypted, host="folio.example.org").post(
            "/session", json={"email": ada.email, "password": PASSWORD}
        )
        assert answer.headers["set-cookie"].startswith("__Host-lakefolio=")
        assert "Secure" in answer.headers["set-cookie"]


def test_a_user_sees_where_they_are_signed_in_and_ends_any_of_it(ada: Person, address: str) -> None:
    phone = signed_in(address, ada.email)
    listed = ada.get("/sessions").json()["items"]
    others = [each for each in listed if not each["is_this"]]
    assert len(listed) == len(others) + 1

    theirs = phone.get("/sessions").json()["items"]
    here = next(each["session_id"] for each in theirs if each["is_this"])
    assert ada.client.delete(f"/sessions/{here}").status_code == 204
    assert code_of(phone.get("/me")) == (401, "not_signed_in")
    assert ada.get("/me").is_success


def test_a_session_of_another_user_cannot_be_ended(ada: Person, admin: Person) -> None:
    here = next(each["session_id"] for each in admin.get("/sessions").json()["items"] if each["is_this"])
    assert code_of(ada.client.delete(f"/sessions/{here}")) == (404, "session_not_found")
    assert admin.get("/me").is_success


@pytest.mark.parametrize("column", ["ends_at", "seen_at"])
def test_a_session_ends_by_itself(admin: Person, database: Database, column: str) -> None:
    person = signed_in(admin.address, admin.email)
    session = next(each["session_id"] for each in person.get("/sessions").json()["items"] if each["is_this"])
    assert person.get("/me").is_success
    past = datetime.now(UTC) - timedelta(days=8)
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(f"update user_session set {column} = %s where session_id = %s", (past, session))
    assert code_of(person.get("/me")) == (401, "not_signed_in")


def test_a_changed_password_ends_every_session_at_once(admin: Person, address: str) -> None:
    person = invited(admin, "changing@example.org")
    elsewhere = signed_in(address, person.email)
    assert person.client.put("/me/password", json={"password": NEW}).status_code == 204
    assert code_of(person.get("/me")) == (401, "not_signed_in")
    assert code_of(elsewhere.get("/me")) == (401, "not_signed_in")
    wrong = stranger(address).post("/session", json={"email": person.email, "password": PASSWORD})
    assert code_of(wrong) == (401, "wrong_credentials")
    assert signed_in(address, person.email, NEW).get("/me").is_success


def test_what_cannot_be_undone_needs_the_password_again(admin: Person, database: Database) -> None:
    person = invited(admin, "careful@example.org")
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(
            "update user_session set confirmed_at = now() - interval '11 minutes' where user_id = %s",
            (person.get("/me").json()["user_id"],),
        )
    portfolio_id = person.portfolio()
    elsewhere = signed_in(person.address, person.email).get("/sessions").json()["items"]
    session_id = next(each["session_id"] for each in elsewhere if each["is_this"])
    asked = [
        ("PUT", "/me/password", {"password": NEW}),
        ("PATCH", "/me", {"email": "other@example.org"}),
        ("POST", "/tokens", {"name": "x", "scopes": ["read"]}),
        ("POST", f"/portfolios/{portfolio_id}/shares", {"email": "x@example.org", "role": "VIEWER"}),
        ("DELETE", f"/sessions/{session_id}", None),
        ("DELETE", "/me", None),
    ]
    for method, path, body in asked:
        assert code_of(person.client.request(method, path, json=body)) == (403, "confirmation_needed"), path
    assert person.client.patch("/me", json={"display_name": "Careful"}).is_success

    assert code_of(person.post("/session/confirmation", {"password": "wrong"})) == (401, "wrong_credentials")
    assert person.post("/session/confirmation", {"password": PASSWORD}).status_code == 204
    for method, path, body in reversed(asked[1:5]):
        assert person.client.request(method, path, json=body).is_success, path


def test_a_session_that_is_confirmed_has_a_new_secret_and_the_one_before_is_worth_nothing(admin: Person) -> None:
    person = invited(admin, "renewed@example.org")
    copied = stranger(person.address)
    copied.cookies.update(person.client.cookies)
    here = [each["session_id"] for each in person.get("/sessions").json()["items"]]
    assert person.post("/session/confirmation", {"password": "wrong"}).status_code == 401
    assert copied.get("/me").is_success  # the control: nothing was confirmed

    answer = person.post("/session/confirmation", {"password": PASSWORD})
    assert answer.status_code == 204
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert code_of(copied.get("/me")) == (401, "not_signed_in")
    assert [each["session_id"] for each in person.get("/sessions").json()["items"]] == here  # the same one


def test_of_two_who_confirm_with_the_same_secret_one_keeps_the_session(admin: Person) -> None:
    person = invited(admin, "twice@example.org")
    other = stranger(person.address)
    other.cookies.update(person.client.cookies)
    body = {"password": PASSWORD}
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda each: each.post("/session/confirmation", json=body), (person.client, other)))
    assert sorted(each.status_code for each in answers) == [204, 401]
    assert sorted(each.get("/me").status_code for each in (person.client, other)) == [200, 401]


def test_a_lost_password_is_replaced_by_an_administrators_link_once(admin: Person, address: str) -> None:
    person = invited(admin, "forgetful@example.org")
    user_id = person.get("/me").json()["user_id"]
    link = admin.post(f"/users/{user_id}/password-link").json()
    body = {"code": link["code"], "password": NEW}
    assert stranger(address).post("/password-resets", json=body).status_code == 204
    assert code_of(person.get("/me")) == (401, "not_signed_in")
    assert signed_in(address, person.email, NEW).get("/me").is_success
    assert code_of(stranger(address).post("/password-resets", json=body)) == (409, "invitation_ended")
    registering = {**body, "email": "x@example.org", "display_name": "x"}
    assert code_of(stranger(address).post("/registrations", json=registering)) == (409, "invitation_ended")


def test_the_last_administrator_stays(admin: Person) -> None:
    me = admin.get("/me").json()["user_id"]
    for change in ({"is_disabled": True}, {"is_admin": False}):
        assert code_of(admin.client.patch(f"/users/{me}", json=change)) == (409, "last_administrator")
    assert code_of(admin.client.delete("/me")) == (409, "last_administrator")


def test_who_leaves_is_archived_and_takes_nothing_away(admin: Person, database: Database) -> None:
    person = invited(admin, "leaving@example.org")
    portfolio_id = person.portfolio()
    script = person.token("read")
    assert script.get("/portfolios").is_success
    assert person.client.delete("/me").status_code == 204
    assert code_of(script.get("/portfolios")) == (401, "not_signed_in")
    with psycopg.connect(database.admin_url) as connection:
        assert connection.execute("select from portfolio where portfolio_id = %s", (portfolio_id,)).rowcount == 1


def test_a_token_is_shown_once_and_stored_as_a_hash(ada: Person, database: Database) -> None:
    made = ada.post("/tokens", {"name": "notebook", "scopes": ["read"]}).json()
    listed = next(each for each in ada.get("/tokens").json()["items"] if each["token_id"] == made["token_id"])
    assert made["token"] not in str(listed)
    assert made["token"].startswith(listed["prefix"])
    assert listed["last_used_at"] is None
    with psycopg.connect(database.admin_url) as connection:
        for table in ("api_token", "user_session", "user_password", "invitation", "audit_event"):
            assert made["token"][4:] not in str(connection.execute(f"table {table}").fetchall())

    script = stranger(ada.address, authorization=f"Bearer {made['token']}")
    assert script.get("/portfolios").is_success
    used = next(each for each in ada.get("/tokens").json()["items"] if each["token_id"] == made["token_id"])
    assert used["last_used_at"] is not None
    assert ada.client.delete(f"/tokens/{made['token_id']}").status_code == 204
    assert code_of(script.get("/portfolios")) == (401, "not_signed_in")


def test_a_token_that_was_cut_is_called_so(ada: Person) -> None:
    token = ada.post("/tokens", {"name": "cut", "scopes": ["read"]}).json()["token"]
    for wrong in (token[:-1], token[:-1] + ("A" if token[-1] != "A" else "B"), token + "x"):
        answer = stranger(ada.address, authorization=f"Bearer {wrong}").get("/portfolios")
        assert code_of(answer) == (401, "token_is_cut")


def test_a_token_ends_when_it_was_said_to(ada: Person, database: Database) -> None:
    passed = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    refused = ada.post("/tokens", {"name": "x", "scopes": ["read"], "ends_at": passed})
    assert code_of(refused) == (422, "invalid_input")
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    script = ada.token("read", ends_at=soon)
    assert script.get("/me").is_success
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("update api_token set ends_at = now() - interval '1 second' where ends_at is not null")
    assert code_of(script.get("/me")) == (401, "not_signed_in")


def test_only_an_administrator_makes_tokens_of_the_scope_admin(ada: Person, admin: Person) -> None:
    assert code_of(ada.post("/tokens", {"name": "x", "scopes": ["admin"]})) == (403, "administrators_only")
    assert admin.token("admin").get("/users").is_success
    assert code_of(admin.token("read").get("/users")) == (403, "scope_is_missing")
    assert code_of(ada.get("/users")) == (403, "administrators_only")


def test_failed_attempts_wait_longer_and_longer_but_nobody_is_locked_out(admin: Person, address: str) -> None:
    person = invited(admin, "victim@example.org")
    client = stranger(address)
    attempt = {"email": person.email, "password": "wrong"}
    answers = [client.post("/session", json=attempt) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert code_of(answers[-1]) == (429, "too_many_attempts")
    assert int(answers[-1].headers["retry-after"]) <= 21
    assert person.get("/me").is_success  # who is signed in stays so


def test_while_many_passwords_wait_for_their_turn_everybody_else_is_answered(
    ada: Person, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    costly, verified = PasswordHash((Argon2Hasher(),)), PasswordGate._verified
    monkeypatch.setattr(PasswordGate, "_verified", lambda *asked: (costly.hash(PASSWORD), verified(*asked))[1])

    def attempt(number: int) -> int:
        body = {"email": f"{number}@example.org", "password": "wrong"}
        return stranger(address).post("/session", json=body).status_code

    with ThreadPoolExecutor(8) as threads:
        attempts = [threads.submit(attempt, number) for number in range(8)]
        next(as_completed(attempts))
        assert all(ada.get("/portfolios").is_success for _ in range(5))
        assert sum(not each.done() for each in attempts) > 3
        assert {each.result() for each in attempts} == {401}


def test_the_gate_takes_so_many_and_a_caller_that_goes_away_keeps_its_place_until_its_hash_is_made() -> None:
    async def crowd() -> None:
        with closing(PasswordGate(most_waiting=2)) as gate:
            gone, waiting = [asyncio.create_task(gate.hash(PASSWORD)) for _ in range(2)]
            await asyncio.sleep(0)
            gone.cancel()
            await asyncio.sleep(0)
            with pytest.raises(WebRefusal) as refused:
                await gate.hash(PASSWORD)
            assert (refused.value.status, refused.value.code) == (503, "busy")
            assert (await waiting).startswith("$argon2id$v=19$m=65536,t=3,p=4$"), "as is recommended"
            assert await gate.verify(PASSWORD, await waiting)
            assert not await gate.verify("another", await waiting)
            assert not await gate.verify(PASSWORD, None)
            assert gone.cancelled()

    asyncio.run(crowd())


def test_every_write_leaves_who_made_it_in_the_audit_log_and_reading_leaves_nothing(ada: Person) -> None:
    portfolio_id = ada.portfolio("audited")
    before = len(ada.get(f"/portfolios/{portfolio_id}/events").json()["items"])
    trade = {"type": "BUY", "ticker": "AAPL", "quantity": "1", "price": "33.77"}
    script = ada.token("trade")
    assert script.post(f"/portfolios/{portfolio_id}/transactions", json=trade).status_code == 201
    refused = script.post(f"/portfolios/{portfolio_id}/transactions", json={**trade, "quantity": "1000000"})
    assert refused.status_code == 422
    assert ada.get(f"/portfolios/{portfolio_id}/holdings").is_success
    assert ada.client.post(f"/portfolios/{portfolio_id}/archive").is_success

    events = ada.get(f"/portfolios/{portfolio_id}/events").json()["items"]

    me = ada.get("/me").json()["user_id"]
    new = events[: len(events) - before]
    assert [each["action"] for each in new] == [
        "POST /portfolios/{portfolio_id}/archive",
        "POST /portfolios/{portfolio_id}/transactions",
    ]
    assert {each["user_id"] for each in new} == {me}
    assert [each["token_id"] is None for each in new] == [True, False]
    assert "33.77" not in str(events)


def test_the_audit_log_is_append_only(ada: Person, database: Database) -> None:
    for change in ("delete from audit_event", "update audit_event set action = ''", "truncate audit_event"):
        for url in (database.admin_url, database.app_url):
            with psycopg.connect(url) as connection, pytest.raises(InsufficientPrivilege):
                connection.execute(change)
