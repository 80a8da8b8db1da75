"""Figures of the newest release: positions with their value, values over time, correlations. Read only."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from domain.references import Document, FigureReference
from oltp_api.access.rules import Role, Scope, common, may
from oltp_api.analytics.released import AnalyticsDep
from oltp_api.analytics.schemas import (
    ClosedPositionView,
    CorrelationsView,
    CorrelationView,
    PortfolioValueView,
    PositionsView,
    ReleasedCashView,
    ReleaseView,
    ValuedPositionView,
    ValuesView,
)
from oltp_api.ownership import VisiblePortfolio
from oltp_api.web.fields import Day
from oltp_api.web.problems import PROBLEMS
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute, tags=["analytics"], responses=PROBLEMS)


@router.get("/portfolios/{portfolio_id}/positions", summary="Positions and their value at the close of a day")
@may(Scope.READ, Role.VIEWER)
def get_positions(
    portfolio_id: VisiblePortfolio,
    analytics: AnalyticsDep,
    on: Day | None = None,
    include_closed: Annotated[bool, Query(description="List in `closed` what was held before, with its gain.")] = False,
) -> PositionsView:
    release = analytics.release_of(portfolio_id)
    day = min(on or release.as_of, release.as_of) if release.as_of else on
    positions = analytics.get_positions(portfolio_id, day)
    values = analytics.get_values(portfolio_id, day, day) if day else []
    closed = analytics.get_closed(portfolio_id, day) if day and include_closed else []
    return PositionsView(
        **asdict(release),
        positions=[ValuedPositionView.model_validate(position) for position in positions],
        cash=[ReleasedCashView.model_validate(cash) for cash in analytics.get_cash(portfolio_id, day)],
        closed=[ClosedPositionView.model_validate(position) for position in closed] if include_closed else None,
        total=PortfolioValueView.model_validate(values[0]) if values else None,
    )


@router.get("/portfolios/{portfolio_id}/values", summary="Value per calendar day")
@may(Scope.READ, Role.VIEWER)
def get_values(
    portfolio_id: VisiblePortfolio,
    analytics: AnalyticsDep,
    start: Annotated[Day | None, Query(alias="from")] = None,
    end: Annotated[Day | None, Query(alias="to")] = None,
) -> ValuesView:
    values = analytics.get_values(portfolio_id, start, end)
    return ValuesView(
        **asdict(analytics.release_of(portfolio_id)),
        values=[PortfolioValueView.model_validate(value) for value in values],
        explain=str(FigureReference(Document.VALUES, portfolio_id, analytics.head().release_id)),
    )


@router.get("/portfolios/{portfolio_id}/correlations", summary="The least and the most correlated of what is held")
@may(Scope.READ, Role.VIEWER)
def get_correlations(portfolio_id: VisiblePortfolio, analytics: AnalyticsDep) -> CorrelationsView:
    tickers = [position.ticker for position in analytics.get_positions(portfolio_id)]
    extremes = [
        CorrelationView(ticker_a=ticker_a, ticker_b=ticker_b, correlation=correlation)
        for ticker_a, ticker_b, correlation in analytics.get_correlation_extremes(tickers)
    ]
    return CorrelationsView(**asdict(analytics.release_of(portfolio_id)), extremes=extremes)


@router.get("/releases/latest", summary="The release that answers come from")
@common(Scope.READ)
def get_latest_release(analytics: AnalyticsDep) -> ReleaseView:
    return ReleaseView(**asdict(analytics.release()))
