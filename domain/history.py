"""Recorded rows of one portfolio, as far as decisions are made against them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from domain.entries import When
from domain.errors import CannotReverse
from domain.holdings import CostMethod
from domain.ledger import Transaction, effective
from domain.positions import Positions
from domain.timeline import CashStep, Timeline, cash_step


@dataclass(slots=True)
class History:
    """Recorded rows of a portfolio: all, or with `later_cash` those of some securities over their whole lives, and the
    steps of all cash from the moment on from which something is decided."""

    rows: list[Transaction] = field(default_factory=list)
    later_cash: list[CashStep] | None = None

    def timeline(self) -> Timeline:
        cash = self.later_cash
        if cash is None:
            cash = [cash_step(row) for row in effective(self.rows) if row.cash_effect]
        return Timeline(self.rows, cash)

    def of(self, security_id: int) -> list[Transaction]:
        """The effective rows of a security, in order of event."""
        return effective(row for row in self.rows if row.security_id == security_id)

    def held(self, security_id: int, until: Callable[[Transaction], bool], method: CostMethod) -> Positions:
        """Return what was held of a security after the rows that are `until` then; also of what its units came from."""
        every = Positions.of(filter(until, effective(self.rows)), method)
        every.holdings = {key: held for key, held in every.holdings.items() if key[1] == security_id}
        return every

    def units_by_account(self, security_id: int, when: When, method: CostMethod) -> dict[int, Decimal]:
        """Units of a security in each account that are there at `when`, short ones negative."""
        moment = (when.business_date, when.event_ts)
        held = self.held(security_id, lambda row: (row.business_date, row.event_ts) <= moment, method)
        return {account_id: holding.quantity for (account_id, _), holding in sorted(held.holdings.items())}

    def beginning(self, end: Positions, timeline: Timeline) -> Positions:
        """Return the state before all rows, by what is there in the `end`."""
        anew = {row.security_id for row in self.rows}
        holdings = {key: held for key, held in end.holdings.items() if key[1] not in anew}
        start = Positions(end.method, holdings, dict(end.cash))
        for currency, amount in timeline.cash_to_come().items():
            start.add_cash(currency, -amount)
        return start

    def to_reverse(self, seq: int) -> list[Transaction]:
        """Row `seq`, and the other leg of its transfer; CannotReverse if there is none or it is taken back already."""
        original = next((row for row in self.rows if row.seq == seq), None)
        if original is None:
            raise CannotReverse(seq, "there is no such row")
        if original.reverses_seq is not None:
            raise CannotReverse(seq, "it is itself a reversal; record the transaction again")
        taken_back = next((row.seq for row in self.rows if row.reverses_seq == seq), None)
        if taken_back is not None:
            raise CannotReverse(seq, f"it was reversed by transaction {taken_back}")
        transfer = original.transfer_id
        return [row for row in self.rows if transfer and row.transfer_id == transfer] or [original]
