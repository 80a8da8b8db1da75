"""An explanation as one page: the figure, and a tree of what it was made of that a reader opens branch by branch."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Template

from oltp_api.explain.schemas import ExplanationView
from oltp_api.review.page.review import page_environment, page_style
from oltp_api.review.page.wording import SPACE
from oltp_api.web.places import Link

_RULEBOOK = "docs/rulebook.md"


def explanation_page(found: ExplanationView, places: Sequence[Link] = ()) -> str:
    """A whole HTML document. Text of users is escaped."""
    style, policy = page_style()
    return _template().render(found=found, places=places, style=style, policy=policy, rulebook=_RULEBOOK)


def shown(value: str | float | None, unit: str | None) -> str:
    """A value to be read, all of its digits: thousands apart, and the unit beside it."""
    text = _apart(value) if unit != "id" else str(value)
    return text if value is None or unit in (None, "id", "ratio", "index", "count") else f"{text}{SPACE}{unit}"


def _apart(value: str | float | None) -> str:
    try:
        number = float(value if value is not None else "")
    except ValueError:
        return str(value) if value is not None else ""
    text = str(value) if isinstance(value, str | int) else f"{number:.10g}"
    if "e" in text or "E" in text:
        return text
    whole, point, rest = text.partition(".")
    sign = "\u2212" if whole.startswith("-") else ""
    return f"{sign}{int(whole.lstrip('-') or 0):,}{point}{rest}"


@cache
def _template() -> Template:
    return page_environment(Path(__file__).parent, shown=shown).get_template("explain.html")
