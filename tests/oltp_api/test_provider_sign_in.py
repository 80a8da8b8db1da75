"""Sign in with a provider of OpenID Connect, which is a process of its own, and what is refused of it."""

import base64
import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import psycopg
import pytest

from oltp_api.users.identities import SignInSteps
from storage.postgres.database import Database
from storage.settings import Settings
from storage.web.sessions import hash_of
from tests.oltp_api.people import PASSWORD, Person, first_code, invited, registered, served_with_accounts, signed_in
from tests.oltp_api.test_second_factor import Authenticator, half_a_minute_later
from tests.waiting import wait_until

CLIENT, SECRET = "lakefolio", "a secret of the client"  # as oidc_provider has them, which is imported by its process
ANSWER = "/sign-in/provider/answer"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """The address of a running provider."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "tests.oltp_api.oidc_provider", str(port)]
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        address = f"http://127.0.0.1:{port}"
        try:
            wait_until(lambda: answers(f"{address}/jwks"))
            yield address
        finally:
            process.kill()


def answers(address: str) -> bool:
    try:
        return httpx.get(address).is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def own(settings: Settings, issuer: str, tmp_path_factory) -> Settings:
    told = {"oidc_issuer": issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET}
    return settings.model_copy(update={"lakefolio_home": tmp_path_factory.mktemp("state"), **told})


@pytest.fixture(scope="module")
def root(own: Settings) -> Iterator[str]:
    with served_with_accounts(own) as address:
        yield address


@pytest.fixture(scope="module")
def admin(root: str, own: Settings) -> Person:
    return registered(root, first_code(own), "admin@example.org")


@pytest.fixture
def browser(root: str) -> Iterator[httpx.Client]:
    with new_browser(root) as client:
        yield client


def new_browser(root: str) -> httpx.Client:
    headers = {"accept": "text/html,*/*", "sec-fetch-site": "same-origin"}
    return httpx.Client(base_url=root, headers=headers, timeout=30)


class AtProvider:
    """People whom the provider knows, and what it forges."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    def knows(self, subject: str, email: str, is_verified: bool = True, **claims: str) -> None:
        body = {"email": email, "email_verified": is_verified, **claims}
        assert httpx.put(f"{self._issuer}/users/{subject}", json=body).is_success

    def forges(self, name: str) -> None:
        assert httpx.put(f"{self._issuer}/forgery", json=name).is_success

    def sign_in(self, going: httpx.Response, subject: str) -> str:
        """Where the provider sends the browser back to, from the page that has sent it there."""
        assert going.status_code == 200, going.text
        (address,) = re.findall(r'http-equiv="refresh" content="0; url=([^"]+)"', going.text)
        sent = httpx.post(unescape(address), data={"sub": subject})
        assert sent.status_code == 302, sent.text
        return sent.headers["location"]


@pytest.fixture
def at_provider(issuer: str) -> Iterator[AtProvider]:
    provider = AtProvider(issuer)
    yield provider
    provider.forges("nothing")


def signed_in_with(at_provider: AtProvider, browser: httpx.Client, subject: str, **fields: str) -> httpx.Response:
    """The answer to a browser that comes back from the provider as `subject`."""
    going = browser.post("/sign-in/provider", data={"next": "/", **fields})
    return browser.get(at_provider.sign_in(going, subject))


def linked(at_provider: AtProvider, browser: httpx.Client, subject: str, password: str = PASSWORD) -> httpx.Response:
    return browser.get(at_provider.sign_in(browser.post("/link-provider", data={"password": password}), subject))


def browser_of(person: Person) -> httpx.Client:
    browser = new_browser(person.address)
    browser.cookies.jar = person.client.cookies.jar  # a secret that is renewed here is renewed there
    return browser


@pytest.fixture(scope="module")
def ada(admin: Person, issuer: str) -> Person:
    """A user with a password, who has linked the identity `ada-1`."""
    ada, at_provider = invited(admin, "ada@example.org"), AtProvider(issuer)
    at_provider.knows("ada-1", "Ada@example.org")
    with browser_of(ada) as browser:
        assert linked(at_provider, browser, "ada-1").headers["location"] == "/link-provider"
    return ada


@pytest.fixture
def stored(database: Database) -> Callable[[], list[int]]:
    """How many users, identities, sessions and accepted invitations there are."""

    def counted() -> list[int]:
        with psycopg.connect(database.admin_url) as connection:
            counts = [
                connection.execute(f"select count(*) from {what}").fetchone()
                for what in ("app_user", "user_identity", "user_session", "invitation where ended_at is not null")
            ]
        return [count[0] for count in counts if count]

    return counted


def refused_as(answer: httpx.Response) -> tuple[int, str]:
    """The status of a page, and what it says is wrong."""
    (said,) = re.findall(r'role="alert"><strong>▲ (.*?)</strong>', answer.text)
    return answer.status_code, unescape(said)


def me(browser: httpx.Client) -> str:
    """The email of the user whom the browser is signed in as; nothing if it is not."""
    return str(browser.get("/api/v1/me", headers={"accept": "application/json"}).json().get("email", ""))


def test_an_identity_that_a_user_has_linked_signs_in(ada: Person, browser, at_provider, database: Database) -> None:
    assert "Sign in with 127.0.0.1:" in browser.get("/sign-in").text
    done = signed_in_with(at_provider, browser, "ada-1", next="/?archived=true")
    assert (done.status_code, done.headers["location"]) == (303, "/?archived=true")
    assert me(browser) == ada.email
    assert ada.get("/me/identity").json()["issuer"].startswith("http://127.0.0.1:")

    with psycopg.connect(database.admin_url) as connection:
        for table in ("user_identity", "sign_in_step", "user_session", "audit_event"):
            assert "eyJ" not in str(connection.execute(f"table {table}").fetchall())  # as every JWT begins
        steps = connection.execute("select count(*) from sign_in_step").fetchone()
    assert steps == (0,)
    actions = [each["action"] for each in signed_in(ada.address, "admin@example.org").get("/events").json()["items"]]
    assert {"link provider", "sign in"} <= set(actions)


FORGED = {
    "issuer": "iss",
    "issuer with a slash": "iss",
    "audience": "a",
    "audience among others": "audience",
    "no nonce": "nonce",
    "nonce": "nonce",
    "expired": "exp",
    "no end": "exp",
    "no subject": "sub",
    "another's access token": "at_hash",
    "told of somebody else": "subject",
    "unsigned": "signature",
    "the public key as a secret": "signature",
    "a stranger's key under its name": "signature",
    "a key in the header": "signature",
    "an address of keys in the header": "signature",
}


@pytest.mark.parametrize("forgery", FORGED)
def test_what_a_provider_did_not_sign_for_this_browser_is_refused(
    ada: Person, browser, at_provider, stored, forgery: str
) -> None:
    before = stored()
    at_provider.forges(forgery)
    status, said = refused_as(signed_in_with(at_provider, browser, "ada-1"))
    assert status == 401
    assert said.startswith(f"the provider's answer is refused ({FORGED[forgery]}"), said
    assert me(browser) == ""
    assert stored() == before

    at_provider.forges("nothing")  # the control: the same browser, the same person
    assert signed_in_with(at_provider, browser, "ada-1").status_code == 303


def test_a_key_that_the_provider_publishes_anew_is_asked_for(ada: Person, browser, at_provider) -> None:
    at_provider.forges("a new key")
    assert signed_in_with(at_provider, browser, "ada-1").status_code == 303


async def _signed_by_anybody(self: object, id_token: str) -> SimpleNamespace:
    header, claims, _ = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in id_token.split("."))
    return SimpleNamespace(header=json.loads(header), claims=json.loads(claims))


def _of_any_browser(self: SignInSteps, step: str, state: str | None = None) -> Any:
    taken = "delete from sign_in_step where state_hash = %s returning *"
    return self._connection.execute(taken, (hash_of(state or ""),)).fetchone()


MUTANTS: dict[str, tuple[str, str, Callable[..., Any]]] = {
    "claims are not looked at": ("nonce", "authlib.oidc.core.CodeIDToken.validate", lambda *_: None),
    "signatures are not looked at": (
        "a stranger's key under its name",
        "oltp_api.users.openid_connect.OpenIDProvider._signed",
        _signed_by_anybody,
    ),
    "browsers are not looked at": ("nothing", "oltp_api.users.identities.SignInSteps.take", _of_any_browser),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_control_a_server_that_lacks_one_check_lets_in_what_is_forged(
    ada: Person, root, browser, at_provider, monkeypatch, mutant: str
) -> None:
    forgery, where, careless = MUTANTS[mutant]
    monkeypatch.setattr(where, careless)
    at_provider.forges(forgery)
    back = at_provider.sign_in(browser.post("/sign-in/provider"), "ada-1")
    with new_browser(root) as other:
        other.post("/sign-in/provider")
        assert (other if forgery == "nothing" else browser).get(back).status_code == 303


def test_an_answer_is_for_the_browser_that_began_and_good_once(ada: Person, root, browser, at_provider, stored) -> None:
    before = stored()
    back = at_provider.sign_in(browser.post("/sign-in/provider"), "ada-1")
    with new_browser(root) as other:
        for _ in range(2):  # without a step of its own, and with one
            status, said = refused_as(other.get(back))
            assert (status, me(other)) == (400, "")
            assert said.startswith("this sign-in was begun in another browser")
            other.post("/sign-in/provider")
    assert stored() == before

    assert browser.get(back).status_code == 303
    assert refused_as(browser.get(back))[0] == 400

    state = parse_qs(urlsplit(at_provider.sign_in(browser.post("/sign-in/provider"), "ada-1")).query)["state"][0]
    code = parse_qs(urlsplit(back).query)["code"][0]
    replayed = browser.get(ANSWER, params={"state": state, "code": code})
    assert refused_as(replayed) == (401, "the provider's answer is refused (code); nothing was stored, begin again")


def test_a_code_of_somebody_else_is_worth_nothing_without_the_verifier(ada: Person, root, browser, at_provider) -> None:
    stolen = parse_qs(urlsplit(at_provider.sign_in(browser.post("/sign-in/provider"), "ada-1")).query)["code"][0]
    with new_browser(root) as thief:
        own = parse_qs(urlsplit(at_provider.sign_in(thief.post("/sign-in/provider"), "thief")).query)["state"][0]
        assert refused_as(thief.get(ANSWER, params={"state": own, "code": stolen}))[0] == 401
        assert me(thief) == ""


def test_an_answer_that_names_another_issuer_or_brings_no_code_is_refused(ada: Person, browser, at_provider) -> None:
    back = at_provider.sign_in(browser.post("/sign-in/provider"), "ada-1")
    assert refused_as(browser.get(f"{back}&iss=https%3A%2F%2Fevil.example"))[1].startswith(
        "the provider's answer is refused (issuer)"
    )
    state = parse_qs(urlsplit(at_provider.sign_in(browser.post("/sign-in/provider"), "ada-1")).query)["state"][0]
    declined = browser.get(ANSWER, params={"state": state, "error": "<b>access_denied</b>"})
    assert refused_as(declined)[1].startswith("the provider's answer is refused (no code)")
    assert "<b>" not in declined.text


def test_the_same_email_is_not_the_same_person(ada: Person, browser, at_provider, stored) -> None:
    at_provider.knows("ada-2", ada.email)
    before = stored()
    assert refused_as(signed_in_with(at_provider, browser, "ada-2"))[0] == 403
    assert stored() == before


def test_an_invitation_registers_who_has_its_verified_email(admin: Person, browser, at_provider, stored) -> None:
    code = admin.post("/invitations", {"email": "bob@example.org"}).json()["code"]
    before = stored()
    at_provider.knows("bob-1", "bob@example.org", is_verified=False)
    assert "is verified" in refused_as(signed_in_with(at_provider, browser, "bob-1", code=code))[1]
    at_provider.knows("bob-1", "mallory@example.org")
    assert "another email address" in refused_as(signed_in_with(at_provider, browser, "bob-1", code=code))[1]
    assert stored() == before

    at_provider.knows("bob-1", "Bob@example.org", name="Bob\x07 B.")
    at_provider.forges("no email in it")  # but beside it
    page = browser.get("/register", params={"code": code}).text
    assert "Register with 127.0.0.1:" in page
    assert signed_in_with(at_provider, browser, "bob-1", code=code).status_code == 303
    told = browser.get("/api/v1/me").json()
    assert (told["email"], told["display_name"], told["is_admin"]) == ("bob@example.org", "Bob B.", False)
    assert browser.delete("/api/v1/me/identity").json()["code"] in ("only_way_in", "confirmation_needed")

    for strange in (b"code=%ff", b"code=%00%00", "code=é".encode()):
        headers = {"content-type": "application/x-www-form-urlencoded"}
        assert browser.post("/sign-in/provider", content=strange, headers=headers).status_code in (200, 400, 409)
    at_provider.knows("eve-1", "bob@example.org")
    assert "was used" in refused_as(signed_in_with(at_provider, browser, "eve-1", code=code))[1]


def test_a_session_is_confirmed_if_the_provider_asked_for_the_password_lately(ada: Person, root, at_provider) -> None:
    token = {"name": "a script", "scopes": ["read"]}
    for forgery, status in (("no word of when", 403), ("signed in long ago", 403), ("nothing", 201)):
        at_provider.forges(forgery)
        with new_browser(root) as browser:
            signed_in_with(at_provider, browser, "ada-1")
            assert browser.post("/api/v1/tokens", json=token).status_code == status, forgery


def test_who_has_a_second_factor_is_asked_for_it_after_the_provider_too(
    admin: Person, browser, at_provider, database: Database
) -> None:
    fred = invited(admin, "fred@example.org")
    at_provider.knows("fred-1", "fred@example.org")
    with browser_of(fred) as own:
        linked(at_provider, own, "fred-1")
    app = Authenticator(fred.post("/me/second-factor").json()["secret"])
    assert fred.post("/me/second-factor/confirmation", {"code": app.code()}).status_code == 200
    assert signed_in_with(at_provider, browser, "fred-1", next="/?x").headers["location"] == "/sign-in/code"
    assert me(browser) == ""
    half_a_minute_later(database)
    done = browser.post("/sign-in/code", data={"factor": app.code()})
    assert (done.headers["location"], me(browser)) == ("/?x", fred.email)
    assert browser.post("/api/v1/me/second-factor").json()["code"] == "second_factor_exists"  # confirmed by auth_time


def test_linking_needs_the_password_the_same_email_and_the_session_that_began(
    admin: Person, at_provider, stored, database: Database
) -> None:
    carl = invited(admin, "carl@example.org")
    at_provider.knows("carl-1", "carl@example.org", is_verified=False)
    at_provider.knows("carl-2", "other@example.org")
    at_provider.knows("carl-3", "carl@example.org")
    with browser_of(carl) as browser:
        before = stored()
        wrong = browser.post("/link-provider", data={"password": "wrong"})
        assert refused_as(wrong)[0] == 401
        assert "is verified" in refused_as(linked(at_provider, browser, "carl-1"))[1]
        assert "another email address" in refused_as(linked(at_provider, browser, "carl-2"))[1]

        back = at_provider.sign_in(browser.post("/link-provider", data={"password": PASSWORD}), "carl-3")
        browser.cookies.set("lakefolio_session", admin.client.cookies["lakefolio_session"], domain="127.0.0.1")
        assert refused_as(browser.get(back))[0] == 400  # somebody else is signed in by now
        assert stored() == before

    carl = signed_in(carl.address, carl.email)
    with browser_of(carl) as browser:
        back = at_provider.sign_in(browser.post("/link-provider", data={"password": PASSWORD}), "carl-3")
        with psycopg.connect(database.admin_url) as connection:
            earlier = "update user_session set confirmed_at = confirmed_at - interval '11 minutes' where user_id = %s"
            connection.execute(earlier, (carl.get("/me").json()["user_id"],))
        assert refused_as(browser.get(back))[0] == 403
        back = at_provider.sign_in(browser.post("/link-provider", data={"password": PASSWORD}), "carl-3")
        browser.post("/sign-out")
        assert refused_as(browser.get(back))[0] == 401
    carl = signed_in(carl.address, carl.email)
    with browser_of(carl) as browser:
        assert linked(at_provider, browser, "carl-3").headers["location"] == "/link-provider"
        assert "signs you in" in browser.get("/link-provider").text


def test_an_identity_has_one_user_and_a_user_one_identity(admin: Person, ada: Person, at_provider, stored) -> None:
    at_provider.knows("ada-3", ada.email)
    before = stored()
    with browser_of(ada) as browser:
        assert refused_as(linked(at_provider, browser, "ada-3"))[0] == 409
    dora = invited(admin, "dora@example.org")
    at_provider.knows("ada-1", "dora@example.org")  # whose address was changed there to dora's
    with browser_of(dora) as browser:
        assert refused_as(linked(at_provider, browser, "ada-1"))[0] == 409
    assert stored()[1] == before[1]


def test_who_unlinks_or_is_disabled_is_not_signed_in_any_more(admin: Person, root, browser, at_provider) -> None:
    eric = invited(admin, "eric@example.org")
    at_provider.knows("eric-1", "eric@example.org")
    with browser_of(eric) as own:
        linked(at_provider, own, "eric-1")
        assert signed_in_with(at_provider, browser, "eric-1").status_code == 303
        assert own.post("/unlink-provider", data={"password": "wrong"}).status_code == 401
        assert own.post("/unlink-provider", data={"password": PASSWORD}).status_code == 303
        assert me(browser) == ""  # the session that the provider began
        assert refused_as(signed_in_with(at_provider, browser, "eric-1"))[0] == 403
        linked(at_provider, own, "eric-1")
        assert signed_in_with(at_provider, browser, "eric-1").status_code == 303
        user_id = eric.get("/me").json()["user_id"]
        assert admin.client.patch(f"/users/{user_id}", json={"is_disabled": True}).is_success
        assert refused_as(signed_in_with(at_provider, browser, "eric-1"))[0] == 403


def test_who_begins_very_often_pushes_out_what_was_begun_first(ada: Person, browser, at_provider, database) -> None:
    back = at_provider.sign_in(browser.post("/sign-in/provider"), "ada-1")
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(
            "insert into sign_in_step (step_hash, kind, state_hash, nonce, code_verifier, next_page, ends_at)"
            " select sha256(n::text::bytea), 'PROVIDER', '', '', '', '/', now() + interval '1 hour'"
            " from generate_series(1, 10000) as n"
        )
    with new_browser(str(browser.base_url)) as other:
        other.post("/sign-in/provider")
        assert refused_as(browser.get(back))[0] == 400
    with psycopg.connect(database.admin_url) as connection:
        left = connection.execute("select count(*) from sign_in_step").fetchone()
        connection.execute("truncate sign_in_step")
    assert left == (10_001,)


@pytest.mark.parametrize("page", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_coming_back_goes_on_to_no_other_server(ada: Person, browser, at_provider, page: str) -> None:
    at_provider.knows("ada-1", ada.email)
    assert signed_in_with(at_provider, browser, "ada-1", next=page).headers["location"] == "/"


def test_a_page_of_another_site_begins_nothing(ada: Person, root: str) -> None:
    for page in ("/sign-in/provider", "/link-provider", "/unlink-provider", "/sign-in/code"):
        answer = httpx.post(f"{root}{page}", headers={"sec-fetch-site": "cross-site"})
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_origin")


@pytest.mark.parametrize("suffix", ["/", "/nowhere", ":1"])
def test_a_provider_that_is_down_or_another_leaves_the_password(
    ada: Person, own: Settings, issuer: str, suffix: str
) -> None:
    other = issuer.rpartition(":")[0] + suffix if suffix == ":1" else issuer + suffix
    with served_with_accounts(own, oidc_issuer=other) as root, new_browser(root) as browser:
        status, said = refused_as(browser.post("/sign-in/provider"))
        assert status == 503
        assert said.endswith("does not answer as it should; try again later, or sign in with your password")
        assert "sign_in_step" not in said
        assert browser.post("/sign-in", data={"email": ada.email, "password": PASSWORD}).status_code == 303


def test_without_a_provider_nothing_of_it_is_there(ada: Person, own: Settings) -> None:
    with served_with_accounts(own, oidc_issuer=None) as root, new_browser(root) as browser:
        assert "Sign in with" not in browser.get("/sign-in").text
        answer = browser.post("/sign-in/provider")
        assert (answer.status_code, answer.json()["code"]) == (404, "no_provider")


def test_a_provider_is_set_whole_and_by_https() -> None:
    for wrong in (
        {"oidc_issuer": "https://id.example.org"},
        {"oidc_issuer": "http://id.example.org", "oidc_client_id": "x", "oidc_client_secret": "y"},
        {"oidc_client_secret": "y"},
    ):
        with pytest.raises(ValueError, match=r"OIDC_ISSUER|by https"):
            Settings(_env_file=None, **wrong)
