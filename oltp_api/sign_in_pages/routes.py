"""Pages of signing in. They ask the same as the JSON operations, by a form."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, ValidationError

from domain.errors import Refusal
from oltp_api.access.rules import anybody, in_person
from oltp_api.context import ContextDep
from oltp_api.imports.forms_sent import SentForm, sent_form
from oltp_api.sign_in_pages.page import Form, form_page, form_policy
from oltp_api.users.schemas import PasswordReset, RegistrationRequest, SignInRequest
from oltp_api.users.signing_in import SignInDep, address_of, begin, sign_out
from oltp_api.web.fields import ShortText
from oltp_api.web.routing import BoundedRoute
from storage.web.guard import NO_FRAMES, WebRefusal

router = APIRouter(route_class=BoundedRoute, include_in_schema=False)

_FORM: dict[str, Any] = {"requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": {}}}}}
_SIGN_IN = Form("Sign in", "/sign-in", "Sign in", asks_email=True)
_REGISTER = Form("Register", "/register", "Register", asks_email=True, asks_name=True, is_new_password=True)
_PASSWORD = Form("A new password", "/password", "Replace the password", is_new_password=True)
_SIGN_OUT = Form("Sign out", "/sign-out", "Sign out", asks_password=False)
_MOST_PART = 2_000

B = TypeVar("B", bound=BaseModel)
Next = Annotated[ShortText, Query(alias="next")]
Code = Annotated[ShortText, Query()]


async def form_of(request: Request) -> SentForm:
    return await sent_form(request, _MOST_PART)


FormDep = Annotated[SentForm, Depends(form_of)]


@router.get("/sign-in")
@anybody
async def get_sign_in(next_page: Next = "/") -> HTMLResponse:
    return _html(replace(_SIGN_IN, next_page=local(next_page)))


@router.post("/sign-in", openapi_extra=_FORM)
@anybody
async def post_sign_in(request: Request, form: FormDep, context: ContextDep, signing: SignInDep) -> Response:
    fields, next_page = form.fields, local(form.fields.get("next", "/"))
    shown = replace(_SIGN_IN, next_page=next_page, email=fields.get("email", ""))
    try:
        body = _read(SignInRequest, fields)
        user = await signing.verified(context, body.email, body.password.get_secret_value(), address_of(request))
    except (Refusal, WebRefusal, ValidationError) as refusal:
        return _refused(shown, refusal)
    response = RedirectResponse(next_page, 303)
    await begin(request, response, context, user["user_id"])
    return response


@router.get("/register")
@anybody
async def get_register(code: Code = "") -> HTMLResponse:
    return _html(replace(_REGISTER, code=code))


@router.post("/register", openapi_extra=_FORM)
@anybody
async def post_register(request: Request, form: FormDep, context: ContextDep, signing: SignInDep) -> Response:
    fields = form.fields
    shown = replace(
        _REGISTER, code=fields.get("code", ""), email=fields.get("email", ""), name=fields.get("display_name", "")
    )
    try:
        body = _read(RegistrationRequest, fields)
        code, password = body.code.get_secret_value(), body.password.get_secret_value()
        user_id = await signing.register(context, code, body.email, body.display_name, password)
    except (Refusal, WebRefusal, ValidationError) as refusal:
        return _refused(shown, refusal)
    response = RedirectResponse("/", 303)
    await begin(request, response, context, user_id)
    return response


@router.get("/password")
@anybody
async def get_password(code: Code = "") -> HTMLResponse:
    return _html(replace(_PASSWORD, code=code))


@router.post("/password", openapi_extra=_FORM)
@anybody
async def post_password(form: FormDep, context: ContextDep, signing: SignInDep) -> Response:
    try:
        body = _read(PasswordReset, form.fields)
        await signing.replace_password(context, body.code.get_secret_value(), body.password.get_secret_value())
    except (Refusal, WebRefusal, ValidationError) as refusal:
        return _refused(replace(_PASSWORD, code=form.fields.get("code", "")), refusal)
    return RedirectResponse("/sign-in", 303)


@router.get("/sign-out")
@in_person()
async def get_sign_out() -> HTMLResponse:
    return _html(_SIGN_OUT)


@router.post("/sign-out", openapi_extra=_FORM)
@in_person()
def post_sign_out(request: Request, context: ContextDep) -> Response:
    response = RedirectResponse("/sign-in", 303)
    sign_out(request, response, context)
    return response


def local(page: str) -> str:
    """A page of ours to go on with; the front page for anything that might be another server's."""
    is_ours = page.startswith("/") and not page.startswith("//") and page.isascii() and page.isprintable()
    return page if is_ours and "\\" not in page else "/"


def _read(model: type[B], fields: Mapping[str, str]) -> B:
    return model.model_validate({name: value for name, value in fields.items() if name in model.model_fields})


def _refused(form: Form, refusal: Exception) -> HTMLResponse:
    """The form again, with what to mend; never with what stood in a password."""
    if isinstance(refusal, ValidationError):
        said = "; ".join(f"{error['loc'][-1]}: {error['msg']}" for error in refusal.errors(include_input=False))
        return _html(replace(form, problem=said), 422)
    if isinstance(refusal, WebRefusal):
        return _html(replace(form, problem=refusal.detail), refusal.status)
    assert isinstance(refusal, Refusal)
    return _html(replace(form, problem=refusal.message), refusal.status)


def _html(form: Form, status: int = 200) -> HTMLResponse:
    headers = {"Content-Security-Policy": f"{form_policy()}; {NO_FRAMES}"}
    return HTMLResponse(form_page(form), status, headers=headers)
