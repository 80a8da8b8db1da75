"""Pages of imports. They are the same questions as the JSON ones, asked by a form."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from domain.errors import Refusal
from oltp_api.access.rules import Role, Scope, may
from oltp_api.context import AppContext, ContextDep, UserDep
from oltp_api.import_pages import handlers
from oltp_api.import_pages.page import import_page, imports_page, policy
from oltp_api.import_pages.sent import MOST_FILE_BYTES, MOST_PART_BYTES, FilledForm, import_of
from oltp_api.imports.forms_sent import SentForm, sent_form
from oltp_api.portfolios.schemas import PortfolioView
from oltp_api.portfolios.seen import SeenPortfolio
from oltp_api.web.bodies import costly
from oltp_api.web.places import places
from oltp_api.web.problems import PROBLEMS
from oltp_api.web.routing import BoundedRoute
from storage.web.guard import NO_FRAMES

router = APIRouter(route_class=BoundedRoute, tags=["imports"], responses=PROBLEMS)

_HTML: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/html": {"example": "<!doctype html><title>Imports</title>..."}}}
}
_SEE_OTHER: dict[int | str, dict[str, Any]] = {303: {"description": "Recorded or undone: see the import's page."}}
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "do": {"type": "string", "description": "try, record, or a button of the page."},
                    },
                    "additionalProperties": {"type": "string"},
                },
                "example": {"file": "2016.csv", "do": "try"},
            }
        },
    }
}
_MOST_BYTES = MOST_FILE_BYTES + 100_000


async def form_of(request: Request) -> SentForm:
    return await sent_form(request, MOST_PART_BYTES)


FormDep = Annotated[SentForm, Depends(form_of)]


@router.get(
    "/portfolios/{portfolio_id}/imports.html",
    response_class=HTMLResponse,
    responses=_HTML,
    summary="A page to import a file with, and past imports",
)
@may(Scope.READ, Role.VIEWER)
def get_imports_page(request: Request, portfolio: SeenPortfolio, context: ContextDep, user_id: UserDep) -> HTMLResponse:
    return _page(request, context, user_id, portfolio)


@router.post(
    "/portfolios/{portfolio_id}/imports.html",
    response_class=HTMLResponse,
    responses={**_HTML, **_SEE_OTHER},
    summary="The dry run of a file as a page; recorded, if that button was pressed",
    openapi_extra=_FORM,
)
@costly(_MOST_BYTES)
@may(Scope.IMPORT, Role.EDITOR)
def post_imports_page(
    request: Request, portfolio: SeenPortfolio, form: FormDep, context: ContextDep, user_id: UserDep
) -> Response:
    sent = None
    try:
        sent = import_of(form)
        if sent.button == "record":
            recorded = handlers.record(sent, user_id, portfolio.portfolio_id, context)
            return _see_other(f"{portfolio.portfolio_id}/imports/{recorded.import_id}.html")
        done = handlers.taken_up(sent, user_id, portfolio.portfolio_id, context)
        return _page(request, context, user_id, portfolio, sent, done=done)
    except Refusal as refusal:
        return _page(request, context, user_id, portfolio, sent, problem=refusal.message)


@router.get(
    "/portfolios/{portfolio_id}/imports/{import_id}.html",
    response_class=HTMLResponse,
    responses=_HTML,
    summary="What an import recorded, as a page",
)
@may(Scope.READ, Role.VIEWER)
def get_import_page(
    request: Request, portfolio: SeenPortfolio, import_id: UUID, context: ContextDep, user_id: UserDep
) -> HTMLResponse:
    view = handlers.one(import_id, user_id, portfolio.portfolio_id, context)
    return _html(import_page(portfolio, view, places=places(request)))


@router.post(
    "/portfolios/{portfolio_id}/imports/{import_id}.html",
    response_class=HTMLResponse,
    responses={**_HTML, **_SEE_OTHER},
    summary="Undo an import from its page",
    openapi_extra=_FORM,
)
@may(Scope.IMPORT, Role.EDITOR)
def post_import_page(
    request: Request, portfolio: SeenPortfolio, import_id: UUID, form: FormDep, context: ContextDep, user_id: UserDep
) -> Response:
    view = handlers.one(import_id, user_id, portfolio.portfolio_id, context)
    if form.text_of("do") != "undo":
        return _html(import_page(portfolio, view, places=places(request)))
    try:
        handlers.undo(import_id, user_id, context)
    except Refusal as refusal:
        return _html(import_page(portfolio, view, refusal.message, places(request)), refusal.status)
    return _see_other(f"{portfolio.portfolio_id}/imports/{import_id}.html")


def _page(
    request: Request,
    context: AppContext,
    user_id: UUID,
    portfolio: PortfolioView,
    sent: FilledForm | None = None,
    problem: str | None = None,
    done: str | None = None,
) -> HTMLResponse:
    """The page as things stand now: a file that was sent is tried again, for what was just recorded may cover it."""
    tried = None
    if sent is not None:
        try:
            tried = handlers.tried(sent, user_id, portfolio.portfolio_id, context)
        except Refusal as refusal:
            problem = problem or refusal.message
    imports, profiles = handlers.beside(user_id, portfolio.portfolio_id, context)
    page = imports_page(portfolio, imports, profiles, sent, tried, problem, done, places(request))
    return _html(page, 422 if problem else 200)


def _html(page: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(page, status, headers={"Content-Security-Policy": f"{policy()}; {NO_FRAMES}"})


def _see_other(below: str) -> RedirectResponse:
    return RedirectResponse(f"/api/v1/portfolios/{below}", 303)
