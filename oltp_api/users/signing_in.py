"""Cookies of a session and of a sign-in that is under way, and what a request says of where it comes from."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from oltp_api.access.door import asker_of
from oltp_api.context import AppContext
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.users.handlers import SignIn, begin_session, renew_session
from oltp_api.users.identities import STEP_FOR
from oltp_api.users.provider import Provider
from oltp_api.users.repository import LONGEST, Sessions, Users
from oltp_api.web.routing import COOKIE
from storage.settings import Settings
from storage.web.guard import WebRefusal
from storage.web.sessions import session_cookie


def step_cookie(settings: Settings) -> str:
    """The name of the cookie that binds a sign-in which is under way to its browser."""
    return "__Host-lakefolio-step" if settings.is_encrypted else "lakefolio_step"


async def sign_in_of(request: Request) -> SignIn:
    found: SignIn = request.app.state.sign_in
    return found


async def provider_of_people(request: Request) -> Provider:
    """The provider that people may sign in with; 404 where there is none."""
    found: Provider | None = request.app.state.provider
    if found is None:
        raise WebRefusal(404, "no_provider", "nobody signs in with a provider here; OIDC_ISSUER names one")
    return found


def provider_host(request: Request) -> str:
    """The host of the provider that people may sign in with; nothing where there is none."""
    found: Provider | None = request.app.state.provider
    return "" if found is None else found.host


SignInDep = Annotated[SignIn, Depends(sign_in_of)]
ProviderDep = Annotated[Provider, Depends(provider_of_people)]


def address_of(request: Request) -> str:
    """Where a request comes from; nothing in a container, where all come from its gateway and none shall bar others."""
    settings: Settings = request.app.state.settings
    return request.client.host if request.client and settings.web_published_on is None else ""


def agent_of(request: Request) -> str:
    return request.headers.get("user-agent", "")


def secret_of(request: Request) -> str | None:
    """The secret of the session that the browser has already."""
    return _secret(request, session_cookie(request.app.state.settings))


def step_of_browser(request: Request) -> str | None:
    """The secret of the sign-in that is under way in the browser."""
    return _secret(request, step_cookie(request.app.state.settings))


async def begin(
    request: Request, response: Response, context: AppContext, user_id: UUID, confirmed_at: datetime | None
) -> None:
    """Sign the browser of a request in, with a session that is new; it is confirmed if a password was just given."""
    before, agent, address = secret_of(request), agent_of(request), address_of(request)
    secret = await run_in_threadpool(
        context.transact, lambda work: begin_session(user_id, before, agent, address, confirmed_at, work)
    )
    keep_session(response, request, secret)


async def confirm(request: Request, context: AppContext, signing: SignIn, password: str, code: str | None) -> None:
    """Confirm the session that asks, which has a new secret then; the browser gets it with whatever it is answered."""
    asker = asker_of(request)
    email = (await run_in_threadpool(context.transact, lambda work: Users(work).one(asker.user_id)))["email"]
    await signing.verified(context, email, password, address_of(request), code)
    await run_in_threadpool(context.transact, lambda work: renew(request, work))


def renew(request: Request, work: UnitOfWork) -> None:
    """Give the session that asks a new secret."""
    session_id, before = asker_of(request).session_id, secret_of(request)
    assert session_id is not None
    assert before is not None
    carrier = Response()
    keep_session(carrier, request, renew_session(session_id, before, work))
    request.scope[COOKIE] = carrier.headers["set-cookie"]


def sign_out(request: Request, response: Response, context: AppContext) -> None:
    """End the session that asks."""
    asker = asker_of(request)
    session_id = asker.session_id
    assert session_id is not None
    context.transact(lambda work: Sessions(work).end(asker.user_id, session_id))
    forget_session(response, request)


def keep_session(response: Response, request: Request, secret: str) -> None:
    """Give the browser its session, of which no script and no other site gets hold."""
    _set(response, request, session_cookie, secret, LONGEST)


def forget_session(response: Response, request: Request) -> None:
    request.scope.pop(COOKIE, None)
    _set(response, request, session_cookie, "", timedelta(0))


def keep_step(response: Response, request: Request, secret: str) -> None:
    """Bind a sign-in that is under way to the browser."""
    _set(response, request, step_cookie, secret, STEP_FOR)


def forget_step(response: Response, request: Request) -> None:
    _set(response, request, step_cookie, "", timedelta(0))


def _secret(request: Request, cookie: str) -> str | None:
    found = request.cookies.get(cookie)
    return found if found and found.isascii() else None


def _set(response: Response, request: Request, name: Callable[[Settings], str], value: str, lasts: timedelta) -> None:
    settings: Settings = request.app.state.settings
    response.set_cookie(
        name(settings),
        value,
        max_age=int(lasts.total_seconds()),
        path="/",
        secure=settings.is_encrypted,
        httponly=True,
        samesite="lax",
    )


def address_for_people(request: Request) -> str:
    """Where people reach the server, without a slash at its end."""
    settings: Settings = request.app.state.settings
    return settings.public_url or str(request.base_url).rstrip("/")


def link_to(request: Request, page: str, code: str) -> str:
    """A link for somebody else's browser, by the address that people know the server under."""
    return f"{address_for_people(request)}/{page}?code={code}"
