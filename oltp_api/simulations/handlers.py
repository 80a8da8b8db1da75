"""Requests for simulations, which the pipeline runs, and scenarios of owners."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal
from uuid import UUID, uuid4

from application.simulations import request_of
from domain.analytics.estimates.posterior_drift import DriftChoice
from domain.analytics.simulation.scenario_parts import parts_of, scenario_of
from domain.analytics.simulation.scenarios import BUILT_IN
from domain.commands import RequestSimulation
from domain.errors import InvalidInput, PortfolioIsArchived
from domain.events import SimulationRequested
from domain.portfolio import new_name
from domain.simulations import (
    DriftMissing,
    ScenarioInTheWay,
    SimulationIsStanding,
    SimulationRequest,
    SimulationTerms,
    UnknownScenario,
    refuse_contradictions,
)
from oltp_api.ledger.writing import Wanted, load_one
from oltp_api.simulations.repository import Scenarios, Simulations
from oltp_api.simulations.schemas import ScenarioRequest, ScenarioView, SimulationView
from oltp_api.simulations.views import refuse_unfinished
from oltp_api.unit_of_work import UnitOfWork
from storage.events.outbox import write_event

Purpose = Literal["replay", "calibration"]
_SEED_BITS = 48  # exact in a JSON number


def request_simulation(command: RequestSimulation, work: UnitOfWork) -> UUID:
    """The id of the stored request; the pipeline runs it. What cannot be is refused here, as far as it is known."""
    portfolio = load_one(Wanted(command.user_id, command.portfolio_id), work).portfolio
    if portfolio.archived:
        raise PortfolioIsArchived(portfolio.portfolio_id)
    refuse_contradictions(command.terms)
    terms = _with_scenario(command.terms, command.user_id, work)
    if terms.drift is DriftChoice.GIVEN:
        given = {one.ticker for one in terms.given_drifts}
        if missing := Simulations(work).held_tickers(portfolio.portfolio_id) - given:
            raise DriftMissing(missing)
    Simulations(work).refuse_above_limit(command.user_id)
    request = SimulationRequest(
        simulation_id=uuid4(),
        portfolio_id=portfolio.portfolio_id,
        name=new_name(command.name),
        seed=secrets.randbits(_SEED_BITS) if command.seed is None else command.seed,
        is_standing=False,
        terms=terms,
    )
    _request(request, command.user_id, work)
    return request.simulation_id


def requested(command: RequestSimulation, work: UnitOfWork) -> SimulationView:
    """The stored request as it is answered."""
    simulation_id = request_simulation(command, work)
    return SimulationView.of(Simulations(work).one(command.user_id, simulation_id))


def again_requested(user_id: UUID, simulation_id: UUID, work: UnitOfWork, purpose: Purpose) -> SimulationView:
    again_id = request_again(user_id, simulation_id, work, purpose)
    return SimulationView.of(Simulations(work).one(user_id, again_id))


def request_standing_simulation(portfolio_id: UUID, user_id: UUID, work: UnitOfWork) -> None:
    """The one that is run again whenever the portfolio has changed: all defaults."""
    seed = secrets.randbits(_SEED_BITS)
    _request(SimulationRequest(uuid4(), portfolio_id, "default", seed, is_standing=True), user_id, work)


def request_again(user_id: UUID, simulation_id: UUID, work: UnitOfWork, purpose: Purpose) -> UUID:
    """The id of a request about a simulation: to compute it again and compare the bits (replay), or to tell how often
    fans of its kind and of the portfolio's weights were right (calibration)."""
    simulations = Simulations(work)
    original = simulations.one(user_id, simulation_id)
    refuse_unfinished(original)
    simulations.refuse_above_limit(user_id)
    again = replace(
        request_of(original),
        simulation_id=uuid4(),
        name=f"{purpose} of {original['name']}"[:200],
        is_standing=False,
        replay_of=simulation_id if purpose == "replay" else None,
        calibration_of=simulation_id if purpose == "calibration" else None,
    )
    _request(again, user_id, work)
    return again.simulation_id


def rename(user_id: UUID, simulation_id: UUID, name: str, work: UnitOfWork) -> None:
    Simulations(work).rename(user_id, simulation_id, new_name(name))


def hide(user_id: UUID, simulation_id: UUID, work: UnitOfWork) -> None:
    """Take a simulation out of the lists; it is kept, and can be read by its id."""
    simulations = Simulations(work)
    if simulations.one(user_id, simulation_id)["is_standing"]:
        raise SimulationIsStanding(simulation_id)
    simulations.hide(user_id, simulation_id)


def scenarios(user_id: UUID, work: UnitOfWork) -> Sequence[ScenarioView]:
    """Scenarios that everybody has, then the user's own."""
    return [
        *(
            ScenarioView(
                name=one.name, description=one.description, is_built_in=True, parts=parts_of(one), stored_at=None
            )
            for one in BUILT_IN.values()
        ),
        *(ScenarioView(is_built_in=False, **row) for row in Scenarios(work).all(user_id)),
    ]


def store_scenario(user_id: UUID, asked: ScenarioRequest, work: UnitOfWork) -> ScenarioView:
    """Store an owner's scenario, in place of one of the same name; what was simulated under that keeps its parts."""
    if asked.name in BUILT_IN:
        raise ScenarioInTheWay(asked.name)
    try:
        scenario = scenario_of(asked.name, asked.description, asked.parts())
    except ValueError as error:
        raise InvalidInput("scenario", f"cannot be: {error}") from error
    parts = parts_of(scenario)
    if not parts:
        raise InvalidInput("scenario", "changes nothing: give at least one part")
    Scenarios(work).store(user_id, scenario, parts)
    return ScenarioView(
        name=scenario.name,
        description=scenario.description,
        is_built_in=False,
        parts=parts,
        stored_at=work.recorded_at,
    )


def delete_scenario(user_id: UUID, name: str, work: UnitOfWork) -> None:
    Scenarios(work).delete(user_id, name)


def _with_scenario(terms: SimulationTerms, user_id: UUID, work: UnitOfWork) -> SimulationTerms:
    if terms.scenario is None:
        return terms
    if terms.scenario in BUILT_IN:
        return replace(terms, scenario_parts=parts_of(BUILT_IN[terms.scenario]))
    own = Scenarios(work).find(user_id, terms.scenario)
    if own is None:
        known = {*BUILT_IN, *(row["name"] for row in Scenarios(work).all(user_id))}
        raise UnknownScenario(terms.scenario, known)
    return replace(terms, scenario_parts=own["parts"])


def _request(request: SimulationRequest, user_id: UUID, work: UnitOfWork) -> None:
    Simulations(work).add(user_id, request)
    requested = SimulationRequested(request.simulation_id, request.portfolio_id)
    write_event(work.connection, request.simulation_id, 0, requested)
