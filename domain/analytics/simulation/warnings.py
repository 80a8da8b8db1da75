"""Warnings beside a fan: what an expert would object to before reading its numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.analytics.simulation.inputs import Rebalancing, SimulationInputs, SimulationSpec

MOST_ABOVE_RISK_FREE = 0.08
"""Per year: hardly any market has paid more for decades."""
MOST_OF_ONE = 0.5


@dataclass(frozen=True, slots=True)
class Warned:
    """`code` never changes; `message` is a sentence."""

    code: str
    message: str


def warnings_of(
    inputs: SimulationInputs, spec: SimulationSpec, risk_free: float | None, tickers: Sequence[str]
) -> list[Warned]:
    """Warn of a drift that no market has paid for long, and of wealth that is expected of one security.

    The drift is that of securities and cash by today's values, `risk_free` continuous per year, `tickers` (n,) name the
    inputs. Expected wealth is value x exp(mu t), whatever the model; where weights are kept it stays in proportion, so
    it is by today's values then. Source: RULEBOOK 11.
    """
    drift = inputs.weighted_drift
    found = []
    if risk_free is not None and drift > risk_free + MOST_ABOVE_RISK_FREE:
        found.append(
            Warned(
                "drift_is_high",
                f"the portfolio's drift is {100 * drift:.1f} % a year, more than {100 * MOST_ABOVE_RISK_FREE:.0f} "
                f"points above the risk-free {100 * risk_free:.1f} %: hardly any market has paid that for decades",
            )
        )
    years = 0 if spec.rebalancing is Rebalancing.EVERY_STEP else spec.horizon_years
    wealth = inputs.values * np.exp(np.where(inputs.values != 0, inputs.mu_annual, 0.0) * years)
    whole = float(wealth.sum() + inputs.cash * np.exp(inputs.cash_rate * years))
    if len(wealth) and wealth.max() > MOST_OF_ONE * whole:
        place = int(wealth.argmax())
        found.append(
            Warned(
                "one_security_is_most",
                f"{tickers[place]} makes {100 * wealth[place] / whole:.0f} % of the wealth that is expected",
            )
        )
    return found
