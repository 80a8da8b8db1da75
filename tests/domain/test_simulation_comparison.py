"""Differences of simulations: their stated errors against how far they are spread over seeds."""

from dataclasses import replace

import numpy as np
import pytest

from domain.analytics.simulation.comparison import differences, share_of_drift
from domain.analytics.simulation.figures import Figure
from domain.analytics.simulation.inputs import Rebalancing, SimulationInputs, SimulationSpec
from domain.analytics.simulation.models import Gaussian
from domain.analytics.simulation.result import SimulationResult, simulate
from domain.analytics.simulation.scenario_parts import parts_of, scenario_of
from domain.analytics.simulation.scenarios import BUILT_IN, Held, Scenario, Shock, ShockOf
from domain.analytics.simulation.under_scenario import under_scenario
from domain.analytics.simulation.warnings import warnings_of
from tests.effort import IS_LONG

SEEDS = 400 if IS_LONG else 60
INPUTS = SimulationInputs(
    values=np.array([60.0, 40.0]),
    mu_annual=np.array([0.08, 0.06]),
    volatility_annual=np.array([0.25, 0.2]),
    correlation=np.array([[1.0, 0.4], [0.4, 1.0]]),
    mu_deviation=np.array([0.02, 0.02]),
)
SPEC = SimulationSpec(5, 1024, 1, inflation_annual=0.02, goal=120.0)
HELD = [Held("A", "EQUITY", "x"), Held("B", "EQUITY", "y")]


def simulated(scenario: str | None, seed: int) -> SimulationResult:
    inputs, model = INPUTS, Gaussian()
    if scenario:
        inputs, model = under_scenario(BUILT_IN[scenario], inputs, model, HELD)
    return simulate(inputs, model, replace(SPEC, seed=seed))


@pytest.fixture(scope="module")
def compared() -> dict[str, list[tuple[float, float]]]:
    """Differences under stagflation and their stated errors over seeds, by figure."""
    found: dict[str, list[tuple[float, float]]] = {}
    for seed in range(SEEDS):
        first, second = simulated(None, seed), simulated("stagflation", seed)
        for one in differences(first.figures, second.figures, (first.outcomes, second.outcomes)):
            if one.difference.value is not None and one.difference.standard_error is not None:
                found.setdefault(one.name, []).append((one.difference.value, one.difference.standard_error))
    return found


@pytest.mark.parametrize(
    "name",
    [
        *("mean", "median", "real_median", "p5", "p95", "probability_of_loss", "probability_of_real_loss"),
        *("probability_above_goal", "probability_ever_below", "var_95", "es_95", "expected_max_drawdown"),
    ],
)
def test_the_stated_error_of_a_difference_is_its_spread_over_seeds(compared, name: str) -> None:
    """Within a quarter over 60 seeds, whose own spread is known to a tenth; 15 % over 400."""
    values, errors = np.array(compared[name]).T

    assert errors.mean() == pytest.approx(values.std(ddof=1), rel=0.15 if IS_LONG else 0.3)


def test_without_common_numbers_errors_would_be_twice_as_large_and_more(compared) -> None:
    """The control: errors of independent runs are far from the spread on common numbers."""
    first, second = simulated(None, 0), simulated("japan-lost-decade", 0)
    both = differences(first.figures, second.figures, (first.outcomes, second.outcomes))
    apart = {one.name: one for one in differences(first.figures, second.figures, None)}

    for one in both:
        if one.name in ("mean", "median", "p5", "expected_max_drawdown"):
            assert one.difference.standard_error <= 0.5 * apart[one.name].difference.standard_error, one.name
            assert one.difference.value == apart[one.name].difference.value


def test_a_simulation_differs_from_itself_by_nothing() -> None:
    result = simulated(None, 3)

    for one in differences(result.figures, result.figures, (result.outcomes, result.outcomes)):
        if one.difference.value is not None:
            assert one.difference.value == 0
            assert one.difference.standard_error == pytest.approx(0, abs=1e-6 * (one.first.standard_error or 1))


def test_the_share_of_the_median_that_is_drift_and_its_error() -> None:
    shares = [share_of_drift(one.figures, one.outcomes) for one in (simulated(None, seed) for seed in range(SEEDS))]
    values, errors = np.array([(one.value, one.standard_error) for one in shares]).T

    assert values.mean() == pytest.approx(1 - np.exp(-0.072 * 5), abs=0.02)  # 0.6 x 8 % + 0.4 x 6 % of drift
    assert errors.mean() == pytest.approx(values.std(ddof=1), rel=0.15 if IS_LONG else 0.3)


def test_of_an_unknown_figure_there_is_no_difference() -> None:
    (one,) = differences({"a": Figure(None, reason="why")}, {"a": Figure(1.0, 0.1)}, None)

    assert (one.difference.value, one.difference.reason) == (None, "why")


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_scenario_comes_back_from_its_parts(name: str) -> None:
    scenario = BUILT_IN[name]

    assert scenario_of(name, scenario.description, parts_of(scenario)) == scenario


def test_parts_that_do_nothing_are_not_stored() -> None:
    assert parts_of(Scenario("x", "")) == {}
    own = Scenario("x", "", shocks=(Shock(-0.5, ShockOf.TICKER, "A"), Shock(-0.1)))
    assert scenario_of("x", "", parts_of(own)) == own


@pytest.mark.parametrize(
    ("mu", "values", "rebalancing", "codes"),
    [
        ([0.06, 0.06], [50, 50], Rebalancing.NONE, []),
        ([0.14, 0.14], [50, 50], Rebalancing.NONE, ["drift_is_high"]),
        ([0.10, 0.02], [50, 50], Rebalancing.NONE, ["one_security_is_most"]),
        ([0.10, 0.02], [50, 50], Rebalancing.EVERY_STEP, []),
        ([0.05, 0.05], [51, 49], Rebalancing.EVERY_STEP, ["one_security_is_most"]),
    ],
)
def test_a_fan_that_an_expert_would_doubt_carries_a_warning(mu, values, rebalancing, codes) -> None:
    inputs = replace(INPUTS, values=np.array(values, float), mu_annual=np.array(mu))
    spec = replace(SPEC, horizon_years=30, rebalancing=rebalancing)

    assert [one.code for one in warnings_of(inputs, spec, 0.03, ["A", "B"])] == codes
