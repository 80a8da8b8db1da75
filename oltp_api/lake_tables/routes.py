"""Tables of a release as Arrow: all rows of the registry and the market, and of portfolios those that one sees."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from application.analytics.review import LakeAnalyticsRepository
from domain.limits import MOST_ID
from oltp_api.access.rules import Scope, may
from oltp_api.analytics.released import pinned_analytics
from oltp_api.context import ContextDep, UserDep
from oltp_api.exports.routes import TurnsDep
from oltp_api.lake_tables import handlers
from oltp_api.lake_tables.schemas import LakeTablesView, LakeTableView
from oltp_api.web.fields import ShortText
from oltp_api.web.problems import PROBLEMS
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute, prefix="/lake-tables", tags=["analytics"], responses=PROBLEMS)
_ARROW = "application/vnd.apache.arrow.stream"
_MOST_ROWS = "A table has millions of rows at most; they are sent while they are read."


def asked_release(
    context: ContextDep,
    release_id: Annotated[
        int | None, Query(ge=1, le=MOST_ID, description="By default the newest; tables of one belong together.")
    ] = None,
) -> LakeAnalyticsRepository:
    return pinned_analytics(context) if release_id is None else context.analytics.numbered(release_id)


ReleaseDep = Annotated[LakeAnalyticsRepository, Depends(asked_release)]


@router.get("", summary="The tables of a release that are served")
@may(Scope.READ)
def list_tables(analytics: ReleaseDep) -> LakeTablesView:
    tables = [LakeTableView(name=name, version=version) for name, version in handlers.tables_of(analytics).items()]
    return LakeTablesView(**asdict(analytics.release()), tables=tables)


@router.get(
    "/{schema}/{table}",
    response_class=Response,
    responses={200: {"description": _MOST_ROWS, "content": {_ARROW: {"example": "..."}}}},
    summary="A table as an Arrow stream, with the rows that one sees",
)
@may(Scope.READ)
async def read_table(
    schema: ShortText, table: ShortText, analytics: ReleaseDep, context: ContextDep, user_id: UserDep, turns: TurnsDep
) -> Response:
    pieces = handlers.streamed(context, analytics, user_id, f"{schema}/{table}")
    return await turns.stream(pieces, _ARROW, f"{table}.arrows", {})
