"""Simulations as they are asked for: the terms of one, and which terms contradict each other.

Ranges of whole numbers are `inputs.BOUNDS`; those of rates and money are here.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.analytics.estimates.posterior_drift import DriftChoice
from domain.analytics.simulation.inputs import Rebalancing, Sampling, SimulationSpec
from domain.errors import Conflict, InvalidInput, NotFound
from domain.limits import MOST_MONEY, refuse_beyond
from domain.money import ZERO

RATES = {"inflation_annual": (-0.05, 0.25), "mu_annual": (-0.5, 0.5)}
"""Lowest and highest, fractions per year."""
MOST_GIVEN = 1000


class ModelName(StrEnum):
    GAUSSIAN = "gaussian"
    STUDENT_T = "student_t"
    BLOCK_BOOTSTRAP = "block_bootstrap"
    REGIME_SWITCHING = "regime_switching"
    HISTORICAL_SEQUENCES = "historical_sequences"


@dataclass(frozen=True, slots=True)
class GivenDrift:
    """A security's `mu_annual` as its owner says, from where and of which day."""

    ticker: str
    mu_annual: float
    source: str
    as_of: date


@dataclass(frozen=True, slots=True)
class SimulationTerms:
    """Terms of one simulation. `scenario` is a name, `scenario_parts` what it stood for when it was asked.

    `drift` None: the series' own, of `historical_sequences`. Money is in the portfolio's currency.
    """

    horizon_years: int = 30
    num_paths: int = 10_000
    sample_paths: int = 10
    model: ModelName = ModelName.GAUSSIAN
    drift: DriftChoice | None = DriftChoice.POSTERIOR
    given_drifts: tuple[GivenDrift, ...] = ()
    scenario: str | None = None
    scenario_parts: Mapping[str, Any] | None = None
    rebalancing: Rebalancing = Rebalancing.NONE
    sampling: Sampling = Sampling.PLAIN
    inflation_annual: float | None = None
    floor: Decimal | None = None
    goal: Decimal | None = None
    withdrawal_per_year: Decimal = ZERO

    def spec(self, seed: int, inflation_annual: float | None = None) -> SimulationSpec:
        """The numbers that the kernel takes; `inflation_annual` is what is known where none was given."""
        return SimulationSpec(
            horizon_years=self.horizon_years,
            num_paths=self.num_paths,
            seed=seed,
            sample_paths=self.sample_paths,
            rebalancing=self.rebalancing,
            sampling=self.sampling,
            inflation_annual=inflation_annual if self.inflation_annual is None else self.inflation_annual,
            floor=None if self.floor is None else float(self.floor),
            goal=None if self.goal is None else float(self.goal),
            withdrawal=float(self.withdrawal_per_year),
        )


TERMS = tuple(one.name for one in fields(SimulationTerms))


@dataclass(frozen=True, slots=True)
class SimulationRequest:
    """A simulation as it was asked for. `is_standing`: kept up to date with the portfolio by itself; `replay_of`: it
    computes that one again, to compare the bits; `calibration_of`: how often fans of its kind and of the portfolio's
    weights were right."""

    simulation_id: UUID
    portfolio_id: UUID
    name: str
    seed: int
    is_standing: bool
    terms: SimulationTerms = field(default_factory=SimulationTerms)
    replay_of: UUID | None = None
    calibration_of: UUID | None = None


class UnknownScenario(InvalidInput):
    code = "unknown_scenario"

    def __init__(self, name: str, known: Collection[str]) -> None:
        super().__init__("scenario", f"{name!r} is not known; there are {', '.join(sorted(known))}")
        self.facts.update(given=name, known=sorted(known))


class ScenarioInTheWay(Conflict):
    code = "scenario_is_built_in"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} is a scenario that everybody has; choose another name", given=name)


class DriftMissing(InvalidInput):
    """Held securities for which a table of drifts has none."""

    code = "drift_missing"

    def __init__(self, missing: Collection[str]) -> None:
        named = ", ".join(sorted(missing))
        super().__init__("given_drifts", f"has no drift for {named}, which the portfolio holds; add a line for each")
        self.facts["missing"] = sorted(missing)


class SimulationIsStanding(Conflict):
    code = "simulation_is_standing"

    def __init__(self, simulation_id: UUID) -> None:
        super().__init__(
            "this is the portfolio's standing simulation, which is kept up to date by itself; it can be renamed, "
            "not deleted",
            simulation_id=str(simulation_id),
        )


class SimulationNotDone(Conflict):
    code = "simulation_not_done"

    def __init__(self, simulation_id: UUID, status: str) -> None:
        super().__init__(
            f"simulation {simulation_id} is {status}, so there is nothing of it yet; ask again when it is DONE",
            simulation_id=str(simulation_id),
            simulation_status=status,
        )


class ScenarioNotFound(NotFound):
    code = "scenario_not_found"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no scenario {name!r} of yours", scenario=name)


def refuse_contradictions(terms: SimulationTerms) -> None:
    """InvalidInput names the first of the terms that cannot be, or not together with another."""
    for name, (low, high) in RATES.items():
        for rate in _rates(terms, name):
            if not low <= rate <= high:
                raise InvalidInput(name, f"must be from {low:g} to {high:g} a year, as a fraction, not {rate:g}")
    for name in ("floor", "goal", "withdrawal_per_year"):
        amount = getattr(terms, name)
        if amount is not None:
            if amount < 0:
                raise InvalidInput(name, "must not be negative")
            refuse_beyond(name, amount, MOST_MONEY)
    if terms.model is ModelName.HISTORICAL_SEQUENCES and terms.drift is not None:
        raise InvalidInput("drift", "is the series' own with historical_sequences; leave it out")
    if terms.sampling is Sampling.SOBOL and terms.model is not ModelName.GAUSSIAN:
        raise InvalidInput("sampling", f"sobol is for the model gaussian only, not for {terms.model}")
    _refuse_given(terms)
    try:
        terms.spec(seed=0)
    except ValueError as error:
        name, _, why = str(error).partition(" ")
        raise InvalidInput(name, why) from error


def _rates(terms: SimulationTerms, name: str) -> list[float]:
    if name == "mu_annual":
        return [one.mu_annual for one in terms.given_drifts]
    return [] if terms.inflation_annual is None else [terms.inflation_annual]


def _refuse_given(terms: SimulationTerms) -> None:
    if (terms.drift is DriftChoice.GIVEN) != bool(terms.given_drifts):
        wanted = (
            "needs a line for each security that is held" if terms.drift is DriftChoice.GIVEN else "is for drift given"
        )
        raise InvalidInput("given_drifts", wanted)
    tickers = [one.ticker for one in terms.given_drifts]
    if twice := sorted({ticker for ticker in tickers if tickers.count(ticker) > 1}):
        raise InvalidInput("given_drifts", f"names {', '.join(twice)} more than once")
