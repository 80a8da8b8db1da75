"""Many rows at once: batches of transactions, and imports of brokers' files."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from domain.errors import InvalidInput
from oltp_api.access.rules import Role, Scope, may
from oltp_api.context import ContextDep, UserDep
from oltp_api.imports import handlers
from oltp_api.imports.repository import IN_REPORT, Imports
from oltp_api.imports.schemas import (
    A_FILE,
    BatchRequest,
    BatchView,
    ImportPage,
    ImportQuery,
    ImportRequest,
    ImportUndone,
    ImportView,
)
from oltp_api.ownership import VisiblePortfolio
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.web.bodies import costly, parse_json, takes
from oltp_api.web.idempotency import Answer, IdempotentDep, NoBody, response_of
from oltp_api.web.pages import LimitQuery
from oltp_api.web.problems import PROBLEMS
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute, tags=["imports"], responses=PROBLEMS)

_MOST_BYTES = 5_000_000
_MOST_FILE_BYTES = 30_000_000


async def sent_file(request: Request) -> bytes:
    return await request.body()


SentFile = Annotated[bytes, Depends(sent_file)]


@dataclass(frozen=True, slots=True)
class SentImport:
    """A file as it was sent, and how to read it."""

    asked: ImportRequest
    file: bytes


def import_request(request: Request, file: SentFile, options: Annotated[ImportQuery, Query()]) -> SentImport:
    """A JSON body with the text of a file, or the file itself, with options in the query string that are not in the
    body."""
    given = options.given()
    try:
        if request.headers.get("content-type", "").startswith("application/json") and "csv" in (
            body := parse_json(file)
        ):
            sent = ImportRequest.model_validate(body)
            for name in given.keys() & sent.model_fields_set:
                raise InvalidInput(name, "is in the body and in the query string; send it once")
            asked = ImportRequest.model_validate({**sent.model_dump(exclude_unset=True), **given})
            file = asked.csv.encode()
            return SentImport(asked.model_copy(update={"csv": _digest(file)}), file)
        return SentImport(ImportRequest.model_validate({"csv": _digest(file), **given}), file)
    except ValidationError as error:
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in error.errors()]) from error


def _digest(file: bytes) -> str:
    """All by which an Idempotency-Key knows the file: its text would be in memory as long as it is read."""
    return hashlib.sha256(file).hexdigest()


_OTHER_FILES = (
    "application/octet-stream",
    "application/vnd.apache.parquet",
    "application/vnd.intu.qfx",
    "application/x-ofx",
    "application/xml",
    "text/xml",
)
_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": {"type": "string"}, "example": A_FILE},
            "application/json": {"schema": ImportRequest.model_json_schema()},
            **{name: {"schema": {"type": "string", "format": "binary"}, "example": "..."} for name in _OTHER_FILES},
        },
    }
}


@router.post(
    "/portfolios/{portfolio_id}/transactions/bulk",
    status_code=201,
    response_model=BatchView,
    summary="Record up to 10,000 transactions at once",
)
@takes(_MOST_BYTES)
@may(Scope.IMPORT, Role.EDITOR)
def record_batch(portfolio_id: UUID, body: Annotated[BatchRequest, Body()], idempotent: IdempotentDep) -> Response:
    """All of them or none, or with mode `partial` those that are not refused. A transaction whose external_id is
    recorded already is a DUPLICATE and has no effect."""
    return idempotent.commit(body, 201, lambda work: handlers.record_all(body, idempotent.user_id, portfolio_id, work))


@router.post(
    "/portfolios/{portfolio_id}/imports",
    status_code=201,
    response_model=ImportView,
    summary="Import a broker's CSV; the same file again changes nothing",
    openapi_extra=_FILE,
)
@costly(_MOST_FILE_BYTES)
@may(Scope.IMPORT, Role.EDITOR)
def import_file(
    portfolio_id: UUID, sent: Annotated[SentImport, Depends(import_request)], idempotent: IdempotentDep
) -> Response:
    """Rows are recorded in order of their dates; of one day, in the order of the file. Rows that are refused are in the
    report with their line and column, and the others are recorded: `status` says which of it was. An Idempotency-Key
    answers again what it answered, with `undone_at` if the import was undone since."""
    answer = idempotent.commit(
        sent.asked,
        201,
        lambda work: handlers.import_file(sent.asked, sent.file, idempotent.user_id, portfolio_id, work),
    )
    if "Idempotency-Replayed" not in answer.headers:
        return answer
    return _with_undone(answer, idempotent.context.transact(lambda work: _undone_at(answer, idempotent.user_id, work)))


@router.post("/imports/{import_id}/undo", response_model=ImportUndone, summary="Take back what an import recorded")
@may(Scope.IMPORT, Role.EDITOR)
def undo_import(import_id: UUID, idempotent: IdempotentDep) -> Response:
    """All that still stands of it is reversed, or nothing: a later row that would be left short is named. Its rows can
    then be sent again; one that was reversed alone stays known."""
    return idempotent.commit(NoBody(), 200, lambda work: handlers.undo_import(idempotent.user_id, import_id, work))


@router.get("/portfolios/{portfolio_id}/imports", summary="Imports of a portfolio, oldest first")
@may(Scope.READ, Role.VIEWER)
def list_imports(
    portfolio_id: VisiblePortfolio,
    context: ContextDep,
    user_id: UserDep,
    limit: LimitQuery = 100,
    cursor: UUID | None = None,
) -> ImportPage:
    page = context.transact(lambda work: Imports(work).page(user_id, portfolio_id, limit, cursor))
    return ImportPage.model_validate(page)


@router.get("/imports/{import_id}", summary="An import and what became of every row")
@may(Scope.READ, Role.VIEWER)
def get_import(import_id: UUID, context: ContextDep, user_id: UserDep) -> ImportView:
    found = context.transact(lambda work: Imports(work).one(user_id, import_id))
    report = found.pop("report")
    told = {name: report[name] for name in IN_REPORT if name in report}
    return ImportView(**found, dry_run=False, report=report["rows"], **told)


def _undone_at(answer: Response, user_id: UUID, work: UnitOfWork) -> datetime | None:
    import_id = UUID(json.loads(bytes(answer.body))["import_id"])
    undone_at: datetime | None = Imports(work).one(user_id, import_id)["undone_at"]
    return undone_at


def _with_undone(answer: Response, undone_at: datetime | None) -> Response:
    """The answer that was given, with when the import was undone."""
    if undone_at is None:
        return answer
    body = {**json.loads(bytes(answer.body)), "undone_at": undone_at.isoformat().replace("+00:00", "Z")}
    return response_of(Answer(answer.status_code, json.dumps(body).encode(), is_replayed=True))
