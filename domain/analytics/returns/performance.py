"""Time-weighted return: what a portfolio earned, whatever came in and went out.

Here: returns out of daily values and flows. Not here: how a value or a flow of a day is found, and risk.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from operator import mul

import numpy as np

from domain.analytics.arrays import Float64, Int64
from domain.analytics.returns.money_weighted import DAYS_PER_YEAR


@dataclass(frozen=True, slots=True)
class TwrIndex:
    """`returns` (n,) of each day, NaN where there is none; `index` (n,) growth of 1 up to the end of each day, NaN from
    a ruin on until it begins again."""

    returns: Float64
    index: Float64


def twr_index(
    begin: Float64, end: Float64, inflow: Float64, outflow: Float64, starts: Sequence[int] = (0,)
) -> TwrIndex:
    """Daily time-weighted returns r = (end + outflow) / (begin + inflow) - 1, and their index.

    Parameters
    ----------
    begin, end : (n,) value at the start and at the end of each day, base currency; income is in the value.
    inflow, outflow : (n,) external flows of the day, both >= 0; in at its start, out at its end.
    starts : of several series one after another, the position at which each starts.

    Returns
    -------
    TwrIndex
        A day whose base begin + inflow is zero is a break: its return is NaN, not -100 %, and the index carries over
        it. A day whose base or end + outflow is negative is a ruin: no return, and no index. The index starts from 1
        before the first day, and again on the first day with a base after a ruin or a loss of everything.

    Raises
    ------
    ValueError
        Lengths differ, a NaN or an infinity, or a negative flow: a missing value is not a break.

    Notes
    -----
    Source: RULEBOOK 7; Portfolio Performance's TTWROR.
    """
    for name, series in (("begin", begin), ("end", end), ("inflow", inflow), ("outflow", outflow)):
        if series.shape != begin.shape:
            raise ValueError(f"{name} has shape {series.shape}, begin {begin.shape}")
        if not np.isfinite(series.sum()) and not np.isfinite(series).all():
            raise ValueError(f"{name} must be finite")
    if inflow.min(initial=0.0) < 0 or outflow.min(initial=0.0) < 0:
        raise ValueError("inflow and outflow must not be negative: each has its own column")
    base, growth = begin + inflow, end + outflow
    is_ruin = (base < 0) | (growth < 0)
    has_base = base > 0
    breaks = np.flatnonzero(is_ruin | ~has_base)
    base[breaks] = growth[breaks] = 1.0
    growth /= base
    returns = growth - 1
    returns[breaks] = np.nan
    growth[is_ruin] = RUIN
    for first, last in pairwise([*starts, len(growth)]):
        of = slice(first, last)
        if growth[of].min(initial=1.0) > 0:
            np.cumprod(growth[of], out=growth[of])
        else:
            growth[of] = linked_index(growth[of].tolist(), has_base[of].tolist())
    return TwrIndex(returns, growth)


RUIN = -1.0
"""Stands for the growth of a day of ruin, which has none."""


def linked_index(growth: Sequence[float], has_base: Sequence[bool]) -> list[float | None]:
    """Growth of 1 up to the end of each day, out of the growth of each: 1 where it is carried over, RUIN for a ruin.

    From left to right, so that the bits do not depend on what stands beside it. None from a ruin, 0 from a loss of
    everything on, up to the next day that `has_base`: with that it begins again at 1. Source: RULEBOOK 2 and 7.
    """
    if min(growth, default=1.0) > 0:
        return list(accumulate(growth, mul))
    index: list[float | None] = []
    level: float | None = 1.0
    for factor, is_based in zip(growth, has_base, strict=True):
        if factor < 0:
            level = None
        elif level:
            level *= factor
        elif is_based:
            level = factor
        index.append(level)
    return index


def annualise(total_return: Float64, days: Int64) -> Float64:
    """(1 + total_return)^(365 / days) - 1 of each (m,); NaN below one year, where it would promise what was not earned.

    `total_return` is a fraction; one that loses more than everything has no annual rate: NaN, as NaN stays NaN. `days`
    are calendar days. Source: RULEBOOK 7.
    """
    is_known = (days >= DAYS_PER_YEAR) & (total_return >= -1)
    powers = np.divide(DAYS_PER_YEAR, days, out=np.zeros(len(total_return)), where=is_known)
    return np.where(is_known, np.where(is_known, 1 + total_return, 1.0) ** powers - 1, np.nan)
