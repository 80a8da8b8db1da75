"""Creation of a portfolio."""

from decimal import Decimal
from uuid import UUID, uuid4

from domain.accounts import MAIN_ACCOUNT
from domain.commands import CreatePortfolio, InitialHolding
from domain.currencies import parse_currency
from domain.entries import Terms, When
from domain.errors import InvalidNumber
from domain.events import PortfolioCreated
from domain.portfolio import Portfolio, new_name
from domain.positions import Positions
from domain.securities import parse_ticker
from oltp_api.accounts.repository import Accounts
from oltp_api.business_dates import opening_of
from oltp_api.ledger.handlers import found_or_registered
from oltp_api.ledger.repository import Portfolios
from oltp_api.ledger.writing import save
from oltp_api.simulations.handlers import request_standing_simulation
from oltp_api.unit_of_work import UnitOfWork


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
    request_standing_simulation(portfolio.portfolio_id, command.user_id, work)
    return portfolio.portfolio_id


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


def _created(portfolio: Portfolio) -> PortfolioCreated:
    return PortfolioCreated(portfolio.portfolio_id, portfolio.name, portfolio.base_currency, portfolio.kind.value)
