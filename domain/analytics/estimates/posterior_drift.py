"""Default drift: what theory says before any data, moved by the data as far as these can be trusted.

A ten-year mean has a standard error of s / sqrt(10), 8 % a year for a share, so that it says little. The prior says
that a security earns the risk-free rate and its share in the premium of the market. Their posterior is between the two,
and what is still not known of it is a deviation that a simulation draws for each path.

    prior      N(r + p x beta, tau^2)
    data       the mean m of ten years, with variance s^2 / 10
    weight     w = tau^2 / (tau^2 + s^2 / 10)
    posterior  N((1 - w) (r + p x beta) + w m, tau^2 (1 - w))

Rates are continuous, a year, as fractions; drifts are arithmetic, m of dS/S. Source: RULEBOOK 11; Gelman et al. (2013),
"Bayesian Data Analysis", 2.5 (normal mean with known variance); Black and Litterman (1992) for the prior.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from domain.analytics.arrays import Float64
from domain.analytics.estimates.moments import WINDOW_YEARS
from domain.analytics.returns.series import MIN_OBSERVATIONS

PREMIUM = 0.045
"""Premium p of the market over the risk-free rate. A round figure between what growth of dividends and of earnings has
promised (2.55 and 4.32 % a year, 1951 to 2000: Fama and French 2002) and what US shares have earned over bills (5.8 %,
1900 to 2000: Dimson, Marsh and Staunton 2002). It is not fitted."""
TAU = 0.03
"""Deviation of the prior, tau: about half of the range of such estimates. It is not fitted."""


class DriftChoice(StrEnum):
    POSTERIOR = "posterior"
    HISTORICAL = "historical"
    FORWARD = "forward"
    EQUILIBRIUM = "equilibrium"
    GIVEN = "given"


@dataclass(frozen=True, slots=True)
class Drift:
    """Drifts of n securities: `mu_annual` (n,), its `deviation` (n,), and the `weight` (n,) of their own data in it."""

    mu_annual: Float64
    deviation: Float64
    weight: Float64

    @classmethod
    def exact(cls, mu_annual: Float64, weight: float) -> "Drift":
        """Drifts that are taken as they are, without doubt; `weight` is 1 where they are the data's own mean."""
        return cls(mu_annual, np.zeros_like(mu_annual), np.full_like(mu_annual, weight))


def equilibrium_drift(risk_free: float, beta: Float64, premium: float = PREMIUM, tau: float = TAU) -> Drift:
    """The prior alone: r + p x beta (n,), with deviation tau."""
    mu = risk_free + premium * beta
    return Drift(mu, np.full_like(mu, tau), np.zeros_like(mu))


def posterior_drift(
    risk_free: float,
    beta: Float64,
    mean_annual: Float64,
    volatility_annual: Float64,
    premium: float = PREMIUM,
    tau: float = TAU,
) -> Drift:
    """The prior with the window's arithmetic `mean_annual` (n,) as data; `volatility_annual` (n,) is the window's own.

    ValueError unless tau is positive.
    """
    if not tau > 0:
        raise ValueError(f"tau must be above 0, not {tau}")
    weight = tau**2 / (tau**2 + volatility_annual**2 / WINDOW_YEARS)
    mu = (1 - weight) * (risk_free + premium * beta) + weight * mean_annual
    return Drift(mu, tau * np.sqrt(1 - weight), weight)


def blended_volatility(of_window: Float64, of_all: Float64) -> Float64:
    """Volatilities (n,) whose variance is half the window's and half that of all returns that are known."""
    return np.sqrt((of_window**2 + of_all**2) / 2)


def market_beta(log_returns: Float64, market: Float64, minimum: int = MIN_OBSERVATIONS) -> Float64:
    """OLS slopes (k,) of `log_returns` (n, k) on the `market`'s (n,), each on the days that both have.

    NaN below `minimum` such days, or if the market stood still on them.
    """
    common = np.isfinite(log_returns) & np.isfinite(market)[:, None]
    count = common.sum(axis=0)
    x = np.where(common, market[:, None], 0.0)
    y = np.where(common, log_returns, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        of_market = x - np.where(common, x.sum(axis=0) / count, 0.0)
        slope = (of_market * y).sum(axis=0) / (of_market**2).sum(axis=0)
    return np.where(count >= minimum, np.where(np.isfinite(slope), slope, np.nan), np.nan)
