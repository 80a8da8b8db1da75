"""The measures of a portfolio as the bodies of answers."""

from dataclasses import asdict
from datetime import date

import numpy as np

from domain.analytics.periods import Period, performance
from domain.analytics.review import Reviewed, concentration_of, curve_of, risk_of, weights_in
from domain.analytics.risk import max_drawdown, sharpe, volatility_annual
from oltp_api.schemas.review import (
    BenchmarkView,
    ConcentrationBody,
    CurveView,
    DimensionView,
    HoldingView,
    LimitView,
    PerformanceNumbers,
    PeriodView,
    RiskBody,
)


def benchmark_view(of: Reviewed | None) -> BenchmarkView | None:
    return BenchmarkView.model_validate(of.benchmark) if of and of.benchmark else None


def period_views(of: Reviewed | None) -> list[PeriodView]:
    return [PeriodView.model_validate(one) for one in performance(of.series, of.benchmark)] if of else []


def performance_numbers(of: Reviewed) -> PerformanceNumbers:
    """Since the first transaction."""
    whole = next(one for one in performance(of.series) if one.period is Period.SINCE_INCEPTION)
    days, returns = of.series.session_returns()
    fall = max_drawdown(of.series.index)

    def day(position: int | None) -> date | None:
        return of.series.day(position) if fall.depth and position is not None else None

    measured = {
        **{name: getattr(whole, name) for name in ("net_contributions", "twr", "twr_annual", "xirr", "xirr_status")},
        "as_of": whole.as_of,
        "first_date": whole.start,
        "total_value": whole.end_value,
        "volatility_annual": volatility_annual(returns),
        "sharpe": sharpe(returns - of.risk_free.on(days)),
        "max_drawdown": -fall.depth,
        "max_drawdown_peak": day(fall.peak),
        "max_drawdown_trough": day(fall.trough),
        "max_drawdown_recovery": day(fall.recovery),
    }
    return PerformanceNumbers.model_validate(measured)


def risk_body(of: Reviewed) -> RiskBody:
    return RiskBody.model_validate(risk_of(of))


def concentration_body(of: Reviewed) -> ConcentrationBody:
    found = concentration_of(of)
    dimensions = [{**asdict(one.whole), "dimension": one.dimension, "groups": one.groups} for one in found.dimensions]
    limits = [
        {**asdict(check.limit), "label": check.label, "value": check.value, "state": check.state}
        for check in found.limits
    ]
    return ConcentrationBody(
        dimensions=[DimensionView.model_validate(dimension) for dimension in dimensions],
        limits=[LimitView.model_validate(limit) for limit in limits],
        left_out=found.left_out,
    )


def holding_views(of: Reviewed) -> list[HoldingView]:
    """The largest first."""
    weights = weights_in(of)
    return [
        HoldingView.model_validate({**asdict(holding), "weight": weights.get(holding.security_id)})
        for holding in of.holdings
    ]


def curve_view(of: Reviewed) -> CurveView:
    found = curve_of(of)
    columns = {name: getattr(found, name).tolist() for name in ("value", "contributed", "index", "drawdown")}
    known = [None if np.isnan(level) else float(level) for level in found.benchmark]
    return CurveView(**columns, days=found.days, benchmark=known)
