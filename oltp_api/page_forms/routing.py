"""Routes of pages: a browser that is refused gets a page, and one whose password is too long ago is asked for it."""

from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from jinja2 import Template

from domain.errors import Refusal
from oltp_api.access.refusals import CONFIRMATION_NEEDED
from oltp_api.access.rules import AccessRule, rule_of
from oltp_api.imports.forms_sent import SentForm, sent_form
from oltp_api.page_forms.form import Field, PageForm
from oltp_api.page_forms.page import form_environment, form_style, html
from oltp_api.web.bodies import SMALL, Bounds, brings_body
from oltp_api.web.problems import goes_on_at, problem_of
from oltp_api.web.routing import BoundedRoute, Handler
from storage.web.guard import CODE, WebRefusal

_FORM = "application/x-www-form-urlencoded"
_MOST_PART = 4_000
CONFIRM = "/confirm"


def factor_field(name: str) -> Field:
    """The field of a second factor's code, beside a password."""
    return Field(name, "Code", hint="Of your second factor, if you have one.", autocomplete="one-time-code", most=60)


CONFIRMATION = PageForm(
    "confirm",
    "Go on",
    [
        Field("confirm_password", "Password", "password", is_needed=True, autocomplete="current-password", most=128),
        factor_field("confirm_code"),
    ],
    CONFIRM,
)


async def form_of(request: Request) -> SentForm:
    return await sent_form(request, _MOST_PART)


FormDep = Annotated[SentForm, Depends(form_of)]


def as_of(operation: Callable[..., Any]) -> AccessRule:
    """The rule of the operation of the API that a page carries out; the page's address names the portfolio."""
    rule = rule_of(operation)
    assert rule is not None
    return replace(rule, in_body=False)


def sends(**example: str) -> dict[str, Any]:
    """For a route's `openapi_extra`: it takes a form, such as this one."""
    schema = {"type": "object", "additionalProperties": {"type": "string"}}
    return {"requestBody": {"required": True, "content": {_FORM: {"schema": schema, "example": example}}}}


class PageRoute(BoundedRoute):
    """A route of a page. What refuses a browser's request is said on a page, with the same status."""

    def get_route_handler(self) -> Handler:
        handle: Callable[[Request], Coroutine[Any, Any, Response]] = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await handle(request)
            except (Refusal, WebRefusal, RequestValidationError) as error:
                if "text/html" not in request.headers.get("accept", ""):
                    raise
                problem = problem_of(error)
                if goes_on_at(problem, request) is not None:
                    raise
                request.scope[CODE] = problem.code
                if problem.code == CONFIRMATION_NEEDED:
                    return confirmation(request.url.path, await self._sent(request), problem.status)
                return _refusal(problem.status, problem.detail, problem.headers)

        return answered

    async def _sent(self, request: Request) -> Mapping[str, str]:
        """The fields of the form that was refused, which the door may have done before it was read."""
        if not brings_body(request):
            return {}
        bounds: Bounds = request.app.state.bounds
        async with AsyncExitStack() as stack:
            if not hasattr(request, "_body"):
                await self._read(request, SMALL, bounds, stack)
            return (await form_of(request)).fields


def confirmation(page: str, fields: Mapping[str, str], status: int, problem: str = "") -> Response:
    """Ask for the password; what was sent to `page` goes on from there, but for passwords, which nothing shows."""
    asked = {"next", *(field.name for field in CONFIRMATION.fields)}
    kept = {name: text for name, text in fields.items() if "password" not in name and name not in asked}
    problems = {"confirm_password": problem} if problem else {}
    form = replace(CONFIRMATION, problems=problems)
    return html(_rendered("confirmation.html", form=form, next_page=page, kept=kept), status)


def _refusal(status: int, detail: str, headers: Mapping[str, str]) -> Response:
    answer = html(_rendered("refusal.html", title=HTTPStatus(status).phrase, detail=detail), status)
    answer.headers.update(headers)
    return answer


def _rendered(name: str, **shown: Any) -> str:
    style, policy = form_style()
    return _template(name).render(style=style, policy=policy, **shown)


@cache
def _template(name: str) -> Template:
    return form_environment(Path(__file__).parent).get_template(name)
