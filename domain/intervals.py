"""Position history as ranges of validity: what was held, and at what cost, from one day to the next change.

Cost is folded here with the same rule as the projection, so that SQL downstream only expands ranges into days.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from domain.holdings import CostMethod, Holding
from domain.ledger import Transaction, effective
from domain.positions import HoldingKey, Positions


@dataclass(frozen=True, slots=True)
class PositionInterval:
    """One security in one account, unchanged at the close of every day in [valid_from, valid_to).

    `valid_to` is None while it still holds. `realised` is the gain realised since the first trade. Amounts are in the
    security's currency, those that end in `_base` in the portfolio's. A range with quantity 0 says that the position
    is closed; it carries the realised gain on. Where the basis is not known, cost and gain are not figures.
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
    cost_basis_base: Decimal
    realised_base: Decimal
    realised_fx_base: Decimal
    is_basis_known: bool
    is_realised_known: bool


def position_intervals(rows: Iterable[Transaction], method: CostMethod = CostMethod.AVCO) -> Iterator[PositionInterval]:
    """The intervals of one portfolio's ledger, ordered by account, security and day.

    Rows may come in any order; the order of event decides, and of several rows on one day the last state counts.
    """
    closes: dict[HoldingKey, dict[date, Holding]] = {}
    state = Positions(method)
    portfolio_id = None
    for row in effective(rows):
        portfolio_id = row.portfolio_id
        for key in state.apply(row):
            closes.setdefault(key, {})[row.business_date] = state.holdings[key]
    for (account_id, security_id), days in sorted(closes.items()):
        assert portfolio_id is not None, "a holding comes from a row"
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
                held.cost_basis_base,
                held.realised_base,
                held.realised_fx,
                held.is_basis_known,
                held.is_realised_known,
            )
