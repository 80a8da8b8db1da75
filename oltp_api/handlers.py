"""What happens on each command: load, ask the domain, write. The caller's unit of work commits once."""

import secrets
from contextlib import suppress
from decimal import Decimal
from uuid import UUID, uuid4

from domain.commands import CreatePortfolio, InitialHolding, RecordTransaction, RequestSimulation
from domain.errors import (
    AlreadyExists,
    CurrencyMismatch,
    InvalidInput,
    InvalidNumber,
    PortfolioArchived,
    UnknownSecurity,
)
from domain.events import PortfolioCreated, SimulationRequested, TransactionRecorded
from domain.ledger import Transaction, TxnType
from domain.portfolio import Portfolio, When, new_name
from domain.ports import SimulationRequest
from domain.securities import AssetType, Security, parse_currency, parse_ticker
from oltp_api.accounts import MAIN_ACCOUNT
from oltp_api.moments import moment_of, opening_of
from oltp_api.unit_of_work import UnitOfWork

_SEED_BITS = 48  # exact in a JSON number


def create_portfolio(command: CreatePortfolio, work: UnitOfWork) -> UUID:
    """The id of a new portfolio with its cash and units transferred in, and its standing simulation."""
    portfolio = Portfolio(
        uuid4(),
        command.user_id,
        new_name(command.name),
        parse_currency(command.base_currency, "base_currency"),
        command.kind,
        command.time_zone,
    )
    opening = opening_of(command.business_date, command.time_zone, work.clock)
    account_id = work.accounts.id_of(command.user_id, MAIN_ACCOUNT)
    work.portfolios.add(portfolio)
    work.events.publish(portfolio.portfolio_id, 0, _created(portfolio))
    _fund(portfolio, command.initial_cash, account_id, opening)
    _transfer_in(portfolio, command.holdings, account_id, opening, work)
    _save(portfolio, work)
    _request(_standing_simulation(portfolio.portfolio_id), command.user_id, work)
    return portfolio.portfolio_id


def record_transaction(command: RecordTransaction, work: UnitOfWork) -> Transaction:
    """The ledger row that the portfolio decided on."""
    portfolio = work.portfolios.lock(command.user_id, command.portfolio_id)
    if command.currency and command.currency != portfolio.base_currency:
        raise CurrencyMismatch(expected=portfolio.base_currency, given=command.currency)
    account_id = work.accounts.id_of(command.user_id, command.account or MAIN_ACCOUNT)
    when = moment_of(command.business_date, command.event_ts, portfolio.time_zone, work.clock)
    security_id = None
    if command.ticker is not None:
        security_id = _tradable(command.ticker, portfolio.base_currency, work).security_id
        work.portfolios.load_holdings(portfolio, security_id)
    if portfolio.is_back_dated(when):
        portfolio.history = work.portfolios.history(portfolio.portfolio_id)
    row = _decide(portfolio, command, account_id, security_id, when)
    _save(portfolio, work)
    return row


def request_simulation(command: RequestSimulation, work: UnitOfWork) -> UUID:
    """The id of the stored request; the pipeline runs it."""
    portfolio = work.portfolios.lock(command.user_id, command.portfolio_id)
    if portfolio.archived:
        raise PortfolioArchived(portfolio.portfolio_id)
    request = SimulationRequest(
        simulation_id=uuid4(),
        portfolio_id=portfolio.portfolio_id,
        name=new_name(command.name),
        horizon_years=command.horizon_years,
        num_paths=command.num_paths,
        sample_paths=command.sample_paths,
        seed=secrets.randbits(_SEED_BITS) if command.seed is None else command.seed,
        is_standing=False,
    )
    _request(request, command.user_id, work)
    return request.simulation_id


def _fund(portfolio: Portfolio, initial_cash: Decimal, account_id: int, opening: When) -> None:
    if initial_cash < 0:
        raise InvalidNumber("initial_cash", initial_cash, "must not be negative")
    if initial_cash:
        portfolio.deposit(account_id, initial_cash, opening, "initial cash")


def _transfer_in(
    portfolio: Portfolio, holdings: tuple[InitialHolding, ...], account_id: int, opening: When, work: UnitOfWork
) -> None:
    tickers = sorted({parse_ticker(holding.ticker) for holding in holdings})  # one order for all: no deadlock
    securities = {ticker: _found_or_registered(ticker, portfolio.base_currency, work) for ticker in tickers}
    for holding in holdings:
        security = securities[parse_ticker(holding.ticker)]
        portfolio.transfer_in(
            account_id, security.security_id, holding.quantity, holding.avg_cost, opening, "initial holding"
        )


def _found_or_registered(ticker: str, currency: str, work: UnitOfWork) -> Security:
    if work.securities.find(ticker) is None:
        with suppress(AlreadyExists):  # then a parallel request was first, and has committed
            work.securities.add(Security(0, ticker, AssetType.EQUITY, currency, ticker))
    return _tradable(ticker, currency, work)


def _tradable(ticker: str, currency: str, work: UnitOfWork) -> Security:
    security = work.securities.find(parse_ticker(ticker))
    if security is None:
        raise UnknownSecurity(ticker)
    if security.asset_type is AssetType.INDEX:
        raise InvalidInput("ticker", f"{security.ticker} is an index, which cannot be held")
    if security.currency != currency:
        raise CurrencyMismatch(expected=currency, given=security.currency)
    return security


def _decide(
    portfolio: Portfolio, command: RecordTransaction, account_id: int, security_id: int | None, when: When
) -> Transaction:
    if command.txn_type in (TxnType.BUY, TxnType.SELL):
        trade = portfolio.buy if command.txn_type is TxnType.BUY else portfolio.sell
        assert security_id is not None
        assert command.quantity is not None
        assert command.price is not None
        return trade(account_id, security_id, command.quantity, command.price, command.fees, when, command.note)
    moves = {
        TxnType.DEPOSIT: portfolio.deposit,
        TxnType.WITHDRAW: portfolio.withdraw,
        TxnType.FEE: portfolio.charge_fee,
    }
    assert command.amount is not None
    return moves[command.txn_type](account_id, command.amount, when, command.note)


def _save(portfolio: Portfolio, work: UnitOfWork) -> None:
    work.portfolios.save(portfolio)
    for row in portfolio.rows:
        work.events.publish(portfolio.portfolio_id, row.seq, _recorded(row))


def _request(request: SimulationRequest, user_id: UUID, work: UnitOfWork) -> None:
    work.simulations.add(user_id, request)
    work.events.publish(request.simulation_id, 0, SimulationRequested(request.simulation_id, request.portfolio_id))


def _standing_simulation(portfolio_id: UUID) -> SimulationRequest:
    return SimulationRequest(
        simulation_id=uuid4(),
        portfolio_id=portfolio_id,
        name="default",
        horizon_years=30,
        num_paths=10_000,
        sample_paths=10,
        seed=secrets.randbits(_SEED_BITS),
        is_standing=True,
    )


def _created(portfolio: Portfolio) -> PortfolioCreated:
    return PortfolioCreated(portfolio.portfolio_id, portfolio.name, portfolio.base_currency, portfolio.kind.value)


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
