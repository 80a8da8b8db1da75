"""A portfolio that decides everything by folding its whole ledger anew: slow, and simple enough to be believed."""

from dataclasses import replace
from datetime import date, datetime

from domain.entries import When
from domain.errors import InsufficientCash, InsufficientPosition, TooManyHoldings
from domain.ledger import WITHOUT_PAYMENT, Transaction, TxnType, effective
from domain.portfolio import Portfolio
from domain.positions import Positions
from domain.rules import MOST_HOLDINGS


class FoldingPortfolio(Portfolio):
    """One whose history is at hand. It knows of no order, whose reservations are no matter of folding."""

    __slots__ = ()

    def decide(self, drafts: list[Transaction], is_confirmed: bool = False) -> list[Transaction]:
        assert self.history is not None
        rows = [replace(row, seq=self.version + place) for place, row in enumerate(drafts, start=1)]
        is_checked = not (self.allows_shorts or is_confirmed)
        state, moment = Positions(self.cost_method), _moment(rows[0])
        for row in effective([*self.history.rows, *rows]):
            if _moment(row) >= moment:
                self._refuse_short(state, row, rows, is_checked)
            state.apply(row)
            if _moment(row) >= moment:
                state.refuse_outsized(row, rows)
        for security_id in {row.security_id for row in rows}:
            if sum(key[1] == security_id and bool(held.lots) for key, held in state.holdings.items()) > MOST_HOLDINGS:
                assert security_id is not None
                raise TooManyHoldings(security_id, MOST_HOLDINGS)
        is_newest = self.last is None or moment >= (self.last.business_date, self.last.event_ts)
        self.last = When(rows[0].event_ts, rows[0].business_date) if is_newest else self.last
        self._become(state)
        self.version = rows[-1].seq
        self.rows += rows
        self.history.rows += rows
        return rows

    def _refuse_short(self, state: Positions, row: Transaction, rows: list[Transaction], is_checked: bool) -> None:
        first = rows[0]
        on = row.business_date if self.is_back_dated(When(first.event_ts, first.business_date)) else None
        is_transfer = row.txn_type in WITHOUT_PAYMENT
        if row.quantity and row.security_id is not None and (is_transfer or (is_checked and row.quantity < 0)):
            held = state.holding((row.account_id, row.security_id)).quantity
            place, left = (row.account_id, row.security_id), min(held, held + row.quantity)
            units = -sum(each.quantity or 0 for each in rows if (each.account_id, each.security_id) == place)
            if left < 0 and units > 0 and first.txn_type is not TxnType.SPLIT:
                raise InsufficientPosition(row.security_id, held=left + units, asked=units, on=on)
            if left < 0:
                raise InsufficientPosition(row.security_id, held=held, asked=abs(row.quantity), on=on)
        cash = state.cash.get(row.currency, 0) + row.cash_effect
        asked = -sum(each.cash_effect for each in rows if each.currency == row.currency)
        if is_checked and row.cash_effect < 0 and cash < 0 and asked > 0:
            raise InsufficientCash(row.currency, available=cash + asked, asked=asked, on=on)


def _moment(row: Transaction) -> tuple[date, datetime]:
    return (row.business_date, row.event_ts)
