"""Stretches of history that a scenario replays: log returns of whole months of one release. SQL beside it."""

from calendar import monthrange
from collections.abc import Mapping, Sequence

import numpy as np

from domain.analytics.arrays import Float64
from domain.analytics.estimates.split_returns import StatedSplit, over_splits
from domain.analytics.simulation.scenarios import Stretch
from domain.errors import InvalidInput
from storage.lake.delta import Lake
from storage.lake.mounted import mounted
from storage.lake.releases import Release
from storage.queries import statements

_SQL = statements("application/simulation_history.sql")
_MOST_MISSING = 0.2
"""Share of a month's sessions without a return, above which a security has no history of the month."""


def monthly_returns(
    lake: Lake, release: Release, names: Mapping[int, str], stretch: Stretch, splits: Sequence[StatedSplit] = ()
) -> Float64:
    """(months, n) log returns of the securities `names` in their order; refused by name where one has no prices."""
    last = stretch.last.replace(day=monthrange(stretch.last.year, stretch.last.month)[1])
    asked = {"first": stretch.first.replace(day=1), "last": last}
    known = mounted(lake, release)
    rows = known.columns(_SQL["monthly_log_returns"], security_ids=list(names), **asked)
    sessions = np.asarray(known.columns(_SQL["sessions"], **asked)["days"].astype("datetime64[D]"))
    column = {security_id: place for place, security_id in enumerate(names)}
    returns = np.full((len(sessions), len(names)), np.nan)
    at = np.searchsorted(sessions, rows["days"].astype("datetime64[D]"))
    there = at < len(sessions)
    places = np.array([column[one] for one in rows["security_id"].tolist()], int)
    returns[at[there], places[there]] = rows["log_return"][there]
    growth = over_splits(np.exp(returns), sessions, sessions, list(names), splits)
    months = sessions.astype("datetime64[M]")
    first, end = (np.datetime64(f"{day:%Y-%m}") for day in (stretch.first, last))
    wanted = np.arange(first, end + 1)
    summed = np.array([_summed(np.log(growth[months == month])) for month in wanted])
    missing = [
        name for name, known_all in zip(names.values(), np.isfinite(summed).all(axis=0), strict=True) if not known_all
    ]
    if missing:
        raise InvalidInput(
            "scenario",
            f"replays {stretch.first:%Y-%m} to {stretch.last:%Y-%m}, of which there are no prices of "
            f"{', '.join(missing)}",
        )
    return summed


def _summed(month: Float64) -> Float64:
    """(n,) the sum of a month's (sessions, n) returns; NaN where too many are missing."""
    if not len(month):
        return np.full(month.shape[1], np.nan)
    return np.where(np.isnan(month).mean(axis=0) > _MOST_MISSING, np.nan, np.nansum(month, axis=0))
