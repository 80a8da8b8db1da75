"""Signing in and out, confirming with the password, registering by a link."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from oltp_api.access.door import asker_of
from oltp_api.access.rules import anybody, in_person
from oltp_api.context import ContextDep, UserDep
from oltp_api.users import handlers
from oltp_api.users.passwords import check_password
from oltp_api.users.repository import Sessions, Users
from oltp_api.users.schemas import (
    ConfirmationRequest,
    PasswordReset,
    RegistrationRequest,
    SessionList,
    SessionView,
    SignInRequest,
    UserView,
)
from oltp_api.users.signing_in import SignInDep, address_of, agent_of, forget_session, keep_session, secret_of
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
    address = address_of(request)
    user = await signing.verified(context, body.email, body.password.get_secret_value(), address)
    user_id, before, agent = user["user_id"], secret_of(request), agent_of(request)
    secret = await run_in_threadpool(
        context.transact, lambda work: handlers.begin_session(user_id, before, agent, address, work)
    )
    keep_session(response, request, secret)
    return UserView.model_validate(await run_in_threadpool(context.transact, lambda work: Users(work).one(user_id)))


@router.post("/session/confirmation", status_code=204, summary="Give your password again, before what cannot be undone")
@in_person()
async def confirm(body: ConfirmationRequest, request: Request, context: ContextDep, signing: SignInDep) -> Response:
    """For ten minutes this session may then change email, password and tokens, share, and delete."""
    asker = asker_of(request)
    session_id = asker.session_id
    assert session_id is not None
    email = (await run_in_threadpool(context.transact, lambda work: Users(work).one(asker.user_id)))["email"]
    await signing.verified(context, email, body.password.get_secret_value(), address_of(request))
    await run_in_threadpool(context.transact, lambda work: Sessions(work).confirm(session_id))
    return Response(status_code=204)


@router.delete("/session", status_code=204, summary="Sign out")
@in_person()
def sign_out(request: Request, context: ContextDep) -> Response:
    asker = asker_of(request)
    session_id = asker.session_id
    assert session_id is not None
    context.transact(lambda work: Sessions(work).end(asker.user_id, session_id))
    response = Response(status_code=204)
    forget_session(response, request)
    return response


@router.get("/sessions", summary="Where you are signed in")
@in_person()
def list_sessions(request: Request, context: ContextDep, user_id: UserDep) -> SessionList:
    here = asker_of(request).session_id
    rows = context.transact(lambda work: Sessions(work).all(user_id))
    return SessionList(items=[SessionView(**row, is_this=row["session_id"] == here) for row in rows])


@router.delete("/sessions/{session_id}", status_code=204, summary="Sign out somewhere else")
@in_person()
def end_session(session_id: UUID, context: ContextDep, user_id: UserDep) -> Response:
    context.transact(lambda work: Sessions(work).end(user_id, session_id))
    return Response(status_code=204)


@router.post("/registrations", status_code=201, summary="Register by an invitation")
@anybody
async def register(
    body: RegistrationRequest, request: Request, response: Response, context: ContextDep, signing: SignInDep
) -> UserView:
    code, email, password = body.code.get_secret_value(), body.email, body.password.get_secret_value()
    check_password(password, email)
    await run_in_threadpool(context.transact, lambda work: handlers.invited(code, email, work))
    password_hash = await signing.gate.hash(password)
    user_id = await run_in_threadpool(
        context.transact, lambda work: handlers.register(code, email, body.display_name, password_hash, work)
    )
    before, agent, address = secret_of(request), agent_of(request), address_of(request)
    secret = await run_in_threadpool(
        context.transact, lambda work: handlers.begin_session(user_id, before, agent, address, work)
    )
    keep_session(response, request, secret)
    return UserView.model_validate(await run_in_threadpool(context.transact, lambda work: Users(work).one(user_id)))


@router.post("/password-resets", status_code=204, summary="Replace a lost password by an administrator's link")
@anybody
async def reset_password(body: PasswordReset, context: ContextDep, signing: SignInDep) -> Response:
    code, password = body.code.get_secret_value(), body.password.get_secret_value()
    user = await run_in_threadpool(context.transact, lambda work: handlers.user_of_link(code, work))
    check_password(password, user["email"])
    password_hash = await signing.gate.hash(password)
    await run_in_threadpool(
        context.transact, lambda work: handlers.replace_password(code, user["user_id"], password_hash, work)
    )
    return Response(status_code=204)
