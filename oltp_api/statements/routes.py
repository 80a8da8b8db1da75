"""Reconciliation with a broker's statement."""

from uuid import UUID

from fastapi import APIRouter

from oltp_api.access.rules import Role, Scope, may
from oltp_api.context import ContextDep, UserDep
from oltp_api.statements import handlers
from oltp_api.statements.schemas import ReconciliationView, StatementRequest
from oltp_api.web.bodies import costly
from oltp_api.web.problems import PROBLEMS
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute, tags=["imports"], responses=PROBLEMS)

_MOST_BYTES = 5_000_000


@router.post(
    "/portfolios/{portfolio_id}/reconciliations",
    summary="Compare what is held with a broker's statement; nothing is changed",
)
@costly(_MOST_BYTES)
@may(Scope.READ, Role.VIEWER)
def reconcile(portfolio_id: UUID, body: StatementRequest, context: ContextDep, user_id: UserDep) -> ReconciliationView:
    return context.transact(lambda work: handlers.reconcile(body, user_id, portfolio_id, work))
