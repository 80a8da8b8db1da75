"""Rows that stand with what they did to units and cost, lot by lot, by the domain's own fold."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.holdings import CostMethod, Holding, Lot
from domain.ledger import Transaction, TxnType
from domain.money import ZERO
from domain.positions import HoldingKey, Positions
from domain.values import quickly_made

_LotKey = tuple[date | None, int]


@dataclass(slots=True)
class Change:
    """Units and cost of one lot before and after a row; under average cost a holding has one."""

    key: HoldingKey
    opened_on: date | None
    is_known: bool
    units_before: Decimal = ZERO
    cost_before: Decimal = ZERO
    units_after: Decimal = ZERO
    cost_after: Decimal = ZERO

    @property
    def units(self) -> Decimal:
        return self.units_after - self.units_before

    @property
    def cost(self) -> Decimal:
        return self.cost_after - self.cost_before


@quickly_made
@dataclass(frozen=True, slots=True)
class Move:
    """A row, what it changed, and the gain that it realised where that is known."""

    row: Transaction
    changes: Sequence[Change] = ()
    gain: Decimal = ZERO

    @property
    def units(self) -> Decimal:
        return self.changes[0].units if len(self.changes) == 1 else sum((each.units for each in self.changes), ZERO)

    @property
    def cost(self) -> Decimal:
        return self.changes[0].cost if len(self.changes) == 1 else sum((each.cost for each in self.changes), ZERO)


class Fold:
    """Moves of rows in order of event, and what they add up to so far; `cash` by account and currency."""

    def __init__(self, method: CostMethod) -> None:
        self.positions = Positions(method)
        self.cash: dict[tuple[int, str], Decimal] = {}

    def moves(self, rows: Iterable[Transaction]) -> Iterator[Move]:
        for row in rows:
            if row.cash_effect:
                place = (row.account_id, row.currency)
                self.cash[place] = self.cash.get(place, ZERO) + row.cash_effect
            yield self._move(row)

    def _move(self, row: Transaction) -> Move:
        state, security_id = self.positions, row.security_id
        if security_id is None:
            return Move(row)
        if row.txn_type is TxnType.SPLIT:
            before = [(key, held) for key, held in state.holdings.items() if key[1] == security_id]
        else:
            key = (row.account_id, security_id)
            before = [(key, state.holding(key))]
        state.apply_units(row)
        changes: list[Change] = []
        gain = ZERO
        for key, was in before:
            now = state.holding(key)
            if now is not was:
                changes += _changes(key, was, now)
                if now.realised is not was.realised:
                    gain += now.realised - was.realised
        return Move(row, changes, gain)


def _changes(key: HoldingKey, before: Holding, after: Holding) -> Iterable[Change]:
    was, now = before.lots, after.lots
    if len(was) <= 1 and len(now) <= 1 and not (was and now and was[0].quantity * now[0].quantity < 0):
        return [_change(key, was[0] if was else None, now[0] if now else None)]
    first = 0
    while first < min(len(was), len(now)) and was[first] is now[first]:
        first += 1
    last = 0
    while last < min(len(was), len(now)) - first and was[-1 - last] is now[-1 - last]:
        last += 1
    return _by_lot(key, was[first : len(was) - last], now[first : len(now) - last])


def _by_lot(key: HoldingKey, was: Sequence[Lot], now: Sequence[Lot]) -> Iterable[Change]:
    """A change for each lot, by its day and row."""
    found: dict[_LotKey, Change] = {}
    for lot in was:
        change = found.setdefault((lot.opened_on, lot.seq), Change(key, lot.opened_on, lot.is_known))
        change.units_before += lot.quantity
        change.cost_before += lot.cost
    for lot in now:
        change = found.setdefault((lot.opened_on, lot.seq), Change(key, lot.opened_on, lot.is_known))
        change.units_after += lot.quantity
        change.cost_after += lot.cost
    return found.values()


def _change(key: HoldingKey, was: Lot | None, now: Lot | None) -> Change:
    one = was or now
    opened_on, is_known = (one.opened_on, one.is_known) if one else (None, True)
    change = Change(key, opened_on, is_known)
    if was:
        change.units_before, change.cost_before = was.quantity, was.cost
    if now:
        change.units_after, change.cost_after = now.quantity, now.cost
    return change
