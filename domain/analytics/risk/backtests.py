"""Kupiec's test of how often losses were beyond the value at risk."""

from dataclasses import dataclass
from math import erfc, log, sqrt
from typing import Literal

import numpy as np

from domain.analytics.arrays import Float64
from domain.analytics.returns.series import MIN_OBSERVATIONS
from domain.analytics.risk.value_at_risk import check_confidence

_REJECTED_BELOW = 0.05


@dataclass(frozen=True, slots=True)
class Backtest:
    """Kupiec's test: `exceptions` of `n` days lost more than their VaR, `expected` would have.

    `likelihood_ratio` is at least 0, `p_value` the probability of as much or more if the VaR is right. The verdict is
    at 5 %; INSUFFICIENT is fewer than 60 days, too few to tell, and has no ratio and no p value.
    """

    exceptions: int
    expected: float
    n: int
    likelihood_ratio: float | None
    p_value: float | None
    verdict: Literal["CONSISTENT", "TOO_MANY", "TOO_FEW", "INSUFFICIENT"]


def kupiec(exceptions: int, n: int, confidence: float) -> Backtest:
    """The proportion-of-failures test of a VaR at `confidence`: does 1 - confidence of the days lose more than it?

    LR = 2 ln(L(exceptions / n) / L(1 - confidence)) of the binomial likelihood L, chi-square with one degree of
    freedom: p = erfc(sqrt(LR / 2)). ValueError unless 0 <= exceptions <= n.
    Source: Kupiec (1995), "Techniques for Verifying the Accuracy of Risk Measurement Models"; RULEBOOK 9.
    """
    check_confidence(confidence)
    if not 0 <= exceptions <= n:
        raise ValueError(f"exceptions must be from 0 to {n}, not {exceptions}")
    expected = n * (1 - confidence)
    if n < MIN_OBSERVATIONS:
        return Backtest(exceptions, expected, n, None, None, "INSUFFICIENT")
    held = n - exceptions
    ratio = 2 * (_times_log(exceptions, exceptions / expected) + _times_log(held, held / (n - expected)))
    ratio = max(0.0, ratio)
    p_value = erfc(sqrt(ratio / 2))
    if p_value >= _REJECTED_BELOW:
        return Backtest(exceptions, expected, n, ratio, p_value, "CONSISTENT")
    return Backtest(exceptions, expected, n, ratio, p_value, "TOO_MANY" if exceptions > expected else "TOO_FEW")


def kupiec_of(returns: Float64, forecasts: Float64, confidence: float) -> Backtest:
    """`kupiec` of daily `returns` (n,) against the one-day VaR (n,) that was forecast for each day before it.

    An exception is a loss greater than its VaR. A day with NaN in either is no observation. ValueError when the lengths
    differ.
    """
    if returns.shape != forecasts.shape:
        raise ValueError(f"forecasts has shape {forecasts.shape}, returns {returns.shape}")
    observed = ~(np.isnan(returns) | np.isnan(forecasts))
    exceptions = np.count_nonzero(-returns[observed] > forecasts[observed])
    return kupiec(int(exceptions), int(observed.sum()), confidence)


def _times_log(count: int, ratio: float) -> float:
    return count * log(ratio) if count else 0.0
