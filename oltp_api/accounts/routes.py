"""Accounts: open, list, edit, archive."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Response

from domain.accounts import AccountType
from oltp_api.access.rules import Scope, may
from oltp_api.accounts.repository import Accounts
from oltp_api.accounts.schemas import AccountEdit, AccountPage, AccountRequest, AccountView
from oltp_api.context import ContextDep, UserDep
from oltp_api.web.etags import OptionalMatch, RequiredMatch, tagged
from oltp_api.web.fields import ShortText
from oltp_api.web.pages import CursorQuery, LimitQuery
from oltp_api.web.problems import EDIT_PROBLEMS, PROBLEMS
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute, prefix="/accounts", tags=["accounts"], responses=PROBLEMS)

Identifier = Annotated[ShortText, Path(description="The account's identifier, such as MAIN.")]
Sort = Literal["created", "-created", "identifier", "-identifier", "broker", "-broker"]


@router.post("", status_code=201, summary="Open an account")
@may(Scope.TRADE)
def open_account(body: AccountRequest, context: ContextDep, user_id: UserDep, response: Response) -> AccountView:
    opened = context.transact(
        lambda work: Accounts(work).open(user_id, body.identifier, body.broker, body.account_type)
    )
    return tagged(AccountView(**opened), response)


@router.get("", summary="List your accounts")
@may(Scope.READ)
def list_accounts(
    context: ContextDep,
    user_id: UserDep,
    broker: ShortText | None = None,
    account_type: AccountType | None = None,
    archived: bool | None = None,
    sort: Sort = "created",
    limit: LimitQuery = 100,
    cursor: CursorQuery = None,
) -> AccountPage:
    wanted = {"broker": broker, "account_type": account_type, "archived": archived}
    page = context.transact(lambda work: Accounts(work).page(user_id, sort, limit, cursor, **wanted))
    return AccountPage.model_validate(page)


@router.get("/{identifier}", summary="One account")
@may(Scope.READ)
def get_account(identifier: Identifier, context: ContextDep, user_id: UserDep, response: Response) -> AccountView:
    account = context.transact(lambda work: Accounts(work).one(user_id, identifier))
    return tagged(AccountView(**account), response)


@router.patch("/{identifier}", summary="Edit an account", responses=EDIT_PROBLEMS)
@may(Scope.TRADE)
def edit_account(
    identifier: Identifier,
    body: AccountEdit,
    match: RequiredMatch,
    context: ContextDep,
    user_id: UserDep,
    response: Response,
) -> AccountView:
    given = body.model_dump(exclude_none=True)
    account = context.transact(lambda work: Accounts(work).edit(user_id, identifier, match, given))
    return tagged(AccountView(**account), response)


@router.delete("/{identifier}", summary="Archive an account that holds nothing", responses=EDIT_PROBLEMS)
@may(Scope.TRADE)
def archive_account(
    identifier: Identifier, match: OptionalMatch, context: ContextDep, user_id: UserDep, response: Response
) -> AccountView:
    account = context.transact(lambda work: Accounts(work).archive(user_id, identifier, match))
    return tagged(AccountView(**account), response)


@router.post("/{identifier}/unarchive", summary="Bring an archived account back", responses=EDIT_PROBLEMS)
@may(Scope.TRADE)
def unarchive_account(
    identifier: Identifier, match: OptionalMatch, context: ContextDep, user_id: UserDep, response: Response
) -> AccountView:
    account = context.transact(lambda work: Accounts(work).unarchive(user_id, identifier, match))
    return tagged(AccountView(**account), response)
