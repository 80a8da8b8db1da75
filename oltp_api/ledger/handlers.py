"""Commands to a portfolio's ledger: check the input, and let the root decide."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date
from decimal import Decimal
from uuid import UUID, uuid4

from domain.accounts import MAIN_ACCOUNT
from domain.commands import (
    AddHolding,
    ChangeCostMethod,
    ConvertCash,
    RecordTransaction,
    RemoveHolding,
    ReverseTransaction,
    TransferUnits,
)
from domain.currencies import parse_currency
from domain.entries import Terms, When
from domain.errors import (
    AlreadyExists,
    CurrencyMismatch,
    InsufficientPosition,
    InvalidInput,
    InvalidNumber,
    TotalReturnSecurity,
)
from domain.events import CostMethodChanged
from domain.history import History
from domain.ledger import TRADES, Transaction, TxnType
from domain.money import ZERO, parse_quantity, product
from domain.portfolio import Portfolio
from domain.securities import AssetType, Identifier, PriceKind, Reference, Security, parse_ticker
from oltp_api.business_dates import event_time, opening_of
from oltp_api.ledger.repository import Portfolios
from oltp_api.ledger.writing import Loaded, Wanted, decided, save, tradable
from oltp_api.registry.listing import listing
from oltp_api.registry.repository import Securities
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.web.idempotency import IdempotencyKey

INCOME = frozenset({TxnType.DIVIDEND, TxnType.COUPON})


def record_transaction(command: RecordTransaction, work: UnitOfWork) -> tuple[list[Transaction], Security | None]:
    """The ledger rows that the portfolio decided on, the one that was asked for first; and their security."""
    loaded, decision = decided(
        wanted_by(command), lambda loaded: decide(command, loaded), work, is_dated=command.business_date is not None
    )
    save(loaded.portfolio, work)
    return decision


def wanted_by(command: RecordTransaction, key: IdempotencyKey | None = None) -> Wanted:
    return Wanted(
        command.user_id,
        command.portfolio_id,
        accounts=(command.account or MAIN_ACCOUNT,),
        securities=((Reference.parse(command.ticker), command.business_date),) if command.ticker is not None else (),
        external_ids=(command.external_id,) if command.external_id is not None else (),
        key=key,
    )


def decide(command: RecordTransaction, loaded: Loaded) -> tuple[list[Transaction], Security | None]:
    """Record it in what was loaded."""
    account_id = loaded.account_id(command.account or MAIN_ACCOUNT)
    security = loaded.security(command.ticker, command.business_date) if command.ticker is not None else None
    terms = terms_of(command, security)
    loaded.refuse_recorded(command.external_id)
    when = when_of(command, loaded)
    loaded.reach(when, [security.security_id] if security else [], needs_history(command))
    return rows_of(command, loaded.portfolio, account_id, security, when, terms), security


def transfer_units(command: TransferUnits, work: UnitOfWork) -> list[Transaction]:
    """Both legs, out and in."""

    def act(loaded: Loaded) -> list[Transaction]:
        from_id, to_id = loaded.account_id(command.from_account), loaded.account_id(command.to_account)
        security = loaded.security(command.ticker)
        when = loaded.reached(command.business_date, security)
        terms = Terms(currency=security.currency, note=command.note)
        return loaded.portfolio.move_units(from_id, to_id, security.security_id, command.quantity, when, uuid4(), terms)

    accounts = (command.from_account, command.to_account)
    wanted = Wanted(command.user_id, command.portfolio_id, accounts, ((Reference.parse(command.ticker), None),))
    return _recorded(wanted, act, work, command.business_date)


def convert_cash(command: ConvertCash, work: UnitOfWork) -> list[Transaction]:
    """Both legs, out and in."""
    terms = Terms(parse_currency(command.from_currency, "from_currency"), note=command.note)
    into = parse_currency(command.to_currency, "to_currency")

    def act(loaded: Loaded) -> list[Transaction]:
        account_id, when = loaded.account_id(MAIN_ACCOUNT), loaded.reached(command.business_date)
        return loaded.portfolio.convert(account_id, command.amount, command.received, into, when, uuid4(), terms)

    return _recorded(Wanted(command.user_id, command.portfolio_id, (MAIN_ACCOUNT,)), act, work, command.business_date)


def reverse_transaction(command: ReverseTransaction, work: UnitOfWork) -> list[Transaction]:
    """The reversal, or both for the legs of a transfer."""

    def act(loaded: Loaded) -> list[Transaction]:
        Portfolios(work).load_to_reverse(loaded.portfolio, command.seq)
        return loaded.portfolio.reverse(command.seq, command.note)

    loaded, rows = decided(Wanted(command.user_id, command.portfolio_id), act, work)
    save(loaded.portfolio, work)
    return rows


def add_holding(command: AddHolding, work: UnitOfWork) -> Transaction:
    """The row that brings the units; an identifier that nobody registered is registered as an EQUITY."""
    if not command.is_received and (command.cost_per_unit is None or command.cost_per_unit <= 0):
        given = command.cost_per_unit if command.cost_per_unit is not None else ZERO
        raise InvalidNumber("cost_per_unit", given, "must be above 0 for units that were bought, not received")
    found_or_registered(command.ticker, None, command.user_id, work)

    def act(loaded: Loaded) -> list[Transaction]:
        account_id, security = loaded.account_id(command.account), loaded.security(command.ticker)
        when = loaded.reached(command.business_date, security)
        terms = Terms(security.currency, command.fx_rate, security.price_factor, note=command.note)
        units = (security.security_id, command.quantity, command.cost_per_unit)
        return [loaded.portfolio.transfer_in(account_id, *units, when, terms)]

    return _recorded(_wanted_in_account(command), act, work, command.business_date)[0]


def remove_holding(command: RemoveHolding, work: UnitOfWork) -> Transaction:
    """The row that takes all units of the security out of the account."""

    def act(loaded: Loaded) -> list[Transaction]:
        account_id, security = loaded.account_id(command.account), loaded.security(command.ticker)
        when = loaded.reached(command.business_date, security)
        held = loaded.portfolio.positions.holding((account_id, security.security_id)).quantity
        if held <= 0:
            raise InsufficientPosition(security.security_id, held=held, asked=ZERO)
        terms = Terms(security.currency)
        return [loaded.portfolio.transfer_out(account_id, security.security_id, held, when, terms)]

    return _recorded(_wanted_in_account(command), act, work, command.business_date)[0]


def change_cost_method(command: ChangeCostMethod, work: UnitOfWork) -> None:
    """Every cost and gain is restated by the new method, and the change is an event."""

    def act(loaded: Loaded) -> None:
        portfolio = loaded.portfolio
        if portfolio.cost_method is not command.method:
            portfolio.history = History(Portfolios(work).history(portfolio.portfolio_id))
            portfolio.restate(command.method)

    wanted = Wanted(command.user_id, command.portfolio_id, holds_all=True)
    loaded, _ = decided(wanted, act, work)
    if loaded.portfolio.history is not None:
        changed = CostMethodChanged(command.portfolio_id, command.method.value)
        save(loaded.portfolio, work, [(command.portfolio_id, loaded.portfolio.version, changed)])


def found_or_registered(identifier: str, currency: str | None, user_id: UUID, work: UnitOfWork) -> Security:
    """The security; one that nobody registered becomes an EQUITY, in `currency` or else in dollars, and the user's."""
    found = Securities(work).find(identifier)
    if found is None:
        ticker = parse_ticker(identifier)
        listing().refuse(Identifier.guess(ticker), {ticker})
        with suppress(AlreadyExists):  # then a parallel request was first, and has committed
            Securities(work).add(Security(0, ticker, AssetType.EQUITY, currency or "USD", ticker), user_id=user_id)
        found = Securities(work).find(ticker)
    return tradable(found, identifier)


def terms_of(command: RecordTransaction, security: Security | None) -> Terms:
    """Return the terms that the row's numbers are in; refuse a currency that is not the security's."""
    currency = security.currency if security else command.currency
    if command.currency and command.currency != currency:
        raise CurrencyMismatch(expected=str(currency), given=command.currency)
    return Terms(
        currency=currency,
        fx_rate=command.fx_rate,
        price_factor=security.price_factor if security else Decimal(1),
        accrued=command.accrued,
        note=command.note,
        external_id=command.external_id,
    )


def needs_history(command: RecordTransaction) -> bool:
    """Say whether it is decided against the history whenever it is recorded."""
    return command.txn_type is TxnType.SPLIT or command.per_unit is not None


def when_of(command: RecordTransaction, loaded: Loaded) -> When:
    """A split applies to what is open at the start of its day, whatever moment is given."""
    zone = loaded.portfolio.time_zone
    when = event_time(command.business_date, command.event_ts, zone, loaded.clock)
    return when if command.txn_type is not TxnType.SPLIT else opening_of(when.business_date, zone, loaded.clock)


def rows_of(
    command: RecordTransaction,
    portfolio: Portfolio,
    account_id: int,
    security: Security | None,
    when: When,
    terms: Terms,
) -> list[Transaction]:
    """Let the portfolio decide by the command's type."""
    kind = command.txn_type
    if security is None:
        assert command.amount is not None
        return [portfolio.move_cash(kind, account_id, command.amount, when, terms)]
    if kind in TRADES:
        assert command.quantity is not None
        assert command.price is not None
        units = (security.security_id, command.quantity, command.price, command.fees)
        return [portfolio.trade(kind, account_id, *units, when, terms)]
    if kind is TxnType.TRANSFER_IN:
        assert command.quantity is not None
        return [portfolio.transfer_in(account_id, security.security_id, command.quantity, command.price, when, terms)]
    if kind is TxnType.TRANSFER_OUT:
        assert command.quantity is not None
        return [portfolio.transfer_out(account_id, security.security_id, command.quantity, when, terms)]
    if security.price_kind is PriceKind.TOTAL_RETURN:
        raise TotalReturnSecurity(security.ticker, kind.value)
    if kind is TxnType.SPLIT:
        assert command.split_new is not None
        assert command.split_old is not None
        ratio = (command.split_new, command.split_old)
        return portfolio.split(account_id, security.security_id, *ratio, when, command.in_lieu_price, terms)
    assert kind in INCOME
    amount = command.amount if command.amount is not None else _entitlement(portfolio, command, security, when)
    return portfolio.receive_income(
        kind, account_id, security.security_id, amount, when, command.ex_date, command.withheld, terms
    )


def _entitlement(portfolio: Portfolio, command: RecordTransaction, security: Security, when: When) -> Decimal:
    assert command.per_unit is not None
    if command.ex_date is None or command.ex_date > when.business_date:
        raise InvalidInput("ex_date", "is needed with per_unit, and is not after the day of payment")
    held = portfolio.entitled(security.security_id, command.ex_date)
    if not held:
        raise InvalidInput("ex_date", f"nothing of {security.ticker} was held at the close before {command.ex_date}")
    return product(held, parse_quantity(command.per_unit, "per_unit") * security.price_factor)


def _recorded(
    wanted: Wanted, act: Callable[[Loaded], list[Transaction]], work: UnitOfWork, day: date | None
) -> list[Transaction]:
    loaded, rows = decided(wanted, act, work, is_dated=day is not None)
    save(loaded.portfolio, work)
    return rows


def _wanted_in_account(command: AddHolding | RemoveHolding) -> Wanted:
    named = (Reference.parse(command.ticker), None)
    return Wanted(command.user_id, command.portfolio_id, (command.account,), (named,))
