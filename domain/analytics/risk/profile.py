"""The risk of one series of returns, all of it: two such series of a portfolio are kept apart by their names.

REALISED is what its owner went through, flows taken out. CURRENT_WEIGHTS is what today's holdings, held in today's
proportions all along, would have gone through: the risk of what is held now.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Literal

import numpy as np

from domain.analytics.arrays import Bools, Days, Float64, figure
from domain.analytics.returns.series import MIN_OBSERVATIONS, Growth, day_at
from domain.analytics.risk.benchmark import alpha_annual, beta, information_ratio, tracking_error_annual
from domain.analytics.risk.ratios import (
    downside_deviation_annual,
    max_drawdown,
    moves,
    sharpe,
    sortino,
    volatility_annual,
)
from domain.analytics.risk.value_at_risk import Method, ValueAtRisk, value_at_risk

CONFIDENCES = (0.95, 0.99)
HORIZONS = (1, 10)


class Basis(StrEnum):
    """Returns that risk is measured on."""

    REALISED = "REALISED"
    CURRENT_WEIGHTS = "CURRENT_WEIGHTS"


RISK_FREE_CURRENCIES = frozenset({"USD"})
"""Currencies with a risk-free return: the three-month US Treasury yield. No short rate of another may be bundled or is
asked for, and one currency's is not another's: a portfolio in it has no ratio to risk-free (NO_RISK_FREE)."""


class RatioStatus(StrEnum):
    """Reason why there is no ratio: too few returns, returns that do not move, no benchmark, no risk-free return in the
    portfolio's currency, or no day below it."""

    OK = "OK"
    INSUFFICIENT = "INSUFFICIENT"
    NO_VARIATION = "NO_VARIATION"
    NO_BENCHMARK = "NO_BENCHMARK"
    NO_RISK_FREE = "NO_RISK_FREE"
    NO_DOWNSIDE = "NO_DOWNSIDE"


@dataclass(frozen=True, slots=True)
class Ratio:
    """`value` is None unless `status` is OK."""

    value: float | None
    status: RatioStatus


@dataclass(frozen=True, slots=True)
class RiskProfile:
    """Measured on the `n` returns from `first_day` to `last_day`. Ratios and deviations are annual, fractions.

    `max_drawdown` is negative or 0, its dates None without a fall; `recovery` None if it has not come. A ratio is None
    unless its own status is OK; `alpha_status` is that of beta too. INSUFFICIENT, with fewer than 60 returns, has no
    figures; nor have UNCOVERED, of too small a part of what is held, and NO_EQUITY. `coverage`, a fraction, is that
    part of CURRENT_WEIGHTS.
    """

    basis: Basis
    status: Literal["OK", "INSUFFICIENT", "UNCOVERED", "NO_EQUITY"]
    first_day: date | None
    last_day: date | None
    n: int
    volatility: float | None = None
    downside_deviation: float | None = None
    sharpe: float | None = None
    sortino: float | None = None
    max_drawdown: float | None = None
    peak: date | None = None
    trough: date | None = None
    recovery: date | None = None
    beta: float | None = None
    alpha: float | None = None
    tracking_error: float | None = None
    information_ratio: float | None = None
    tails: tuple[ValueAtRisk, ...] = ()
    sharpe_status: RatioStatus = RatioStatus.INSUFFICIENT
    sortino_status: RatioStatus = RatioStatus.INSUFFICIENT
    alpha_status: RatioStatus = RatioStatus.INSUFFICIENT
    information_ratio_status: RatioStatus = RatioStatus.INSUFFICIENT
    coverage: float | None = None


def risk_profile(
    basis: Basis,
    days: Days,
    returns: Float64,
    risk_free: Float64,
    benchmark: Float64 | None,
    growth: Growth | None = None,
) -> RiskProfile:
    """The risk of daily simple `returns` (n,) of the sessions `days` (n,).

    `risk_free` and `benchmark` (n,) are returns of the same sessions, NaN where they are not known; a NaN return is no
    observation. Sortino's target is the risk-free return. Beta and alpha are of excess returns. The drawdown is of
    `growth`, or of the compounded returns. Source: RULEBOOK 9.
    """
    observed = ~np.isnan(returns)
    n = int(observed.sum())
    first, last = (day_at(days[observed], at) if n else None for at in (0, -1))
    if n < MIN_OBSERVATIONS:
        return RiskProfile(basis, "INSUFFICIENT", first, last, n)
    fall = deepest_fall(growth or Growth.of(days, returns))
    sharpe_of, sortino_of = sharpe_ratio(returns, risk_free), sortino_ratio(returns, risk_free)
    return RiskProfile(
        basis,
        "OK",
        first,
        last,
        n,
        volatility=volatility_annual(returns),
        downside_deviation=downside_deviation_annual(returns, risk_free),
        sharpe=sharpe_of.value,
        sharpe_status=sharpe_of.status,
        sortino=sortino_of.value,
        sortino_status=sortino_of.status,
        max_drawdown=fall.depth,
        peak=fall.peak,
        trough=fall.trough,
        recovery=fall.recovery,
        tails=tuple(
            value_at_risk(returns, confidence, horizon, method)
            for method in Method
            for confidence in CONFIDENCES
            for horizon in HORIZONS
        ),
        **_against(returns, risk_free, benchmark),
    )


def _against(returns: Float64, risk_free: Float64, benchmark: Float64 | None) -> dict[str, Any]:
    """Figures against the benchmark; each needs 60 days on which all that it is made of is known."""
    if benchmark is None or not np.isfinite(benchmark).any():
        none = RatioStatus.NO_BENCHMARK
        return {"alpha_status": none, "information_ratio_status": none}
    excess, market = returns - risk_free, benchmark - risk_free
    both = np.isfinite(excess) & np.isfinite(market)
    active = (returns - benchmark)[np.isfinite(returns - benchmark)]
    alpha_status = _status(both, risk_free, market)
    has_active = len(active) >= MIN_OBSERVATIONS
    against: dict[str, Any] = {
        "alpha_status": alpha_status,
        "tracking_error": tracking_error_annual(returns, benchmark) if has_active else None,
        "information_ratio_status": RatioStatus.INSUFFICIENT if not has_active else RatioStatus.NO_VARIATION,
    }
    if alpha_status is RatioStatus.OK:
        against |= {"beta": beta(excess, market), "alpha": alpha_annual(excess, market)}
    if has_active and moves(active):
        against |= {
            "information_ratio": information_ratio(returns, benchmark),
            "information_ratio_status": RatioStatus.OK,
        }
    return against


def _status(observed: Bools, risk_free: Float64, *moving: Float64) -> RatioStatus:
    """Say whether a ratio can be measured on the `observed` days (n,), of which each of `moving` (n,) has to move."""
    if not np.isfinite(risk_free).any():
        return RatioStatus.NO_RISK_FREE
    if observed.sum() < MIN_OBSERVATIONS:
        return RatioStatus.INSUFFICIENT
    return RatioStatus.OK if all(moves(series[observed]) for series in moving) else RatioStatus.NO_VARIATION


@dataclass(frozen=True, slots=True)
class Fall:
    """The deepest drawdown: `depth` is a fraction, negative or 0. `peak` is the last day at the old high, and the first
    day where that is what was paid in; `recovery` the first day back at it, None if it has not come. No dates at 0."""

    depth: float
    peak: date | None = None
    trough: date | None = None
    recovery: date | None = None


def deepest_fall(growth: Growth) -> Fall:
    """Return the deepest drawdown; of equal falls the first counts. Source: RULEBOOK 7, 9."""
    found = max_drawdown(growth.level)
    if not figure(found.depth):
        return Fall(0.0)
    on = [
        None if at is None else day_at(growth.days, max(at - 1, 0)) for at in (found.peak, found.trough, found.recovery)
    ]
    return Fall(-found.depth, *on)


def sharpe_ratio(returns: Float64, risk_free: Float64) -> Ratio:
    """Sharpe ratio of daily simple `returns` (n,) over `risk_free` (n,), NaN where it is not known.

    None from fewer than 60 days with both, of which the standard error of the ratio is 2 and more; nor of returns that
    do not move: over bills that do, those of cash would have a ratio of -18.
    Source: RULEBOOK 9; Lo (2002), "The Statistics of Sharpe Ratios".
    """
    excess = returns - risk_free
    status = _status(np.isfinite(excess), risk_free, returns, excess)
    return Ratio(sharpe(excess) if status is RatioStatus.OK else None, status)


def sortino_ratio(returns: Float64, risk_free: Float64) -> Ratio:
    """Sortino ratio of daily simple `returns` (n,), the target being `risk_free` (n,); none where there is no Sharpe
    ratio, nor if no day is below its target. Source: RULEBOOK 9."""
    excess = returns - risk_free
    status = _status(np.isfinite(excess), risk_free, returns, excess)
    found = sortino(returns, risk_free) if status is RatioStatus.OK else None
    return Ratio(found, RatioStatus.NO_DOWNSIDE if status is RatioStatus.OK and found is None else status)


def weighted_returns(weights: Float64, returns: Float64) -> Float64:
    """(n,) Return of each day of holdings (m,) kept in the proportions `weights`, from their returns (n, m).

    `weights` are fractions of the whole portfolio; what they lack of 1 is cash, and earns nothing. NaN on a day on
    which any holding has no return: a mix without one of its parts is another mix. Source: RULEBOOK 9.
    """
    return np.asarray(returns @ weights)
