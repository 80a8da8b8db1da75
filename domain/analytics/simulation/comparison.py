"""Differences of two simulations' figures, with the errors of the differences.

Two simulations of one seed use the same random numbers path by path, so their errors go together and what is left of
them in a difference is small (common random numbers; Glasserman 2003, 4.1). How much they go together is seen in the
paths: a figure's error is the mean of what each path adds to it (its influence function; Hampel 1974). Of a mean that
is the value; of a quantile, the value being below it; of a probability, the event; of an expected shortfall, how far
below the quantile. So with rho the correlation of the two influences over the paths,

    error of the difference = sqrt(a^2 + b^2 - 2 rho a b),  a and b the figures' own errors,

and of second / first - 1 the same with errors as shares of the figures. Of a scenario that changes the size of wealth
that is the one that shrinks: errors of money grow with it, so in a difference the larger one's remains.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np

from domain.analytics.arrays import Float64
from domain.analytics.simulation.figures import Figure

Outcomes = Mapping[str, np.ndarray]
"""Arrays (paths,) by name, of `SimulationResult.outcomes`."""


@dataclass(frozen=True, slots=True)
class FigureDifference:
    """`difference` is the second figure less the first one, `relative` second / first - 1, and `correlation` that of
    their errors."""

    name: str
    first: Figure
    second: Figure
    difference: Figure
    relative: Figure
    correlation: float | None


def differences(
    first: Mapping[str, Figure],
    second: Mapping[str, Figure],
    outcomes: tuple[Outcomes, Outcomes] | None,
) -> list[FigureDifference]:
    """One for each figure that both have; without `outcomes` of the same paths errors are taken as independent."""
    return [_difference(name, first, second, outcomes) for name in first if name in second]


def share_of_drift(figures: Mapping[str, Figure], outcomes: Outcomes) -> Figure:
    """How much of the median is drift: 1 - median without drift / median, with both medians of the same paths."""
    median, without = figures["median"], figures["median_without_drift"]
    if median.value is None or without.value is None or not median.value:
        return Figure(None, reason=without.reason or "the median is nothing")
    share, errors = without.value / median.value, (median.standard_error or 0.0, without.standard_error or 0.0)
    rho = _correlation(*(influence(name, figures, outcomes) for name in ("median", "median_without_drift")))
    return Figure(1 - share, _together(errors[0] * share, errors[1], rho) / abs(median.value))


def influence(name: str, figures: Mapping[str, Figure], outcomes: Outcomes) -> Float64:
    """(paths,) what each path adds to the error of the figure, up to a shift and a scale; zeros of an unknown one."""
    of = _INFLUENCES.get(name)
    value = figures[name].value
    if of is None or value is None:
        return np.zeros(len(outcomes["end"]))
    return np.asarray(of(outcomes, value), np.float64)


def _difference(
    name: str,
    first: Mapping[str, Figure],
    second: Mapping[str, Figure],
    outcomes: tuple[Outcomes, Outcomes] | None,
) -> FigureDifference:
    a, b = first[name], second[name]
    if a.value is None or b.value is None or a.standard_error is None or b.standard_error is None:
        reason = a.reason or b.reason or "one of the two is not known"
        return FigureDifference(name, a, b, Figure(None, reason=reason), Figure(None, reason=reason), None)
    rho = 0.0
    if outcomes is not None:
        rho = _correlation(influence(name, first, outcomes[0]), influence(name, second, outcomes[1]))
    difference = Figure(b.value - a.value, _together(a.standard_error, b.standard_error, rho))
    relative = Figure(None, reason="one of the two is nothing")
    if a.value and b.value:
        shares = _together(a.standard_error / abs(a.value), b.standard_error / abs(b.value), rho)
        relative = Figure(b.value / a.value - 1, abs(b.value / a.value) * shares)
    return FigureDifference(name, a, b, difference, relative, rho if outcomes is not None else None)


def _together(a: float, b: float, rho: float) -> float:
    """The error of a difference."""
    return sqrt(max(a**2 + b**2 - 2 * rho * a * b, 0.0))


def _correlation(a: Float64, b: Float64) -> float:
    # Not products of vectors: BLAS would use threads for them, and give other bits.
    a, b = a - a.mean(), b - b.mean()
    scale = sqrt(float((a * a).sum()) * float((b * b).sum()))
    return float((a * b).sum()) / scale if scale else 0.0


def _below(array: str, share: float) -> Callable[[Outcomes, float], np.ndarray]:
    """Being below the quantile at `share`."""
    return lambda outcomes, _: outcomes[array] <= np.quantile(outcomes[array], share)


def _low(array: str) -> Callable[[Outcomes, float], np.ndarray]:
    """An event that is as likely as the figure says, and befalls the lowest."""
    return lambda outcomes, value: outcomes[array] <= np.quantile(outcomes[array], value, method="lower")


def _shortfall(outcomes: Outcomes, _: float) -> np.ndarray:
    end = outcomes["end"].astype(np.float64)
    return np.asarray(np.minimum(end - np.quantile(end, 0.05), 0.0))


_INFLUENCES: Mapping[str, Callable[[Outcomes, float], np.ndarray]] = {
    "mean": lambda outcomes, _: outcomes["end"].astype(np.float64),
    "median": _below("end", 0.5),
    "real_median": _below("end", 0.5),
    "p5": _below("end", 0.05),
    "p95": _below("end", 0.95),
    "probability_of_loss": _low("end"),
    "probability_of_real_loss": _low("end"),
    "probability_above_goal": lambda outcomes, value: (
        outcomes["end"] >= np.quantile(outcomes["end"], 1 - value, method="higher")
    ),
    "probability_ever_below": _low("lowest"),
    "probability_of_ruin": lambda outcomes, _: outcomes["paid"] == 0,
    "var_95": lambda outcomes, _: -1.0 * (outcomes["end"] <= np.quantile(outcomes["end"], 0.05)),
    "es_95": lambda outcomes, _: -_shortfall(outcomes, 0.0),
    "expected_max_drawdown": lambda outcomes, _: outcomes["depth"].astype(np.float64),
    "share_not_recovered": lambda outcomes, _: np.isinf(outcomes["recovery"]),
    "median_recovery_years": lambda outcomes, _: outcomes["recovery"] <= np.quantile(outcomes["recovery"], 0.5),
    "median_without_drift": _below("without_drift", 0.5),
}
"""Signs matter: a figure rises with its influence, or both of a pair fall."""
