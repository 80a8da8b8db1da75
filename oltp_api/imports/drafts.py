"""Canonical columns, which a profile's SELECT may make of a file, and a row of them as it is read."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from domain.errors import InvalidInput, Refusal
from domain.ledger import TxnType

NUMBERS = (
    "quantity", "price", "fees", "amount", "gross", "fx_rate", "accrued", "withheld", "split_new", "split_old",
    "units_new", "units_old", "basis_share", "balance", "total", "also_quantity", "also_price", "also_amount",
    "price_fees", "received", "base_amount", "checked",
)  # fmt: skip
DAYS = ("day", "ex_date", "settles", "also_day")
TEXTS = (
    "type", "time", "ticker", "isin", "cusip", "name", "asset_type", "currency", "price_currency", "fee_currency",
    "withheld_currency", "into", "account", "reference", "note", "skip", "refuse", "odd", "also_ticker",
    "also_currency", "received_currency", "rate_currency",
)  # fmt: skip
COLUMNS = frozenset({"line", "merged", "uncounted", "steps", "near_days", *NUMBERS, *DAYS, *TEXTS})
"""`line` is the line of the file, `merged` a list of others that tell of the same transaction, `skip` why a row is
none on purpose, `refuse` why one cannot be taken, such as that it is an option's, `odd` what is strange about one that
is. `amount` is the cash that moved in `currency`, `gross` that without fees, `balance` what was there after it,
`base_amount` what a trade is worth in base currency; numbers may be lists, which are added up. `also_...` are facts
that the row tells a second time, `uncounted` cells that nobody understands, by their headers; `price_fees` are charges
in the price's currency beside those in the amount's. A WITHDRAW with `received` is cash that becomes so much of
`received_currency`. `rate_currency` is what `fx_rate` is in, if it may be another than the base currency. `checked`
are cells of which nothing is made, and that have to be numbers all the same, `near_days` those that have to be days not
far from the row's. `steps` are, for a row of several lines,
what each `moved` in its `currency` and the `balance` after it, the oldest first."""

BASE = "BASE"
"""The currency of a file that names none: the portfolio's base currency."""
BOUGHT_OR_SOLD = (TxnType.BUY, TxnType.SELL)
INCOME = (TxnType.DIVIDEND, TxnType.COUPON, TxnType.RETURN_OF_CAPITAL)
LEAVES = (TxnType.WITHDRAW, TxnType.FEE, TxnType.TAX)
"""Types of cash that goes, which is negative in a file with signs, and above 0 in a request."""
IN_OR_OUT = (TxnType.DEPOSIT, TxnType.WITHDRAW)


class CellRefused(InvalidInput):
    """Refusal of one cell, with its line and column."""

    def __init__(self, line: int, column: str, why: str, code: str | None = None) -> None:
        super().__init__(f"line {line}, column {column}:", why)
        self.facts = {"line": line, "column": column}
        if code is not None:
            self.code = code


@dataclass(frozen=True, slots=True)
class BalanceStep:
    """Cash that one line moved, and the balance of its currency after it."""

    currency: str | None
    moved: Decimal
    balance: Decimal | None


@dataclass(frozen=True, slots=True)
class Naming:
    """All by which a row names its security."""

    ticker: str | None = None
    isin: str | None = None
    cusip: str | None = None
    name: str | None = None

    def __bool__(self) -> bool:
        return bool(self.ticker or self.isin or self.cusip or self.name)


@dataclass(slots=True)
class Draft:
    """One row as it is read: its type, day, numbers and texts by canonical names; its security is not looked up yet.

    `flags` say what is odd, `notes` what was done to its numbers, `skipped` why it is none on purpose, `currency` what
    its cash is in in the end; `inexact` is empty for a trade whose amount is quantity x price to half a coin, else says
    what it is instead, and None for what is no trade or has no such numbers.
    """

    line: int
    part: int = 0
    kind: TxnType | None = None
    day: date | None = None
    clock: str | None = None
    event_ts: datetime | None = None
    naming: Naming = field(default_factory=Naming)
    numbers: dict[str, Decimal] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    ex_date: date | None = None
    notes: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    skipped: str | None = None
    refusal: Refusal | None = None
    merged: tuple[int, ...] = ()
    steps: tuple[BalanceStep, ...] = ()
    currency: str = ""
    has_other_sign: bool = False
    is_by_sign: bool = False
    inexact: str | None = None

    @property
    def takes_security(self) -> bool:
        """Say whether it is about a security, whatever its cells name beside it."""
        return self.kind not in IN_OR_OUT

    @property
    def names_security(self) -> bool:
        return self.takes_security and bool(self.naming)

    def flag(self, why: str) -> None:
        self.flags += (why,)

    def note(self, what: str) -> None:
        self.notes += (what,)

    def fees_in(self, currency: str) -> Decimal:
        """Its fees, as far as they are in `currency`."""
        is_in = self.texts.get("fee_currency", currency) == currency
        return self.numbers.get("fees", Decimal(0)) if is_in else Decimal(0)

    def forget(self) -> None:
        """Let go of what it was read from, once it is told."""
        self.numbers.clear()
        self.texts.clear()
