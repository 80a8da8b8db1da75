"""Correlation of many securities whose histories have gaps: of every pair, on the days that both have.

Log returns are rounded to whole multiples of 2^-24 (6e-8) and kept as whole numbers in float64. Every sum is then of
whole numbers below 2^53, so it is exact: whatever the order of days, the BLAS, its threads, and whether days were
summed at once or added one by one, the bits are the same (ADR 17).

What rounding costs: a correlation has a standard error of 2.4e-8 / (daily deviation x sqrt(n)), with the smaller of two
deviations: over 10 years 5e-8 at 1 % a day, 5e-7 at 0.1 %. That of the sample itself is about 1 / sqrt(n), or 0.02.
"""

from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from domain.analytics.arrays import Bools, Float32, Float64, Int64
from domain.analytics.returns.series import MIN_OBSERVATIONS

_Real = TypeVar("_Real", np.float32, np.float64)

UNITS = 2.0**24
MAX_SQUARES = 2.0**53 / UNITS**2
"""Below this sum of squared returns, 32, all sums are exact."""
_MAX_DAYS = 2**24  # float32 counts exactly up to here
_MAX_RECENT = 64
_ROWS = 16  # of the matrices at a time: with 5,000 columns they stay in the second-level cache
_TORN = 1 / 16  # so many gaps a day cost more one by one than as a product of matrices
_CONSTANT = 1e-12  # variance over mean square: rounding, not risk


@dataclass(frozen=True, slots=True, eq=False)
class _Days:
    """`returns` (p, k) in units, 0 where absent; `present` (p, k) is 1 or 0; `sign` (p, 1) is 1 added, -1 taken off."""

    returns: Float64
    present: Float32
    sign: Float64

    @classmethod
    def of(cls, log_returns: Float64, sign: float = 1.0) -> Self:
        if log_returns.ndim != 2 or np.isinf(log_returns).any():
            raise ValueError("returns must be days by securities, without an infinity")
        present = ~np.isnan(log_returns)
        units = np.rint(np.where(present, log_returns, 0.0) * UNITS) + 0.0  # not -0
        return cls(units, present.astype(np.float32), np.full((len(units), 1), sign))

    def widened(self, securities: int) -> "_Days":
        more = ((0, 0), (0, securities - self.returns.shape[1]))
        return _Days(np.pad(self.returns, more), np.pad(self.present, more), self.sign)

    def and_then(self, later: "_Days") -> "_Days":
        return _Days(
            np.concatenate([self.returns, later.returns]),
            np.concatenate([self.present, later.present]),
            np.concatenate([self.sign, later.sign]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Absences:
    """On which days securities are absent: of column j the rows from `starts` up to `stops`, at `at[j]` to `at[j + 1]`
    of both. Columns that come and go often are `torn`, with their days in `absent` (n, torn)."""

    starts: Int64
    stops: Int64
    at: Int64
    torn: Int64
    absent: Bools

    @classmethod
    def of(cls, present: Float32) -> Self:
        n, k = present.shape
        steps = np.diff(np.pad(present.T == 0, ((0, 0), (1, 1))).astype(np.int8), axis=1)
        column, starts = np.nonzero(steps == 1)
        _, stops = np.nonzero(steps == -1)
        at = np.searchsorted(column, np.arange(k + 1))
        torn = np.flatnonzero(np.diff(at) > n * _TORN)
        return cls(starts, stops, at, torn, present[:, torn] == 0)

    def taken_off(self, values: NDArray[_Real]) -> NDArray[_Real]:
        """The sum of i's `values` (n, k) on the days on which j is present, at [i, j]: all of i's, less those on which
        j is absent."""
        n, k = values.shape
        running = np.zeros((n + 1, k), values.dtype)
        for before, value, after in zip(running, values, running[1:], strict=False):
            np.add(before, value, out=after)
        of_others = np.empty((k, k), values.dtype)
        of_others[self.torn] = running[-1] - self.absent.T.astype(values.dtype) @ values
        for j in np.flatnonzero(~np.isin(np.arange(k), self.torn)):
            rows = slice(self.at[j], self.at[j + 1])
            missed = running[self.stops[rows]]
            missed -= running[self.starts[rows]]
            np.subtract(running[-1], missed.sum(axis=0), out=of_others[j])
        return of_others.T


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """Over the common days of each pair (i, j), all (k, k): `counts`, `products` of i's and j's returns, and of i's
    alone their `sums` and `squares`."""

    counts: Float32
    sums: Float64
    squares: Float64
    products: Float64

    @classmethod
    def of(cls, days: _Days) -> Self:
        """Only the products are a product of matrices; what is of one of the two follows from running sums."""
        x = days.returns
        absences = _Absences.of(days.present)
        return cls(
            absences.taken_off(days.present),
            absences.taken_off(x),
            absences.taken_off(np.square(x)),
            np.asarray(x.T @ x),
        )

    def with_days(self, days: _Days) -> "_Sums":
        x, present = days.returns, days.present.astype(np.float64)
        mine = x * days.sign
        return _Sums(
            np.asarray(self.counts + (days.present * days.sign.astype(np.float32)).T @ days.present, np.float32),
            self.sums + mine.T @ present,
            self.squares + (mine * x).T @ present,
            self.products + mine.T @ x,
        )

    def of_pairs(self, at: slice, recent: _Days) -> tuple[Float64, ...]:
        """Counts, products, sums and squares of i, sums and squares of j: for i in `at` and all j from `at.start` on,
        with `recent` days."""
        on = slice(at.start, None)
        counts, products = self.counts[at, on].astype(np.float64), self.products[at, on]
        own = (self.sums[at, on], self.squares[at, on])
        others = (self.sums[on, at].T, self.squares[on, at].T)
        if not len(recent.sign):
            return counts, products, *own, *others
        x, present = recent.returns[:, on], recent.present[:, on].astype(np.float64)
        mine, with_mine = recent.returns[:, at] * recent.sign, recent.present[:, at] * recent.sign
        return (
            counts + with_mine.T @ present,
            products + mine.T @ x,
            own[0] + mine.T @ present,
            own[1] + (mine * recent.returns[:, at]).T @ present,
            others[0] + with_mine.T @ x,
            others[1] + with_mine.T @ (x * x),
        )

    def widened(self, securities: int) -> "_Sums":
        more = (0, securities - len(self.counts))
        return _Sums(
            np.pad(self.counts, more), np.pad(self.sums, more), np.pad(self.squares, more), np.pad(self.products, more)
        )


@dataclass(frozen=True, slots=True, eq=False)
class CoMoments:
    """Sufficient statistics of the pairwise correlations of k securities in a window of days; immutable.

    `of` sums a window. `plus` and `minus` move it by days, in O(k) each: at most 64 days stand beside the matrices
    until they are folded into them, and `correlation` counts them in. All roads to the same window give the same bits.

    Attributes
    ----------
    days : how many days the window has.
    observations : (k,) returns of each security in it.
    """

    days: int
    observations: Float64
    _squares: Float64  # with the recent days, but not without those taken off: the bound that keeps sums exact
    _sums: _Sums
    _recent: _Days

    @classmethod
    def of(cls, log_returns: Float64) -> Self:
        """Sum the co-moments of `log_returns` (n, k), NaN where a security has none on a day.

        ValueError for an infinity, or if one security's squared returns sum to 32 or more (`too_large` tells
        whose): then sums would no longer be exact.
        """
        days = _Days.of(log_returns)
        if len(log_returns) >= _MAX_DAYS:
            raise ValueError(f"{len(log_returns)} days are more than can be counted")
        squares = _bounded(np.square(days.returns).sum(axis=0))
        observations = days.present.sum(axis=0, dtype=np.float64)
        return cls(len(log_returns), observations, squares, _Sums.of(days), _Days.of(log_returns[:0]))

    def plus(self, log_returns: Float64) -> "CoMoments":
        """With the days `log_returns` (p, k or more) added. Columns beyond k are securities new to the window.

        A new security has no return on the days before; one with a history needs a refit. ValueError as in `of`, for
        fewer columns, and if the bound is only met without days lately taken off: then a refit will do.
        """
        added = _Days.of(log_returns)
        k = log_returns.shape[1]
        if k < len(self.observations):
            raise ValueError(f"{k} columns are fewer than the {len(self.observations)} securities of the window")
        squares = _bounded(_widened(self._squares, k) + np.square(added.returns).sum(axis=0))
        return self._moved(added, squares, len(log_returns))

    def minus(self, log_returns: Float64) -> "CoMoments":
        """Without the days `log_returns` (p, k), which must be as they were added. ValueError if they cannot be."""
        if log_returns.shape[1] != len(self.observations):
            raise ValueError(f"{log_returns.shape[1]} columns are not the window's {len(self.observations)} securities")
        return self._moved(_Days.of(log_returns, sign=-1.0), self._squares, -len(log_returns))

    def correlation(self, minimum: int = MIN_OBSERVATIONS) -> Float64:
        """Pearson's correlation (k, k) of each pair on its common days: symmetric, in [-1, 1], 1 on the diagonal.

        NaN below `minimum` common days, or if one of the two did not vary on them (deviation below 1e-6 of the mean).
        """
        k = len(self.observations)
        matrix = np.empty((k, k))
        for start in range(0, k, _ROWS):
            at = slice(start, start + _ROWS)
            n, products, sums, squares, other_sums, other_squares = self._sums.of_pairs(at, self._recent)
            variance, is_moving = _scaled_variance(n, sums, squares)
            other_variance, is_other_moving = _scaled_variance(n, other_sums, other_squares)
            shared = n * products
            shared -= sums * other_sums
            is_known = is_moving & is_other_moving & (n >= max(2, minimum))
            variance *= other_variance
            np.sqrt(variance, out=variance)
            rows = np.full(shared.shape, np.nan)
            np.divide(shared, variance, out=rows, where=is_known)
            matrix[at, start:] = np.clip(rows, -1.0, 1.0, out=rows)
            matrix[start:, at] = rows.T
        own = np.diagonal(matrix).copy()
        np.fill_diagonal(matrix, np.where(np.isnan(own), np.nan, 1.0))
        return matrix

    def common_days(self) -> Float64:
        """How many days each pair has in common (k, k), and each security with itself."""
        present = self._recent.present.astype(np.float64)
        return self._sums.counts + (present * self._recent.sign).T @ present

    def _moved(self, moved: _Days, squares: Float64, days: int) -> "CoMoments":
        k = moved.returns.shape[1]
        observations = _widened(self.observations, k) + (moved.present * moved.sign).sum(axis=0)
        if self.days + days < 0 or (observations < 0).any():
            raise ValueError("days that were never added cannot be taken off")
        if self.days + days >= _MAX_DAYS:
            raise ValueError(f"{self.days + days} days are more than can be counted")
        sums, recent = self._sums, self._recent
        if k > len(self.observations):
            sums, recent = sums.widened(k), recent.widened(k)
        recent = recent.and_then(moved)
        if len(recent.sign) > _MAX_RECENT:
            sums, recent = sums.with_days(recent), _Days.of(np.empty((0, k)))
            squares = np.diagonal(sums.products).copy()
        return CoMoments(self.days + days, observations, squares, sums, recent)


def too_large(log_returns: Float64) -> Bools:
    """Mark the columns of `log_returns` (n, k) whose squares sum to 32 or more, so that `CoMoments` refuses them."""
    return np.asarray(np.square(_Days.of(log_returns).returns).sum(axis=0) >= MAX_SQUARES * UNITS**2)


def common_windows(present: Bools) -> tuple[Int64, Int64]:
    """The first and last common day of each pair (k, k), as rows of `present` (n, k); -1 without a common day."""
    backwards = _first_common(present[::-1])
    return _first_common(present), np.where(backwards < 0, -1, len(present) - 1 - backwards)


def _first_common(present: Bools) -> Int64:
    """From the later of the two first days on, whoever is absent moves on to its next day, until none has to."""
    n, k = present.shape
    following = np.full((n + 1, k), n)  # the first row at or after this one on which the security is present
    for row in range(n - 1, -1, -1):
        following[row] = np.where(present[row], row, following[row + 1])
    i, j = np.triu_indices(k)
    at, pairs = np.zeros(len(i), dtype=np.int64), np.arange(len(i))
    while len(pairs):
        moved = np.maximum(following[at[pairs], i[pairs]], following[at[pairs], j[pairs]])
        waits = moved > at[pairs]
        at[pairs] = moved
        pairs = pairs[waits]
    found = np.empty((k, k), dtype=np.int64)
    found[i, j] = found[j, i] = np.where(at < n, at, -1)
    return found


def _scaled_variance(n: Float64, sums: Float64, squares: Float64) -> tuple[Float64, Bools]:
    """n^2 times the variance on common days, and where it is more than rounding."""
    variance = n * squares
    least = variance * _CONSTANT
    variance -= sums * sums
    return variance, variance > least


def _widened(values: Float64, securities: int) -> Float64:
    return np.pad(values, (0, securities - len(values)))


def _bounded(squares: Float64) -> Float64:
    if (squares >= MAX_SQUARES * UNITS**2).any():
        columns = ", ".join(map(str, np.flatnonzero(squares >= MAX_SQUARES * UNITS**2)))
        raise ValueError(f"squared returns sum to {MAX_SQUARES:g} or more in column {columns}")
    return squares
