"""Pages of a user: who they are, where they are signed in, their tokens, invitations, and what is shared with them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from domain.errors import Refusal
from oltp_api.access.door import asker_of
from oltp_api.access.rules import Scope, in_person
from oltp_api.context import AppContext, ContextDep, UserDep
from oltp_api.page_forms.form import PageForm
from oltp_api.page_forms.page import see_other
from oltp_api.page_forms.routing import CONFIRM, FormDep, PageRoute, as_of, confirmation, sends
from oltp_api.portfolios import routes as portfolios
from oltp_api.sharing import routes as sharing
from oltp_api.sign_in_pages.routes import local
from oltp_api.user_pages.forms import INVITATION, LEAVE, NAME, PASSWORD, SCOPES, TOKEN
from oltp_api.user_pages.page import user_page
from oltp_api.users import routes as users
from oltp_api.users import session_routes as sessions
from oltp_api.users.schemas import (
    ConfirmationRequest,
    InvitationRequest,
    LinkView,
    PasswordChange,
    TokenMade,
    TokenRequest,
    UserEdit,
)
from oltp_api.users.signing_in import SignInDep
from storage.web.guard import WebRefusal

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_FORM = sends()
_MOST_PORTFOLIOS = 40
REFUSALS = (Refusal, ValidationError)


@router.post(CONFIRM, openapi_extra=_FORM)
@as_of(sessions.confirm)
async def post_confirm(request: Request, sent: FormDep, context: ContextDep, signing: SignInDep) -> Response:
    """Go on with the form that was refused, which the browser sends again."""
    page = local(sent.fields.get("next", "/"))
    try:
        await sessions.confirm(_confirmation(sent.fields, "confirm"), request, context, signing)
    except ValidationError:
        return confirmation(page, sent.fields, 422, "is needed, and a code has six digits")
    except WebRefusal as refusal:
        return confirmation(page, sent.fields, refusal.status, refusal.detail)
    return RedirectResponse(page, 307)


@router.get("/me")
@as_of(users.get_me)
def get_me_page(request: Request, context: ContextDep, user_id: UserDep) -> Response:
    return _me(request, context, user_id)


@router.post("/me", openapi_extra=_FORM)
@as_of(users.edit_me)
def post_me(request: Request, sent: FormDep, context: ContextDep, user_id: UserDep) -> Response:
    form = NAME.filled(sent)
    try:
        body = form.body(UserEdit)
        is_same = body.email == users.get_me(context, user_id).email
        users.edit_me(body.model_copy(update={"email": None}) if is_same else body, request, context, user_id)
    except REFUSALS as refusal:
        return _me(request, context, user_id, form.refused(refusal))
    return see_other("/me")


@router.post("/me/password", openapi_extra=_FORM)
@in_person()
async def post_password_page(
    request: Request, sent: FormDep, context: ContextDep, user_id: UserDep, signing: SignInDep
) -> Response:
    """The form has the password, which confirms the session for it."""
    form = PASSWORD.filled(sent)
    try:
        body = form.body(PasswordChange)
        await _confirm(form, request, context, signing)
        answer = await users.change_my_password(body, request, context, user_id, signing)
    except (*REFUSALS, WebRefusal) as refusal:
        return await run_in_threadpool(_me, request, context, user_id, form.refused(refusal))
    return _signed_out(answer)


@router.post("/me/leave", openapi_extra=_FORM)
@in_person()
async def post_leave(
    request: Request, sent: FormDep, context: ContextDep, user_id: UserDep, signing: SignInDep
) -> Response:
    form = LEAVE.filled(sent)
    try:
        await _confirm(form, request, context, signing)
        answer = await run_in_threadpool(users.leave, request, context, user_id)
    except (*REFUSALS, WebRefusal) as refusal:
        return await run_in_threadpool(_me, request, context, user_id, form.refused(refusal))
    return _signed_out(answer)


async def _confirm(form: PageForm, request: Request, context: AppContext, signing: SignInDep) -> None:
    await sessions.confirm(_confirmation(form.values, "current"), request, context, signing)


def _confirmation(fields: Mapping[str, str], name: str) -> ConfirmationRequest:
    """The password in a field, and the code of a second factor in the one beside it."""
    password, code = fields.get(f"{name}_password", ""), fields.get(f"{name}_code", "").strip() or None
    return ConfirmationRequest.model_validate({"password": password, "code": code})


def _signed_out(answer: Response) -> Response:
    """To the page that signs in, without the cookie that `answer` forgets."""
    response = see_other("/sign-in")
    response.headers["set-cookie"] = answer.headers["set-cookie"]
    return response


def _me(request: Request, context: AppContext, user_id: UUID, refused: PageForm | None = None) -> Response:
    me = users.get_me(context, user_id)
    name = NAME.at("/me").showing(display_name=me.display_name, email=me.email)
    forms = [name, PASSWORD.at("/me/password"), LEAVE.at("/me/leave")]
    shown = {each.name: each.again(refused) for each in forms}
    return user_page("me", request, 422 if refused else 200, me=me, forms=shown, refused=refused)


@router.get("/sessions")
@as_of(sessions.list_sessions)
def get_sessions_page(request: Request, context: ContextDep, user_id: UserDep) -> Response:
    return user_page("sessions", request, rows=sessions.list_sessions(request, context, user_id).items)


@router.post("/sessions/end-others", openapi_extra=_FORM)
@as_of(sessions.end_session)
def post_end_others(request: Request, context: ContextDep, user_id: UserDep) -> Response:
    for each in sessions.list_sessions(request, context, user_id).items:
        if not each.is_this:
            sessions.end_session(each.session_id, context, user_id)
    return see_other("/sessions")


@router.post("/sessions/{session_id}/end", openapi_extra=_FORM)
@as_of(sessions.end_session)
def post_end_session(session_id: UUID, context: ContextDep, user_id: UserDep) -> Response:
    sessions.end_session(session_id, context, user_id)
    return see_other("/sessions")


@router.get("/tokens")
@as_of(users.list_tokens)
def get_tokens_page(request: Request, context: ContextDep, user_id: UserDep) -> Response:
    return _tokens(request, context, user_id)


@router.post("/tokens", openapi_extra=_FORM)
@as_of(users.make_token)
def post_tokens(request: Request, sent: FormDep, context: ContextDep, user_id: UserDep) -> Response:
    form = _token_form(request, _portfolios(context, user_id)).filled(sent)
    try:
        made = users.make_token(form.body(TokenRequest), request, context, user_id)
    except REFUSALS as refusal:
        return _tokens(request, context, user_id, form.refused(refusal))
    return _tokens(request, context, user_id, made=made)


@router.post("/tokens/{token_id}/end", openapi_extra=_FORM)
@as_of(users.end_token)
def post_end_token(token_id: UUID, context: ContextDep, user_id: UserDep) -> Response:
    users.end_token(token_id, context, user_id)
    return see_other("/tokens")


def _tokens(
    request: Request,
    context: AppContext,
    user_id: UUID,
    refused: PageForm | None = None,
    made: TokenMade | None = None,
) -> Response:
    names = _portfolios(context, user_id)
    form = _token_form(request, names).again(refused)
    rows = users.list_tokens(context, user_id).items
    return user_page("tokens", request, 422 if refused else 200, form=form, rows=rows, made=made, names=dict(names))


def _token_form(request: Request, names: Sequence[tuple[str, str]]) -> PageForm:
    is_admin = asker_of(request).is_admin
    scopes = [(scope, text) for scope, text in SCOPES.items() if is_admin or scope is not Scope.ADMIN]
    return TOKEN.at("/tokens", scopes=scopes, portfolio_ids=names)


def _portfolios(context: AppContext, user_id: UUID) -> list[tuple[str, str]]:
    page = portfolios.list_portfolios(context, user_id, archived=False, limit=_MOST_PORTFOLIOS)
    return [(str(each.portfolio_id), each.name) for each in page.items]


@router.get("/invitations")
@as_of(users.list_invitations)
def get_invitations_page(request: Request, context: ContextDep, user_id: UserDep) -> Response:
    return _invitations(request, context, user_id)


@router.post("/invitations", openapi_extra=_FORM)
@as_of(users.invite)
def post_invitations(request: Request, sent: FormDep, context: ContextDep, user_id: UserDep) -> Response:
    form = INVITATION.filled(sent)
    try:
        link = users.invite(form.body(InvitationRequest), request, context, user_id)
    except REFUSALS as refusal:
        return _invitations(request, context, user_id, form.refused(refusal))
    return _invitations(request, context, user_id, link=link)


@router.post("/invitations/{invitation_id}/end", openapi_extra=_FORM)
@as_of(users.end_invitation)
def post_end_invitation(invitation_id: UUID, context: ContextDep, user_id: UserDep) -> Response:
    users.end_invitation(invitation_id, context, user_id)
    return see_other("/invitations")


def _invitations(
    request: Request, context: AppContext, user_id: UUID, refused: PageForm | None = None, link: LinkView | None = None
) -> Response:
    shown: dict[str, Any] = {"form": INVITATION.at("/invitations").again(refused), "link": link}
    rows = users.list_invitations(context, user_id).items
    return user_page("invitations", request, 422 if refused else 200, rows=rows, **shown)


@router.get("/shares")
@as_of(sharing.list_shares)
def get_shares_page(request: Request, context: ContextDep, user_id: UserDep) -> Response:
    return user_page("shares", request, rows=sharing.list_shares(context, user_id).items)


@router.post("/shares/{share_id}/accept", openapi_extra=_FORM)
@as_of(sharing.accept_share)
def post_accept_share(share_id: UUID, context: ContextDep, user_id: UserDep) -> Response:
    sharing.accept_share(share_id, context, user_id)
    return see_other("/shares")


@router.post("/shares/{share_id}/end", openapi_extra=_FORM)
@as_of(sharing.end_share)
def post_end_share(request: Request, share_id: UUID, context: ContextDep) -> Response:
    sharing.end_share(request, share_id, context)
    return see_other("/shares")
