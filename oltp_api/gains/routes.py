"""Gains of a year: what was sold, of which lots, and what was received, withheld and paid beside it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import Field

from oltp_api.access.rules import Role, Scope, may
from oltp_api.analytics.released import KnownDep
from oltp_api.context import ContextDep
from oltp_api.gains.csv_rows import csv_of
from oltp_api.gains.handlers import gains_of
from oltp_api.gains.page import gains_page
from oltp_api.gains.schemas import GainsView
from oltp_api.portfolios.seen import SeenPortfolio
from oltp_api.review.page.review import page_policy
from oltp_api.web.bodies import costly
from oltp_api.web.places import places
from oltp_api.web.problems import PROBLEMS
from oltp_api.web.routing import BoundedRoute
from storage.web.guard import NO_FRAMES

router = APIRouter(route_class=BoundedRoute, tags=["analytics"], responses=PROBLEMS)

Year = Annotated[
    Literal["all", ""] | Annotated[int, Field(ge=1970, le=9999)] | None,
    Query(description="A year, or `all`; by default the newest in which there is something."),
]


def gains(portfolio: SeenPortfolio, analytics: KnownDep, context: ContextDep, year: Year = None) -> GainsView:
    return gains_of(analytics, portfolio, year, context.clock.today(portfolio.time_zone))


GainsDep = Annotated[GainsView, Depends(gains)]


@router.get(
    "/portfolios/{portfolio_id}/gains",
    response_model=GainsView,
    responses={200: {"content": {"text/csv": {"example": "record,day,type\r\nDISPOSAL,2016-09-01,SELL\r\n"}}}},
    summary="Gains of a year, disposal by disposal, with income, taxes and fees",
)
@costly()
@may(Scope.READ, Role.VIEWER)
def get_gains(portfolio: SeenPortfolio, found: GainsDep, format: Literal["json", "csv"] = "json") -> Response:
    if format == "json":
        return Response(found.model_dump_json(), media_type="application/json")
    name = f"gains-{portfolio.portfolio_id}-{found.year or 'all'}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response("".join(csv_of(found)), media_type="text/csv", headers=headers)


@router.get(
    "/portfolios/{portfolio_id}/gains.html",
    response_class=HTMLResponse,
    responses={
        200: {"content": {"text/html": {"example": "<!doctype html><title>Retirement: gains of 2016</title>..."}}}
    },
    summary="The same as one page that prints: no script, no other host",
)
@costly()
@may(Scope.READ, Role.VIEWER)
def get_gains_page(request: Request, portfolio: SeenPortfolio, found: GainsDep) -> HTMLResponse:
    policy = f"{page_policy()}; {NO_FRAMES}"
    return HTMLResponse(gains_page(found, portfolio, places(request)), headers={"Content-Security-Policy": policy})
