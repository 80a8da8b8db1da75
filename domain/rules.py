"""The rules of a portfolio: what a decision may leave behind, at its moment and at every later one.

Units and cash are covered, a transfer enters no short, what orders have reserved stays, and a security is in six
accounts at most. Whoever may be short, and what a broker has confirmed, is checked for transfers only (`is_checked`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.errors import InsufficientCash, InsufficientPosition, TooManyHoldings
from domain.ledger import WITHOUT_PAYMENT, Transaction, TxnType
from domain.money import ZERO, money
from domain.positions import HoldingKey, Positions
from domain.timeline import Step, Timeline
from domain.values import quickly_made

MOST_HOLDINGS = 6


@quickly_made
@dataclass(frozen=True, slots=True)
class Decision:
    """Rows that are to be recorded, the state at their moment before and after them, and the holdings they change."""

    rows: Sequence[Transaction]
    before: Positions
    after: Positions
    keys: frozenset[HoldingKey]
    timeline: Timeline
    is_checked: bool

    @classmethod
    def adding(
        cls,
        rows: Sequence[Transaction],
        before: Positions,
        timeline: Timeline,
        is_checked: bool,
        on: date | None,
    ) -> "Decision":
        """The decision to record `rows`; a refusal if one of them is not covered, or leaves more than is kept."""
        after, keys = before.copy(), set[HoldingKey]()
        for row in rows:
            _refuse_shortfall(after, row, rows, is_checked, on)
            keys.update(after.apply(row))
            after.refuse_outsized(row, rows)
        return cls(rows, before, after, frozenset(keys), timeline, is_checked)

    @classmethod
    def taking_back(
        cls, rows: Sequence[Transaction], after: Positions, timeline: Timeline, is_checked: bool
    ) -> "Decision":
        """The decision to record reversals, whose originals come next in the timeline, and are passed by."""
        before, keys = after.copy(), set[HoldingKey]()
        for original in timeline.passed_by({row.reverses_seq for row in rows}):
            keys.update(before.apply(original))
        return cls(rows, before, after, frozenset(keys), timeline, is_checked)

    def cash_change(self, currency: str) -> Decimal:
        return sum((row.cash_effect for row in self.rows if row.currency == currency), ZERO)

    def unit_change(self, key: HoldingKey) -> Decimal:
        """Zero for a split, and for what takes one back."""
        return sum((row.quantity or ZERO for row in self.rows if (row.account_id, row.security_id) == key), ZERO)


def refuse_later_shortage(decision: Decision) -> None:
    """Refuse what a recorded row to come would not be covered after; the first of them is named by its day."""
    if decision.timeline.is_over:
        return
    short: list[tuple[Step, Decimal, HoldingKey | str]] = []
    for key in decision.keys:
        left = decision.after.holding(key).quantity
        if left < decision.before.holding(key).quantity and (
            found := decision.timeline.shortage(key, left, decision.is_checked)
        ):
            short.append((*found, key))
    for currency in {row.currency for row in decision.rows if decision.is_checked and row.cash_effect}:
        if decision.cash_change(currency) < 0 and (
            found := decision.timeline.shortage(currency, decision.after.cash[currency], True)
        ):
            short.append((*found, currency))
    if not short:
        return
    step, left, balance = min(short, key=lambda each: each[0][:3])
    if isinstance(balance, str):
        cash = -decision.cash_change(balance)
        raise InsufficientCash(balance, available=money(left + cash), asked=cash, on=step.business_date)
    taken = -decision.unit_change(balance)
    units = taken if taken > 0 and decision.rows[0].txn_type is not TxnType.SPLIT else abs(step.change)
    raise InsufficientPosition(balance[1], held=money(left + units), asked=units, on=step.business_date)


def refuse_reserved(
    decision: Decision, reserved_cash: Mapping[str, Decimal], reserved_units: Mapping[HoldingKey, Decimal]
) -> None:
    """Refuse what would take cash or units that open orders have reserved, in the end."""
    if not reserved_cash and not reserved_units:
        return
    end, before, after = decision.timeline.end, decision.before, decision.after
    for currency in {row.currency for row in decision.rows} & reserved_cash.keys():
        reserved = reserved_cash[currency]
        left, was = end(currency, after.cash.get(currency, ZERO)), end(currency, before.cash.get(currency, ZERO))
        if reserved > 0 and left < reserved and left < was:
            raise InsufficientCash(currency, available=money(was - reserved), asked=money(was - left))
    is_split = decision.rows[0].txn_type is TxnType.SPLIT
    for key in () if is_split else decision.keys & reserved_units.keys():
        reserved = reserved_units[key]
        left, was = end(key, after.holding(key).quantity), end(key, before.holding(key).quantity)
        if reserved > 0 and left < reserved and left < was:
            raise InsufficientPosition(key[1], held=money(was - reserved), asked=money(was - left))


def refuse_seventh_account(decision: Decision) -> None:
    end, after = decision.timeline.end, decision.after
    for opened in decision.keys:
        if end(opened, decision.before.holding(opened).quantity):
            continue  # was open, so that nothing is opened
        security_id = opened[1]
        known = {key for key in after.holdings if key[1] == security_id}
        known |= {(account_id, security_id) for account_id in decision.timeline.accounts_of(security_id)}
        if sum(1 for key in known if end(key, after.holding(key).quantity)) > MOST_HOLDINGS:
            raise TooManyHoldings(security_id, MOST_HOLDINGS)


def _refuse_shortfall(
    state: Positions, row: Transaction, decided: Sequence[Transaction], is_checked: bool, on: date | None
) -> None:
    """Refuse `decided` if `row`, one of it, would leave units or cash below zero; `on` names its day if it is late."""
    is_transfer = row.txn_type in WITHOUT_PAYMENT
    if row.security_id is not None and row.quantity and (is_transfer or (is_checked and row.quantity < 0)):
        held = state.holding((row.account_id, row.security_id)).quantity
        left = min(held, held + row.quantity)
        if left < 0:
            place = (row.account_id, row.security_id)
            asked = -sum(each.quantity or 0 for each in decided if (each.account_id, each.security_id) == place)
            if asked > 0 and decided[0].txn_type is not TxnType.SPLIT:  # what a split takes is no number of units
                raise InsufficientPosition(row.security_id, held=left + asked, asked=Decimal(asked), on=on)
            raise InsufficientPosition(row.security_id, held=held, asked=abs(row.quantity), on=on)
    left = state.cash.get(row.currency, ZERO) + row.cash_effect
    if is_checked and row.cash_effect < 0 and left < 0:
        asked = -sum(each.cash_effect for each in decided if each.currency == row.currency)
        if asked > 0:  # otherwise it was overdrawn by what a broker had confirmed
            raise InsufficientCash(row.currency, available=left + asked, asked=Decimal(asked), on=on)
