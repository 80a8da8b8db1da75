"""Moments of several return series: means, covariances, and the repairs that make them usable.

`returns` is (n, k): n days, k securities, simple or log as the caller means them; moments for a simulation are of log
returns (RULEBOOK 11). Days are common: one with a NaN in any column is no observation of any. Results are per day
unless the name ends in annual; 252 trading days make a year. Fewer than 60 common days are refused with a ValueError,
as there is no number to give instead.
"""

from dataclasses import dataclass

import numpy as np

from domain.analytics.arrays import Float64
from domain.analytics.returns.series import MIN_OBSERVATIONS
from domain.analytics.risk.ratios import TRADING_DAYS, volatility_annual

WINDOW_YEARS = 10
"""Parameters are of the returns of so many years, up to the newest."""


def common_days(returns: Float64, minimum: int = MIN_OBSERVATIONS) -> Float64:
    """The rows of `returns` (n, k) without a NaN. ValueError below `minimum` of them, or for an infinity."""
    if returns.ndim != 2 or np.isinf(returns).any():
        raise ValueError("returns must be days by securities, without an infinity")
    common = returns[~np.isnan(returns).any(axis=1)]
    if len(common) < minimum:
        raise ValueError(f"{len(common)} common days are fewer than {minimum}")
    return np.asarray(common)


def covariance(returns: Float64, minimum: int = MIN_OBSERVATIONS) -> Float64:
    """Sample covariance (k, k), ddof 1. ValueError as in `common_days`, and below two days."""
    days = common_days(returns, max(2, minimum))
    moves = days - days.mean(axis=0)
    return np.asarray(moves.T @ moves / (len(days) - 1))


def drift_annual(log_returns: Float64, minimum: int = MIN_OBSERVATIONS) -> Float64:
    """Arithmetic drift m of dS/S (k,), per year: 252 x (mean log return + variance / 2), variance with ddof 1.

    A simulation that takes m takes the half variance off again, once. ValueError as in `covariance`.
    Source: RULEBOOK 11.
    """
    days = common_days(log_returns, max(2, minimum))
    return np.asarray((days.mean(axis=0) + days.var(axis=0, ddof=1) / 2) * TRADING_DAYS)


@dataclass(frozen=True, slots=True)
class HistoricalMoments:
    """Moments of `n` log returns: arithmetic drift `mu_annual`, and `volatility_annual`; or None, and the `reason`."""

    n: int
    mu_annual: float | None = None
    volatility_annual: float | None = None
    reason: str | None = None


def historical_moments(log_returns: Float64, minimum: int = MIN_OBSERVATIONS) -> HistoricalMoments:
    """Drift and volatility of one security from its daily `log_returns` (n,), in the order of days; NaN is no return.

    Below `minimum` returns there is no number, only the reason. Source: RULEBOOK 11; `drift_annual`.
    """
    observed = log_returns[~np.isnan(log_returns)]
    if len(observed) < minimum:
        return HistoricalMoments(len(observed), reason=f"{len(observed)} returns are fewer than {minimum}")
    drift = float(drift_annual(observed[:, None], minimum)[0])
    return HistoricalMoments(len(observed), drift, volatility_annual(observed))


def ewma_mean(returns: Float64, half_life_days: float, minimum: int = MIN_OBSERVATIONS) -> Float64:
    """Mean (k,) with weights 0.5^(age / half life), the last common day of age 0, normalised to sum to 1.

    A half life of infinity is the plain mean.
    ValueError as in `common_days`, or unless the half life is above 0.
    Source: J.P. Morgan and Reuters (1996), "RiskMetrics Technical Document", chapter 5.
    """
    days = common_days(returns, minimum)
    return np.asarray(_recency(len(days), half_life_days) @ days)


def ledoit_wolf(returns: Float64, minimum: int = MIN_OBSERVATIONS) -> tuple[Float64, float]:
    """Sample covariance (k, k) drawn towards its mean variance on the diagonal, and how far: from 0 to 1 (all the way).

    (1 - a) C + a trace(C) / k x I with C of ddof 1; a is the estimate of the least expected Frobenius distance to the
    true covariance. Of returns that were each divided by their standard deviation it is a correlation with a diagonal
    of 1, so that volatilities stay as measured. ValueError as in `covariance`.
    Source: Ledoit and Wolf (2004), "A Well-Conditioned Estimator for Large-Dimensional Covariance Matrices".
    """
    days = common_days(returns, max(2, minimum))
    n, k = days.shape
    moves = days - days.mean(axis=0)
    sample = moves.T @ moves / n
    size = float(np.trace(sample)) / k
    shrinkage = shrinkage_intensity(moves, sample)
    drawn = (1 - shrinkage) * sample + shrinkage * size * np.eye(k)
    return np.asarray(drawn * n / (n - 1)), shrinkage


def shrinkage_intensity(moves: Float64, sample: Float64) -> float:
    """How far to draw `sample` (k, k) towards its mean variance on the diagonal, from 0 to 1.

    `moves` (n, k) are returns less their means, `sample` their covariance with divisor n. Takes O(n k + k^2).
    Source: Ledoit and Wolf (2004), section 3.2.
    """
    n, k = moves.shape
    size = float(np.trace(sample)) / k
    spread = float(((sample - size * np.eye(k)) ** 2).sum())
    noise = float(((moves**2).sum(axis=1) ** 2).sum() / n - (sample**2).sum()) / n
    return min(1.0, max(0.0, noise / spread)) if spread > 0 else 0.0


def _recency(n: int, half_life_days: float) -> Float64:
    if not half_life_days > 0:
        raise ValueError(f"half_life_days must be above 0, not {half_life_days}")
    weights = 0.5 ** (np.arange(n - 1, -1, -1) / half_life_days)
    return np.asarray(weights / weights.sum())
