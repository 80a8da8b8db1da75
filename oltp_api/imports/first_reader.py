"""The reader of brokers' files as it was at first, frozen: by it, rows of files that it read are known again.

Nothing here is ever changed. The ids that it gave, `csv:<content>:<n>`, are in ledgers for good; a line that it reads
keeps the id that it had, whatever a newer reader makes of the line.
"""

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from domain.errors import plain
from domain.ledger import TxnType

_HEADERS = {
    "type": "type, action, transaction type, activity type, buy sell, side, activity, operation",
    "business_date": "business date, trade date, date of trade, transaction date, run date, activity date, date",
    "ticker": "ticker, symbol, instrument, security, isin, cusip",
    "quantity": "quantity, qty, shares, units, no of shares, num shares",
    "price": "price, unit price, price share, price per share, share price, trade price, t price",
    "fees": "fees, fee, commission, commissions, fees comm, comm fee, commission fees, transaction fee",
    "amount": "amount, net amount, total, total amount, net cash, value",
    "currency": "currency, ccy, currency code, price currency",
    "account": "account, account number, account id, account name",
    "external_id": "external id, transaction id, trade id, activity id, reference, reference number, ref",
    "note": "note, notes, description, memo, comment, details",
    "fx_rate": "fx rate, exchange rate, fxratetobase",
    "accrued": "accrued, accrued interest",
    "withheld": "withheld, tax withheld, withholding tax",
    "ex_date": "ex date",
    "split_new": "split new",
    "split_old": "split old",
}
_TYPES = {
    TxnType.BUY: "buy, bought, b, purchase, you bought, buy to open, reinvest shares, market buy, limit buy",
    TxnType.SELL: "sell, sold, s, sale, you sold, sell to close, market sell, limit sell",
    TxnType.DEPOSIT: "deposit, cash in, contribution, moneylink deposit, electronic funds transfer received",
    TxnType.WITHDRAW: "withdraw, withdrawal, cash out, electronic funds transfer paid",
    TxnType.FEE: "fee, fees, service fee, account fee, adr mgmt fee, other fees, custody fee",
    TxnType.TAX: "tax, withholding tax, nra tax adj, foreign tax paid",
    TxnType.INTEREST: "interest, credit interest, bank interest, broker interest received, interest earned",
    TxnType.DIVIDEND: "dividend, dividends, cash dividend, qualified dividend, dividend received, reinvest dividend",
    TxnType.COUPON: "coupon, bond interest, coupon payment",
    TxnType.TRANSFER_IN: "transfer in, journaled shares in, receive",
    TxnType.TRANSFER_OUT: "transfer out, journaled shares out, deliver",
    TxnType.SPLIT: "split, stock split",
}
_TYPE_OF = {word: kind for kind, words in _TYPES.items() for word in words.split(", ")}

_NUMBERS = ("quantity", "price", "fees", "amount", "fx_rate", "accrued", "withheld", "split_new", "split_old")
_DATES = ("business_date", "ex_date")
_TRADES = (TxnType.BUY, TxnType.SELL)
_LEAVES = (TxnType.WITHDRAW, TxnType.FEE, TxnType.TAX)
_NOTHING_IF_ZERO = ("fees", "accrued", "withheld")
_COMMA_NUMBER = re.compile(r"[+-]?[0-9]+,[0-9]+")
_DATE_FORMS = {"iso": "%Y-%m-%d", "mdy": "%m/%d/%Y", "dmy": "%d/%m/%Y"}
_A_CENT = Decimal("0.01")
Cells = tuple[int, Sequence[str]]


class _NotRead(Exception):
    """A line that this reader refused."""


def first_ids(
    header: Sequence[str],
    cells: Sequence[Cells],
    dates: Literal["iso", "mdy", "dmy"],
    has_decimal_commas: bool,
    default_account: str | None,
) -> Mapping[int, str]:
    """The id that each line of the file had, by its number; a line that was refused is absent."""
    columns = _columns(header)
    if not {"type", "business_date"} <= columns.keys():
        return {}
    reader = _Reader.of(columns, cells, dates, has_decimal_commas, default_account)
    rows = list(reader.said(cells))
    days = [str(said["business_date"]) for _, said in rows]
    if len(days) > 1 and days[0] > days[-1] and all(a >= b for a, b in pairwise(days)):
        rows.reverse()
    seen: Counter[str] = Counter()
    found = {}
    for line, said in rows:
        if "external_id" in said:
            continue
        content = _fingerprint(said)
        seen[content] += 1
        found[line] = f"csv:{content}:{seen[content]}"
    return found


@dataclass(frozen=True, slots=True)
class _Reader:
    columns: Mapping[str, int]
    dates: Literal["iso", "mdy", "dmy"]
    has_decimal_commas: bool
    default_account: str | None
    is_signed: bool
    are_fees_signed: bool

    @classmethod
    def of(
        cls,
        columns: Mapping[str, int],
        cells: Sequence[Cells],
        dates: Literal["iso", "mdy", "dmy"],
        has_decimal_commas: bool,
        default_account: str | None,
    ) -> "_Reader":
        def text(row: Sequence[str], name: str) -> str:
            place = columns.get(name, len(row))
            return row[place].strip() if place < len(row) else ""

        takes = (TxnType.BUY, *_LEAVES)
        signed = any(
            text(row, "amount").startswith("-") and _TYPE_OF.get(_word(text(row, "type"))) in takes for _, row in cells
        )
        fees_signed = any(text(row, "fees")[:1] == "-" for _, row in cells)
        return cls(columns, dates, has_decimal_commas, default_account, signed, fees_signed)

    def said(self, cells: Sequence[Cells]) -> Iterator[tuple[int, dict[str, object]]]:
        for line, row in cells:
            try:
                yield line, self._said(row)
            except _NotRead:
                continue

    def _said(self, row: Sequence[str]) -> dict[str, object]:
        kind = _TYPE_OF.get(_word(self._text(row, "type")))
        if kind is None:
            raise _NotRead
        fields: dict[str, object] = {}
        for name in self.columns:
            text = self._text(row, name)
            if text and name != "type":
                fields[name] = self._value(name, text)
        fields["type"] = kind
        if "business_date" not in fields:
            raise _NotRead
        if self.default_account:
            fields.setdefault("account", self.default_account)
        self._signs(kind, fields)
        return fields

    def _text(self, row: Sequence[str], column: str) -> str:
        place = self.columns.get(column, len(row))
        return row[place].strip() if place < len(row) else ""

    def _value(self, name: str, text: str) -> object:
        if name in _NUMBERS:
            written = text.replace(",", ".") if self.has_decimal_commas and _COMMA_NUMBER.fullmatch(text) else text
            if not re.fullmatch(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?", written, flags=re.ASCII):
                raise _NotRead
            return Decimal(written)
        if name not in _DATES:
            return text
        try:
            return datetime.strptime(text, _DATE_FORMS[self.dates]).date()  # noqa: DTZ007, a day has no zone
        except ValueError as error:
            raise _NotRead from error

    def _signs(self, kind: TxnType, fields: dict[str, object]) -> None:
        quantity, amount = fields.get("quantity"), fields.get("amount")
        if isinstance(quantity, Decimal) and quantity < 0 and kind in (TxnType.SELL, TxnType.TRANSFER_OUT):
            fields["quantity"] = -quantity
        if self.are_fees_signed and isinstance(fees := fields.get("fees"), Decimal):
            fields["fees"] = -fees
        for name in ("quantity", "price", "fees"):
            if kind not in (*_TRADES, TxnType.TRANSFER_IN, TxnType.TRANSFER_OUT) and fields.get(name) == 0:
                del fields[name]
        if not isinstance(amount, Decimal):
            return
        if kind in _TRADES:
            self._compare(kind, fields, amount)
            del fields["amount"]
        elif kind in _LEAVES and (amount < 0 or self.is_signed):
            fields["amount"] = -amount
        elif not amount:
            del fields["amount"]

    def _compare(self, kind: TxnType, fields: Mapping[str, object], amount: Decimal) -> None:
        quantity, price = fields.get("quantity"), fields.get("price")
        if not isinstance(quantity, Decimal) or not isinstance(price, Decimal):
            return
        fees, accrued = (Decimal(str(fields.get(name, 0))) for name in ("fees", "accrued"))
        sign = 1 if kind is TxnType.BUY else -1
        clean = [quantity * price * factor + accrued for factor in (1, _A_CENT)]
        if not any(abs(abs(amount) - each) <= _A_CENT for each in (*(one + sign * fees for one in clean), *clean)):
            raise _NotRead


def _columns(header: Sequence[str]) -> Mapping[str, int]:
    known = {name: (column, rank) for column, names in _HEADERS.items() for rank, name in enumerate(names.split(", "))}
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for index, cell in enumerate(header):
        column, rank = known.get(_word(cell), (None, 0))
        if column is not None:
            found[column].append((rank, index))
    return {column: min(places)[1] for column, places in found.items()}


def _word(text: str) -> str:
    words: list[str] = re.findall(r"[^\W_]+", text.casefold())
    return " ".join(words)


def _fingerprint(fields: Mapping[str, object]) -> str:
    said = {
        name: plain(value) if isinstance(value, Decimal) else str(value)
        for name, value in fields.items()
        if value or name not in _NOTHING_IF_ZERO
    }
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:24]
