"""Fits of the shape of a month's log returns: what `domain/analytics/simulation/fitted.py` has as constants."""

from math import log10

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import gammaln

from domain.analytics.arrays import Float64

Regimes = tuple[Float64, Float64, Float64]
"""Probabilities to stay (2,), means (2,) and deviations (2,), over the sample's own deviation; calm first."""


def degrees_of_freedom(returns: Float64) -> float:
    """Fit the multivariate Student's t of `returns` (n, k), with the sample's correlation and variance."""
    x = (returns - returns.mean(axis=0)) / returns.std(axis=0)
    n, k = x.shape
    correlation = np.corrcoef(x.T).reshape(k, k)
    distance = np.einsum("ij,jk,ik->i", x, np.linalg.inv(correlation), x)
    log_determinant = np.linalg.slogdet(correlation)[1]

    def loss(df: float) -> float:
        scale = (df - 2) / df
        constant = gammaln((df + k) / 2) - gammaln(df / 2) - k / 2 * np.log(df * np.pi)
        constant -= (log_determinant + k * np.log(scale)) / 2
        return float((df + k) / 2 * np.log1p(distance / scale / df).sum() - n * constant)

    return float(minimize_scalar(loss, bounds=(2.05, 60), method="bounded").x)


def mean_block(returns: Float64) -> float:
    """Mean length of the stationary bootstrap's blocks for the mean of `returns` (n,), automatic.

    Source: Politis and White (2004), with the correction of Patton, Politis and White (2009).
    """
    x = returns - returns.mean()
    n = len(x)
    near = max(5, int(np.ceil(np.sqrt(log10(n)))))
    most = int(np.ceil(np.sqrt(n))) + near
    covariance = np.array([(x[lag:] * x[: n - lag]).sum() / n for lag in range(most + 1)])
    is_small = np.abs(covariance[1:] / covariance[0]) < 2 * np.sqrt(log10(n) / n)
    last = next((lag for lag in range(len(is_small) - near + 1) if is_small[lag : lag + near].all()), None)
    if last is None:
        last = int(np.flatnonzero(~is_small).max()) + 1
    width = min(2 * max(last, 1), most)
    lags = np.arange(-width, width + 1)
    window = np.minimum(1, 2 * (1 - np.abs(lags) / width))
    around = covariance[np.abs(lags)]
    slope, level = (window * np.abs(lags) * around).sum(), (window * around).sum()
    longest = np.ceil(min(3 * np.sqrt(n), n / 3))
    return float(min((slope**2 / level**2 * n) ** (1 / 3), longest))


def regimes(returns: Float64, first: Regimes, iterations: int) -> Regimes:
    """`first` after so many iterations of Hamilton's (1990) EM on `returns` (n,); mean 0 and variance 1 over time."""
    x = (returns - returns.mean()) / returns.std()
    stay, mean, deviation = first
    moves = np.array([[stay[0], 1 - stay[0]], [1 - stay[1], stay[1]]])
    start = _stationary(moves)
    for _ in range(iterations):
        likelihood = np.exp(-(((x[:, None] - mean) / deviation) ** 2) / 2) / deviation
        forward, backward, scale = np.empty_like(likelihood), np.ones_like(likelihood), np.empty(len(x))
        before = start
        for row, one in enumerate(likelihood):
            forward[row] = before * one
            scale[row] = forward[row].sum()
            forward[row] /= scale[row]
            before = forward[row] @ moves
        for row in range(len(x) - 2, -1, -1):
            backward[row] = moves @ (likelihood[row + 1] * backward[row + 1]) / scale[row + 1]
        share = forward * backward
        pairs = forward[:-1, :, None] * moves * (likelihood[1:] * backward[1:])[:, None, :] / scale[1:, None, None]
        moves = pairs.sum(axis=0) / pairs.sum(axis=(0, 2))[:, None]
        weight = share.sum(axis=0)
        mean = (share * x[:, None]).sum(axis=0) / weight
        deviation = np.sqrt((share * (x[:, None] - mean) ** 2).sum(axis=0) / weight)
        start = share[0]
    stationary = _stationary(moves)
    mean = mean - stationary @ mean
    size = np.sqrt(stationary @ (deviation**2 + mean**2))
    return moves.diagonal().copy(), mean / size, deviation / size


def _stationary(moves: Float64) -> Float64:
    calm = (1 - moves[1, 1]) / (2 - moves[0, 0] - moves[1, 1])
    return np.array([calm, 1 - calm])
