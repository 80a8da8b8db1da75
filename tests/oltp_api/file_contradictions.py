"""Contradictions within a file, told by a table of what each column of it is: nothing here knows our reader.

A file is described by its columns' roles and by its relations: a trade's amount is quantity x price and its fees, a
balance goes on, days go one way, what leaves has a minus. A cell that one of these contradicts is named.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise

from tests.oltp_api.file_writings import Lines, Writing

_CURRENCIES = {"USD", "EUR", "GBP", "CHF", "CAD", "JPY", "SEK"}
_SYMBOLS = {"$": {"USD", "CAD"}, "€": {"EUR"}, "£": {"GBP"}}
_CENT = Decimal("0.01")
_TRADES = ("BUY", "SELL")
_HALF_A_CENT = Decimal("0.005")
Cells = Mapping[str, str]
Row = tuple[int, Cells]
Relation = Callable[["FileForm", Sequence[Row]], Iterator[str]]


@dataclass(frozen=True, slots=True)
class FileForm:
    """One file: where its header is, and what its columns are.

    `types` say for each word whether it is a BUY, a SELL, or cash that comes (IN) or leaves (OUT), or either (CASH).
    `names` are those of its columns, where its header leaves some without. `totals` begins a line that has the sum of
    all amounts.
    """

    name: str
    header: int
    day_form: str | tuple[str, ...]
    types: Mapping[str, str]
    type: str
    day: str | None = None
    writing: Writing = field(default_factory=Lines)
    names: tuple[str, ...] = ()
    decimal: str = "."
    encoding: str = "utf-8"
    quantity: str | None = None
    price: str | None = None
    amount: str | None = None
    gross: str | None = None
    fees: tuple[str, ...] = ()
    balance: str | None = None
    rate: str | None = None
    currency: tuple[str, ...] = ()
    ticker: tuple[str, ...] = ()
    settles: str | None = None
    also_day: str | None = None
    own_currency: str = "USD"
    sales_are_negative: bool = False
    amounts_are_signed: bool = True
    gross_is_signed: bool = True
    fees_are_negative: bool = False
    has_fees_on_all: bool = False
    constants: Mapping[str, str] = field(default_factory=dict)
    units_sign_gross: bool = False
    totals: str | None = None
    relations: tuple[Relation, ...] = field(default=())

    @property
    def numbers(self) -> tuple[str, ...]:
        named = (self.quantity, self.price, self.amount, self.gross, self.balance, self.rate, *self.fees)
        return tuple(each for each in named if each)

    def number(self, text: str) -> Decimal | None:
        """The number in a cell, None in an empty one; ValueError for a text."""
        bare = text.strip()
        if bare in ("", "-", "n/a", "Not available"):
            return None
        bare = re.sub(r"^(-?)[$€£]", r"\1", bare)
        group, point = (",", r"\.") if self.decimal == "." else (r"\.", ",")
        if not re.fullmatch(rf"-?(?:[0-9]+|[0-9]{{1,3}}(?:{group}[0-9]{{3}})+)(?:{point}[0-9]+)?", bare):
            raise ValueError(text)
        bare = bare.replace("," if self.decimal == "." else ".", "")
        return Decimal(bare.replace(",", "."))

    def kind(self, text: str) -> str:
        """The kind of a row by the word for it, in which a long number at its end counts for nothing; a word that ends
        in a star stands for all that begin with it."""
        begins = (kind for word, kind in self.types.items() if word.endswith("*") and text.startswith(word[:-1]))
        return self.types.get(text) or self.types.get(re.sub(r"[0-9]{6,}$", "#", text)) or next(begins, "")

    def moment(self, text: str) -> datetime:
        *others, last = [self.day_form] if isinstance(self.day_form, str) else self.day_form
        for form in others:
            try:
                return _moment(text, form)
            except ValueError:
                continue
        return _moment(text, last)


def _moment(text: str, form: str) -> datetime:
    length = len(date(2015, 11, 11).strftime(form))
    return datetime.strptime(text.strip()[:length], form)  # noqa: DTZ007, a day has no zone


def contradictions(form: FileForm, header: Sequence[str], grid: Sequence[Sequence[str]]) -> list[str]:
    """Every contradiction among the cells below the header, each as a few words."""
    rows = [
        (place, dict(zip(header, [*row, *[""] * (len(header) - len(row))], strict=False)))
        for place, row in enumerate(grid)
        if any(cell.strip() for cell in row)
    ]
    of_totals = [row for row in rows if form.totals and row[1][header[0]].startswith(form.totals)]
    told = [row for row in rows if row not in of_totals and not _is_text(row[1])]
    found = [f"line {place}: {why}" for place, cells in told for why in _in_row(form, cells)]
    if not found:
        found += list(_between(form, told))
        found += list(_total(form, told, of_totals))
        for relation in form.relations:
            try:
                found += list(relation(form, told))
            except ValueError as error:
                found.append(f"a text where a number stands: {error}")
    return found


def _is_text(cells: Cells) -> bool:
    """A disclaimer below the rows: one cell."""
    values = [cell for cell in cells.values() if cell.strip()]
    return len(values) == 1 and len(values[0]) > 20


def _in_row(form: FileForm, cells: Cells) -> Iterator[str]:
    yield from _types_of_columns(form, cells)
    try:
        yield from _signs(form, cells)
        yield from _sums(form, cells)
    except ValueError:
        return  # said above


def _types_of_columns(form: FileForm, cells: Cells) -> Iterator[str]:
    told = {cells[name] for name in form.currency if cells[name].strip()}
    for name in form.numbers:
        try:
            form.number(cells[name])
        except ValueError:
            yield f"{name} is no number: {cells[name]}"
        for symbol, currencies in _SYMBOLS.items():
            if symbol in cells[name] and form.own_currency not in currencies:
                yield f"{name} is in {symbol}"
            if symbol in cells[name] and told - set(currencies):
                yield f"{name} is in {symbol}, beside {told}"
    for name in filter(None, (form.day, form.settles, form.also_day)):
        if cells[name].strip() or name == form.day:
            try:
                form.moment(cells[name])
            except ValueError:
                yield f"{name} is no day: {cells[name]}"
    if not form.kind(cells[form.type]):
        yield f"{form.type} is no type: {cells[form.type]}"
    for name in form.currency:
        if cells[name].strip() and cells[name] not in _CURRENCIES:
            yield f"{name} is no currency: {cells[name]}"
    for name, constant in form.constants.items():
        if cells[name] != constant:
            yield f"{name} is not {constant}: {cells[name]}"
    if len(told) > 1:
        yield f"two currencies: {told}"
    is_named = any(cells[name].strip(" -") for name in form.ticker)
    if is_named and told and told != {form.own_currency} and all(each in _CURRENCIES for each in told):
        yield f"not the security's currency: {told}"


def _signs(form: FileForm, cells: Cells) -> Iterator[str]:
    kind = form.kind(cells[form.type])
    quantity = form.number(cells[form.quantity]) if form.quantity else None
    amount = form.number(cells[form.amount]) if form.amount else None
    if kind in ("BUY", "SELL") and quantity is not None:
        is_negative = kind == "SELL" and form.sales_are_negative
        if (quantity < 0) != is_negative:
            yield f"quantity {quantity} in a {kind}"
    if amount is None and form.gross and not form.amount and (form.gross_is_signed or kind not in _TRADES):
        amount = form.number(cells[form.gross])
    if amount is not None and kind not in _TRADES and amount != amount.quantize(_CENT):
        yield f"{amount} has more decimals than its currency"
    if amount is not None and form.amounts_are_signed:
        wanted = {"BUY": -1, "OUT": -1, "SELL": 1, "IN": 1}.get(kind)
        if wanted and amount * wanted < 0:
            yield f"amount {amount} in a {kind}"
    if amount is not None and not form.amounts_are_signed and amount < 0:
        yield f"amount {amount} has a sign in a file of none"
    price = form.number(cells[form.price]) if form.price else None
    rate = form.number(cells[form.rate]) if form.rate else None
    if (price is not None and price < 0) or (rate is not None and rate <= 0):
        yield f"price {price}, rate {rate}"
    charges = [form.number(cells[name]) or Decimal(0) for name in form.fees]
    if any(charge and (charge < 0) != form.fees_are_negative for charge in charges):
        yield f"charges {charges} have another sign"
    if kind not in ("BUY", "SELL") and any(charges) and not form.has_fees_on_all:
        yield f"charges {charges} in a {kind}"
    if kind in ("IN", "OUT", "CASH") and form.amount and not amount:
        yield "no amount"
    if kind in ("IN", "OUT", "CASH") and form.gross and not form.amount and not form.number(cells[form.gross]):
        yield "no amount"
    if kind in ("BUY", "SELL") and form.quantity and not quantity:
        yield "no quantity"


def _sums(form: FileForm, cells: Cells) -> Iterator[str]:
    """A trade's amount beside quantity x price and fees, to half a cent; what is before fees likewise."""
    kind = form.kind(cells[form.type])
    if kind not in ("BUY", "SELL"):
        gross = form.number(cells[form.gross]) if form.gross else None
        amount = form.number(cells[form.amount]) if form.amount else None
        fees = [form.number(cells[name]) or Decimal(0) for name in form.fees]
        if gross and amount is not None and abs(gross + sum(fees) - amount) > _HALF_A_CENT:
            yield f"gross {gross} and fees {fees} are not {amount}"
        return
    if not form.quantity or not form.price:
        return
    quantity, price = form.number(cells[form.quantity]), form.number(cells[form.price])
    if quantity is None or price is None:
        return
    worth = abs(quantity) * price * (-1 if kind == "BUY" else 1)
    gross = form.number(cells[form.gross]) if form.gross else None
    if gross is not None:
        own = (
            gross if form.gross_is_signed else -gross if form.units_sign_gross else gross * (-1 if kind == "BUY" else 1)
        )
        if abs(own - worth) > _HALF_A_CENT:
            yield f"{own} is not {quantity} x {price}"
    amount = form.number(cells[form.amount]) if form.amount else None
    if amount is None or (not form.fees and form.name == "hargreaves_lansdown.csv"):
        return
    fees = sum((abs(form.number(cells[name]) or Decimal(0)) for name in form.fees), Decimal(0))
    own = amount if form.amounts_are_signed else abs(amount) * (-1 if kind == "BUY" else 1)
    if abs(own - (worth - fees)) > _HALF_A_CENT:
        yield f"{own} is not {quantity} x {price} with fees {fees}"


def _between(form: FileForm, rows: Sequence[Row]) -> Iterator[str]:
    if form.day is None:
        return
    days = [(place, form.moment(cells[form.day])) for place, cells in rows]
    rises, falls = (any(sign * (b[1] - a[1]).days > 0 for a, b in pairwise(days)) for sign in (1, -1))
    if rises and falls:
        yield "days go to and fro"
    for place, cells in rows:
        day = form.moment(cells[form.day])
        if form.settles and cells[form.settles].strip():
            gap = (form.moment(cells[form.settles]) - day).days
            if not 0 <= gap <= 45:
                yield f"line {place}: settles {gap} days after"
        if form.also_day and cells[form.also_day].strip() and form.moment(cells[form.also_day]) != day:
            yield f"line {place}: another day"
    if form.balance:
        yield from _balances(form, rows)


def _balances(form: FileForm, rows: Sequence[Row]) -> Iterator[str]:
    """From row to row, in the direction of the file."""
    assert form.amount is not None
    assert form.balance is not None
    days = [form.moment(cells[form.day]) for _, cells in rows]
    ordered = list(rows if days[0] < days[-1] else reversed(rows))
    for (_, before), (place, after) in pairwise(ordered):
        was, now = form.number(before[form.balance]), form.number(after[form.balance])
        moved = form.number(after[form.amount])
        if was is not None and now is not None and was + (moved or 0) != now:
            yield f"line {place}: {was} and {moved} are not {now}"


def _total(form: FileForm, rows: Sequence[Row], of_totals: Sequence[Row]) -> Iterator[str]:
    for place, cells in of_totals:
        assert form.amount is not None
        try:
            total = form.number(cells[form.amount])
        except ValueError:
            yield f"line {place}: the total is no number"
            continue
        added = sum((form.number(each[form.amount]) or Decimal(0) for _, each in rows), Decimal(0))
        if total != added:
            yield f"line {place}: {total} is not the sum {added}"
