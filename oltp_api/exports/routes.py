"""All of it out again: a portfolio's ledger in a form of choice."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from oltp_api.access.rules import Role, Scope, may
from oltp_api.context import ContextDep, UserDep
from oltp_api.exports import archive, handlers
from oltp_api.exports.handlers import FORMATS, FormatName
from oltp_api.exports.streams import ExportTurns
from oltp_api.ownership import VisiblePortfolio
from oltp_api.web.problems import PROBLEMS
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute, tags=["exports"], responses=PROBLEMS)


async def turns_of(request: Request) -> ExportTurns:
    found: ExportTurns = request.app.state.export_turns
    return found


TurnsDep = Annotated[ExportTurns, Depends(turns_of)]
_FORMS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file, of one instant, sent while it is made.",
        "content": {form.media_type: {"example": form.example} for form in FORMATS.values()},
    }
}


@router.get(
    "/portfolios/{portfolio_id}/export",
    response_class=Response,
    responses=_FORMS,
    summary="The whole ledger as a file, ours or another program's",
)
@may(Scope.READ, Role.VIEWER)
async def export_portfolio(
    portfolio_id: VisiblePortfolio,
    context: ContextDep,
    turns: TurnsDep,
    format: Annotated[FormatName, Query(description="csv, json and parquet are complete, and come in again.")] = "csv",
) -> Response:
    """A form of another program says in itself what it has no words for."""
    form = FORMATS[format]
    name = f"lakefolio-{portfolio_id}.{form.extension}"
    headers: dict[str, str] = {}
    pieces = handlers.exported(context.pool, portfolio_id, form, headers)
    return await turns.stream(pieces, form.media_type, name, headers)


@router.get(
    "/export",
    response_class=Response,
    responses={
        200: {
            "description": "A zip file: ledgers, portfolios, accounts, securities and a manifest.",
            "content": {"application/zip": {"example": "PK..."}},
        }
    },
    summary="All that you have as one archive",
)
@may(Scope.READ)
async def export_all(request: Request, context: ContextDep, user_id: UserDep, turns: TurnsDep) -> Response:
    """`manifest.json` has the rows, the last seq and the SHA-256 of each file; all of them are of one instant."""
    pieces = archive.archived(context.pool, user_id, request.app.version)
    return await turns.stream(pieces, "application/zip", "lakefolio.zip", {})
