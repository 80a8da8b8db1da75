"""Prices that people post for securities that no market source prices."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from domain.errors import SecurityNotFound
from oltp_api.context import OnceDep, UserDep, WorldDep
from oltp_api.prices.handlers import post_prices
from oltp_api.prices.repository import PostedPrices
from oltp_api.prices.schemas import PostedPricePage, PricesPostedView, PricesRequest
from oltp_api.registry.repository import Securities
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.web.bodies import takes
from oltp_api.web.fields import Day, ShortText
from oltp_api.web.pages import CursorQuery, LimitQuery
from oltp_api.web.problems import PROBLEMS
from oltp_api.web.routing import BoundedRoute

router = APIRouter(
    route_class=BoundedRoute, prefix="/securities/{identifier}/prices", tags=["securities"], responses=PROBLEMS
)


@router.post("", status_code=201, response_model=PricesPostedView, summary="Post prices that no market source has")
@takes(1_500_000)
def post(identifier: ShortText, body: PricesRequest, once: OnceDep) -> Response:
    command = body.command(once.user_id, identifier)

    def act(work: UnitOfWork) -> PricesPostedView:
        security, prices = post_prices(command, once.world.priced_by, work)
        days = [price.price_date for price in prices]
        return PricesPostedView(
            security_id=security.security_id,
            ticker=security.ticker,
            posted=len(prices),
            first_date=min(days),
            last_date=max(days),
            posted_at=work.recorded_at,
        )

    return once.commit(body, 201, act)


@router.get("", summary="The prices that you posted, oldest day first")
def list_posted(
    identifier: ShortText,
    world: WorldDep,
    user_id: UserDep,
    start: Annotated[Day | None, Query(alias="from", description="First day.")] = None,
    end: Annotated[Day | None, Query(alias="to", description="Last day.")] = None,
    superseded: Annotated[bool, Query(description="Also those that a newer one has corrected.")] = False,
    limit: LimitQuery = 100,
    cursor: CursorQuery = None,
) -> PostedPricePage:
    def act(work: UnitOfWork) -> PostedPricePage:
        security = Securities(work).find(identifier)
        if security is None:
            raise SecurityNotFound(identifier)
        return PostedPrices(work).page(user_id, security, start, end, superseded, limit, cursor)

    return world.transact(act)
