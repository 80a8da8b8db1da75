"""The security registry, and what a security cost on a day.

A security is addressed by any identifier (`AAPL`, `US0378331005`), by one of a type (`ISIN:US0378331005`), or by
`id:17`.
"""

from dataclasses import asdict
from typing import Literal

from fastapi import APIRouter

from domain.commands import WithdrawIdentifier
from domain.errors import NotFound
from domain.securities import AssetType, Identifier, IdentifierType
from oltp_api.context import AnalyticsDep, UserDep, WorldDep
from oltp_api.portfolios.schemas import PriceView
from oltp_api.registry import handlers
from oltp_api.registry.repository import Securities
from oltp_api.registry.schemas import DetailsRequest, IdentifierRequest, SecurityPage, SecurityRequest, SecurityView
from oltp_api.web.fields import Currency, Day, ShortText
from oltp_api.web.pages import CursorQuery, LimitQuery
from oltp_api.web.problems import PROBLEMS
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute, prefix="/securities", tags=["securities"], responses=PROBLEMS)

Sort = Literal["ticker", "-ticker", "name", "-name", "registered", "-registered"]


@router.post("", status_code=201, summary="Register a security")
def register_security(body: SecurityRequest, world: WorldDep, user_id: UserDep) -> SecurityView:
    command = body.command(user_id)
    return world.transact(
        lambda work: Securities(work).view(f"id:{handlers.register_security(command, work).security_id}")
    )


@router.get("", summary="Find securities by a part of an identifier or the name")
def list_securities(
    world: WorldDep,
    q: ShortText | None = None,
    asset_type: AssetType | None = None,
    currency: Currency | None = None,
    sort: Sort = "ticker",
    limit: LimitQuery = 100,
    cursor: CursorQuery = None,
) -> SecurityPage:
    return world.transact(
        lambda work: Securities(work).page(sort, limit, cursor, q=q, asset_type=asset_type, currency=currency)
    )


@router.get("/{identifier}", summary="One security, by what an identifier means now or meant on a day")
def get_security(identifier: ShortText, world: WorldDep, on: Day | None = None) -> SecurityView:
    return world.transact(lambda work: Securities(work).view(identifier, on))


@router.post("/{identifier}/identifiers", status_code=201, summary="Add a missing identifier")
def add_identifier(identifier: ShortText, body: IdentifierRequest, world: WorldDep, user_id: UserDep) -> SecurityView:
    """Bundled ones, and those that contain each other (ISIN and CUSIP), belong to their security and to no other."""
    command = body.command(identifier, user_id)
    return world.transact(
        lambda work: Securities(work).view(f"id:{handlers.add_identifier(command, work).security_id}")
    )


@router.delete("/{identifier}/identifiers/{id_type}/{value}", summary="Take back an identifier that you added")
def withdraw_identifier(
    identifier: ShortText, id_type: IdentifierType, value: ShortText, world: WorldDep, user_id: UserDep
) -> SecurityView:
    """While nothing has been recorded of the security since, and something else names it."""
    command = WithdrawIdentifier(user_id, identifier, Identifier.parse(id_type, value))
    return world.transact(
        lambda work: Securities(work).view(f"id:{handlers.withdraw_identifier(command, work).security_id}")
    )


@router.put("/{identifier}/details", summary="Add missing details")
def complete_details(identifier: ShortText, body: DetailsRequest, world: WorldDep) -> SecurityView:
    described = body.described()
    return world.transact(
        lambda work: Securities(work).view(f"id:{handlers.complete_details(identifier, described, work).security_id}")
    )


@router.get("/{identifier}/price", summary="The last close on or before a day")
def get_price(identifier: ShortText, world: WorldDep, analytics: AnalyticsDep, on: Day | None = None) -> PriceView:
    security = world.transact(lambda work: Securities(work).view(identifier))
    release = analytics.release()
    asked = on or release.as_of
    price = analytics.get_price_for_date(security.ticker, asked) if asked else None
    if price is None:
        raise NotFound(f"release {release.release_id} has no price of {security.ticker} on or before {asked}")
    return PriceView(**asdict(release), **asdict(price))
