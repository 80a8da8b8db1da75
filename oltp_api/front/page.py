"""The front page as one HTML document, in the look of the review: no script, no other host."""

from collections.abc import Collection
from functools import cache
from pathlib import Path
from urllib.parse import quote

from jinja2 import Template

from oltp_api.front.views import Front, FrontRow
from oltp_api.review.page import wording
from oltp_api.review.page.review import page_environment, page_style

_HERE = Path(__file__).parent
_LINKS = {
    "review": "review.html",
    "gains": "gains.html",
    "positions": "positions",
    "transactions": "transactions",
    "imports": "imports.html",
    "export": "export",
}
"""Names of the pages and lists of a portfolio, with where they are below its address."""
_OF_PORTFOLIO = "/api/v1/portfolios/{portfolio_id}"


def front_page(front: Front, addresses: Collection[str]) -> str:
    """A whole HTML document; of a portfolio it links what is among `addresses`, those that the API has."""
    style, policy = page_style()
    return _template().render(
        front=front,
        style=style,
        policy=policy,
        links={name: below for name, below in _LINKS.items() if f"{_OF_PORTFOLIO}/{below}" in addresses},
        address=lambda row: _OF_PORTFOLIO.replace("{portfolio_id}", str(row.portfolio.portfolio_id)),
        state=state,
        next_page=_next_page(front),
        signs_out="/sign-out" in addresses,
    )


def state(row: FrontRow) -> tuple[str, str]:
    """How far the value can be relied on: a word that has a colour, and the same for a reader."""
    if row.is_held:
        return "breach", "■ held: its newest numbers have failed a check"
    if row.value is None:
        return "undefined", "not released yet"
    behind = "; newer rows are on their way" if row.is_behind else ""
    if row.value.status != "PRICED":
        return "warn", f"▲ prices and rates: {wording.ages(row.value)}{behind}"
    return ("undefined" if behind else "ok"), f"prices and rates of the day{behind}"


def _next_page(front: Front) -> str | None:
    if front.next_cursor is None:
        return None
    return f"/?cursor={quote(front.next_cursor)}{'&archived=true' if front.is_archived else ''}"


@cache
def _template() -> Template:
    return page_environment(_HERE).get_template("front.html")
