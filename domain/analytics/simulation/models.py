"""The port of models, and those that draw from a distribution: how log returns of one step are distributed.

A model says what moves are like; what they come to (drift, rebalancing, wealth) is the kernel's. Every model's moves
have mean 0 over time and variance s^2 dt, and the kernel adds the log drift (m - s^2/2) dt, so one security's median is
S exp((m - s^2/2) t) under each of them (of skewed ones nearly), and they differ by shape alone.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from domain.analytics.arrays import Bools, Float32, Float64
from domain.analytics.simulation.lanes import LANES, Lanes

MONTHS = 12


@dataclass(frozen=True, slots=True)
class Moving:
    """The n securities that move: `places` (n,) among those given, `deviation` (n,) of one step's log return, and the
    symmetric `root` (n, n) of their correlation."""

    places: np.ndarray
    deviation: Float64
    root: Float64
    steps_per_year: int

    @property
    def mixing(self) -> Float32:
        """(n, n): independent normals of one step become correlated log returns."""
        return (self.deviation[:, None] * self.root).astype(np.float32)


class Block:
    """LANES paths: the random streams of their moves, and the number of the first one among all."""

    def __init__(self, seed: np.random.SeedSequence, first_path: int) -> None:
        self.lanes = Lanes(seed)
        self.seed = seed
        self.first_path = first_path


def symmetric_root(matrix: Float64) -> Float64:
    """(n, n) R with R R = `matrix`, of its part without negative eigenvalues.

    Unlike Cholesky's it takes a singular matrix, and moves little when the matrix does.
    """
    eigenvalues, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.sqrt(np.maximum(eigenvalues, 0))) @ vectors.T)


class Walk(Protocol):
    """The moves of one block's paths, step after step."""

    def moves(self, steps: int) -> Float32:
        """(steps, n, LANES) log returns of the next steps, without drift; the caller's until the next call."""


class Model(Protocol):
    """How securities move. A value of its parameters; the same one for every block."""

    name: ClassVar[str]
    bridged: ClassVar[bool]
    """Increments are Gaussian, so that what happens between steps is known."""
    drifts: ClassVar[bool]
    """Moves have a drift of their own, so that the inputs' is not added."""

    def walk(self, moving: Moving, block: Block) -> Walk:
        """The walk of the block's paths. ValueError if it cannot be with these securities."""


@dataclass(frozen=True, slots=True)
class Gaussian:
    """Correlated geometric Brownian motion, sampled exactly at each step.

    Source: Glasserman (2003), Monte Carlo Methods in Financial Engineering, 3.2.
    """

    name: ClassVar[str] = "gaussian"
    bridged: ClassVar[bool] = True
    drifts: ClassVar[bool] = False

    def walk(self, moving: Moving, block: Block) -> Walk:
        return _GaussianWalk(moving.mixing, block.lanes)


@dataclass(frozen=True, slots=True)
class StudentT:
    """Multivariate Student's t: normals over one chi-square per step for all securities, scaled to variance s^2 dt.

    `df` is of one step and above 2. The mean of exp(t) does not exist: means of wealth are means of the paths drawn.
    Source: McNeil, Frey and Embrechts (2015), Quantitative Risk Management, 6.2.
    """

    df: float
    name: ClassVar[str] = "student_t"
    bridged: ClassVar[bool] = False
    drifts: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not self.df > 2:
            raise ValueError(f"df must be above 2, where the variance is finite, not {self.df}")

    def walk(self, moving: Moving, block: Block) -> Walk:
        return _StudentWalk(moving.mixing, block, self.df)


@dataclass(frozen=True, slots=True)
class RegimeSwitching:
    """Two regimes of the whole market, calm and crisis, by a Markov chain of months.

    Parameters
    ----------
    stay : probabilities to stay in calm and in crisis for another month.
    mean, deviation : of a month's log return of the market in each, over the market's own deviation, so that over the
        chain's stationary distribution the mean is 0 and the variance 1.
    loading : (n,) correlation of each security with the market; that part of it has the regimes' means.

    A path starts in calm or crisis by the stationary distribution. Source: Hamilton (1989), "A New Approach to the
    Economic Analysis of Nonstationary Time Series and the Business Cycle".
    """

    stay: tuple[float, float]
    mean: tuple[float, float]
    deviation: tuple[float, float]
    loading: Float64
    name: ClassVar[str] = "regime_switching"
    bridged: ClassVar[bool] = False
    drifts: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not all(0 < one < 1 for one in self.stay):
            raise ValueError(f"stay must be probabilities between 0 and 1, not {self.stay}")
        calm = self.calm_share
        mean = calm * self.mean[0] + (1 - calm) * self.mean[1]
        variance = calm * (self.deviation[0] ** 2 + self.mean[0] ** 2)
        variance += (1 - calm) * (self.deviation[1] ** 2 + self.mean[1] ** 2)
        if abs(mean) > 1e-9 or abs(variance - 1) > 1e-9:
            raise ValueError(f"mean and deviation must be of mean 0 and variance 1, not {mean:g} and {variance:g}")

    @property
    def calm_share(self) -> float:
        """The stationary probability of calm."""
        calm, crisis = self.stay
        return (1 - crisis) / (2 - calm - crisis)

    def walk(self, moving: Moving, block: Block) -> Walk:
        if moving.steps_per_year != MONTHS:
            raise ValueError(f"regime_switching has steps of a month, not {moving.steps_per_year} a year")
        return _RegimeWalk(self, moving, block.lanes)


class Buffers:
    """Arrays of (steps, n, LANES) that are written again and again: fresh memory costs more than the numbers in it."""

    def __init__(self) -> None:
        self._arrays: dict[int, Float32] = {}

    def of(self, which: int, *shape: int) -> Float32:
        known = self._arrays.get(which)
        if known is None or len(known) < shape[0]:
            known = self._arrays[which] = np.empty((*shape, LANES), np.float32)
        return known[: shape[0]]


class _GaussianWalk:
    def __init__(self, mixing: Float32, lanes: Lanes) -> None:
        self._mixing, self._lanes, self._buffers = mixing, lanes, Buffers()

    def moves(self, steps: int) -> Float32:
        n = len(self._mixing)
        drawn = self._buffers.of(0, steps, n)
        self._lanes.normals(drawn.reshape(steps * n, LANES))
        return np.matmul(self._mixing, drawn, out=self._buffers.of(1, steps, n))


class _StudentWalk:
    def __init__(self, mixing: Float32, block: Block, df: float) -> None:
        self._gaussian = _GaussianWalk(mixing, block.lanes)
        self._generator = np.random.Generator(np.random.SFC64(block.seed))
        self._df = df

    def moves(self, steps: int) -> Float32:
        moves = self._gaussian.moves(steps)
        gamma = self._generator.standard_gamma(self._df / 2, (steps, 1, LANES), dtype=np.float32)
        moves *= np.sqrt(np.float32((self._df - 2) / 2) / gamma)  # a chi-square is twice a gamma of df / 2
        return moves


class _RegimeWalk:
    def __init__(self, model: RegimeSwitching, moving: Moving, lanes: Lanes) -> None:
        self._lanes = lanes
        self._stay = np.array(model.stay, np.float32)
        calm = model.calm_share
        of_means = calm * model.mean[0] ** 2 + (1 - calm) * model.mean[1] ** 2
        loading = model.loading[moving.places]
        within = moving.root @ moving.root.T - of_means * np.outer(loading, loading)
        mixing = (moving.deviation[:, None] * symmetric_root(within)).astype(np.float32)
        self._gaussian = _GaussianWalk(mixing, lanes)
        # In every regime a security's deviation within it keeps its proportion to the market's.
        self._scale = (np.array(model.deviation) / np.sqrt(1 - of_means)).astype(np.float32)
        self._shift = (moving.deviation * loading)[:, None].astype(np.float32)
        self._mean = np.array(model.mean, np.float32)
        self._crisis: Bools = lanes.uniforms(np.empty((1, LANES), np.float32))[0] >= calm

    def moves(self, steps: int) -> Float32:
        moves = self._gaussian.moves(steps)
        chances = self._lanes.uniforms(np.empty((steps, LANES), np.float32))
        for step, chance in zip(moves, chances, strict=True):
            regime = self._crisis.astype(np.intp)
            step *= self._scale[regime]
            step += self._shift * self._mean[regime]
            self._crisis ^= chance >= self._stay[regime]
        return moves
