"""Answers about simulations: the stored request, and what of its result is in the lake."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from uuid import UUID

from domain.references import Document, FigureReference
from domain.simulations import SimulationNotDone
from oltp_api.context import AppContext
from oltp_api.simulations.repository import Simulations
from oltp_api.simulations.schemas import (
    InputsView,
    InputView,
    PathsView,
    PathView,
    SimulatedContributionView,
    SimulationResultView,
    SimulationView,
)

_LEDGER = "marts/fact_position_daily"
_OF_PRICES = (
    *("marts/fact_price_daily", "marts/fact_own_price_daily"),
    *("marts/security_historical_mu", "marts/security_volatility"),
)


def simulation_view(context: AppContext, user_id: UUID, simulation_id: UUID) -> SimulationView:
    return SimulationView.of(context.transact(lambda work: Simulations(work).one(user_id, simulation_id)))


def result_view(context: AppContext, user_id: UUID, simulation_id: UUID) -> SimulationResultView:
    asked = simulation_view(context, user_id, simulation_id)
    if asked.status != "DONE" or asked.replay_of or asked.calibration_of:
        return SimulationResultView(**asked.model_dump(), fan=None, contributions=None)
    found = context.analytics.get_simulation_contributions(simulation_id)
    return SimulationResultView(
        **asked.model_dump(),
        fan=context.analytics.get_simulation_fan(simulation_id),
        contributions=[SimulatedContributionView(**row) for row in found] or None,
        explain=str(FigureReference(Document.SIMULATION, simulation_id, context.analytics.head().release_id)),
    )


def refuse_unfinished(row: Mapping[str, Any]) -> None:
    """SimulationNotDone if nothing of it can be read, or it is no simulation but a request about one."""
    kind = "a replay" if row["replay_of"] else "a calibration" if row["calibration_of"] else row["status"]
    if kind != "DONE":
        raise SimulationNotDone(row["simulation_id"], kind)


def done(context: AppContext, user_id: UUID, simulation_id: UUID) -> SimulationView:
    """A simulation with a result; SimulationNotDone if there is none."""
    asked = simulation_view(context, user_id, simulation_id)
    refuse_unfinished(asked.model_dump())
    return asked


def currency_of(simulation: SimulationView) -> str:
    """The currency of its amounts; none of a result from before it was told."""
    return str((simulation.summary or {}).get("currency", ""))


def paths_view(context: AppContext, user_id: UUID, simulation_id: UUID) -> PathsView:
    done(context, user_id, simulation_id)
    fan = context.analytics.get_simulation_fan(simulation_id)
    paths = context.analytics.get_simulation_paths(simulation_id)
    return PathsView(
        simulation_id=simulation_id, years=[row["years"] for row in fan], paths=[PathView(**path) for path in paths]
    )


def inputs_view(context: AppContext, user_id: UUID, simulation_id: UUID) -> InputsView:
    asked = done(context, user_id, simulation_id)
    rows = context.analytics.get_simulation_inputs(simulation_id)
    return InputsView(
        simulation_id=simulation_id,
        release_id=asked.release_id,
        items=[InputView(**{**row, **_lineage(row, asked)}) for row in rows],
    )


def _lineage(row: Mapping[str, Any], asked: SimulationView) -> dict[str, Any]:
    """The key in its table, and the address that explains it: a value by its ledger rows and its price, what was
    estimated by the last price of its window."""
    source, ticker, security_id, last = (row[name] for name in ("source", "ticker", "security_id", "window_end"))
    if security_id is None:
        return {"key": None, "lineage": None}
    address = None
    if source == _LEDGER:
        address = f"/api/v1/lineage/portfolios/{asked.portfolio_id}/securities/{security_id}?date={last}"
    elif source in _OF_PRICES:
        address = f"/api/v1/securities/{quote(ticker)}/price?on={last}"
    return {"key": f"security_id {security_id}" if source else None, "lineage": address}
