"""Many rows at once: batches of transactions, and imports of brokers' files."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from domain.errors import InvalidInput
from oltp_api.context import ContextDep, UserDep
from oltp_api.imports import handlers
from oltp_api.imports.broker_csv import decoded
from oltp_api.imports.repository import Imports
from oltp_api.imports.schemas import A_FILE, BatchRequest, BatchView, ImportPage, ImportRequest, ImportView
from oltp_api.ownership import VisiblePortfolio
from oltp_api.web.bodies import parse_json, takes
from oltp_api.web.fields import ShortText
from oltp_api.web.idempotency import IdempotentDep
from oltp_api.web.pages import LimitQuery
from oltp_api.web.problems import PROBLEMS
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute, tags=["imports"], responses=PROBLEMS)

_MOST_BYTES = 5_000_000


async def sent_file(request: Request) -> bytes:
    return await request.body()


SentFile = Annotated[bytes, Depends(sent_file)]


def import_request(
    request: Request,
    file: SentFile,
    file_name: Annotated[ShortText | None, Query()] = None,
    account: Annotated[ShortText | None, Query()] = None,
    dates: Annotated[Literal["iso", "mdy", "dmy"] | None, Query()] = None,
    register_unknown: Annotated[bool | None, Query()] = None,
    dry_run: Annotated[bool | None, Query()] = None,
) -> ImportRequest:
    """A JSON body, or the file itself, with options in the query string that are not in the body."""
    options = {
        "file_name": file_name,
        "account": account,
        "dates": dates,
        "register_unknown": register_unknown,
        "dry_run": dry_run,
    }
    given = {name: value for name, value in options.items() if value is not None}
    try:
        if request.headers.get("content-type", "").startswith("application/json"):
            sent = ImportRequest.model_validate(parse_json(file))
            for name in given.keys() & sent.model_fields_set:
                raise InvalidInput(name, "is in the body and in the query string; send it once")
            return ImportRequest.model_validate({**sent.model_dump(exclude_unset=True), **given})
        return ImportRequest.model_validate({"csv": decoded(file), **given})
    except ValidationError as error:
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in error.errors()]) from error


_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": {"type": "string"}, "example": A_FILE},
            "application/json": {"schema": ImportRequest.model_json_schema()},
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
@takes(_MOST_BYTES)
def import_file(
    portfolio_id: UUID, asked: Annotated[ImportRequest, Depends(import_request)], idempotent: IdempotentDep
) -> Response:
    """Rows are recorded in order of their dates; of one day, in the order of the file. Rows that are refused are in the
    report with their line and column, and the others are recorded: `status` says which of it was."""
    return idempotent.commit(
        asked, 201, lambda work: handlers.import_file(asked, idempotent.user_id, portfolio_id, work)
    )


@router.get("/portfolios/{portfolio_id}/imports", summary="Imports of a portfolio, oldest first")
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
def get_import(import_id: UUID, context: ContextDep, user_id: UserDep) -> ImportView:
    found = context.transact(lambda work: Imports(work).one(user_id, import_id))
    report = found.pop("report")
    return ImportView(**found, dry_run=False, report=report["rows"], ignored_columns=report["ignored_columns"])
