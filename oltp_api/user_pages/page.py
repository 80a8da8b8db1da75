"""Pages of users as HTML documents."""

from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Template

from oltp_api.page_forms.page import form_environment, framed, html


def user_page(name: str, request: Request, status: int = 200, **shown: Any) -> HTMLResponse:
    """The page of a template; what frames it may be given anew."""
    return html(_template(f"{name}.html").render(**{**framed(request), **shown}), status)


@cache
def _template(name: str) -> Template:
    return form_environment(Path(__file__).parent).get_template(name)
