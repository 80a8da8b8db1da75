"""The front page."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from oltp_api.access.rules import Scope, may
from oltp_api.context import ContextDep, UserDep
from oltp_api.front.handlers import front_of
from oltp_api.front.page import front_page
from oltp_api.page_forms.page import html
from oltp_api.web.bodies import costly
from oltp_api.web.pages import CursorQuery
from oltp_api.web.places import below_portfolio, places
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute)


@router.get("/", response_class=HTMLResponse, include_in_schema=False)
@costly()
@may(Scope.READ)
def get_front_page(
    request: Request,
    context: ContextDep,
    user_id: UserDep,
    cursor: CursorQuery = None,
    archived: Annotated[bool, Query()] = False,
) -> HTMLResponse:
    page = front_page(front_of(context, user_id, cursor, archived), places(request), below_portfolio(request))
    return html(page)
