"""How much faster the simulation is than plain numpy, and how much memory it needs besides its result; one line.

Ratios travel between machines, seconds do not: both sides run in the same process, alternately, best of three.
"""

import time
import tracemalloc
from collections.abc import Callable

import numpy as np

from domain.analytics.arrays import Float64
from domain.analytics.simulation import PERCENTILES, GbmInputs, SimulationSpec, simulate

SECURITIES, YEARS, PATHS = 20, 30, 10_000
STEPS = 12 * YEARS


def held() -> GbmInputs:
    correlation = np.asarray(np.corrcoef(np.random.default_rng(0).standard_normal((SECURITIES, 60))))
    return GbmInputs(
        values=np.full(SECURITIES, 5_000.0),
        mu_annual=np.full(SECURITIES, 0.07),
        volatility_annual=np.full(SECURITIES, 0.2),
        correlation=correlation,
        cash=1_000.0,
    )


def full_tensor(inputs: GbmInputs, paths: int) -> tuple[Float64, Float64, Float64, float]:
    """The same statistics from a float64 (paths, steps, securities) tensor, the way numpy is usually written."""
    moves = np.random.default_rng(1).standard_normal((paths, STEPS, SECURITIES))
    moves = moves @ np.linalg.cholesky(inputs.correlation).T
    moves *= inputs.volatility_annual * np.sqrt(1 / 12)
    moves += (inputs.mu_annual - inputs.volatility_annual**2 / 2) / 12
    np.cumsum(moves, axis=1, out=moves)
    np.exp(moves, out=moves)
    initial = inputs.values.sum() + inputs.cash
    wealth = np.concatenate([np.full((paths, 1), initial), moves @ inputs.values + inputs.cash], axis=1)
    fan = np.percentile(wealth, PERCENTILES, axis=0).T
    drawdown = (1 - wealth / np.maximum.accumulate(wealth, axis=1)).max(axis=1).mean()
    return fan, wealth.mean(axis=0), (wealth < initial).mean(axis=0), float(drawdown)


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def working_megabytes(paths: int) -> float:
    """Peak of what numpy and Python allocate, less the (steps, whole blocks of 1,024 paths) float32 matrix."""
    inputs, spec = held(), SimulationSpec(YEARS, paths, seed=1)
    tracemalloc.start()
    simulate(inputs, spec, workers=2)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (peak - 4 * STEPS * -(-paths // 1024) * 1024) / 1e6


def main() -> None:
    inputs, spec = held(), SimulationSpec(YEARS, PATHS, seed=1)
    simulate(inputs, SimulationSpec(1, 1_024, seed=1), workers=2)
    ours, plain = zip(
        *(
            (seconds(lambda: simulate(inputs, spec, workers=2)), seconds(lambda: full_tensor(inputs, PATHS)))
            for _ in "123"
        ),
        strict=True,
    )
    print(
        f"simulate {PATHS:,} x {STEPS} x {SECURITIES}, 2 workers: {min(plain) / min(ours):.1f} times a float64 tensor "
        f"({min(ours):.3f} s against {min(plain):.3f} s); memory besides the result: "
        f"{working_megabytes(10_000):.1f} MB at 10,000 paths, {working_megabytes(50_000):.1f} MB at 50,000"
    )


if __name__ == "__main__":
    main()
