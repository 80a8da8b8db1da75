"""Pages with forms as HTML documents, in the look of the review: no script, no other host."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from domain.errors import plain
from oltp_api.review.page.review import page_environment, page_style
from oltp_api.web.places import places, places_of
from oltp_api.web.problems import TURN_PROBLEMS
from storage.web.guard import NO_FRAMES

_HERE = Path(__file__).parent
PAGE: dict[str, Any] = {
    "response_class": HTMLResponse,
    "responses": {200: {"content": {"text/html": {"example": "<!doctype html><title>Retirement</title>..."}}}},
}
"""For a route that answers a page."""
DONE: dict[str, Any] = {
    "response_class": RedirectResponse,
    "status_code": 303,
    "responses": {303: {"description": "It is done: see the page again."}, **TURN_PROBLEMS},
}
"""For a route that does what a form asks."""


def form_environment(folder: Path) -> Environment:
    """Templates of `folder`, and those that pages with forms share."""
    environment = page_environment(folder)
    assert isinstance(environment.loader, FileSystemLoader)
    environment.loader.searchpath.append(str(_HERE))
    environment.filters["plain"] = plain
    return environment


@cache
def form_style(*sheets: Path) -> tuple[Markup, str]:
    """The style of pages with forms, with further sheets; and their policy: forms are sent here and nowhere else."""
    files = (_HERE / "forms.css", *sheets)
    sheet = "".join([str(page_style()[0]), *(file.read_text(encoding="utf-8") for file in files)])
    digest = b64encode(sha256(sheet.encode()).digest()).decode()
    return Markup(sheet), f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'self'"


def framed(request: Request) -> dict[str, Any]:
    """Names that every template of a page with forms is given."""
    style, policy = form_style()
    return {"style": style, "policy": policy, "places": places(request), "of_portfolio": ()}


def framed_of(request: Request, portfolio_id: object) -> dict[str, Any]:
    """The same for the page of a portfolio."""
    return {**framed(request), "of_portfolio": places_of(request, portfolio_id)}


def html(page: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(page, status, headers={"Content-Security-Policy": f"{form_style()[1]}; {NO_FRAMES}"})


def see_other(page: str) -> RedirectResponse:
    """Go on to `page`, so that going back or reloading sends nothing again."""
    return RedirectResponse(page, 303)
