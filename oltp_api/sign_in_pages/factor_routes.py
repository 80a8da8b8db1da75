"""Pages to begin with a second factor, and to do without it again."""

from dataclasses import replace

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse

from oltp_api.access.rules import in_person
from oltp_api.context import ContextDep, UserDep
from oltp_api.sign_in_pages.answers import FORM, REFUSALS, FormDep, confirm, html_of, read, refused
from oltp_api.sign_in_pages.page import Form
from oltp_api.users import factor_routes as operations
from oltp_api.users.schemas import FactorCodeRequest
from oltp_api.users.second_factors import picture_of
from oltp_api.users.signing_in import SignInDep
from oltp_api.web.places import places
from oltp_api.web.routing import BoundedRoute
from storage.settings import Settings

router = APIRouter(route_class=BoundedRoute, include_in_schema=False)

_PAGE = "/second-factor"
_BEGIN = Form(
    "A second factor",
    _PAGE,
    "Begin",
    notes=["After your password you will be asked for six digits, which an authenticator on your phone shows."],
)
_REQUIRED = "Everybody here needs one; with it you go on."
_FIRST_CODE = Form("A second factor", f"{_PAGE}/confirmation", "Confirm", asks_password=False, asks_factor=True)
_CODES = Form(
    "Your recovery codes",
    "",
    "",
    asks_password=False,
    notes=["Each is good once, if you have lost your authenticator. They are shown this once: keep them elsewhere."],
    link="/",
    link_text="I have kept them",
)
_REMOVE = Form("Your second factor", f"{_PAGE}/removal", "Remove it", asks_factor=True)


@router.get(_PAGE)
@in_person(without_factor=True)
async def get_second_factor_page(request: Request, context: ContextDep, user_id: UserDep) -> HTMLResponse:
    seen = await run_in_threadpool(operations.get_second_factor, context, user_id)
    if seen.since is None:
        settings: Settings = request.app.state.settings
        notes = [*([_REQUIRED] if settings.needs_second_factor else []), *_BEGIN.notes]
        return html_of(_placed(request, replace(_BEGIN, notes=notes)))
    note = f"It is asked for since {seen.since:%Y-%m-%d}; {seen.recovery_codes} recovery codes are left."
    return html_of(_placed(request, replace(_REMOVE, notes=[note])))


@router.post(_PAGE, openapi_extra=FORM)
@in_person(without_factor=True)
async def post_second_factor_page(
    request: Request, form: FormDep, context: ContextDep, user_id: UserDep, signing: SignInDep
) -> Response:
    try:
        await confirm(request, form.fields, context, signing)
        made = await run_in_threadpool(operations.add_second_factor, context, user_id)
    except REFUSALS as refusal:
        return refused(_placed(request, _BEGIN), refusal)
    secret = " ".join(made.secret[at : at + 4] for at in range(0, len(made.secret), 4))
    notes = [
        "Bring this secret into your authenticator, by its camera, the link or by hand; and then its first code here."
    ]
    return html_of(
        replace(
            _FIRST_CODE,
            notes=notes,
            codes=[secret],
            picture=picture_of(made.address),
            link=made.address,
            link_text="Open it on this device",
        )
    )


@router.post(f"{_PAGE}/confirmation", openapi_extra=FORM)
@in_person(confirmed=True, without_factor=True)
async def post_first_code(request: Request, form: FormDep, context: ContextDep, user_id: UserDep) -> Response:
    try:
        body = read(FactorCodeRequest, {"code": form.fields.get("factor", "")})
        made = await run_in_threadpool(operations.confirm_second_factor, body, request, context, user_id)
    except REFUSALS as refusal:
        return refused(_FIRST_CODE, refusal)
    return html_of(replace(_CODES, codes=made.codes))


@router.post(f"{_PAGE}/removal", openapi_extra=FORM)
@in_person()
async def post_removal(
    request: Request, form: FormDep, context: ContextDep, user_id: UserDep, signing: SignInDep
) -> Response:
    try:
        await confirm(request, form.fields, context, signing)
        await run_in_threadpool(operations.remove_second_factor, context, user_id)
    except REFUSALS as refusal:
        return refused(_placed(request, _REMOVE), refusal)
    return RedirectResponse(_PAGE, 303)


def _placed(request: Request, form: Form) -> Form:
    return replace(form, places=places(request))
