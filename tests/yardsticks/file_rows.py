"""All that is in the ledger after a file, beside what its index expects; and a file turned round."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePath
from typing import Any, get_type_hints

import httpx
from pydantic import create_model

from domain.disposals import Disposal
from domain.holdings import CostMethod
from domain.intervals import position_intervals
from domain.ledger import Transaction

_READ = create_model("_READ", **{name: (kind, None) for name, kind in get_type_hints(Transaction).items()})
"""The fields of a row with their types, for what JSON has as texts."""
_CENT = Decimal("0.01")
_EIGHT = Decimal("0.00000001")
_ZERO = Decimal(0)
_ASSUMED = "assumed: "
"""How the note of a deposit begins that nobody recorded."""


@dataclass(frozen=True, slots=True)
class Found:
    """A portfolio as it answers: its rows, what is held (with lots), cash by currency, what the fold of the pipelines
    disposes of for all of its rows, reversals too, and its imports."""

    rows: Sequence[Mapping[str, Any]]
    holdings: Sequence[Mapping[str, Any]]
    cash: Mapping[str, Decimal]
    disposals: Sequence[Disposal]
    imports: int

    @property
    def standing(self) -> Any:
        """All that an undo has to bring back: units, cost, lots, cash and disposals; what is held no more never was."""
        held = [each for each in self.holdings if Decimal(each["quantity"])]
        return held, {currency: each for currency, each in self.cash.items() if each}, self.disposals

    @property
    def ledger(self) -> Any:
        """All of the ledger, whatever imports there were."""
        return self.rows, self.holdings, self.cash


def found_in(api: httpx.Client, portfolio: str) -> Found:
    def get(path: str, **query: Any) -> Any:
        answer = api.get(f"/portfolios/{portfolio}{path}", params=query)
        answer.raise_for_status()
        return answer.json()

    rows: list[Mapping[str, Any]] = []
    page = get("/transactions", limit=500)
    rows += page["items"]
    while page["next_cursor"]:
        page = get("/transactions", limit=500, cursor=page["next_cursor"])
        rows += page["items"]
    balances = get("/cash")["balances"]
    return Found(
        _standing(rows),
        get("/holdings")["holdings"],
        {each["currency"]: Decimal(each["balance"]) for each in balances},
        _disposals(rows),
        len(get("/imports")["items"]),
    )


def _disposals(rows: Sequence[Mapping[str, Any]]) -> list[Disposal]:
    """All that was sold, lot by lot, of a portfolio that keeps lots; an account's number is its place by name."""
    accounts = sorted({row["account"] for row in rows})
    disposed: list[Disposal] = []
    ledger = [
        Transaction(**dict(_READ(**{**row, "txn_type": row["type"], "account_id": accounts.index(row["account"])})))
        for row in rows
    ]
    for _ in position_intervals(ledger, CostMethod.FIFO, disposed):
        pass
    return disposed


def _standing(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows without those that were reversed, and their reversals."""
    gone = {row["reverses_seq"] for row in rows if row["reverses_seq"]}
    return [row for row in rows if row["seq"] not in gone and not row["reverses_seq"]]


def differences_of(expected: Mapping[str, Any], found: Found, report: Mapping[str, Any], is_short: bool) -> list[str]:
    """Each difference from the index in a sentence."""
    assumed = [row for row in found.rows if row["note"].startswith(_ASSUMED)]
    if assumed and not is_short:
        return ["cash was assumed, though none is missing"]
    rows = [row for row in found.rows if row not in assumed]
    skipped = report["skipped"]
    told = [f"{skipped} rows are none, expected {expected['rows_that_are_no_transactions']}"]
    return [
        *(told if skipped != expected["rows_that_are_no_transactions"] else ()),
        *_other_rows(expected["transactions"], rows, {row["seq"] for row in report["report"]}),
        *_other_positions(expected, found),
        *_other_cash(expected["cash"], found.cash, assumed),
        *_other_gains(found),
    ]


def _other_gains(found: Found) -> Iterator[str]:
    """Disposals add up to what each security has realised."""
    for held in found.holdings:
        gains = [each.gain for each in found.disposals if each.security_id == held["security_id"]]
        realised = None if None in gains else sum(filter(None, gains), _ZERO)
        if held["realised"] is not None and realised != Decimal(held["realised"]):
            yield f"{held['ticker']}: disposals gain {realised}, and {held['realised']} are realised"


def _other_rows(
    expected: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], told: set[int]
) -> Iterator[str]:
    wanted = Counter(_expected_row(row) for row in expected)
    got = Counter(_found_rows(rows, told))
    for sign, of, other in (("missing", wanted, got), ("too many", got, wanted)):
        for row in (of - other).elements():
            yield f"{sign}: {' '.join(map(str, row))}"


def _expected_row(row: Mapping[str, Any]) -> tuple[str, ...]:
    has_split = row["type"] == "SPLIT"
    quantity = row["quantity"] if has_split else _number(row["quantity"], _EIGHT)
    return (
        row["day"],
        row["type"],
        row["security"],
        quantity,
        "-" if has_split else _number(row["price"], _EIGHT),
        _number(row["fees"], _CENT),
        _number(row["cash_effect"], _CENT),
        row["currency"],
        _number(row["withheld"], _CENT),
    )


def _found_rows(rows: Sequence[Mapping[str, Any]], told: set[int]) -> Iterator[tuple[str, ...]]:
    """The rows in the form of the index, in which the tax that was withheld of an income is part of its row."""
    withheld = _withheld(rows, told)
    taxes = {tax["seq"] for tax in withheld.values()}
    for row in rows:
        if row["seq"] in taxes:
            continue
        tax = withheld.get(row["seq"])
        quantity = row["quantity"]
        if row["type"] == "SPLIT":
            quantity = f"{_plain(row['split_new'])}:{_plain(row['split_old'])}"
        else:
            quantity = _number(str(abs(Decimal(quantity))) if quantity else "-", _EIGHT)
        cash = Decimal(row["cash_effect"]) + (Decimal(tax["cash_effect"]) if tax else 0)
        yield (
            row["business_date"],
            row["type"],
            row["ticker"] or "-",
            quantity,
            _number(row["price"], _EIGHT),
            _number(row["fees"], _CENT),
            _number(str(cash), _CENT),
            row["currency"],
            _number(str(-Decimal(tax["cash_effect"])) if tax else "0", _CENT),
        )


def _withheld(rows: Sequence[Mapping[str, Any]], told: set[int]) -> dict[int, Mapping[str, Any]]:
    """The tax that came with an income, by the income's number: it follows, and no row of the file is told to be it."""
    by_seq = {row["seq"]: row for row in rows}
    found = {}
    for row in rows:
        tax = by_seq.get(row["seq"] + 1)
        if row["type"] not in ("DIVIDEND", "COUPON") or tax is None or tax["seq"] in told:
            continue
        if tax["type"] == "TAX":
            found[row["seq"]] = tax
    return found


def _other_positions(expected: Mapping[str, Any], found: Found) -> Iterator[str]:
    held = {each["ticker"]: each for each in found.holdings}
    for ticker, wanted in expected["positions_fifo"].items():
        each = held.get(ticker)
        got = (each["quantity"], each["cost_basis"]) if each else ("0", "0")
        if _number(got[0], _EIGHT) != _number(wanted["quantity"], _EIGHT):
            yield f"{ticker}: {got[0]} units, expected {wanted['quantity']}"
        if _is_other(got[1], wanted["cost"]):
            yield f"{ticker}: cost {got[1]}, expected {wanted['cost']}"
    for ticker in held.keys() - expected["positions_fifo"].keys():
        if Decimal(held[ticker]["quantity"]):
            yield f"{ticker}: {held[ticker]['quantity']} units, expected none"
    for ticker, wanted in expected["realised_fifo"].items():
        gain = held[ticker]["realised"] if ticker in held else None
        if _is_other(gain, wanted):
            yield f"{ticker}: realised {gain}, expected {wanted}"
    for ticker in held.keys() - expected["realised_fifo"].keys():
        if Decimal(held[ticker]["realised"] or 0):
            yield f"{ticker}: realised {held[ticker]['realised']}, expected none"


def _is_other(found: str | None, expected: str | None) -> bool:
    """Say whether a cost or gain is another; None is one that is not known.

    What was paid is the record and a sum of cents: an index that multiplies quantity by price (34 x 11.748 = 399.432,
    of which 399.43 were paid) is less than one away.
    """
    if found is None or expected is None:
        return found is not expected
    return abs(Decimal(found) - Decimal(expected)) >= _CENT


def _other_cash(
    expected: Mapping[str, str], cash: Mapping[str, Decimal], assumed: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    added: Counter[str] = Counter()
    for row in assumed:
        added[row["currency"]] += Decimal(row["cash_effect"])
    for currency in sorted({*expected, *cash}):
        wanted = Decimal(expected.get(currency, "0")) + added[currency]
        if cash.get(currency, _ZERO).quantize(_CENT) != wanted.quantize(_CENT):
            yield f"cash {cash.get(currency, _ZERO)} {currency}, expected {wanted}"


def turned_round(file: bytes, name: str, report: Mapping[str, Any]) -> bytes | None:
    """The file with its rows in the other order; what stands above and below them stays. None for other forms."""
    if PurePath(name).suffix.lower() not in (".csv", ".tsv", ".txt"):
        return None
    encoding = report["reading"]["encoding"]
    lines = _records(file.decode(encoding))
    skipped = {row["line"] for row in report["report"] if row["status"] == "SKIPPED"}
    first = min(row["line"] for row in report["report"] if row["line"] not in skipped)
    last = max(line for line, record in lines if line not in skipped and record.strip())
    inside = [record for line, record in lines if first <= line <= last]
    end = "\n" if not inside[-1].endswith("\n") else ""
    inside[-1] += end
    text = [*(record for line, record in lines if line < first), *reversed(inside)]
    text += [record for line, record in lines if line > last]
    return "".join(text).encode(encoding)


def _records(text: str) -> list[tuple[int, str]]:
    """Rows as they are written, with the line where each starts; one whose quotes are open goes on."""
    found: list[tuple[int, str]] = []
    open_quotes = False
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        if open_quotes:
            found[-1] = (found[-1][0], found[-1][1] + line)
        else:
            found.append((number, line))
        open_quotes ^= line.count('"') % 2 == 1
    return found


def _number(text: object, unit: Decimal) -> str:
    if text in (None, "-"):
        return "-"
    return _plain(Decimal(str(text)).quantize(unit))


def _plain(value: object) -> str:
    return format(Decimal(str(value)).normalize(), "f")
