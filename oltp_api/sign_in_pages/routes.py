"""Pages of signing in. They ask the same as the JSON operations, by a form."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse
from psycopg.rows import DictRow

from oltp_api.access.rules import anybody, in_person
from oltp_api.context import AppContext, ContextDep
from oltp_api.sign_in_pages.answers import FORM, REFUSALS, FormDep, html_of, read, refused
from oltp_api.sign_in_pages.page import Form
from oltp_api.users.identities import SignInSteps
from oltp_api.users.schemas import PasswordReset, RegistrationRequest, SignInRequest
from oltp_api.users.signing_in import SignInDep, address_of, begin, keep_step, provider_host, sign_out
from oltp_api.web.fields import ShortText
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute, include_in_schema=False)

SIGN_IN = Form("Sign in", "/sign-in", "Sign in", asks_email=True)
_REGISTER = Form("Register", "/register", "Register", asks_email=True, asks_name=True, is_new_password=True)
_PASSWORD = Form("A new password", "/password", "Replace the password", is_new_password=True)
_SIGN_OUT = Form("Sign out", "/sign-out", "Sign out", asks_password=False)

Next = Annotated[ShortText, Query(alias="next")]
Code = Annotated[ShortText, Query()]


@router.get("/sign-in")
@anybody
async def get_sign_in(request: Request, next_page: Next = "/") -> HTMLResponse:
    return html_of(replace(SIGN_IN, next_page=local(next_page), provider=provider_host(request)))


@router.post("/sign-in", openapi_extra=FORM)
@anybody
async def post_sign_in(request: Request, form: FormDep, context: ContextDep, signing: SignInDep) -> Response:
    fields, next_page = form.fields, local(form.fields.get("next", "/"))
    shown = replace(SIGN_IN, next_page=next_page, email=fields.get("email", ""), provider=provider_host(request))
    try:
        body = read(SignInRequest, fields)
        user = await signing.by_password(context, body.email, body.password.get_secret_value(), address_of(request))
    except REFUSALS as refusal:
        return refused(shown, refusal)
    return await signed_in(request, context, user, next_page, context.clock.now())


async def signed_in(
    request: Request, context: AppContext, user: DictRow, next_page: str, confirmed_at: datetime | None
) -> Response:
    """Go on as the user, who is asked for a code before if there is a second factor."""
    if not user["has_second_factor"]:
        response = RedirectResponse(next_page, 303)
        await begin(request, response, context, user["user_id"], confirmed_at)
        return response
    step = await run_in_threadpool(
        context.transact, lambda work: SignInSteps(work).to_code(user["user_id"], next_page, confirmed_at)
    )
    response = RedirectResponse("/sign-in/code", 303)
    keep_step(response, request, step)
    return response


@router.get("/register")
@anybody
async def get_register(request: Request, code: Code = "") -> HTMLResponse:
    return html_of(replace(_REGISTER, code=code, provider=provider_host(request)))


@router.post("/register", openapi_extra=FORM)
@anybody
async def post_register(request: Request, form: FormDep, context: ContextDep, signing: SignInDep) -> Response:
    fields = form.fields
    shown = replace(
        _REGISTER,
        code=fields.get("code", ""),
        email=fields.get("email", ""),
        name=fields.get("display_name", ""),
        provider=provider_host(request),
    )
    try:
        body = read(RegistrationRequest, fields)
        code, password = body.code.get_secret_value(), body.password.get_secret_value()
        user_id = await signing.register(context, code, body.email, body.display_name, password)
    except REFUSALS as refusal:
        return refused(shown, refusal)
    response = RedirectResponse("/", 303)
    await begin(request, response, context, user_id, context.clock.now())
    return response


@router.get("/password")
@anybody
async def get_password(code: Code = "") -> HTMLResponse:
    return html_of(replace(_PASSWORD, code=code))


@router.post("/password", openapi_extra=FORM)
@anybody
async def post_password(form: FormDep, context: ContextDep, signing: SignInDep) -> Response:
    try:
        body = read(PasswordReset, form.fields)
        await signing.replace_password(context, body.code.get_secret_value(), body.password.get_secret_value())
    except REFUSALS as refusal:
        return refused(replace(_PASSWORD, code=form.fields.get("code", "")), refusal)
    return RedirectResponse("/sign-in", 303)


@router.get("/sign-out")
@in_person(without_factor=True)
async def get_sign_out() -> HTMLResponse:
    return html_of(_SIGN_OUT)


@router.post("/sign-out", openapi_extra=FORM)
@in_person(without_factor=True)
def post_sign_out(request: Request, context: ContextDep) -> Response:
    response = RedirectResponse("/sign-in", 303)
    sign_out(request, response, context)
    return response


def local(page: str) -> str:
    """A page of ours to go on with; the front page for anything that might be another server's."""
    is_ours = page.startswith("/") and not page.startswith("//") and page.isascii() and page.isprintable()
    return page if is_ours and "\\" not in page else "/"
