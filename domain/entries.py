"""One entry in the ledger, before it is decided: numbers checked and fitted, effects signed. No state is looked at."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from domain.errors import FxMissing, InvalidNumber
from domain.ledger import Transaction, TxnType
from domain.limits import MOST_MONEY, MOST_SPLIT, refuse_beyond
from domain.money import ZERO, money, parse_amount, parse_price, parse_quantity, parse_rate, product, share

_ONE = Decimal(1)
_CASH_OUT = frozenset({TxnType.WITHDRAW, TxnType.FEE, TxnType.TAX})
_EITHER_SIGN = frozenset({TxnType.TAX, TxnType.INTEREST})


@dataclass(frozen=True, slots=True)
class When:
    """When a row happened: the moment in UTC, and the day it belongs to in the portfolio's time zone."""

    event_ts: datetime
    business_date: date


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms of a row's numbers. `price_factor` is 0.01 for bonds, whose price is per cent of par; `fx_rate` is one
    unit of `currency` in base currency; `accrued` is the interest bought or sold with a bond."""

    currency: str | None = None
    fx_rate: Decimal | None = None
    price_factor: Decimal = _ONE
    accrued: Decimal = ZERO
    note: str = ""
    external_id: str | None = None


PLAIN = Terms()


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """Facts that the rows of one decision share; its methods draft them. Their `seq` is given when they are decided."""

    portfolio_id: UUID
    base_currency: str
    account_id: int
    when: When
    terms: Terms = PLAIN

    def cash(self, kind: TxnType, amount: Decimal) -> Transaction:
        """DEPOSIT, WITHDRAW, FEE, TAX or INTEREST. `amount` is above 0, except that TAX may be refunded and INTEREST
        may be paid: then it is negative."""
        parse_amount(amount, "amount")
        if not amount or (amount < 0 and kind not in _EITHER_SIGN):
            raise InvalidNumber("amount", amount, "must be above 0")
        return self._row(kind, -amount if kind in _CASH_OUT else amount)

    def trade(
        self, kind: TxnType, security_id: int, quantity: Decimal, price: Decimal, fees: Decimal = ZERO
    ) -> Transaction:
        """BUY or SELL of `quantity` (above 0) at `price`."""
        positive("quantity", parse_quantity(quantity, "quantity"))
        positive("price", parse_price(price))
        not_negative("fees", parse_amount(fees, "fees"))
        accrued = self.terms.accrued
        not_negative("accrued", parse_amount(accrued, "accrued"))
        gross = product(quantity, price * self.terms.price_factor)
        sign = 1 if kind is TxnType.BUY else -1
        cash_effect = money(-sign * (gross + accrued) - fees)
        row = self._row(kind, cash_effect, security_id, sign * quantity, price, fees, gross, accrued)
        if row.fx_rate is None:
            raise FxMissing(row.currency, self.base_currency)
        return row

    def arrival(self, security_id: int, quantity: Decimal, unit_cost: Decimal | None) -> Transaction:
        """Units that come without a payment; a unit cost of 0 is a cost, None is an unknown basis."""
        positive("quantity", parse_quantity(quantity, "quantity"))
        gross = None
        if unit_cost is not None:
            not_negative("unit_cost", parse_price(unit_cost, "unit_cost"))
            gross = product(quantity, unit_cost * self.terms.price_factor)
        row = self._row(TxnType.TRANSFER_IN, ZERO, security_id, quantity, unit_cost, ZERO, gross)
        if gross and row.fx_rate is None:
            raise FxMissing(row.currency, self.base_currency)
        return row

    def departure(self, security_id: int, quantity: Decimal) -> Transaction:
        """Units that go without a payment."""
        positive("quantity", parse_quantity(quantity, "quantity"))
        return self._row(TxnType.TRANSFER_OUT, ZERO, security_id, -quantity)

    def converted(self, amount: Decimal, received: Decimal, into: str, transfer_id: UUID) -> list[Transaction]:
        """Both legs of a conversion: `amount` of the terms' currency becomes `received` of `into`."""
        positive("amount", parse_amount(amount, "amount"))
        positive("received", parse_amount(received, "received"))
        arriving = replace(self, terms=Terms(into, note=self.terms.note))
        rows = [self._row(TxnType.TRANSFER_OUT, -amount), arriving._row(TxnType.TRANSFER_IN, received)]
        return [replace(row, transfer_id=transfer_id) for row in rows]

    def income(
        self, kind: TxnType, security_id: int, amount: Decimal, withheld: Decimal, ex_date: date | None
    ) -> list[Transaction]:
        """A DIVIDEND or COUPON, negative where a short pays it, and a TAX row for what was withheld."""
        parse_amount(amount, "amount")
        if not amount:
            raise InvalidNumber("amount", amount, "must not be 0")
        not_negative("withheld", parse_amount(withheld, "withheld"))
        if withheld > abs(amount):
            raise InvalidNumber("withheld", withheld, "is more than the income")
        rows = [replace(self._row(kind, amount, security_id), ex_date=ex_date)]
        if withheld:
            tax = replace(self, terms=replace(self.terms, external_id=None))
            rows.append(replace(tax._row(TxnType.TAX, -withheld, security_id), ex_date=ex_date))
        return rows

    def split(self, security_id: int, new: Decimal, old: Decimal) -> Transaction:
        """Every `old` units become `new`."""
        positive("split_new", parse_quantity(new, "split_new"))
        positive("split_old", parse_quantity(old, "split_old"))
        refuse_beyond("split_new / split_old", share(new, _ONE, old), MOST_SPLIT)
        refuse_beyond("split_old / split_new", share(old, _ONE, new), MOST_SPLIT)
        return replace(self._row(TxnType.SPLIT, ZERO, security_id), split_new=new, split_old=old)

    def _row(
        self,
        kind: TxnType,
        cash_effect: Decimal,
        security_id: int | None = None,
        quantity: Decimal | None = None,
        price: Decimal | None = None,
        fees: Decimal = ZERO,
        gross: Decimal | None = None,
        accrued: Decimal = ZERO,
    ) -> Transaction:
        currency = self.terms.currency or self.base_currency
        rate = self._rate(currency)
        for name, amount in (("quantity x price", gross), ("the row's cash", cash_effect), ("fees", fees)):
            if amount:
                refuse_beyond(name, amount, MOST_MONEY)
                refuse_beyond(f"{name} x fx_rate", product(amount, rate or _ONE), MOST_MONEY)
        return Transaction(
            portfolio_id=self.portfolio_id,
            seq=0,
            account_id=self.account_id,
            txn_type=kind,
            currency=currency,
            cash_effect=money(cash_effect),
            event_ts=self.when.event_ts,
            business_date=self.when.business_date,
            security_id=security_id,
            quantity=quantity,
            price=price,
            fees=fees,
            note=self.terms.note,
            gross=gross,
            accrued=accrued,
            fx_rate=rate,
            external_id=self.terms.external_id,
        )

    def _rate(self, currency: str) -> Decimal | None:
        rate = self.terms.fx_rate
        if currency == self.base_currency:
            if rate is not None and rate != 1:
                raise InvalidNumber("fx_rate", rate, f"must be 1 for {currency}, the base currency")
            return _ONE
        if rate is not None:
            positive("fx_rate", parse_rate(rate))
        return rate


def positive(name: str, value: Decimal) -> None:
    if value <= 0:
        raise InvalidNumber(name, value, "must be above 0")


def not_negative(name: str, value: Decimal) -> None:
    if value < 0:
        raise InvalidNumber(name, value, "must not be negative")
