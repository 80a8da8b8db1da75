"""The fold: what a ledger's rows add up to. Applying never checks; rows that are here have been decided.

The projection in PostgreSQL, the position intervals of the lake, the back-dating check and `make verify` are all this.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from uuid import UUID

from domain.holdings import CostMethod, Holding, Lot, Reliefs, Trade, carried
from domain.ledger import BETWEEN_SECURITIES, TRADES, Transaction, TxnType, effective
from domain.limits import MOST_MONEY, UNITS_BELOW, OutOfRange
from domain.money import SCALE, ZERO, money, product, share

HoldingKey = tuple[int, int]  # (account_id, security_id)
InTransit = tuple[str, tuple[Lot, ...]]
"""Lots on their way, and the currency of their cost."""
_ONE = Decimal(1)
_NONE = Holding()


@dataclass(slots=True)
class Positions:
    """Holdings by (account, security), cash by currency, and lots on their way between two accounts or securities."""

    method: CostMethod = CostMethod.AVCO
    holdings: dict[HoldingKey, Holding] = field(default_factory=dict)
    cash: dict[str, Decimal] = field(default_factory=dict)
    in_transit: dict[UUID, InTransit] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[Transaction], method: CostMethod = CostMethod.AVCO) -> "Positions":
        """Fold `rows`, given in any order."""
        state = cls(method)
        for row in effective(rows):
            state.apply(row)
        return state

    def copy(self) -> "Positions":
        """A state of its own: what is applied to it leaves this one alone."""
        return Positions(self.method, dict(self.holdings), dict(self.cash), dict(self.in_transit))

    def holding(self, key: HoldingKey) -> Holding:
        return self.holdings.get(key, _NONE)

    def quantity_of(self, security_id: int) -> Decimal:
        return sum((held.quantity for (_, held_id), held in self.holdings.items() if held_id == security_id), ZERO)

    def apply(self, row: Transaction, reliefs: Reliefs = None) -> list[HoldingKey]:
        """Fold one row in; the keys of the holdings that it changed. `reliefs` is told what it has realised."""
        if row.cash_effect:
            self.add_cash(row.currency, row.cash_effect)
        return self.apply_units(row, reliefs)

    def on_its_way(self, transfer_id: UUID | None) -> Decimal:
        """Cost in base currency of what has left under a transfer, and has not arrived."""
        _, lots = self.in_transit.get(transfer_id, ("", ())) if transfer_id else ("", ())
        return sum((lot.cost_base for lot in lots), ZERO)

    def add_cash(self, currency: str, amount: Decimal) -> None:
        self.cash[currency] = money(self.cash.get(currency, ZERO) + amount)

    def apply_units(self, row: Transaction, reliefs: Reliefs = None) -> list[HoldingKey]:
        """As `apply`, without the cash."""
        if row.security_id is None:
            return []
        key = (row.account_id, row.security_id)
        if row.txn_type in TRADES:
            assert row.quantity is not None
            assert row.gross is not None
            trade = Trade(row.quantity, row.gross, row.fees, row.fx_rate or _ONE, row.business_date, row.seq)
            self.holdings[key] = self.holding(key).after(trade, self.method, reliefs)
            return [key]
        if row.txn_type is TxnType.TRANSFER_IN:
            for lot in self._arriving(row):
                self.holdings[key] = self.holding(key).opened(lot, self.method)
            return [key]
        if row.txn_type is TxnType.TRANSFER_OUT:
            assert row.quantity is not None
            self.holdings[key], left = self.holding(key).relieved(-row.quantity)
            if row.transfer_id is not None:
                self.in_transit[row.transfer_id] = (row.currency, left)
            return [key]
        if row.txn_type in BETWEEN_SECURITIES:
            self._exchange(key, row, reliefs)
            return [key]
        if row.txn_type in (TxnType.RETURN_OF_CAPITAL, TxnType.COST_ADJUSTMENT):
            change = -row.cash_effect if row.cost_effect is None else row.cost_effect
            self.holdings[key] = self.holding(key).recosted(change, row.fx_rate or _ONE, reliefs)
            return [key]
        if row.txn_type is TxnType.BONUS:
            assert row.quantity is not None
            self.holdings[key] = self.holding(key).grown(row.quantity, row.business_date, row.seq)
            return [key]
        if row.txn_type is TxnType.SPLIT:
            assert row.split_new is not None
            assert row.split_old is not None
            changed = [key for key, held in self.holdings.items() if key[1] == row.security_id and held.lots]
            for key in changed:
                self.holdings[key] = self.holdings[key].split(row.split_new, row.split_old)
            return changed
        return []

    def _exchange(self, key: HoldingKey, row: Transaction, reliefs: Reliefs) -> None:
        """One leg of an event between securities: what gives, with its share of the cost, or what receives."""
        if row.basis_share is None:
            assert row.quantity is not None
            assert row.transfer_id is not None
            currency, lots = self.in_transit.pop(row.transfer_id)
            if currency != row.currency:  # then only the base currency is common to both
                rate = row.fx_rate or _ONE
                lots = tuple(replace(lot, cost=share(lot.cost_base, _ONE, rate)) for lot in lots)
            for lot in carried(lots, row.quantity, row.business_date, row.seq):
                self.holdings[key] = self.holding(key).opened(lot, self.method)
            return
        if row.quantity is None:
            self.holdings[key], left = self.holding(key).parted(row.basis_share)
        else:
            given = (-row.quantity, row.cash_effect, row.basis_share, row.fx_rate or _ONE)
            self.holdings[key], left = self.holding(key).ceded(*given, reliefs)
        if row.transfer_id is not None:
            self.in_transit[row.transfer_id] = (row.currency, left)

    def refuse_outsized(self, row: Transaction, causes: Sequence[Transaction]) -> None:
        """OutOfRange if after `row` more is there than is kept, and `causes`, the decided rows, have added to it."""
        self.refuse_outsized_cash(row.currency, causes)
        self.refuse_outsized_units(row, causes)

    def refuse_outsized_cash(self, currency: str, causes: Sequence[Transaction]) -> None:
        cash = self.cash.get(currency, ZERO)
        if abs(cash) > MOST_MONEY:
            added = sum((each.cash_effect for each in causes if each.currency == currency), ZERO)
            if added * cash > 0:
                raise OutOfRange(f"cash in {currency}", cash, MOST_MONEY)

    def refuse_outsized_units(self, row: Transaction, causes: Sequence[Transaction]) -> None:
        if row.security_id is None:
            return
        if row.txn_type is not TxnType.SPLIT:
            _refuse_outsized(self.holding((row.account_id, row.security_id)), row.security_id, causes)
            return
        for key in [key for key in self.holdings if key[1] == row.security_id]:
            _refuse_outsized(self.holding(key), row.security_id, causes)

    def _arriving(self, row: Transaction) -> tuple[Lot, ...]:
        if row.transfer_id is not None:
            return self.in_transit.pop(row.transfer_id)[1]
        assert row.quantity is not None
        if row.gross is None:
            return (Lot(row.quantity, ZERO, ZERO, row.business_date, row.seq, is_known=False),)
        cost = money(row.gross + row.fees)
        base = product(cost, row.fx_rate or _ONE)
        return (Lot(row.quantity, cost, base, row.business_date, row.seq),)


def _refuse_outsized(held: Holding, security_id: int, causes: Sequence[Transaction]) -> None:
    quantity = held.quantity
    amounts = (held.cost_basis, held.cost_basis_base, held.realised, held.realised_base, held.realised_fx)
    if -UNITS_BELOW < quantity < UNITS_BELOW and min(amounts) >= -MOST_MONEY and max(amounts) <= MOST_MONEY:
        return
    cost, gain = max(amounts[:2], key=abs), max(amounts[2:], key=abs)
    of_it = [each for each in causes if each.security_id == security_id]
    added = sum((each.quantity or ZERO for each in of_it), ZERO)
    if abs(quantity) >= UNITS_BELOW and (quantity * added > 0 or any(each.split_new for each in of_it)):
        raise OutOfRange("quantity held", quantity, UNITS_BELOW - SCALE)
    if abs(cost) > MOST_MONEY and of_it and quantity * added >= 0:
        raise OutOfRange("cost of the holding", cost, MOST_MONEY)
    if abs(gain) > MOST_MONEY and any(each.reverses_seq is None for each in of_it):  # also by what makes it less
        raise OutOfRange("gain of the holding", gain, MOST_MONEY)
