"""Our own export goes in again as it came out, or is refused by name: changed, cut off, or into another portfolio."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domain.errors import Refusal
from domain.holdings import CostMethod
from domain.portfolio import Portfolio
from domain.positions import Positions
from oltp_api.exports.columns import DIGEST, NAMES, digest_of
from oltp_api.imports import own_export
from oltp_api.imports.own_rows import NotAsExported, read
from oltp_api.web.csv_cells import unescaped
from storage.postgres.database import Database
from tests.oltp_api.conftest import Client
from tests.oltp_api.every_kind import record_every_kind
from tests.oltp_api.test_export_round_trip import LOCAL_USER, empty_like, unit_of

EMPTY = {"initial_cash": "0"}


@pytest.fixture(scope="module")
def book(api: httpx.Client) -> Client:
    """A portfolio with every kind of row, with its lots."""

    def create(**body: Any) -> Client:
        return Client(api, api.post("/portfolios", json=body).raise_for_status().json()["portfolio_id"])

    return record_every_kind(api, create, cost_method="FIFO")


def exported(book: Client, format: str = "csv") -> bytes:
    return book.api.get(f"/portfolios/{book.portfolio_id}/export", params={"format": format}).raise_for_status().content


def sent(book: Client, file: bytes, kind: str = "text/csv", **query: Any) -> httpx.Response:
    headers = {"Content-Type": kind}
    return book.api.post(f"/portfolios/{book.portfolio_id}/imports", content=file, headers=headers, params=query)


def forged(file: bytes, row: int | None = None, **cells: str) -> bytes:
    """The file with other cells, in one row or in all, and the digests that they would have."""
    rows = list(csv.DictReader(io.StringIO(file.decode())))
    text = io.StringIO()
    writer = csv.DictWriter(text, [*NAMES, DIGEST])
    writer.writeheader()
    for place, each in enumerate(rows, start=1):
        if row in (None, place):
            each |= cells
        told = {name: unescaped(value) or None for name, value in each.items()}
        writer.writerow({**each, DIGEST: digest_of(told)})
    return text.getvalue().encode()


@pytest.mark.parametrize(
    ("format", "kind"),
    [("csv", "text/csv"), ("json", "application/json"), ("parquet", "application/vnd.apache.parquet")],
)
def test_every_kind_of_row_comes_in_as_it_went_out(
    book: Client, new_portfolio: Callable[..., Client], format: str, kind: str
) -> None:
    copy = new_portfolio(**EMPTY, cost_method="FIFO")

    answer = sent(copy, exported(book, format), kind)

    ledger = book.get("/transactions", limit=1000)["items"]
    assert (answer.status_code, answer.json()["status"]) == (201, "COMPLETE")
    assert [row["seq"] for row in answer.json()["report"]] == [row["seq"] for row in ledger]
    for what in ("/holdings", "/cash"):
        told = copy.get(what)
        assert {**told, "portfolio_id": book.portfolio_id} == book.get(what)
    anew = ("portfolio_id", "recorded_at", "transfer_id")
    for ours, theirs in zip(copy.get("/transactions", limit=1000)["items"], ledger, strict=True):
        assert {name: value for name, value in ours.items() if name not in anew} == {
            name: value for name, value in theirs.items() if name not in anew
        }
        assert bool(ours["transfer_id"]) == bool(theirs["transfer_id"])


def test_a_dry_run_says_the_same_and_stores_nothing(
    book: Client, new_portfolio: Callable[..., Client], stored: Callable[[], Any]
) -> None:
    copy = new_portfolio(**EMPTY, cost_method="FIFO")
    before = stored()

    answer = sent(copy, exported(book), dry_run="true")

    assert answer.json()["recorded"] == len(answer.json()["report"]) > 40
    assert stored() == before


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"cost_method": "AVCO"}, "portfolio_differs"),
        ({"cost_method": "FIFO", "base_currency": "EUR"}, "portfolio_differs"),
        ({"cost_method": "FIFO", "kind": "TRADING_BOOK"}, "portfolio_differs"),
        ({"cost_method": "FIFO", "initial_cash": "1"}, "portfolio_not_empty"),
    ],
)
def test_a_portfolio_that_would_make_something_else_of_it_is_refused_by_name(
    book: Client, new_portfolio: Callable[..., Client], stored: Callable[[], Any], asked: dict[str, str], code: str
) -> None:
    copy = new_portfolio(**{**EMPTY, **asked})
    before = stored()

    answer = sent(copy, exported(book))

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert stored() == before


def test_a_cell_that_was_changed_is_found_whichever_it_is(book: Client) -> None:
    file = exported(book)
    rows = list(csv.DictReader(io.StringIO(file.decode())))
    place = next(place for place, row in enumerate(rows) if row["type"] == "SPLIT")

    assert len(read(file)) == len(rows)
    for name in (*NAMES, DIGEST):
        text = io.StringIO()
        writer = csv.DictWriter(text, [*NAMES, DIGEST])
        writer.writeheader()
        changed = {**rows[place], name: f"{rows[place][name]}1"}
        writer.writerows([*rows[:place], changed, *rows[place + 1 :]])
        with pytest.raises(NotAsExported):
            read(text.getvalue().encode())


def test_rows_that_are_missing_doubled_or_of_another_file_are_found(book: Client, new_portfolio: Any) -> None:
    header, *lines = exported(book).splitlines(keepends=True)
    whole = [line for line in lines if line.startswith(b"ledger 1,")]
    other = exported(new_portfolio()).splitlines(keepends=True)[1]

    for rows in (whole[:-1], whole[1:], [*whole, whole[-1]], [*whole[:-1], other], [other, *whole]):
        with pytest.raises(Refusal):
            read(header + b"".join(rows))


@pytest.mark.parametrize("format", ["csv", "json", "parquet"])
def test_a_file_that_was_cut_off_anywhere_is_refused(book: Client, format: str) -> None:
    file = exported(book, format)

    for size in range(64, len(file) - 3, len(file) // 25):
        with pytest.raises(Refusal):
            read(file[:size])


def test_a_later_version_of_the_form_is_refused_by_name(book: Client) -> None:
    with pytest.raises(NotAsExported) as refused:
        read(forged(exported(book), lakefolio="ledger 2"))
    assert refused.value.code == "not_as_exported"


def test_what_a_spreadsheet_makes_of_separators_and_quotes_alone_is_still_ours(book: Client) -> None:
    rows = list(csv.reader(io.StringIO(exported(book).decode())))
    text = io.StringIO()
    csv.writer(text, delimiter=";", quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n").writerows(rows)
    saved = b"\xef\xbb\xbf" + text.getvalue().encode()

    assert own_export.is_own_export(saved)
    assert [cells["seq"] for cells in read(saved)] == [cells["seq"] for cells in read(exported(book))]


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"Date,Type\n",
        b"lakefolio\n",
        b'{"activities": []}',
        b"PAR1nothingPAR1",
        b"PK\x03\x04",
        "Datum;Typ".encode("utf-16"),
    ],
)
def test_files_of_others_are_not_taken_for_ours(file: bytes) -> None:
    assert not own_export.is_own_export(file)


@pytest.mark.parametrize(
    "document",
    [
        {"lakefolio": "ledger 1"},
        {"lakefolio": "ledger 1", "transactions": {}, "rows": 0},
        {"lakefolio": "ledger 1", "transactions": [1], "rows": 1},
        {"lakefolio": "ledger 1", "transactions": [], "rows": 5},
        {"lakefolio": "ledger 1", "transactions": [{"seq": [1]}], "rows": 1},
    ],
)
def test_json_that_only_begins_as_ours_is_refused(document: dict[str, Any]) -> None:
    file = json.dumps(document).encode()

    assert own_export.is_own_export(file)
    with pytest.raises(NotAsExported):
        read(file)


def test_parquet_with_other_columns_is_refused() -> None:
    sink = io.BytesIO()
    table = pa.table({"lakefolio": ["ledger 1"]}).replace_schema_metadata({"lakefolio": "ledger 1"})
    pq.write_table(table, sink)

    assert own_export.is_own_export(sink.getvalue())
    with pytest.raises(NotAsExported):
        read(sink.getvalue())


@pytest.mark.parametrize(
    ("row", "cells", "code"),
    [
        (None, {"business_date": "2999-01-01"}, "invalid_input"),
        (None, {"business_date": "1901-01-01"}, "invalid_input"),
        (1, {"cash_effect": "1e5"}, "not_as_exported"),
        (1, {"event_ts": "yesterday"}, "not_as_exported"),
        (1, {"type": "GIFT"}, "not_as_exported"),
        (1, {"currency": "D0"}, "not_as_exported"),
        (1, {"event_ts": "2016-01-04T05:00:00"}, "not_as_exported"),
        (1, {"transfer_id": "T1"}, "not_as_exported"),
        (None, {"external_id": "twice"}, "no_ledger"),
        (1, {"seq": "2"}, "no_ledger"),
        (1, {"cash_effect": "-5"}, "no_ledger"),
        (None, {"account": "NEW ONE", "account_type": "SHOEBOX"}, "not_as_exported"),
        (None, {"account": "§"}, "invalid_input"),
    ],
)
def test_cells_that_no_ledger_has_are_refused_whatever_their_digest(
    book: Client, database: Database, row: int | None, cells: dict[str, str], code: str
) -> None:
    assert _refused(forged(exported(book), row, **cells), database) == code


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"security_currency": "CHF"}, "security_differs"),
        ({"asset_type": "FUND"}, "security_differs"),
        ({"price_kind": "TOTAL_RETURN"}, "security_differs"),
        ({"ticker": "OLDCO", "isin": "US0000000010"}, "security_differs"),
        ({"ticker": "NOBODYS", "isin": "", "asset_type": "HOUSE"}, "invalid_input"),
        ({"ticker": "NOBODYS", "isin": "", "security_details": '{"sector": 5}'}, "invalid_input"),
        ({"ticker": "NOBODYS", "isin": "", "security_details": "{"}, "not_as_exported"),
        ({"ticker": "?", "isin": ""}, "invalid_input"),
    ],
)
def test_a_security_that_is_another_here_or_cannot_be_registered_is_named(
    book: Client, database: Database, cells: dict[str, str], code: str
) -> None:
    assert _refused(forged(exported(book), 2, **cells), database) == code


def _refused(file: bytes, database: Database) -> str:

    kind = Portfolio(uuid4(), LOCAL_USER, "copy", "USD", positions=Positions(CostMethod.FIFO))
    with pytest.raises(Refusal) as refused, unit_of(database) as work:
        own_export.replay(file, LOCAL_USER, empty_like(kind, work), work)
    return refused.value.code
