"""One entry in the ledger, before it is decided: numbers checked and fitted, effects signed. No state is looked at."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from domain.errors import FxMissing, InvalidInput, InvalidNumber
from domain.ledger import Transaction, TxnType
from domain.limits import MOST_MONEY, MOST_SPLIT, refuse_beyond
from domain.money import (
    SCALE,
    ZERO,
    is_payable,
    money,
    parse_amount,
    parse_payable,
    parse_price,
    parse_quantity,
    parse_rate,
    payable,
    product,
    share,
)
from domain.stated_amounts import refuse_other
from domain.values import quickly_made

_ONE = Decimal(1)
_CASH_OUT = frozenset({TxnType.WITHDRAW, TxnType.FEE, TxnType.TAX})
_EITHER_SIGN = frozenset({TxnType.FEE, TxnType.TAX, TxnType.INTEREST})


@quickly_made
@dataclass(frozen=True, slots=True)
class When:
    """When a row happened: the moment in UTC, and the day it belongs to in the portfolio's time zone."""

    event_ts: datetime
    business_date: date


@quickly_made
@dataclass(frozen=True, slots=True)
class Terms:
    """Terms of a row's numbers. `price_factor` is 0.01 for bonds, whose price is per cent of par; `fx_rate` is one
    unit of `currency` in base currency; `accrued` is the interest bought or sold with a bond. Fees of a trade may be in
    another currency, `fee_currency`, at its own rate."""

    currency: str | None = None
    fx_rate: Decimal | None = None
    price_factor: Decimal = _ONE
    accrued: Decimal = ZERO
    note: str = ""
    external_id: str | None = None
    fee_currency: str | None = None
    fee_fx_rate: Decimal | None = None


PLAIN = Terms()


@quickly_made
@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """Facts that the rows of one decision share; its methods draft them. Their `seq` is given when they are decided:
    they all have that of the next row, which is right for most."""

    portfolio_id: UUID
    base_currency: str
    account_id: int
    when: When
    terms: Terms = PLAIN
    seq: int = 0

    @property
    def currency(self) -> str:
        return self.terms.currency or self.base_currency

    @property
    def beside(self) -> "LedgerEntry":
        """The facts of a row that comes with another, which alone has the external id."""
        return replace(self, terms=replace(self.terms, external_id=None))

    def cash(
        self, kind: TxnType, amount: Decimal, security_id: int | None = None, balance: Decimal = ZERO
    ) -> Transaction:
        """DEPOSIT, WITHDRAW, FEE, TAX or INTEREST. `amount` is above 0, or negative where a FEE or TAX is refunded or
        INTEREST is paid. A WITHDRAW may take the part of `balance` that is less than the smallest coin."""
        is_residue = kind is TxnType.WITHDRAW and is_payable(balance - parse_amount(amount, "amount"), self.currency)
        if not is_residue:
            parse_payable(amount, self.currency)
        if not amount or (amount < 0 and kind not in _EITHER_SIGN):
            raise InvalidNumber("amount", amount, "must be above 0")
        return self._row(kind, -amount if kind in _CASH_OUT else amount, security_id)

    def traded(
        self,
        kind: TxnType,
        security_id: int,
        quantity: Decimal,
        price: Decimal | None,
        fees: Decimal,
        amount: Decimal | None,
        transfer_id: UUID,
    ) -> list[Transaction]:
        """`trade`, and where its fees are in another currency a FEE of the security, which moves them.

        The fees are part of the cost or proceeds: in base currency at their own rate, in the trade's at that divided by
        the trade's rate.
        """
        fee_currency = self.terms.fee_currency
        if not fees or fee_currency in (None, self.currency):
            return [self.trade(kind, security_id, quantity, price, fees, amount)]
        terms = replace(self.terms, currency=fee_currency, fx_rate=self.terms.fee_fx_rate, external_id=None)
        fee = replace(self, terms=terms).cash(TxnType.FEE, fees, security_id)
        row = self.trade(kind, security_id, quantity, price, ZERO, amount)
        fee_rate, rate = self._rated_of(fee), self._rated_of(row)
        rows = [replace(row, fees=share(fees, fee_rate, rate)), fee]
        return [replace(each, transfer_id=transfer_id) for each in rows]

    def trade(
        self,
        kind: TxnType,
        security_id: int,
        quantity: Decimal,
        price: Decimal | None,
        fees: Decimal = ZERO,
        amount: Decimal | None = None,
    ) -> Transaction:
        """BUY or SELL of `quantity` (above 0) at `price`, of which one may be implied by the other.

        `amount` is what moved as cash, of either sign: then it is the record, and `price` may be None.
        """
        positive("quantity", parse_quantity(quantity, "quantity"))
        if fees:
            not_negative("fees", parse_amount(fees, "fees"))
        if self.terms.accrued:
            parse_amount(self.terms.accrued, "accrued")
        if self.terms.price_factor == 1:  # a bond's is negative in its ex-coupon days, when the seller keeps the coupon
            not_negative("accrued", self.terms.accrued)
        if price is not None:
            positive("price", parse_price(price))
        sign = 1 if kind is TxnType.BUY else -1
        cash_effect = self._traded_cash(sign, quantity, price, fees, amount)
        accrued, factor = self.terms.accrued, self.terms.price_factor
        gross = money(-sign * (cash_effect + fees) - accrued)
        if gross < 0:
            if amount is not None:
                raise InvalidNumber("amount", amount, "leaves less than nothing for the units, after fees and interest")
            gross, fees = ZERO, money(-cash_effect - sign * accrued)  # a trade of less than the smallest coin
            if fees < 0:  # then its interest was rounded down
                accrued, fees = -sign * cash_effect, ZERO
        if price is None:
            price = max(SCALE, share(gross, _ONE, quantity * factor))
            parse_price(price, "amount / quantity")
        return self._rated(self._row(kind, cash_effect, security_id, sign * quantity, price, fees, gross, accrued))

    def _traded_cash(
        self, sign: int, quantity: Decimal, price: Decimal | None, fees: Decimal, amount: Decimal | None
    ) -> Decimal:
        """The cash that a trade moves: what is stated, or quantity x price with fees as it can be paid."""
        currency, accrued, factor = self.currency, self.terms.accrued, self.terms.price_factor
        if price is None:
            if amount is None:
                raise InvalidInput("price", "or the amount is required for a trade")
            positive("amount", abs(parse_payable(amount, currency)))
            return -sign * abs(amount)
        expected = money(-sign * (product(quantity, price * factor) + accrued) - fees)
        if amount is None:
            return payable(expected, currency)
        parse_payable(amount, currency)
        if amount and amount == expected:
            return amount
        stated = min(-abs(amount), abs(amount), key=lambda signed: abs(signed - expected))
        refuse_other(stated, expected, quantity, price, currency, factor)
        return stated

    def arrival(self, security_id: int, quantity: Decimal, unit_cost: Decimal | None) -> Transaction:
        """Units that come without a payment; a unit cost of 0 is a cost, None is an unknown basis."""
        positive("quantity", parse_quantity(quantity, "quantity"))
        gross = None
        if unit_cost is not None:
            not_negative("unit_cost", parse_price(unit_cost, "unit_cost"))
            gross = product(quantity, unit_cost * self.terms.price_factor)
        row = self._row(TxnType.TRANSFER_IN, ZERO, security_id, quantity, unit_cost, ZERO, gross)
        return self._rated(row) if gross else row

    def departure(self, security_id: int, quantity: Decimal) -> Transaction:
        """Units that go without a payment."""
        positive("quantity", parse_quantity(quantity, "quantity"))
        return self._row(TxnType.TRANSFER_OUT, ZERO, security_id, -quantity)

    def converted(self, amount: Decimal, received: Decimal, into: str, transfer_id: UUID) -> list[Transaction]:
        """Both legs of a conversion: `amount` of the terms' currency becomes `received` of `into`, which a rate made
        and is rounded to what can be paid."""
        positive("amount", parse_payable(amount, self.currency))
        received = payable(parse_amount(received, "received"), into)
        positive("received", received)
        arriving = replace(self, terms=Terms(into, note=self.terms.note))
        rows = [self._row(TxnType.TRANSFER_OUT, -amount), arriving._row(TxnType.TRANSFER_IN, received)]
        return [replace(row, transfer_id=transfer_id) for row in rows]

    def income(
        self, kind: TxnType, security_id: int, amount: Decimal, withheld: Decimal, ex_date: date | None
    ) -> list[Transaction]:
        """A DIVIDEND or COUPON, negative where it is paid or corrected, and a TAX row for what was withheld."""
        not_nothing("amount", parse_payable(amount, self.currency))
        not_negative("withheld", parse_payable(withheld, self.currency, "withheld"))
        if withheld > abs(amount):
            raise InvalidNumber("withheld", withheld, "is more than the income")
        rows = [replace(self._row(kind, amount, security_id), ex_date=ex_date)]
        if withheld:
            rows.append(replace(self.beside._row(TxnType.TAX, -withheld, security_id), ex_date=ex_date))
        return rows

    def split(self, security_id: int, new: Decimal, old: Decimal) -> Transaction:
        """Every `old` units become `new`."""
        positive("split_new", parse_quantity(new, "split_new"))
        positive("split_old", parse_quantity(old, "split_old"))
        refuse_beyond("split_new / split_old", share(new, _ONE, old), MOST_SPLIT)
        refuse_beyond("split_old / split_new", share(old, _ONE, new), MOST_SPLIT)
        return replace(self._row(TxnType.SPLIT, ZERO, security_id), split_new=new, split_old=old)

    def returned(self, security_id: int, amount: Decimal) -> Transaction:
        """RETURN_OF_CAPITAL: cash for what is held, out of its cost; negative where a short pays it."""
        not_nothing("amount", parse_payable(amount, self.currency))
        return self._rated(self._row(TxnType.RETURN_OF_CAPITAL, amount, security_id))

    def adjusted(self, security_id: int, amount: Decimal, is_paid: bool) -> Transaction:
        """COST_ADJUSTMENT: `amount` more cost, of either sign; with `is_paid` it leaves the cash."""
        not_nothing("amount", parse_payable(amount, self.currency))
        row = self._row(TxnType.COST_ADJUSTMENT, -amount if is_paid else ZERO, security_id)
        refuse_beyond("amount x fx_rate", product(amount, row.fx_rate or _ONE), MOST_MONEY)
        return self._rated(replace(row, cost_effect=amount))

    def bonus(self, security_id: int, units: Decimal, ratio: tuple[Decimal, Decimal]) -> Transaction:
        """BONUS: units of the same security for nothing, which grow the lots that are there; for its prices a split of
        `ratio`, new units beside old ones."""
        positive("units_new", parse_quantity(units, "units_new"))
        new, old = money(ratio[0] + ratio[1]), ratio[1]
        return replace(self._row(TxnType.BONUS, ZERO, security_id, units), split_new=new, split_old=old)

    def giving(
        self, kind: TxnType, security_id: int, units: Decimal | None, cash: Decimal, basis_share: Decimal
    ) -> Transaction:
        """The leg of what gives a fraction of its cost, and `units` unless all stay; `cash` is paid for the rest."""
        parse_payable(cash, self.currency)
        row = self._row(kind, cash, security_id, -units if units is not None else None)
        return replace(self._rated(row) if cash else row, basis_share=basis_share)

    def receiving(self, kind: TxnType, security_id: int, units: Decimal) -> Transaction:
        """The leg of what receives: `units` with the cost and the days of what was given."""
        positive("units", parse_quantity(units, "units"))
        return self._row(kind, ZERO, security_id, units)

    def _rated(self, row: Transaction) -> Transaction:
        self._rated_of(row)
        return row

    def _rated_of(self, row: Transaction) -> Decimal:
        if row.fx_rate is None:
            raise FxMissing(row.currency, self.base_currency)
        return row.fx_rate

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
        currency = self.currency
        rate = self._rate(currency)
        for name, amount in (("quantity x price", gross), ("the row's cash", cash_effect), ("fees", fees)):
            if amount:
                refuse_beyond(name, amount, MOST_MONEY)
                if rate is not None and rate != 1:
                    refuse_beyond(f"{name} x fx_rate", product(amount, rate), MOST_MONEY)
        return Transaction(
            self.portfolio_id,
            self.seq,
            self.account_id,
            kind,
            currency,
            money(cash_effect),
            self.when.event_ts,
            self.when.business_date,
            security_id,
            quantity,
            price,
            fees,
            self.terms.note,
            gross,
            accrued,
            rate,
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


def not_nothing(name: str, value: Decimal) -> None:
    if not value:
        raise InvalidNumber(name, value, "must not be 0")


def positive(name: str, value: Decimal) -> None:
    if value <= 0:
        raise InvalidNumber(name, value, "must be above 0")


def not_negative(name: str, value: Decimal) -> None:
    if value < 0:
        raise InvalidNumber(name, value, "must not be negative")
