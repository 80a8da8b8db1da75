"""Two owners, one shared portfolio, a script with a token, an invitation and a lost password: all through the pages.

In Chromium, by the keyboard, as people do it who know nothing but the printed link.
"""

import re
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from storage.postgres.database import Database
from storage.settings import Settings
from tests.chromium import Chromium, Tab, chromium
from tests.oltp_api.people import PASSWORD, first_code, served_with_accounts

NEW = "another long word of mine"


@pytest.fixture(scope="module")
def own(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return settings.model_copy(update={"lakefolio_home": tmp_path_factory.mktemp("state")})


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(scope="module")
def root(browser: Chromium, own: Settings) -> Iterator[str]:
    with served_with_accounts(own) as address:
        yield address


def long_ago(database: Database) -> None:
    """Everybody's password was given eleven minutes ago."""
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("update user_session set confirmed_at = now() - interval '11 minutes'")


def assert_fits(tab: Tab) -> None:
    """Nothing of the page is beyond the width of a phone."""
    needed, width = tab.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert needed <= width <= 375, tab.path


def makes_a_portfolio(tab: Tab, root: str, name: str) -> str:
    tab.go(f"{root}/").press("A new portfolio").write(Name=name, Cash="10000", Day="2015-01-02")
    assert "Nothing is recorded yet" not in tab.press("Make the portfolio").text
    (portfolio_id,) = re.findall(r"portfolios/([0-9a-f-]{36})/", tab.path)
    return str(portfolio_id)


def test_a_family_shares_a_portfolio(browser: Chromium, root: str, own: Settings, database: Database) -> None:
    ada, bob = browser.person(), browser.person(375, 812)
    ada.go(f"{root}/register?code={first_code(own)}")
    ada.write(Name="Ada", Email="ada@example.org", Password=PASSWORD).press("Register")
    house = makes_a_portfolio(ada, root, "The house")

    ada.press("Invitations").write(Email="bob@example.org").press("Make a link")
    bob.go(ada.made()).write(Name="Bob", Email="bob@example.org", Password=PASSWORD).press("Register")
    makes_a_portfolio(bob, root, "Bob’s own")
    assert bob.go(f"{root}/api/v1/portfolios/{house}/transactions.html").text.startswith("Lakefolio\n\nNot Found")

    ada.go(f"{root}/").press("sharing").write(Email="bob@example.org")
    ada.evaluate("document.querySelector('[name=role]').value = 'EDITOR'")
    assert "offered" in ada.press("Offer it").text
    assert "is offered to you" in bob.go(f"{root}/").text
    assert "since" in bob.press("A portfolio is offered to you.").press("Accept The house").text
    both = bob.press("Portfolios").text
    assert both.index("Bob’s own") < both.rindex("Shared with you") < both.index("The house")
    assert "of Ada; you are its editor" in both

    bob.go(f"{root}/api/v1/portfolios/{house}/transactions.html")
    bob.write(Security="AAPL", Units="1000", Price="33.77").press("Record the trade")
    assert "Nothing was stored.\n\n33770 USD asked, 10000 available" in bob.text
    bob.write(Units="10").press("Record the trade")
    assert "Recorded as ledger row 2" in bob.text

    long_ago(database)
    ada.press("Tokens").write(Name="notebook").tick("read everything").press("Make the token")
    assert "Your password, once more" in ada.text
    assert "has this email address and this password" in ada.write(Password="wrong").press("Go on").text
    ada.write(Password=PASSWORD).press("Go on")
    with httpx.Client(base_url=f"{root}/api/v1", headers={"authorization": f"Bearer {ada.made()}"}) as script:
        assert script.get(f"/portfolios/{house}/holdings").json()["holdings"][0]["quantity"] == "10"
        assert script.post("/portfolios", json={"name": "x"}).json()["code"] == "scope_is_missing"

    assert bob.press("Sign out").press("Sign out").path == "/sign-in"
    ada.press("Users").press("Password link for Bob")
    assert bob.go(ada.made()).write(Password=NEW).press("Replace the password").path == "/sign-in"
    bob.write(Email="bob@example.org", Password=NEW).press("Sign in")
    assert "The house" in bob.text

    for page in ("/", "/me", "/sessions", "/tokens", "/invitations", "/shares"):
        assert_fits(bob.go(f"{root}{page}"))
    for what in ("transactions", "orders", "simulations", "imports"):
        assert_fits(bob.go(f"{root}/api/v1/portfolios/{house}/{what}.html"))

    ada.go(f"{root}/").press("sharing")
    assert "somebody you share it with" in ada.text
    assert "It is yours alone" in ada.press("End the share with bob@example.org").text
    assert "The house" not in bob.go(f"{root}/").text
