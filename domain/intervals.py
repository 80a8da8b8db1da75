"""Position history as ranges of validity: what was held, and at what cost, from one day to the next change.

Cost is folded here with the same rule as the projection, so that SQL downstream only expands ranges into days.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from domain.holdings import Holding
from domain.ledger import Transaction, in_order_of_event


@dataclass(frozen=True, slots=True)
class PositionInterval:
    """One security in one account, unchanged at the close of every day in [valid_from, valid_to).

    `valid_to` is None while it still holds. `realised` is the gain realised since the first trade. A range with
    quantity 0 says that the position is closed; it carries the realised gain on.
    """

    portfolio_id: UUID
    account_id: int
    security_id: int
    valid_from: date
    valid_to: date | None
    quantity: Decimal
    cost_basis: Decimal
    avg_cost: Decimal
    realised: Decimal


def position_intervals(rows: Iterable[Transaction]) -> Iterator[PositionInterval]:
    """The intervals of one portfolio's ledger, ordered by account, security and day.

    Rows may come in any order; the order of event decides, and of several rows on one day the last state counts.
    """
    closes: dict[tuple[UUID, int, int], dict[date, Holding]] = {}
    for row in in_order_of_event(rows):
        if row.security_id is None or row.quantity is None or row.price is None:
            continue
        days = closes.setdefault((row.portfolio_id, row.account_id, row.security_id), {})
        before = next(reversed(days.values()), Holding())
        days[row.business_date] = before.after(row.quantity, row.price, row.fees)
    for (portfolio_id, account_id, security_id), days in sorted(closes.items()):
        starts = list(days)
        for start, end in zip(starts, [*starts[1:], None], strict=True):
            held = days[start]
            yield PositionInterval(
                portfolio_id,
                account_id,
                security_id,
                start,
                end,
                held.quantity,
                held.cost_basis,
                held.avg_cost,
                held.realised,
            )
