"""The simulated futures of a portfolio as text for a terminal, nominal and real, beside a scenario."""

from collections.abc import Mapping, Sequence
from typing import Any

_YEARS = (1, 5, 10, 20, 30)
_DRIFTS = {"posterior": "posterior between a prior and ten years of data", "historical": "mean of the last ten years"}
_FIGURES = (
    ("real_median", "median in today's money", False),
    ("probability_of_real_loss", "ends buying less than today", True),
    ("probability_ever_below", "is ever below 70 % of today's value", True),
    ("expected_max_drawdown", "deepest fall, expected", True),
    ("median_share_of_drift", "share of the median that is drift", True),
)
_BAND = ("p5", "p50", "p95")


def render(simulation: Mapping[str, Any], scenario: Mapping[str, Any] | None) -> str:
    """The standing simulation, and the one under a scenario that uses the same random numbers."""
    if simulation["status"] != "DONE":
        return f"Simulation: {simulation['status']} {simulation['reason'] or ''}"
    summary = simulation["summary"]
    beside = scenario if scenario and scenario["status"] == "DONE" else None
    inflation = (summary.get("inflation") or {}).get("value")
    lines = [
        f"Where it may go: {simulation['num_paths']:,} paths of correlated GBM, seed {simulation['seed']}, "
        "nothing added or taken out",
        f"  drift {_percent(summary['drift']['weighted_mean'])} a year, the {_drift(summary['drift']['name'])}",
        *(f"  {line}" for line in simulation["track_record"].split("; ")),
        *(f"  WARN: {one['message']}" for one in summary["warnings"]),
        *_nominal(simulation["fan"]),
    ]
    if inflation is not None:
        lines += ["", *_real(simulation["fan"], beside, inflation)]
    return "\n".join([*lines, "", *_figures(summary, beside)])


def _drift(name: str) -> str:
    return _DRIFTS.get(name, name)


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _by_year(fan: Sequence[Mapping[str, Any]]) -> dict[int, Mapping[str, Any]]:
    steps = {round(step["years"], 6): step for step in fan}
    return {years: steps[float(years)] for years in _YEARS if float(years) in steps}


def _nominal(fan: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [f"{'years':>7}{'P5':>14}{'P25':>14}{'median':>14}{'P75':>14}{'P95':>15}{'P(loss)':>9}"]
    for years, step in _by_year(fan).items():
        amounts = "".join(f"{step[name]:>14,.0f}" for name in ("p5", "p25", "p50", "p75"))
        lines.append(f"{years:>7}{amounts}{step['p95']:>15,.0f}{100 * step['probability_of_loss']:>7.1f} %")
    return lines


def _real(fan: Sequence[Mapping[str, Any]], beside: Mapping[str, Any] | None, inflation: float) -> list[str]:
    """In today's money, and under the scenario."""
    other = _by_year(beside["fan"]) if beside else {}
    head = f"In today's money, at {_percent(inflation)} inflation a year"
    under_which = f"; and under {beside['scenario']}" if beside else ""
    names = "".join(f"{name:>13}" for name in ("P5", "median", "P95"))
    lines = [
        f"{head}{under_which}",
        f"{'years':>7}{names}{f'   {names}' if beside else ''}",
    ]
    for years, step in _by_year(fan).items():
        amounts = "".join(f"{step[f'{name}_real']:>13,.0f}" for name in _BAND)
        under = other.get(years)
        beyond = "   " + "".join(f"{under[f'{name}_real']:>13,.0f}" for name in _BAND) if under else ""
        lines.append(f"{years:>7}{amounts}{beyond}")
    return lines


def _figures(summary: Mapping[str, Any], beside: Mapping[str, Any] | None) -> list[str]:
    """After the last year, each with its standard error."""
    shown = [summary, *([beside["summary"]] if beside else [])]
    lines = [f"{'At the end, +- standard error':<44}{'as assumed':>22}{beside['scenario'] if beside else '':>22}"]
    for name, label, is_share in _FIGURES:
        cells = [_cell(one["figures"].get(name), is_share) for one in shown]
        lines.append(f"  {label:<42}{''.join(f'{cell:>22}' for cell in cells)}")
    return lines


def _cell(figure: Mapping[str, Any] | None, is_share: bool) -> str:
    if figure is None or figure["value"] is None:
        return "none"
    if is_share:
        return f"{100 * figure['value']:.1f} % +- {100 * figure['standard_error']:.1f}"
    return f"{figure['value']:,.0f} +- {figure['standard_error']:,.0f}"
