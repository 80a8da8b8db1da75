"""Where paths end by scrambled Sobol points, and how a walk is made to end there.

Of log prices only the ends need to be even: their n normals are the points' n dimensions, most important first (the
principal components of what each security's end adds to the portfolio's variance). A path to a given end is a Brownian
bridge: plain moves, with the difference to the end spread evenly over the steps. What a path does not know of its drift
is part of its end's variance, and of nothing else.

Source: Glasserman (2003), Monte Carlo Methods in Financial Engineering, 5.5 and 5.2 (scrambling, Owen 1995); for a
random walk's bridge 3.1.
"""

from dataclasses import dataclass

import numpy as np

from domain.analytics.arrays import Float32, Float64
from domain.analytics.simulation.lanes import LANES
from domain.analytics.simulation.models import Walk

SCRAMBLINGS = 16
"""So many repetitions, each scrambled on its own, say how far a figure is from the truth."""


@dataclass(frozen=True, slots=True)
class Ends:
    """The distribution of the sum of all moves: `factor` (n, n) times independent normals, of falling weight."""

    factor: Float64

    @classmethod
    def of(cls, covariance: Float64, importance: Float64) -> "Ends":
        """`covariance` (n, n) of the sums, and `importance` (n,) of each security's: its expected value at the end."""
        scale = np.maximum(importance, importance.max(initial=0.0) * 1e-6 + 1e-300)
        eigenvalues, vectors = np.linalg.eigh(covariance * np.outer(scale, scale))
        factor = vectors[:, ::-1] * np.sqrt(np.maximum(eigenvalues[::-1], 0))
        return cls(factor / scale[:, None])

    def drawn(self, seed: int, scrambling: int, count: int) -> Float32:
        """(n, count) sums of moves; `count` is a power of two."""
        from scipy.special import ndtri  # half a second to import, for who asks for it
        from scipy.stats.qmc import Sobol

        n = len(self.factor)
        if not n:
            return np.zeros((0, count), np.float32)
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2**32 - 1, scrambling)))
        points = Sobol(n, scramble=True, rng=rng).random(count)
        normals = ndtri(points + 2.0**-31)  # points are multiples of 2^-30 from 0 on
        return np.asarray((normals @ self.factor.T).T, np.float32)


class Pinned:
    """A walk that ends where it should: `walk` and its twin `ahead` draw the same moves; `ends` (n, LANES) is what the
    moves after the first `opened` come to after `steps`."""

    def __init__(self, walk: Walk, ahead: Walk, ends: Float32, opened: int, steps: int, chunk: int) -> None:
        self._walk = walk
        total = np.zeros(ends.shape, np.float64)
        for start in range(0, steps, chunk):
            moves = ahead.moves(min(chunk, steps - start))
            total += moves[max(0, opened - start) :].sum(axis=0, dtype=np.float64)
        self._missing = ((ends - total) / max(1, steps - opened)).astype(np.float32)

    def moves(self, steps: int) -> Float32:
        moves = self._walk.moves(steps)
        moves += self._missing
        return moves


def of_block(points: Float32, block: int) -> Float32:
    """(n, LANES) ends of one block's paths; a simulation of fewer paths than a block repeats them."""
    places = (block * LANES + np.arange(LANES)) % points.shape[1]
    return points[:, places]
