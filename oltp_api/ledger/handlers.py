"""Commands to a portfolio's ledger: check the input, and let the root decide."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date
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
from domain.entries import Terms
from domain.errors import (
    AlreadyExists,
    InsufficientPosition,
    InvalidNumber,
)
from domain.events import CostMethodChanged
from domain.history import History
from domain.ledger import Transaction
from domain.money import ZERO
from domain.securities import AssetType, Identifier, Reference, Security, parse_ticker
from domain.taking_back import take_rows_back
from oltp_api.ledger.decisions import prepared, rows_of
from oltp_api.ledger.repository import Portfolios
from oltp_api.ledger.writing import Loaded, Wanted, decided, save, tradable
from oltp_api.registry.listing import listing
from oltp_api.registry.repository import Securities
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.web.idempotency import IdempotencyKey


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
        securities=tuple(
            (Reference.parse(name), command.business_date)
            for name in (command.ticker, command.into)
            if name is not None
        ),
        external_ids=(command.external_id,) if command.external_id is not None else (),
        key=key,
    )


def decide(command: RecordTransaction, loaded: Loaded) -> tuple[list[Transaction], Security | None]:
    """Record it in what was loaded."""
    asked = prepared(command, loaded)
    loaded.refuse_recorded(command.external_id)
    loaded.reach(asked.when, asked.security_ids, asked.needs_history)
    return rows_of(asked, loaded.portfolio), asked.security


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


def take_back(user_id: UUID, portfolio_id: UUID, seqs: Sequence[int], note: str, work: UnitOfWork) -> list[Transaction]:
    """Reverse those of these rows that still stand, and what is tied to them, at once; or nothing, if a row that stays
    would be left short."""

    def act(loaded: Loaded) -> list[Transaction]:
        loaded.portfolio.history = History(Portfolios(work).history(portfolio_id))
        return take_rows_back(loaded.portfolio, seqs, note)

    loaded, rows = decided(Wanted(user_id, portfolio_id, holds_all=True), act, work)
    if rows:
        save(loaded.portfolio, work)
    return rows


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
        loaded.refuse_inverse("fx_rate", command.fx_rate, security.currency, when.business_date)
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


def _recorded(
    wanted: Wanted, act: Callable[[Loaded], list[Transaction]], work: UnitOfWork, day: date | None
) -> list[Transaction]:
    loaded, rows = decided(wanted, act, work, is_dated=day is not None)
    save(loaded.portfolio, work)
    return rows


def _wanted_in_account(command: AddHolding | RemoveHolding) -> Wanted:
    named = (Reference.parse(command.ticker), None)
    return Wanted(command.user_id, command.portfolio_id, (command.account,), (named,))
