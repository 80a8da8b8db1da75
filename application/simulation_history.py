"""Stretches of history that a scenario replays: log returns of whole months of one release."""

from calendar import monthrange
from collections.abc import Mapping
from datetime import timedelta

import numpy as np

from application.simulation_parameters import LakeSimulationParamsRepository
from domain.analytics.arrays import Float64
from domain.analytics.simulation.scenarios import Stretch
from domain.errors import InvalidInput

_MOST_MISSING = 0.2
"""Share of a month's sessions without a return, above which a security has no history of the month."""


def monthly_returns(parameters: LakeSimulationParamsRepository, names: Mapping[int, str], stretch: Stretch) -> Float64:
    """(months, n) log returns of the securities `names` in their order; refused by name where one has no prices."""
    first = stretch.first.replace(day=1)
    last = stretch.last.replace(day=monthrange(stretch.last.year, stretch.last.month)[1])
    days, log_returns = parameters.returns(list(names), first - timedelta(days=1), last)
    sessions = parameters.sessions
    sessions = sessions[(sessions >= np.datetime64(first)) & (sessions <= np.datetime64(last))]
    returns = np.full((len(sessions), len(names)), np.nan)
    known = np.isin(days, sessions)
    returns[np.searchsorted(sessions, days[known])] = log_returns[known]
    months = sessions.astype("datetime64[M]")
    wanted = np.arange(np.datetime64(first, "M"), np.datetime64(last, "M") + 1)
    summed = np.array([_summed(returns[months == month]) for month in wanted])
    known_all = np.asarray(np.isfinite(summed).all(axis=0))
    missing = [name for name, is_known in zip(names.values(), known_all, strict=True) if not is_known]
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
