"""Answers to forms: the form again with what is wrong, and where to go on."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ValidationError

from domain.errors import Refusal
from oltp_api.context import AppContext
from oltp_api.imports.forms_sent import SentForm, sent_form
from oltp_api.sign_in_pages.page import Form, form_page, form_policy
from oltp_api.users import signing_in
from oltp_api.users.handlers import SignIn
from oltp_api.users.schemas import ConfirmationRequest, secret_or_none
from storage.web.guard import NO_FRAMES, WebRefusal

REFUSALS = (Refusal, WebRefusal, ValidationError)
FORM: dict[str, Any] = {"requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": {}}}}}
"""For `openapi_extra`: what a page's form is sent as."""
_MOST_PART = 2_000
B = TypeVar("B", bound=BaseModel)


async def form_of(request: Request) -> SentForm:
    return await sent_form(request, _MOST_PART)


FormDep = Annotated[SentForm, Depends(form_of)]


def read(model: type[B], fields: Mapping[str, str | None]) -> B:
    return model.model_validate({name: value for name, value in fields.items() if name in model.model_fields})


def refused(form: Form, refusal: Exception) -> HTMLResponse:
    """The form again, with what to mend; never with what stood in a password."""
    if isinstance(refusal, ValidationError):
        said = "; ".join(f"{error['loc'][-1]}: {error['msg']}" for error in refusal.errors(include_input=False))
        return html_of(replace(form, problem=said), 422)
    if isinstance(refusal, WebRefusal):
        return html_of(replace(form, problem=refusal.detail), refusal.status)
    assert isinstance(refusal, Refusal)
    return html_of(replace(form, problem=refusal.message), refusal.status)


def html_of(form: Form, status: int = 200) -> HTMLResponse:
    return page_of(form_page(form), status)


def page_of(page: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(page, status, headers={"Content-Security-Policy": f"{form_policy()}; {NO_FRAMES}"})


async def confirm(request: Request, fields: Mapping[str, str], context: AppContext, signing: SignIn) -> None:
    """Confirm the session that asks by the password, and the code of a second factor, in a form's fields."""
    body = read(ConfirmationRequest, {"password": fields.get("password", ""), "code": fields.get("factor")})
    await signing_in.confirm(request, context, signing, body.password.get_secret_value(), secret_or_none(body.code))
