"""Places of the pages: where a person goes from any of them, and what there is of a portfolio."""

from collections.abc import Sequence
from urllib.parse import quote

from fastapi import Request

from oltp_api.access.door import is_administrator, role_of
from oltp_api.access.rules import Role

Link = tuple[str, str]
_OF_PORTFOLIO = {
    "review": "review.html",
    "transactions": "transactions.html",
    "orders": "orders.html",
    "imports": "imports.html",
    "simulations": "simulations.html",
    "risks": "risk-analyses.html",
    "gains": "gains.html",
    "sharing": "shares.html",
    "positions": "positions",
    "export": "export",
}
"""Names of the pages and lists of a portfolio, with where they are below its address."""
OWNERS = ("shares.html",)
PORTFOLIO = "/api/v1/portfolios/{portfolio_id}"
_OF_YOU = {
    "Portfolios": "/",
    "Shared with you": "/shares",
    "You": "/me",
    "Second factor": "/second-factor",
    "Provider": "/link-provider",
    "Sessions": "/sessions",
    "Tokens": "/tokens",
    "Invitations": "/invitations",
    "Users": "/users",
    "Audit log": "/events",
    "Sign out": "/sign-out",
}
_ADMINISTRATORS = ("/users", "/events")


def explanation_at(reference: str | None, *names: object) -> str:
    """The page that takes a figure apart, by its reference or what that begins with and its place; none without."""
    if reference is None:
        return ""
    place = "".join(f"/{str(name).replace('~', '~0').replace('/', '~1')}" for name in names)
    return f"/api/v1/explain.html?ref={quote(reference + place, safe='')}"


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


def places_of(request: Request, portfolio_id: object) -> Sequence[Link]:
    """The same as whole addresses, for the asker's part in it."""
    address, role = PORTFOLIO.replace("{portfolio_id}", str(portfolio_id)), role_of(request)
    return [
        (name, f"{address}/{below}")
        for name, below in below_portfolio(request)
        if role is Role.OWNER or below not in OWNERS
    ]
