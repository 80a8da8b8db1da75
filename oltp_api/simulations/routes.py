"""Simulations are requests: they are stored here, run by the pipeline, and their results read from the lake."""

from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Response

from oltp_api.context import ContextDep, UserDep
from oltp_api.ownership import VisiblePortfolio
from oltp_api.simulations import handlers
from oltp_api.simulations.repository import Simulations
from oltp_api.simulations.schemas import SimulationPage, SimulationRequestBody, SimulationResultView, SimulationView
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.web.idempotency import IdempotentDep
from oltp_api.web.pages import CursorQuery, LimitQuery
from oltp_api.web.problems import PROBLEMS, TURN_PROBLEMS
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute, tags=["simulations"], responses=PROBLEMS)

Status = Literal["REQUESTED", "DONE", "REFUSED"]
Sort = Literal["requested", "-requested"]


@router.post(
    "/portfolios/{portfolio_id}/simulations",
    status_code=202,
    response_model=SimulationView,
    responses=TURN_PROBLEMS,
    summary="Request a simulation",
)
def request_simulation(portfolio_id: UUID, body: SimulationRequestBody, idempotent: IdempotentDep) -> Response:
    command = body.command(idempotent.user_id, portfolio_id)
    return idempotent.commit(
        body,
        202,
        lambda work: _view(idempotent.user_id, handlers.request_simulation(command, work), work),
    )


@router.get("/portfolios/{portfolio_id}/simulations", summary="A portfolio's simulations, oldest first by default")
def list_simulations(
    portfolio_id: VisiblePortfolio,
    context: ContextDep,
    user_id: UserDep,
    status: Status | None = None,
    sort: Sort = "requested",
    limit: LimitQuery = 100,
    cursor: CursorQuery = None,
) -> SimulationPage:
    wanted = {"portfolio_id": portfolio_id, "status": status}
    page = context.transact(lambda work: Simulations(work).page(user_id, sort, limit, cursor, **wanted))
    return SimulationPage.model_validate(page)


@router.get("/simulations/{simulation_id}", summary="A simulation: request, status, summary and fan")
def get_simulation(simulation_id: UUID, context: ContextDep, user_id: UserDep) -> SimulationResultView:
    asked = context.transact(lambda work: _view(user_id, simulation_id, work))
    fan = context.analytics.get_simulation_fan(simulation_id) if asked.status == "DONE" else None
    return SimulationResultView(**asked.model_dump(), fan=fan)


def _view(user_id: UUID, simulation_id: UUID, work: UnitOfWork) -> SimulationView:
    return SimulationView(**Simulations(work).one(user_id, simulation_id))
