"""The front page as one HTML document, in the look of the review: no script, no other host."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from urllib.parse import quote

from jinja2 import Template

from oltp_api.front.views import Front, FrontRow
from oltp_api.page_forms.page import form_environment, form_style
from oltp_api.review.page import wording
from oltp_api.web.places import OWNERS, PORTFOLIO, Link

_HERE = Path(__file__).parent


def front_page(front: Front, links: Sequence[Link] = (), of_portfolio: Sequence[Link] = ()) -> str:
    """A whole HTML document, with `links` to other pages, and to those of each portfolio by their place below it."""
    style, policy = form_style()
    return _template().render(
        front=front,
        style=style,
        policy=policy,
        places=links,
        below=lambda row: [link for link in of_portfolio if row.share is None or link[1] not in OWNERS],
        address=lambda row: PORTFOLIO.replace("{portfolio_id}", str(row.portfolio.portfolio_id)),
        state=state,
        next_page=_next_page(front),
    )


def state(row: FrontRow) -> tuple[str, str]:
    """How far the value can be relied on: a word that has a colour, and the same for a reader."""
    if row.is_held:
        return "breach", "■ held: its newest numbers have failed a check"
    if row.value is None:
        return "undefined", "not released yet"
    behind = "; newer rows are on their way" if row.is_behind else ""
    if row.value.status != "PRICED":
        covered = row.value.coverage_pct
        partly = "" if covered >= 100 else f"; {wording.covered(covered)} of the cost is valued"
        return "warn", f"▲ prices and rates: {wording.ages(row.value)}{behind}{partly}"
    return ("undefined" if behind else "ok"), f"prices and rates of the day{behind}"


def _next_page(front: Front) -> str | None:
    if front.next_cursor is None:
        return None
    return f"/?cursor={quote(front.next_cursor)}{'&archived=true' if front.is_archived else ''}"


@cache
def _template() -> Template:
    return form_environment(_HERE).get_template("front.html")
