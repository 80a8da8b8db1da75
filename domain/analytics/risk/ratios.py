"""Risk of a return series by itself: volatility, Sharpe and Sortino ratio, drawdown.

Returns are fractions, 252 trading days make a year. Not here: risk against a benchmark (benchmark.py) and the loss at a
confidence (value_at_risk.py).
"""

from dataclasses import dataclass

import numpy as np

from domain.analytics.arrays import Float64

TRADING_DAYS = 252
_CONSTANT, _ROUNDING = 1e-12, 1e-14
"""Deviations that are rounding, not risk: of the mean, and of a growth near 1, less 1."""


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall of an index: `depth` is a positive fraction of the peak; the others are positions in the index.

    `peak` is the last day at the old high, `trough` the first at the low, `recovery` the first back at the old high, or
    None if that day has not come. Without any fall, depth is 0 and all three are 0.
    """

    depth: float
    peak: int
    trough: int
    recovery: int | None


def moves(observed: Float64) -> bool:
    """Say whether returns (n,), none of them NaN, differ by more than rounding: those of cash alone do not."""
    return len(observed) > 1 and bool(observed.std(ddof=1) > _ROUNDING + _CONSTANT * abs(observed.mean()))


def volatility_annual(returns: Float64) -> float | None:
    """Sample standard deviation (ddof 1) of daily `returns` (n,), x sqrt(252).

    NaN (a break in the series) is no observation. None below two observations; 0 when they are all the same.
    Source: RULEBOOK 9.
    """
    observed = returns[~np.isnan(returns)]
    if len(observed) < 2:
        return None
    if not moves(observed):
        return 0.0
    return float(observed.std(ddof=1) * np.sqrt(TRADING_DAYS))


def sharpe(excess_returns: Float64) -> float | None:
    """Mean of daily `excess_returns` (n,) over their sample standard deviation (ddof 1), x sqrt(252).

    Excess is the day's simple return less the day's risk-free return. NaN is no observation. None below two
    observations, or when they are all the same: a ratio to no risk is not a number.
    Source: Sharpe (1994), "The Sharpe Ratio"; RULEBOOK 9.
    """
    observed = excess_returns[~np.isnan(excess_returns)]
    if not moves(observed):
        return None
    return float(observed.mean() / observed.std(ddof=1) * np.sqrt(TRADING_DAYS))


def downside_deviation_annual(returns: Float64, target: float | Float64 = 0.0) -> float | None:
    """sqrt(mean(min(return - target, 0)^2)) over all n observations, not only those below, x sqrt(252).

    `target` is a daily return, one for all days or (n,). A day with NaN in either is no observation. None without any
    observation; 0 when no day is below its target. ValueError when the lengths differ.
    Source: Sortino and Price (1994), "Performance Measurement in a Downside Risk Framework"; RULEBOOK 9.
    """
    excess = _over(returns, target)
    if not len(excess):
        return None
    return float(np.sqrt(np.mean(np.minimum(excess, 0.0) ** 2)) * np.sqrt(TRADING_DAYS))


def sortino(returns: Float64, target: float | Float64 = 0.0) -> float | None:
    """Mean of daily `returns` (n,) over `target`, over their downside deviation, x sqrt(252).

    `target` and NaN as in `downside_deviation_annual`. None below two observations, as a ratio of one day says nothing,
    and when no day is below its target: a ratio to no risk is not a number.
    Source: Sortino and Price (1994); RULEBOOK 9.
    """
    excess = _over(returns, target)
    deviation = downside_deviation_annual(excess)
    if len(excess) < 2 or deviation is None or deviation <= _ROUNDING + _CONSTANT * abs(excess.mean()):
        return None
    return float(excess.mean() * TRADING_DAYS / deviation)


def max_drawdown(index: Float64) -> Drawdown:
    """The deepest fall of `index` (n,), such as a TWR index, from its running peak.

    Raises ValueError if the index is empty, starts at or below zero, or has a NaN. Of equal falls the first counts.
    A fall below zero is deeper than 1. Source: RULEBOOK 9.
    """
    if not len(index) or not np.isfinite(index).all() or index[0] <= 0:
        raise ValueError("index must be finite, not empty, and start above zero")
    high = np.maximum.accumulate(index)
    falls = 1 - index / high
    trough = int(falls.argmax())
    if falls[trough] == 0:
        return Drawdown(0.0, 0, 0, 0)
    peak = int(np.flatnonzero(index[:trough] == high[trough])[-1])
    back = np.flatnonzero(index[trough:] >= high[trough])
    return Drawdown(float(falls[trough]), peak, trough, trough + int(back[0]) if len(back) else None)


def _over(returns: Float64, target: float | Float64) -> Float64:
    """Observed returns less their target."""
    if np.ndim(target) and np.shape(target) != returns.shape:
        raise ValueError(f"target has shape {np.shape(target)}, returns {returns.shape}")
    excess = returns - target
    return np.asarray(excess[~np.isnan(excess)])
