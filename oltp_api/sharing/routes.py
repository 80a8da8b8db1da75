"""Shares of a portfolio, for its owner, and those that one was offered."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from oltp_api.access.door import asker_of
from oltp_api.access.rules import Role, Scope, in_person, may
from oltp_api.context import ContextDep, UserDep
from oltp_api.ownership import VisiblePortfolio
from oltp_api.sharing.repository import Shares
from oltp_api.sharing.schemas import OfferedShare, OfferedShareList, ShareList, ShareRequest, ShareView
from oltp_api.web.problems import PROBLEMS
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute, tags=["sharing"], responses=PROBLEMS)


@router.post("/portfolios/{portfolio_id}/shares", status_code=201, summary="Offer a role in your portfolio")
@in_person(confirmed=True, role=Role.OWNER)
def offer_share(portfolio_id: VisiblePortfolio, body: ShareRequest, context: ContextDep, user_id: UserDep) -> ShareView:
    """It counts once the user has accepted it, under `POST /shares/{share_id}/accept`."""
    offered = context.transact(lambda work: Shares(work).offer(portfolio_id, user_id, body.email, body.role))
    return ShareView.model_validate(offered)


@router.get("/portfolios/{portfolio_id}/shares", summary="With whom you share a portfolio")
@may(Scope.READ, Role.OWNER)
def list_shares_of_portfolio(portfolio_id: VisiblePortfolio, context: ContextDep) -> ShareList:
    return ShareList.model_validate({"items": context.transact(lambda work: Shares(work).of_portfolio(portfolio_id))})


@router.delete("/portfolios/{portfolio_id}/shares/{share_id}", status_code=204, summary="End a share of your portfolio")
@in_person(role=Role.OWNER)
def end_share_of_portfolio(
    portfolio_id: VisiblePortfolio, share_id: UUID, context: ContextDep, user_id: UserDep
) -> Response:
    context.transact(lambda work: Shares(work).end_by_owner(portfolio_id, share_id, user_id))
    return Response(status_code=204)


@router.get("/shares", summary="Portfolios that others share with you, or offer to")
@may(Scope.READ)
def list_shares(context: ContextDep, user_id: UserDep) -> OfferedShareList:
    return OfferedShareList.model_validate({"items": context.transact(lambda work: Shares(work).of_user(user_id))})


@router.post("/shares/{share_id}/accept", summary="Accept a role in somebody's portfolio")
@in_person()
def accept_share(share_id: UUID, context: ContextDep, user_id: UserDep) -> OfferedShare:
    return OfferedShare.model_validate(context.transact(lambda work: Shares(work).accept(share_id, user_id)))


@router.delete("/shares/{share_id}", status_code=204, summary="Leave a shared portfolio, or decline it")
@in_person()
def end_share(request: Request, share_id: UUID, context: ContextDep) -> Response:
    user_id = asker_of(request).user_id
    context.transact(lambda work: Shares(work).end_by_grantee(share_id, user_id))
    return Response(status_code=204)
