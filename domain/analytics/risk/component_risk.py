"""Component risk: the parts of each holding in the portfolio's VaR and ES, which sum to the whole.

By Euler's theorem a loss that grows in proportion to the holdings is the sum of weight x (its change per unit of
weight). A negative part takes risk away: a hedge. Weights (n,) are net, fractions of the portfolio's value, cash among
them or left out; they need not sum to 1. Sign, units and methods are those of value_at_risk.py.
Source for all: Tasche (1999), "Risk Contributions and Performance Measurement"; RULEBOOK 9.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from domain.analytics.arrays import Float64
from domain.analytics.returns.series import MIN_OBSERVATIONS
from domain.analytics.risk.value_at_risk import (
    Method,
    ValueAtRisk,
    check_confidence,
    normal_tail,
)

_NEGATIVE_VARIANCE = -1e-12  # of the largest that these weights and variances allow: rounding


@dataclass(frozen=True)
class ComponentRisk:
    """`total` of the portfolio and each holding's part; `var` and `es` (n,) sum to it, and are None if it has none."""

    total: ValueAtRisk
    var: Float64 | None
    es: Float64 | None


def parametric_components(
    weights: Float64,
    covariance: Float64,
    mean: Float64,
    n: int,
    confidence: float = 0.95,
    horizon_days: int = 1,
) -> ComponentRisk:
    """Parts of the parametric VaR and ES: weight x (z x (covariance @ weights) / deviation - mean).

    Parameters
    ----------
    weights : (k,) net.
    covariance : (k, k) of daily returns, symmetric and positive semi-definite.
    mean : (k,) of daily returns: taken off, as value_at_risk.py does, or the parts do not sum to its VaR. Zeros are
        a choice, and of another total.
    n : observations behind both; fewer than 60 are INSUFFICIENT.

    Raises
    ------
    ValueError
        Shapes that do not fit, a NaN or an infinity, a covariance that is not symmetric, a negative variance of these
        weights, or a confidence or horizon out of bounds.

    Notes
    -----
    Days are independent: mean x h and deviation x sqrt(h). Where nothing moves, each part is its mean's.
    """
    check_confidence(confidence)
    k = len(weights)
    if covariance.shape != (k, k) or mean.shape != (k,) or weights.shape != (k,):
        raise ValueError(f"covariance {covariance.shape} and mean {mean.shape} do not fit weights {weights.shape}")
    if not (np.isfinite(weights).all() and np.isfinite(covariance).all() and np.isfinite(mean).all()):
        raise ValueError("weights, covariance and mean must be finite")
    if not np.allclose(covariance, covariance.T, rtol=1e-9, atol=0):
        raise ValueError("covariance is not symmetric")
    if horizon_days < 1:
        raise ValueError(f"horizon_days must be at least 1, not {horizon_days}")
    variance = float(weights @ covariance @ weights)
    largest = float(np.abs(weights) @ np.sqrt(np.abs(np.diagonal(covariance)))) ** 2
    if variance < _NEGATIVE_VARIANCE * largest:
        raise ValueError(f"covariance gives these weights a variance of {variance}")
    if n < MIN_OBSERVATIONS:
        none = ValueAtRisk(None, None, confidence, horizon_days, Method.PARAMETRIC, n, "INSUFFICIENT")
        return ComponentRisk(none, None, None)
    deviation = sqrt(max(variance, 0.0) * horizon_days)
    tail = normal_tail(float(weights @ mean) * horizon_days, deviation, confidence)
    total = ValueAtRisk(tail.var, tail.es, confidence, horizon_days, Method.PARAMETRIC, n, "OK")
    standard = normal_tail(0.0, 1.0, confidence)
    from_mean = -weights * mean * horizon_days
    if not deviation:
        return ComponentRisk(total, from_mean, from_mean)
    from_moves = weights * (covariance @ weights) * horizon_days / deviation
    return ComponentRisk(total, from_mean + standard.var * from_moves, from_mean + standard.es * from_moves)
