"""Simulated futures in words and rows: what a fan rests on, its figures with their errors, and what to doubt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import Any

from markupsafe import Markup

from oltp_api.review.page import svg
from oltp_api.review.page.wording import SPACE, number, percent
from oltp_api.simulations.schemas import SimulationView

_MODELS = {
    "gaussian": "correlated geometric Brownian motion",
    "student_t": "fat tails (Student’s t)",
    "block_bootstrap": "past months drawn anew, in blocks",
    "regime_switching": "a calm and a crisis regime",
    "historical_sequences": "every stretch of the long series",
}
_DRIFTS = {
    "posterior": "posterior between a prior and ten years of data",
    "historical": "mean of the last ten years",
    "forward": "analysts’ targets",
    "equilibrium": "equilibrium: risk-free and a premium by beta",
    "given": "given by you",
    "series": "the series’ own",
}
_MONEY = {
    "median": "Median",
    "real_median": "Median, in today’s money",
    "mean": "Mean",
    "p5": "5 of 100 end below",
    "p95": "5 of 100 end above",
    "var_95": "Horizon VaR, 95 %",
    "es_95": "Horizon ES, 95 %",
}
_SHARES = {
    "probability_of_loss": "Ends below today’s value",
    "probability_of_real_loss": "Ends buying less than today",
    "probability_ever_below": "Is ever below the floor",
    "probability_above_goal": "Ends at or above the goal",
    "probability_of_ruin": "A withdrawal cannot be paid in full",
    "expected_max_drawdown": "Deepest fall, expected",
    "share_not_recovered": "Not recovered from it by then",
    "median_share_of_drift": "Share of the median that is drift",
}
_YEARS = {"median_recovery_years": "Years to recover from it, median"}
FIGURES = (
    *("median", "real_median", "mean", "p5", "p95", "probability_of_loss", "probability_of_real_loss"),
    *("probability_ever_below", "probability_above_goal", "probability_of_ruin", "var_95", "es_95"),
    *("expected_max_drawdown", "median_recovery_years", "share_not_recovered", "median_share_of_drift"),
)
_ONLY_IF_ASKED = {"probability_above_goal", "probability_of_ruin"}


@dataclass(frozen=True, slots=True)
class FigureRow:
    label: str
    cells: Sequence[str]
    name: str


@dataclass(frozen=True, slots=True)
class Futures:
    """A simulation as a page shows it, and the one beside it, if any."""

    simulation: SimulationView
    beside: SimulationView | None
    nominal: Markup
    real: Markup | None
    beside_real: Markup | None
    rows: Sequence[Mapping[str, Any]]
    figures: Sequence[FigureRow]
    explain: str | None

    @property
    def warnings(self) -> Sequence[str]:
        return [one["message"] for one in (self.simulation.summary or {}).get("warnings", ())]

    @property
    def basis(self) -> str:
        return basis(self.simulation)


Fan = Sequence[Mapping[str, float | None]]


def futures(
    simulation: SimulationView,
    fan: Fan,
    currency: str,
    beside: SimulationView | None = None,
    beside_fan: Fan = (),
    explain: str | None = None,
) -> Futures:
    """Fans in today's money are on one scale, so that they can be compared. `explain` begins the references of figures
    of `simulation`."""
    has_real = fan[-1].get("p50_real") is not None
    both = [fan, beside_fan] if beside and beside_fan else [fan]
    scale = svg.fan_scale(both, "_real") if has_real else None
    return Futures(
        simulation=simulation,
        beside=beside if beside_fan else None,
        nominal=svg.fan_chart(fan, currency),
        real=svg.fan_chart(fan, currency, "_real", scale) if has_real else None,
        beside_real=svg.fan_chart(beside_fan, currency, "_real", scale) if has_real and len(both) > 1 else None,
        rows=svg.fan_rows(fan),
        figures=figure_rows([simulation, *([beside] if beside and beside_fan else [])]),
        explain=explain,
    )


def basis(simulation: SimulationView) -> str:
    """Say in a sentence what a fan rests on."""
    summary = simulation.summary or {}
    drift = summary.get("drift", {})
    mean = f", {percent(drift['weighted_mean'], 1)} a year for the whole" if "weighted_mean" in drift else ""
    inflation = (summary.get("inflation") or {}).get("value")
    said = "" if inflation is None else f"; inflation {percent(inflation, 1)}"
    scenario = f"; scenario {simulation.scenario}" if simulation.scenario else ""
    return (
        f"{simulation.num_paths:,} paths of {_MODELS.get(simulation.model, simulation.model)}, seed {simulation.seed}; "
        f"drift: {_DRIFTS.get(simulation.drift or 'series', simulation.drift)}{mean}{said}{scenario}"
    )


def figure_rows(simulations: Sequence[SimulationView]) -> list[FigureRow]:
    """One for each figure that any of the simulations has, with its standard error; else the reason."""
    all_figures = [(one.summary or {}).get("figures", {}) for one in simulations]
    return [
        FigureRow(label_of(name), [cell_of(name, figures.get(name)) for figures in all_figures], name)
        for name in FIGURES
        if any(figures.get(name, {}).get("value") is not None for figures in all_figures)
        or (name not in _ONLY_IF_ASKED and any(name in figures for figures in all_figures))
    ]


def label_of(name: str) -> str:
    return {**_MONEY, **_SHARES, **_YEARS}.get(name, name.replace("_", " "))


def is_money(name: str) -> bool:
    return name in _MONEY


def cell_of(name: str, figure: Mapping[str, Any] | None) -> str:
    if figure is None:
        return "not computed then"
    return figure["reason"] or amount(name, figure["value"], figure["standard_error"])


def amount(name: str, value: float | None, error: float | None, *, signed: bool = False) -> str:
    """A figure in its unit, with its standard error."""
    if value is None:
        return "unknown"
    spread = error or 0.0
    if name in _SHARES:
        shown = f"{number(100 * value, 1, signed=True)}{SPACE}points" if signed else percent(value, 1)
        return f"{shown} ± {number(100 * spread, 1)}"
    if name in _YEARS:
        return f"{number(value, 1, signed=signed)}{SPACE}± {number(spread, 1)}"
    return f"{number(_rounded(value, spread), 0, signed=signed)}{SPACE}± {number(_rounded(spread, spread), 0)}"


def _rounded(value: float, error: float) -> float:
    """`value` to the second digit of its error: further ones say nothing."""
    return value if error < 1 else round(value, 1 - floor(log10(error)))
