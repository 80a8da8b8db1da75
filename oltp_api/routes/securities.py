"""The security registry, and what a security cost on a day."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from domain.errors import NotFound
from oltp_api import handlers
from oltp_api.dependencies import AnalyticsDep, WorldDep
from oltp_api.errors import PROBLEMS
from oltp_api.fields import Day, ShortText
from oltp_api.schemas import PriceView, SecurityPage, SecurityRequest, SecurityView

router = APIRouter(prefix="/securities", tags=["securities"], responses=PROBLEMS)


@router.post("", status_code=201, summary="Register a security")
def register_security(body: SecurityRequest, world: WorldDep) -> SecurityView:
    command = body.command()
    return world.transact(lambda work: work.reads.security(handlers.register_security(command, work).ticker))


@router.get("", summary="Find securities by a part of the ticker or the name")
def list_securities(
    world: WorldDep,
    q: ShortText | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: ShortText | None = None,
) -> SecurityPage:
    return world.transact(lambda work: work.reads.securities(q, limit, cursor))


@router.get("/{ticker}", summary="One security")
def get_security(ticker: ShortText, world: WorldDep) -> SecurityView:
    return world.transact(lambda work: work.reads.security(ticker))


@router.get("/{ticker}/price", summary="The last close on or before a day")
def get_price(ticker: ShortText, world: WorldDep, analytics: AnalyticsDep, on: Day | None = None) -> PriceView:
    security = world.transact(lambda work: work.reads.security(ticker))
    release = analytics.release()
    asked = on or release.as_of
    price = analytics.get_price_for_date(security.ticker, asked) if asked else None
    if price is None:
        raise NotFound(f"release {release.release_id} has no price of {security.ticker} on or before {asked}")
    return PriceView(**asdict(release), **asdict(price))
