"""Forms of signing in as HTML documents, in the look of the other pages."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from jinja2 import Template
from markupsafe import Markup

from oltp_api.review.page.review import page_environment, page_style
from oltp_api.users.passwords import LONGEST, SHORTEST
from oltp_api.web.places import Link

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Form:
    """A form and what was written into it, but for passwords; `problem` is why it was refused.

    `asks_factor` asks for a code of the second factor; `code` is a link's; `provider` is a host to go on with instead.
    `picture` is an SVG of ours.
    """

    title: str
    action: str
    button: str
    asks_email: bool = False
    asks_name: bool = False
    asks_password: bool = True
    is_new_password: bool = False
    asks_factor: bool = False
    provider: str = ""
    notes: Sequence[str] = ()
    codes: Sequence[str] = ()
    picture: str = ""
    places: Sequence[Link] = ()
    link: str = ""
    link_text: str = ""
    code: str = ""
    next_page: str = ""
    email: str = ""
    name: str = ""
    problem: str = ""


def form_page(form: Form) -> str:
    style, policy = _style()
    return _template("form.html").render(form=form, style=style, policy=policy, shortest=SHORTEST, longest=LONGEST)


def going_page(address: str, host: str) -> str:
    """A page that goes on to `address` by itself, for a form's own answer may not redirect to another server."""
    style, policy = _style()
    return _template("going.html").render(address=address, host=host, style=style, policy=policy)


def form_policy() -> str:
    """The policy of these pages, whose forms are sent here and nowhere else."""
    return _style()[1]


@cache
def _style() -> tuple[Markup, str]:
    sheet = str(page_style()[0]) + (_HERE / "form.css").read_text(encoding="utf-8")
    digest = b64encode(sha256(sheet.encode()).digest()).decode()
    return Markup(sheet), f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'self'"


@cache
def _template(name: str) -> Template:
    return page_environment(_HERE).get_template(name)
