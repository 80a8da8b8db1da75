"""Signing in and out, confirming with the password, registering by a link."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from oltp_api.access.door import asker_of
from oltp_api.access.rules import anybody, in_person
from oltp_api.context import AppContext, ContextDep, UserDep
from oltp_api.users import signing_in
from oltp_api.users.repository import Sessions, Users
from oltp_api.users.schemas import (
    ConfirmationRequest,
    PasswordReset,
    RegistrationRequest,
    SessionList,
    SessionView,
    SignInRequest,
    UserView,
    secret_or_none,
)
from oltp_api.users.signing_in import SignInDep, address_of, begin, sign_out
from oltp_api.web.problems import PROBLEMS, SIGN_IN_PROBLEMS
from oltp_api.web.routing import BoundedRoute

_PROBLEMS: dict[int | str, dict[str, Any]] = {**PROBLEMS, **SIGN_IN_PROBLEMS}
router = APIRouter(route_class=BoundedRoute, tags=["users"], responses=_PROBLEMS)


@router.post("/session", summary="Sign in")
@anybody
async def sign_in(
    body: SignInRequest, request: Request, response: Response, context: ContextDep, signing: SignInDep
) -> UserView:
    """The answer brings the cookie of a new session, never one that was there before."""
    password, code = body.password.get_secret_value(), secret_or_none(body.code)
    user = await signing.verified(context, body.email, password, address_of(request), code)
    await begin(request, response, context, user["user_id"], context.clock.now())
    return await _view(context, user["user_id"])


@router.post("/session/confirmation", status_code=204, summary="Give your password again, before what cannot be undone")
@in_person(without_factor=True)
async def confirm(body: ConfirmationRequest, request: Request, context: ContextDep, signing: SignInDep) -> Response:
    """For ten minutes this session may then change email, password and tokens, share, and delete; its cookie is new."""
    await signing_in.confirm(request, context, signing, body.password.get_secret_value(), secret_or_none(body.code))
    return Response(status_code=204)


@router.delete("/session", status_code=204, summary="Sign out")
@in_person(without_factor=True)
def end_own_session(request: Request, context: ContextDep) -> Response:
    response = Response(status_code=204)
    sign_out(request, response, context)
    return response


@router.get("/sessions", summary="Where you are signed in")
@in_person()
def list_sessions(request: Request, context: ContextDep, user_id: UserDep) -> SessionList:
    here = asker_of(request).session_id
    rows = context.transact(lambda work: Sessions(work).all(user_id))
    return SessionList(items=[SessionView(**row, is_this=row["session_id"] == here) for row in rows])


@router.delete("/sessions/{session_id}", status_code=204, summary="Sign out somewhere else")
@in_person(confirmed=True)
def end_session(session_id: UUID, context: ContextDep, user_id: UserDep) -> Response:
    context.transact(lambda work: Sessions(work).end(user_id, session_id))
    return Response(status_code=204)


@router.post("/registrations", status_code=201, summary="Register by an invitation")
@anybody
async def register(
    body: RegistrationRequest, request: Request, response: Response, context: ContextDep, signing: SignInDep
) -> UserView:
    code, password = body.code.get_secret_value(), body.password.get_secret_value()
    user_id = await signing.register(context, code, body.email, body.display_name, password)
    await begin(request, response, context, user_id, context.clock.now())
    return await _view(context, user_id)


@router.post("/password-resets", status_code=204, summary="Replace a lost password by an administrator's link")
@anybody
async def reset_password(body: PasswordReset, context: ContextDep, signing: SignInDep) -> Response:
    await signing.replace_password(context, body.code.get_secret_value(), body.password.get_secret_value())
    return Response(status_code=204)


async def _view(context: AppContext, user_id: UUID) -> UserView:
    return UserView.model_validate(await run_in_threadpool(context.transact, lambda work: Users(work).one(user_id)))
