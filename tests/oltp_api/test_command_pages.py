"""Forms of everyday commands: they record what the API records, once, and say beside the field what is wrong."""

import re
from html import unescape

import httpx
import pytest

from tests.oltp_api.conftest import Client

_BROWSER = {"sec-fetch-site": "same-origin", "accept": "text/html"}


def page_of(portfolio: Client, what: str) -> str:
    return f"/portfolios/{portfolio.portfolio_id}/{what}.html"


def hidden(page: str, form: str) -> dict[str, str]:
    """Hidden fields of the form of a name."""
    (own,) = [each for each in page.split("<form ")[1:] if f'name="form" value="{form}"' in each]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', own))


def sent(api: httpx.Client, page: str, form: str, **fields: str) -> httpx.Response:
    """The answer to a form of the page, filled in."""
    own = hidden(api.get(page).text, form)
    return api.post(page, data={**own, **fields}, headers=_BROWSER)


def text_of(page: str) -> str:
    return " ".join(unescape(re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL)).split())


def rows_of(portfolio: Client) -> list[dict[str, object]]:
    kept = (
        "type",
        "ticker",
        "quantity",
        "price",
        "fees",
        "cash_effect",
        "currency",
        "business_date",
        "account",
        "note",
    )
    return [{name: row[name] for name in kept} for row in portfolio.get("/transactions")["items"]]


def test_a_form_records_the_very_row_that_the_api_records(new_portfolio) -> None:
    by_page, by_api = new_portfolio(), new_portfolio()
    trade = {
        "type": "BUY",
        "ticker": "AAPL",
        "quantity": "10",
        "price": "33.77",
        "fees": "1",
        "business_date": "2016-02-01",
    }
    cash = {"type": "WITHDRAW", "amount": "12.50", "note": "rent", "business_date": "2016-02-02"}

    answers = [
        sent(by_page.api, page_of(by_page, "transactions"), name, account="", **body)
        for name, body in (("trade", trade), ("cash", cash))
    ]
    for body in (trade, cash):
        assert by_api.post(**body).status_code == 201

    assert [(each.status_code, each.headers["location"].rpartition("?")[2]) for each in answers] == [
        (303, "recorded=2"), (303, "recorded=3"),
    ]  # fmt: skip
    assert rows_of(by_page) == rows_of(by_api)
    assert "Recorded as ledger row 3" in text_of(
        by_page.api.get(answers[1].headers["location"].removeprefix("/api/v1")).text
    )


def test_a_button_that_is_pressed_twice_records_once(portfolio: Client) -> None:
    page = page_of(portfolio, "transactions")
    fields = {**hidden(portfolio.api.get(page).text, "cash"), "type": "DEPOSIT", "amount": "5"}
    answers = [portfolio.api.post(page, data=fields, headers=_BROWSER) for _ in range(2)]

    assert [answer.headers["location"] for answer in answers] == [f"/api/v1{page}?recorded=2"] * 2
    assert len(rows_of(portfolio)) == 2

    changed = portfolio.api.post(page, data={**fields, "amount": "6"}, headers=_BROWSER)
    assert (changed.status_code, len(rows_of(portfolio))) == (422, 2)
    assert "was used with another request" in text_of(changed.text)
    assert hidden(changed.text, "cash")["key"] != fields["key"]


def test_control_without_its_key_it_would_record_twice(portfolio: Client) -> None:
    page = page_of(portfolio, "transactions")
    for _ in range(2):
        portfolio.api.post(page, data={"form": "cash", "type": "DEPOSIT", "amount": "5"}, headers=_BROWSER)

    assert len(rows_of(portfolio)) == 3


@pytest.mark.parametrize(
    ("form", "fields", "field", "why"),
    [
        ("trade", {"type": "BUY", "ticker": "AAPL", "quantity": "ten"}, "quantity", "must be a plain decimal number"),
        ("trade", {"type": "BUY", "ticker": "AAPL", "quantity": "1"}, "price", "or amount is required"),
        ("trade", {"type": "BUY", "ticker": "AAPL", "price": "1"}, "quantity", "is required for a BUY"),
        ("cash", {"type": "DEPOSIT", "amount": "5", "business_date": "tomorrow"}, "business_date", "must be a day"),
        ("cash", {"type": "DEPOSIT", "amount": "5", "currency": "XXZ"}, "currency", ""),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_stored(
    portfolio: Client, stored, form: str, fields: dict[str, str], field: str, why: str
) -> None:
    before = stored()
    answer = sent(portfolio.api, page_of(portfolio, "transactions"), form, note="<b>bold</b>", **fields)

    assert (answer.status_code, stored()) == (422, before)
    assert f'href="#{form}-{field}"' in answer.text
    beside = re.search(f'<p class="wrong" id="{form}-{field}-wrong">([^<]*)</p>', answer.text)
    assert beside is not None
    assert why in unescape(beside[1])
    assert re.search(f'aria-describedby="[^"]*{form}-{field}-wrong" aria-invalid="true"', answer.text)
    assert "<b>bold" not in answer.text
    assert "&lt;b&gt;bold" in answer.text, "what was written is still there"


def test_what_the_rules_refuse_is_said_above_the_form(portfolio: Client, stored) -> None:
    before = stored()
    page = page_of(portfolio, "transactions")
    refused = sent(portfolio.api, page, "trade", type="BUY", ticker="AAPL", quantity="1000000", price="33.77")

    assert (refused.status_code, stored()) == (422, before)
    assert "Nothing was stored. 33770000 USD asked, 10000 available." in text_of(refused.text)
    unknown = sent(portfolio.api, page, "trade", type="BUY", ticker="NOSUCHX", quantity="1", price="1")
    assert "NOSUCHX" in text_of(unknown.text).partition("Kind")[0]


def test_an_order_is_placed_and_cancelled(portfolio: Client, api: httpx.Client) -> None:
    page = page_of(portfolio, "orders")
    order = {"side": "BUY", "ticker": "AAPL", "quantity": "1", "order_type": "LIMIT"}
    assert "limit" in text_of(sent(api, page, "order", **order).text).partition("Side")[0].casefold()
    assert sent(api, page, "order", **order, limit_price="1").status_code == 303

    (cancel,) = re.findall(r'action="/api/v1(/orders/[^"]+)"', api.get(page).text)
    assert api.post(cancel, headers=_BROWSER).headers["location"] == f"/api/v1{page}"
    (placed,) = portfolio.get("/orders")["items"]
    assert (placed["status"], placed["limit_price"]) == ("CANCELLED", "1")
    again = api.post(cancel, headers=_BROWSER)
    assert (again.status_code, "text/html" in again.headers["content-type"]) == (again.status_code, True)
    assert not again.is_success


def test_a_simulation_is_requested(portfolio: Client, api: httpx.Client) -> None:
    page = page_of(portfolio, "simulations")
    asked = {
        "name": "to retirement",
        "horizon_years": "20",
        "model": "student_t",
        "drift": "",
        "scenario": "stagflation",
    }
    assert sent(api, page, "simulation", **asked).status_code == 303
    wrong = sent(api, page, "simulation", **{**asked, "horizon_years": "1000"})
    assert 'id="simulation-horizon_years-wrong"' in wrong.text

    newest = portfolio.get("/simulations", sort="-requested")["items"][0]
    assert {name: newest[name] for name in ("name", "horizon_years", "model", "scenario")} == {
        "name": "to retirement", "horizon_years": 20, "model": "student_t", "scenario": "stagflation",
    }  # fmt: skip
    assert f"/api/v1/simulations/{newest['simulation_id']}/simulation.html" in api.get(page).text


def test_a_portfolio_is_made_once(api: httpx.Client) -> None:
    fields = {**hidden(api.get("/portfolios.html").text, "portfolio"), "name": "By hand", "base_currency": "EUR"}
    answers = [api.post("/portfolios.html", data=fields, headers=_BROWSER) for _ in range(2)]

    assert {each.status_code for each in answers} == {303}
    (made,) = [each for each in api.get("/portfolios").json()["items"] if each["name"] == "By hand"]
    assert answers[0].headers["location"] == f"/api/v1/portfolios/{made['portfolio_id']}/transactions.html"
    assert "Name is required" in text_of(sent(api, "/portfolios.html", "portfolio", name="", base_currency="").text)


def test_with_one_owner_there_are_no_pages_of_accounts(portfolio: Client, api: httpx.Client) -> None:
    page = api.get(page_of(portfolio, "transactions")).text
    assert "sign-out" not in page
    assert "shares.html" not in page
    root = str(api.base_url).removesuffix("/api/v1/")
    assert {httpx.get(f"{root}/{name}").status_code for name in ("me", "tokens", "users", "sign-in")} == {404}


def test_another_users_portfolio_has_no_page(api: httpx.Client, foreign_portfolio, stored) -> None:
    before = stored()
    for what in ("transactions", "orders", "simulations"):
        page = f"/portfolios/{foreign_portfolio}/{what}.html"
        assert api.get(page).status_code == api.post(page, data={"form": "cash"}, headers=_BROWSER).status_code == 404
    assert stored() == before
