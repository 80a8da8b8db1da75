"""Requests for simulations, which the pipeline runs."""

import secrets
from uuid import UUID, uuid4

from domain.commands import RequestSimulation
from domain.errors import PortfolioIsArchived
from domain.events import SimulationRequested
from domain.portfolio import new_name
from domain.ports import SimulationRequest
from oltp_api.ledger.writing import Wanted, load_one
from oltp_api.simulations.repository import Simulations
from oltp_api.unit_of_work import UnitOfWork
from storage.events.outbox import write_event

_SEED_BITS = 48  # exact in a JSON number


def request_simulation(command: RequestSimulation, work: UnitOfWork) -> UUID:
    """The id of the stored request; the pipeline runs it."""
    portfolio = load_one(Wanted(command.user_id, command.portfolio_id), work).portfolio
    if portfolio.archived:
        raise PortfolioIsArchived(portfolio.portfolio_id)
    Simulations(work).refuse_above_limit(command.user_id)
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


def request_standing_simulation(portfolio_id: UUID, user_id: UUID, work: UnitOfWork) -> None:
    """The one that is run again whenever the portfolio has changed."""
    request = SimulationRequest(
        simulation_id=uuid4(),
        portfolio_id=portfolio_id,
        name="default",
        horizon_years=30,
        num_paths=10_000,
        sample_paths=10,
        seed=secrets.randbits(_SEED_BITS),
        is_standing=True,
    )
    _request(request, user_id, work)


def _request(request: SimulationRequest, user_id: UUID, work: UnitOfWork) -> None:
    Simulations(work).add(user_id, request)
    requested = SimulationRequested(request.simulation_id, request.portfolio_id)
    write_event(work.connection, request.simulation_id, 0, requested)
