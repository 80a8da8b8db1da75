"""The risk of one series of returns, all of it: two such series of a portfolio are kept apart by their names.

REALISED is what its owner went through, flows taken out. CURRENT_WEIGHTS is what today's holdings, held in today's
proportions all along, would have gone through: the risk of what is held now.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal

import numpy as np

from domain.analytics.arrays import Days, Float64
from domain.analytics.returns.series import MIN_OBSERVATIONS, Growth, day_at
from domain.analytics.risk.benchmark import alpha_annual, beta, information_ratio, tracking_error_annual
from domain.analytics.risk.ratios import downside_deviation_annual, max_drawdown, sharpe, sortino, volatility_annual
from domain.analytics.risk.value_at_risk import Method, ValueAtRisk, value_at_risk

CONFIDENCES = (0.95, 0.99)
HORIZONS = (1, 10)


class Basis(StrEnum):
    """Returns that risk is measured on."""

    REALISED = "REALISED"
    CURRENT_WEIGHTS = "CURRENT_WEIGHTS"


@dataclass(frozen=True, slots=True)
class RiskProfile:
    """Measured on the `n` returns from `first_day` to `last_day`. Ratios and deviations are annual, fractions.

    `max_drawdown` is negative or 0, its dates None without a fall; `recovery` None if it has not come. What is against
    the benchmark or the risk-free return is None without it. INSUFFICIENT, with fewer than 60 returns, has no figures;
    nor have UNCOVERED, of too small a part of what is held, and NO_EQUITY. `coverage`, a fraction, is that part of
    CURRENT_WEIGHTS.
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
    excess = returns - risk_free
    fall = deepest_fall(growth or Growth.of(days, returns))
    against = {}
    if benchmark is not None:
        against = {
            "beta": beta(excess, benchmark - risk_free),
            "alpha": alpha_annual(excess, benchmark - risk_free),
            "tracking_error": tracking_error_annual(returns, benchmark),
            "information_ratio": information_ratio(returns, benchmark),
        }
    return RiskProfile(
        basis,
        "OK",
        first,
        last,
        n,
        volatility=volatility_annual(returns),
        downside_deviation=downside_deviation_annual(returns, risk_free),
        sharpe=sharpe_ratio(returns, risk_free),
        sortino=sortino(returns, risk_free),
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
        **against,
    )


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
    if not found.depth:
        return Fall(0.0)
    on = [
        None if at is None else day_at(growth.days, max(at - 1, 0)) for at in (found.peak, found.trough, found.recovery)
    ]
    return Fall(-found.depth, *on)


def sharpe_ratio(returns: Float64, risk_free: Float64) -> float | None:
    """Sharpe ratio of daily simple `returns` (n,) over `risk_free` (n,); None from fewer than 60 returns, of which the
    standard error of the ratio is 2 and more. Source: RULEBOOK 9; Lo (2002), "The Statistics of Sharpe Ratios"."""
    return sharpe(returns - risk_free) if np.isfinite(returns).sum() >= MIN_OBSERVATIONS else None


def weighted_returns(weights: Float64, returns: Float64) -> Float64:
    """(n,) Return of each day of holdings (m,) kept in the proportions `weights`, from their returns (n, m).

    `weights` are fractions of the whole portfolio; what they lack of 1 is cash, and earns nothing. NaN on a day on
    which any holding has no return: a mix without one of its parts is another mix. Source: RULEBOOK 9.
    """
    return np.asarray(returns @ weights)
