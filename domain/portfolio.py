"""The portfolio: the root that every write goes through, because its positions share its cash.

A decision (`buy`, `sell`, `deposit` ...) checks the rules and appends one ledger row. `_apply` is the only place
where state changes; replay uses it too, and it never checks. A row dated before the newest one is decided against
the whole history, so that no later day is left with units or cash that were not there.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from domain.errors import (
    InsufficientCash,
    InsufficientPosition,
    InvalidInput,
    InvalidNumber,
    PortfolioArchived,
)
from domain.holdings import Holding
from domain.ledger import Transaction, TxnType, in_order_of_event
from domain.money import ZERO, money, parse_money, parse_quantity, product


class PortfolioKind(StrEnum):
    INVESTMENT = "INVESTMENT"
    TRADING_BOOK = "TRADING_BOOK"


@dataclass(frozen=True, slots=True)
class When:
    """When a row happened: the moment in UTC, and the day it belongs to in the portfolio's time zone."""

    event_ts: datetime
    business_date: date


HoldingKey = tuple[int, int]  # (account_id, security_id)


@dataclass(slots=True)
class Portfolio:
    """State after `version` ledger rows. `holdings` is keyed by (account_id, security_id), `cash` by currency.

    `history` is only needed to decide a row dated before `last`; `rows` are those decided since loading.
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
    holdings: dict[HoldingKey, Holding] = field(default_factory=dict)
    cash: dict[str, Decimal] = field(default_factory=dict)
    history: list[Transaction] | None = None
    rows: list[Transaction] = field(default_factory=list)

    @property
    def allows_shorts(self) -> bool:
        return self.kind is PortfolioKind.TRADING_BOOK

    def is_back_dated(self, when: When) -> bool:
        """Whether a row at `when` would stand before one that is recorded; then `history` must be loaded."""
        return self.last is not None and _moment(when) < _moment(self.last)

    def quantity_of(self, security_id: int) -> Decimal:
        return sum((h.quantity for (_, held), h in self.holdings.items() if held == security_id), ZERO)

    def deposit(self, account_id: int, amount: Decimal, when: When, note: str = "") -> Transaction:
        return self._decide_cash(TxnType.DEPOSIT, account_id, amount, 1, when, note)

    def withdraw(self, account_id: int, amount: Decimal, when: When, note: str = "") -> Transaction:
        return self._decide_cash(TxnType.WITHDRAW, account_id, amount, -1, when, note)

    def charge_fee(self, account_id: int, amount: Decimal, when: When, note: str = "") -> Transaction:
        return self._decide_cash(TxnType.FEE, account_id, amount, -1, when, note)

    def buy(
        self,
        account_id: int,
        security_id: int,
        quantity: Decimal,
        price: Decimal,
        fees: Decimal,
        when: When,
        note: str = "",
    ) -> Transaction:
        self._check_trade(quantity, price, fees)
        cash = money(-product(quantity, price) - fees)
        return self._decide(self._row(TxnType.BUY, account_id, cash, when, note, security_id, quantity, price, fees))

    def sell(
        self,
        account_id: int,
        security_id: int,
        quantity: Decimal,
        price: Decimal,
        fees: Decimal,
        when: When,
        note: str = "",
    ) -> Transaction:
        self._check_trade(quantity, price, fees)
        cash = money(product(quantity, price) - fees)
        return self._decide(self._row(TxnType.SELL, account_id, cash, when, note, security_id, -quantity, price, fees))

    def transfer_in(
        self,
        account_id: int,
        security_id: int,
        quantity: Decimal,
        unit_cost: Decimal,
        when: When,
        note: str = "",
    ) -> Transaction:
        """Units that arrive with a known cost and without a payment; a unit cost of 0 is allowed."""
        _positive("quantity", parse_quantity(quantity, "quantity"))
        _not_negative("unit_cost", parse_quantity(unit_cost, "unit_cost"))
        return self._decide(
            self._row(TxnType.TRANSFER_IN, account_id, ZERO, when, note, security_id, quantity, unit_cost, ZERO)
        )

    def replay(self, rows: Iterable[Transaction]) -> None:
        """Rebuild holdings and cash from `rows`, in the order in which they happened."""
        self.holdings, self.cash, self.last = {}, {}, None
        for row in in_order_of_event(rows):
            self._apply(row)

    def _check_trade(self, quantity: Decimal, price: Decimal, fees: Decimal) -> None:
        _positive("quantity", parse_quantity(quantity, "quantity"))
        _positive("price", parse_quantity(price, "price"))
        _not_negative("fees", parse_money(fees, "fees"))

    def _decide_cash(
        self, kind: TxnType, account_id: int, amount: Decimal, sign: int, when: When, note: str
    ) -> Transaction:
        _positive("amount", parse_money(amount, "amount"))
        return self._decide(self._row(kind, account_id, sign * amount, when, note))

    def _row(
        self,
        kind: TxnType,
        account_id: int,
        cash_effect: Decimal,
        when: When,
        note: str,
        security_id: int | None = None,
        quantity: Decimal | None = None,
        price: Decimal | None = None,
        fees: Decimal = ZERO,
    ) -> Transaction:
        return Transaction(
            portfolio_id=self.portfolio_id,
            seq=self.version + 1,
            account_id=account_id,
            txn_type=kind,
            currency=self.base_currency,
            cash_effect=cash_effect,
            event_ts=when.event_ts,
            business_date=when.business_date,
            security_id=security_id,
            quantity=quantity,
            price=price,
            fees=fees,
            note=note,
        )

    def _decide(self, row: Transaction) -> Transaction:
        if self.archived:
            raise PortfolioArchived(self.portfolio_id)
        if self.is_back_dated(When(row.event_ts, row.business_date)):
            self._decide_back_dated(row)
        else:
            if not self.allows_shorts:
                self._refuse_shortfall(row)
            self._apply(row)
        self.version = row.seq
        self.rows.append(row)
        if self.history is not None:
            self.history.append(row)
        return row

    def _decide_back_dated(self, row: Transaction) -> None:
        assert self.history is not None, "a back-dated row is decided against the whole history"
        rows = in_order_of_event([*self.history, row])
        if not self.allows_shorts:
            before = rows[: rows.index(row)]
            past = Portfolio(self.portfolio_id, self.user_id, self.name, self.base_currency, self.kind)
            past.replay(before)
            for later in rows[len(before) :]:
                past._refuse_shortfall(later, asked_by=row)
                past._apply(later)
        self.replay(rows)

    def _refuse_shortfall(self, row: Transaction, asked_by: Transaction | None = None) -> None:
        """Refuse `row` if it would leave units or cash below zero, or, for a back-dated one, if `asked_by` would."""
        cause = asked_by or row
        on = row.business_date if asked_by else None
        if row.security_id is not None and row.quantity is not None and row.quantity < 0:
            held = self.holdings.get((row.account_id, row.security_id), Holding()).quantity
            if held + row.quantity < 0 and cause.quantity is not None:
                asked = -cause.quantity
                spare = held if cause is row else held + row.quantity + asked
                raise InsufficientPosition(row.security_id, held=spare, asked=asked, on=on)
        balance = self.cash.get(row.currency, ZERO)
        if row.cash_effect < 0 and balance + row.cash_effect < 0:
            asked = -cause.cash_effect
            spare = balance if cause is row else balance + row.cash_effect + asked
            raise InsufficientCash(row.currency, available=spare, asked=asked, on=on)

    def _apply(self, row: Transaction) -> None:
        self.cash[row.currency] = money(self.cash.get(row.currency, ZERO) + row.cash_effect)
        if row.security_id is not None and row.quantity is not None and row.price is not None:
            key = (row.account_id, row.security_id)
            self.holdings[key] = self.holdings.get(key, Holding()).after(row.quantity, row.price, row.fees)
        self.last = When(row.event_ts, row.business_date)


def new_name(name: str) -> str:
    """A portfolio's or simulation's name, trimmed; empty or over 200 characters is refused."""
    trimmed = name.strip()
    if not 1 <= len(trimmed) <= 200:
        raise InvalidInput("name", "must have 1 to 200 characters")
    return trimmed


def _moment(when: When) -> tuple[date, datetime]:
    return (when.business_date, when.event_ts)


def _positive(name: str, value: Decimal) -> None:
    if value <= 0:
        raise InvalidNumber(name, value, "must be above 0")


def _not_negative(name: str, value: Decimal) -> None:
    if value < 0:
        raise InvalidNumber(name, value, "must not be negative")
