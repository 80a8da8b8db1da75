"""The track record of one portfolio's own weights: what fans of it would have said in the past, and what came.

As of the bundled shares, from every month since all that is held has ten years of prices; with today's weights, which
nobody held then. It takes seconds, and is made when somebody asks.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from application.calibration import JUDGED_FROM, risk_free_rates
from application.simulation_parameters import LakeSimulationParamsRepository
from application.track_record import SHARES
from domain.analytics.arrays import Float64
from domain.analytics.estimates.moments import WINDOW_YEARS
from domain.analytics.simulation.calibration import PastStart, records, tallied
from domain.analytics.simulation.history import HistoricalSequences
from domain.analytics.simulation.past_starts import DailyMarket, daily_starts, month_ends
from domain.errors import InvalidInput
from storage.bundled import long_series, market_index


def portfolio_records(
    parameters: LakeSimulationParamsRepository,
    security_ids: Sequence[int],
    values: Float64,
    *,
    model: str,
    drift: str,
    series: str,
) -> list[dict[str, Any]]:
    """Rows as of `simulation_calibration`, named `series`, of one model and drift, of holdings worth `values` (n,).

    InvalidInput where the holdings have no eleven years of common days that the bundled index has too, and for a drift
    or model that has no past.
    """
    market = _market_of(parameters, security_ids, values)
    chosen = (_alone(start, model, drift) for start in daily_starts(market, long_series()))
    rows = records(series, tallied(chosen), JUDGED_FROM[SHARES])
    if not rows:
        why = f"its holdings have fewer than {WINDOW_YEARS + 1} common years"
        raise InvalidInput("portfolio", f"has no track record of {model} with the drift {drift}: {why}")
    return rows


def _market_of(parameters: LakeSimulationParamsRepository, security_ids: Sequence[int], values: Float64) -> DailyMarket:
    days, log_returns = parameters.returns(security_ids)
    index_days, index = market_index()
    place = np.minimum(np.searchsorted(index_days, days), len(index_days) - 1)
    common = ~np.isnan(log_returns).any(axis=1) & (index_days[place] == days)
    days = days[common]
    ends = month_ends(days)
    closes = np.exp(log_returns[common].cumsum(axis=0))
    weights = (values / values.sum())[None]
    return DailyMarket(days, closes, index[place[common]], weights, ends, risk_free_rates(days[ends]))


def _alone(start: PastStart, model: str, drift: str) -> PastStart:
    drifts = {
        months: {name: one for name, one in of_horizon.items() if name == drift}
        for months, of_horizon in start.drifts.items()
    }
    if model != HistoricalSequences.name and not all(drifts.values()):
        raise InvalidInput("drift", f"{drift} has no past, so that nothing can be said of how right it was")
    return replace(start, models={model: start.models[model]}, drifts=drifts)
