"""Every failure leaves as one `application/problem+json` with a stable `code`, and none of them echoes a whole body.

status  when
400     no request that can be judged: no JSON, no UTF-8, something said twice, no one Host
401     nobody is signed in, or the password is wrong
403     a page of another site asked, or whoever is signed in may not do this
404     the address names nothing of yours (codes *_not_found, unknown_security)
409     it exists already, or is known otherwise, or is in use
408     the body did not arrive in time (413: is too large; 415: is of a type that the route does not take)
412     it was changed since it was read
421     the server does not answer under this Host
428     an edit must say, with If-Match, what it was made from
422     the rules or the types turn the request down; nothing was stored
500     a bug; the log has it, the answer does not
503     try again later: no release yet, the lake cannot be read, the database is busy, away or full (with Retry-After)
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import UUID

import psycopg
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from domain.errors import (
    AlreadyExists,
    IdempotencyConflict,
    InsufficientCash,
    InsufficientPosition,
    NoRelease,
    PortfolioNotFound,
    Refusal,
    SecurityNotFound,
    StaleVersion,
    TryLater,
)
from domain.ports import PortfolioHeld, TooManyWaiting
from oltp_api.access import refusals
from oltp_api.access.refusals import NOT_SIGNED_IN, SECOND_FACTOR_REQUIRED
from oltp_api.access.rules import Role, Scope
from oltp_api.web import bodies
from oltp_api.web.etags import PreconditionRequired
from storage.errors import LakeUnavailable
from storage.outages import outage_of
from storage.web import guard as web_guard
from storage.web.guard import CODE, WebRefusal, problem_members

_LOG = logging.getLogger(__name__)
_RETRY_AFTER_S = 10
_MOST_ERRORS = 20
_TRANSIENT = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.QueryCanceled,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.IdleInTransactionSessionTimeout,
)

_NOT_STORED = "others are at work on this; nothing was stored, try again"
_MAYBE_STORED = "the database is away; send a command again with its Idempotency-Key, it may have been stored"
_NO_OBJECT = {"model_attributes_type": "must be a JSON object, sent as application/json"}


class NotReady(TryLater):
    code = "not_ready"


@dataclass(frozen=True, slots=True)
class Problem:
    status: int
    code: str
    detail: str
    facts: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class ProblemView(BaseModel):
    """RFC 9457. Further members carry the facts, such as `held` and `asked`."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    instance: str


def handle_errors(app: FastAPI) -> None:
    """Answer every failure of `app` as a problem."""
    kinds = (Refusal, WebRefusal, RequestValidationError, HTTPException, psycopg.Error, LakeUnavailable, OSError)
    for kind in (*kinds, MemoryError, Exception):
        app.add_exception_handler(kind, _answer)


def _answer(request: Request, error: Exception) -> Response:
    problem = problem_of(error)
    if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        _LOG.error("unexpected error", exc_info=error)
    elif isinstance(error, LakeUnavailable):
        _LOG.warning("the lake cannot be read: %r", error.__cause__)
    elif isinstance(error, psycopg.Error):
        _LOG.warning("the database said %s, answered as %s", type(error).__name__, problem.code)
    request.scope[CODE] = problem.code
    page = goes_on_at(problem, request)
    if page is not None and "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(page, HTTPStatus.SEE_OTHER)
    content = json.dumps(_members(problem, request.url.path), default=str)
    return Response(content, problem.status, dict(problem.headers), media_type="application/problem+json")


def goes_on_at(problem: Problem, request: Request) -> str | None:
    """The page where a browser that was refused goes on; None if it is told why."""
    if problem.code == NOT_SIGNED_IN and request.method == "GET":
        return f"/sign-in?next={quote(request.url.path)}"
    return "/second-factor" if problem.code == SECOND_FACTOR_REQUIRED else None


def _members(problem: Problem, instance: str) -> dict[str, object]:
    members = problem_members(problem.status, problem.code, problem.detail, instance)
    return {**members, **problem.facts, **members}  # a fact never hides a member


def problem_of(error: Exception) -> Problem:
    if isinstance(error, (psycopg.Error, OSError, MemoryError)) and (outage := outage_of(error)):
        return _later(outage.code, outage.sentence)
    match error:
        case Refusal():
            return _refused(error)
        case WebRefusal():
            headers = {name.decode(): value.decode() for name, value in error.headers}
            return Problem(error.status, error.code, error.detail, headers=headers)
        case RequestValidationError():
            return _malformed(error.errors())
        case HTTPException():
            code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
            return Problem(error.status_code, code, str(error.detail), headers=error.headers or {})
        case LakeUnavailable():
            return _later("lake_unavailable", str(error))
        case psycopg.errors.NumericValueOutOfRange():
            return Problem(422, "invalid_number", "the result is too large to be recorded")
        case psycopg.Error() if isinstance(error, _TRANSIENT):
            return _later("busy", _NOT_STORED)
        case psycopg.OperationalError():
            return _later("database_unavailable", _MAYBE_STORED)
        case _:
            return Problem(500, "internal_error", "something went wrong here")


def _refused(refusal: Refusal) -> Problem:
    if isinstance(refusal, TryLater):
        return _later(refusal.code, refusal.message)
    headers = {"ETag": refusal.current} if isinstance(refusal, StaleVersion) else {}
    return Problem(refusal.status, refusal.code, refusal.message, refusal.facts, headers)


def _later(code: str, detail: str) -> Problem:
    return Problem(503, code, detail, headers={"Retry-After": str(_RETRY_AFTER_S)})


def _malformed(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """List which fields are wrong, and why; at most a few characters of what was in them."""
    listed = [
        {
            "field": _field(error["loc"]),
            "message": _NO_OBJECT.get(error["type"], error["msg"]),
            "code": error["type"],
        }
        for error in errors[:_MOST_ERRORS]
    ]
    detail = "; ".join(f"{error['field']}: {error['message']}" for error in listed[:5])
    all_numbers = all(error["code"] == "invalid_number" for error in listed)
    facts = {"errors": listed, **more_than_listed(errors, listed)}
    return Problem(422, "invalid_number" if all_numbers else "invalid_input", detail, facts)


def more_than_listed(errors: Sequence[object], listed: Sequence[object]) -> dict[str, object]:
    """Return how many errors a list that was cut leaves out, as a fact; nothing if it has all."""
    return {"more_errors": len(errors) - len(listed)} if len(errors) > len(listed) else {}


def _field(location: Sequence[str | int]) -> str:
    """The path without its source; a field's name may be anything that a client made up."""
    parts = [str(part)[:40] for part in location[1:]] or [str(location[0])]
    return ".".join(parts).encode("ascii", "backslashreplace").decode()


_PORTFOLIO_ID = UUID("3b3f5f0e-7a43-4a52-9d6c-0a4f6de0b1c7")
_SINCE = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
_EXAMPLES: Sequence[Problem] = [
    problem_of(error)
    for error in (
        PortfolioNotFound(_PORTFOLIO_ID),
        SecurityNotFound("ACME"),
        AlreadyExists("security", "ACME"),
        InsufficientCash("USD", Decimal("120.50"), Decimal(1000)),
        InsufficientPosition(1, Decimal(10), Decimal(12)),
        IdempotencyConflict("order-17"),
        PortfolioHeld(_PORTFOLIO_ID, "marts/fact_return_daily fails a_level_names_what_it_is_of", _SINCE),
        StaleVersion('"4.1"'),
        PreconditionRequired(),
        RequestValidationError([{"loc": ("body", "quantity"), "type": "missing", "msg": "Field required"}]),
        NoRelease(),
        LakeUnavailable("the lake cannot be read now (OSError; look at its folder or bucket)"),
        psycopg.errors.DiskFull(),
        psycopg.errors.LockNotAvailable(),
        psycopg.OperationalError(),
        web_guard.invalid_host(),
        web_guard.host_not_allowed(),
        web_guard.not_local(),
        web_guard.cross_origin(),
        bodies.no_json("Expecting value (line 1, column 2)"),
        bodies.said_twice("the header idempotency-key"),
        bodies.wrong_encoding(),
        bodies.too_slow(),
        bodies.too_large(bodies.SMALL),
        bodies.wrong_type(["application/json"]),
        TooManyWaiting(200, 200),
        refusals.not_signed_in(),
        refusals.scope_is_missing(Scope.TRADE),
        refusals.role_is_too_small(Role.VIEWER, Role.EDITOR),
        refusals.confirm_first(),
        refusals.second_factor_required(),
    )
]
"""Examples of every status in the OpenAPI document; they are made by the code that answers, so they are true."""


def _documented(status: int) -> dict[str, Any]:
    shown = {
        problem.code: {"value": _members(problem, f"/api/v1/portfolios/{_PORTFOLIO_ID}")}
        for problem in _EXAMPLES
        if problem.status == status
    }
    content = {"application/problem+json": {"schema": ProblemView.model_json_schema(), "examples": shown}}
    return {"description": HTTPStatus(status).phrase, "content": content}


PROBLEMS: dict[int | str, dict[str, Any]] = {status: _documented(status) for status in (404, 409, 422, 503)}
"""For a router's `responses`, so that the OpenAPI document tells the truth about errors."""

FORM_PROBLEMS: dict[int | str, dict[str, Any]] = {status: _documented(status) for status in (400, 403, 421)}
"""For the application's `responses`: of every operation, since they are answered before it is looked for."""

BODY_PROBLEMS: dict[int | str, dict[str, Any]] = {status: _documented(status) for status in (408, 413, 415)}
"""For the `responses` of what may change something."""

EDIT_PROBLEMS: dict[int | str, dict[str, Any]] = {status: _documented(status) for status in (412, 428)}
"""For the `responses` of a route that takes If-Match."""

TURN_PROBLEMS: dict[int | str, dict[str, Any]] = {429: _documented(429)}
"""For the `responses` of a route whose requests wait for their turn."""

UNKNOWN_PROBLEMS: dict[int | str, dict[str, Any]] = {401: _documented(401)}
"""For the application's `responses` where everybody signs in."""

SIGN_IN_PROBLEMS: dict[int | str, dict[str, Any]] = {status: _documented(status) for status in (401, 429)}
"""For the `responses` of whatever asks for a password."""
