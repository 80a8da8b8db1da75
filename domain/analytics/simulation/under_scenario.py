"""A simulation's inputs and model under a scenario.

Apart from `scenarios`, because who stores or names one, as the API does, needs no model and no compiler.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from domain.analytics.arrays import Float64
from domain.analytics.simulation.history import BlockBootstrap, HistoricalSequences
from domain.analytics.simulation.inputs import SimulationInputs
from domain.analytics.simulation.models import MONTHS, Model, symmetric_root
from domain.analytics.simulation.scenarios import Held, Scenario, Stretch


def under_scenario(
    scenario: Scenario,
    inputs: SimulationInputs,
    model: Model,
    held: Sequence[Held],
    history: Callable[[Stretch], Float64] | None = None,
) -> tuple[SimulationInputs, Model]:
    """Inputs and model under the scenario, both of `held` (n) in the same order.

    `history` gives (months, n) log returns of a stretch, and is asked only where one is replayed. ValueError: no shock
    means anything that is held, or a stretch is replayed without a history.
    """
    if scenario.replay and history is None:
        raise ValueError("a stretch of history is replayed, and there is no history")
    changed = replace(
        inputs,
        mu_annual=scenario.drift(inputs.mu_annual),
        volatility_annual=inputs.volatility_annual * scenario.volatility_scale,
        correlation=scenario.correlation(inputs.correlation),
        shock=scenario.shock(held) if scenario.shocks else inputs.shock,
        opening=history(scenario.replay) if scenario.replay and history else inputs.opening,
    )
    if isinstance(model, BlockBootstrap) and scenario.correlation_points:
        return changed, _recoloured(model, inputs.values != 0, inputs.correlation, changed.correlation)
    if isinstance(model, HistoricalSequences):
        return changed, _moved(model, scenario)
    return changed, model


def _recoloured(model: BlockBootstrap, held: np.ndarray, before: Float64, after: Float64) -> BlockBootstrap:
    """The rows of history with the correlation `after` (n, n) in place of that `before`."""
    rows = model.returns[:, held]
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    old, new = (symmetric_root(one[np.ix_(held, held)]) for one in (before, after))
    changed = model.returns.copy()
    changed[:, held] = rows @ np.linalg.pinv(old) @ new
    return replace(model, returns=changed)


def _moved(model: HistoricalSequences, scenario: Scenario) -> HistoricalSequences:
    """The series with the drift and the deviation that the scenario makes of its own."""
    mean, deviation = model.returns.mean(axis=0), model.returns.std(axis=0)
    drift = scenario.drift(MONTHS * (mean + deviation**2 / 2)) / MONTHS
    scaled = deviation * scenario.volatility_scale
    return replace(model, returns=(model.returns - mean) * scenario.volatility_scale + drift - scaled**2 / 2)
