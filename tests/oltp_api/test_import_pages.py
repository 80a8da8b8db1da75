"""The pages of imports: tried, read, recorded and undone by forms, from this origin alone."""

import re
from base64 import b64encode
from html import unescape
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from oltp_api.import_pages import sent as sent_forms

FILE = b"""type,date,ticker,quantity,price,fees,amount,note
DEPOSIT,2016-01-04,,,,,500,first
BUY,2016-02-01,AAPL,10,10,1.5,-101.5,<b>bold</b>
SELL,2016-02-02,MSFT,4,50,,200,
BUY,2016-02-03,NOSUCHX,1,10,,-10,
BUY,2016-02-04,AAPL,1e3,10,,,
"""


class Form(HTMLParser):
    """The fields of the first form of a page, as a browser would send them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.buttons: list[str] = []
        self._select = ""
        self._depth = 0
        self._is_over = False
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        said = dict(attributes)
        name = said.get("name") or ""
        if self._is_over:
            return
        if tag == "input" and said.get("type") not in ("file", "checkbox"):
            self.fields[name] = said.get("value") or ""
        elif tag == "select":
            self._select = name
            self.fields[name] = ""
        elif tag == "option" and "selected" in said:
            self.fields[self._select] = said.get("value") or ""
        elif tag == "button":
            self.buttons.append(said.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        self._is_over |= tag == "form"


def address(portfolio) -> str:
    return f"/portfolios/{portfolio.portfolio_id}/imports.html"


def press(portfolio, button: str, page: str | None = None, file: bytes | None = None, **filled: str) -> httpx.Response:
    """Press a button of a page, with its fields as they are or as they were filled in."""
    fields = {**(Form(page).fields if page else {}), **filled, "do": button}
    parts: Any = {name: (None, text.encode()) for name, text in fields.items()}
    if file is not None:
        parts["file"] = ("march.csv", file, "text/csv")
    return portfolio.api.post(address(portfolio), files=parts)


def text_of(page: str) -> str:
    return " ".join(unescape(re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL)).split())


def test_a_file_is_tried_recorded_and_undone_by_its_buttons(portfolio, stored) -> None:
    first = portfolio.api.get(address(portfolio))
    assert first.status_code == 200
    assert "script" not in first.text
    before = stored()

    tried = press(portfolio, "try", first.text, FILE)
    assert tried.status_code == 200, tried.text
    assert stored() == before
    said = text_of(tried.text)
    for words in (
        "Record 2 rows",
        "march.csv",
        "Refused: 3",
        "New: 2",
        "a file with plain columns",
        "line 6, column quantity",
    ):
        assert words in said, words
    assert "&lt;b&gt;bold" in tried.text
    assert "<b>bold" not in tried.text

    recorded = press(portfolio, "record", tried.text)
    assert (recorded.status_code, "/imports/" in recorded.headers["location"]) == (303, True)
    assert portfolio.get("/holdings")["holdings"][0]["quantity"] == "10"
    place = recorded.headers["location"].removeprefix("/api/v1")
    result = portfolio.api.get(place)
    assert "Not all of it is recorded" in text_of(result.text)
    assert place in portfolio.api.get(address(portfolio)).text

    again = text_of(press(portfolio, "try", tried.text).text)
    assert "Known: 2" in again
    assert "ledger row 2" in again

    undone = portfolio.api.post(place, files={"do": (None, b"undo")})
    assert undone.status_code == 303
    assert "It was undone on" in text_of(portfolio.api.get(place).text)
    assert portfolio.get("/holdings")["holdings"] == []


def test_the_numbers_of_the_page_are_those_of_the_real_run(portfolio) -> None:
    page = press(portfolio, "try", None, FILE).text
    rows = re.findall(
        r'<tr><th scope="row">([^<]+)</th><td class="left">[^<]*</td>\s*<td>([^<]+)</td><td[^>]*>([^<]+)</td>', page
    )
    press(portfolio, "record", page)

    cash = {each["currency"]: each["balance"] for each in portfolio.get("/cash")["balances"]}
    assert ("Cash, USD", "10000", cash["USD"]) in rows
    assert ("AAPL", "0", "10") in rows


def test_what_is_missing_is_recorded_by_a_button_once_and_the_file_is_tried_again(portfolio, api) -> None:
    page = press(portfolio, "try", None, FILE).text
    assert [each for each in Form(page).buttons if ":" in each] == ["security:0", "opening:0"]

    opened = press(portfolio, "opening:0", page, **{"opening.0.price": "40"})
    assert "are recorded" in text_of(opened.text)
    assert "Record 3 rows" in text_of(opened.text)
    moved = portfolio.get("/transactions")["items"][-1]
    assert (moved["type"], moved["ticker"], moved["quantity"], moved["business_date"]) == (
        "TRANSFER_IN", "MSFT", "4", "2016-02-01",
    )  # fmt: skip
    twice = press(portfolio, "opening:0", page, **{"opening.0.price": "40"})
    assert "Not done" in text_of(twice.text)
    assert portfolio.get("/transactions")["items"][-1] == moved

    registered = press(
        portfolio, "security:0", opened.text, **{"security.0.asset_type": "ETF", "security.0.currency": "USD"}
    )
    assert "Record 4 rows" in text_of(registered.text), text_of(registered.text)[:400]
    assert api.get("/securities/NOSUCHX").json()["asset_type"] == "ETF"


def test_options_stay_as_they_were_chosen(portfolio) -> None:
    file = b"type,date,amount\nDEPOSIT,02/01/2016,5\n"
    asked = press(portfolio, "try", None, file)
    assert asked.status_code == 422
    assert "could be read both ways" in text_of(asked.text)

    tried = press(portfolio, "try", asked.text, dates="dmy", source="box")
    assert tried.status_code == 200
    assert "2016-01-02" in tried.text
    assert (Form(tried.text).fields["dates"], Form(tried.text).fields["source"]) == ("dmy", "box")


def test_a_larger_file_is_not_carried_but_chosen_again(portfolio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sent_forms, "MOST_CARRIED_BYTES", 100)
    page = press(portfolio, "try", None, FILE).text

    assert "carried" not in Form(page).fields
    assert "choose it again" in text_of(page)
    assert press(portfolio, "record", page).status_code == 422
    assert press(portfolio, "record", page, FILE).status_code == 303


def test_rows_beyond_the_first_are_counted_and_not_shown(new_portfolio) -> None:
    mine = new_portfolio(initial_cash="100000")
    rows = "".join(f"DEPOSIT,2016-01-{1 + day % 28:02},{day + 1}\n" for day in range(350))
    page = press(mine, "try", None, f"type,date,amount\n{rows}".encode()).text

    assert "The first 300 are shown, of 350" in text_of(page)
    assert page.count('<tr><th scope="row">') < 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "HERE"}, 200),
        ({"Origin": "HERE", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "HERE", "Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
@pytest.mark.parametrize("button", ["try", "record"])
def test_a_form_of_another_site_records_nothing(portfolio, stored, headers, status, button) -> None:
    base = str(portfolio.api.base_url).split("/api")[0]
    headers = {name: text.replace("HERE", base) for name, text in headers.items()}
    before = stored()
    parts = {"do": (None, button.encode()), "file": ("x.csv", b"type,date,amount\nDEPOSIT,2016-01-04,5\n", "text/csv")}
    answer = portfolio.api.post(address(portfolio), files=parts, headers=headers)

    assert answer.status_code == (303 if status == 200 and button == "record" else status)
    assert (stored() == before) is not (answer.status_code == 303)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"do": "try"}, "file is missing"),
        ({"do": "try", "carried": "%%%"}, "did not come back whole"),
        ({"do": "record", "carried": b64encode(b"a,b\n1,2\n").decode()}, "has no header"),
        ({"do": "try", "carried": b64encode(FILE).decode(), "dates": "ymd"}, "dates"),
        ({"do": "try", "carried": b64encode(FILE).decode(), "profile": "no_such"}, "no_such"),
        ({"do": "opening:0", "carried": b64encode(FILE).decode()}, "is not in the form"),
        ({"do": "opening:0", "carried": b64encode(FILE).decode(), "opening.0.body": "[1]"}, "type"),
        ({"do": "security:0", "carried": b64encode(FILE).decode(), "security.0.body": "{}"}, "isin"),
        ({"do": "try", "carried": b64encode(FILE).decode(), "securities": "x"}, "securities"),
    ],
)  # fmt: skip
def test_what_a_form_says_wrong_is_said_on_the_page_and_nothing_is_stored(portfolio, stored, fields, why) -> None:
    before = stored()
    answer = portfolio.api.post(address(portfolio), files={name: (None, text) for name, text in fields.items()})

    assert answer.status_code == 422, answer.text
    assert why.casefold() in text_of(answer.text).casefold()
    assert stored() == before


def test_the_policy_of_the_pages_lets_a_browser_load_nothing_and_send_forms_here_only(portfolio) -> None:
    answer = portfolio.api.get(address(portfolio))
    said = answer.headers["content-security-policy"]

    assert {"default-src 'none'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"} <= set(
        said.split("; ")
    )
    assert "unsafe" not in said
    assert re.search(r"<script|<img|<link|style=|onclick|http://|https://", answer.text) is None


def test_another_users_portfolio_and_another_portfolios_import_have_no_page(
    portfolio, new_portfolio, api, foreign_portfolio
) -> None:
    assert api.get(f"/portfolios/{foreign_portfolio}/imports.html").status_code == 404
    assert api.post(f"/portfolios/{foreign_portfolio}/imports.html", files={"do": (None, "try")}).status_code == 404
    place = press(portfolio, "record", None, FILE).headers["location"].removeprefix("/api/v1")
    other = place.replace(portfolio.portfolio_id, new_portfolio().portfolio_id)
    assert api.get(other).status_code == 404
    assert api.post(other, files={"do": (None, b"undo")}).status_code == 404
