"""Prices that people post for securities that no market source prices."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from domain.errors import NotFound
from oltp_api.access.rules import Scope, common, may
from oltp_api.analytics.released import AnalyticsDep
from oltp_api.context import ContextDep, UserDep
from oltp_api.prices import handlers
from oltp_api.prices.repository import PostedPrices
from oltp_api.prices.schemas import PostedPricePage, PricesPostedView, PricesRequest, PriceView
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.web.bodies import takes
from oltp_api.web.fields import Day, ShortText
from oltp_api.web.idempotency import IdempotentCommand, IdempotentDep
from oltp_api.web.pages import CursorQuery, LimitQuery
from oltp_api.web.problems import PROBLEMS
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute, prefix="/securities/{identifier}", tags=["securities"], responses=PROBLEMS)


@router.post(
    "/prices", status_code=201, response_model=PricesPostedView, summary="Post prices that no market source has"
)
@takes(1_500_000)
@may(Scope.TRADE)
def post(identifier: ShortText, body: PricesRequest, idempotent: IdempotentDep) -> Response:
    """They value your portfolios only, where people sign in."""
    return _post(identifier, body, idempotent, is_published=not idempotent.context.has_accounts)


@router.post("/published-prices", status_code=201, response_model=PricesPostedView, summary="Post prices for everybody")
@takes(1_500_000)
@common(Scope.ADMIN)
def publish(identifier: ShortText, body: PricesRequest, idempotent: IdempotentDep) -> Response:
    """They value everybody's holdings, and come before anybody's own prices of the security."""
    return _post(identifier, body, idempotent, is_published=True)


def _post(identifier: str, body: PricesRequest, idempotent: IdempotentCommand, is_published: bool) -> Response:
    command, context = body.command(idempotent.user_id, identifier, is_published), idempotent.context

    def act(work: UnitOfWork) -> PricesPostedView:
        security, prices = handlers.post_prices(command, work, context.analytics, context.bundled)
        days = [price.price_date for price in prices]
        return PricesPostedView(
            security_id=security.security_id,
            ticker=security.ticker,
            posted=len(prices),
            first_date=min(days),
            last_date=max(days),
            posted_at=work.recorded_at,
        )

    return idempotent.commit(body, 201, act)


@router.get("/prices", summary="The prices that you posted, and those published for all")
@may(Scope.READ)
def list_posted(
    identifier: ShortText,
    context: ContextDep,
    user_id: UserDep,
    start: Annotated[Day | None, Query(alias="from", description="First day.")] = None,
    end: Annotated[Day | None, Query(alias="to", description="Last day.")] = None,
    superseded: Annotated[bool, Query(description="Also those that a newer one has corrected.")] = False,
    limit: LimitQuery = 100,
    cursor: CursorQuery = None,
) -> PostedPricePage:
    def act(work: UnitOfWork) -> dict[str, Any]:
        security = handlers.security_named(identifier, work)
        return PostedPrices(work).page(user_id, security, start, end, superseded, limit, cursor)

    return PostedPricePage.model_validate(context.transact(act))


@router.get("/price", summary="The last close on or before a day")
@common(Scope.READ)
def get_price(identifier: ShortText, context: ContextDep, analytics: AnalyticsDep, on: Day | None = None) -> PriceView:
    security = context.transact(lambda work: handlers.security_named(identifier, work))
    release = analytics.release()
    asked = on or release.as_of
    price = analytics.get_price_for_date(security.ticker, asked) if asked else None
    if price is None:
        raise NotFound(f"release {release.release_id} has no price of {security.ticker} on or before {asked}")
    return PriceView(**asdict(release), **asdict(price))
