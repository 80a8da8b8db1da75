"""Position history as ranges of validity: what was held, and at what cost, from one day to the next change.

Cost is folded here with the same rule as the projection, so that SQL downstream only expands ranges into days.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from domain.disposals import Disposal, disposals
from domain.holdings import CostMethod, Holding, Relief
from domain.ledger import BETWEEN_SECURITIES, Transaction, TxnType, effective
from domain.money import ZERO, money
from domain.positions import HoldingKey, Positions


@dataclass(frozen=True, slots=True)
class PositionInterval:
    """One security in one account, unchanged at the close of every day in [valid_from, valid_to).

    `valid_to` is None while it still holds. `realised` is the gain realised since the first trade. Amounts are in the
    security's currency, those that end in `_base` in the portfolio's. A range with quantity 0 says that the position
    is closed; it carries the realised gain on. Where the basis is not known, cost and gain are not figures.
    `departed_base` is what units had cost that left the portfolio without a sale, since the first trade; `carried_base`
    the cost that came in events from other securities of it, less what went there.
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
    departed_base: Decimal
    carried_base: Decimal


def position_intervals(
    rows: Iterable[Transaction], method: CostMethod = CostMethod.AVCO, disposed: list[Disposal] | None = None
) -> Iterator[PositionInterval]:
    """The intervals of one portfolio's ledger, ordered by account, security and day.

    Rows may come in any order; the order of event decides, and of several rows on one day the last state counts.
    `disposed` gets what the same fold disposes of, in order of event, before the first interval comes.
    """
    closes: dict[HoldingKey, dict[date, tuple[Holding, Decimal, Decimal]]] = {}
    departed: dict[HoldingKey, Decimal] = {}
    carried: dict[HoldingKey, Decimal] = {}
    state = Positions(method)
    portfolio_id = None
    for row in effective(rows):
        portfolio_id = row.portfolio_id
        before, on_its_way = dict(state.holdings) if _departs(row) else {}, state.on_its_way(row.transfer_id)
        reliefs: list[Relief] | None = None if disposed is None else []
        changed = state.apply(row, reliefs)
        if disposed is not None and reliefs:
            disposed += disposals(row, reliefs, method)
        for key in changed:
            if key in before:
                left = before[key].cost_basis_base - state.holdings[key].cost_basis_base
                departed[key] = money(departed.get(key, ZERO) + left)
            if row.txn_type in BETWEEN_SECURITIES:
                carried[key] = money(carried.get(key, ZERO) + on_its_way - state.on_its_way(row.transfer_id))
            closes.setdefault(key, {})[row.business_date] = (
                state.holdings[key],
                departed.get(key, ZERO),
                carried.get(key, ZERO),
            )
    for (account_id, security_id), days in sorted(closes.items()):
        assert portfolio_id is not None, "a holding comes from a row"
        starts = list(days)
        for start, end in zip(starts, [*starts[1:], None], strict=True):
            held, departed_base, carried_base = days[start]
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
                departed_base,
                carried_base,
            )


def _departs(row: Transaction) -> bool:
    """Say whether units leave the portfolio without a sale; to another of its accounts they stay."""
    return row.txn_type is TxnType.TRANSFER_OUT and row.transfer_id is None
