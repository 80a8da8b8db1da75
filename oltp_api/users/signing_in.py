"""The cookie of a session, and what a request says of where it comes from."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from oltp_api.access.door import asker_of
from oltp_api.context import AppContext
from oltp_api.users.handlers import SignIn, begin_session
from oltp_api.users.repository import LONGEST, Sessions
from storage.settings import Settings


def session_cookie(settings: Settings) -> str:
    """Its name: with TLS one that a browser takes from this host only, encrypted, and for all of it."""
    return "__Host-lakefolio" if settings.is_encrypted else "lakefolio_session"


async def sign_in_of(request: Request) -> SignIn:
    found: SignIn = request.app.state.sign_in
    return found


SignInDep = Annotated[SignIn, Depends(sign_in_of)]


def address_of(request: Request) -> str:
    """Where a request comes from; nothing in a container, where all come from its gateway and none shall bar others."""
    settings: Settings = request.app.state.settings
    return request.client.host if request.client and settings.web_published_on is None else ""


def agent_of(request: Request) -> str:
    return request.headers.get("user-agent", "")


def secret_of(request: Request) -> str | None:
    """The secret of the session that the browser has already."""
    found = request.cookies.get(session_cookie(request.app.state.settings))
    return found if found and found.isascii() else None


async def begin(request: Request, response: Response, context: AppContext, user_id: UUID) -> None:
    """Sign the browser of a request in, with a session that is new."""
    before, agent, address = secret_of(request), agent_of(request), address_of(request)
    secret = await run_in_threadpool(
        context.transact, lambda work: begin_session(user_id, before, agent, address, work)
    )
    keep_session(response, request, secret)


def sign_out(request: Request, response: Response, context: AppContext) -> None:
    """End the session that asks."""
    asker = asker_of(request)
    session_id = asker.session_id
    assert session_id is not None
    context.transact(lambda work: Sessions(work).end(asker.user_id, session_id))
    _set(response, request, "", timedelta(0))


def keep_session(response: Response, request: Request, secret: str) -> None:
    """Give the browser its session, of which no script and no other site gets hold."""
    _set(response, request, secret, LONGEST)


def forget_session(response: Response, request: Request) -> None:
    _set(response, request, "", timedelta(0))


def _set(response: Response, request: Request, value: str, lasts: timedelta) -> None:
    settings: Settings = request.app.state.settings
    response.set_cookie(
        session_cookie(settings),
        value,
        max_age=int(lasts.total_seconds()),
        path="/",
        secure=settings.is_encrypted,
        httponly=True,
        samesite="lax",
    )


def link_to(request: Request, page: str, code: str) -> str:
    """A link for somebody else's browser, by the address that people know the server under."""
    settings: Settings = request.app.state.settings
    return f"{settings.public_url or str(request.base_url).rstrip('/')}/{page}?code={code}"
