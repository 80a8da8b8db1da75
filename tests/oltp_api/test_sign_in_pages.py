"""A person who has nothing but the link and a browser without a script: register, sign in and out, a lost password."""

import re
from collections.abc import Iterator

import httpx
import pytest

from oltp_api.sign_in_pages.routes import local
from storage.settings import Settings
from tests.oltp_api.people import PASSWORD, first_code, served_with_accounts, signed_in

NEW = "another long word of mine"
_PAGE = {"accept": "text/html,*/*", "sec-fetch-site": "same-origin"}


@pytest.fixture(scope="module")
def own(settings: Settings, tmp_path_factory) -> Settings:
    return settings.model_copy(update={"lakefolio_home": tmp_path_factory.mktemp("state")})


@pytest.fixture(scope="module")
def root(own: Settings) -> Iterator[str]:
    with served_with_accounts(own) as address:
        yield address


@pytest.fixture
def browser(root: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=root, headers=_PAGE, follow_redirects=True, timeout=30) as client:
        yield client


def sent(browser: httpx.Client, page: httpx.Response, **fields: str) -> httpx.Response:
    """The answer to the page's form, with its hidden fields and what is written into the others."""
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    (action,) = re.findall(r'method="post" action="([^"]+)"', page.text)
    return browser.post(action, data={**hidden, **fields})


def test_from_the_printed_link_to_the_portfolios_and_out_again(root: str, own: Settings, browser) -> None:
    stranger = browser.get("/")
    assert stranger.url.path == "/sign-in"
    page = browser.get(f"/register?code={first_code(own)}")
    common = sent(browser, page, display_name="Ada", email="ada@example.org", password="password123")
    assert common.status_code == 422
    assert "commonest" in common.text
    assert "password123" not in common.text
    assert 'value="ada@example.org"' in common.text

    front = sent(browser, common, display_name="Ada", email="ada@example.org", password=PASSWORD)
    assert front.url.path == "/"
    assert front.status_code == 200
    assert "Sign out" in front.text
    assert sent(browser, browser.get("/sign-out")).url.path == "/sign-in"
    assert browser.get("/").url.path == "/sign-in"

    wanted = browser.get("/?archived=true")
    wrong = sent(browser, wanted, email="ada@example.org", password="wrong")
    assert wrong.status_code == 401
    assert sent(browser, wrong, email="ada@example.org", password=PASSWORD).url.path == "/"


def test_a_lost_password_is_replaced_on_a_page(root: str, own: Settings, browser) -> None:
    admin = signed_in(root, "ada@example.org")
    me = admin.get("/me").json()["user_id"]
    link = admin.post(f"/users/{me}/password-link").json()["link"]
    assert link.startswith(f"{root}/password?code=")
    done = sent(browser, browser.get(link), password=NEW)
    assert done.url.path == "/sign-in"
    assert sent(browser, done, email="ada@example.org", password=NEW).url.path == "/"


def test_a_form_of_another_site_is_refused(root: str) -> None:
    form = {"email": "ada@example.org", "password": NEW}
    answer = httpx.post(f"{root}/sign-in", data=form, headers={"sec-fetch-site": "cross-site"})
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_origin")
    assert "set-cookie" not in answer.headers


def test_what_is_no_page_gets_a_problem_and_not_a_form(root: str) -> None:
    answer = httpx.get(f"{root}/api/v1/portfolios")
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")


@pytest.mark.parametrize("page", ["//evil.example", "https://evil.example", "/\\evil.example", "", "evil", "/a\nb"])
def test_signing_in_goes_on_to_no_other_server(page: str) -> None:
    assert local(page) == "/"


def test_control_a_page_of_ours_is_gone_on_to() -> None:
    assert local("/api/v1/portfolios/x/review.html") == "/api/v1/portfolios/x/review.html"


def test_the_pages_have_no_script_and_reach_no_other_host(root: str, browser) -> None:
    for page in ("/sign-in", "/register?code=%22%3E%3Cscript%3E", "/password?code=x"):
        answer = browser.get(page)
        assert "<script" not in answer.text
        assert "://" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
