"""Pages between the first step of signing in and the last: the provider and back, and the code of a second factor."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse
from psycopg.rows import DictRow

from domain.errors import Refusal
from oltp_api.access.door import Door, asker_of
from oltp_api.access.rules import anybody, in_person
from oltp_api.context import AppContext, ContextDep
from oltp_api.sign_in_pages.answers import FORM, REFUSALS, FormDep, confirm, html_of, page_of, read, refused
from oltp_api.sign_in_pages.page import Form, going_page
from oltp_api.sign_in_pages.routes import SIGN_IN, local, signed_in
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.users import provider_sign_in
from oltp_api.users.handlers import InvitationEnded
from oltp_api.users.identities import Identities, SignInSteps
from oltp_api.users.provider import OAuthUserInfo, Provider
from oltp_api.users.provider_sign_in import ProviderAnswer, go_to_provider, info_of, sign_in_ended, take_step
from oltp_api.users.schemas import FactorCodeRequest
from oltp_api.users.second_factors import SecondFactors
from oltp_api.users.signing_in import (
    ProviderDep,
    SignInDep,
    address_for_people,
    address_of,
    begin,
    forget_step,
    keep_step,
    step_of_browser,
)
from oltp_api.web.places import places
from oltp_api.web.routing import BoundedRoute
from storage.web.guard import WebRefusal

router = APIRouter(route_class=BoundedRoute, include_in_schema=False)

_ANSWER = "/sign-in/provider/answer"
_CODE = Form("One more code", "/sign-in/code", "Sign in", asks_password=False, asks_factor=True)
_LINK = Form("Sign in with {}", "/link-provider", "Link {}")
_UNLINK = Form("Sign in with {}", "/unlink-provider", "Unlink {}", notes=("{} signs you in.",))
_LINKING = in_person(confirmed=True)
_LONGEST = 4_000

Told = Annotated[str | None, Query(max_length=_LONGEST)]


@router.post("/sign-in/provider", openapi_extra=FORM)
@anybody
async def post_to_provider(request: Request, form: FormDep, context: ContextDep, provider: ProviderDep) -> Response:
    next_page = local(form.fields.get("next", "/"))
    try:
        invitation = form.text_of("code")
        if invitation is not None and not invitation.isascii():
            raise InvitationEnded
        step, address = await go_to_provider(context, provider, _redirect(request), next_page, invitation=invitation)
    except REFUSALS as refusal:
        return refused(replace(SIGN_IN, next_page=next_page, provider=provider.host), refusal)
    return _going(request, provider, step, address)


@router.get(_ANSWER)
@anybody
async def get_answer_of_provider(
    request: Request,
    context: ContextDep,
    provider: ProviderDep,
    state: Told = None,
    code: Told = None,
    iss: Told = None,
) -> Response:
    step: DictRow | None = None
    try:
        answer = ProviderAnswer(state, code, iss)
        step = await take_step(context, step_of_browser(request), answer)
        info = await info_of(context, provider, _redirect(request), step, answer)
        if step["kind"] == "LINK":
            await _link(request, context, step, info)
            response: Response = RedirectResponse("/link-provider", 303)
        else:
            user = await run_in_threadpool(context.transact, lambda work: provider_sign_in.user_of(step, info, work))
            response = await signed_in(request, context, user, step["next_page"], info.authenticated_at)
    except (Refusal, WebRefusal) as refusal:
        response = await _not_signed_in(request, context, provider, step, refusal)
    if "/sign-in/code" not in response.headers.get("location", ""):
        forget_step(response, request)
    return response


@router.get("/sign-in/code")
@anybody
async def get_code() -> HTMLResponse:
    return html_of(_CODE)


@router.post("/sign-in/code", openapi_extra=FORM)
@anybody
async def post_code(request: Request, form: FormDep, context: ContextDep, signing: SignInDep) -> Response:
    try:
        code = read(FactorCodeRequest, {"code": form.fields.get("factor", "")}).code.get_secret_value()
        secret = step_of_browser(request) or ""
        user = await run_in_threadpool(context.transact, lambda work: SignInSteps(work).of_code(secret))
        if user is None:
            raise sign_in_ended()
        await signing.check_code(context, user, code, address_of(request))
        step = await run_in_threadpool(context.transact, lambda work: SignInSteps(work).take(secret))
        if step is None:
            raise sign_in_ended()
    except REFUSALS as refusal:
        return refused(_CODE, refusal)
    response = RedirectResponse(step["next_page"], 303)
    forget_step(response, request)
    await begin(request, response, context, step["user_id"], step["confirmed_at"])
    return response


@router.get("/link-provider")
@in_person()
async def get_link(request: Request, context: ContextDep, provider: ProviderDep) -> HTMLResponse:
    return html_of(await _form_of(request, context, provider))


@router.post("/link-provider", openapi_extra=FORM)
@in_person()
async def post_link(
    request: Request, form: FormDep, context: ContextDep, provider: ProviderDep, signing: SignInDep
) -> Response:
    user_id = asker_of(request).user_id
    try:
        await confirm(request, form.fields, context, signing)
        step, address = await go_to_provider(context, provider, _redirect(request), "/link-provider", user_id=user_id)
    except REFUSALS as refusal:
        return refused(await _form_of(request, context, provider), refusal)
    return _going(request, provider, step, address)


@router.post("/unlink-provider", openapi_extra=FORM)
@in_person()
async def post_unlink(
    request: Request, form: FormDep, context: ContextDep, provider: ProviderDep, signing: SignInDep
) -> Response:
    asker = asker_of(request)
    try:
        await confirm(request, form.fields, context, signing)
        await run_in_threadpool(
            context.transact, lambda work: provider_sign_in.unlink(asker.user_id, asker.session_id, work)
        )
    except REFUSALS as refusal:
        return refused(await _form_of(request, context, provider), refusal)
    return RedirectResponse("/link-provider", 303)


async def _form_of(request: Request, context: AppContext, provider: Provider) -> Form:
    """The form to link the provider, or to unlink it."""
    user_id = asker_of(request).user_id

    def of_user(work: UnitOfWork) -> tuple[bool, bool]:
        return Identities(work).of_user(user_id) is not None, SecondFactors(work).is_on(user_id)

    is_linked, has_factor = await run_in_threadpool(context.transact, of_user)
    form = replace(_UNLINK if is_linked else _LINK, asks_factor=has_factor, places=places(request))
    return _named(form, provider)


def _named(form: Form, provider: Provider) -> Form:
    """The form with the provider's host in its words."""
    title, button = form.title.format(provider.host), form.button.format(provider.host)
    return replace(form, title=title, button=button, notes=[note.format(provider.host) for note in form.notes])


async def _link(request: Request, context: AppContext, step: DictRow, info: OAuthUserInfo) -> None:
    """Link the identity to the user who began, if the same is still signed in, confirmed, in this browser."""
    door: Door = request.app.state.door
    with await door.admit(request, _ANSWER, _LINKING):
        asker = asker_of(request)
        if asker.user_id != step["user_id"]:
            raise sign_in_ended()
        await run_in_threadpool(
            context.transact, lambda work: provider_sign_in.link(asker.user_id, asker.session_id, info, work)
        )


async def _not_signed_in(
    request: Request, context: AppContext, provider: Provider, step: DictRow | None, refusal: Refusal | WebRefusal
) -> Response:
    """The form that the browser began with; what had begun leaves an event."""
    shown = replace(SIGN_IN, provider=provider.host)
    if step is None:
        return refused(shown, refusal)
    await run_in_threadpool(
        context.transact,
        lambda work: provider_sign_in.refused(step["user_id"], refusal.code, address_of(request), work),
    )
    if step["kind"] == "LINK":
        return refused(_named(_LINK, provider), refusal)
    return refused(replace(shown, next_page=step["next_page"]), refusal)


def _going(request: Request, provider: Provider, step: str, address: str) -> Response:
    response = page_of(going_page(address, provider.host))
    keep_step(response, request, step)
    return response


def _redirect(request: Request) -> str:
    return f"{address_for_people(request)}{_ANSWER}"
