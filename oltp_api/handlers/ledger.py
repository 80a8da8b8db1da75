"""Commands to a portfolio's ledger: lock and load, check the input, let the root decide, save.

Loading asks everything at once: the lock, cash, the account and the security share one round trip; so does all that is
saved.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import deepcopy
from datetime import date
from decimal import Decimal
from typing import TypeVar
from uuid import UUID, uuid4

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
    Refusal,
    TotalReturnSecurity,
    UnknownSecurity,
)
from domain.events import CostMethodChanged, PositionUpdated, TransactionRecorded
from domain.ledger import TRADES, Transaction, TxnType
from domain.money import ZERO, parse_quantity, product
from domain.portfolio import Portfolio
from domain.securities import AssetType, Identifier, PriceKind, Reference, Security, parse_ticker
from domain.timeline import History
from oltp_api.listing import listing
from oltp_api.moments import moment_of, opening_of
from oltp_api.repositories.accounts import MAIN_ACCOUNT
from oltp_api.repositories.portfolios import Happened
from oltp_api.unit_of_work import UnitOfWork

T = TypeVar("T")
_Given = tuple[Portfolio, int, Security | None, When]
INCOME = frozenset({TxnType.DIVIDEND, TxnType.COUPON})


def record_transaction(command: RecordTransaction, work: UnitOfWork) -> tuple[list[Transaction], Security | None]:
    """The ledger rows that the portfolio decided on, the one that was asked for first; and their security."""

    def load(is_locked: bool) -> _Given:
        portfolio, (account_id,), security = _loaded(
            work,
            command.user_id,
            command.portfolio_id,
            [command.account or MAIN_ACCOUNT],
            command.ticker,
            command.business_date,
            is_locked,
        )
        if is_locked and command.external_id is not None:
            _refuse_recorded(command.portfolio_id, command.external_id, work)
        return portfolio, account_id, security, when_of(portfolio, command, work)

    def act(given: _Given) -> list[Transaction]:
        portfolio, account_id, security, when = given
        if needs_history(portfolio, command, when):
            load_history(portfolio, [security.security_id] if security else [], when, work)
        return decide(portfolio, command, account_id, security, when, terms_of(command, security))

    def is_long(given: _Given) -> bool:
        return needs_history(given[0], command, given[3])

    (portfolio, _, security, _), rows = _decided(load, is_long if command.business_date else None, act, work)
    save(portfolio, work)
    return rows, security


def transfer_units(command: TransferUnits, work: UnitOfWork) -> list[Transaction]:
    """Both legs, out and in."""
    accounts = [command.from_account, command.to_account]
    portfolio, ids, security = _loaded(work, command.user_id, command.portfolio_id, accounts, command.ticker)
    assert security is not None
    when = reached(command.business_date, portfolio, security, work)
    terms = Terms(currency=security.currency, note=command.note)
    from_id, to_id = ids
    rows = portfolio.move_units(from_id, to_id, security.security_id, command.quantity, when, uuid4(), terms)
    save(portfolio, work)
    return rows


def convert_cash(command: ConvertCash, work: UnitOfWork) -> list[Transaction]:
    """Both legs, out and in."""
    portfolio, (account_id,), _ = _loaded(work, command.user_id, command.portfolio_id, [MAIN_ACCOUNT], None)
    when = reached(command.business_date, portfolio, None, work)
    terms = Terms(parse_currency(command.from_currency, "from_currency"), note=command.note)
    into = parse_currency(command.to_currency, "to_currency")
    rows = portfolio.convert(account_id, command.amount, command.received, into, when, uuid4(), terms)
    save(portfolio, work)
    return rows


def reverse_transaction(command: ReverseTransaction, work: UnitOfWork) -> list[Transaction]:
    """The reversal, or both for the legs of a transfer."""

    def load(is_locked: bool) -> Portfolio:
        return work.portfolios.ask(command.user_id, command.portfolio_id, is_locked=is_locked)()

    def act(portfolio: Portfolio) -> list[Transaction]:
        work.portfolios.load_to_reverse(portfolio, command.seq)
        return portfolio.reverse(command.seq, command.note)

    portfolio, rows = _decided(load, lambda _: True, act, work)
    save(portfolio, work)
    return rows


def add_holding(command: AddHolding, work: UnitOfWork) -> Transaction:
    """The row that brings the units; an identifier that nobody registered is registered as an EQUITY."""
    found_or_registered(command.ticker, None, command.user_id, work)
    portfolio, (account_id,), security = _loaded(
        work, command.user_id, command.portfolio_id, [command.account], command.ticker
    )
    assert security is not None
    if not command.is_received and (command.cost_per_unit is None or command.cost_per_unit <= 0):
        given = command.cost_per_unit if command.cost_per_unit is not None else ZERO
        raise InvalidNumber("cost_per_unit", given, "must be above 0 for units that were bought, not received")
    when = reached(command.business_date, portfolio, security, work)
    terms = Terms(security.currency, command.fx_rate, security.price_factor, note=command.note)
    row = portfolio.transfer_in(account_id, security.security_id, command.quantity, command.cost_per_unit, when, terms)
    save(portfolio, work)
    return row


def remove_holding(command: RemoveHolding, work: UnitOfWork) -> Transaction:
    """The row that takes all units of the security out of the account."""
    portfolio, (account_id,), security = _loaded(
        work, command.user_id, command.portfolio_id, [command.account], command.ticker
    )
    assert security is not None
    when = reached(command.business_date, portfolio, security, work)
    held = portfolio.positions.holding((account_id, security.security_id)).quantity
    if held <= 0:
        raise InsufficientPosition(security.security_id, held=held, asked=ZERO)
    row = portfolio.transfer_out(account_id, security.security_id, held, when, Terms(security.currency))
    save(portfolio, work)
    return row


def change_cost_method(command: ChangeCostMethod, work: UnitOfWork) -> None:
    """Every cost and gain is restated by the new method, and the change is an event."""
    portfolio = work.portfolios.lock(command.user_id, command.portfolio_id)
    if portfolio.cost_method is command.method:
        return
    portfolio.history = History(work.portfolios.history(portfolio.portfolio_id))
    work.portfolios.load_holdings(portfolio)
    portfolio.restate(command.method)
    changed = CostMethodChanged(portfolio.portfolio_id, command.method.value)
    save(portfolio, work, [(portfolio.portfolio_id, portfolio.version, changed)])


def save(portfolio: Portfolio, work: UnitOfWork, others: Sequence[Happened] = ()) -> None:
    """Write what was decided and its events, after `others` that happened with it."""
    work.portfolios.save(portfolio, [*others, *happened(portfolio)])


def happened(portfolio: Portfolio) -> list[Happened]:
    """The events of what was decided: every row, then every holding that it changed."""
    recorded: list[Happened] = [(portfolio.portfolio_id, row.seq, _recorded(row)) for row in portfolio.rows]
    version = portfolio.version
    return recorded + [(portfolio.portfolio_id, version, _updated(portfolio, key)) for key in sorted(portfolio.changed)]


def found_or_registered(identifier: str, currency: str | None, user_id: UUID, work: UnitOfWork) -> Security:
    """The security; one that nobody registered becomes an EQUITY, in `currency` or else in dollars, and the user's."""
    found = work.securities.find(identifier)
    if found is None:
        ticker = parse_ticker(identifier)
        listing().refuse(Identifier.guess(ticker), {ticker})
        with suppress(AlreadyExists):  # then a parallel request was first, and has committed
            work.securities.add(Security(0, ticker, AssetType.EQUITY, currency or "USD", ticker), user_id=user_id)
        found = work.securities.find(ticker)
    return tradable(found, identifier)


def tradable(security: Security | None, identifier: str) -> Security:
    """The security, unless there is none or it cannot be held."""
    if security is None:
        raise UnknownSecurity(identifier)
    if security.asset_type is AssetType.INDEX:
        raise InvalidInput("ticker", f"{security.ticker} is an index, which cannot be held")
    return security


def _decided(
    load: Callable[[bool], T],
    is_long: Callable[[T], bool] | None,
    act: Callable[[T], list[Transaction]],
    work: UnitOfWork,
) -> tuple[T, list[Transaction]]:
    """Return what `load` gives once the portfolio is locked, and the rows that `act` decides on it.

    What takes long, because it needs the history, is decided before the lock is taken, on what is there then; under the
    lock it is only compared with what is there now, and decided again if that is something else.
    """
    ahead: tuple[T, T, list[Transaction] | Refusal] | None = None
    if is_long is not None:
        with work.rehearsal():
            seen = load(False)
            if is_long(seen):
                acted = deepcopy(seen)
                try:
                    ahead = (seen, acted, act(acted))
                except Refusal as refusal:
                    ahead = (seen, acted, refusal)
    given = load(True)
    if ahead is None or ahead[0] != given:
        return given, act(given)
    if isinstance(ahead[2], Refusal):
        raise ahead[2]
    return ahead[1], ahead[2]


def _loaded(
    work: UnitOfWork,
    user_id: UUID,
    portfolio_id: UUID,
    accounts: Sequence[str],
    identifier: str | None,
    on: date | None = None,
    is_locked: bool = True,
) -> tuple[Portfolio, list[int], Security | None]:
    """The portfolio with what it holds of the security, the accounts' ids, and the security."""
    reference = Reference.parse(identifier) if identifier is not None else None
    with work.at_once():
        asked_portfolio = work.portfolios.ask(user_id, portfolio_id, reference, is_locked)
        asked_accounts = [work.accounts.ask(user_id, account) for account in accounts]
        asked_security = work.securities.ask(reference, on) if reference is not None else None
    portfolio = asked_portfolio()
    ids = [account_id() for account_id in asked_accounts]
    if asked_security is None or identifier is None:
        return portfolio, ids, None
    return portfolio, ids, tradable(asked_security(), identifier)


def _refuse_recorded(portfolio_id: UUID, external_id: str, work: UnitOfWork) -> None:
    """Asked under the portfolio's lock, so that the answer stays true."""
    if work.imports.ask_recorded(portfolio_id, [external_id])():
        raise AlreadyExists("transaction with external_id", external_id)


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


def needs_history(portfolio: Portfolio, command: RecordTransaction, when: When) -> bool:
    return portfolio.is_back_dated(when) or command.txn_type is TxnType.SPLIT or command.per_unit is not None


def load_history(portfolio: Portfolio, security_ids: Sequence[int], since: When, work: UnitOfWork) -> None:
    """Load what decisions about these securities, from `since` on, are made against."""
    rows = work.portfolios.history(portfolio.portfolio_id, security_ids)
    portfolio.history = History(rows, work.portfolios.later_cash(portfolio.portfolio_id, since))


def reached(day: date | None, portfolio: Portfolio, security: Security | None, work: UnitOfWork) -> When:
    """The moment of something on `day`, with the history loaded where it has to be decided against it."""
    when = moment_of(day, None, portfolio.time_zone, work.clock)
    if portfolio.is_back_dated(when):
        load_history(portfolio, [security.security_id] if security else [], when, work)
    return when


def when_of(portfolio: Portfolio, command: RecordTransaction, work: UnitOfWork) -> When:
    """A split applies to what is open at the start of its day, whatever moment is given."""
    when = moment_of(command.business_date, command.event_ts, portfolio.time_zone, work.clock)
    if command.txn_type is not TxnType.SPLIT:
        return when
    return opening_of(when.business_date, portfolio.time_zone, work.clock)


def decide(
    portfolio: Portfolio,
    command: RecordTransaction,
    account_id: int,
    security: Security | None,
    when: When,
    terms: Terms,
) -> list[Transaction]:
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


def _recorded(row: Transaction) -> TransactionRecorded:
    return TransactionRecorded(
        portfolio_id=row.portfolio_id,
        seq=row.seq,
        txn_type=row.txn_type.value,
        business_date=row.business_date,
        security_id=row.security_id,
        quantity=row.quantity,
        price=row.price,
        cash_effect=row.cash_effect,
        currency=row.currency,
    )


def _updated(portfolio: Portfolio, key: tuple[int, int]) -> PositionUpdated:
    held = portfolio.holdings[key]
    return PositionUpdated(portfolio.portfolio_id, *key, held.quantity, held.cost_basis, held.realised)
