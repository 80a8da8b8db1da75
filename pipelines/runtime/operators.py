"""The Dagster UI for those who operate the platform: administrators as it is, viewers of operations read-only.

It stands behind the session of the API (ADR 38): whoever has none is sent to sign in, and whoever has one and does not
operate is refused, for a run's log may tell of anybody.
"""

from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote

import anyio.to_thread
import psycopg
from psycopg_pool import ConnectionPool

from storage.clock import SystemClock
from storage.web.guard import App, Receive, Scope, Send, WebRefusal, answer, values_of
from storage.web.sessions import Operator, operator_of

READ_ONLY = "lakefolio.read_only"
"""Where a request's scope says that it may change nothing."""
_MOST_CONNECTIONS = 2
_LIVES = "/server_info"
"""Dagster's version, by which the supervisor sees that it answers."""


class OperatorsOnly:
    """`app` for administrators, and read-only for viewers, by the session in `cookie`."""

    def __init__(self, app: App, cookie: str, database_url: str, sign_in: str, needs_second_factor: bool) -> None:
        self._app, self._cookie, self._sign_in = app, cookie, sign_in
        self._needs_second_factor = needs_second_factor
        self._pool: ConnectionPool[psycopg.Connection] = ConnectionPool(
            database_url, min_size=0, max_size=_MOST_CONNECTIONS, open=True, check=ConnectionPool.check_connection
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or scope["path"] == _LIVES:
            await self._app(scope, receive, send)
            return
        secret = _cookie_of(scope, self._cookie)
        operator = await anyio.to_thread.run_sync(self._operator, secret) if secret else None
        if operator is None:
            await answer(self._refusal(scope), scope, send)
        else:
            scope[READ_ONLY] = operator is Operator.VIEWER
            await self._app(scope, receive, send)

    def _operator(self, secret: str) -> Operator | None:
        with self._pool.connection() as connection:
            return operator_of(connection, secret, SystemClock().now(), self._needs_second_factor)

    def _refusal(self, scope: Scope) -> WebRefusal:
        """A person is led to where they sign in; a program is told so."""
        detail = f"whoever operates the platform signs in at {self._sign_in}"
        if scope["type"] == "http" and b"text/html" in b",".join(values_of(scope["headers"], b"accept")):
            return WebRefusal(303, "not_signed_in", detail, [(b"location", quote(self._sign_in, ":/?=&").encode())])
        return WebRefusal(401, "not_signed_in", detail)


def _cookie_of(scope: Scope, name: str) -> str | None:
    """The value of a cookie, if it is one that we could have set."""
    try:
        found = SimpleCookie(b"; ".join(values_of(scope["headers"], b"cookie")).decode("latin-1")).get(name)
    except CookieError:
        return None
    return found.value if found and found.value.isascii() else None
