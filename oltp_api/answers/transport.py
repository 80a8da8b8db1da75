"""MCP's streamable HTTP, without sessions: each call is one request, and is signed as its tools' questions are.

A tool asks this application itself, in the process and through its whole front: guard, log and door. So whoever may not
ask over HTTP may not ask here, and there is nothing to decide again.
"""

import asyncio
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Self

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from application.answers.asking import TIMEOUT_S, Api

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

_HERE = "http://127.0.0.1"
_PASSED_ON = ("authorization", "cookie", "x-request-id")


class McpTransport:
    """Belongs to one running application; started by whoever asks first, for its library takes a second to load."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._starting = asyncio.Lock()
        self._ends = asyncio.Event()
        self._manager: StreamableHTTPSessionManager | None = None
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ends.set()
        if self._running is not None:
            await self._running

    async def answered(self, request: Request) -> Response:
        """The answer to a request whose body has been read."""
        async with self._starting:
            if self._manager is None:
                self._manager = await self._started()
        return _Handed(self._manager, await request.body())

    async def _started(self) -> "StreamableHTTPSessionManager":
        client = client_of(self._app)
        manager = await run_in_threadpool(_manager, client)
        is_ready = asyncio.Event()
        self._running = asyncio.create_task(self._run(manager, client, is_ready))
        await is_ready.wait()
        return manager

    async def _run(
        self, manager: "StreamableHTTPSessionManager", client: httpx.AsyncClient, is_ready: asyncio.Event
    ) -> None:
        async with client, manager.run():
            is_ready.set()
            await self._ends.wait()


def client_of(app: ASGIApp) -> httpx.AsyncClient:
    """A client of `app` in this process, which keeps no cookie: what it is given for one, no other may bring."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    nothing_kept = CookieJar(DefaultCookiePolicy(allowed_domains=()))
    return httpx.AsyncClient(transport=transport, base_url=_HERE, timeout=TIMEOUT_S, cookies=nothing_kept)


def _manager(client: httpx.AsyncClient) -> "StreamableHTTPSessionManager":
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    from application.answers.server import server

    def api_of(context: Any) -> Api:
        asked = context.request.headers
        return Api(client, {name: asked[name] for name in _PASSED_ON if name in asked}, _HERE)

    return StreamableHTTPSessionManager(server(api_of), json_response=True, stateless=True)


class _Handed(Response):
    """A request that is handed on with its body."""

    def __init__(self, manager: "StreamableHTTPSessionManager", body: bytes) -> None:
        self._manager, self._message = manager, {"type": "http.request", "body": body, "more_body": False}
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        messages: list[Message] = [self._message]

        async def received() -> Message:
            return messages.pop() if messages else await receive()

        await self._manager.handle_request(scope, received, send)
