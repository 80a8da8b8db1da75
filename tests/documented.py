"""Every status that a test sees is one that the OpenAPI document tells of its operation."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import httpx

_OF_NO_OPERATION = {404, 405, 307}
_PLANTED = 500  # by a test, which says so itself


@cache
def contract() -> Mapping[str, Any]:
    """The OpenAPI document, to be read only: an app takes 2 s to make it, and all without accounts have the same."""
    from oltp_api.app import create_app
    from storage.settings import Settings

    app = create_app(Settings(lakefolio_home=Path("nowhere"), database_url=None, lake_uri=None))
    document: Mapping[str, Any] = app.openapi()
    return document


@cache
def _operations() -> Sequence[tuple[str, re.Pattern[str], set[str]]]:
    """Method, form of the path and documented statuses."""
    return [
        (method.upper(), re.compile(re.sub(r"\\{.*?\\}", "[^/]*", re.escape(path))), set(operation["responses"]))
        for path, methods in contract()["paths"].items()
        for method, operation in methods.items()
    ]


def status_is_documented(response: httpx.Response) -> None:
    """A hook for a client of the API; what belongs to no operation passes."""
    method, path = response.request.method, response.request.url.path
    told = [statuses for own, form, statuses in _operations() if own == method and form.fullmatch(path)]
    if told and response.status_code not in {*_OF_NO_OPERATION, _PLANTED}:
        said = str(response.status_code)
        assert any(said in statuses for statuses in told), f"{method} {path}: {said} is not documented"
