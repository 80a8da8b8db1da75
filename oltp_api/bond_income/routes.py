"""Posting of bond income on request."""

from uuid import UUID

from fastapi import APIRouter

from domain.commands import PostBondIncome
from oltp_api.access.rules import Role, Scope, may
from oltp_api.bond_income import handlers
from oltp_api.bond_income.schemas import BondIncomeView
from oltp_api.ledger.reads import LedgerReads
from oltp_api.ledger.schemas import TransactionView
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.web.idempotency import IdempotentDep
from oltp_api.web.problems import PROBLEMS
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute, prefix="/portfolios/{portfolio_id}", tags=["ledger"], responses=PROBLEMS)


@router.post("/bond-income", summary="Post the coupons and redemptions that are due and not in the ledger")
@may(Scope.TRADE, Role.EDITOR)
def post_bond_income(portfolio_id: UUID, idempotent: IdempotentDep) -> BondIncomeView:
    """The worker does the same within a second; asking again posts nothing."""
    command = PostBondIncome(idempotent.user_id, portfolio_id)

    context = idempotent.context

    def act(work: UnitOfWork) -> BondIncomeView:
        income = handlers.post_bond_income(command, work, context.analytics)
        recorded = [TransactionView(**row) for row in LedgerReads(work).recorded(portfolio_id, income.rows)]
        return BondIncomeView(transactions=recorded, not_posted=income.not_posted)

    return context.transact(act)
