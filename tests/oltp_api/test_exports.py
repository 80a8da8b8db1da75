"""A ledger comes out whole, in our own form and in those of others, judged by their own checkers and schemas."""

import csv
import io
import json
import zipfile
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from hashlib import sha256
from typing import Any

import httpx
import jsonschema
import psycopg
import pytest
from beancount import loader
from beancount.core import data, realization

from domain.ledger import TxnType
from oltp_api.exports.columns import COLUMNS, NAMES, Column
from oltp_api.exports.forms.own import _RISKY, _csv_cell
from oltp_api.imports.own_rows import read
from oltp_api.web.csv_cells import escaped
from storage.postgres.database import Database
from tests.oltp_api.conftest import Client
from tests.oltp_api.every_kind import record_every_kind

D = Decimal
FORMATS = ("csv", "json", "parquet", "beancount", "ghostfolio", "portfolio-performance", "wealthfolio")


@pytest.fixture(scope="module")
def books(api: httpx.Client) -> dict[str, Client]:
    """A portfolio with every kind of row, by either method of cost."""

    def create(**body: Any) -> Client:
        answer = api.post("/portfolios", json=body)
        assert answer.status_code == 201, answer.text
        return Client(api, answer.json()["portfolio_id"])

    return {method: record_every_kind(api, create, cost_method=method) for method in ("AVCO", "FIFO")}


@pytest.fixture(params=["AVCO", "FIFO"])
def book(books: dict[str, Client], request: pytest.FixtureRequest) -> Client:
    return books[request.param]


def file_of(book: Client, format: str) -> httpx.Response:
    answer = book.api.get(f"/portfolios/{book.portfolio_id}/export", params={"format": format})
    assert answer.status_code == 200, answer.text
    return answer


def ledger_of(book: Client) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = book.get("/transactions", limit=1000)["items"]
    return rows


def units_of(book: Client) -> dict[str, Decimal]:
    return {held["ticker"]: D(held["quantity"]) for held in book.get("/holdings")["holdings"]}


def cash_of(book: Client) -> dict[str, Decimal]:
    return {each["currency"]: D(each["balance"]) for each in book.get("/cash")["balances"] if D(each["balance"])}


def test_every_row_comes_out_with_all_that_is_recorded_of_it(book: Client) -> None:
    rows = list(csv.DictReader(io.StringIO(file_of(book, "csv").text)))

    ledger = ledger_of(book)
    assert {row["type"] for row in ledger} == {kind.value for kind in TxnType}
    assert len(rows) == len(ledger)
    for row, recorded in zip(rows, ledger, strict=True):
        for name in recorded.keys() - {"portfolio_id", "security_id", "note", "event_ts", "recorded_at"}:
            assert row[name] == ("" if recorded[name] is None else str(recorded[name])), name
        assert row["note"] == escaped(recorded["note"])
        for name in ("event_ts", "recorded_at"):
            assert row[name].rstrip("0Z.") == recorded[name].rstrip("Z").rstrip("0.")
        assert (row["base_currency"], row["kind"], row["rows"]) == ("USD", "INVESTMENT", str(len(ledger)))


def test_the_three_formats_have_the_same_cells(book: Client) -> None:
    cells = [read(file_of(book, name).content) for name in ("csv", "json", "parquet")]

    assert len(cells[0]) == len(ledger_of(book))
    assert cells[0] == cells[1] == cells[2]
    assert [column.name for column in COLUMNS] == list(NAMES)


def test_a_text_may_have_in_it_what_joins_the_texts_of_a_row(new_portfolio: Callable[..., Client]) -> None:
    book = new_portfolio(initial_cash="0")
    name = {"ticker": "JOINED", "asset_type": "EQUITY", "currency": "USD", "display_name": "one\x1ftwo"}
    assert book.api.post("/securities", json=name).is_success
    row = {"type": "TRANSFER_IN", "ticker": "JOINED", "quantity": "1", "external_id": "a\x1fb", "note": "c\x1fd"}
    assert book.api.post(f"/portfolios/{book.portfolio_id}/transactions", json=row).is_success

    cells = [read(file_of(book, name).content) for name in ("csv", "json", "parquet")]

    assert cells[0] == cells[1] == cells[2]
    assert [cells[0][0][name] for name in ("security_name", "external_id", "note")] == [
        "one\x1ftwo",
        "a\x1fb",
        "c\x1fd",
    ]


def test_the_file_is_an_attachment_with_a_name(book: Client) -> None:
    answer = file_of(book, "parquet")

    assert answer.headers["Content-Disposition"] == f'attachment; filename="lakefolio-{book.portfolio_id}.parquet"'
    assert answer.content[:4] == answer.content[-4:] == b"PAR1"


def test_postgresql_escapes_what_python_escapes(database: Database) -> None:
    texts = [*(f"{mark}{sign}1" for sign in "=+-@\t\r\n＝＋－＠a1'\"\\" for mark in ("", "'", "''", " ")), "", "'"]
    query = f"select {_csv_cell(Column('note', is_written=True))} from unnest(%(texts)s::text[]) as cells(note)"
    with psycopg.connect(database.services_url) as connection:
        rows = connection.execute(query, {**_RISKY, "texts": texts}).fetchall()

    assert [row[0] for row in rows] == [escaped(text) for text in texts]


@pytest.mark.parametrize("format", FORMATS)
def test_a_portfolio_without_rows_has_an_export(new_portfolio: Callable[..., Client], format: str) -> None:
    assert file_of(new_portfolio(initial_cash="0"), format).content


def test_another_users_portfolio_is_not_there(api: httpx.Client, foreign_portfolio: object) -> None:
    answer = api.get(f"/portfolios/{foreign_portfolio}/export")

    assert (answer.status_code, answer.json()["code"]) == (404, "portfolio_not_found")


def loaded(text: str) -> tuple[list[Any], list[Any]]:
    entries, errors, _ = loader.load_string(text)
    return entries, errors


def test_beancounts_own_checker_accepts_every_kind_and_adds_up_to_our_units_cost_and_cash(book: Client) -> None:
    entries, errors = loaded(file_of(book, "beancount").text)

    assert errors == []
    told = {entry.payee for entry in entries if isinstance(entry, data.Transaction)}
    assert told == {kind.value for kind in TxnType} - {"REVERSAL"}
    units: defaultdict[str, Decimal] = defaultdict(Decimal)
    cost: defaultdict[str, Decimal] = defaultdict(Decimal)
    cash: defaultdict[str, Decimal] = defaultdict(Decimal)
    names = {entry.currency: entry.meta["ticker"] for entry in entries if isinstance(entry, data.Commodity)}
    for account in realization.iter_children(realization.realize(entries)):
        for position in account.balance:
            if account.account.endswith(":Cash"):
                cash[position.units.currency] += position.units.number
            elif account.account.endswith(":Securities"):
                units[names[position.units.currency]] += position.units.number
                cost[names[position.units.currency]] += position.units.number * position.cost.number
    held = {each["ticker"]: each for each in book.get("/holdings")["holdings"]}
    assert {name: number for name, number in units.items() if number} == units_of(book)
    for ticker, each in held.items():
        assert each["basis"] == "UNKNOWN" or cost[ticker] == pytest.approx(D(each["cost_basis"]), abs=D("1e-7"))
    assert dict(cash) == cash_of(book)


def test_control_beancount_finds_a_balance_that_is_another(books: dict[str, Client]) -> None:
    text = file_of(books["AVCO"], "beancount").text

    assert loaded(
        text.replace("Cash  -100 USD", "Cash  -101 USD", 1).replace("Withdrawals  100", "Withdrawals  101", 1)
    )[1]


def test_rows_that_were_taken_back_are_said_to_be_left_out(book: Client) -> None:
    reversals = [row for row in ledger_of(book) if row["reverses_seq"]]
    text = file_of(book, "beancount")

    assert text.headers["Lakefolio-Not-Exported"] == f"{2 * len(reversals)} rows: taken back, and their reversals"
    assert text.text.count("; not exported: row ") == len(reversals) == 1


GHOSTFOLIO_ACTIVITY = {
    "type": "object",
    "properties": {
        "accountId": {"type": "string"},
        "comment": {"type": ["string", "null"], "maxLength": 500},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
        "dataSource": {"enum": ["MANUAL", "YAHOO"]},
        "date": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"},
        "fee": {"type": "number", "minimum": 0},
        "quantity": {"type": "number", "minimum": 0},
        "symbol": {"type": "string", "minLength": 1},
        "type": {"enum": ["BUY", "DIVIDEND", "FEE", "INTEREST", "LIABILITY", "SELL"]},
        "unitPrice": {"type": "number", "minimum": 0},
    },
    "required": ["accountId", "currency", "date", "fee", "quantity", "symbol", "type", "unitPrice"],
    "additionalProperties": False,
}
"""Rules of Ghostfolio's own validator of an imported activity (CreateOrderDto, 2026-11), as a schema."""
GHOSTFOLIO_ACCOUNT = {
    "type": "object",
    "properties": {
        "balance": {"type": "number"},
        "comment": {"type": ["string", "null"]},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
        "id": {"type": "string"},
        "name": {"type": "string"},
        "platformId": {"type": ["string", "null"]},
    },
    "required": ["currency", "name", "platformId"],
    "additionalProperties": False,
}
GHOSTFOLIO_PROFILE = {
    "type": "object",
    "properties": {
        "assetClass": {"enum": ["EQUITY", "FIXED_INCOME", None]},
        "assetSubClass": {"enum": ["BOND", "ETF", "MUTUALFUND", "STOCK", None]},
        "countries": {"const": []},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
        "dataSource": {"const": "MANUAL"},
        "holdings": {"const": []},
        "isActive": {"type": "boolean"},
        "marketData": {"const": []},
        "sectors": {"const": []},
        "symbol": {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"},
        **{name: {"type": ["string", "null"]} for name in ("comment", "isin", "name", "url")},
    },
    "required": ["currency", "dataSource", "symbol"],
    "additionalProperties": False,
}
"""Rules of an account and of an asset's profile; a property that it does not know refuses the whole file (main.ts)."""


def test_ghostfolios_schema_takes_every_activity_and_they_add_up_to_our_units(book: Client) -> None:
    document = json.loads(file_of(book, "ghostfolio").content)

    exact = json.loads(file_of(book, "ghostfolio").content, parse_float=D, parse_int=D)["activities"]
    for kind, schema in (("accounts", GHOSTFOLIO_ACCOUNT), ("assetProfiles", GHOSTFOLIO_PROFILE)):
        for each in document[kind]:
            jsonschema.validate(each, schema)
    accounts = {account["id"] for account in document["accounts"]}
    profiles = {profile["symbol"]: profile["name"] for profile in document["assetProfiles"]}
    units: defaultdict[str, Decimal] = defaultdict(Decimal)
    for activity, number in zip(document["activities"], exact, strict=True):
        jsonschema.validate(activity, GHOSTFOLIO_ACTIVITY)
        assert activity["accountId"] in accounts
        assert activity["dataSource"] == "YAHOO" or activity["symbol"] in profiles
        if activity["type"] in ("BUY", "SELL"):
            name = profiles.get(activity["symbol"], activity["symbol"])
            units[name] += number["quantity"] if activity["type"] == "BUY" else -number["quantity"]
    held = {each: number for each, number in units.items() if abs(number) > D("0.000001")}
    assert held == pytest.approx(units_of(book), abs=D("0.000001"))
    said = {each["what"] for each in document["meta"]["notExported"]}
    assert {"DEPOSIT", "WITHDRAW", "TRANSFER_OUT", "FEE"} <= said


PERFORMANCE_TYPES = {
    *("Buy", "Sell", "Delivery (Inbound)", "Delivery (Outbound)", "Transfer (Inbound)", "Transfer (Outbound)"),
    *("Deposit", "Removal", "Dividend", "Interest", "Interest Charge", "Fees", "Fees Refund", "Taxes", "Tax Refund"),
}
"""English labels of Portfolio Performance's transaction types (labels.properties)."""
PERFORMANCE_FIELDS = {
    *("Date", "Type", "Value", "Transaction Currency", "Fees", "Taxes", "Shares", "ISIN", "Ticker Symbol", "Note"),
    *("Security Name", "Gross Amount", "Currency Gross Amount", "Exchange Rate", "Cash Account", "Securities Account"),
}
"""English names of the columns that its CSV import looks for (messages.properties)."""


def test_portfolio_performances_words_say_every_row_and_add_up_to_our_units_and_cash(book: Client) -> None:
    table = csv.DictReader(io.StringIO(file_of(book, "portfolio-performance").text), delimiter=";")

    rows = list(table)
    assert set(table.fieldnames or ()) >= PERFORMANCE_FIELDS
    assert {row["Type"] for row in rows} <= PERFORMANCE_TYPES
    units: defaultdict[str, Decimal] = defaultdict(Decimal)
    cash: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row["Shares"]:
            assert row["Ticker Symbol"] or row["ISIN"]
            sign = 1 if row["Type"] in ("Buy", "Delivery (Inbound)") else -1
            units[row["Ticker Symbol"]] += sign * D(row["Shares"])
        if not row["Type"].startswith("Delivery"):
            cash[row["Transaction Currency"]] += D(row["Value"])
    held = {each: number for each, number in units.items() if abs(number) > D("0.000001")}
    assert held == pytest.approx(units_of(book), abs=D("0.000001"))
    assert dict(cash) == cash_of(book)


WEALTHFOLIO_HEADER = "date,type,symbol,instrumentType,quantity,unit_price,currency,fee,amount,comment,fxRate,subtype"
WEALTHFOLIO_CASH = {"BUY": -1, "SELL": 1, "DEPOSIT": 1, "WITHDRAWAL": -1, "DIVIDEND": 1, "INTEREST": 1, "FEE": -1} | {
    "TAX": -1,
    "CREDIT": 1,
    "TRANSFER_IN": 0,
    "TRANSFER_OUT": 0,
    "SPLIT": 0,
}
"""Its activity types (sample-import.csv), and what each does to cash."""


def test_wealthfolios_columns_say_every_row_and_add_up_to_our_units_and_cash(book: Client) -> None:
    text = file_of(book, "wealthfolio").text

    assert text.startswith(f"{WEALTHFOLIO_HEADER},account\n")
    units: defaultdict[str, Decimal] = defaultdict(Decimal)
    cash: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in csv.DictReader(io.StringIO(text)):
        kind, quantity = row["type"], D(row["quantity"] or 0)
        cash[row["currency"]] += WEALTHFOLIO_CASH[kind] * D(row["amount"])
        if kind == "SPLIT":
            units[row["symbol"]] *= quantity
            continue
        if kind in ("BUY", "SELL"):
            cash[row["currency"]] -= D(row["fee"] or 0)
        units[row["symbol"]] += quantity if kind in ("BUY", "TRANSFER_IN") else -quantity
    held = {each: number for each, number in units.items() if abs(number) > D("0.000001")}
    assert held == pytest.approx(units_of(book), abs=D("0.000001"))
    assert {currency: amount for currency, amount in cash.items() if amount} == cash_of(book)


def test_an_archive_has_everything_of_one_owner_and_a_manifest_of_it(
    api: httpx.Client, books: dict[str, Client], foreign_portfolio: object
) -> None:
    archive = zipfile.ZipFile(io.BytesIO(api.get("/export").content))

    assert archive.testzip() is None
    manifest = json.loads(archive.read("manifest.json"))
    files = {each["path"]: each for each in manifest["files"]}
    assert {*files, "manifest.json"} == set(archive.namelist())
    for path, told in files.items():
        content = archive.read(path)
        assert (sha256(content).hexdigest(), len(content)) == (told["sha256"], told["bytes"])
        assert len(list(csv.reader(io.StringIO(content.decode())))) == (told["rows"] + 1 if content else 0)
    for book in books.values():
        path = f"ledgers/{book.portfolio_id}.csv"
        assert archive.read(path) == file_of(book, "csv").content
        assert files[path]["ledger_seq"] == len(ledger_of(book))
    assert f"ledgers/{foreign_portfolio}.csv" not in files
    assert {"portfolios.csv", "accounts.csv", "securities.csv"} <= files.keys()


@pytest.mark.parametrize(("format", "media"), [("ghostfolio", "application/json"), ("wealthfolio", "text/csv")])
def test_a_bond_comes_back_from_a_tracker_whose_prices_are_of_one_unit(
    books: dict[str, Client], new_portfolio: Callable[..., Client], format: str, media: str
) -> None:
    """Taken as per cent of par its cost would be a hundredth, and a file without amounts contradicts nothing."""
    book, other = books["FIFO"], new_portfolio(initial_cash="0", cost_method="FIFO")
    query = {"missing_cash": "assume", "rate": "base"}

    answer = other.api.post(
        f"/portfolios/{other.portfolio_id}/imports",
        params=query,
        content=file_of(book, format).content,
        headers={"Content-Type": media},
    )

    assert answer.status_code == 201, answer.text
    bonds = [{each["ticker"]: each for each in one.get("/holdings")["holdings"]}["TBOND"] for one in (book, other)]
    assert [(each["quantity"], each["cost_basis"]) for each in bonds] == [(bonds[0]["quantity"], "618.6")] * 2


@pytest.mark.parametrize("format", ["portfolio-performance", "wealthfolio"])
def test_text_that_was_escaped_for_a_spreadsheet_comes_back_from_a_trackers_table_as_it_was(
    new_portfolio: Callable[..., Client], format: str
) -> None:
    book, other = new_portfolio(initial_cash="0"), new_portfolio(initial_cash="0")
    notes = [f"{sign}1+1" for sign in ("=", "+", "-", "@", "'=")]
    for note in notes:
        assert book.post(type="DEPOSIT", amount="1", note=note, business_date="2016-01-05").status_code == 201
    table = file_of(book, format).content
    assert all(f"'{note}".encode() in table for note in notes)

    answer = other.api.post(
        f"/portfolios/{other.portfolio_id}/imports", content=table, headers={"Content-Type": "text/csv"}
    )

    assert answer.status_code == 201, answer.text
    assert sorted(row["note"] for row in ledger_of(other)) == sorted(notes)
