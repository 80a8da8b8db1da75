"""What people look at: return, risk, concentration. Computed for the day and the release that were asked for."""

from dataclasses import asdict
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from domain.analytics.review import Reviewed
from oltp_api.dependencies import KnownDep, SeenPortfolio, UserDep, WorldDep
from oltp_api.errors import PROBLEMS
from oltp_api.fields import Day
from oltp_api.handlers.review import (
    benchmark_view,
    concentration_body,
    curve_view,
    holding_views,
    performance_numbers,
    period_views,
    risk_body,
)
from oltp_api.schemas.portfolios import PortfolioValueView, ReleasedCashView
from oltp_api.schemas.review import ConcentrationView, PerformanceView, ReviewView, RiskView

router = APIRouter(tags=["analytics"], responses=PROBLEMS)

AsOf = Annotated[Day | None, Query(description="The last day of it all; by default the release's.")]


def review_inputs(
    portfolio: SeenPortfolio, analytics: KnownDep, world: WorldDep, as_of: AsOf = None
) -> Reviewed | None:
    """What the measures are made from; None if the release has no day of the portfolio."""
    return analytics.get_reviewed(portfolio.portfolio_id, portfolio.base_currency, world.benchmark, as_of)


ReviewedDep = Annotated[Reviewed | None, Depends(review_inputs)]


@router.get("/portfolios/{portfolio_id}/performance", summary="Return over ten periods, beside the benchmark's")
def get_performance(portfolio: SeenPortfolio, analytics: KnownDep, of: ReviewedDep) -> PerformanceView:
    return PerformanceView(
        **asdict(analytics.release()),
        currency=portfolio.base_currency,
        benchmark=benchmark_view(of),
        performance=performance_numbers(of) if of else None,
        periods=period_views(of),
    )


@router.get("/portfolios/{portfolio_id}/risk", summary="Risk as it was, and of what is held now")
def get_risk(analytics: KnownDep, of: ReviewedDep) -> RiskView:
    return RiskView(**asdict(analytics.release()), risk=risk_body(of) if of else None)


@router.get(
    "/portfolios/{portfolio_id}/concentration", summary="How much is in one place, and whether that is too much"
)
def get_concentration(analytics: KnownDep, of: ReviewedDep) -> ConcentrationView:
    return ConcentrationView(**asdict(analytics.release()), concentration=concentration_body(of) if of else None)


@router.get("/portfolios/{portfolio_id}/review", summary="Value, return, risk and concentration in one document")
def get_review(
    portfolio: SeenPortfolio, analytics: KnownDep, of: ReviewedDep, world: WorldDep, user_id: UserDep
) -> ReviewView:
    day: date | None = of.series.as_of if of else None
    values = analytics.get_values(portfolio.portfolio_id, day, day) if day else []
    standing = world.transact(lambda work: work.reads.standing_simulation(user_id, portfolio.portfolio_id))
    return ReviewView(
        **asdict(analytics.release()),
        portfolio=portfolio,
        day=day,
        total=PortfolioValueView.model_validate(values[0]) if values else None,
        holdings=holding_views(of) if of else [],
        cash=[ReleasedCashView.model_validate(cash) for cash in analytics.get_cash(portfolio.portfolio_id, day)]
        if day
        else [],
        benchmark=benchmark_view(of),
        periods=period_views(of),
        risk=risk_body(of) if of else None,
        concentration=concentration_body(of) if of else None,
        curve=curve_view(of) if of else None,
        fan=analytics.get_simulation_fan(standing) or None if standing else None,
    )
