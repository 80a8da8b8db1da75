"""The security registry.

A security is addressed by any identifier (`AAPL`, `US0378331005`), by one of a type (`ISIN:US0378331005`), or by
`id:17`.
"""

from typing import Literal

from fastapi import APIRouter

from domain.commands import WithdrawIdentifier
from domain.securities import AssetType, Identifier, IdentifierType, Security
from oltp_api.access.rules import Scope, common
from oltp_api.context import ContextDep, UserDep
from oltp_api.registry import handlers
from oltp_api.registry.repository import Securities
from oltp_api.registry.schemas import DetailsRequest, IdentifierRequest, SecurityPage, SecurityRequest, SecurityView
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.web.fields import Currency, Day, ShortText
from oltp_api.web.pages import CursorQuery, LimitQuery
from oltp_api.web.problems import PROBLEMS
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute, prefix="/securities", tags=["securities"], responses=PROBLEMS)

Sort = Literal["ticker", "-ticker", "name", "-name", "registered", "-registered"]


@router.post("", status_code=201, summary="Register a security")
@common(Scope.TRADE)
def register_security(body: SecurityRequest, context: ContextDep, user_id: UserDep) -> SecurityView:
    command = body.command(user_id)
    return context.transact(lambda work: _view(handlers.register_security(command, work), work))


@router.get("", summary="Find securities by a part of an identifier or the name")
@common(Scope.READ)
def list_securities(
    context: ContextDep,
    q: ShortText | None = None,
    asset_type: AssetType | None = None,
    currency: Currency | None = None,
    sort: Sort = "ticker",
    limit: LimitQuery = 100,
    cursor: CursorQuery = None,
) -> SecurityPage:
    wanted = {"q": q, "asset_type": asset_type, "currency": currency}
    page = context.transact(lambda work: Securities(work).page(sort, limit, cursor, **wanted))
    return SecurityPage.model_validate(page)


@router.get("/{identifier}", summary="One security, by what an identifier means now or meant on a day")
@common(Scope.READ)
def get_security(identifier: ShortText, context: ContextDep, on: Day | None = None) -> SecurityView:
    return SecurityView(**context.transact(lambda work: Securities(work).one(identifier, on)))


@router.post("/{identifier}/identifiers", status_code=201, summary="Add a missing identifier")
@common(Scope.TRADE)
def add_identifier(
    identifier: ShortText, body: IdentifierRequest, context: ContextDep, user_id: UserDep
) -> SecurityView:
    """Bundled ones, and those that contain each other (ISIN and CUSIP), belong to their security and to no other."""
    command = body.command(identifier, user_id)
    return context.transact(lambda work: _view(handlers.add_identifier(command, work), work))


@router.delete("/{identifier}/identifiers/{id_type}/{value}", summary="Take back an identifier that you added")
@common(Scope.TRADE)
def withdraw_identifier(
    identifier: ShortText, id_type: IdentifierType, value: ShortText, context: ContextDep, user_id: UserDep
) -> SecurityView:
    """While nothing has been recorded of the security since, and something else names it."""
    command = WithdrawIdentifier(user_id, identifier, Identifier.parse(id_type, value))
    return context.transact(lambda work: _view(handlers.withdraw_identifier(command, work), work))


@router.put("/{identifier}/details", summary="Add missing details")
@common(Scope.TRADE)
def complete_details(identifier: ShortText, body: DetailsRequest, context: ContextDep) -> SecurityView:
    described = body.described()
    return context.transact(lambda work: _view(handlers.complete_details(identifier, described, work), work))


def _view(security: Security, work: UnitOfWork) -> SecurityView:
    return SecurityView(**Securities(work).one(f"id:{security.security_id}"))
