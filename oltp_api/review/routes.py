"""Return, risk and concentration of a portfolio, computed for the day and the release that were asked for."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse

from domain.analytics.returns.periods import Period
from oltp_api.access.rules import Role, Scope, may
from oltp_api.analytics.released import KnownDep
from oltp_api.business_dates import end_of_day_utc
from oltp_api.context import ContextDep, UserDep
from oltp_api.ownership import VisiblePortfolio
from oltp_api.portfolios.seen import SeenPortfolio
from oltp_api.review.handlers import Beside, Review, ReviewBodies, ReviewCache, review_of
from oltp_api.review.page.review import page_policy, review_page
from oltp_api.review.schemas import (
    ConcentrationView,
    HoldingsPerformanceView,
    PerformanceView,
    RestatementView,
    ReviewView,
    RiskView,
)
from oltp_api.web.bodies import costly
from oltp_api.web.fields import Day, Moment
from oltp_api.web.places import places
from oltp_api.web.problems import PROBLEMS
from oltp_api.web.routing import BoundedRoute
from storage.web.guard import NO_FRAMES

router = APIRouter(route_class=BoundedRoute, tags=["analytics"], responses=PROBLEMS)

AsOf = Annotated[Day | None, Query(description="The last day of it all; by default the release's.")]


async def review_cache(request: Request) -> ReviewCache:
    found: ReviewCache = request.app.state.review_cache
    return found


CacheDep = Annotated[ReviewCache, Depends(review_cache)]


def review_bodies(
    portfolio: SeenPortfolio, analytics: KnownDep, context: ContextDep, cache: CacheDep, as_of: AsOf = None
) -> ReviewBodies | None:
    """Return the measures of the portfolio; None if the release has no day of it."""
    return cache.bodies(analytics, portfolio, portfolio.benchmark or context.benchmark, as_of)


BodiesDep = Annotated[ReviewBodies | None, Depends(review_bodies)]


@router.get("/portfolios/{portfolio_id}/performance", summary="Return over ten periods, beside the benchmark's")
@costly()
@may(Scope.READ, Role.VIEWER)
def get_performance(portfolio: SeenPortfolio, analytics: KnownDep, found: BodiesDep) -> PerformanceView:
    return PerformanceView(
        **asdict(analytics.release_of(portfolio.portfolio_id)),
        currency=portfolio.base_currency,
        benchmark=found.benchmark if found else None,
        performance=found.performance if found else None,
        periods=found.periods if found else [],
        contributions=found.contributions if found else [],
    )


@router.get(
    "/portfolios/{portfolio_id}/performance/holdings",
    summary="Return of every account and position, and what each added",
)
@costly()
@may(Scope.READ, Role.VIEWER)
def get_holdings_performance(
    portfolio: SeenPortfolio,
    analytics: KnownDep,
    found: BodiesDep,
    period: Annotated[Period, Query(description="The period that ends with the day.")] = Period.YEAR,
) -> HoldingsPerformanceView:
    held = found.holdings_performance if found else []
    return HoldingsPerformanceView(
        **asdict(analytics.release_of(portfolio.portfolio_id)),
        currency=portfolio.base_currency,
        holdings=[one for one in held if one.period == period],
    )


@router.get("/portfolios/{portfolio_id}/risk", summary="Risk as it was, and of what is held now")
@costly()
@may(Scope.READ, Role.VIEWER)
def get_risk(portfolio: SeenPortfolio, analytics: KnownDep, found: BodiesDep) -> RiskView:
    return RiskView(**asdict(analytics.release_of(portfolio.portfolio_id)), risk=found.risk if found else None)


@router.get(
    "/portfolios/{portfolio_id}/concentration", summary="How much is in one place, and whether that is too much"
)
@costly()
@may(Scope.READ, Role.VIEWER)
def get_concentration(portfolio: SeenPortfolio, analytics: KnownDep, found: BodiesDep) -> ConcentrationView:
    shown = asdict(analytics.release_of(portfolio.portfolio_id))
    return ConcentrationView(**shown, concentration=found.concentration if found else None)


def reviewed(
    portfolio: SeenPortfolio,
    analytics: KnownDep,
    found: BodiesDep,
    context: ContextDep,
    user_id: UserDep,
    cache: CacheDep,
) -> Review:
    if found is None:
        return review_of(analytics, portfolio, None, Beside())
    release_id = analytics.head().release_id
    beside = context.transact(lambda work: cache.beside(user_id, portfolio.portfolio_id, release_id, work))
    return cache.review(analytics, portfolio, found, beside)


ReviewedDep = Annotated[Review, Depends(reviewed)]


@router.get(
    "/portfolios/{portfolio_id}/review",
    response_model=ReviewView,
    summary="Value, return, risk and concentration in one document",
)
@costly()
@may(Scope.READ, Role.VIEWER)
def get_review(review: ReviewedDep) -> Response:
    return Response(review.document, media_type="application/json")  # each part has been validated before


@router.get(
    "/portfolios/{portfolio_id}/review.html",
    response_class=HTMLResponse,
    responses={200: {"content": {"text/html": {"example": "<!doctype html><title>Retirement</title>..."}}}},
    summary="The same as one page: no script, no other host, for a phone and for paper",
)
@costly()
@may(Scope.READ, Role.VIEWER)
def get_review_page(request: Request, review: ReviewedDep) -> HTMLResponse:
    policy = f"{page_policy()}; {NO_FRAMES}"
    return HTMLResponse(review_page(review.view, places(request)), headers={"Content-Security-Policy": policy})


@router.get("/portfolios/{portfolio_id}/restatement", summary="What is told otherwise than before, and why")
@costly()
@may(Scope.READ, Role.VIEWER)
def get_restatement(
    portfolio_id: VisiblePortfolio,
    context: ContextDep,
    since: Annotated[
        Moment | Day,
        Query(
            description="What was known then is compared with what is known now: a moment, or the end of a day in UTC."
        ),
    ],
) -> RestatementView:
    """Days that the older release had and that have other figures now; and the ledger rows, prices and rates behind."""
    return RestatementView.model_validate(context.analytics.restated(portfolio_id, end_of_day_utc(since)))
