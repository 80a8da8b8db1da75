"""The portfolio: the root that every write goes through, because its positions share its cash.

A decision (`buy`, `sell`, `deposit` ...) checks the rules and appends ledger rows, all of them or none. State changes
only by applying rows (`domain.positions`); replay uses the same, and it never checks. Rows dated before the newest one
are decided against the whole history, so that no later day is left with units or cash that were not there.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from domain.entries import PLAIN, Entry, Terms, When
from domain.errors import (
    AlreadySplit,
    CannotReverse,
    InsufficientCash,
    InsufficientPosition,
    InvalidInput,
    InvalidNumber,
    PortfolioArchived,
    TooManyHoldings,
)
from domain.holdings import CostMethod, Holding
from domain.ledger import Transaction, TxnType, effective, reversal
from domain.money import ZERO, money, share
from domain.positions import HoldingKey, Positions

MOST_HOLDINGS = 6


class PortfolioKind(StrEnum):
    INVESTMENT = "INVESTMENT"
    TRADING_BOOK = "TRADING_BOOK"


@dataclass(slots=True)
class Portfolio:
    """State after `version` ledger rows; the rows decided since loading, and the holdings that they changed.

    `positions` holds the securities that were loaded. `history` is needed where a method says so, and for whatever is
    back-dated.
    Reservations of open orders are kept by currency and by (account, security); they are not available to others.
    """

    portfolio_id: UUID
    user_id: UUID
    name: str
    base_currency: str
    kind: PortfolioKind = PortfolioKind.INVESTMENT
    time_zone: str = "America/New_York"
    version: int = 0
    archived: bool = False
    last: When | None = None
    positions: Positions = field(default_factory=Positions)
    reserved_cash: dict[str, Decimal] = field(default_factory=dict)
    reserved_units: dict[HoldingKey, Decimal] = field(default_factory=dict)
    history: list[Transaction] | None = None
    rows: list[Transaction] = field(default_factory=list)
    changed: set[HoldingKey] = field(default_factory=set)
    ledger_hash: bytes = b""

    @property
    def allows_shorts(self) -> bool:
        return self.kind is PortfolioKind.TRADING_BOOK

    @property
    def holdings(self) -> dict[HoldingKey, Holding]:
        return self.positions.holdings

    @property
    def cash(self) -> dict[str, Decimal]:
        return self.positions.cash

    def is_back_dated(self, when: When) -> bool:
        """Say whether a row at `when` would stand before one that is recorded; then `history` must be loaded."""
        return self.last is not None and _moment(when) < _moment(self.last)

    @property
    def cost_method(self) -> CostMethod:
        return self.positions.method

    def quantity_of(self, security_id: int) -> Decimal:
        return self.positions.quantity_of(security_id)

    def available(self, currency: str) -> Decimal:
        """Cash that no order has reserved."""
        return money(self.cash.get(currency, ZERO) - self.reserved_cash.get(currency, ZERO))

    def available_units(self, key: HoldingKey) -> Decimal:
        """Units that no order has reserved."""
        return money(self.positions.holding(key).quantity - self.reserved_units.get(key, ZERO))

    def reserve_cash(self, currency: str, amount: Decimal) -> None:
        """Set `amount` of cash aside, or give it back where negative; a shortfall is refused."""
        if amount > 0 and not self.allows_shorts and self.available(currency) < amount:
            raise InsufficientCash(currency, available=self.available(currency), asked=amount)
        self.reserved_cash[currency] = money(self.reserved_cash.get(currency, ZERO) + amount)

    def reserve_units(self, key: HoldingKey, quantity: Decimal) -> None:
        """Set `quantity` units aside, or give them back where negative; a shortfall is refused."""
        if quantity > 0 and not self.allows_shorts and self.available_units(key) < quantity:
            raise InsufficientPosition(key[1], held=self.available_units(key), asked=quantity)
        self.reserved_units[key] = money(self.reserved_units.get(key, ZERO) + quantity)

    def move_cash(
        self, kind: TxnType, account_id: int, amount: Decimal, when: When, terms: Terms = PLAIN
    ) -> Transaction:
        """DEPOSIT, WITHDRAW, FEE, TAX or INTEREST."""
        return self._decide([self._entry(account_id, when, terms).cash(kind, amount)])[0]

    def deposit(self, account_id: int, amount: Decimal, when: When, note: str = "") -> Transaction:
        return self.move_cash(TxnType.DEPOSIT, account_id, amount, when, Terms(note=note))

    def withdraw(self, account_id: int, amount: Decimal, when: When, note: str = "") -> Transaction:
        return self.move_cash(TxnType.WITHDRAW, account_id, amount, when, Terms(note=note))

    def charge_fee(self, account_id: int, amount: Decimal, when: When, note: str = "") -> Transaction:
        return self.move_cash(TxnType.FEE, account_id, amount, when, Terms(note=note))

    def trade(
        self,
        kind: TxnType,
        account_id: int,
        security_id: int,
        quantity: Decimal,
        price: Decimal,
        fees: Decimal,
        when: When,
        terms: Terms = PLAIN,
        is_confirmed: bool = False,
    ) -> Transaction:
        """A BUY or SELL. What a broker has confirmed (`is_confirmed`) is recorded even if the cash is not there."""
        row = self._entry(account_id, when, terms).trade(kind, security_id, quantity, price, fees)
        return self._decide([row], is_confirmed)[0]

    def buy(
        self, account_id: int, security_id: int, quantity: Decimal, price: Decimal, fees: Decimal, when: When
    ) -> Transaction:
        return self.trade(TxnType.BUY, account_id, security_id, quantity, price, fees, when)

    def sell(
        self, account_id: int, security_id: int, quantity: Decimal, price: Decimal, fees: Decimal, when: When
    ) -> Transaction:
        return self.trade(TxnType.SELL, account_id, security_id, quantity, price, fees, when)

    def transfer_in(
        self,
        account_id: int,
        security_id: int,
        quantity: Decimal,
        unit_cost: Decimal | None,
        when: When,
        terms: Terms = PLAIN,
    ) -> Transaction:
        """Units that arrive without a payment; a unit cost of 0 is a cost, None is an unknown basis."""
        return self._decide([self._entry(account_id, when, terms).arrival(security_id, quantity, unit_cost)])[0]

    def transfer_out(
        self, account_id: int, security_id: int, quantity: Decimal, when: When, terms: Terms = PLAIN
    ) -> Transaction:
        """Units that leave without a payment, with their cost and without a gain."""
        return self._decide([self._entry(account_id, when, terms).departure(security_id, quantity)])[0]

    def move_units(
        self,
        from_account: int,
        to_account: int,
        security_id: int,
        quantity: Decimal,
        when: When,
        transfer_id: UUID,
        terms: Terms = PLAIN,
    ) -> list[Transaction]:
        """Units from one account to another, with their lots and cost: no flow, no gain."""
        if from_account == to_account:
            raise InvalidInput("to_account", "is the account that the units come from")
        out = self._entry(from_account, when, terms).departure(security_id, quantity)
        into = self._entry(to_account, when, replace(terms, external_id=None)).arrival(security_id, quantity, None)
        return self._decide([replace(row, transfer_id=transfer_id) for row in (out, into)])

    def convert(
        self,
        account_id: int,
        amount: Decimal,
        received: Decimal,
        into: str,
        when: When,
        transfer_id: UUID,
        terms: Terms = PLAIN,
    ) -> list[Transaction]:
        """Cash of the terms' currency becomes cash of another: no flow."""
        if (terms.currency or self.base_currency) == into:
            raise InvalidInput("to_currency", "is the currency that is converted")
        return self._decide(self._entry(account_id, when, terms).converted(amount, received, into, transfer_id))

    def receive_income(
        self,
        kind: TxnType,
        account_id: int,
        security_id: int,
        amount: Decimal,
        when: When,
        ex_date: date | None = None,
        withheld: Decimal = ZERO,
        terms: Terms = PLAIN,
    ) -> list[Transaction]:
        """A DIVIDEND or COUPON of `amount`, negative where a short pays it, and a TAX row for what was withheld."""
        if amount < 0 and not self.allows_shorts:
            raise InvalidNumber("amount", amount, "must be above 0")
        return self._decide(self._entry(account_id, when, terms).income(kind, security_id, amount, withheld, ex_date))

    def entitled(self, security_id: int, ex_date: date) -> Decimal:
        """Units at the close before `ex_date`, short ones negative. Needs the history."""
        assert self.history is not None, "what was held on a day is folded from the history"
        before = (row for row in self.history if row.business_date < ex_date)
        return Positions.of(before, self.cost_method).quantity_of(security_id)

    def split(
        self,
        account_id: int,
        security_id: int,
        new: Decimal,
        old: Decimal,
        when: When,
        in_lieu_price: Decimal | None = None,
        terms: Terms = PLAIN,
    ) -> list[Transaction]:
        """Every `old` units open at the ex-date become `new`, in every account; needs the history.

        With `in_lieu_price` (per unit after the split) the fraction of a unit left in an account is sold at it, and a
        short one bought.
        """
        assert self.history is not None, "a split is decided against the history"
        asked = (TxnType.SPLIT, security_id, when.business_date)
        if any((row.txn_type, row.security_id, row.business_date) == asked for row in effective(self.history)):
            raise AlreadySplit(security_id, when.business_date)
        rows = [self._entry(account_id, when, terms).split(security_id, new, old)]
        if in_lieu_price is not None:
            rows += self._fractions(security_id, new, old, in_lieu_price, when, replace(terms, external_id=None))
        return self._decide(rows)

    def reverse(self, seq: int, note: str = "") -> list[Transaction]:
        """Take back row `seq`, and the other leg of its transfer; needs the history.

        A reversal stands at the moment of its original with its effects negated, so the original never happened.
        """
        assert self.history is not None, "a reversal is decided against the history"
        original = next((row for row in self.history if row.seq == seq), None)
        if original is None:
            raise CannotReverse(seq, "there is no such row")
        if original.reverses_seq is not None:
            raise CannotReverse(seq, "it is itself a reversal; record the transaction again")
        reversed_by = {row.reverses_seq: row.seq for row in self.history if row.reverses_seq is not None}
        if seq in reversed_by:
            raise CannotReverse(seq, f"it was reversed by transaction {reversed_by[seq]}")
        transfer = original.transfer_id
        legs = [row for row in self.history if transfer and row.transfer_id == transfer] or [original]
        return self._decide([reversal(leg, note) for leg in legs])

    def record(self, rows: list[Transaction]) -> list[Transaction]:
        """Record what has happened, drafted elsewhere, even if the cash or the units are not there."""
        return self._decide(sorted(rows, key=lambda row: (row.business_date, row.event_ts)), is_confirmed=True)

    def restate(self, method: CostMethod) -> None:
        """Fold the whole history again by another method of cost; needs the history."""
        assert self.history is not None, "a restatement folds the history"
        self._refuse_archived()
        self._become(Positions.of(self.history, method))

    def _fractions(
        self, security_id: int, new: Decimal, old: Decimal, price: Decimal, when: When, terms: Terms
    ) -> Iterable[Transaction]:
        assert self.history is not None
        earlier = (row for row in self.history if (row.business_date, row.event_ts) <= _moment(when))
        open_then = Positions.of(earlier, self.cost_method)
        for (account_id, held_id), held in sorted(open_then.holdings.items()):
            fraction = share(held.quantity, new, old) % 1 if held_id == security_id else ZERO
            if fraction:
                kind = TxnType.SELL if fraction > 0 else TxnType.BUY
                yield self._entry(account_id, when, terms).trade(kind, security_id, abs(fraction), price)

    def _entry(self, account_id: int, when: When, terms: Terms) -> Entry:
        return Entry(self.portfolio_id, self.base_currency, account_id, when, terms)

    def _decide(self, rows: list[Transaction], is_confirmed: bool = False) -> list[Transaction]:
        """Number the rows, refuse what the rules forbid, apply: all of them, or none."""
        self._refuse_archived()
        numbered = [replace(row, seq=self.version + place) for place, row in enumerate(rows, start=1)]
        when = When(numbered[0].event_ts, numbered[0].business_date)
        newest = When(numbered[-1].event_ts, numbered[-1].business_date)
        is_checked = not (self.allows_shorts or is_confirmed)
        if self.is_back_dated(when) or any(row.txn_type is TxnType.REVERSAL for row in numbered):
            after = self._folded_with(numbered, is_checked)
        else:
            after = replace(self.positions, holdings=dict(self.holdings), cash=dict(self.cash))
            for row in numbered:
                self._refuse_shortfall(after, row, numbered, is_checked)
                after.apply(row)
                after.refuse_outsized(row, numbered)
        if is_checked:
            self._refuse_reserved(after, numbered[0])
        self._refuse_seventh_account(after, numbered)
        self._become(after)
        self.version = numbered[-1].seq
        self.last = max(self.last, newest, key=_moment) if self.last else newest
        self.rows.extend(numbered)
        if self.history is not None:
            self.history.extend(numbered)
        return numbered

    def _become(self, after: Positions) -> None:
        """Take the new state over. What it no longer mentions, because all its rows are reversed, is nothing now."""
        before = self.positions
        after.holdings.update({key: Holding() for key in before.holdings.keys() - after.holdings.keys()})
        after.cash.update(dict.fromkeys(before.cash.keys() - after.cash.keys(), ZERO))
        self.changed |= {key for key, held in after.holdings.items() if held != before.holding(key)}
        self.positions = after

    def _folded_with(self, rows: list[Transaction], is_checked: bool) -> Positions:
        """The state with `rows` in their place; a later day that they leave short is refused by its date."""
        assert self.history is not None, "a back-dated row is decided against the whole history"
        state = Positions(self.positions.method)
        for row in effective([*self.history, *rows]):
            if row.business_date >= rows[0].business_date:
                self._refuse_shortfall(state, row, rows, is_checked)
            state.apply(row)
            if row.business_date >= rows[0].business_date:
                state.refuse_outsized(row, rows)
        return state

    def _refuse_shortfall(
        self, state: Positions, row: Transaction, decided: list[Transaction], is_checked: bool
    ) -> None:
        """Refuse what is `decided` if `row`, of it or of a later day, would leave units or cash below zero.

        A transfer takes lots along, so that none leaves or enters a short, whatever else is not checked.
        """
        is_late = self.is_back_dated(When(decided[0].event_ts, decided[0].business_date))
        on = row.business_date if is_late else None
        is_transfer = row.txn_type in (TxnType.TRANSFER_IN, TxnType.TRANSFER_OUT)
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

    def _refuse_reserved(self, after: Positions, cause: Transaction) -> None:
        """Refuse what would take cash or units that open orders have reserved, in the end."""
        for currency, reserved in self.reserved_cash.items():
            left = after.cash.get(currency, ZERO)
            if reserved > 0 and left < reserved and left < self.cash.get(currency, ZERO):
                raise InsufficientCash(
                    currency, available=self.available(currency), asked=money(self.cash.get(currency, ZERO) - left)
                )
        for key, reserved in self.reserved_units.items():
            left = after.holding(key).quantity
            before = self.positions.holding(key).quantity
            if reserved > 0 and left < reserved and left < before and cause.txn_type is not TxnType.SPLIT:
                raise InsufficientPosition(key[1], held=self.available_units(key), asked=money(before - left))

    def _refuse_seventh_account(self, after: Positions, rows: list[Transaction]) -> None:
        for security_id in {row.security_id for row in rows if row.security_id is not None}:
            accounts = [key for key, held in after.holdings.items() if key[1] == security_id and held.lots]
            if len(accounts) > MOST_HOLDINGS:
                raise TooManyHoldings(security_id, MOST_HOLDINGS)

    def _refuse_archived(self) -> None:
        if self.archived:
            raise PortfolioArchived(self.portfolio_id)


def new_name(name: str) -> str:
    """A portfolio's or simulation's name, trimmed; empty or over 200 characters is refused."""
    trimmed = name.strip()
    if not 1 <= len(trimmed) <= 200:
        raise InvalidInput("name", "must have 1 to 200 characters")
    return trimmed


def _moment(when: When) -> tuple[date, datetime]:
    return (when.business_date, when.event_ts)
