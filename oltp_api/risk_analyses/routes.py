"""Risk analyses are requests: they are stored here, written by the pipeline, and never change once they are written."""

from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Response

from oltp_api.access.rules import Role, Scope, may
from oltp_api.context import ContextDep, UserDep
from oltp_api.ownership import VisiblePortfolio
from oltp_api.risk_analyses import handlers
from oltp_api.risk_analyses.repository import RiskAnalyses
from oltp_api.risk_analyses.schemas import (
    RiskAnalysisPage,
    RiskAnalysisRequest,
    RiskAnalysisResultView,
    RiskAnalysisView,
    RiskScoresView,
)
from oltp_api.web.idempotency import IdempotentDep
from oltp_api.web.pages import CursorQuery, LimitQuery
from oltp_api.web.problems import PROBLEMS, TURN_PROBLEMS
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute, tags=["analytics"], responses=PROBLEMS)

Sort = Literal["requested", "-requested"]


@router.post(
    "/portfolios/{portfolio_id}/risk-analyses",
    status_code=202,
    response_model=RiskAnalysisView,
    responses=TURN_PROBLEMS,
    summary="Request an analysis of the portfolio's risks in words",
)
@may(Scope.SIMULATE, Role.EDITOR)
def request_risk_analysis(portfolio_id: UUID, body: RiskAnalysisRequest, idempotent: IdempotentDep) -> Response:
    user_id = idempotent.user_id
    return idempotent.commit(body, 202, lambda work: handlers.requested(user_id, portfolio_id, body, work))


@router.get(
    "/portfolios/{portfolio_id}/risk-analyses", summary="A portfolio's risk analyses, the newest first by default"
)
@may(Scope.READ, Role.VIEWER)
def list_risk_analyses(
    portfolio_id: VisiblePortfolio,
    context: ContextDep,
    user_id: UserDep,
    sort: Sort = "-requested",
    limit: LimitQuery = 100,
    cursor: CursorQuery = None,
) -> RiskAnalysisPage:
    return RiskAnalysisPage.model_validate(
        context.transact(lambda work: RiskAnalyses(work).page(user_id, portfolio_id, sort, limit, cursor))
    )


@router.get(
    "/portfolios/{portfolio_id}/risk-analysis-scores",
    summary="How its risk analyses came out, beside rules/1 at every past quarter's end",
)
@may(Scope.READ, Role.VIEWER)
def get_risk_analysis_scores(portfolio_id: VisiblePortfolio, context: ContextDep) -> RiskScoresView:
    return handlers.scores_view(context, portfolio_id)


@router.get(
    "/risk-analyses/{analysis_id}", summary="An analysis: risks, climate, facts, and what is new since the one before"
)
@may(Scope.READ, Role.VIEWER)
def get_risk_analysis(analysis_id: UUID, context: ContextDep, user_id: UserDep) -> RiskAnalysisResultView:
    return handlers.result_view(context, user_id, analysis_id)
