"""Pages of users and administrators, as a browser without a script sees them: forms, links, nothing else."""

import re
from collections.abc import Iterator
from html import unescape

import httpx
import psycopg
import pytest
from test_review_page import Page

from storage.postgres.database import Database
from storage.settings import Settings
from tests.oltp_api.people import PASSWORD, Person, first_code, invited, registered, served_with_accounts, signed_in
from tests.oltp_api.test_access_matrix import OPERATIONS
from tests.oltp_api.test_second_factor import half_a_minute_later, with_second_factor

NEW = "another long word of mine"
_BROWSER = {"accept": "text/html,*/*", "sec-fetch-site": "same-origin"}


class Window:
    """A person's browser: it follows links and sends forms with their hidden fields."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.client = httpx.Client(base_url=person.address, headers=_BROWSER, follow_redirects=True, timeout=30)
        self.client.cookies.jar = person.client.cookies.jar  # a secret that is renewed here is renewed there

    def get(self, page: str) -> httpx.Response:
        return self.client.get(page)

    def send(self, page: httpx.Response | str, button: str, **fields: str) -> httpx.Response:
        """The answer to the form that the button is in."""
        html = self.get(page).text if isinstance(page, str) else page.text
        found = [form for form in re.findall(r"<form .*?</form>", html, flags=re.DOTALL) if button in text_of(form)]
        assert len(found) == 1, (button, text_of(html))
        action = re.search(r'action="([^"]*)"', found[0])
        assert action is not None
        hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', found[0])
        filled = {name: unescape(text) for name, text in hidden} | fields
        return self.client.post(unescape(action[1]), data=filled)


def text_of(page: str) -> str:
    return " ".join(unescape(re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL)).split())


def made(page: httpx.Response) -> str:
    (secret,) = re.findall(r'<code id="made">([^<]+)</code>', page.text)
    return unescape(secret)


@pytest.fixture(scope="module")
def admin(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    own = settings.model_copy(update={"lakefolio_home": tmp_path_factory.mktemp("state")})
    with served_with_accounts(own) as address:
        yield registered(address, first_code(own), "admin@example.org")


@pytest.fixture(scope="module")
def ada(admin: Person) -> Person:
    return invited(admin, "ada@example.org")


@pytest.fixture
def window(ada: Person) -> Iterator[Window]:
    opened = Window(ada)
    with opened.client:
        yield opened


@pytest.fixture
def office(admin: Person) -> Iterator[Window]:
    """The administrator's browser."""
    opened = Window(admin)
    with opened.client:
        yield opened


def long_ago(database: Database, person: Person) -> None:
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(
            "update user_session set confirmed_at = now() - interval '11 minutes' where user_id = %s",
            (person.get("/me").json()["user_id"],),
        )


def test_a_token_is_made_shown_once_and_ended(window: Window, ada: Person) -> None:
    mine = ada.portfolio("of the token")
    fields = {"name": "notebook", "scopes.read": "1", f"portfolio_ids.{mine}": "1", "ends_at": "2099-12-31"}
    token = made(window.send("/tokens", "Make the token", **fields))

    (listed,) = ada.get("/tokens").json()["items"]
    assert (listed["scopes"], listed["portfolio_ids"], listed["ends_at"]) == (["read"], [mine], "2099-12-31T23:59:59Z")
    script = httpx.Client(base_url=f"{ada.address}/api/v1", headers={"authorization": f"Bearer {token}"})
    with script:
        assert script.get(f"/portfolios/{mine}/holdings").is_success
        page = window.get("/tokens")
        assert token not in page.text
        assert "of the token" in text_of(page.text)
        assert "There are none" in text_of(window.send(page, "End notebook").text)
        assert script.get(f"/portfolios/{mine}/holdings").status_code == 401


def test_a_token_without_a_scope_is_refused_beside_its_field(window: Window, ada: Person) -> None:
    refused = window.send("/tokens", "Make the token", name="<i>none</i>")
    assert refused.status_code == 422
    assert 'id="token-scopes-wrong"' in refused.text
    assert 'value="&lt;i&gt;none&lt;/i&gt;"' in refused.text
    assert ada.get("/tokens").json()["items"] == []


def test_what_needs_the_password_asks_for_it_and_then_goes_on(window: Window, ada: Person, database: Database) -> None:
    long_ago(database, ada)
    asked = window.send("/tokens", "Make the token", **{"name": "later", "scopes.read": "1"})
    assert (asked.status_code, asked.url.path) == (403, "/tokens")
    assert "Your password, once more" in text_of(asked.text)
    assert ada.get("/tokens").json()["items"] == []

    wrong = window.send(asked, "Go on", confirm_password="wrong")
    assert (wrong.status_code, "wrong" in re.findall(r'value="([^"]*)"', wrong.text)) == (401, False)
    assert ada.get("/tokens").json()["items"] == []
    assert made(window.send(wrong, "Go on", confirm_password=PASSWORD)).startswith("lkf_")
    (listed,) = ada.get("/tokens").json()["items"]
    assert (listed["name"], listed["scopes"]) == ("later", ["read"])
    ada.client.delete(f"/tokens/{listed['token_id']}").raise_for_status()


def test_who_has_a_second_factor_is_asked_for_its_code_too(admin: Person, database: Database) -> None:
    person, app, (recovery, *_) = with_second_factor(admin, "careful@example.org")
    long_ago(database, person)
    window = Window(person)
    with window.client:
        asked = window.send("/tokens", "Make the token", **{"name": "later", "scopes.read": "1"})
        without = window.send(asked, "Go on", confirm_password=PASSWORD)
        assert (without.status_code, "has a second factor" in without.text) == (401, True)
        assert person.get("/tokens").json()["items"] == []
        half_a_minute_later(database)
        made_it = window.send(without, "Go on", confirm_password=PASSWORD, confirm_code=app.code())
        assert made(made_it).startswith("lkf_")

        new = {"current_password": PASSWORD, "password": NEW}
        assert "has a second factor" in window.send("/me", "Change the password", **new).text
        done = window.send("/me", "Change the password", **new, current_code=recovery)
        assert done.url.path == "/sign-in"
    body = {"email": person.email, "password": NEW}
    assert httpx.post(f"{admin.address}/api/v1/session", json=body).json()["code"] == "second_factor_needed"


def test_a_link_that_removes_a_second_factor_says_so(admin: Person, office: Window) -> None:
    person, _, _ = with_second_factor(admin, "lost@example.org")
    for button, code in (
        ("Password link for lost", "second_factor_needed"),
        ("Without second factor a password link for lost", ""),
    ):
        link = made(office.send("/users", button))
        reset = {"code": link.partition("code=")[2], "password": NEW}
        assert httpx.post(f"{admin.address}/api/v1/password-resets", json=reset).status_code == 204
        answer = httpx.post(f"{admin.address}/api/v1/session", json={"email": person.email, "password": NEW})
        assert answer.json().get("code", "") == code


def test_a_confirmation_leads_to_no_other_server(window: Window) -> None:
    answer = window.client.post(
        "/confirm", data={"confirm_password": PASSWORD, "next": "//evil.example"}, follow_redirects=False
    )
    assert (answer.status_code, answer.headers["location"]) == (307, "/")


def test_sessions_are_seen_and_ended_one_by_one_and_all_others(window: Window, ada: Person, database) -> None:
    phone, desk = (signed_in(ada.address, ada.email) for _ in range(2))
    long_ago(database, ada)
    asked = window.send("/sessions", "End all others")
    assert (asked.status_code, {each.get("/me").status_code for each in (phone, desk)}) == (403, {200})
    wrong = window.send("/me", "Change the password", current_password=PASSWORD, password="password123")
    assert (wrong.status_code, "tried first" in wrong.text) == (422, True)  # and yet the session was confirmed by it
    assert ada.get("/me").is_success
    page = window.get("/sessions")
    assert page.text.count("(this one)") == 1
    (first, *_) = re.findall(r'action="(/sessions/[0-9a-f-]{36}/end)"', page.text)
    assert window.client.post(first).url.path == "/sessions"
    assert sorted(each.get("/me").status_code for each in (phone, desk)) == [200, 401]
    assert "End all others" not in window.send("/sessions", "End all others").text
    assert {each.get("/me").status_code for each in (phone, desk)} == {401}
    assert ada.get("/me").is_success


def test_a_name_is_changed_and_an_email_after_the_password(window: Window, ada: Person, database: Database) -> None:
    long_ago(database, ada)
    assert window.send("/me", "Change them", display_name="Ada L.", email=ada.email).status_code == 200
    assert ada.get("/me").json()["display_name"] == "Ada L."
    asked = window.send("/me", "Change them", display_name="Ada", email="ada@example.com")
    assert (asked.status_code, ada.get("/me").json()["email"]) == (403, "ada@example.org")
    window.send(asked, "Go on", confirm_password=PASSWORD)
    assert ada.get("/me").json()["email"] == "ada@example.com"
    window.send("/me", "Change them", display_name="Ada", email="ada@example.org")
    taken = window.send("/me", "Change them", display_name="Ada", email="admin@example.org")
    assert (taken.status_code, ada.get("/me").json()["email"]) == (422, "ada@example.org")


def test_a_password_is_changed_by_who_knows_it_and_everybody_is_out(admin: Person) -> None:
    person = invited(admin, "changing@example.org")
    window = Window(person)
    with window.client:
        wrong = window.send("/me", "Change the password", current_password="wrong", password=NEW)
        assert "No user has this email address and this password" in text_of(wrong.text)
        common = window.send("/me", "Change the password", current_password=PASSWORD, password="password123")
        assert "commonest" in text_of(common.text)
        assert not {PASSWORD, NEW, "password123"} & set(re.findall(r'value="([^"]*)"', wrong.text + common.text))
        assert signed_in(person.address, person.email).get("/me").is_success
        done = window.send("/me", "Change the password", current_password=PASSWORD, password=NEW)
        assert done.url.path == "/sign-in"
        assert "lakefolio_session" not in window.client.cookies
    assert person.get("/me").status_code == 401
    assert signed_in(person.address, person.email, NEW).get("/me").is_success


def test_who_leaves_is_out_and_is_let_in_again_by_an_administrator(admin: Person, office: Window) -> None:
    person = invited(admin, "leaving@example.org")
    window = Window(person)
    with window.client:
        wrong = window.send("/me", "Leave for good", current_password="wrong")
        assert "No user has this email address and this password" in text_of(wrong.text)
        assert person.get("/me").is_success
        assert window.send("/me", "Leave for good", current_password=PASSWORD).url.path == "/sign-in"
    assert person.get("/me").status_code == 401
    assert "disabled" in text_of(office.get("/users").text)
    office.send("/users", "Let in again leaving")
    assert signed_in(person.address, person.email).get("/me").is_success


def test_an_invitation_is_listed_without_its_link_and_taken_back(window: Window) -> None:
    link = made(window.send("/invitations", "Make a link", email="eve@example.org"))
    page = window.get("/invitations")
    assert "eve@example.org" in page.text
    assert link.partition("code=")[2] not in page.text
    assert "There are none" in text_of(window.send(page, "Take back the invitation").text)
    late = {"code": link.partition("code=")[2], "email": "eve@example.org", "display_name": "E", "password": NEW}
    assert httpx.post(f"{window.person.address}/api/v1/registrations", json=late).status_code == 409


def test_administrators_have_pages_that_others_have_not(window: Window, office: Window, ada: Person) -> None:
    for page in ("/users", "/events"):
        refused = window.get(page)
        assert (refused.status_code, "only an administrator" in refused.text.casefold()) == (403, True)
        assert f'href="{page}"' not in window.get("/").text
        assert office.get(page).is_success
    assert "manage users" not in window.get("/tokens").text
    assert "manage users" in office.get("/tokens").text

    secret = ada.portfolio("A name that is nobody’s business")
    trade = {"type": "BUY", "ticker": "AAPL", "quantity": "7", "price": "33.77"}
    assert ada.post(f"/portfolios/{secret}/transactions", trade).status_code == 201
    told = office.get("/events").text + office.get("/users").text
    assert ada.email in told
    assert not re.search("nobody’s business|33.77|236.39", told)


def test_the_last_administrator_stays_and_a_page_says_why(office: Window) -> None:
    for button in ("Disable admin", "Take administration admin"):
        refused = office.send("/users", button)
        assert (refused.status_code, "last administrator" in refused.text) == (409, True)


def test_a_viewer_sees_no_form_and_an_editor_does(admin: Person, ada: Person, window: Window) -> None:
    bob = invited(admin, "bob@example.org")
    mine = ada.portfolio("shared by pages")
    sharing = f"/api/v1/portfolios/{mine}/shares.html"
    theirs = Window(bob)
    with theirs.client:
        for role, forms in (("VIEWER", 0), ("EDITOR", 1)):
            window.send(sharing, "Offer it", email=bob.email, role=role)
            assert "is offered to you" in theirs.get("/").text
            theirs.send("/shares", "Accept shared by pages")
            front = text_of(theirs.get("/").text)
            assert f"; you are its {role.lower()}" in front
            page = theirs.get(f"/api/v1/portfolios/{mine}/simulations.html")
            assert page.text.count('name="form" value="simulation"') == forms
            denied = theirs.client.post(f"/api/v1/portfolios/{mine}/transactions.html", data={"form": "cash"})
            assert denied.status_code == (403 if role == "VIEWER" else 422)
            assert theirs.get(sharing).status_code == 403
            assert "It is yours alone" in text_of(window.send(sharing, "End the share with").text)


def page_routes(method: str) -> list[str]:
    pages = {each.path for each in OPERATIONS if each.path.endswith(".html") or not each.path.startswith("/api")}
    return sorted({each.path for each in OPERATIONS if each.method == method and each.path in pages})


def filled(path: str, portfolio_id: str) -> str:
    path = path.replace("{portfolio_id}", portfolio_id)
    return re.sub(r"\{\w+\}", "00000000-0000-0000-0000-0000000003e7", path)


def test_no_form_of_another_site_is_taken_though_it_brings_the_cookie(admin: Person, ada: Person) -> None:
    """The cookie is SameSite=Lax, so a browser would not even send it; the guard does not rely on that."""
    mine = ada.portfolio("attacked")
    forms = page_routes("POST")
    assert len(forms) > 25
    hostile = (
        {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"}, {"origin": "null"},
    )  # fmt: skip
    with httpx.Client(base_url=ada.address, cookies=ada.client.cookies, timeout=30) as client:
        for path in forms:
            for headers in hostile:
                answer = client.post(filled(path, mine), data={"form": "cash"}, headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (403, "cross_origin"), path
        control = client.post(filled(forms[0], mine), data={"form": "cash"}, headers={"sec-fetch-site": "same-origin"})
        assert control.status_code != 403


def test_every_page_can_be_read_aloud_and_used_by_keys(office: Window, admin: Person) -> None:
    """A language, one heading, headed tables, a label for each control; no script, and no other host."""
    mine = admin.portfolio("read aloud")
    pages = [filled(path, mine) for path in page_routes("GET") if "{" not in path.replace("{portfolio_id}", "")]
    answers = {path: office.get(path) for path in pages}
    shown = {path: each for path, each in answers.items() if each.headers["content-type"].startswith("text/html")}
    assert len(shown) > 15
    for path, answer in shown.items():
        page = Page(answer.text)
        assert answer.headers["content-security-policy"].startswith("default-src 'none'"), path
        assert page.count("h1") == page.count("main") == 1, path
        assert [attrs["lang"] for tag, attrs in page.tags if tag == "html"] == ["en"], path
        assert all("scope" in attrs for tag, attrs in page.tags if tag == "th"), path
        assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in page.tags}, path
        assert not [key for _, attrs in page.tags for key in attrs if key.startswith("on") or key == "style"], path
        ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
        assert len(ids) == len(set(ids)), path
        signs = path in ("/sign-in", "/sign-in/code", "/register", "/password", "/sign-out")
        assert signs or 'href="/sign-out"' in answer.text, path
        labelled = {attrs.get("for") for tag, attrs in page.tags if tag == "label"}
        for tag, attrs in page.tags:
            if tag in ("input", "select") and "id" in attrs:
                assert attrs["id"] in labelled, path


def test_a_password_may_have_any_characters_and_is_compared_as_it_is(admin: Person) -> None:
    password = " ü Пароль 密碼 " + "x" * 100 + " Y "
    person = invited(admin, "any@example.org", password)
    assert signed_in(admin.address, person.email, password).get("/me").is_success
    for other in (password.strip(), password.casefold(), password[:72], password[:-1]):
        body = {"email": person.email, "password": other}
        assert httpx.post(f"{admin.address}/api/v1/session", json=body).status_code == 401


def test_an_old_password_stays_good(admin: Person, database: Database) -> None:
    person = invited(admin, "old@example.org")
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("update user_password set changed_at = now() - interval '10 years'")
    assert signed_in(admin.address, person.email).get("/me").is_success


def test_passwords_are_hidden_and_may_be_pasted_and_filled_in(window: Window) -> None:
    for path in ("/sign-in", "/register?code=x", "/password?code=x", "/me"):
        page = Page(window.get(path).text)
        fields = [attrs for tag, attrs in page.tags if tag == "input" and str(attrs.get("name")).endswith("password")]
        assert fields, path
        for field in fields:
            assert field["type"] == "password"
            assert field["autocomplete"] in ("current-password", "new-password")
            assert not [name for name in field if name.startswith("on")]


def test_nobody_writes_fields_that_are_not_theirs(ada: Person, window: Window) -> None:
    for field in ("is_admin", "user_id", "disabled_at", "password_hash"):
        answer = ada.client.patch("/me", json={"display_name": "Ada", field: True})
        assert (answer.status_code, field in answer.text) == (422, True)
        window.send("/me", "Change them", display_name="Ada", email=ada.email, **{field: "true"})
    assert ada.get("/me").json()["is_admin"] is False
