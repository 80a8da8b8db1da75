"""Codes of an authenticator after the password: RFC 6238's own figures, and what a server with accounts asks for."""

import re
from base64 import b32encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from time import sleep, time
from uuid import uuid4

import httpx
import psycopg
import pyotp
import pytest

from oltp_api.users.second_factors import RECOVERY_CODES, step_of
from storage.postgres.database import Database
from storage.settings import Settings
from tests.oltp_api.people import PASSWORD, Person, first_code, invited, registered, served_with_accounts, stranger
from tests.oltp_api.test_access_matrix import OPERATIONS, Operation

NEW = "another long word of mine"
_SECONDS_TO_USE_IT = 4
RFC_6238 = {
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
    20000000000: "65353130",
}
"""Appendix B, SHA-1: seconds and the code of eight digits, of which ours are the last six."""


@pytest.mark.parametrize("seconds", RFC_6238)
def test_codes_are_those_of_the_standard(seconds: int) -> None:
    secret = b32encode(b"12345678901234567890").decode()
    assert step_of(secret, RFC_6238[seconds][-6:], datetime.fromtimestamp(seconds, UTC)) == seconds // 30


def test_a_code_counts_for_the_thirty_seconds_of_its_step() -> None:
    secret, begun = pyotp.random_base32(), datetime(2026, 11, 29, 9, 30, tzinfo=UTC)
    code, step = pyotp.TOTP(secret).at(begun), int(begun.timestamp()) // 30
    found = [step_of(secret, code, begun + timedelta(seconds=after)) for after in (-0.1, 0, 15, 29.9, 30)]
    assert found == [None, step, step, step, None]


@pytest.fixture(scope="module")
def own(settings: Settings, tmp_path_factory) -> Settings:
    return settings.model_copy(update={"lakefolio_home": tmp_path_factory.mktemp("state")})


@pytest.fixture(scope="module")
def address(own: Settings) -> Iterator[str]:
    with served_with_accounts(own) as address:
        yield address


@pytest.fixture(scope="module")
def admin(address: str, own: Settings) -> Person:
    return registered(address, first_code(own), "admin@example.org")


class Authenticator:
    """An app with a secret, and the code that has confirmed it."""

    def __init__(self, secret: str) -> None:
        self._totp = pyotp.TOTP(secret)
        self.first = self.code()

    def code(self) -> str:
        """The code of this step, or of the next if this one is nearly over."""
        left = 30 - time() % 30
        sleep(left if left < _SECONDS_TO_USE_IT else 0)
        return self._totp.now()


def half_a_minute_later(database: Database) -> None:
    """Have this step's codes count again, as those of the next one would."""
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("update second_factor set last_step = 0")


def with_second_factor(admin: Person, email: str) -> tuple[Person, Authenticator, list[str]]:
    person = invited(admin, email)
    app = Authenticator(person.post("/me/second-factor").json()["secret"])
    confirmed = person.post("/me/second-factor/confirmation", {"code": app.first})
    assert confirmed.status_code == 200, confirmed.text
    return person, app, confirmed.json()["codes"]


def sign_in(address: str, email: str, password: str = PASSWORD, **code: str) -> tuple[int, str]:
    answer = stranger(address).post("/session", json={"email": email, "password": password, **code})
    return answer.status_code, answer.json().get("code", "")


def test_a_second_factor_counts_once_a_first_code_has_confirmed_it(admin: Person, address: str, database) -> None:
    person = invited(admin, "new@example.org")
    first, made = (person.post("/me/second-factor").json() for _ in range(2))
    assert made["secret"] != first["secret"]
    assert made["address"].startswith("otpauth://totp/Lakefolio:new%40example.org?secret=" + made["secret"])
    assert person.get("/me/second-factor").json() == {"since": None, "recovery_codes": 0}
    assert sign_in(address, person.email) == (200, "")

    elsewhere = stranger(address)
    elsewhere.post("/session", json={"email": person.email, "password": PASSWORD})
    refused = person.post("/me/second-factor/confirmation", {"code": Authenticator(first["secret"]).code()})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input")
    app = Authenticator(made["secret"])
    copied = stranger(address)
    copied.cookies.update(person.client.cookies)
    codes = person.post("/me/second-factor/confirmation", {"code": app.code()}).json()["codes"]
    assert len(set(codes)) == RECOVERY_CODES
    assert person.get("/me/second-factor").json()["recovery_codes"] == RECOVERY_CODES
    assert elsewhere.get("/me").status_code == 401  # begun without it
    assert copied.get("/me").status_code == 401  # this one's secret before
    assert person.get("/me").is_success
    assert person.post("/me/second-factor").json()["code"] == "second_factor_exists"
    assert sign_in(address, person.email) == (401, "second_factor_needed")
    assert sign_in(address, person.email, "wrong") == (401, "wrong_credentials")

    with psycopg.connect(database.admin_url) as connection:
        stored = str(
            connection.execute("table recovery_code").fetchall() + connection.execute("table audit_event").fetchall()
        )
    assert not any(code in stored for code in (*codes, made["secret"]))


def test_a_code_is_good_once_and_so_is_a_recovery_code(admin: Person, address: str, database) -> None:
    person, app, recovery = with_second_factor(admin, "once@example.org")
    assert sign_in(address, person.email, code=app.first) == (401, "wrong_code")  # it has confirmed
    half_a_minute_later(database)
    following = app.code()
    assert sign_in(address, person.email, code=following) == (200, "")
    assert sign_in(address, person.email, code=following) == (401, "wrong_code")
    typed = recovery[0].upper().replace("-", " ")
    assert sign_in(address, person.email, code=typed) == (200, "")
    assert sign_in(address, person.email, code=recovery[0]) == (401, "wrong_code")
    assert person.get("/me/second-factor").json()["recovery_codes"] == RECOVERY_CODES - 1


def test_of_many_who_bring_the_same_code_at_once_one_gets_in(admin: Person, address: str, database) -> None:
    person, app, _ = with_second_factor(admin, "crowd@example.org")
    half_a_minute_later(database)
    code = app.code()
    with ThreadPoolExecutor(5) as threads:
        answers = list(threads.map(lambda _: sign_in(address, person.email, code=code)[0], range(5)))
    assert answers.count(200) == 1


def test_codes_are_throttled_and_the_right_one_has_to_wait_too(admin: Person, address: str) -> None:
    person, app, _ = with_second_factor(admin, "guessed@example.org")
    with httpx.Client(base_url=address, timeout=30) as browser:
        browser.post("/sign-in", data={"email": person.email, "password": PASSWORD})
        guesses = [browser.post("/sign-in/code", data={"factor": "000000"}).status_code for _ in range(5)]
        waiting = browser.post("/sign-in/code", data={"factor": app.code()})
    assert guesses == [401] * 5
    assert (waiting.status_code, "try again in" in waiting.text) == (429, True)
    assert person.get("/me").is_success


def test_confirming_asks_for_the_code_too(admin: Person, address: str, database) -> None:
    person, app, _ = with_second_factor(admin, "careful@example.org")
    user_id = person.get("/me").json()["user_id"]
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("update user_session set confirmed_at = null where user_id = %s", (user_id,))
    for method, path in (("POST", "/me/second-factor"), ("DELETE", "/me/second-factor")):
        assert person.client.request(method, path).json()["code"] == "confirmation_needed"
    assert person.post("/session/confirmation", {"password": PASSWORD}).json()["code"] == "second_factor_needed"
    half_a_minute_later(database)
    assert person.post("/session/confirmation", {"password": PASSWORD, "code": app.code()}).status_code == 204
    assert person.client.delete("/me/second-factor").status_code == 204
    assert person.client.delete("/me/second-factor").json()["code"] == "no_second_factor"
    assert sign_in(address, person.email) == (200, "")


def test_a_lost_authenticator_is_removed_by_an_administrators_link_that_says_so(
    admin: Person, address, database
) -> None:
    person, _, _ = with_second_factor(admin, "lost@example.org")
    user_id = person.get("/me").json()["user_id"]
    for body, expected in ((None, (401, "second_factor_needed")), ({"removes_second_factor": True}, (200, ""))):
        code = admin.post(f"/users/{user_id}/password-link", body).json()["code"]
        assert stranger(address).post("/password-resets", json={"code": code, "password": NEW}).status_code == 204
        assert sign_in(address, person.email, NEW) == expected


def test_a_browser_is_asked_for_the_code_on_a_page_of_its_own(admin: Person, address: str, database) -> None:
    person, app, _ = with_second_factor(admin, "browsing@example.org")
    page = {"accept": "text/html,*/*", "sec-fetch-site": "same-origin"}
    with httpx.Client(base_url=address, headers=page, timeout=30) as browser, httpx.Client(base_url=address) as other:
        form = {"email": person.email, "password": PASSWORD, "next": "/?archived=true"}
        assert browser.post("/sign-in", data=form).headers["location"] == "/sign-in/code"
        assert browser.get("/", headers={"accept": "application/json"}).status_code == 401
        assert 'autocomplete="one-time-code"' in browser.get("/sign-in/code").text
        wrong = browser.post("/sign-in/code", data={"factor": "000000"})
        assert (wrong.status_code, "wrong or was used" in wrong.text) == (401, True)
        half_a_minute_later(database)
        code = app.code()
        assert other.post("/sign-in/code", data={"factor": code}).status_code == 400  # the password was given elsewhere
        assert browser.post("/sign-in/code", data={"factor": code}).headers["location"] == "/?archived=true"
        assert browser.get("/api/v1/me").json()["email"] == person.email

        browser.cookies.clear()
        browser.post("/sign-in", data=form)
        assert person.client.put("/me/password", json={"password": NEW}).status_code == 204
        assert browser.post("/sign-in/code", data={"factor": app.code()}).status_code == 400


def test_a_person_begins_and_ends_with_it_on_pages(admin: Person, address: str, database) -> None:
    person = invited(admin, "paging@example.org")
    page = {"accept": "text/html,*/*", "sec-fetch-site": "same-origin"}
    with httpx.Client(base_url=address, headers=page, timeout=30) as browser:
        browser.cookies.jar = person.client.cookies.jar
        assert "Begin" in browser.get("/second-factor").text
        assert browser.post("/second-factor", data={"password": "wrong"}).status_code == 401
        begun = browser.post("/second-factor", data={"password": PASSWORD}).text
        (secret,) = re.findall(r"<code>([A-Z2-7 ]+)</code>", begun)
        assert f"secret={secret.replace(' ', '')}" in begun
        assert len(re.findall(r"<svg .*<title>QR code.*</svg>", begun)) == 1
        app = Authenticator(secret.replace(" ", ""))
        wrong = browser.post("/second-factor/confirmation", data={"factor": "000000"})
        assert (wrong.status_code, secret in wrong.text) == (422, False)
        codes = re.findall(
            r"<code>(.+?)</code>", browser.post("/second-factor/confirmation", data={"factor": app.first}).text
        )
        assert len(codes) == RECOVERY_CODES

        with psycopg.connect(database.admin_url) as connection:
            forgotten = "update user_session set confirmed_at = null where user_id = %s"
            connection.execute(forgotten, (person.get("/me").json()["user_id"],))
        asked = browser.post("/tokens", data={"name": "a script", "scopes.read": "1"})
        assert (asked.status_code, 'name="confirm_code"' in asked.text) == (403, True)
        form = {"next": "/tokens", "name": "a script", "scopes.read": "1", "confirm_password": PASSWORD}
        assert browser.post("/confirm", data=form).status_code == 401
        assert browser.post("/confirm", data={**form, "confirm_code": codes[1]}).status_code == 307

        assert "9 recovery codes are left" in browser.get("/second-factor").text
        assert browser.post("/second-factor/removal", data={"password": PASSWORD}).status_code == 401
        done = browser.post("/second-factor/removal", data={"password": PASSWORD, "factor": codes[0]})
        assert (done.status_code, done.headers["location"]) == (303, "/second-factor")
        assert "Begin" in browser.get("/second-factor").text


def test_where_it_is_required_a_session_without_it_sets_one_up_and_does_nothing_else(
    admin: Person, own: Settings, database: Database
) -> None:
    """The session and the token are of before it was required; the control is the same session once it has one."""
    person = invited(admin, "required@example.org")
    script = person.token("read").headers
    with served_with_accounts(own, second_factor="required") as address:
        here = stranger(address)
        here.cookies.jar = person.client.cookies.jar
        shut = [each for each in OPERATIONS if each.rule.scope and not each.rule.without_factor]
        assert len(shut) > len(OPERATIONS) - 30
        assert {asked(here, each) for each in shut} == {(403, "second_factor_required")}
        assert stranger(address, authorization=script["authorization"]).get("/portfolios").is_success

        with httpx.Client(base_url=address, headers={"accept": "text/html"}, follow_redirects=True) as browser:
            browser.cookies.jar = here.cookies.jar
            for page in ("/", "/tokens"):
                answer = browser.get(page)
                assert (answer.url.path, "Everybody here needs one" in answer.text) == ("/second-factor", True)

        assert here.post("/session/confirmation", json={"password": PASSWORD}).status_code == 204
        app = Authenticator(here.post("/me/second-factor").json()["secret"])
        assert here.post("/me/second-factor/confirmation", json={"code": app.code()}).is_success
        assert here.get("/portfolios").is_success
        half_a_minute_later(database)
        assert sign_in(address, person.email, code=app.code()) == (200, "")

        assert here.delete("/me/second-factor").status_code == 204
        assert here.get("/portfolios").json()["code"] == "second_factor_required"


def asked(client: httpx.Client, operation: Operation) -> tuple[int, str]:
    """The status and code of a refused operation on what is not there."""
    path = re.sub(r"\{\w+\}", str(uuid4()), operation.path)
    answer = client.request(operation.method, str(client.base_url.copy_with(path=path)))
    return answer.status_code, answer.json()["code"]
