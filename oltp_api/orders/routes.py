"""Orders: place, fill, cancel, look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from domain.orders import OrderStatus, Side
from oltp_api.access.rules import Role, Scope, may
from oltp_api.context import AppContext, ContextDep, UserDep
from oltp_api.orders import handlers
from oltp_api.orders.repository import Orders, OrderSort
from oltp_api.orders.schemas import CancelRequest, FillRequest, OrderPage, OrderRequest, OrderView, OrderWithFills
from oltp_api.ownership import VisiblePortfolio
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.web.fields import ShortText
from oltp_api.web.idempotency import IdempotentDep
from oltp_api.web.pages import LimitQuery
from oltp_api.web.problems import PROBLEMS
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute, tags=["orders"], responses=PROBLEMS)

Cursor = Annotated[UUID | None, Query(description="The order after which to go on.")]
Ticker = Annotated[ShortText | None, Query(min_length=1)]


@router.post("/orders", status_code=201, response_model=OrderWithFills, summary="Place an order")
@may(Scope.TRADE, Role.EDITOR, in_body=True)
def place_order(body: OrderRequest, idempotent: IdempotentDep) -> Response:
    command = body.command(idempotent.user_id)

    def act(work: UnitOfWork) -> OrderWithFills:
        return _view(idempotent.user_id, handlers.place_order(command, work, idempotent.context.analytics), work)

    return idempotent.commit(body, 201, act)


@router.post("/orders/{order_id}/fill", response_model=OrderWithFills, summary="Record that an order was executed")
@may(Scope.TRADE, Role.EDITOR)
def fill_order(order_id: UUID, body: FillRequest, idempotent: IdempotentDep) -> Response:
    command = body.command(idempotent.user_id, order_id)

    def act(work: UnitOfWork) -> OrderWithFills:
        handlers.fill_order(command, work)
        return _view(idempotent.user_id, order_id, work)

    return idempotent.commit(body, 200, act)


@router.post("/orders/{order_id}/cancel", response_model=OrderWithFills, summary="Cancel what is left of an order")
@may(Scope.TRADE, Role.EDITOR)
def cancel_order(order_id: UUID, body: CancelRequest, idempotent: IdempotentDep) -> Response:
    command = body.command(idempotent.user_id, order_id)

    def act(work: UnitOfWork) -> OrderWithFills:
        handlers.cancel_order(command, work)
        return _view(idempotent.user_id, order_id, work)

    return idempotent.commit(body, 200, act)


@router.get("/orders/{order_id}", summary="An order and its fills")
@may(Scope.READ, Role.VIEWER)
def get_order(order_id: UUID, context: ContextDep, user_id: UserDep) -> OrderWithFills:
    return context.transact(lambda work: _view(user_id, order_id, work))


@dataclass(frozen=True, slots=True)
class OrderListing:
    """A page of the user's orders, of a status, a side or a ticker."""

    context: ContextDep
    user_id: UserDep
    limit: LimitQuery = 100
    cursor: Cursor = None
    sort: OrderSort = OrderSort.OLDEST_FIRST
    status: OrderStatus | None = None
    side: Side | None = None
    ticker: Ticker = None

    def of(self, portfolio_id: UUID | None) -> OrderPage:
        wanted = (self.limit, self.cursor, self.sort, portfolio_id, self.status, self.side, self.ticker)
        return OrderPage.model_validate(self.context.transact(lambda work: Orders(work).page(self.user_id, *wanted)))


def newest_orders(context: AppContext, user_id: UUID, portfolio_id: UUID, most: int) -> Sequence[OrderView]:
    return OrderListing(context, user_id, most, sort=OrderSort.NEWEST_FIRST).of(portfolio_id).items


OrderListingDep = Annotated[OrderListing, Depends()]


@router.get("/orders", summary="Your orders, oldest first unless sorted otherwise")
@may(Scope.READ)
def list_orders(listing: OrderListingDep, portfolio_id: UUID | None = None) -> OrderPage:
    return listing.of(portfolio_id)


@router.get("/portfolios/{portfolio_id}/orders", summary="The orders of one portfolio")
@may(Scope.READ, Role.VIEWER)
def list_orders_of_portfolio(portfolio_id: VisiblePortfolio, listing: OrderListingDep) -> OrderPage:
    return listing.of(portfolio_id)


def _view(user_id: UUID, order_id: UUID, work: UnitOfWork) -> OrderWithFills:
    return OrderWithFills(**Orders(work).one(user_id, order_id))
