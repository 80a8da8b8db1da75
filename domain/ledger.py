"""The transaction ledger: rows that are only ever appended, in the portfolio's own dense order.

A `Transaction` is a fact. Its signed effects on cash and units are decided once, when the row is written; replay only
adds them up. What a row did to cost is never written into it: cost is folded anew, so a back-dated row finds its place.
Rows are chained: each row's hash covers the row and the hash before it, so that no recorded byte can change unnoticed.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from uuid import UUID

from domain.errors import plain
from domain.money import ZERO
from domain.values import quickly_made

FIRST_DAY = date(1970, 1, 1)
"""The first day that a row may have, and that the calendar and the marts have."""


class TxnType(StrEnum):
    BUY = "BUY"
    SELL = "SELL"
    DEPOSIT = "DEPOSIT"
    WITHDRAW = "WITHDRAW"
    FEE = "FEE"
    TAX = "TAX"
    INTEREST = "INTEREST"
    DIVIDEND = "DIVIDEND"
    COUPON = "COUPON"
    TRANSFER_IN = "TRANSFER_IN"
    TRANSFER_OUT = "TRANSFER_OUT"
    SPLIT = "SPLIT"
    BONUS = "BONUS"
    RETURN_OF_CAPITAL = "RETURN_OF_CAPITAL"
    COST_ADJUSTMENT = "COST_ADJUSTMENT"
    SPIN_OFF = "SPIN_OFF"
    RIGHTS = "RIGHTS"
    MERGER = "MERGER"
    EXCHANGE = "EXCHANGE"
    CASH_IN_LIEU = "CASH_IN_LIEU"
    REVERSAL = "REVERSAL"


TRADES = frozenset({TxnType.BUY, TxnType.SELL, TxnType.CASH_IN_LIEU})
BETWEEN_SECURITIES = frozenset({TxnType.SPIN_OFF, TxnType.RIGHTS, TxnType.MERGER, TxnType.EXCHANGE})
"""Events in which cost and lots go from one security to another: two rows for each account, first of what gives."""
WITHOUT_PAYMENT = BETWEEN_SECURITIES | {TxnType.TRANSFER_IN, TxnType.TRANSFER_OUT, TxnType.BONUS}
"""Rows whose units come or go without a price: their cost goes along, and they neither leave nor enter a short."""


@quickly_made
@dataclass(frozen=True, slots=True)
class Transaction:
    """One ledger row.

    `seq` is the portfolio's version after this row: 1, 2, 3 ... without gaps. `cash_effect` is the signed change of
    cash in `currency`; `quantity` the signed change of units (a sale is negative), None for rows that move none.
    `gross` is what the units are worth in the row, clean and above 0: quantity x price, for a bond per cent of par;
    None for units that arrive with an unknown basis. `fees` are in `cash_effect` and, on a buy, in the cost;
    `accrued` is bought or sold interest, in `cash_effect` but never in the cost. `fx_rate` is what one unit of
    `currency` is in base currency. All rows of a transfer, a conversion or an event carry one `transfer_id`.
    A SPLIT turns `split_old` units into `split_new`, in every account. A REVERSAL takes back row `reverses_seq`.
    `cost_effect` is the signed change of cost by a COST_ADJUSTMENT, in `currency`; `basis_share` the fraction of the
    cost that goes from one security to another, on the row of the one that gives.
    """

    portfolio_id: UUID
    seq: int
    account_id: int
    txn_type: TxnType
    currency: str
    cash_effect: Decimal
    event_ts: datetime
    business_date: date
    security_id: int | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None
    fees: Decimal = ZERO
    note: str = ""
    gross: Decimal | None = None
    accrued: Decimal = ZERO
    fx_rate: Decimal | None = None
    ex_date: date | None = None
    split_new: Decimal | None = None
    split_old: Decimal | None = None
    transfer_id: UUID | None = None
    reverses_seq: int | None = None
    external_id: str | None = None
    cost_effect: Decimal | None = None
    basis_share: Decimal | None = None

    def numbered(self, seq: int) -> "Transaction":
        """The row as row `seq`, as `dataclasses.replace` would make it, in half of the time."""
        if seq == self.seq:
            return self
        portfolio_id, _, *others = fields_of(self)
        return Transaction(portfolio_id, seq, *others)


fields_of = attrgetter(*Transaction.__slots__)
"""Values of a row in the order of its fields."""
_SELDOM = (
    *("ex_date", "split_new", "split_old", "transfer_id", "reverses_seq", "external_id"),
    *("cost_effect", "basis_share"),
)
seldom_set = attrgetter(*_SELDOM)
"""Values of a row's last fields, which few rows have."""
NONE_SET = (None,) * len(_SELDOM)
Figures = tuple[str, str, str, str, str, str, str]
text_of = lru_cache(maxsize=1_024)(str)
"""Texts of ids, days and moments, which many rows share."""
_canonical = json.JSONEncoder(separators=(",", ":")).encode
_quoted = json.encoder.encode_basestring_ascii


def in_order_of_event(rows: Iterable[Transaction]) -> list[Transaction]:
    """Rows as they happened: by business date, then moment, then ledger order for the same moment."""
    return sorted(rows, key=lambda row: (row.business_date, row.event_ts, row.seq))


def effective(rows: Iterable[Transaction]) -> list[Transaction]:
    """Rows in order of event, without those that were reversed and without their reversals."""
    listed = list(rows)
    taken_back = {row.reverses_seq for row in listed if row.reverses_seq is not None}
    if taken_back:
        listed = [row for row in listed if row.seq not in taken_back and row.reverses_seq is None]
    return in_order_of_event(listed)


def reversal(row: Transaction, note: str, external_id: str | None = None) -> Transaction:
    """The draft that takes `row` back: at its moment, with its effects negated."""
    return replace(
        row,
        txn_type=TxnType.REVERSAL,
        cash_effect=-row.cash_effect,
        quantity=-row.quantity if row.quantity is not None else None,
        cost_effect=-row.cost_effect if row.cost_effect is not None else None,
        reverses_seq=row.seq,
        external_id=external_id,
        note=note,
    )


def first_hash(portfolio_id: UUID) -> bytes:
    """Return the hash that the first row of a portfolio is chained to."""
    return hashlib.sha256(portfolio_id.bytes).digest()


def row_hash(previous: bytes, row: Transaction, recorded_at: datetime) -> bytes:
    """The SHA-256 of `previous` and of everything that is recorded in `row`."""
    return chained(previous, row, figures_of(row), recorded_at)


def figures_of(row: Transaction) -> Figures:
    """Plain texts of cash, quantity, price, fees, gross, accrued interest and rate; empty where there is none."""
    quantity, price, gross, rate = row.quantity, row.price, row.gross, row.fx_rate
    return (
        plain(row.cash_effect),
        "" if quantity is None else plain(quantity),
        "" if price is None else plain(price),
        plain(row.fees) if row.fees else "0",
        "" if gross is None else plain(gross),
        plain(row.accrued) if row.accrued else "0",
        "" if rate is None else plain(rate),
    )


def chained(previous: bytes, row: Transaction, figures: Figures, recorded_at: datetime) -> bytes:
    """The hash of a row whose `figures` are these: of canonical JSON, what `_canonical` makes of a list of all,
    written out, which takes a third of the time.

    Fields that rows did not have from the first day on are in it only where they are set: old hashes stay.
    """
    seldom, later = "null,null,null,null,null,null", ""
    if (found := seldom_set(row)) != NONE_SET:
        ex_date, new, old, transfer_id, reverses_seq, external_id, cost_effect, basis_share = found
        seldom = (
            f"{_text(ex_date)},{_number(new)},{_number(old)},{_text(transfer_id)},{_json(reverses_seq)},"
            f"{_text(external_id)}"
        )
        if cost_effect is not None or basis_share is not None:
            named = {"cost_effect": _plain(cost_effect), "basis_share": _plain(basis_share)}
            later = "," + _canonical({name: value for name, value in named.items() if value is not None})
    cash, quantity, price, fees, gross, accrued, rate = figures
    text = (
        f'["{text_of(row.portfolio_id)}",{row.seq},{row.account_id},"{row.txn_type}",{_quoted(row.currency)},"{cash}",'
        f'"{_utc(row.event_ts)}","{text_of(row.business_date)}",{_json(row.security_id)},{_figure(quantity)},'
        f'{_figure(price)},"{fees}",{_quoted(row.note)},{_figure(gross)},"{accrued}",{_figure(rate)},{seldom},'
        f'"{_utc(recorded_at)}"{later}]'
    )
    return hashlib.sha256(previous + text.encode()).digest()


@lru_cache(maxsize=1_024)
def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _json(value: int | None) -> str:
    return "null" if value is None else str(value)


def _text(value: object) -> str:
    return "null" if value is None else _quoted(str(value))


def _number(value: Decimal | None) -> str:
    return "null" if value is None else f'"{plain(value)}"'


def _figure(text: str) -> str:
    return f'"{text}"' if text else "null"


def _plain(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)
