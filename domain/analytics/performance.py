"""Time-weighted return: what a portfolio earned, whatever came in and went out.

Here: returns out of daily values and flows. Not here: how a value or a flow of a day is found, and risk.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from domain.analytics.money_weighted import DAYS_PER_YEAR, Float64, Ints


@dataclass(frozen=True, slots=True)
class TwrIndex:
    """`returns` (n,) of each day, NaN where a break; `index` (n,) growth of 1 up to the end of each day."""

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
        A day whose base begin + inflow is zero (or negative, where a return has no meaning) is a break: its return is
        NaN, not -100 %, and the index carries over it. The index starts from 1 before the first day.

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
    breaks = np.flatnonzero(base <= 0)
    base[breaks] = growth[breaks] = 1.0
    growth /= base
    returns = growth - 1
    returns[breaks] = np.nan
    for first, last in pairwise([*starts, len(growth)]):
        np.cumprod(growth[first:last], out=growth[first:last])
    return TwrIndex(returns, growth)


def annualise(total_return: Float64, days: Ints) -> Float64:
    """(1 + total_return)^(365 / days) - 1 of each (m,); NaN below one year, where it would promise what was not earned.

    `total_return` is a fraction; one that loses more than everything has no annual rate: NaN, as NaN stays NaN. `days`
    are calendar days. Source: RULEBOOK 7.
    """
    is_known = (days >= DAYS_PER_YEAR) & (total_return >= -1)
    powers = np.divide(DAYS_PER_YEAR, days, out=np.zeros(len(total_return)), where=is_known)
    return np.where(is_known, np.where(is_known, 1 + total_return, 1.0) ** powers - 1, np.nan)
