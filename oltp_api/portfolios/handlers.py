"""Creation of a portfolio, and requests for simulations: load, ask the domain, write."""

import secrets
from decimal import Decimal
from uuid import UUID, uuid4

from domain.commands import CreatePortfolio, InitialHolding, RequestSimulation
from domain.currencies import parse_currency
from domain.entries import Terms, When
from domain.errors import InvalidNumber, PortfolioArchived
from domain.events import PortfolioCreated, SimulationRequested
from domain.portfolio import Portfolio, new_name
from domain.ports import SimulationRequest
from domain.positions import Positions
from domain.securities import parse_ticker
from oltp_api.accounts.repository import MAIN_ACCOUNT, Accounts
from oltp_api.business_dates import opening_of
from oltp_api.ledger.handlers import found_or_registered
from oltp_api.ledger.repository import Portfolios
from oltp_api.ledger.writing import Wanted, load_one, save
from oltp_api.simulations.repository import Outbox, SimulationRequests
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
        positions=Positions(command.cost_method),
    )
    opening = opening_of(command.business_date, command.time_zone, work.clock)
    account_id = Accounts(work).id_of(command.user_id, MAIN_ACCOUNT)
    Portfolios(work).add(portfolio)
    _fund(portfolio, command.initial_cash, account_id, opening)
    _transfer_in(portfolio, command.holdings, account_id, opening, work)
    save(portfolio, work, [(portfolio.portfolio_id, 0, _created(portfolio))])
    _request(_standing_simulation(portfolio.portfolio_id), command.user_id, work)
    return portfolio.portfolio_id


def request_simulation(command: RequestSimulation, work: UnitOfWork) -> UUID:
    """The id of the stored request; the pipeline runs it."""
    portfolio = load_one(Wanted(command.user_id, command.portfolio_id), work).portfolio
    if portfolio.archived:
        raise PortfolioArchived(portfolio.portfolio_id)
    SimulationRequests(work).refuse_above_limit(command.user_id)
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
    securities = {
        ticker: found_or_registered(ticker, portfolio.base_currency, portfolio.user_id, work) for ticker in tickers
    }
    for holding in holdings:
        security = securities[parse_ticker(holding.ticker)]
        terms = Terms(security.currency, price_factor=security.price_factor, note="initial holding")
        portfolio.transfer_in(account_id, security.security_id, holding.quantity, holding.avg_cost, opening, terms)


def _request(request: SimulationRequest, user_id: UUID, work: UnitOfWork) -> None:
    SimulationRequests(work).add(user_id, request)
    Outbox(work).publish(request.simulation_id, 0, SimulationRequested(request.simulation_id, request.portfolio_id))


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
