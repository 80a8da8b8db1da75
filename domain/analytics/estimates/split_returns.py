"""Returns over splits: what a unit's price did on the day of a split, without what the split did to it.

A series as traded halves when one unit becomes two. Whoever held it lost nothing, so its return of that day is of the
units that one has become. Not here: whose split it is, and which series has its splits inside.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from domain.analytics.arrays import Days, Float64


@dataclass(frozen=True, slots=True)
class StatedSplit:
    """A split that a portfolio's ledger has: from `day` on one unit of a security is `ratio`, above 0."""

    security_id: int
    day: date
    ratio: float


def over_splits(
    growth: Float64, days: Days, sessions: Days, security_ids: Sequence[int], splits: Sequence[StatedSplit]
) -> Float64:
    """Growth (n, k) since the session before, price over price, as growth of what the units of before have become.

    Parameters
    ----------
    growth : (n, k) 1 + simple return of the sessions `days` (n,), ascending; NaN is no return and stays one.
    sessions : (s,) all sessions, ascending: a split between two of them is in the price of the later one.
    security_ids : (k,) of the columns; a split of any other security changes nothing.

    Source: RULEBOOK 4: quantity as traded x price as traded is the same on both sides of a split.
    """
    columns = {security_id: place for place, security_id in enumerate(security_ids)}
    found = growth.copy()
    for split in splits:
        place = int(np.searchsorted(sessions, np.datetime64(split.day, "D")))
        if split.security_id in columns and place < len(sessions):
            found[days == sessions[place], columns[split.security_id]] *= split.ratio
    return found
