"""Return and risk of a portfolio against a benchmark: beta, alpha, tracking error, information ratio.

Both series are daily simple returns on the same calendar, in the same currency, the benchmark a total return: that is
the caller's to see to (RULEBOOK 9). A day with NaN in either series is no observation and is dropped from both. Lengths
that differ are a ValueError. 252 trading days make a year.
"""

import numpy as np

from domain.analytics.arrays import Float64
from domain.analytics.risk.ratios import TRADING_DAYS, moves, sharpe, volatility_annual


def beta(excess_returns: Float64, excess_benchmark: Float64) -> float | None:
    """Covariance of the two series (n,) over the benchmark's variance, both with ddof 1.

    Both series are less the day's risk-free return; a constant rate changes nothing. None below two common
    observations, or when the benchmark does not move. Source: Sharpe (1964), "Capital Asset Prices"; RULEBOOK 9.
    """
    mine, market = _common(excess_returns, excess_benchmark)
    if not moves(market):
        return None
    centred = market - market.mean()
    return float(centred @ (mine - mine.mean()) / (centred @ centred))


def alpha_annual(excess_returns: Float64, excess_benchmark: Float64) -> float | None:
    """Jensen's alpha: 252 x (mean excess return - beta x mean excess benchmark), a fraction per year.

    Arithmetic: the intercept of the regression times 252, not compounded. None where `beta` is.
    Source: Jensen (1968), "The Performance of Mutual Funds in the Period 1945-1964"; RULEBOOK 9.
    """
    slope = beta(excess_returns, excess_benchmark)
    if slope is None:
        return None
    mine, market = _common(excess_returns, excess_benchmark)
    return float((mine.mean() - slope * market.mean()) * TRADING_DAYS)


def active_return_annual(returns: Float64, benchmark: Float64) -> float | None:
    """Mean daily return (n,) less the benchmark's, x 252. None without a common observation. Source: RULEBOOK 9."""
    active = np.subtract(*_common(returns, benchmark))
    return float(active.mean() * TRADING_DAYS) if len(active) else None


def tracking_error_annual(returns: Float64, benchmark: Float64) -> float | None:
    """Sample standard deviation (ddof 1) of the daily returns (n,) less the benchmark's, x sqrt(252).

    None below two common observations; 0 against itself.
    Source: Grinold and Kahn (2000), "Active Portfolio Management", chapter 3; RULEBOOK 9.
    """
    return volatility_annual(np.subtract(*_common(returns, benchmark)))


def information_ratio(returns: Float64, benchmark: Float64) -> float | None:
    """`active_return_annual` over `tracking_error_annual`: the Sharpe ratio of the active returns.

    None below two common observations, or when the active return is the same every day.
    Source: Goodwin (1998), "The Information Ratio"; RULEBOOK 9.
    """
    return sharpe(np.subtract(*_common(returns, benchmark)))


def _common(returns: Float64, benchmark: Float64) -> tuple[Float64, Float64]:
    """The days observed in both."""
    if returns.shape != benchmark.shape:
        raise ValueError(f"benchmark has shape {benchmark.shape}, returns {returns.shape}")
    observed = ~(np.isnan(returns) | np.isnan(benchmark))
    return returns[observed], benchmark[observed]
