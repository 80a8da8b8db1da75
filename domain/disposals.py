"""Disposals: what was sold, what it had cost, and what was gained by it; kept as facts.

They are what the one fold of holdings relieves, so that their gains sum to the change of `realised`, in the security's
currency and in the portfolio's. Gains of a year, by term or by currency are questions to them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from domain.holdings import CostMethod, Relief
from domain.ledger import Transaction, TxnType
from domain.money import money

LONG_TERM_DAYS = 365
"""Days beyond which what was held is long term, where a portfolio has no number of its own."""
MOST_LONG_TERM_DAYS = 36_500


class Term(StrEnum):
    SHORT = "SHORT"
    LONG = "LONG"


@dataclass(frozen=True, slots=True)
class Disposal:
    """Units of one lot that ledger row `seq` gave for money, the `part`-th lot of that row, on `realised_on`.

    `sale_seq` and `lot_seq` are the rows that sold and that acquired the units. They are `seq` and the row that opened
    the lot, whose day goes along through transfers, splits and events between securities; of a short, whose opening is
    its sale, the opening row and `seq`. What was never held before it was sold was held for 0 days. Under average cost
    a lot has no row and no day of its own: those, `acquired_on` and `days_held` are None.

    `units` are above 0, or 0 for what a return of capital or an adjustment of cost left beyond the cost. `proceeds` are
    less the sale's fees, `cost` has the purchase's in it, `gain` is their difference; in `currency`, and those that end
    in `_base` in the portfolio's at the rates of the days. Of that, `fx_gain_base` is owed to the rate alone. What an
    unknown basis leaves unknown is None, never 0.
    """

    portfolio_id: UUID
    account_id: int
    security_id: int
    seq: int
    part: int
    txn_type: TxnType
    realised_on: date
    sale_seq: int | None
    lot_seq: int | None
    acquired_on: date | None
    sold_on: date | None
    days_held: int | None
    units: Decimal
    currency: str
    proceeds: Decimal | None
    cost: Decimal | None
    gain: Decimal | None
    proceeds_base: Decimal | None
    cost_base: Decimal | None
    gain_base: Decimal | None
    fx_gain_base: Decimal | None


def disposals(row: Transaction, reliefs: Iterable[Relief], method: CostMethod) -> Iterator[Disposal]:
    """Return what `row` disposed of, by what the fold relieved for it; a lot of nothing at all is no part."""
    for part, relief in enumerate(filter(_is_something, reliefs), 1):
        yield _disposal(row, relief, part, method is not CostMethod.AVCO)


def term_of(days_held: int | None, long_term_days: int) -> Term | None:
    """LONG for what was held for more than `long_term_days`; None where the days are not known."""
    if days_held is None:
        return None
    return Term.LONG if days_held > long_term_days else Term.SHORT


def _is_something(relief: Relief) -> bool:
    lot = relief.lot
    return any((lot.quantity, lot.cost, lot.cost_base, relief.proceeds, relief.proceeds_base))


def _disposal(row: Transaction, relief: Relief, part: int, has_lots: bool) -> Disposal:
    lot, is_short, is_known = relief.lot, relief.is_short, relief.lot.is_known
    here: tuple[int | None, date | None] = (row.seq, row.business_date)
    opened = (lot.seq or None, lot.opened_on) if has_lots else (None, None)
    acquired, sold = (here, opened) if is_short else (opened, here)
    cost, cost_base = (lot.cost, lot.cost_base) if is_known else (None, None)
    given: tuple[Decimal | None, Decimal | None] = (relief.proceeds, relief.proceeds_base)
    if is_short:  # what the lot brought in is its proceeds, and what is paid now its cost
        given = (None, None) if cost is None or cost_base is None else (-cost, -cost_base)
        cost, cost_base = -relief.proceeds, -relief.proceeds_base
    gain_base = money(relief.proceeds_base - lot.cost_base) if is_known else None
    days_held = 0 if is_short else (row.business_date - lot.opened_on).days if lot.opened_on else None
    return Disposal(
        row.portfolio_id,
        row.account_id,
        _security(row),
        row.seq,
        part,
        row.txn_type,
        row.business_date,
        sale_seq=sold[0],
        lot_seq=acquired[0],
        acquired_on=acquired[1] if has_lots else None,
        sold_on=sold[1],
        days_held=days_held if has_lots else None,
        units=abs(lot.quantity),
        currency=row.currency,
        proceeds=given[0],
        cost=cost,
        gain=money(relief.proceeds - lot.cost) if is_known else None,
        proceeds_base=given[1],
        cost_base=cost_base,
        gain_base=gain_base,
        fx_gain_base=None if gain_base is None else money(gain_base - relief.gain_at_rate),
    )


def _security(row: Transaction) -> int:
    assert row.security_id is not None, "what relieves lots is of a security"
    return row.security_id
