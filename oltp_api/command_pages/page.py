"""Pages of commands as HTML documents: each form beside what was recorded lately."""

from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Template

from oltp_api.access.door import role_of
from oltp_api.access.rules import Role
from oltp_api.page_forms.page import form_environment, framed, framed_of
from oltp_api.portfolios.schemas import PortfolioView


def portfolio_page(name: str, request: Request, portfolio: PortfolioView, **shown: Any) -> str:
    """The page `name` of a portfolio. Who only reads the portfolio sees no form."""
    may_record = role_of(request) >= Role.EDITOR
    return _template(f"{name}.html").render(
        **framed_of(request, portfolio.portfolio_id), portfolio=portfolio, may_record=may_record, **shown
    )


def new_portfolio_page(request: Request, **shown: Any) -> str:
    return _template("portfolio.html").render(**framed(request), **shown)


@cache
def _template(name: str) -> Template:
    return form_environment(Path(__file__).parent).get_template(name)
