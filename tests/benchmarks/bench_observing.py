"""Cost of a request's id, log line and metrics: as plain ASGI, against the same in a Starlette middleware."""

import asyncio
import logging
from statistics import median
from time import perf_counter
from typing import Any

from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import Response

from oltp_api.web.logs import JsonLines
from oltp_api.web.metrics import Metrics
from oltp_api.web.request_log import Observed

LOGGER = "oltp_api.web.request_log"
REQUESTS = 5000
PORTFOLIO_ID = "3b3f5f0e-7a43-4a52-9d6c-0a4f6de0b1c7"


class Route:
    path = "/portfolios/{portfolio_id}/transactions"


class Starlettes(BaseHTTPMiddleware):
    """The usual way: an id, a line, and the two numbers counted."""

    def __init__(self, app: Any, metrics: Metrics) -> None:
        super().__init__(app)
        self._metrics = metrics

    async def dispatch(self, request: Request, call_next: Any) -> Response:
        started = perf_counter()
        response: Response = await call_next(request)
        seconds = perf_counter() - started
        self._metrics.count(request.method, Route.path, response.status_code, seconds, None)
        facts = {"method": request.method, "route": Route.path, "status": response.status_code}
        logging.getLogger(LOGGER).info("%s in %s ms", request.method, seconds * 1000, extra={"facts": facts})
        response.headers["x-request-id"] = "an id"
        return response


async def _answer(scope: Any, receive: Any, send: Any) -> None:
    del receive
    scope["route"], scope["path_params"] = Route, {"portfolio_id": PORTFOLIO_ID}
    await send({"type": "http.response.start", "status": 201, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


def seconds_of(app: Any) -> float:
    """The median of many requests, without the network."""

    async def nothing(*_: Any) -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def run() -> float:
        took = []
        for _ in range(REQUESTS):
            scope = {
                "type": "http",
                "method": "POST",
                "path": f"/api/v1/portfolios/{PORTFOLIO_ID}/transactions",
                "headers": [(b"host", b"localhost"), (b"content-type", b"application/json"), (b"accept", b"*/*")],
            }
            started = perf_counter()
            await app(scope, nothing, nothing)
            took.append(perf_counter() - started)
        return median(took)

    return asyncio.run(run())


def main() -> None:
    logger = logging.getLogger(LOGGER)
    with open("/dev/null", "w") as nowhere:  # noqa: PTH123
        handler = logging.StreamHandler(nowhere)
        handler.setFormatter(JsonLines())
        logger.addHandler(handler)
        logger.propagate = False
        logger.setLevel(logging.INFO)
        try:
            bare = seconds_of(_answer)
            ours = seconds_of(Observed(_answer, Metrics(dict))) - bare
            theirs = seconds_of(Starlettes(_answer, Metrics(dict))) - bare
        finally:
            logger.removeHandler(handler)
            logger.propagate = True
    print(f"observing a request: {theirs / ours:.1f} times faster than Starlette's middleware ({ours * 1e6:.0f} us)")


if __name__ == "__main__":
    main()
