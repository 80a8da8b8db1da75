"""Routes that judge a request by form and asker before they look into it, and run what takes long a few at a time."""

from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError

from oltp_api.access.door import Door
from oltp_api.access.rules import rule_of
from oltp_api.web import bodies
from oltp_api.web.fields import context_of_rows
from oltp_api.web.problems import BODY_PROBLEMS

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
_JSON = "application/json"
COOKIE = "lakefolio.cookie"
"""Where a request's scope carries a cookie that the answer brings, whichever it is: it would be lost with a refusal."""


class BoundedRoute(APIRoute):
    """A route whose body has a limit, a documented type, and is read to its end before anything is done with it.

    What is large is parsed and validated in a thread, for the event loop answers everybody else meanwhile.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        declared = (self.openapi_extra or {}).get("requestBody", {}).get("content", ())
        self.media_types = frozenset(declared or ([_JSON] if self.body_field else ()))
        field = self.body_field
        model: Any = field.field_info.annotation if field else None
        self._model: TypeAdapter[Any] | None = TypeAdapter(model) if field else None
        if "GET" not in (self.methods or ()):
            self.responses = {**BODY_PROBLEMS, **self.responses}

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        cost, rule, path = bodies.cost_of(self.endpoint), rule_of(self.endpoint), self.path

        async def bounded(request: Request) -> Response:
            bodies.check_form(request)
            bounds: bodies.Bounds = request.app.state.bounds
            door: Door = request.app.state.door
            async with AsyncExitStack() as stack:
                stack.enter_context(await door.admit(request, path, rule))
                body = b""
                if request.method != "GET" and bodies.brings_body(request):
                    body = await self._read(request, cost.most_bytes, bounds, stack)
                if cost.is_costly or len(body) > bodies.SMALL:
                    await stack.enter_async_context(bounds.turn(request.method))
                if self.body_field and body:
                    request._json = await self._parsed(body)
                    if rule is not None and rule.in_body and isinstance(request._json, dict):
                        named = request._json.get("portfolio_id")
                        stack.enter_context(await door.admit_to(request, path, rule, named))
                response = await handle(request)
                if COOKIE in request.scope:
                    response.headers.append("set-cookie", request.scope[COOKIE])
                return response

        return bounded

    async def _read(self, request: Request, most: int, bounds: bodies.Bounds, stack: AsyncExitStack) -> bytes:
        bodies.check_type(request, self.media_types or [_JSON])
        size = bodies.announced_size(request, most)
        if size > bodies.SMALL:
            stack.enter_context(bounds.room(size))
        request._body = body = await bodies.read_body(request, most, bounds.BODY_SECONDS)
        if not self.media_types and bodies.parse_json(body) not in ({}, None):  # nothing said is no body
            raise bodies.wrong_type([])
        return body

    async def _parsed(self, body: bytes) -> Any:
        if len(body) <= bodies.SMALL:
            return bodies.parse_json(body)
        return await run_in_threadpool(self._validated, body)

    def _validated(self, body: bytes) -> Any:
        """The body as its model: FastAPI, which validates on the event loop, finds nothing left to do."""
        assert self._model is not None
        try:
            return self._model.validate_python(bodies.parse_json(body), context=context_of_rows())
        except ValidationError as error:
            raise RequestValidationError(
                [{**each, "loc": ("body", *each["loc"])} for each in error.errors(include_url=False)]
            ) from error
