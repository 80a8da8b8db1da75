"""Correlation matrices that a model can use: complete, drawn to the identity, positive semi-definite.

Not here: how a correlation is measured (co_moments.py).
"""

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from domain.analytics.arrays import Bools, Float64
from domain.analytics.estimates.moments import shrinkage_intensity
from domain.analytics.returns.series import MIN_OBSERVATIONS

_EXACT = 1e-9  # how far a correlation matrix may be from symmetric, from a unit diagonal and from [-1, 1]
_NEGATIVE_EIGENVALUE = -1e-10


@dataclass(frozen=True, slots=True, eq=False)
class Shrunk:
    """A correlation matrix that a model can use: `matrix` (k, k), NaN beside a security that `kept` (k,) leaves out.

    `shrinkage` is how far it was drawn to the identity, 0 to 1, None if it was not, for too few days on which all kept
    have a return; `psd_distance` the Frobenius distance by which it was then repaired, 0 if it needed none.
    """

    matrix: Float64
    kept: Bools
    shrinkage: float | None
    psd_distance: float


def shrunk(correlation: Float64, log_returns: Float64, minimum: int = MIN_OBSERVATIONS) -> Shrunk:
    """`correlation` (k, k), drawn to the identity by Ledoit and Wolf's intensity, then repaired if it must be.

    The intensity is of `log_returns` (n, k) over their deviations, on the days that all kept securities have; on
    complete data it is `moments.ledoit_wolf`'s. While a pair has no correlation, the security with the most such pairs
    is left out, of equal ones the last. Source: Ledoit and Wolf (2004); for the repair see `nearest_correlation`.
    """
    kept = _complete(correlation)
    matrix = correlation[np.ix_(kept, kept)]
    days = log_returns[:, kept]
    days = days[~np.isnan(days).any(axis=1)]
    shrinkage = None
    if kept.any() and len(days) >= max(2, minimum) and (days.std(axis=0) > 0).all():
        shrinkage = shrinkage_intensity((days - days.mean(axis=0)) / days.std(axis=0), matrix)
        matrix = (1 - shrinkage) * matrix
        np.fill_diagonal(matrix, 1.0)
    with threadpool_limits(limits=1, user_api="blas"):  # eigenvectors change bits with the number of threads
        matrix, distance = nearest_correlation(matrix)
    whole = np.full(correlation.shape, np.nan)
    whole[np.ix_(kept, kept)] = matrix
    return Shrunk(whole, kept, shrinkage, distance)


def nearest_correlation(matrix: Float64) -> tuple[Float64, float]:
    """A positive semi-definite correlation matrix near `matrix` (n, n), and the Frobenius distance to it.

    Without eigenvalues below -1e-10 it is the matrix itself, at distance 0. Otherwise negative eigenvalues become 0
    and the diagonal is scaled back to 1. ValueError names a NaN, an asymmetry, a diagonal that is not 1 or an entry
    outside [-1, 1], each beyond 1e-9. Source: the spectral decomposition of Rebonato and Jaeckel (1999), "The most
    general methodology to create a valid correlation matrix"; close to, but not, Higham's (2002) nearest one.
    """
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"correlation must be square, not {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise ValueError("correlation has a NaN or an infinity")
    if (np.abs(matrix - matrix.T) > _EXACT).any():
        raise ValueError("correlation is not symmetric")
    if (np.abs(np.diagonal(matrix) - 1) > _EXACT).any():
        raise ValueError("correlation has a diagonal that is not 1")
    if (np.abs(matrix) > 1 + _EXACT).any():
        raise ValueError("correlation has an entry outside [-1, 1]")
    if _is_positive_definite(matrix - _NEGATIVE_EIGENVALUE * np.eye(len(matrix))):  # a twentieth of the time of eigh
        return matrix, 0.0
    eigenvalues, vectors = np.linalg.eigh(matrix)
    if eigenvalues.min(initial=0.0) >= _NEGATIVE_EIGENVALUE:
        return matrix, 0.0
    clipped = (vectors * np.maximum(eigenvalues, 0)) @ vectors.T
    scale = np.sqrt(np.diagonal(clipped))
    repaired = clipped / np.outer(scale, scale)
    np.fill_diagonal(repaired, 1.0)
    return repaired, float(np.linalg.norm(repaired - matrix))


def _complete(correlation: Float64) -> Bools:
    """Mark the securities to keep so that every pair of them has a correlation."""
    missing = np.isnan(correlation)
    kept = ~np.diagonal(missing)
    lacking = np.where(kept, (missing & kept).sum(axis=1), 0)
    while lacking.any():
        worst = len(lacking) - 1 - int(lacking[::-1].argmax())
        kept[worst] = False
        lacking = np.where(kept, lacking - missing[worst], 0)
    return kept


def _is_positive_definite(matrix: Float64) -> bool:
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return False
    return True
