"""Around every request: its id, one line in the log, and its place in the metrics.

Outside of everything else, so that a bug's answer is seen too. Plain ASGI, because it is on the hot path; what it costs
is measured in tests/benchmarks/bench_observing.py. The route's template stands for the address, so that neither log nor
metrics grow with what clients make up.
"""

import logging
import re
from time import perf_counter
from typing import Any
from uuid import uuid4

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oltp_api.context import USER_ID
from oltp_api.web.metrics import Metrics
from storage.correlation import correlated
from storage.web.guard import CODE

_LOG = logging.getLogger(__name__)
_ID = re.compile(rb"[\x20-\x7e]{1,100}")
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


def observe(app: FastAPI, metrics: Metrics) -> None:
    """Put `Observed` around `app`. A middleware that is added would stand inside of what answers for a bug."""
    inside = app.build_middleware_stack
    app.build_middleware_stack = lambda: Observed(inside(), metrics)  # pyrefly: ignore[method-assign]


class Observed:
    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        started = perf_counter()
        request_id = _request_id(scope)
        header = (b"x-request-id", request_id.encode())
        status = 500

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        with correlated(request_id):
            try:
                return await self._app(scope, receive, sent)
            finally:
                self._tell(scope, status, perf_counter() - started)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        route, code = _template(scope), scope.get(CODE)
        self._metrics.count(method, route, status, seconds, code)
        if _LOG.isEnabledFor(logging.INFO):
            milliseconds = round(seconds * 1000, 2)
            facts: dict[str, Any] = {
                "method": method,
                "route": route,
                "status": status,
                "duration_ms": milliseconds,
                "code": code,
                "user_id": scope.get(USER_ID),
                "portfolio_id": scope.get("path_params", {}).get("portfolio_id"),
            }
            _LOG.info("%s %s %s in %s ms", method, route, status, milliseconds, extra={"facts": facts})


def _request_id(scope: Scope) -> str:
    """The caller's id if it is printable ASCII and short, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _ID.fullmatch(value):
            return str(value, "ascii")
    return str(uuid4())


def _template(scope: Scope) -> str:
    """The address as the routes spell it. A router's route does not know the prefix it was included under."""
    route = scope.get("route")
    if route is None:
        return "(none)"
    path: str = scope["path"]
    local: str = route.path
    prefix = path.split("/")[: path.count("/") - local.count("/") + 1]
    return "/".join(prefix) + local
