"""Simulations are requests: they are stored here, run by the pipeline, and their results read from the lake."""

from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Response

from oltp_api.context import OnceDep, UserDep, VisiblePortfolio, WorldDep
from oltp_api.portfolios import handlers as portfolios
from oltp_api.portfolios.schemas import SimulationPage, SimulationRequestBody, SimulationResultView, SimulationView
from oltp_api.portfolios.views import Reads
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
def request_simulation(portfolio_id: UUID, body: SimulationRequestBody, once: OnceDep) -> Response:
    command = body.command(once.user_id, portfolio_id)
    return once.commit(
        body,
        202,
        lambda work: Reads(work).simulation(once.user_id, portfolios.request_simulation(command, work)),
    )


@router.get("/portfolios/{portfolio_id}/simulations", summary="A portfolio's simulations, oldest first by default")
def list_simulations(
    portfolio_id: VisiblePortfolio,
    world: WorldDep,
    user_id: UserDep,
    status: Status | None = None,
    sort: Sort = "requested",
    limit: LimitQuery = 100,
    cursor: CursorQuery = None,
) -> SimulationPage:
    return world.transact(lambda work: Reads(work).simulations(user_id, portfolio_id, status, sort, limit, cursor))


@router.get("/simulations/{simulation_id}", summary="A simulation: request, status, summary and fan")
def get_simulation(simulation_id: UUID, world: WorldDep, user_id: UserDep) -> SimulationResultView:
    asked = world.transact(lambda work: Reads(work).simulation(user_id, simulation_id))
    fan = world.analytics.get_simulation_fan(simulation_id) if asked.status == "DONE" else None
    return SimulationResultView(**asked.model_dump(), fan=fan)
