"""Forms of signing in as HTML documents, in the look of the other pages."""

from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from jinja2 import Template
from markupsafe import Markup

from oltp_api.review.page.review import page_environment, page_style
from oltp_api.users.passwords import LONGEST, SHORTEST

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Form:
    """A form and what was written into it, but for passwords; `problem` is why it was refused."""

    title: str
    action: str
    button: str
    asks_email: bool = False
    asks_name: bool = False
    asks_password: bool = True
    is_new_password: bool = False
    code: str = ""
    next_page: str = ""
    email: str = ""
    name: str = ""
    problem: str = ""


def form_page(form: Form) -> str:
    style, policy = _style()
    return _template().render(form=form, style=style, policy=policy, shortest=SHORTEST, longest=LONGEST)


def form_policy() -> str:
    """The policy of these pages, whose forms are sent here and nowhere else."""
    return _style()[1]


@cache
def _style() -> tuple[Markup, str]:
    sheet = str(page_style()[0]) + (_HERE / "form.css").read_text(encoding="utf-8")
    digest = b64encode(sha256(sheet.encode()).digest()).decode()
    return Markup(sheet), f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'self'"


@cache
def _template() -> Template:
    return page_environment(_HERE).get_template("form.html")
