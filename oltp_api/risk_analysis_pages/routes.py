"""The page of a risk analysis."""

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from oltp_api.access.rules import Role, Scope, may
from oltp_api.context import ContextDep, UserDep
from oltp_api.review.page.review import page_policy
from oltp_api.risk_analyses.handlers import result_view, scores_view
from oltp_api.risk_analysis_pages.page import analysis_page
from oltp_api.web.bodies import costly
from oltp_api.web.places import places
from oltp_api.web.problems import PROBLEMS
from oltp_api.web.routing import BoundedRoute
from storage.web.guard import NO_FRAMES

router = APIRouter(route_class=BoundedRoute, tags=["analytics"], responses=PROBLEMS)


@router.get(
    "/risk-analyses/{analysis_id}/analysis.html",
    response_class=HTMLResponse,
    responses={200: {"content": {"text/html": {"example": "<!doctype html><title>Risks on 29 Mar 2017</title>..."}}}},
    summary="A risk analysis on one page: risks, what is new, and every fact with where it is from",
)
@costly()
@may(Scope.READ, Role.VIEWER)
def get_risk_analysis_page(request: Request, analysis_id: UUID, context: ContextDep, user_id: UserDep) -> HTMLResponse:
    analysis = result_view(context, user_id, analysis_id)
    scores = scores_view(context, analysis.portfolio_id).scores if analysis.risks else ()
    page = analysis_page(analysis, scores, places(request))
    return HTMLResponse(page, headers={"Content-Security-Policy": f"{page_policy()}; {NO_FRAMES}"})
