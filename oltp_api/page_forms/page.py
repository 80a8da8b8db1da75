"""Pages with forms as HTML documents, in the look of the review: no script, no other host."""

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from domain.errors import plain
from oltp_api.access.door import is_administrator, role_of
from oltp_api.access.rules import Role
from oltp_api.review.page.review import page_environment, page_style
from oltp_api.web.problems import TURN_PROBLEMS
from storage.web.guard import NO_FRAMES

_HERE = Path(__file__).parent
Link = tuple[str, str]
_OF_PORTFOLIO = {
    "review": "review.html",
    "transactions": "transactions.html",
    "orders": "orders.html",
    "imports": "imports.html",
    "simulations": "simulations.html",
    "gains": "gains.html",
    "sharing": "shares.html",
    "positions": "positions",
    "export": "export",
}
"""Names of the pages and lists of a portfolio, with where they are below its address."""
OWNERS = ("shares.html",)
PORTFOLIO = "/api/v1/portfolios/{portfolio_id}"
PAGE: dict[str, Any] = {
    "response_class": HTMLResponse,
    "responses": {200: {"content": {"text/html": {"example": "<!doctype html><title>Retirement</title>..."}}}},
}
"""For a route that answers a page."""
DONE: dict[str, Any] = {
    "response_class": HTMLResponse,
    "status_code": 303,
    "responses": {303: {"description": "It is done: see the page again."}, **TURN_PROBLEMS},
}
"""For a route that does what a form asks."""
_OF_YOU = {
    "Portfolios": "/",
    "Shared with you": "/shares",
    "You": "/me",
    "Sessions": "/sessions",
    "Tokens": "/tokens",
    "Invitations": "/invitations",
    "Users": "/users",
    "Audit log": "/events",
    "Sign out": "/sign-out",
}
_ADMINISTRATORS = ("/users", "/events")


def places(request: Request) -> Sequence[Link]:
    """Pages that are there for whoever asks; with one owner, who does not sign in, the portfolios alone."""
    known, is_admin = request.app.state.addresses, is_administrator(request)
    return [
        (name, page)
        for name, page in _OF_YOU.items()
        if page == "/" or (page in known and (is_admin or page not in _ADMINISTRATORS))
    ]


def below_portfolio(request: Request) -> Sequence[Link]:
    """Pages and lists of a portfolio that the API has, by their place below its address."""
    known = request.app.state.addresses
    return [(name, below) for name, below in _OF_PORTFOLIO.items() if f"{PORTFOLIO}/{below}" in known]


def _places_of(request: Request, portfolio_id: object) -> Sequence[Link]:
    """The same as whole addresses, for the asker's part in it."""
    address, role = PORTFOLIO.replace("{portfolio_id}", str(portfolio_id)), role_of(request)
    return [
        (name, f"{address}/{below}")
        for name, below in below_portfolio(request)
        if role is Role.OWNER or below not in OWNERS
    ]


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
    return {**framed(request), "of_portfolio": _places_of(request, portfolio_id)}


def html(page: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(page, status, headers={"Content-Security-Policy": f"{form_style()[1]}; {NO_FRAMES}"})


def see_other(page: str) -> RedirectResponse:
    """Go on to `page`, so that going back or reloading sends nothing again."""
    return RedirectResponse(page, 303)
