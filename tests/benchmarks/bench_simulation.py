"""Speed of the simulation's models as ratios against named alternatives, on one thread, and its memory; one line each.

Ratios travel between machines, seconds do not: all sides run in the same process, alternately, the best of three. The
alternatives take the same 20 securities, 360 steps and 10,240 paths to the same percentiles.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import QuantLib as ql  # noqa: N813 - as its own documentation calls it
from threadpoolctl import threadpool_limits

from domain.analytics.arrays import Float32, Float64
from domain.analytics.simulation.figures import PERCENTILES
from domain.analytics.simulation.history import BlockBootstrap
from domain.analytics.simulation.inputs import Sampling, SimulationInputs, SimulationSpec
from domain.analytics.simulation.models import Gaussian, Model, RegimeSwitching, StudentT
from domain.analytics.simulation.result import simulate

SECURITIES, YEARS, PATHS = 20, 30, 10_240
STEPS = 12 * YEARS
_QUANTLIB_PATHS = 256  # of each security: a ratio needs no more
_CORRELATION = np.asarray(np.corrcoef(np.random.default_rng(0).standard_normal((SECURITIES, 60))))
_DRIFT, _DEVIATION = (0.07 - 0.02) / 12, 0.2 * np.sqrt(1 / 12)


def held() -> SimulationInputs:
    return SimulationInputs(
        values=np.full(SECURITIES, 5_000.0),
        mu_annual=np.full(SECURITIES, 0.07),
        volatility_annual=np.full(SECURITIES, 0.2),
        correlation=_CORRELATION,
        cash=1_000.0,
    )


def models() -> list[Model]:
    rows = np.random.default_rng(1).standard_normal((2_500, SECURITIES)) * 0.05
    calm, crisis = (0.1, 0.8), (-0.4, np.sqrt(5 * (1 - 0.8 * 0.65) - 0.16))
    means, deviations = zip(calm, crisis, strict=True)
    regimes = RegimeSwitching((0.95, 0.8), means, deviations, np.full(SECURITIES, 0.5))
    return [StudentT(5.0), BlockBootstrap(rows, 21, 6.0), regimes]


def kernel_before() -> None:
    """Float32 as numpy writes it: Box and Muller on raw bits, mixing by BLAS, running sums by rows, one exponential."""
    stream = np.random.SFC64(1)
    mixing = (np.linalg.cholesky(_CORRELATION) * _DEVIATION).astype(np.float32)
    weights = np.full(SECURITIES, 5_000 / 101_000, np.float32)
    wealth = np.empty((STEPS, PATHS), np.float32)
    for block in range(0, PATHS, 1_024):
        log_price = np.zeros((SECURITIES, 1_024), np.float32)
        peak, lowest = np.ones((2, 1_024), np.float32)
        for start in range(0, STEPS, 12):
            prices = np.matmul(mixing, _normals(stream, (12, SECURITIES, 1_024))) + np.float32(_DRIFT)
            for row in prices:
                log_price = np.add(row, log_price, out=row)
            log_price = log_price.copy()
            np.exp(prices, out=prices)
            np.matmul(weights, prices, out=wealth[start : start + 12, block : block + 1_024])
            for value in wealth[start : start + 12, block : block + 1_024] + np.float32(0.01):
                peak = np.maximum(peak, value)
                lowest = np.minimum(lowest, value / peak)
    for row in wealth:
        np.sort(row).mean(dtype=np.float64)


def _normals(stream: np.random.SFC64, shape: tuple[int, ...]) -> Float32:
    half = int(np.prod(shape)) // 2
    bits = stream.random_raw(half).view(np.int32).astype(np.float32)
    radius = np.sqrt(-2 * np.log((np.abs(bits[:half]) + 0.5) * np.float32(2.0**-31)))
    angle = bits[half:] * np.float32(np.pi * 2.0**-31)
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)]).reshape(shape)


def full_tensor() -> None:
    """Float64 (paths, steps, securities), the way numpy is usually written."""
    moves = np.random.default_rng(1).standard_normal((PATHS, STEPS, SECURITIES))
    moves = moves @ np.linalg.cholesky(_CORRELATION).T
    moves *= _DEVIATION
    moves += _DRIFT
    np.cumsum(moves, axis=1, out=moves)
    np.exp(moves, out=moves)
    wealth = np.concatenate([np.full((PATHS, 1), 101_000.0), moves.sum(axis=2) * 5_000.0 + 1_000.0], axis=1)
    np.percentile(wealth, PERCENTILES, axis=0)
    (1 - wealth / np.maximum.accumulate(wealth, axis=1)).max(axis=1).mean()


def loop_over_steps() -> None:
    """Float64, one step of all paths at a time."""
    random, mixing = np.random.default_rng(1), np.linalg.cholesky(_CORRELATION).T * _DEVIATION
    log_price, peak, deepest = np.zeros((PATHS, SECURITIES)), np.full(PATHS, 101_000.0), np.zeros(PATHS)
    for _ in range(STEPS):
        log_price += random.standard_normal((PATHS, SECURITIES)) @ mixing + _DRIFT
        wealth: Float64 = np.exp(log_price).sum(axis=1) * 5_000.0 + 1_000.0
        np.percentile(wealth, PERCENTILES)
        np.maximum(peak, wealth, out=peak)
        np.maximum(deepest, 1 - wealth / peak, out=deepest)


def quantlib_paths() -> None:
    """GaussianMultiPathGenerator of Black-Scholes-Merton processes, paths alone."""
    today = ql.Date(1, 1, 2020)
    ql.Settings.instance().evaluationDate = today
    count = ql.Actual365Fixed()
    rate, none = (ql.YieldTermStructureHandle(ql.FlatForward(today, value, count)) for value in (0.07, 0.0))
    volatility = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), 0.2, count))
    one = ql.BlackScholesMertonProcess(ql.QuoteHandle(ql.SimpleQuote(5_000.0)), none, rate, volatility)
    process = ql.StochasticProcessArray([one] * SECURITIES, ql.Matrix(_CORRELATION.tolist()))
    times = [step / 12 for step in range(1, STEPS + 1)]
    sequence = ql.GaussianRandomSequenceGenerator(
        ql.UniformRandomSequenceGenerator(SECURITIES * STEPS, ql.UniformRandomGenerator(1))
    )
    paths = ql.GaussianMultiPathGenerator(process, times, sequence, False)
    for _ in range(_QUANTLIB_PATHS):
        paths.next()


def jax_scan() -> Callable[[], None]:
    """Float32, compiled before it is timed."""
    import jax
    import jax.numpy as jnp

    mixing = jnp.asarray(np.linalg.cholesky(_CORRELATION).T * _DEVIATION, jnp.float32)

    @jax.jit
    def fan(key: object) -> object:
        def step(log_price: object, one: object) -> tuple[object, object]:
            log_price = log_price + jax.random.normal(one, (PATHS, SECURITIES)) @ mixing + _DRIFT
            return log_price, jnp.exp(log_price).sum(axis=1) * 5_000.0 + 1_000.0

        _, wealth = jax.lax.scan(step, jnp.zeros((PATHS, SECURITIES), jnp.float32), jax.random.split(key, STEPS))
        return jnp.percentile(wealth, jnp.asarray(PERCENTILES), axis=1)

    key = jax.random.key(1)
    fan(key).block_until_ready()
    return lambda: fan(key).block_until_ready()


def seconds(run: Callable[[], object]) -> float:
    """Time of the processor, not of the clock: one thread, whatever else runs."""
    start = time.process_time()
    run()
    return time.process_time() - start


def megabytes() -> float:
    """Most memory of a process that simulates 100,000 paths of 360 steps, beyond one that simulates 1,024 of 12."""
    code = (
        "import sys; from tests.benchmarks import bench_simulation as b;"
        "from domain.analytics.simulation.inputs import SimulationSpec as S;"
        "b.simulate(b.held(), b.Gaussian(), S(int(sys.argv[1]), int(sys.argv[2]), 1), workers=2);"
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )
    most, least = (
        float(subprocess.run([sys.executable, "-c", code, *words], check=True, capture_output=True, text=True).stdout)
        / 1024
        for words in (("30", "100000"), ("1", "1024"))
    )
    return most - least


def main() -> None:
    inputs, spec = held(), SimulationSpec(YEARS, PATHS, seed=1)
    ours: dict[str, Callable[[], object]] = {"gaussian": lambda: simulate(inputs, Gaussian(), spec)}
    for model in models():
        ours[model.name] = lambda model=model: simulate(inputs, model, spec)
    sobol = replace(spec, num_paths=8_192, sampling=Sampling.SOBOL)
    ours["gaussian by Sobol, per path"] = lambda: simulate(inputs, Gaussian(), sobol)
    others: dict[str, Callable[[], object]] = {
        "the kernel before (numpy float32)": kernel_before,
        "a float64 tensor": full_tensor,
        "a float64 loop over steps": loop_over_steps,
        "QuantLib's paths": quantlib_paths,
    }
    with threadpool_limits(limits=1):
        if find_spec("jax"):
            others["JAX float32"] = jax_scan()
        else:
            print("simulation against JAX: not measured, as jax is not installed (uv pip install jax)")
        taken = {name: min(seconds(run) for _ in "1234") for name, run in (ours | others).items()}
    taken["QuantLib's paths"] *= PATHS / _QUANTLIB_PATHS
    taken["gaussian by Sobol, per path"] *= PATHS / sobol.num_paths
    base = taken["gaussian"]
    cost = base / (PATHS * STEPS * SECURITIES) * 1e9
    print(
        f"simulation, {PATHS:,} x {STEPS} x {SECURITIES}, one thread, gaussian {cost:.2f} ns per security and step; "
        + "times as long: "
        + ", ".join(f"{name} {one / base:.2f}" for name, one in taken.items() if name != "gaussian")
    )
    print(f"simulation, 100,000 paths of {STEPS} steps, 2 workers: {megabytes():.0f} MB more than one of 1,024 x 12")


if __name__ == "__main__":
    main()
