"""Users as they see and change themselves, their tokens and invitations, and what administrators do."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from domain.errors import InvalidInput
from oltp_api.access.door import asker_of
from oltp_api.access.refusals import administrators_only, confirm_first
from oltp_api.access.rules import Role, Scope, in_person, may
from oltp_api.context import ContextDep, UserDep
from oltp_api.ownership import VisiblePortfolio
from oltp_api.users import handlers
from oltp_api.users.passwords import check_password
from oltp_api.users.repository import INVITED_FOR, PASSWORD_LINK_FOR, Events, Invitations, Tokens, Users
from oltp_api.users.schemas import (
    EventPage,
    InvitationList,
    InvitationRequest,
    LinkView,
    PasswordChange,
    PasswordLinkRequest,
    TokenList,
    TokenMade,
    TokenRequest,
    UserEdit,
    UserList,
    UserState,
    UserView,
)
from oltp_api.users.signing_in import SignInDep, forget_session, link_to
from oltp_api.web.pages import LimitQuery
from oltp_api.web.problems import PROBLEMS, SIGN_IN_PROBLEMS
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute, tags=["users"], responses={**PROBLEMS, **SIGN_IN_PROBLEMS})

Before = Annotated[int | None, Query(ge=1, le=2**63 - 1, description="`next_cursor` of the page before.")]


@router.get("/me", summary="You")
@may(Scope.READ)
def get_me(context: ContextDep, user_id: UserDep) -> UserView:
    return UserView.model_validate(context.transact(lambda work: Users(work).one(user_id)))


@router.patch("/me", summary="Change your name, or your email in a confirmed session")
@in_person()
def edit_me(body: UserEdit, request: Request, context: ContextDep, user_id: UserDep) -> UserView:
    if body.email is not None and not asker_of(request).is_confirmed(context.clock.now()):
        raise confirm_first()
    edited = context.transact(lambda work: handlers.edit_user(user_id, body.email, body.display_name, work))
    return UserView.model_validate(edited)


@router.put("/me/password", status_code=204, summary="Change your password: everybody is signed out, you too")
@in_person(confirmed=True)
async def change_my_password(
    body: PasswordChange, request: Request, context: ContextDep, user_id: UserDep, signing: SignInDep
) -> Response:
    password = body.password.get_secret_value()
    user = await run_in_threadpool(context.transact, lambda work: Users(work).one(user_id))
    check_password(password, user["email"])
    password_hash = await signing.gate.hash(password)
    await run_in_threadpool(context.transact, lambda work: handlers.change_password(user_id, password_hash, work))
    response = Response(status_code=204)
    forget_session(response, request)
    return response


@router.delete("/me", status_code=204, summary="Leave: nobody signs in as you any more")
@in_person(confirmed=True)
def leave(request: Request, context: ContextDep, user_id: UserDep) -> Response:
    """Take `GET /export` first. What you have recorded is archived with you, never deleted."""
    context.transact(lambda work: handlers.disable(user_id, work))
    response = Response(status_code=204)
    forget_session(response, request)
    return response


@router.post("/tokens", status_code=201, summary="Make a token for a program")
@in_person(confirmed=True)
def make_token(body: TokenRequest, request: Request, context: ContextDep, user_id: UserDep) -> TokenMade:
    if Scope.ADMIN in body.scopes and not asker_of(request).is_admin:
        raise administrators_only()
    if body.ends_at is not None and body.ends_at <= context.clock.now():
        raise InvalidInput("ends_at", "has passed")
    token_id, token = context.transact(
        lambda work: Tokens(work).make(user_id, body.name, sorted(set(body.scopes)), body.portfolio_ids, body.ends_at)
    )
    return TokenMade(token_id=token_id, token=token)


@router.get("/tokens", summary="Your tokens, and when each was used last")
@in_person()
def list_tokens(context: ContextDep, user_id: UserDep) -> TokenList:
    return TokenList.model_validate({"items": context.transact(lambda work: Tokens(work).all(user_id))})


@router.delete("/tokens/{token_id}", status_code=204, summary="End a token")
@in_person()
def end_token(token_id: UUID, context: ContextDep, user_id: UserDep) -> Response:
    context.transact(lambda work: Tokens(work).end(user_id, token_id))
    return Response(status_code=204)


@router.post("/invitations", status_code=201, summary="Invite somebody to register")
@in_person(confirmed=True)
def invite(body: InvitationRequest, request: Request, context: ContextDep, user_id: UserDep) -> LinkView:
    _, code, ends_at = context.transact(lambda work: Invitations(work).make("USER", INVITED_FOR, body.email, user_id))
    return LinkView(link=link_to(request, "register", code), code=code, ends_at=ends_at)


@router.get("/invitations", summary="Your invitations that nobody has taken")
@in_person()
def list_invitations(context: ContextDep, user_id: UserDep) -> InvitationList:
    return InvitationList.model_validate({"items": context.transact(lambda work: Invitations(work).all(user_id))})


@router.delete("/invitations/{invitation_id}", status_code=204, summary="Take an invitation back")
@in_person()
def end_invitation(invitation_id: UUID, context: ContextDep, user_id: UserDep) -> Response:
    context.transact(lambda work: Invitations(work).end(user_id, invitation_id))
    return Response(status_code=204)


@router.get("/users", summary="All users, and how many portfolios each has")
@may(Scope.ADMIN)
def list_users(context: ContextDep) -> UserList:
    return UserList.model_validate({"items": context.transact(lambda work: Users(work).all())})


@router.patch("/users/{user_id}", summary="Disable a user, or make one an administrator")
@in_person(confirmed=True, scope=Scope.ADMIN)
def change_user(user_id: UUID, body: UserState, context: ContextDep) -> UserView:
    context.transact(lambda work: handlers.change_state(user_id, work, **body.model_dump()))
    return UserView.model_validate(context.transact(lambda work: Users(work).one(user_id)))


@router.post("/users/{user_id}/password-link", status_code=201, summary="A link for a user who has lost the password")
@in_person(confirmed=True, scope=Scope.ADMIN)
def make_password_link(
    user_id: UUID, request: Request, context: ContextDep, body: PasswordLinkRequest | None = None
) -> LinkView:
    removes = body is not None and body.removes_second_factor
    _, code, ends_at = context.transact(lambda work: handlers.password_link(user_id, PASSWORD_LINK_FOR, removes, work))
    return LinkView(link=link_to(request, "password", code), code=code, ends_at=ends_at)


@router.get("/portfolios/{portfolio_id}/events", summary="Who did what to a portfolio, newest first")
@may(Scope.READ, Role.OWNER)
def list_events_of_portfolio(
    portfolio_id: VisiblePortfolio, context: ContextDep, limit: LimitQuery = 100, cursor: Before = None
) -> EventPage:
    return EventPage.model_validate(context.transact(lambda work: Events(work).page(portfolio_id, cursor, limit)))


@router.get("/events", summary="Who did what, newest first, without amounts")
@may(Scope.ADMIN)
def list_events(context: ContextDep, limit: LimitQuery = 100, cursor: Before = None) -> EventPage:
    return EventPage.model_validate(context.transact(lambda work: Events(work).page(None, cursor, limit)))
