"""Figures of simulated values, each with its standard error: how far another seed's would be from it.

Percentiles are linear between order statistics (Hyndman and Fan 1996, type 7). A percentile's error is from the order
statistics one standard error of its rank away (Woodruff 1952); a probability's is binomial; a mean's sd / sqrt(n); of
an expected shortfall, with tail share a, sqrt((tail variance + (1 - a) (ES - VaR)^2) / (n a)). Where paths are windows
of history that overlap, n is the number of separate ones.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from domain.analytics.arrays import Float32, Float64

PERCENTILES = (5, 10, 25, 50, 75, 90, 95)
_SHARES = np.asarray(PERCENTILES) / 100
TAIL = 0.05


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its standard error, both in the number's unit; or neither, and the reason."""

    value: float | None
    standard_error: float | None = None
    reason: str | None = None

    def scaled(self, factor: float) -> "Figure":
        if self.value is None or self.standard_error is None:
            return self
        return Figure(self.value * factor, self.standard_error * abs(factor))


@dataclass(frozen=True, slots=True)
class Row:
    """The values of all paths at one step: (7,) percentiles and their errors, mean, and the mean of the lowest 5 %."""

    percentiles: Float64
    errors: Float64
    mean: float
    mean_error: float
    tail_mean: float
    tail_error: float

    @classmethod
    def of(cls, values: Float32, separate: float | None = None) -> "Row":
        """`values` (paths,) in any order; `separate` is how many of them count as independent, all if None."""
        ordered = np.sort(values)
        n = separate or len(values)
        rank_error = np.sqrt(_SHARES * (1 - _SHARES) / n)
        wanted = np.concatenate([_SHARES, np.clip(_SHARES - rank_error, 0, 1), np.clip(_SHARES + rank_error, 0, 1)])
        percentiles, low, high = at(ordered, wanted).reshape(3, -1)
        exact = ordered.astype(np.float64)
        mean = float(exact.mean())
        tail = exact[: int(TAIL * (len(ordered) - 1)) + 1]
        tail_mean, tail_variance = float(tail.mean()), float(tail.var())
        beyond = float(percentiles[0]) - tail_mean
        exact -= mean
        np.square(exact, out=exact)  # not a product of vectors: BLAS would use threads, and other bits
        return cls(
            percentiles,
            (high - low) / 2,
            mean,
            sqrt(float(exact.mean()) / n),
            tail_mean,
            sqrt((tail_variance + (1 - TAIL) * beyond**2) / (n * TAIL)),
        )


def at(ordered: Float32, shares: Float64) -> Float64:
    """The quantiles at `shares`, 0 to 1, of values in ascending order."""
    rank = shares * (len(ordered) - 1)
    low = np.floor(rank).astype(int)
    at_low = ordered[low].astype(np.float64)
    return np.asarray(at_low + (rank - low) * (ordered[np.minimum(low + 1, len(ordered) - 1)] - at_low))


def mean(values: Float32 | Float64, separate: float | None = None) -> Figure:
    """The mean of `values` (paths,)."""
    n = separate or len(values)
    return Figure(float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64)) / sqrt(n))


def median(values: Float32, separate: float | None = None) -> Figure:
    """The median of `values` (paths,)."""
    n = separate or len(values)
    half = sqrt(0.25 / n)
    low, middle, high = at(np.sort(values), np.clip([0.5 - half, 0.5, 0.5 + half], 0, 1))
    return Figure(float(middle), float(high - low) / 2)


def share(count: int, paths: int, separate: float | None = None) -> Figure:
    """How likely what happened on `count` of `paths` is."""
    p = count / paths
    return Figure(p, sqrt(p * (1 - p) / (separate or paths)))


def shares_of_variance(parts: Float32) -> tuple[Float64, Float64]:
    """How much of the variance of the sum each part is, and the standard errors: (n,) each; shares add up to 1.

    cov(part, sum) / var(sum) of `parts` (n, paths); Euler's allocation of the standard deviation. All zeros where the
    sum does not vary. The errors are of the ratio's linear terms. Source: Tasche (1999), "Risk Contributions and
    Performance Measurement".
    """
    away = parts - parts.mean(axis=1, keepdims=True, dtype=np.float64)
    total = away.sum(axis=0)
    variance = float((total**2).mean())
    if variance == 0:
        return np.zeros(len(parts)), np.zeros(len(parts))
    weight = total / variance
    found = (away * weight).mean(axis=1)
    influence = away * weight
    influence -= found[:, None] * (total * weight)
    return found, np.asarray(influence.std(axis=1) / sqrt(parts.shape[1]))
