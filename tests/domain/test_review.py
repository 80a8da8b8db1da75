"""Measures of one portfolio, from the data that a release has of it: what is measured on which days and holdings."""

from dataclasses import replace
from decimal import Decimal
from statistics import NormalDist

import numpy as np
import pytest

from domain.analytics.returns.series import Daily, PortfolioSeries
from domain.analytics.review import Cash, ReviewInputs, ValuedHolding, realised_figures, risk_of
from domain.analytics.risk.profile import Ratio, RatioStatus

N = 300
DAYS = np.datetime64("2015-01-01") + np.arange(N)
DRAWN = np.random.default_rng(15).multivariate_normal([0.0008, 0.0003], [[2e-4, 5e-5], [5e-5, 1e-4]], N)


def a_series(returns: np.ndarray) -> PortfolioSeries:
    """100 paid in before the first of the daily returns; every day is a session."""
    value, nothing, true = 100 * np.cumprod(1 + returns), np.zeros(len(returns)), np.ones(len(returns), dtype=bool)
    inflow = nothing.copy()
    inflow[0] = 100.0
    days = DAYS[: len(returns)]
    return PortfolioSeries(days, value, inflow, nothing, nothing, returns, true, true, true, true)


def a_holding(security_id: int, value: str) -> ValuedHolding:
    ticker = f"T{security_id}"
    return ValuedHolding(security_id, ticker, ticker, "EQUITY", "USD", ticker, None, None, Decimal(1), Decimal(value))


def inputs(
    series: PortfolioSeries, returns: np.ndarray, holdings: list[ValuedHolding], cash: str = "0"
) -> ReviewInputs:
    return ReviewInputs(
        series=series,
        benchmark=None,
        risk_free=Daily(DAYS, np.full(N, 0.00005)),
        currency="USD",
        holdings=holdings,
        cash=[Cash("USD", Decimal(cash))],
        days=DAYS[: len(returns)],
        returns=np.column_stack([returns, np.zeros(len(returns))]) if returns.size else np.empty((0, 1)),
        sessions=DAYS,
        subjects=None,
        names={},
    )


def test_a_portfolio_in_euros_has_no_ratio_over_dollar_bills() -> None:
    in_dollars = inputs(a_series(DRAWN[:, 0]), DRAWN, [a_holding(1, "50"), a_holding(2, "30")])
    held = [replace(one, currency="EUR") for one in in_dollars.holdings]
    in_euros = replace(in_dollars, currency="EUR", holdings=held, risk_free=Daily(DAYS[:0], np.empty(0)))

    assert {one.sharpe_status for one in risk_of(in_dollars).profiles} == {"OK"}
    assert realised_figures(in_euros).sharpe == Ratio(None, RatioStatus.NO_RISK_FREE)
    realised = risk_of(in_euros).profiles[0]
    assert (realised.sharpe, realised.sortino, realised.alpha, realised.beta) == (None,) * 4
    assert (realised.sharpe_status, realised.sortino_status) == ("NO_RISK_FREE", "NO_RISK_FREE")
    assert realised.volatility == pytest.approx(DRAWN[1:, 0].std(ddof=1) * np.sqrt(252))


def test_cash_alone_has_no_ratio_no_backtest_and_no_signed_zero() -> None:
    found = risk_of(inputs(a_series(np.zeros(N)), np.empty((0, 0)), [], cash="100"))

    realised = found.profiles[0]
    assert (realised.sharpe_status, realised.sortino_status, found.backtest) == ("NO_VARIATION", "NO_VARIATION", None)
    assert (realised.volatility, realised.max_drawdown) == (0, 0)
    assert {tail.status for tail in realised.tails} == {"OK"}
    assert {abs(tail.var or 0) + abs(tail.es or 0) for tail in realised.tails} == {0}


def test_components_sum_to_the_risk_of_todays_weights() -> None:
    found = risk_of(inputs(a_series(DRAWN[:, 0]), DRAWN, [a_holding(1, "50"), a_holding(2, "30")], cash="20"))

    held = DRAWN @ [0.5, 0.3]
    z = NormalDist().inv_cdf(0.95)
    var = z * held.std(ddof=1) - held.mean()
    es = NormalDist().pdf(z) / 0.05 * held.std(ddof=1) - held.mean()
    assert sum(part.var or 0 for part in found.components) == pytest.approx(var, abs=1e-12)
    assert sum(part.es or 0 for part in found.components) == pytest.approx(es, abs=1e-12)
    (shown,) = [
        tail
        for tail in found.profiles[1].tails
        if (tail.method, tail.confidence, tail.horizon_days) == ("PARAMETRIC", 0.95, 1)
    ]
    assert (shown.var, shown.es) == (pytest.approx(var, abs=1e-12), pytest.approx(es, abs=1e-12))
