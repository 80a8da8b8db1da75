"""A broker's CSV, read: each row becomes a request for a transaction, or says which line and column is wrong.

What may differ between brokers is accepted where it has one meaning: the names and order of columns, lines above the
header, the separator (comma, semicolon or tab), the words for a type, the sign of what leaves. What could be read in
two ways is refused: thousands separators, and a decimal comma unless the file has semicolons, no decimal point, and
somewhere a comma that cannot be a thousands separator. Dates are of the one form that was asked for, with or without a
time. A column that would change what a number means, and is not understood, refuses the rows in which it says so.
"""

import csv
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from pydantic import ValidationError

from domain.currencies import CURRENCIES, MINOR_UNITS
from domain.errors import InvalidInput, Refusal, plain
from domain.ledger import TxnType
from domain.money import money
from domain.stated_amounts import rounding_of
from oltp_api.imports.amounts import rounded, with_fees
from oltp_api.imports.columns import (
    CURRENCY_OF,
    HEADERS,
    LINES_ABOVE_HEADER,
    MEANS_CURRENCY,
    MEANS_MONEY,
    STATEMENT_HEADERS,
    TYPE_OF,
    ambiguous,
    header_of,
    word_of,
)
from oltp_api.imports.first_reader import first_ids
from oltp_api.ledger.schemas import TransactionRequest

_NUMBERS = (
    "quantity",
    "price",
    "fees",
    "amount",
    "fx_rate",
    "accrued",
    "withheld",
    "split_new",
    "split_old",
    "cost",
    "market_value",
)
_DATES = ("business_date", "ex_date")
_TRADES = (TxnType.BUY, TxnType.SELL)
_LEAVES = (TxnType.WITHDRAW, TxnType.FEE, TxnType.TAX)
_NOTHING_IF_ZERO = ("fees", "accrued", "withheld")
_LINES_PER_ROW = 10
"""Most lines of a file for each row that is taken; of a longer one nothing is read: millions may be empty."""
_MOST_CELLS = 1_000
_HEAD = 65_536
_DIGITS_OF_FINGERPRINT = 24
_COMMA_NUMBER = re.compile(r"[+-]?[0-9]+,[0-9]+")
_SURELY_DECIMAL = re.compile(r"[+-]?[0-9]+,(?:[0-9]{1,2}|[0-9]{4,})")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:[,.'\u00a0\u202f ][0-9]{3})+(?:[.,][0-9]+)?")
_DATE_FORMS = {"iso": ("%Y-%m-%d", "2016-01-05"), "mdy": ("%m/%d/%Y", "01/05/2016"), "dmy": ("%d/%m/%Y", "05/01/2016")}
_A_HUNDREDTH = Decimal("0.01")
_TIME = re.compile(
    r"(?P<day>[^T ]+)[T ](?P<time>[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?)([.,][0-9]{1,9})?"
    r" ?(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?"
)


@dataclass(frozen=True, slots=True)
class BrokerRow:
    """One row of the file, by the line where it starts: the request that it makes, or why it makes none.

    `notes` say what was done to its numbers, `time` the time of its day where it has no zone.
    """

    line: int
    request: TransactionRequest | None
    refusal: Refusal | None = None
    notes: tuple[str, ...] = ()
    time: str = ""


@dataclass(frozen=True, slots=True)
class BrokerSheet:
    """The file's rows, oldest first where it has the newest first; the columns that mean nothing to us; and the ids
    that lines had from the first reader."""

    rows: Sequence[BrokerRow]
    ignored_columns: Sequence[str]
    first_ids: Mapping[int, str]


def decoded(file: bytes) -> str:
    """The file's text, which is UTF-8, with or without a byte order mark; nothing else is guessed."""
    try:
        return file.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = file.count(b"\n", 0, error.start) + 1
        raise InvalidInput(
            "csv", f"is not UTF-8 (line {line}); save the file as UTF-8, not Latin-1 or UTF-16"
        ) from error


def read(
    text: str, dates: Literal["iso", "mdy", "dmy"], most_rows: int, default_account: str | None = None
) -> BrokerSheet:
    """Read what `text` asks for, row by row; refuse it whole without a header that names at least a type and a date."""
    lines = _lines(text.removeprefix("\ufeff"), most_rows)
    start, columns, ignored = header_of(lines, HEADERS, ("type", "business_date"))
    cells = _cells(lines[start:], most_rows)
    has_decimal_commas = _has_decimal_commas(cells, columns, _separator(text))
    reader = _Reader(columns, dates, has_decimal_commas, default_account, ambiguous(lines[start - 1][1], ignored))
    reader = reader.knowing_signs(cells)
    rows = [reader.row(line, row) for line, row in cells]
    known = first_ids(lines[start - 1][1], cells, dates, has_decimal_commas, default_account)
    return BrokerSheet(_oldest_first(rows), ignored, known)


def statement_rows(text: str, most_rows: int) -> Sequence[tuple[int, Mapping[str, object]]]:
    """Read the cells of each row of a statement, by our names of its columns, with the line where it starts."""
    lines = _lines(text.removeprefix("\ufeff"), most_rows)
    start, columns, _ = header_of(lines, STATEMENT_HEADERS, ("ticker", "quantity"))
    cells = _cells(lines[start:], most_rows)
    reader = _Reader(columns, "iso", _has_decimal_commas(cells, columns, _separator(text)))
    return [(line, reader.fields(line, row)) for line, row in cells]


def identified(sheet: BrokerSheet) -> Sequence[BrokerRow]:
    """The rows, each with an external id: the broker's, or that of the first reader, else its content and its number
    among identical rows."""
    seen: Counter[str] = Counter()
    named = []
    for row in sheet.rows:
        request = row.request
        if request is not None and request.external_id is None:
            external_id = sheet.first_ids.get(row.line)
            if external_id is None:
                content = _fingerprint(request)
                seen[content] += 1
                external_id = f"csv2:{content}:{seen[content]}"
            request = request.model_copy(update={"external_id": external_id})
        named.append(replace(row, request=request))
    return named


class ColumnRefused(InvalidInput):
    """Refusal of one cell, with its line and column."""

    def __init__(self, line: int, column: str, why: str) -> None:
        super().__init__(f"line {line}, column {column}:", why)
        self.facts = {"line": line, "column": column}


@dataclass(frozen=True, slots=True)
class _Reader:
    """How the rows of one file are read. `columns` are our names of its columns with their places and headers."""

    columns: Mapping[str, tuple[int, str]]
    dates: Literal["iso", "mdy", "dmy"]
    has_decimal_commas: bool
    default_account: str | None = None
    ambiguous: Sequence[tuple[int, str]] = ()
    is_signed: bool = False
    are_fees_signed: bool = False

    def knowing_signs(self, cells: Sequence[tuple[int, Sequence[str]]]) -> "_Reader":
        """A file in which anything that leaves is negative has signs, so that a positive fee would be one paid back."""
        signed = any(
            self.text(row, "amount").startswith("-") and self._type_of(row) in (TxnType.BUY, *_LEAVES)
            for _, row in cells
        )
        return replace(
            self, is_signed=signed, are_fees_signed=any(self.text(row, "fees")[:1] == "-" for _, row in cells)
        )

    def text(self, row: Sequence[str], column: str) -> str:
        place, _ = self.columns.get(column, (len(row), ""))
        return row[place].strip() if place < len(row) else ""

    def fields(self, line: int, row: Sequence[str]) -> dict[str, object]:
        """Parse the cells of the row, by our names of its columns; leave out a cell that is empty."""
        fields: dict[str, object] = {}
        for name in self.columns:
            text = self.text(row, name)
            if not text:
                continue
            if name in _NUMBERS:
                fields[name] = self._number(line, name, text)
            elif name == "business_date":
                fields |= self._moment(line, text)
            else:
                fields[name] = self._date(line, name, text) if name in _DATES else text
        return fields

    def row(self, line: int, row: Sequence[str]) -> BrokerRow:
        try:
            return self._row(line, row)
        except Refusal as refusal:
            return BrokerRow(line, None, refusal)

    def _row(self, line: int, row: Sequence[str]) -> BrokerRow:
        width = max(place for place, _ in self.columns.values())
        if len(row) <= width and any(self.text(row, name) == "" for name in ("type", "business_date")):
            raise InvalidInput(f"line {line}", f"has {len(row)} columns; the header has more")
        kind = self._type_of(row)
        if kind is None:
            raise ColumnRefused(line, self._header("type"), "is not a type of transaction that we know")
        fields = {**self.fields(line, row), "type": kind}
        if not fields.keys() & {"business_date", "event_ts"}:
            raise ColumnRefused(line, self._header("business_date"), "is empty; every row needs its date")
        if self.default_account:
            fields.setdefault("account", self.default_account)
        self._refuse_ambiguous(line, row, fields)
        time = str(fields.pop("time", ""))
        notes = tuple(rounded(fields))
        self._signs(line, kind, fields)
        try:
            return BrokerRow(line, TransactionRequest.model_validate(fields), None, notes, time)
        except ValidationError as error:
            first = error.errors()[0]
            raise ColumnRefused(line, self._header(str(first["loc"][0])), first["msg"]) from error

    def _signs(self, line: int, kind: TxnType, fields: dict[str, object]) -> None:
        """Ours: quantities are above 0, and so is what is withdrawn or charged. A trade's amount is what it moved."""
        quantity, amount = fields.get("quantity"), fields.get("amount")
        if isinstance(quantity, Decimal) and quantity < 0 and kind in (TxnType.SELL, TxnType.TRANSFER_OUT):
            fields["quantity"] = -quantity
        if self.are_fees_signed and isinstance(fees := fields.get("fees"), Decimal):
            fields["fees"] = -fees  # then a positive one is a rebate, which the ledger refuses
        for name in ("quantity", "price", "fees"):
            if kind not in (*_TRADES, TxnType.TRANSFER_IN, TxnType.TRANSFER_OUT) and fields.get(name) == 0:
                del fields[name]  # filled in by brokers whose every column has a number
        if not fields.get("fees"):
            fields.pop("fee_currency", None)
        amount_currency = fields.pop("amount_currency", None) or self._in_header("amount")
        if not isinstance(amount, Decimal):
            return
        if kind in _TRADES:
            if amount_currency is not None and amount_currency != fields.get("currency", amount_currency):
                self._refuse_another_rate(line, fields, abs(amount), str(amount_currency))
                del fields["amount"]
            elif amount:
                fields["amount"] = with_fees(kind, fields, amount)
            else:
                del fields["amount"]
            return
        if amount_currency is not None:
            fields.setdefault("currency", amount_currency)
        if kind in _LEAVES and (amount < 0 or self.is_signed):
            fields["amount"] = -amount
        elif not amount:
            del fields["amount"]

    def _in_header(self, column: str) -> str | None:
        """The currency that a column's header names, in capitals."""
        found = CURRENCY_OF.fullmatch(word_of(self._header(column)))
        return found["currency"].upper() if found and found["currency"].upper() in CURRENCIES else None

    def _refuse_ambiguous(self, line: int, row: Sequence[str], fields: Mapping[str, object]) -> None:
        """Refuse a row in which a column that is not understood says another currency, or money that is not counted."""
        for place, header in self.ambiguous:
            text = row[place].strip() if place < len(row) else ""
            if not text or text == fields.get("currency") or (text[:1].isdigit() and not text.strip("0.,")):
                continue
            if MEANS_CURRENCY.search(word_of(header)) and text.upper() in CURRENCIES | MINOR_UNITS.keys():
                raise ColumnRefused(line, header, f"says {text[:10]}, and what is in it is not understood")
            if MEANS_MONEY.search(word_of(header)) and text.lstrip("+-")[:1].isdigit():
                raise ColumnRefused(line, header, f"says {text[:20]}, which is counted nowhere; name the column fees")

    def _refuse_another_rate(self, line: int, fields: Mapping[str, object], amount: Decimal, currency: str) -> None:
        """Refuse a trade of which the amount in another currency is not quantity x price x rate, with the figures."""
        quantity, price, rate = (fields.get(name) for name in ("quantity", "price", "fx_rate"))
        if not (isinstance(quantity, Decimal) and isinstance(price, Decimal) and isinstance(rate, Decimal) and rate):
            why = f"is in {currency}, the price is not; a rate between them is needed in a column fx rate"
            raise ColumnRefused(line, self._header("amount"), why)
        expected = abs(quantity) * price * rate
        if abs(amount - expected) <= rounding_of(abs(quantity), price, currency, amount, rate=rate):
            return
        inverse = abs(quantity) * price / rate
        why = f"{plain(amount)} {currency} is not quantity x price x rate, {plain(money(expected))}"
        if abs(amount - inverse) <= amount * _A_HUNDREDTH:
            why += f"; the rate {plain(rate)} is the other way round, not {currency} for one of the price's currency"
        raise ColumnRefused(line, self._header("amount"), why)

    def _number(self, line: int, name: str, text: str) -> Decimal:
        written = text.replace(",", ".") if self.has_decimal_commas and _COMMA_NUMBER.fullmatch(text) else text
        if re.fullmatch(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?", written, flags=re.ASCII):
            return Decimal(written)
        why = "must be a plain decimal number, such as 12.50"
        if _GROUPED.fullmatch(text):
            why += "; thousands separators are refused, since 1,234 may also mean 1.234"
        elif _COMMA_NUMBER.fullmatch(text):
            why += "; a decimal comma is taken only in a file with semicolons and without decimal points"
        raise ColumnRefused(line, self._header(name), why)

    def _moment(self, line: int, text: str) -> dict[str, object]:
        """The day; with a time and a zone the moment, and with a time alone the time, which shows the file's order.

        Midnight is no time: exports that know the day alone write it so.
        """
        found = _TIME.fullmatch(text)
        day = self._date(line, "business_date", found["day"] if found else text)
        if found is None or not found["time"].strip("0:"):
            return {"business_date": day}
        hour, minute, *second = found["time"].split(":")
        clock = f"{int(hour):02}:{minute}:{second[0] if second else '00'}"
        if found["zone"] is None:
            return {"business_date": day, "time": clock}
        try:
            return {"event_ts": datetime.fromisoformat(f"{day}T{clock}{found['zone']}")}
        except ValueError as error:
            raise ColumnRefused(line, self._header("business_date"), "has a time that no clock shows") from error

    def _date(self, line: int, name: str, text: str) -> date:
        form, example = _DATE_FORMS[self.dates]
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007, a day has no zone
        except ValueError as error:
            why = f"must be a day such as {example}; another form is chosen with dates=iso, mdy or dmy"
            raise ColumnRefused(line, self._header(name), why) from error

    def _type_of(self, row: Sequence[str]) -> TxnType | None:
        return TYPE_OF.get(word_of(self.text(row, "type")))

    def _header(self, column: str) -> str:
        return self.columns.get(column, (0, column))[1]


def _lines(text: str, most_rows: int) -> list[tuple[int, list[str]]]:
    """The rows of cells, each with the line where it starts."""
    breaks = text.count("\n") + text.count("\r")
    if breaks > most_rows * _LINES_PER_ROW:
        raise InvalidInput("csv", f"has some {breaks} lines; split it, {most_rows} rows are taken at once")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    rows, line = [], 1
    try:
        for row in reader:
            if len(row) > _MOST_CELLS:
                raise InvalidInput("csv", f"has {len(row)} columns on line {line}; {_MOST_CELLS} are taken")
            rows.append((line, row))
            line = reader.line_num + 1
    except csv.Error as error:
        raise InvalidInput("csv", f"cannot be read at line {line}: {error}") from error
    return rows


def _cells(lines: Sequence[tuple[int, list[str]]], most_rows: int) -> list[tuple[int, list[str]]]:
    cells = [(line, row) for line, row in lines if any(cell.strip() for cell in row)]
    if len(cells) > most_rows:
        raise InvalidInput("csv", f"has {len(cells)} rows; split it, {most_rows} are taken at once")
    return cells


def _separator(text: str) -> str:
    """The separator of which the first lines have most."""
    head = "\n".join(text[:_HEAD].splitlines()[:LINES_ABOVE_HEADER])
    return max((",", ";", "\t"), key=head.count)


def _has_decimal_commas(
    cells: Sequence[tuple[int, Sequence[str]]], columns: Mapping[str, tuple[int, str]], separator: str
) -> bool:
    if separator != ";":
        return False
    places = [columns[name][0] for name in _NUMBERS if name in columns]
    numbers = [row[place].strip() for _, row in cells for place in places if place < len(row)]
    return not any("." in text for text in numbers) and any(_SURELY_DECIMAL.fullmatch(text) for text in numbers)


def _oldest_first(rows: list[BrokerRow]) -> list[BrokerRow]:
    """Turned round if no row is later than the one above it: then, of one day, the lower row came first as well."""
    days = [(_day_of(row.request), row.time) for row in rows if row.request]
    newest_first = len(days) > 1 and days[0] > days[-1] and all(a >= b for a, b in pairwise(days))
    return rows[::-1] if newest_first else rows


def _day_of(request: TransactionRequest) -> str:
    return str(request.event_ts or request.business_date)


def _fingerprint(request: TransactionRequest) -> str:
    """Hash what the row says, not how: 10.50 is 10.5, and no fees are fees of 0. It never changes: by it, rows of old
    files are known again."""
    said = {
        name: plain(value) if isinstance(value, Decimal) else str(value)
        for name, value in request.model_dump(exclude_defaults=True).items()
        if value or name not in _NOTHING_IF_ZERO
    }
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:_DIGITS_OF_FINGERPRINT]
