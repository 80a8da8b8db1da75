"""Returns that a bond as it stands today would have had over past days: full repricing along the curves of those days.

A bond's own past prices are of another, longer bond, and begin with its issue. The risk of holding it now is what past
moves of the curve would do to the payments that it still owes: all of them, each at its own maturity, so that the shape
of a move counts and not its level alone.
"""

from dataclasses import replace
from datetime import date

import numpy as np

from domain.analytics.arrays import Days, Float64, Int64
from domain.analytics.fixed_income.bond_prices import curve_dirty_of
from domain.analytics.fixed_income.bonds import Bond, Remaining
from domain.analytics.fixed_income.curves import Curves
from domain.analytics.fixed_income.day_counts import days_of


def repriced_returns(bond: Bond, on: date, days: Days, curves: Curves, spread_bps: float = 0.0) -> Float64:
    """Simple returns (n - 1,) of `bond` as it stands on the day `on`, from each of `days` (n,) to the next.

    Parameters
    ----------
    on : before maturity (else ValueError). What it owes after it, so many calendar days ahead, is owed
        as many days after each of `days`; at the start of a step it is farther by the days that the step takes, so a
        return has the carry in it.
    days : ascending. Each has its curve of at most 7 days before; NaN next to a day without one.
    spread_bps : over the curves, the same all along: what happens to a spread is not in the return.

    Source: Jorion (2007), "Value at Risk", chapter 10 (historical simulation by full valuation).
    """
    left = bond.remaining(days_of([on]))
    todays, is_fresh = curves.carried(days)
    steps = np.diff(days).astype(np.int64)
    begins = _dirty(left, todays.of_rows(np.arange(len(days) - 1)), steps, spread_bps)
    ends = _dirty(left, todays.of_rows(np.arange(1, len(days))), np.zeros_like(steps), spread_bps)
    return np.where(is_fresh[1:] & is_fresh[:-1], ends / begins - 1, np.nan)


def _dirty(left: Remaining, curves: Curves, days_before: Int64, spread_bps: float) -> Float64:
    """Dirty prices (n,) by the curve of each day, so many days before the payments are as near as they are `left`."""
    n = len(days_before)
    ahead = left.calendar_days + days_before[:, None]
    moved = replace(left, amounts=np.broadcast_to(left.amounts, ahead.shape), calendar_days=ahead)
    return curve_dirty_of(moved, curves, np.full(n, spread_bps))
