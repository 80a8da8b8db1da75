"""Simulations as pages show them, made up: with long names, warnings and all figures."""

from typing import Any

from review_numbers import a_fan, a_review

from oltp_api.review.page.futures import FIGURES
from oltp_api.review.page.review import review_page
from oltp_api.simulation_pages.page import comparison_page, simulation_page
from oltp_api.simulations.schemas import (
    ComparisonView,
    FigureDifferenceView,
    InputsView,
    SimulatedContributionView,
    SimulationResultView,
    SimulationView,
)
from oltp_api.web.examples import example_of

_MONEY = ("p5", "p10", "p25", "p50", "p75", "p90", "p95", "mean")


def a_real_fan(years: int = 30, growth: float = 1.0) -> list[dict[str, float | None]]:
    """In money of the day and, at 2 % inflation, of today; `growth` per year more or less than a_fan's."""
    return [
        {
            **row,
            **{name: row[name] * growth ** row["years"] for name in _MONEY},
            **{f"{name}_real": row[name] * (growth / 1.02) ** row["years"] for name in _MONEY},
        }
        for row in a_fan(years)
    ]


def a_simulation(name: str = "default", **changed: Any) -> SimulationView:
    figures = {one: {"value": 0.123456, "standard_error": 0.0012, "reason": None} for one in FIGURES}
    figures |= {one: {"value": 123456789.1, "standard_error": 98765.4, "reason": None} for one in ("median", "mean")}
    figures["var_95"] = {
        "value": None,
        "standard_error": None,
        "reason": "even the worst paths end above today's value",
    }
    summary = {
        "figures": figures,
        "warnings": [{"code": "drift_is_high", "message": f"the drift is high, of {name}"}],
        "drift": {"name": "posterior", "weighted_mean": 0.078},
        "inflation": {"value": 0.02},
        "currency": "USD",
        "between_steps": "seen at the steps",
    }
    example = example_of(SimulationView)
    return SimulationView.model_validate({**example, "name": name, "status": "DONE", "summary": summary, **changed})


def a_simulation_page(name: str) -> str:
    shown = a_simulation(name, scenario=name).model_dump()
    adds = [SimulatedContributionView.model_validate({**example_of(SimulatedContributionView), "ticker": name})]
    result = SimulationResultView.model_validate({**shown, "fan": a_real_fan(), "contributions": adds})
    inputs = InputsView.model_validate(example_of(InputsView))
    row = inputs.items[0].model_copy(update={"ticker": name, "how": name})
    return simulation_page(result, inputs.model_copy(update={"items": [inputs.items[0], row]}), "USD")


def a_comparison_page(name: str) -> str:
    one = FigureDifferenceView.model_validate(example_of(FigureDifferenceView))
    unknown = one.model_copy(update={"name": "var_95", "second": None, "difference": None, "reason": name})
    comparison = ComparisonView.model_validate(
        {
            **example_of(ComparisonView),
            "first": a_simulation(name).model_dump(),
            "second": a_simulation("other", scenario=name).model_dump(),
            "differences": [one.model_dump(), unknown.model_dump()],
        }
    )
    return comparison_page(comparison, (a_real_fan(), a_real_fan(growth=0.9)), "USD")


def a_review_with_futures(name: str) -> str:
    update = {
        "simulation": a_simulation(name),
        "fan": a_real_fan(),
        "beside": a_simulation(name, scenario=name),
        "beside_fan": a_real_fan(growth=0.9),
    }
    return review_page(a_review().model_copy(update=update))
