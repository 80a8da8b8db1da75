"""Pages of simulations as HTML documents, in the look of the review: no script, no other host."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Template
from markupsafe import Markup

from oltp_api.review.page import svg
from oltp_api.review.page.futures import FIGURES, Fan, amount, basis, futures, is_money, label_of
from oltp_api.review.page.review import page_environment, page_style
from oltp_api.review.page.wording import number, percent
from oltp_api.simulations.schemas import (
    ComparisonView,
    FigureDifferenceView,
    InputsView,
    SimulationResultView,
    SimulationView,
)
from oltp_api.web.places import Link

_HERE = Path(__file__).parent
_CLEAR = 2.0
"""Standard errors from which on a difference is not chance."""


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    label: str
    first: str
    second: str
    difference: str
    relative: str
    is_clear: bool


@dataclass(frozen=True, slots=True)
class ComparedFan:
    """One of two simulations: its name, what it rests on, and its fan on the scale of both."""

    simulation: SimulationView
    basis: str
    chart: Markup


def simulation_page(
    simulation: SimulationResultView, inputs: InputsView | None, currency: str, places: Sequence[Link] = ()
) -> str:
    """One simulation; without its fan while there is none."""
    style, policy = page_style()
    fan = simulation.fan or ()
    return _template("simulation.html").render(
        style=style,
        policy=policy,
        places=places,
        simulation=simulation,
        currency=currency,
        futures=futures(simulation, fan, currency, explain=simulation.explain) if fan else None,
        inputs=inputs.items if inputs else (),
    )


def comparison_page(
    comparison: ComparisonView, fans: tuple[Fan, Fan], currency: str, places: Sequence[Link] = ()
) -> str:
    """Two simulations: their fans on one scale, in today's money if both know it, and the differences."""
    style, policy = page_style()
    kind = "_real" if all(fan and fan[-1].get("p50_real") is not None for fan in fans) else ""
    scale = svg.fan_scale(fans, kind)
    sides = [
        ComparedFan(simulation, basis(simulation), svg.fan_chart(fan, currency, kind, scale))
        for simulation, fan in zip((comparison.first, comparison.second), fans, strict=True)
    ]
    return _template("comparison.html").render(
        style=style,
        policy=policy,
        places=places,
        comparison=comparison,
        currency=currency,
        is_real=bool(kind),
        sides=sides,
        rows=_rows(comparison.differences),
    )


def _rows(differences: Sequence[FigureDifferenceView]) -> list[DifferenceRow]:
    by_name = {one.name: one for one in differences}
    return [_row(by_name[name]) for name in FIGURES if name in by_name and _is_known(by_name[name])]


def _is_known(one: FigureDifferenceView) -> bool:
    return one.first is not None or one.second is not None


def _row(one: FigureDifferenceView) -> DifferenceRow:
    error = one.standard_error
    is_clear = one.difference is not None and error is not None and abs(one.difference) > _CLEAR * error
    known = one.difference is not None
    return DifferenceRow(
        label_of(one.name),
        amount(one.name, one.first, one.first_error),
        amount(one.name, one.second, one.second_error),
        amount(one.name, one.difference, error, signed=True) if known else str(one.reason),
        f"{percent(one.relative, 1, signed=True)} ± {number(_pct(one), 1)}"
        if is_money(one.name) and one.relative is not None
        else "",
        is_clear,
    )


def _pct(one: FigureDifferenceView) -> float:
    return 100 * (one.relative_error or 0.0)


@cache
def _template(name: str) -> Template:
    return page_environment(_HERE).get_template(name)
