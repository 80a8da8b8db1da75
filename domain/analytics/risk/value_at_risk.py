"""Value at risk and expected shortfall: the loss passed with a probability of 1 - confidence, and the mean loss then.

Losses are positive fractions of the value, so a negative number is a gain even then. Here: three estimates from one
return series. Not here: whose loss it is (component_risk.py), whether the estimate held (backtests.py), and the loss of
simulated paths (simulation.py). Which series is asked about names the number: daily returns of today's weights over
history, and the portfolio's realised returns, are two different ones (RULEBOOK 9).
"""

from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from domain.analytics.arrays import Float64
from domain.analytics.returns.series import MIN_OBSERVATIONS

_NORMAL = NormalDist()
_ROUNDING = 1e-14  # of a growth near 1, less 1
_FAR = -8.3  # a standard normal is beyond it with a probability of 5e-17: nothing in a double


class Method(StrEnum):
    """How a loss is estimated from returns; each is described at its function below."""

    HISTORICAL = "HISTORICAL"
    PARAMETRIC = "PARAMETRIC"
    CORNISH_FISHER = "CORNISH_FISHER"


@dataclass(frozen=True, slots=True)
class Tail:
    """`var` and `es`: positive losses, es >= var."""

    var: float
    es: float


@dataclass(frozen=True, slots=True)
class ValueAtRisk:
    """`var` and `es` are positive losses, fractions of the value, es >= var; None unless `status` is OK.

    `n` counts the observations: returns, or overlapping windows of `horizon_days` for HISTORICAL. INSUFFICIENT is
    fewer than 60. NOT_MONOTONE is a Cornish-Fisher expansion that does not describe the tail.
    """

    var: float | None
    es: float | None
    confidence: float
    horizon_days: int
    method: Method
    n: int
    status: Literal["OK", "INSUFFICIENT", "NOT_MONOTONE"]


def value_at_risk(
    returns: Float64, confidence: float = 0.95, horizon_days: int = 1, method: Method = Method.HISTORICAL
) -> ValueAtRisk:
    """VaR and ES of daily simple `returns` over `horizon_days`.

    Parameters
    ----------
    returns : (n,) in order of their days; NaN (a break) is no observation.
    confidence : within (0, 1), 0.99 for the loss passed on one day in a hundred.
    horizon_days : trading days, at least 1.

    Raises
    ------
    ValueError
        `confidence` or `horizon_days` out of bounds, or an infinite return.

    Notes
    -----
    Horizon. HISTORICAL compounds every overlapping window of `horizon_days` returns without a break, which keeps what
    the returns of near days have to do with each other; sqrt(h) would assume they have nothing, and that the tails of
    ten days are as fat as those of one. Windows share days, so n of them say less than n returns. PARAMETRIC and
    CORNISH_FISHER assume independent days and scale the moments of their sum: mean x h, standard deviation x sqrt(h),
    skewness / sqrt(h), excess kurtosis / h.
    Standard deviation has ddof 1; skewness and kurtosis are the moments m3 / m2^1.5 and m4 / m2^2 - 3 (ddof 0).
    Source: RULEBOOK 9; Jorion (2007), "Value at Risk".
    """
    if horizon_days < 1:
        raise ValueError(f"horizon_days must be at least 1, not {horizon_days}")
    check_confidence(confidence)
    observed = horizon_returns(returns, horizon_days if method is Method.HISTORICAL else 1)
    n = len(observed)
    if n < MIN_OBSERVATIONS:
        return ValueAtRisk(None, None, confidence, horizon_days, method, n, "INSUFFICIENT")
    if method is Method.HISTORICAL:
        tail: Tail | None = historical_tail(-observed, confidence)
    else:
        mean, deviation = observed.mean() * horizon_days, observed.std(ddof=1) * sqrt(horizon_days)
        if method is Method.PARAMETRIC:
            tail = normal_tail(mean, deviation, confidence)
        else:
            skewness, kurtosis = skew_and_excess_kurtosis(observed)
            skewness, kurtosis = skewness / sqrt(horizon_days), kurtosis / horizon_days
            tail = cornish_fisher_tail(mean, deviation, skewness, kurtosis, confidence)
    if tail is None:
        return ValueAtRisk(None, None, confidence, horizon_days, method, n, "NOT_MONOTONE")
    return ValueAtRisk(tail.var, tail.es, confidence, horizon_days, method, n, "OK")


def horizon_returns(returns: Float64, horizon_days: int) -> Float64:
    """Compound simple returns of every window of `horizon_days` consecutive days, (n - h + 1, ...) from (n, ...).

    Windows overlap and go along the first axis. A window with a NaN is left out, in every column of the days it has,
    as it is not a return over the horizon. ValueError for an infinity.
    """
    if np.isinf(returns).any():
        raise ValueError("returns must not be infinite")
    if horizon_days == 1:
        compound = returns
    elif len(returns) < horizon_days:
        compound = returns[:0]
    else:
        windows = np.lib.stride_tricks.sliding_window_view(1 + returns, horizon_days, axis=0)
        compound = windows.prod(axis=-1) - 1
    complete = ~np.isnan(compound.reshape(len(compound), -1)).any(axis=1) if len(compound) else slice(None)
    return np.asarray(compound[complete])


def historical_tail(losses: Float64, confidence: float) -> Tail:
    """VaR is the quantile of `losses` (n,) by linear interpolation (type 7), ES the mean of losses at or beyond it.

    ValueError without losses, or with a NaN. Source: Hyndman and Fan (1996), "Sample Quantiles"; RULEBOOK 9.
    """
    var = float(historical_vars(losses[None], confidence)[0])
    return Tail(var, max(var, float(losses[at_or_beyond(losses, var)].mean())))  # a mean of equals can round below them


def historical_vars(losses: Float64, confidence: float) -> Float64:
    """The VaR (m,) of each of m samples of losses (m, n), as `historical_tail` has it; errors and source as there."""
    check_confidence(confidence)
    if not losses.shape[-1] or np.isnan(losses).any():
        raise ValueError("losses must not be empty, nor have a NaN")
    return np.asarray(np.quantile(losses, confidence, axis=-1))


def at_or_beyond(losses: Float64, var: float) -> NDArray[np.bool_]:
    """Mark the `losses` (n,) that are at least `var`, where 1e-12 of the largest loss is rounding of the quantile."""
    return np.asarray(losses >= var - 1e-12 * np.abs(losses).max())


def normal_tail(mean: float, deviation: float, confidence: float) -> Tail:
    """Return VaR = z s - m and ES = s phi(z) / (1 - confidence) - m of a normal return; z is the confidence's quantile.

    ValueError for a negative `deviation`. Source: McNeil, Frey and Embrechts (2015), "Quantitative Risk Management",
    chapter 2.
    """
    tail = cornish_fisher_tail(mean, deviation, 0.0, 0.0, confidence)
    assert tail is not None, "the normal quantile rises everywhere"
    return tail


def cornish_fisher_tail(
    mean: float, deviation: float, skewness: float, excess_kurtosis: float, confidence: float
) -> Tail | None:
    """Return VaR by the Cornish-Fisher quantile for these moments, and ES as that quantile's mean over the tail.

    With z the normal quantile of 1 - confidence, S skewness and K excess kurtosis, the quantile is mean + deviation x
    q(z), q(z) = z + (z^2 - 1) S / 6 + (z^3 - 3 z) K / 24 - (2 z^3 - 5 z) S^2 / 36. Its mean below z is in closed form
    -phi(z) / (1 - confidence) x (1 + z S / 6 + (z^2 - 1) K / 24 - (2 z^2 - 1) S^2 / 36).

    None where q falls somewhere below z (checked to -8.3): it then orders the worst losses wrongly, and the mean beyond
    the VaR could lie below it. A q that falls above z only, in the middle, is kept, as is the custom.
    ValueError for a negative `deviation` or a number that is not finite.
    Source: Favre and Galeano (2002), "Mean-Modified Value-at-Risk Optimization with Hedge Funds", for the quantile;
    Maillard (2012), "A User's Guide to the Cornish Fisher Expansion", for where it rises. S and K are parameters there,
    near the moments only while both are small; the custom of taking the moments for them is kept. ES is the integral
    of that quantile; Boudt, Peterson and Croux (2008) take it from an Edgeworth density instead: another number.
    """
    check_confidence(confidence)
    if deviation < 0 or not np.isfinite([mean, deviation, skewness, excess_kurtosis]).all():
        raise ValueError("moments must be finite, and deviation not negative")
    s, k = skewness, excess_kurtosis
    z = _NORMAL.inv_cdf(1 - confidence)
    if not _rises(s, k, z):
        return None
    quantile = z + (z**2 - 1) * s / 6 + (z**3 - 3 * z) * k / 24 - (2 * z**3 - 5 * z) * s**2 / 36
    height = _NORMAL.pdf(z) / (1 - confidence)
    shortfall = height * (1 + z * s / 6 + (z**2 - 1) * k / 24 - (2 * z**2 - 1) * s**2 / 36)
    return Tail(float(-mean - deviation * quantile), float(-mean + deviation * shortfall))


def _rises(skewness: float, excess_kurtosis: float, z: float) -> bool:
    """Say whether the Cornish-Fisher quantile does not fall anywhere from far out in the tail up to `z`."""
    square = excess_kurtosis / 8 - skewness**2 / 6
    slope = np.polynomial.Polynomial([1 - excess_kurtosis / 8 + 5 * skewness**2 / 36, skewness / 3, square])
    lowest = -skewness / 6 / square if square else z  # a parabola's least is at an end or at its vertex
    return bool(min(slope(x) for x in (_FAR, z, min(max(lowest, _FAR), z))) >= 0)


def skew_and_excess_kurtosis(returns: Float64) -> tuple[float, float]:
    """Skewness m3 / m2^1.5 and excess kurtosis m4 / m2^2 - 3 of `returns` (n,), moments with ddof 0.

    Both are 0 when the returns do not move. ValueError without returns.
    """
    if not len(returns):
        raise ValueError("returns must not be empty")
    moves = returns - returns.mean()
    deviation = np.sqrt(np.mean(moves**2))
    if deviation <= _ROUNDING + 1e-12 * abs(returns.mean()):
        return 0.0, 0.0
    scaled = moves / deviation
    return float(np.mean(scaled**3)), float(np.mean(scaled**4) - 3)


def check_confidence(confidence: float) -> None:
    """Raises ValueError outside (0, 1)."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, not {confidence}")
