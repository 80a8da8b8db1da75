"""Simulations are requests: they are stored here, run by the pipeline, and their results read from the lake."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from oltp_api.access.rules import Role, Scope, may
from oltp_api.context import ContextDep, UserDep
from oltp_api.ownership import VisiblePortfolio
from oltp_api.simulations import handlers
from oltp_api.simulations.comparing import compared, two_of
from oltp_api.simulations.repository import Simulations
from oltp_api.simulations.schemas import (
    ComparisonView,
    InputsView,
    PathsView,
    PortfolioSimulationRequestBody,
    ScenarioRequest,
    ScenariosView,
    ScenarioView,
    SimulationEdit,
    SimulationPage,
    SimulationRequestBody,
    SimulationResultView,
    SimulationView,
)
from oltp_api.simulations.views import inputs_view, paths_view, result_view, simulation_view
from oltp_api.web.bodies import costly
from oltp_api.web.fields import ShortText, Text
from oltp_api.web.idempotency import IdempotentDep, NoBody
from oltp_api.web.pages import CursorQuery, LimitQuery
from oltp_api.web.problems import PROBLEMS, TURN_PROBLEMS
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute, tags=["simulations"], responses=PROBLEMS)

Status = Literal["REQUESTED", "DONE", "REFUSED"]
Sort = Literal["requested", "-requested"]


@router.post(
    "/simulations",
    status_code=202,
    response_model=SimulationView,
    responses=TURN_PROBLEMS,
    summary="Request a simulation: its model, drift, scenario, and what is asked",
)
@may(Scope.SIMULATE, Role.EDITOR, in_body=True)
def request_simulation_of(body: PortfolioSimulationRequestBody, idempotent: IdempotentDep) -> Response:
    command = body.command(idempotent.user_id, body.portfolio_id)
    return idempotent.commit(body, 202, lambda work: handlers.requested(command, work))


@router.post(
    "/portfolios/{portfolio_id}/simulations",
    status_code=202,
    response_model=SimulationView,
    responses=TURN_PROBLEMS,
    summary="Request a simulation of this portfolio",
)
@may(Scope.SIMULATE, Role.EDITOR)
def request_simulation(portfolio_id: UUID, body: SimulationRequestBody, idempotent: IdempotentDep) -> Response:
    command = body.command(idempotent.user_id, portfolio_id)
    return idempotent.commit(body, 202, lambda work: handlers.requested(command, work))


@router.get("/portfolios/{portfolio_id}/simulations", summary="A portfolio's simulations, oldest first by default")
@may(Scope.READ, Role.VIEWER)
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
    return SimulationPage(
        items=[SimulationView.of(row) for row in page["items"]],
        next_cursor=page["next_cursor"],
    )


@router.get("/simulations/compare", summary="Two simulations: differences of their figures, with their errors")
@costly()
@may(Scope.READ)
def compare_simulations(
    ids: Annotated[Text, Query(max_length=200, description="Two ids, with a comma between them.")],
    context: ContextDep,
    user_id: UserDep,
) -> ComparisonView:
    return compared(context, user_id, two_of(ids))


@router.get("/simulations/{simulation_id}", summary="A simulation: request, status, summary, fan and contributions")
@may(Scope.READ, Role.VIEWER)
def get_simulation(simulation_id: UUID, context: ContextDep, user_id: UserDep) -> SimulationResultView:
    return result_view(context, user_id, simulation_id)


@router.patch("/simulations/{simulation_id}", summary="Rename a simulation")
@may(Scope.SIMULATE, Role.EDITOR)
def rename_simulation(
    simulation_id: UUID, body: SimulationEdit, context: ContextDep, user_id: UserDep
) -> SimulationView:
    context.transact(lambda work: handlers.rename(user_id, simulation_id, body.name, work))
    return simulation_view(context, user_id, simulation_id)


@router.delete(
    "/simulations/{simulation_id}", status_code=204, summary="Take a simulation out of the lists; it is kept"
)
@may(Scope.SIMULATE, Role.EDITOR)
def delete_simulation(simulation_id: UUID, context: ContextDep, user_id: UserDep) -> None:
    context.transact(lambda work: handlers.hide(user_id, simulation_id, work))


@router.get("/simulations/{simulation_id}/paths", summary="Sample paths at evenly spaced percentiles of the end")
@may(Scope.READ, Role.VIEWER)
def get_paths(simulation_id: UUID, context: ContextDep, user_id: UserDep) -> PathsView:
    return paths_view(context, user_id, simulation_id)


@router.get("/simulations/{simulation_id}/inputs", summary="What it started from, each with where it is from")
@may(Scope.READ, Role.VIEWER)
def get_inputs(simulation_id: UUID, context: ContextDep, user_id: UserDep) -> InputsView:
    return inputs_view(context, user_id, simulation_id)


@router.post(
    "/simulations/{simulation_id}/replay",
    status_code=202,
    response_model=SimulationView,
    responses=TURN_PROBLEMS,
    summary="Compute it again from what it was computed from, and compare the bits",
)
@may(Scope.SIMULATE, Role.EDITOR)
def replay_simulation(simulation_id: UUID, idempotent: IdempotentDep) -> Response:
    """The answer is a request in the queue; its summary, once DONE, says whether all bits are the same, or which input
    differs: release, code, machine, seed, a parameter."""
    user_id = idempotent.user_id
    return idempotent.commit(
        NoBody(), 202, lambda work: handlers.again_requested(user_id, simulation_id, work, "replay")
    )


@router.post(
    "/simulations/{simulation_id}/calibration",
    status_code=202,
    response_model=SimulationView,
    responses=TURN_PROBLEMS,
    summary="How often fans of its kind and of these weights were right in the past",
)
@may(Scope.SIMULATE, Role.EDITOR)
def calibrate_simulation(simulation_id: UUID, idempotent: IdempotentDep) -> Response:
    """The answer is a request in the queue; its summary, once DONE, has the records by horizon and span of starts."""
    user_id = idempotent.user_id
    return idempotent.commit(
        NoBody(), 202, lambda work: handlers.again_requested(user_id, simulation_id, work, "calibration")
    )


@router.get("/simulation-scenarios", summary="Scenarios that everybody has, then your own")
@may(Scope.READ)
def list_scenarios(context: ContextDep, user_id: UserDep) -> ScenariosView:
    return ScenariosView(items=context.transact(lambda work: handlers.scenarios(user_id, work)))


@router.post(
    "/simulation-scenarios",
    status_code=201,
    response_model=ScenarioView,
    summary="Store a scenario of your own, made of parts; one of the same name is replaced",
)
@may(Scope.SIMULATE)
def store_scenario(body: ScenarioRequest, idempotent: IdempotentDep) -> Response:
    return idempotent.commit(body, 201, lambda work: handlers.store_scenario(idempotent.user_id, body, work))


@router.delete("/simulation-scenarios/{name}", status_code=204, summary="Delete a scenario of your own")
@may(Scope.SIMULATE)
def delete_scenario(name: Annotated[ShortText, Path()], context: ContextDep, user_id: UserDep) -> None:
    context.transact(lambda work: handlers.delete_scenario(user_id, name, work))
