"""Pages of simulations."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from oltp_api.access.rules import Role, Scope, may
from oltp_api.context import ContextDep, UserDep
from oltp_api.review.page.review import page_policy
from oltp_api.sight import also_seeing
from oltp_api.simulation_pages.page import comparison_page, simulation_page
from oltp_api.simulations.comparing import compared, two_of
from oltp_api.simulations.views import currency_of, inputs_view, result_view
from oltp_api.web.bodies import costly
from oltp_api.web.fields import Text
from oltp_api.web.places import places
from oltp_api.web.problems import PROBLEMS
from oltp_api.web.routing import BoundedRoute
from storage.web.guard import NO_FRAMES

router = APIRouter(route_class=BoundedRoute, tags=["simulations"], responses=PROBLEMS)


def _page(text: str) -> HTMLResponse:
    return HTMLResponse(text, headers={"Content-Security-Policy": f"{page_policy()}; {NO_FRAMES}"})


@router.get(
    "/simulations/compare.html",
    response_class=HTMLResponse,
    responses={200: {"content": {"text/html": {"example": "<!doctype html><title>Two simulations</title>..."}}}},
    summary="Two simulations on one page: fans on one scale, differences with their errors",
)
@costly()
@may(Scope.READ)
def get_comparison_page(
    request: Request,
    ids: Annotated[Text, Query(max_length=200, description="Two ids, with a comma between them.")],
    context: ContextDep,
    user_id: UserDep,
) -> HTMLResponse:
    first, second = two_of(ids)
    comparison = compared(context, user_id, (first, second))
    with also_seeing((comparison.first.portfolio_id, comparison.second.portfolio_id)):
        fans = (context.analytics.get_simulation_fan(first), context.analytics.get_simulation_fan(second))
    return _page(comparison_page(comparison, fans, currency_of(comparison.first), places(request)))


@router.get(
    "/simulations/{simulation_id}/simulation.html",
    response_class=HTMLResponse,
    responses={200: {"content": {"text/html": {"example": "<!doctype html><title>to retirement</title>..."}}}},
    summary="A simulation on one page: fan, figures, warnings, and every input with where it is from",
)
@costly()
@may(Scope.READ, Role.VIEWER)
def get_simulation_page(request: Request, simulation_id: UUID, context: ContextDep, user_id: UserDep) -> HTMLResponse:
    simulation = result_view(context, user_id, simulation_id)
    inputs = inputs_view(context, user_id, simulation_id) if simulation.fan else None
    return _page(simulation_page(simulation, inputs, currency_of(simulation), places(request)))
