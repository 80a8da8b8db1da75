"""Correlated geometric Brownian motion of a portfolio that is bought and held, in equal steps.

Each security follows dS/S = m dt + s dW, so S(t) = S(0) exp((m - s^2/2) t + s W(t)), sampled exactly at every step; the
W are correlated. Here: the model, its random numbers and the statistics of its paths. Not here: where drifts,
volatilities and correlations come from, and where the result is kept.

Same inputs, seed, code and machine type give the same bits for any number of workers: paths come in fixed blocks of
1,024, each with its own random stream and one BLAS thread, as float32 matrix products change bits with their shape.

Measured 2026-11 on two cores, 20 securities, ns per security and step on one core. Normals: numpy's float32 ziggurat
7.3, Box-Muller on raw SFC64 bits 2.3 (numpy's float32 log, sin and cos are SIMD; all in place it is 2.1). Mixing by
(n, n) @ (n, 1024) 0.5, with paths first 0.6. Exponential 0.45; running sum by rows 0.13, np.cumsum 12; weights @ prices
0.1. Percentiles of one row of 10,000: np.sort 146 us, np.partition 220, np.percentile 263.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from domain.analytics.arrays import Float32, Float64
from domain.analytics.estimates.correlation import nearest_correlation

PERCENTILES = (5, 10, 25, 50, 75, 90, 95)
_BLOCK_PATHS = 1024
_CHUNK_ROWS = 256  # rows of 1,024 normals drawn at once: 1 MB stays in the second-level cache
_MAX_LOG_GROWTH = 80.0  # float32 ends at exp(88)
_BOUNDS = {"horizon_years": (1, 30), "num_paths": (1, 100_000), "sample_paths": (0, 50), "steps_per_year": (1, 252)}


@dataclass(frozen=True, slots=True)
class GbmInputs:
    """Holdings and how they are assumed to move: n securities, in one base currency.

    Parameters
    ----------
    values : (n,) market value today, >= 0. A security without value is left out, whatever its other numbers.
    mu_annual : (n,) arithmetic drift m of dS/S per year, 0.07 is 7 %; the variance is taken off here, once.
    volatility_annual : (n,) standard deviation s of log returns per year, >= 0; 0 is exact growth exp(m t).
    correlation : (n, n) of log returns; read only between securities with a value and a volatility.
    cash : money that earns nothing and does not move; negative when overdrawn.

    ValueError names the array with a wrong shape, a negative number, or a NaN that would be used.
    """

    values: Float64
    mu_annual: Float64
    volatility_annual: Float64
    correlation: Float64
    cash: float = 0.0

    def __post_init__(self) -> None:
        n = len(self.values)
        held = self.values != 0
        for name in ("values", "mu_annual", "volatility_annual"):
            array = getattr(self, name)
            if array.shape != (n,):
                raise ValueError(f"{name} must have shape ({n},), not {array.shape}")
            if not np.isfinite(array[held]).all():
                raise ValueError(f"{name} must be finite for every security with a value")
            if name != "mu_annual" and (array[held] < 0).any():
                raise ValueError(f"{name} must not be negative")
        if self.correlation.shape != (n, n):
            raise ValueError(f"correlation must have shape ({n}, {n}), not {self.correlation.shape}")
        if not np.isfinite(self.cash) or (self.cash < 0 and self.cash + self.values.sum() <= 0):
            raise ValueError("cash must be finite, and not overdrawn by all that the securities are worth")


@dataclass(frozen=True, slots=True)
class SimulationSpec:
    """How far, how often and from which seed; the paths take 4 bytes x horizon x steps_per_year x num_paths."""

    horizon_years: int
    num_paths: int
    seed: int
    sample_paths: int = 10
    steps_per_year: int = 12

    def __post_init__(self) -> None:
        for name, (low, high) in _BOUNDS.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must be from {low} to {high}, not {getattr(self, name)}")
        if self.seed < 0:
            raise ValueError(f"seed must not be negative, but is {self.seed}")


@dataclass(frozen=True)
class SimulationResult:
    """The distribution of the portfolio's value, in base currency, at every step; step 0 is today, exactly.

    Attributes
    ----------
    times_years : (steps + 1,)
    fan : (steps + 1, 7) value at each of `percentiles` (linear, type 7), never decreasing along a row.
    mean, probability_of_loss : (steps + 1,) mean value, and share of paths strictly below today's value.
    metrics : at the horizon `mean`, `median`, `p5`, `p95`, `probability_of_loss`; `var_95` and `es_95`, money lost
        against today, positive for a loss (negative if even the worst 5 % gain), es_95 >= var_95;
        `expected_max_drawdown`, mean over paths of the deepest fall from the running peak, a positive fraction seen at
        the steps only; `psd_distance`, how far the correlation was moved (0: not at all).
    sample_paths : (k, steps + 1) single paths whose final values lie at `sample_percentiles` (k,), evenly spaced from
        50/k to 100 - 50/k; k is at most num_paths.
    """

    times_years: Float64
    fan: Float64
    mean: Float64
    probability_of_loss: Float64
    metrics: dict[str, float]
    sample_paths: Float64
    sample_percentiles: Float64
    percentiles: tuple[int, ...] = PERCENTILES


def simulate(
    inputs: GbmInputs, spec: SimulationSpec, *, workers: int = 1, on_block: Callable[[int, int], None] | None = None
) -> SimulationResult:
    """The simulated distribution of the portfolio's value; the same bits for any number of workers.

    Parameters
    ----------
    workers : threads to use, at least 1; numpy releases the interpreter lock.
    on_block : called in the caller's thread with (blocks done, blocks in all); what it raises ends the simulation.

    One simulation at a time in a process: the BLAS limit is the process's, and whoever ends first lifts it.
    ValueError: fewer than one worker, no correlation matrix, or growth that may pass exp(80) within six standard
    deviations, where float32 ends. Source: Glasserman (2003), Monte Carlo Methods in Financial Engineering, 3.2 (exact
    steps of GBM); Box and Muller (1958); Hyndman and Fan (1996), type 7.
    """
    if workers < 1:
        raise ValueError(f"workers must be at least 1, not {workers}")
    times = np.arange(spec.horizon_years * spec.steps_per_year + 1) / spec.steps_per_year
    blocks = -(-spec.num_paths // _BLOCK_PATHS)
    streams = np.random.SeedSequence(spec.seed).spawn(blocks)
    # Whole blocks only: the last one is computed like any other, and its paths beyond num_paths are not looked at.
    moving = np.empty((len(times) - 1, blocks * _BLOCK_PATHS), np.float32)

    # The limit is set once around all blocks, not by each thread.
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(workers) as pool:
        model = _Model.of(inputs, times)

        def walk(block: int) -> Float32:
            start = block * _BLOCK_PATHS
            return model.walk(np.random.SFC64(streams[block]), moving[:, start : start + _BLOCK_PATHS])

        lowest = []
        for done, low in enumerate(pool.map(walk, range(blocks)), start=1):
            lowest.append(low)
            if on_block:
                on_block(done, blocks)
        moving = moving[:, : spec.num_paths]
        statistics = np.array(list(pool.map(_statistics, moving)))

    drawdown = 1 - float(np.concatenate(lowest)[: spec.num_paths].mean(dtype=np.float64))
    return _result(model, spec, times, moving, statistics, drawdown)


@dataclass(frozen=True, slots=True)
class _Model:
    """The portfolio as shares of its value today, `initial`.

    `steady` (steps + 1,) is cash and securities without volatility, exact in float64. The other n securities have
    `weights` (n,), a log `drift` per step (n, 1), and a `mixing` (n, n) of one step's independent normals.
    """

    initial: float
    steady: Float64
    weights: Float32
    drift: Float32
    mixing: Float32
    psd_distance: float

    @classmethod
    def of(cls, inputs: GbmInputs, times: Float64) -> "_Model":
        held = np.flatnonzero(inputs.values)
        values, mu, vol = inputs.values[held], inputs.mu_annual[held], inputs.volatility_annual[held]
        log_drift = mu - vol**2 / 2
        reach = np.outer(times, log_drift) + 6 * np.outer(np.sqrt(times), vol)
        if reach.max(initial=0.0) > _MAX_LOG_GROWTH:
            raise ValueError("mu_annual or volatility_annual is too large for this horizon: growth may pass exp(80)")
        moves = vol > 0
        steady = inputs.cash + (values * np.exp(np.outer(times, mu)))[:, ~moves].sum(axis=1)
        initial = float(steady[0] + values[moves].sum())
        correlation, distance = nearest_correlation(inputs.correlation[np.ix_(held[moves], held[moves])])
        # The symmetric root, unlike Cholesky's, takes a singular matrix, and moves little when the matrix does.
        eigenvalues, vectors = np.linalg.eigh(correlation)
        root = (vectors * np.sqrt(np.maximum(eigenvalues, 0))) @ vectors.T
        return cls(
            initial=initial,
            steady=steady / initial if initial else np.ones_like(steady),
            weights=(values[moves] / (initial or 1.0)).astype(np.float32),
            drift=(log_drift[moves, None] * times[1]).astype(np.float32),
            mixing=(vol[moves, None] * np.sqrt(times[1]) * root).astype(np.float32),
            psd_distance=distance,
        )

    def walk(self, stream: np.random.SFC64, wealth: Float32) -> Float32:
        """Fill `wealth` (steps, 1024) with what moves; (1024,) lowest ratio of each whole path to its peak so far."""
        steps, n = len(wealth), len(self.weights)
        steady = self.steady.astype(np.float32)[1:, None]
        log_price = np.zeros((n, _BLOCK_PATHS), np.float32)
        peak, lowest = np.ones((2, _BLOCK_PATHS), np.float32)
        chunk = max(1, _CHUNK_ROWS // max(1, n))
        for start in range(0, steps, chunk):
            now = slice(start, min(start + chunk, steps))
            prices = np.matmul(self.mixing, _normals(stream, (now.stop - start, n, _BLOCK_PATHS)))
            prices += self.drift
            log_price = _accumulate(np.add, prices, log_price)
            np.exp(prices, out=prices)
            np.matmul(self.weights, prices, out=wealth[now])
            value = wealth[now] + steady[now]
            peaks = value.copy()
            peak = _accumulate(np.maximum, peaks, peak)
            lowest = np.minimum(lowest, (value / peaks).min(axis=0))
        return lowest


def _accumulate(ufunc: np.ufunc, rows: Float32, before: Float32) -> Float32:
    """Accumulate `rows` downwards in place, from `before` on; a copy of the last. 90 times ufunc.accumulate's speed."""
    for row in rows:
        ufunc(row, before, out=row)
        before = row
    return before.copy()


def _normals(stream: np.random.SFC64, shape: tuple[int, ...]) -> Float32:
    """Independent standard normals (an even number), by Box and Muller, out to 6.6 standard deviations."""
    half = int(np.prod(shape)) // 2
    bits = stream.random_raw(half).view(np.int32).astype(np.float32)
    radius = np.sqrt(-2 * np.log((np.abs(bits[:half]) + 0.5) * 2.0**-31))  # the half keeps the logarithm finite
    angle = bits[half:] * (np.pi * 2.0**-31)
    normals = np.empty((2, half), np.float32)
    np.multiply(radius, np.cos(angle), out=normals[0])
    np.multiply(radius, np.sin(angle), out=normals[1])
    return normals.reshape(shape)


def _statistics(row: Float32) -> Float64:
    """(9,): the percentiles of `row` (paths,), its mean, and the mean of its lowest 5 %."""
    rank = np.asarray(PERCENTILES) / 100 * (len(row) - 1)
    low = np.floor(rank).astype(int)
    ordered = np.sort(row)
    at_low = ordered[low].astype(np.float64)
    percentiles = at_low + (rank - low) * (ordered[np.minimum(low + 1, len(row) - 1)] - at_low)
    return np.array([*percentiles, row.mean(dtype=np.float64), ordered[: low[0] + 1].mean(dtype=np.float64)])


def _result(
    model: _Model, spec: SimulationSpec, times: Float64, moving: Float32, statistics: Float64, drawdown: float
) -> SimulationResult:
    """Money out of shares: what moves plus what is steady, under a first row that is today's value as it is."""

    def money(shares: Float64 | Float32) -> Float64:
        later = model.initial * (shares + model.steady[1:, None])
        return np.vstack([np.full(shares.shape[1], model.initial), later])

    fan, mean, tail = np.split(money(statistics), [7, 8], axis=1)
    losses = [np.count_nonzero(row < 1 - float(steady)) for row, steady in zip(moving, model.steady[1:], strict=True)]
    probability_of_loss = np.array([0, *losses]) / spec.num_paths
    metrics = {
        "mean": float(mean[-1, 0]),
        "median": float(fan[-1, 3]),
        "p5": float(fan[-1, 0]),
        "p95": float(fan[-1, 6]),
        "probability_of_loss": float(probability_of_loss[-1]),
        "expected_max_drawdown": drawdown,
        "var_95": model.initial - float(fan[-1, 0]),
        "es_95": model.initial - float(tail[-1, 0]),
        "psd_distance": model.psd_distance,
    }
    count = min(spec.sample_paths, spec.num_paths)
    percentiles = 100 * (np.arange(count) + 0.5) / max(1, count)
    ranks = np.rint(percentiles / 100 * (spec.num_paths - 1)).astype(int)
    chosen = np.argsort(moving[-1], kind="stable")[ranks]
    sample_paths = money(moving[:, chosen]).T
    return SimulationResult(times, fan, mean[:, 0], probability_of_loss, metrics, sample_paths, percentiles)
