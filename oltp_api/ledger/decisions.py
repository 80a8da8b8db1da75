"""One transaction, decided: what its fields mean for its type, and which rows the portfolio makes of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID, uuid4

from domain.accounts import MAIN_ACCOUNT
from domain.commands import RecordTransaction
from domain.corporate_events import (
    Reorganisation,
    adjust_cost,
    grow,
    ratio_of_units,
    reorganise,
    return_capital,
    split,
)
from domain.currencies import parse_currency
from domain.entries import Terms, When
from domain.errors import CurrencyMismatch, InvalidInput, OfSecurity, TotalReturnSecurity
from domain.ledger import BETWEEN_SECURITIES, TRADES, Transaction, TxnType
from domain.money import ZERO, parse_quantity, payable, product
from domain.portfolio import Portfolio
from domain.securities import PriceKind, Reference, Security
from domain.values import quickly_made
from oltp_api.business_dates import opening_of
from oltp_api.ledger.writing import Loaded, Parse

_ONE = Decimal(1)
_TIED_TO_NOTHING = UUID(int=0)
"""For a trade whose fees are in its own currency, which is one row and has no use for an id of its own."""
_AT_THE_OPENING = BETWEEN_SECURITIES | {TxnType.SPLIT, TxnType.BONUS}
"""Events that apply to what is open at the start of their day, whatever moment is given."""
_IN_ANY_CURRENCY = frozenset(
    {
        TxnType.DIVIDEND,
        TxnType.COUPON,
        TxnType.RETURN_OF_CAPITAL,
        TxnType.FEE,
        TxnType.TAX,
        TxnType.INTEREST,
    }
)
"""Cash of a security that may be in another currency than the security."""
_IN_THE_PRICES = _AT_THE_OPENING | {TxnType.DIVIDEND, TxnType.COUPON, TxnType.RETURN_OF_CAPITAL}
"""Rows that a total-return price has in it already."""


@quickly_made
@dataclass(frozen=True, slots=True)
class Prepared:
    """A transaction with all that it names, which can be decided."""

    command: RecordTransaction
    account_id: int
    security: Security | None
    into: Security | None
    when: When
    terms: Terms

    @property
    def security_ids(self) -> list[int]:
        return [each.security_id for each in (self.security, self.into) if each is not None]

    @property
    def needs_history(self) -> bool:
        """Say whether it is decided against the history whenever it is recorded."""
        return self.command.txn_type in _AT_THE_OPENING or self.command.per_unit is not None


def prepared(command: RecordTransaction, loaded: Loaded, parse: Parse = Reference.parse) -> Prepared:
    """The transaction by what was loaded; a refusal where it names something that is not there, or does not fit."""
    account_id = loaded.account_id(command.account or MAIN_ACCOUNT)
    day = command.business_date
    security = loaded.security(command.ticker, day, parse) if command.ticker is not None else None
    into = loaded.security(command.into, day, parse) if command.into is not None else None
    asked = Prepared(command, account_id, security, into, _when(command, loaded), _terms(command, security))
    _refuse_inverse_rates(asked, loaded)
    return asked


def rows_of(asked: Prepared, portfolio: Portfolio) -> list[Transaction]:
    """Let the portfolio decide by the command's type."""
    kind = asked.command.txn_type
    if asked.security is not None and asked.security.price_kind is PriceKind.TOTAL_RETURN and kind in _IN_THE_PRICES:
        raise TotalReturnSecurity(asked.security.ticker, kind.value)
    try:
        return _DECIDED[kind](asked, portfolio)
    except OfSecurity as refusal:
        for each in (asked.security, asked.into):
            if each is not None and each.security_id == refusal.security_id:
                refusal.named(each.ticker)
        raise


def _refuse_inverse_rates(asked: Prepared, loaded: Loaded) -> None:
    command, on = asked.command, asked.when.business_date
    if command.fx_rate is None and command.fee_fx_rate is None and command.into_fx_rate is None:
        return
    loaded.refuse_inverse("fx_rate", command.fx_rate, asked.terms.currency, on)
    loaded.refuse_inverse("fee_fx_rate", command.fee_fx_rate, command.fee_currency, on)
    loaded.refuse_inverse("into_fx_rate", command.into_fx_rate, asked.into.currency if asked.into else None, on)


def drafted(asked: Prepared, portfolio: Portfolio) -> tuple[Decimal, Decimal | None] | None:
    """Cash and units that a trade, cash or income moves; None where that depends on what is held."""
    command, security = asked.command, asked.security
    entry, kind = portfolio.entry(asked.account_id, asked.when, asked.terms), command.txn_type
    if kind in TRADES and security is not None and command.quantity is not None:
        fees = ZERO if command.fee_currency not in (None, entry.currency) else command.fees
        row = entry.trade(kind, security.security_id, command.quantity, command.price, fees, command.amount)
        return row.cash_effect, row.quantity
    if command.amount is not None and _DECIDED[kind] in (_cash, _income):
        signed = -command.amount if kind in (TxnType.WITHDRAW, TxnType.FEE, TxnType.TAX) else command.amount
        return payable(signed, entry.currency), None
    return None


def _terms(command: RecordTransaction, security: Security | None) -> Terms:
    """Return the terms that the row's numbers are in; refuse a currency that is not the security's."""
    currency = security.currency if security else command.currency
    if command.currency and command.currency != currency:
        if command.txn_type not in _IN_ANY_CURRENCY:
            raise CurrencyMismatch(expected=str(currency), given=command.currency)
        currency = command.currency
    return Terms(
        currency,
        command.fx_rate,
        security.price_factor if security else _ONE,
        command.accrued,
        command.note,
        command.external_id,
        command.fee_currency,
        command.fee_fx_rate,
    )


def _when(command: RecordTransaction, loaded: Loaded) -> When:
    when = loaded.moment(command.business_date, command.event_ts)
    if command.txn_type not in _AT_THE_OPENING:
        return when
    return opening_of(when.business_date, loaded.portfolio.time_zone, loaded.clock)


def _cash(asked: Prepared, portfolio: Portfolio) -> list[Transaction]:
    command = asked.command
    assert command.amount is not None
    if command.received is not None and command.received_currency is not None:
        exchange = (command.amount, command.received, parse_currency(command.received_currency, "received_currency"))
        return portfolio.convert(asked.account_id, *exchange, asked.when, uuid4(), asked.terms)
    security_id = asked.security.security_id if asked.security else None
    moved = (command.txn_type, asked.account_id, command.amount, asked.when, asked.terms, security_id)
    return [portfolio.move_cash(*moved)]


def _trade(asked: Prepared, portfolio: Portfolio) -> list[Transaction]:
    command = asked.command
    assert command.quantity is not None
    units = (_known(asked).security_id, command.quantity, command.price, command.fees, command.amount)
    entry = portfolio.entry(asked.account_id, asked.when, asked.terms)
    tied = uuid4() if command.fee_currency is not None else _TIED_TO_NOTHING
    rows = entry.traded(command.txn_type, *units, tied)
    if command.settled is None or not rows[0].cash_effect:
        return portfolio.decide(rows)
    return _settled(asked, portfolio, rows, command.settled)


def _settled(asked: Prepared, portfolio: Portfolio, rows: list[Transaction], settled: Decimal) -> list[Transaction]:
    """Decide a trade with the exchange of the cash that paid it, or that it became; the trade is told first."""
    trade = rows[0]
    currency = parse_currency(asked.command.settled_currency or "", "settled_currency")
    terms = Terms(currency if trade.cash_effect < 0 else trade.currency, note=asked.terms.note)
    entry = portfolio.entry(asked.account_id, asked.when, terms)
    if trade.cash_effect > 0:
        return portfolio.decide([*rows, *entry.converted(trade.cash_effect, settled, currency, uuid4())])
    exchange = entry.converted(settled, -trade.cash_effect, trade.currency, uuid4())
    decided = portfolio.decide([*exchange, *rows])
    return decided[len(exchange) :] + decided[: len(exchange)]


def _transfer_in(asked: Prepared, portfolio: Portfolio) -> list[Transaction]:
    command = asked.command
    assert command.quantity is not None
    units = (_known(asked).security_id, command.quantity, command.price)
    return [portfolio.transfer_in(asked.account_id, *units, asked.when, asked.terms)]


def _transfer_out(asked: Prepared, portfolio: Portfolio) -> list[Transaction]:
    assert asked.command.quantity is not None
    units = (_known(asked).security_id, asked.command.quantity)
    return [portfolio.transfer_out(asked.account_id, *units, asked.when, asked.terms)]


def _income(asked: Prepared, portfolio: Portfolio) -> list[Transaction]:
    command = asked.command
    paid = (command.txn_type, asked.account_id, _known(asked).security_id, _paid(asked, portfolio))
    return portfolio.receive_income(*paid, asked.when, command.ex_date, command.withheld, asked.terms)


def _return_of_capital(asked: Prepared, portfolio: Portfolio) -> list[Transaction]:
    paid = (asked.account_id, _known(asked).security_id, _paid(asked, portfolio))
    return return_capital(portfolio, *paid, asked.when, asked.terms)


def _cost_adjustment(asked: Prepared, portfolio: Portfolio) -> list[Transaction]:
    assert asked.command.amount is not None
    changed = (asked.account_id, _known(asked).security_id, asked.command.amount)
    return adjust_cost(portfolio, *changed, asked.when, asked.terms, asked.command.is_paid)


def _split(asked: Prepared, portfolio: Portfolio) -> list[Transaction]:
    command, security_id = asked.command, _known(asked).security_id
    new, old = command.split_new, command.split_old
    if command.quantity is not None:
        new, old = command.quantity, sum(portfolio.units_by_account(security_id, asked.when).values(), ZERO)
        if old <= 0:
            raise InvalidInput("quantity", "says what a split leaves, but nothing is held long at the start of its day")
    elif command.units_new is not None:
        held = portfolio.units_by_account(security_id, asked.when).get(asked.account_id, ZERO)
        new, old = ratio_of_units(held, command.units_new)
    assert new is not None
    assert old is not None
    ratio = (asked.account_id, security_id, new, old, asked.when)
    return split(portfolio, *ratio, command.in_lieu_price, asked.terms)


def _bonus(asked: Prepared, portfolio: Portfolio) -> list[Transaction]:
    command = asked.command
    assert command.units_new is not None
    assert command.units_old is not None
    ratio = (command.units_new, command.units_old)
    in_lieu = command.in_lieu_price
    return grow(portfolio, _known(asked).security_id, ratio, asked.when, asked.terms, uuid4(), in_lieu)


def _between(asked: Prepared, portfolio: Portfolio) -> list[Transaction]:
    command, into = asked.command, asked.into
    if into is None and command.amount is None and command.per_unit is None:
        raise InvalidInput("into", "or what is paid in cash is required for a MERGER")
    if into is not None and command.txn_type is not TxnType.EXCHANGE and command.units_new is None:
        raise InvalidInput("units_new", "and units_old are required with the security that is received")
    event = Reorganisation(
        command.txn_type,
        _known(asked).security_id,
        into.security_id if into else None,
        command.units_new if command.units_new is not None else _ONE,
        command.units_old if command.units_old is not None else _ONE,
        _basis_share(command),
        command.amount,
        command.per_unit,
        command.in_lieu_price,
        Terms(into.currency, command.into_fx_rate or _same_rate(asked, into)) if into else Terms(),
    )
    return reorganise(portfolio, event, asked.when, asked.terms, uuid4())


def _basis_share(command: RecordTransaction) -> Decimal:
    """The share that is stated; else none of the cost for rights, and all of it where no cash is paid."""
    if command.basis_share is not None:
        return command.basis_share
    if command.txn_type is TxnType.RIGHTS:
        return ZERO
    if command.into is not None and (command.amount or command.per_unit):
        raise InvalidInput("basis_share", "is required for a merger in stock and cash: the share of the stock")
    return _ONE


def _same_rate(asked: Prepared, into: Security) -> Decimal | None:
    return asked.terms.fx_rate if into.currency == asked.terms.currency else None


def _paid(asked: Prepared, portfolio: Portfolio) -> Decimal:
    """The amount; else so much per unit that was held at the close before the ex-date, as it can be paid."""
    command, security = asked.command, _known(asked)
    if command.amount is not None:
        return command.amount
    assert command.per_unit is not None
    if command.ex_date is None or command.ex_date > asked.when.business_date:
        raise InvalidInput("ex_date", "is needed with per_unit, and is not after the day of payment")
    held = portfolio.entitled(security.security_id, command.ex_date)
    if not held:
        raise InvalidInput("ex_date", f"nothing of {security.ticker} was held at the close before {command.ex_date}")
    amount = product(held, parse_quantity(command.per_unit, "per_unit") * security.price_factor)
    return payable(amount, asked.terms.currency or portfolio.base_currency)


def _known(asked: Prepared) -> Security:
    assert asked.security is not None, "its type needs a ticker"
    return asked.security


_DECIDED: Mapping[TxnType, Callable[[Prepared, Portfolio], list[Transaction]]] = {
    **dict.fromkeys((TxnType.DEPOSIT, TxnType.WITHDRAW, TxnType.FEE, TxnType.TAX, TxnType.INTEREST), _cash),
    **dict.fromkeys(TRADES, _trade),
    **dict.fromkeys((TxnType.DIVIDEND, TxnType.COUPON), _income),
    **dict.fromkeys(BETWEEN_SECURITIES, _between),
    TxnType.TRANSFER_IN: _transfer_in,
    TxnType.TRANSFER_OUT: _transfer_out,
    TxnType.RETURN_OF_CAPITAL: _return_of_capital,
    TxnType.COST_ADJUSTMENT: _cost_adjustment,
    TxnType.SPLIT: _split,
    TxnType.BONUS: _bonus,
}
