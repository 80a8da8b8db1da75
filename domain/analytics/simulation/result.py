"""The distribution of a portfolio's value at every step, and what it comes to at the horizon."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from math import exp

import numpy as np

from domain.analytics.arrays import Bools, Float32, Float64
from domain.analytics.simulation import figures
from domain.analytics.simulation.figures import PERCENTILES, Figure, Row
from domain.analytics.simulation.history import HistoricalSequences
from domain.analytics.simulation.inputs import Rebalancing, SimulationInputs, SimulationSpec
from domain.analytics.simulation.kernel import Paths, paths_of
from domain.analytics.simulation.models import Model

FLOOR = 0.7
"""A share of today's value: below it a value is told to be "ever below", unless a floor is asked for."""


@dataclass(frozen=True, slots=True)
class SharesOfTheEnd:
    """By security, in the inputs' order: (n,) mean value at the end in money, and share of the end's variance, each
    with its standard error; 0 for what is not held."""

    wealth: Float64
    wealth_errors: Float64
    risk: Float64
    risk_errors: Float64


@dataclass(frozen=True)
class SimulationResult:
    """The distribution of the portfolio's value, in base currency, at every step; step 0 is today, exactly.

    Attributes
    ----------
    times_years : (steps + 1,)
    fan, fan_errors : (steps + 1, 7) value at each of `PERCENTILES`, never decreasing along a row, and standard errors.
    mean, mean_errors, probability_of_loss, loss_errors : (steps + 1,) mean value, and share of paths strictly below
        today's value.
    deflator : (steps + 1,) what one unit of money buys, of today's; None where no inflation is known.
    figures : at the horizon, by name; money is nominal unless the name says real:
        mean, median, p5, p95, real_median, probability_of_loss, probability_of_real_loss,
        probability_ever_below (the floor), probability_above_goal, probability_of_ruin (a withdrawal not paid in full);
        var_95, es_95 (money lost against today, null where none is); expected_max_drawdown (a positive fraction);
        median_recovery_years and share_not_recovered of the deepest fall; median_without_drift (mean drifts 0).
    is_bridged : whether falls and "ever below" are corrected for what happens between steps, or seen at the steps.
    contributions : of each security; None where weights are kept or money is taken out.
    sample_paths : (k, steps + 1) single paths whose final values lie at `sample_percentiles` (k,), evenly spaced from
        50/k to 100 - 50/k; k is at most num_paths.
    outcomes : (paths,) by name what each path came to, over today's value: its end and lowest value, its end had there
        been no drift, the depth of its deepest fall, years to recover from it, and 1 where all withdrawals were paid.
    psd_distance : how far the correlation was moved (0: not at all).
    separate : how many of the paths count as independent.
    """

    times_years: Float64
    fan: Float64
    fan_errors: Float64
    mean: Float64
    mean_errors: Float64
    probability_of_loss: Float64
    loss_errors: Float64
    deflator: Float64 | None
    figures: dict[str, Figure]
    is_bridged: bool
    contributions: SharesOfTheEnd | None
    sample_paths: Float64
    sample_percentiles: Float64
    outcomes: dict[str, Float32]
    psd_distance: float
    num_paths: int
    separate: float


def simulate(
    inputs: SimulationInputs,
    model: Model,
    spec: SimulationSpec,
    *,
    workers: int = 1,
    on_block: Callable[[int, int], None] | None = None,
) -> SimulationResult:
    """The simulated distribution of the portfolio's value; the same bits for any number of workers.

    Parameters
    ----------
    workers : threads to use, at least 1; numpy releases the interpreter lock.
    on_block : called in the caller's thread with (blocks done, blocks in all); what it raises ends the simulation.

    Of `historical_sequences` there are as many paths as the series has windows. ValueError: as in `kernel.paths_of`,
    or a series without a window.
    """
    separate: float | None = None
    if isinstance(model, HistoricalSequences):
        windows = model.windows(spec.steps)
        if windows < 1:
            raise ValueError(f"the series has no {spec.horizon_years} years")
        spec, separate = replace(spec, num_paths=windows), min(windows, model.separate(spec.steps))
    paths = paths_of(inputs, model, spec, workers, on_block)
    with ThreadPoolExecutor(max(1, workers)) as pool:
        rows = list(pool.map(lambda row: Row.of(row, separate), paths.moving))
    if paths.scrambled is not None:
        rows[-1] = _scrambled(rows[-1], paths.scrambled)
    return _result(inputs, model, spec, paths, rows, separate)


def _scrambled(row: Row, scrambled: Float32) -> Row:
    """The row at the end, its errors as other scramblings' figures spread."""
    others = [Row.of(values) for values in scrambled]

    def spread(name: str) -> Float64:
        return np.asarray(np.std([getattr(one, name) for one in others], axis=0, ddof=1))

    return replace(
        row,
        errors=spread("percentiles"),
        mean_error=float(spread("mean")),
        tail_error=float(spread("tail_mean")),
    )


def _result(
    inputs: SimulationInputs,
    model: Model,
    spec: SimulationSpec,
    paths: Paths,
    rows: list[Row],
    separate: float | None,
) -> SimulationResult:
    count, initial = spec.num_paths, paths.initial

    def money(shares: Float64 | Float32) -> Float64:
        """Add what is steady to what moves, under a first row that is today's value as it is."""
        later = initial * (shares + paths.steady[1:, None])
        return np.vstack([np.full(shares.shape[1], initial), later])

    def errors(of_rows: list[float]) -> Float64:
        return initial * np.array([0.0, *of_rows])

    fan = money(np.array([row.percentiles for row in rows]))
    mean = money(np.array([[row.mean] for row in rows]))[:, 0]
    tail = float(initial * (rows[-1].tail_mean + paths.steady[-1]))
    losses = [
        int(np.count_nonzero(row < 1 - float(steady)))
        for row, steady in zip(paths.moving, paths.steady[1:], strict=True)
    ]
    shares = [figures.share(0, 1), *(figures.share(lost, count, separate) for lost in losses[:-1])]
    shares.append(_ends(paths, separate, lambda end: end < 1 - float(paths.steady[-1])))
    fan_errors = np.vstack([np.zeros(len(PERCENTILES)), initial * np.array([row.errors for row in rows])])
    sample_percentiles, chosen = _sample(paths.moving[-1], min(spec.sample_paths, count))
    deflator = None if spec.inflation_annual is None else np.exp(-spec.inflation_annual * spec.times_years)
    at_end = {
        "mean": Figure(float(mean[-1]), initial * rows[-1].mean_error),
        **{
            name: Figure(float(fan[-1, place]), float(fan_errors[-1, place]))
            for name, place in (("median", 3), ("p5", 0), ("p95", 6))
        },
        "probability_of_loss": shares[-1],
        "var_95": _loss(initial - float(fan[-1, 0]), float(fan_errors[-1, 0])),
        "es_95": _loss(initial - tail, initial * rows[-1].tail_error),
    }
    return SimulationResult(
        times_years=spec.times_years,
        fan=fan,
        fan_errors=fan_errors,
        mean=mean,
        mean_errors=errors([row.mean_error for row in rows]),
        probability_of_loss=np.array([one.value for one in shares]),
        loss_errors=np.array([one.standard_error for one in shares]),
        deflator=deflator,
        figures={**at_end, **_of_paths(paths, model, spec, at_end["median"], separate)},
        is_bridged=model.bridged,
        contributions=_contributions(inputs, paths, spec),
        sample_paths=money(paths.moving[:, chosen]).T,
        sample_percentiles=sample_percentiles,
        outcomes=_outcomes(paths),
        psd_distance=paths.psd_distance,
        num_paths=count,
        separate=separate or count,
    )


def _outcomes(paths: Paths) -> dict[str, Float32]:
    return {
        "end": paths.moving[-1] + np.float32(paths.steady[-1]),
        "without_drift": paths.without_drift,
        "lowest": paths.falls.lowest,
        "depth": paths.falls.depth,
        "recovery": paths.falls.recovery,
        "paid": paths.paid.astype(np.float32),
    }


def _of_paths(
    paths: Paths, model: Model, spec: SimulationSpec, median: Figure, separate: float | None
) -> dict[str, Figure]:
    count, initial, falls = spec.num_paths, paths.initial, paths.falls

    def share(happened: np.ndarray) -> Figure:
        return figures.share(int(np.count_nonzero(happened)), count, separate)

    steady = float(paths.steady[-1])
    floor = FLOOR if spec.floor is None else spec.floor / initial
    lasting = np.isinf(falls.recovery)
    found = {
        "probability_ever_below": share(falls.lowest < floor),
        "expected_max_drawdown": figures.mean(falls.depth, separate),
        "share_not_recovered": share(lasting),
        "median_recovery_years": Figure(None, reason="about half of the paths or more have not recovered by then"),
        "median_without_drift": Figure(None, reason="the series' own returns are simulated, with their drift in them"),
        "probability_above_goal": Figure(None, reason="no goal was given"),
        "probability_of_ruin": Figure(None, reason="nothing is withdrawn"),
        "real_median": Figure(None, reason="no inflation is known for the base currency"),
        "probability_of_real_loss": Figure(None, reason="no inflation is known for the base currency"),
    }
    if np.count_nonzero(lasting) / count < 0.5 - 1 / np.sqrt(separate or count):
        found["median_recovery_years"] = figures.median(falls.recovery, separate)
    if spec.withdrawal:
        found["probability_of_ruin"] = share(~paths.paid)
        found["median_without_drift"] = Figure(None, reason="money is taken out, which drift has paid for")
    elif not model.drifts:
        found["median_without_drift"] = figures.median(paths.without_drift, separate).scaled(initial)
    if spec.goal is not None:
        goal = spec.goal / initial - steady
        found["probability_above_goal"] = _ends(paths, separate, lambda end: end >= goal)
    if spec.inflation_annual is not None:
        deflator = exp(-spec.inflation_annual * spec.horizon_years)
        found["real_median"] = median.scaled(deflator)
        unchanged = 1 / deflator - steady
        found["probability_of_real_loss"] = _ends(paths, separate, lambda end: end < unchanged)
    return found


def _ends(paths: Paths, separate: float | None, is_so: Callable[[Float32], Bools]) -> Figure:
    """How likely it `is_so` of what moves at the end."""
    end = paths.moving[-1]
    found = figures.share(int(np.count_nonzero(is_so(end))), len(end), separate)
    if paths.scrambled is None:
        return found
    others = np.count_nonzero(is_so(paths.scrambled), axis=1) / len(end)
    return replace(found, standard_error=float(others.std(ddof=1)))


def _loss(loss: float, standard_error: float) -> Figure:
    if loss <= 0:
        return Figure(None, reason="even the worst 5 % of paths end above today's value")
    return Figure(loss, standard_error)


def _sample(end: Float32, count: int) -> tuple[Float64, np.ndarray]:
    """(k,) percentiles, evenly spaced, and the paths that end there."""
    percentiles = 100 * (np.arange(count) + 0.5) / max(1, count)
    ranks = np.rint(percentiles / 100 * (len(end) - 1)).astype(int)
    return percentiles, np.argsort(end, kind="stable")[ranks]


def _contributions(inputs: SimulationInputs, paths: Paths, spec: SimulationSpec) -> SharesOfTheEnd | None:
    if spec.rebalancing is not Rebalancing.NONE or spec.withdrawal:
        return None
    n = len(inputs.values)
    grown = inputs.values * (1 if inputs.shock is None else 1 + inputs.shock)
    held = inputs.values != 0
    wealth, wealth_errors, risk, risk_errors = np.zeros((4, n))
    wealth[held] = (grown * np.exp(inputs.mu_annual * spec.horizon_years))[held]
    for place, end in zip(paths.places, paths.ends, strict=True):
        one = figures.mean(end).scaled(paths.initial)
        wealth[place], wealth_errors[place] = one.value, one.standard_error
    risk[paths.places], risk_errors[paths.places] = figures.shares_of_variance(paths.ends)
    return SharesOfTheEnd(wealth, wealth_errors, risk, risk_errors)
