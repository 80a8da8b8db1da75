"""The simulation's paths against closed forms and published option prices, within three standard errors."""

from functools import lru_cache
from math import exp, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np

from domain.analytics.risk.value_at_risk import normal_tail
from domain.analytics.simulation.inputs import SimulationInputs, SimulationSpec
from domain.analytics.simulation.kernel import paths_of
from domain.analytics.simulation.models import Gaussian
from tests.yardsticks.cases import Case
from tests.yardsticks.judging import Near, Yardstick

N_BLOCKS = 97
_NORMAL = NormalDist()


def final_values(given: SimulationInputs, years: int, blocks: int, seed: int) -> np.ndarray:
    """Every path's last value, (1024 x blocks,), one step a year: the result itself keeps only their distribution."""
    spec = SimulationSpec(years, 1024 * blocks, seed, steps_per_year=1)
    paths = paths_of(given, Gaussian(), spec)
    return paths.initial * (paths.steady[-1] + paths.moving[-1].astype(np.float64))


def _ends(value: float, drift: float, volatility: float, seed: int) -> np.ndarray:
    """Final values of one security after one step, whose drift and volatility are those of the whole time."""
    return value * _growth(drift, volatility, seed)


@lru_cache(maxsize=16)
def _growth(drift: float, volatility: float, seed: int) -> np.ndarray:
    """The same of a value of 1: published options differ in their strikes more than in what they are written on."""
    given = SimulationInputs(np.ones(1), np.array([drift]), np.array([volatility]), np.eye(1), 0.0)
    return final_values(given, 1, N_BLOCKS, seed)


def _of_mean(sample: np.ndarray) -> Near:
    return Near(float(sample.mean()), float(sample.std(ddof=1) / sqrt(len(sample))))


def _option(case: Case) -> dict[str, Any]:
    asked = case.inputs
    years, rate = asked["T"], asked["rate"]
    drift = (rate - asked.get("dividend_yield", 0)) * years
    ends = _ends(asked["spot"], drift, asked["vol"] * sqrt(years), seed=3)
    payoffs = exp(-rate * years) * np.maximum((1 if asked["type"] == "call" else -1) * (ends - asked["strike"]), 0)
    # The forward is known: what the paths miss of it, the payoffs miss in proportion.
    slope = np.cov(payoffs, ends)[0, 1] / ends.var(ddof=1)
    return {"price": _of_mean(payoffs - slope * (ends - asked["spot"] * exp(drift)))}


def _terminal(case: Case) -> dict[str, Any]:
    asked = case.inputs
    start, years = asked["S0"], asked["T"]
    deviation = asked["sigma"] * sqrt(years)
    ends = _ends(start, asked["mu_continuous"] * years, deviation, seed=12)
    n, spread = len(ends), (ends - ends.mean()) ** 2

    def quantile(p: float) -> Near:
        found = float(np.quantile(ends, p))
        density = _NORMAL.pdf(_NORMAL.inv_cdf(p)) / (found * deviation)
        return Near(found, sqrt(p * (1 - p) / n) / density)

    least, p_loss = quantile(0.05), float((ends < start).mean())
    shortfall = float(start - ends[ends <= least.value].mean())
    beyond = shortfall - (start - least.value)
    return {
        "mean": _of_mean(ends),
        "median": quantile(0.5),
        "stdev": Near(float(ends.std(ddof=1)), float(spread.std() / sqrt(n) / 2 / ends.std())),
        "quantiles": {text: quantile(float(text)) for text in case.expected.get("quantiles", {})},
        "prob_loss": Near(p_loss, sqrt(p_loss * (1 - p_loss) / n)),
        "var95": Near(start - least.value, least.standard_error),
        # Variance of a tail mean: (tail variance + (1 - p) (ES - VaR)^2) / (n p), the first below (ES - VaR)^2 here.
        "es95": Near(shortfall, beyond * sqrt(1.95 / (0.05 * n))),
    }


def _normal_loss(case: Case) -> dict[str, Any]:
    """VaR and ES of a normal return, of a value if there is one."""
    asked = case.inputs

    def given(*names: str, otherwise: float) -> float:
        return float(next((asked[name] for name in names if name in asked), otherwise))

    mean, deviation = given("mean", "mu", otherwise=0), given("sd", "sigma", "stdev", "vol", otherwise=float("nan"))
    found = normal_tail(mean, deviation, given("confidence", "p", "level", otherwise=float("nan")))
    value = given("value", "portfolio_value", "V", otherwise=1)
    return {"var": found.var * value, "VaR": found.var * value, "es": found.es * value, "ES": found.es * value}


YARDSTICKS = {
    "european_option": Yardstick(_option),
    "gbm_terminal_distribution": Yardstick(_terminal),
    "parametric_var": Yardstick(_normal_loss),
}
