"""The transaction ledger: rows that are only ever appended, in the portfolio's own dense order.

A `Transaction` is a fact. `cash_effect` is the signed change of cash in the row's currency, `quantity` the signed
change of units; both are decided once, when the row is written, and replay only adds them up.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from domain.money import ZERO


class TxnType(StrEnum):
    BUY = "BUY"
    SELL = "SELL"
    DEPOSIT = "DEPOSIT"
    WITHDRAW = "WITHDRAW"
    FEE = "FEE"
    TRANSFER_IN = "TRANSFER_IN"


@dataclass(frozen=True, slots=True)
class Transaction:
    """One ledger row.

    `quantity` is signed (a sale is negative) and None for cash rows. `fees` are part of `cash_effect` and, on a
    buy, of the cost. `seq` is the portfolio's version after this row: 1, 2, 3 ... without gaps.
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


def in_order_of_event(rows: Iterable[Transaction]) -> list[Transaction]:
    """Rows as they happened: by business date, then moment, then ledger order for the same moment."""
    return sorted(rows, key=lambda row: (row.business_date, row.event_ts, row.seq))
