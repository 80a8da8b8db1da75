"""Pages of administrators: users, and the audit log. They show no portfolio's name and no amount."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from oltp_api.context import AppContext, ContextDep, UserDep
from oltp_api.page_forms.page import see_other
from oltp_api.page_forms.routing import FormDep, PageRoute, as_of, sends
from oltp_api.user_pages.page import user_page
from oltp_api.users import routes as users
from oltp_api.users.schemas import LinkView, ListedUser, PasswordLinkRequest, UserState

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_EVENTS = 100
_CHANGES = {
    "disable": {"is_disabled": True},
    "enable": {"is_disabled": False},
    "promote": {"is_admin": True},
    "demote": {"is_admin": False},
    "show_operations": {"is_operator_viewer": True},
    "hide_operations": {"is_operator_viewer": False},
}
"""Bodies that the page's buttons ask for."""


@router.get("/users")
@as_of(users.list_users)
def get_users_page(request: Request, context: ContextDep, user_id: UserDep) -> Response:
    return _users(request, context, user_id)


@router.post("/users/{of_id}", openapi_extra=sends())
@as_of(users.change_user)
def post_user(of_id: UUID, sent: FormDep, context: ContextDep) -> Response:
    change = _CHANGES.get(sent.fields.get("do", ""))
    if change is not None:
        users.change_user(of_id, UserState.model_validate(change), context)
    return see_other("/users")


@router.post("/users/{of_id}/password-link", openapi_extra=sends())
@as_of(users.make_password_link)
def post_password_link(request: Request, of_id: UUID, sent: FormDep, context: ContextDep, user_id: UserDep) -> Response:
    asked = PasswordLinkRequest(removes_second_factor="removes_second_factor" in sent.fields)
    link = users.make_password_link(of_id, request, context, asked)
    return _users(request, context, user_id, link, of_id)


def _users(
    request: Request, context: AppContext, user_id: UUID, link: LinkView | None = None, of_id: UUID | None = None
) -> Response:
    rows = users.list_users(context).items
    of = next((each for each in rows if each.user_id == of_id), None)
    return user_page("users", request, rows=rows, me=user_id, link=link, of=of)


@router.get("/events")
@as_of(users.list_events)
def get_events_page(
    request: Request, context: ContextDep, cursor: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None
) -> Response:
    known: dict[UUID | None, ListedUser] = {each.user_id: each for each in users.list_users(context).items}
    return user_page("events", request, page=users.list_events(context, _EVENTS, cursor), known=known)
