"""Splits and dividends that the market tells and the ledger lacks: what they are, and one call that records them."""

from dataclasses import asdict
from uuid import UUID

from fastapi import APIRouter, Response

from oltp_api.access.rules import Role, Scope, may
from oltp_api.analytics.released import AnalyticsDep
from oltp_api.corporate_actions import handlers
from oltp_api.corporate_actions.schemas import RecordActionsRequest, UnrecordedActionsView, UnrecordedActionView
from oltp_api.imports.schemas import BatchView
from oltp_api.ownership import VisiblePortfolio
from oltp_api.web.bodies import costly
from oltp_api.web.idempotency import IdempotentDep
from oltp_api.web.problems import PROBLEMS
from oltp_api.web.routing import BoundedRoute

router = APIRouter(
    route_class=BoundedRoute,
    prefix="/portfolios/{portfolio_id}/corporate-actions",
    tags=["ledger"],
    responses=PROBLEMS,
)


@router.get("", summary="Splits and dividends that the market tells and the ledger lacks")
@may(Scope.READ, Role.VIEWER)
def get_unrecorded(portfolio_id: VisiblePortfolio, analytics: AnalyticsDep) -> UnrecordedActionsView:
    """Proposed is what was held at the close before, by the newest release."""
    release = analytics.release_of(portfolio_id)
    actions = [UnrecordedActionView.model_validate(one) for one in analytics.get_unrecorded(portfolio_id)]
    return UnrecordedActionsView(**asdict(release), actions=actions)


@router.post("", status_code=201, response_model=BatchView, summary="Record what the market tells and the ledger lacks")
@costly()
@may(Scope.TRADE, Role.EDITOR)
def record_unrecorded(
    portfolio_id: UUID, body: RecordActionsRequest, idempotent: IdempotentDep, analytics: AnalyticsDep
) -> Response:
    """One row refused keeps no other out. Dividends are recorded before tax, on their ex-date."""
    proposed = analytics.get_unrecorded(portfolio_id)
    return idempotent.commit(
        body,
        201,
        lambda work: handlers.record_actions(body, proposed, idempotent.user_id, portfolio_id, work),
    )
