"""Rows of a file, read: what each cell of the canonical columns says, and whether one contradicts another.

Nothing is passed over: a cell that is no number, a sign that its type contradicts, a fact that another cell tells
otherwise refuses the row. What is odd without being wrong, such as a day out of order, is a flag.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from domain.currencies import CURRENCIES, MINOR_UNITS, parse_quoted
from domain.errors import Refusal, plain
from domain.ledger import TxnType
from domain.money import ZERO
from oltp_api.imports.canonical_rows import CanonicalRows
from oltp_api.imports.columns import MEANS_CURRENCY, TYPE_OF, word_of
from oltp_api.imports.drafts import BASE, DAYS, INCOME, LEAVES, NUMBERS, TEXTS, BalanceStep, CellRefused, Draft, Naming
from oltp_api.imports.forms import SHARED_SIGNS, NotANumber, WrittenDay, WrittenNumber, moment, number
from oltp_api.imports.profiles import Profile
from oltp_api.web.csv_cells import unescaped

_MOST_DAYS_TO_SETTLE = 45
_PAID_OUT = (TxnType.BUY, *LEAVES)
_COMES = (TxnType.DEPOSIT, TxnType.INTEREST, *INCOME)
_EITHER_SIGN = frozenset({*INCOME, TxnType.FEE, TxnType.TAX, TxnType.INTEREST})
_SIGN_OF: Mapping[TxnType | None, int] = {
    TxnType.SELL: 1,
    TxnType.DEPOSIT: 1,
    TxnType.BUY: -1,
    TxnType.WITHDRAW: -1,
}
_BY_SIGN: Mapping[str, tuple[str, TxnType, TxnType]] = {
    "CASH": ("amount", TxnType.DEPOSIT, TxnType.WITHDRAW),
    "TRADE": ("quantity", TxnType.BUY, TxnType.SELL),
    "UNITS": ("quantity", TxnType.TRANSFER_IN, TxnType.TRANSFER_OUT),
}
"""Types that the sign of a column decides: above 0, and below."""
_TYPES = dict(TxnType.__members__)
_Names = tuple[str | None, str | None, str | None, str | None]
_UNDECIDED = {BASE} | SHARED_SIGNS.keys()
_CURRENCIES = frozenset({"currency", "price_currency", "fee_currency", "withheld_currency"})
_WRITTEN = frozenset({"note", "name", "account"})
"""Texts that a program may have escaped for spreadsheets, as our own exports do."""
_ALSO = frozenset({"also_quantity", "also_price", "also_amount"})


@dataclass(frozen=True, slots=True)
class Signs:
    """Say whether, in a file, anything that leaves is negative, and so are fees and taxes."""

    amounts: bool
    fees: bool
    withheld: bool


@dataclass(frozen=True, slots=True)
class _Columns:
    """The canonical columns that a file has, by kind."""

    texts: tuple[str, ...]
    days: tuple[str, ...]
    numbers: tuple[str, ...]

    @classmethod
    def of(cls, rows: CanonicalRows) -> "_Columns":
        texts, days, numbers = (tuple(name for name in kind if name in rows.columns) for kind in (TEXTS, DAYS, NUMBERS))
        return cls(texts, days, numbers)


@dataclass(frozen=True, slots=True)
class Reader:
    """How the rows of one file are read: by its profile, and by what the file shows. What a text has once been read as
    is known until the file is."""

    profile: Profile
    forms: tuple[str, ...]
    decimal: str
    headers: Mapping[str, str]
    default_account: str | None = None
    signs: Signs = Signs(amounts=True, fees=False, withheld=False)
    columns: _Columns = _Columns((), (), ())
    _numbers_read: dict[str, WrittenNumber | None] = field(default_factory=dict, repr=False)
    _moments_read: dict[str, WrittenDay | None] = field(default_factory=dict, repr=False)
    _namings: dict[_Names, Naming] = field(default_factory=dict, repr=False)

    def drafts(self, rows: CanonicalRows) -> list[Draft]:
        """The rows as drafts."""
        reader = replace(self, signs=self._signs_of(rows), columns=_Columns.of(rows))
        parts: Counter[int] = Counter()
        drafts = []
        for row in rows:
            line = int(row["line"])
            if rows.has_lines_of_several:
                draft = Draft(line, parts[line], merged=tuple(row.get("merged") or ()))
                parts[line] += 1
            else:
                draft = Draft(line, merged=tuple(row.get("merged") or ()))
            try:
                reader.fill(draft, row)
            except Refusal as refusal:
                draft.refusal = refusal
            drafts.append(draft)
        return drafts

    def fill(self, draft: Draft, row: Mapping[str, Any]) -> None:
        if row.get("skip"):
            draft.skipped = str(row["skip"])
            self._numbers(draft, row, ("total",))
            self._near_days(draft, row)
            draft.steps = self._steps(draft, row)
            if odd := row.get("odd"):
                draft.flag(odd)
            return
        if row.get("refuse"):
            raise CellRefused(draft.line, self.header("type"), str(row["refuse"]), "not_supported")
        texts = draft.texts = {
            name: str(value) for name in self.columns.texts if (value := row[name]) is not None and value != ""
        }
        for name in _WRITTEN & texts.keys():
            texts[name] = unescaped(texts[name])
        if odd := texts.pop("odd", None):
            draft.flag(odd)
        named = texts.pop("ticker", None), texts.pop("isin", None), texts.pop("cusip", None), texts.pop("name", None)
        naming = self._namings.get(named)
        draft.naming = naming if naming is not None else self._namings.setdefault(named, Naming(*named))
        self._days(draft, row)
        self._numbers(draft, row, self.columns.numbers)
        if "steps" in row:
            draft.steps = self._steps(draft, row)
        self._type(draft)
        if draft.day is None:
            raise CellRefused(draft.line, self.header("day"), "is empty; every row needs its date")
        if self.default_account:
            draft.texts.setdefault("account", self.default_account)
        self._refuse_uncounted(draft, row.get("uncounted") or {})
        self._signed(draft)
        self._compare(draft)

    def header(self, column: str) -> str:
        """The header of what a canonical column is made of."""
        return self.headers.get(column, column)

    def _signs_of(self, rows: CanonicalRows) -> Signs:
        """Take those of the profile; of a file that has to show them, any that leaves with a minus tells it."""
        amounts = self.profile.amounts == "signed"
        if self.profile.amounts == "shown" and any(map(_is_negative, rows.distinct("amount"))):
            amounts = any(
                _is_negative(row.get("amount")) and TYPE_OF.get(word_of(str(row.get("type") or ""))) in _PAID_OUT
                for row in rows
            )
        fees, withheld = (any(map(_is_negative, rows.distinct(name))) for name in ("fees", "withheld"))
        return Signs(amounts, fees, withheld)

    def _days(self, draft: Draft, row: Mapping[str, Any]) -> None:
        for name in self.columns.days:
            text = row[name]
            if text is None or text == "":
                continue
            found = self._day(draft, name, text)
            if name == "day":
                draft.day, draft.clock = found.day, found.clock
                if found.zone is not None:
                    draft.event_ts = datetime.fromisoformat(f"{found.day}T{found.clock}{found.zone}")
            elif name == "ex_date":
                draft.ex_date = found.day
            elif name == "also_day" and draft.day is not None and found.day != draft.day:
                raise self._contradiction(draft, "day", str(draft.day), str(found.day))
            elif name == "settles" and draft.day is not None and not _is_soon_after(found.day, draft.day):
                draft.flag(f"it settles on {found.day}, which is not soon after {draft.day}")
        self._near_days(draft, row)
        clock = draft.texts.pop("time", None)
        if clock and draft.clock is None and draft.day is not None:
            timed = moment(f"{draft.day} {clock}", ("%Y-%m-%d",))
            if timed is None:
                raise CellRefused(draft.line, self.header("time"), f"{clock[:20]!r} is no time", "invalid_date")
            draft.clock = timed.clock

    def _moment(self, cell: object) -> WrittenDay | None:
        if isinstance(cell, datetime):
            cell = cell.isoformat(" ")
        elif isinstance(cell, date):
            return WrittenDay(cell)
        text = str(cell)
        if text not in self._moments_read:
            self._moments_read[text] = moment(text, self.forms)
        return self._moments_read[text]

    def _numbers(self, draft: Draft, row: Mapping[str, Any], names: Sequence[str]) -> None:
        for name in names:
            given = row.get(name)
            if given is None or given == "":
                continue
            if type(given) is str and (known := self._numbers_read.get(given)) and known.currency is None:
                if name != "checked":
                    draft.numbers[name] = known.value
                continue
            found = [self._number(draft, name, cell) for cell in (given if isinstance(given, list) else (given,))]
            values = [each.value for each in found if each is not None]
            if values and name != "checked":
                draft.numbers[name] = values[0] if len(values) == 1 else sum(values, Decimal(0))
            for each in found:
                if each is not None and each.currency is not None:
                    self._refuse_other_currency(draft, name, each.currency)

    def _number(self, draft: Draft, name: str, cell: object) -> WrittenNumber | None:
        """The number in a cell; None where nothing is."""
        if isinstance(cell, str) and cell in self._numbers_read:
            return self._numbers_read[cell]
        if cell is None:
            return None
        try:
            if not isinstance(cell, str):
                return number(str(cell), "." if isinstance(cell, (Decimal, int, float)) else self.decimal)
            found = self._numbers_read[cell] = number(cell, self.decimal)
        except NotANumber as error:
            raise CellRefused(draft.line, self.header(name), f"{str(cell)[:40]!r} {error}", "invalid_number") from error
        return found

    def _day(self, draft: Draft, name: str, text: object) -> WrittenDay:
        found = self._moment(text)
        if found is None:
            why = f"{str(text)[:40]!r} is no day of the file's form; another is chosen with dates=iso, dmy or mdy"
            raise CellRefused(draft.line, self.header(name), why, "invalid_date")
        return found

    def _near_days(self, draft: Draft, row: Mapping[str, Any]) -> None:
        """Refuse what is no day where one stands beside the row's, and flag days that are far from each other."""
        if "near_days" not in row:
            return
        days = [self._day(draft, "near_days", text).day for text in row.get("near_days") or () if text]
        days += [draft.day] if draft.day is not None else []
        if days and (max(days) - min(days)).days > _MOST_DAYS_TO_SETTLE:
            draft.flag(f"its days are far from each other: {min(days)} and {max(days)}")

    def _steps(self, draft: Draft, row: Mapping[str, Any]) -> tuple[BalanceStep, ...]:
        return tuple(self._step(draft, each) for each in row.get("steps") or ())

    def _step(self, draft: Draft, told: Mapping[str, str | None]) -> BalanceStep:
        moved, balance = (self._number(draft, "steps", told[name] or "") for name in ("moved", "balance"))
        return BalanceStep(told["currency"], moved.value if moved else Decimal(0), balance.value if balance else None)

    def _refuse_other_currency(self, draft: Draft, name: str, written: str) -> None:
        """Refuse a number that a currency is written at which is not the row's."""
        own = {"price": "price_currency", "fees": "fee_currency", "withheld": "withheld_currency"}.get(name, "currency")
        stated = draft.texts.get(own) or draft.texts.get("currency")
        meant = {written} | SHARED_SIGNS.get(written, frozenset())
        if stated in (None, BASE) or (stated in SHARED_SIGNS and written in SHARED_SIGNS[stated]):
            draft.texts["currency"] = written
        elif stated != written and (stated in SHARED_SIGNS or parse_quoted(stated)[0] not in meant):
            raise self._contradiction(draft, name, stated, written)

    def _type(self, draft: Draft) -> None:
        text = draft.texts.pop("type", "")
        draft.is_by_sign = text in _BY_SIGN
        if draft.is_by_sign:
            column, above, below = _BY_SIGN[text]
            value = draft.numbers.get(column)
            if not value:
                raise CellRefused(draft.line, self.header(column), "says neither what comes nor what goes")
            draft.kind = above if value > 0 else below
        else:
            draft.kind = _TYPES.get(text) or TYPE_OF.get(word_of(text))
        if draft.kind is None or draft.kind is TxnType.REVERSAL:
            said = f"{text[:60]!r} is" if text else "is empty, and so"
            raise CellRefused(draft.line, self.header("type"), f"{said} not a type of transaction that we know")

    def _signed(self, draft: Draft) -> None:
        """Ours: quantities are above 0, and so is what is withdrawn or charged; a trade's amount is what it moved."""
        numbers, kind = draft.numbers, draft.kind
        quantity = numbers.get("quantity")
        if quantity is not None and quantity < 0:
            if kind in (TxnType.BUY, TxnType.TRANSFER_IN):
                raise CellRefused(draft.line, self.header("quantity"), f"is below 0, in a {kind}", "sign_contradicts")
            if kind in (TxnType.SELL, TxnType.TRANSFER_OUT):
                numbers["quantity"] = -quantity
            if self.profile.quantities == "unsigned" and not draft.is_by_sign:
                draft.flag(f"its quantity {plain(quantity)} has a minus, which this broker's files have not")
        elif quantity and kind is TxnType.SELL and self.profile.quantities == "signed":
            draft.flag(f"its quantity {plain(quantity)} has no minus, which sales have in this broker's files")
        for name in ("fees", "withheld"):
            charge = numbers.get(name)
            if charge and self.profile.charges is not None and (charge < 0) != (self.profile.charges == "signed"):
                draft.flag(f"{self.header(name)} {plain(charge)} has another sign than in this broker's files")
        for name, is_signed in (("fees", self.signs.fees), ("withheld", self.signs.withheld)):
            if is_signed and name in numbers:
                numbers[name] = -numbers[name]  # then a positive one is a rebate, which the ledger refuses
        if numbers.get("price", ZERO) < 0:
            raise CellRefused(draft.line, self.header("price"), "is below 0", "sign_contradicts")
        amount = numbers.get("amount")
        if amount is None:
            return
        comes = _SIGN_OF.get(kind)
        if self.signs.amounts and comes is not None and amount * comes < 0 and not self._may_cost(draft):
            why = f"is {plain(amount)}, which is the sign of what {'comes' if amount > 0 else 'leaves'}, in a {kind}"
            raise CellRefused(draft.line, self.header("amount"), why, "sign_contradicts")
        if self.profile.amounts == "unsigned" and amount < 0:
            draft.flag(f"its amount {plain(amount)} has a minus, which this broker's files have not")
        if not self.signs.amounts and amount < 0 and kind in (TxnType.DEPOSIT,):
            raise CellRefused(draft.line, self.header("amount"), f"is below 0, in a {kind}", "sign_contradicts")
        if kind in LEAVES and (amount < 0 or self.signs.amounts):
            numbers["amount"] = amount = -amount
        draft.has_other_sign = amount < 0 and kind in _EITHER_SIGN
        if draft.has_other_sign and kind in (*INCOME, TxnType.FEE):
            draft.note("its amount has the other sign: it is taken as one that is corrected or paid back")

    def _may_cost(self, draft: Draft) -> bool:
        """Say whether a sale's fees may have been more than it brought."""
        fees, amount = (draft.numbers.get(name, Decimal(0)) for name in ("fees", "amount"))
        return draft.kind is TxnType.SELL and fees >= abs(amount) and self.profile.amounts != "shown"

    def _compare(self, draft: Draft) -> None:
        """Refuse a row that tells one of its facts in two ways."""
        for name in () if _ALSO.isdisjoint(draft.numbers) else ("quantity", "price", "amount"):
            also, told = draft.numbers.pop(f"also_{name}", None), draft.numbers.get(name)
            if also is not None and told is not None and abs(also) != abs(told):
                raise self._contradiction(draft, name, plain(told), plain(also))
            if name == "amount" and also is not None and told is not None and also < 0 < told and draft.kind in _COMES:
                raise self._contradiction(draft, name, plain(told), plain(also))
            if also is not None and told is None:
                draft.numbers[name] = abs(also)
        ticker = draft.texts.pop("also_ticker", None)
        if ticker and draft.naming.ticker and ticker.upper() != draft.naming.ticker.upper():
            raise self._contradiction(draft, "ticker", draft.naming.ticker, ticker)
        currency = draft.texts.pop("also_currency", None)
        if currency and currency != draft.texts.setdefault("currency", currency):
            raise self._contradiction(draft, "currency", draft.texts["currency"], currency)
        for name in _CURRENCIES & draft.texts.keys():
            if (text := draft.texts[name]) not in _UNDECIDED and text not in CURRENCIES:
                parse_quoted(text, self.header(name))

    def _contradiction(self, draft: Draft, column: str, one: str, other: str) -> CellRefused:
        why = f"says {one[:40]}, and another cell of the row {other[:40]}"
        return CellRefused(draft.line, self.header(column), why, "cells_contradict")

    def _refuse_uncounted(self, draft: Draft, cells: Mapping[str, str | None]) -> None:
        """Refuse a row in which a column that is not understood says another currency, or money that is not counted."""
        for header, text in cells.items():
            if not text or not text.strip("+-0.,"):
                continue
            if MEANS_CURRENCY.search(word_of(header)):
                if text != draft.texts.get("currency") and text.upper() in CURRENCIES | MINOR_UNITS.keys():
                    raise CellRefused(draft.line, header, f"says {text[:10]}, and what is in it is not understood")
            elif text in CURRENCIES and text != word_of(header).upper():
                raise CellRefused(draft.line, header, f"says {text}, where money stands", "invalid_number")
            elif text.lstrip("+-")[:1].isdigit():
                raise CellRefused(
                    draft.line, header, f"says {text[:20]}, which is counted nowhere; name the column fees"
                )


def number_cells(rows: CanonicalRows) -> Iterable[str]:
    """The texts of a file that are numbers."""
    for name in NUMBERS:
        yield from (cell for cell in rows.distinct(name) if cell and isinstance(cell, str))


def _is_soon_after(day: date, other: date) -> bool:
    return 0 <= (day - other).days <= _MOST_DAYS_TO_SETTLE


def _is_negative(given: object) -> bool:
    if given is None:
        return False
    cells = given if isinstance(given, list) else [given]
    return any(str(cell).strip()[:1] in "-−(" for cell in cells if cell not in (None, "")) and any(
        str(cell).strip(" -−(n/aNA") for cell in cells if cell not in (None, "")
    )
