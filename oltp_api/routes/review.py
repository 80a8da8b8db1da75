"""What people look at: return, risk, concentration. Computed for the day and the release that were asked for."""

from dataclasses import asdict
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from domain.analytics.periods import Period, performance
from domain.analytics.risk import max_drawdown, sharpe, volatility_annual
from domain.analytics.series import PortfolioSeries
from oltp_api.dependencies import KnownDep, SeenPortfolio, WorldDep
from oltp_api.errors import PROBLEMS
from oltp_api.fields import Day
from oltp_api.schemas.review import BenchmarkView, PerformanceNumbers, PerformanceView, PeriodView

router = APIRouter(tags=["analytics"], responses=PROBLEMS)

AsOf = Annotated[Day | None, Query(description="The last day of it all; by default the release's.")]


@router.get("/portfolios/{portfolio_id}/performance", summary="Return over ten periods, beside the benchmark's")
def get_performance(
    portfolio: SeenPortfolio, analytics: KnownDep, world: WorldDep, as_of: AsOf = None
) -> PerformanceView:
    series = analytics.get_series(portfolio.portfolio_id, as_of)
    benchmark = analytics.get_benchmark(world.benchmark, portfolio.base_currency)
    return PerformanceView(
        **asdict(analytics.release()),
        currency=portfolio.base_currency,
        benchmark=BenchmarkView.model_validate(benchmark) if benchmark else None,
        performance=_numbers(series) if series else None,
        periods=[PeriodView.model_validate(one) for one in performance(series, benchmark)] if series else [],
    )


def _numbers(series: PortfolioSeries) -> PerformanceNumbers:
    """Since the first transaction."""
    whole = next(one for one in performance(series) if one.period is Period.SINCE_INCEPTION)
    _, returns = series.session_returns()
    free = series.risk_free[series.is_session][1:]
    fall = max_drawdown(series.index)

    def day(position: int | None) -> date | None:
        return series.day(position) if fall.depth and position is not None else None

    measured = {
        **{name: getattr(whole, name) for name in ("net_contributions", "twr", "twr_annual", "xirr", "xirr_status")},
        "as_of": whole.as_of,
        "first_date": whole.start,
        "total_value": whole.end_value,
        "volatility_annual": volatility_annual(returns),
        "sharpe": sharpe(returns - free),
        "max_drawdown": -fall.depth,
        "max_drawdown_peak": day(fall.peak),
        "max_drawdown_trough": day(fall.trough),
        "max_drawdown_recovery": day(fall.recovery),
    }
    return PerformanceNumbers.model_validate(measured)
