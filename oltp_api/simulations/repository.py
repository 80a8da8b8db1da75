"""Requests for simulations on PostgreSQL, what became of them, and scenarios of owners. SQL in `queries.sql`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from domain.analytics.simulation.scenarios import Scenario
from domain.errors import SimulationNotFound
from domain.ports import TooManyWaiting
from domain.simulations import ScenarioNotFound, SimulationRequest
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.web.pages import fetch_page, orders
from storage.queries import statements

_SIMULATIONS = statements("oltp_api/simulations/queries.sql")
_ORDERS = orders(requested={"requested_at": datetime.fromisoformat, "simulation_id": UUID})
_ANY: Mapping[str, object] = {"portfolio_id": None, "simulation_id": None, "status": None}


class Simulations:
    def __init__(self, work: UnitOfWork) -> None:
        self._work = work
        self._connection = work.connection

    def refuse_above_limit(self, user_id: UUID) -> None:
        """TooManyWaiting if as many of the user's requests wait as may; one user's requests are counted one by one."""
        asked = {"user_id": user_id}
        self._connection.execute(_SIMULATIONS["count_one_by_one"], asked)
        row = self._connection.execute(_SIMULATIONS["waiting_simulations"], asked).fetchone()
        assert row is not None
        if row["waiting"] >= row["max_waiting"]:
            raise TooManyWaiting(row["waiting"], row["max_waiting"])

    def add(self, user_id: UUID, request: SimulationRequest) -> None:
        given = [{**asdict(one), "as_of": one.as_of.isoformat()} for one in request.terms.given_drifts]
        parts = request.terms.scenario_parts
        values = {
            **{name: getattr(request.terms, name) for name in request.terms.__slots__},
            **{name: getattr(request, name) for name in request.__slots__ if name != "terms"},
            "given_drifts": Jsonb(given) if given else None,
            "scenario_parts": None if parts is None else Jsonb(dict(parts)),
            "user_id": user_id,
            "requested_at": self._work.recorded_at,
        }
        self._connection.execute(_SIMULATIONS["add_simulation"], values)

    def one(self, user_id: UUID, simulation_id: UUID) -> DictRow:
        asked = {**_ANY, "user_id": user_id, "simulation_id": simulation_id}
        row = self._connection.execute(_SIMULATIONS["simulations"], asked).fetchone()
        if row is None:
            raise SimulationNotFound(simulation_id)
        return row

    def page(self, user_id: UUID, sort: str, limit: int, cursor: str | None, **wanted: object) -> dict[str, Any]:
        """Simulations of a portfolio, of a status; None is any. Those that are hidden, replays and calibrations are in
        no list."""
        asked = {**_ANY, **wanted, "user_id": user_id}
        return fetch_page(self._connection, _SIMULATIONS["simulations"], asked, _ORDERS[sort], limit, cursor)

    def standing(self, user_id: UUID, portfolio_id: UUID) -> UUID | None:
        """The standing simulation of the portfolio, once it is DONE."""
        asked = {"user_id": user_id, "portfolio_id": portfolio_id}
        row = self._connection.execute(_SIMULATIONS["standing"], asked).fetchone()
        return row["simulation_id"] if row else None

    def beside(self, user_id: UUID, simulation_id: UUID) -> UUID | None:
        """The newest simulation of the same numbers under a scenario, once it is DONE."""
        asked = {"user_id": user_id, "simulation_id": simulation_id}
        row = self._connection.execute(_SIMULATIONS["beside"], asked).fetchone()
        return row["simulation_id"] if row else None

    def rename(self, user_id: UUID, simulation_id: UUID, name: str) -> None:
        asked = {"user_id": user_id, "simulation_id": simulation_id, "name": name}
        if not self._connection.execute(_SIMULATIONS["rename"], asked).rowcount:
            raise SimulationNotFound(simulation_id)

    def hide(self, user_id: UUID, simulation_id: UUID) -> None:
        asked = {"user_id": user_id, "simulation_id": simulation_id, "hidden_at": self._work.recorded_at}
        self._connection.execute(_SIMULATIONS["hide"], asked)

    def held_tickers(self, portfolio_id: UUID) -> set[str]:
        """Tickers that the portfolio holds by its ledger."""
        rows = self._connection.execute(_SIMULATIONS["held_tickers"], {"portfolio_id": portfolio_id}).fetchall()
        return {row["ticker"] for row in rows}


class Scenarios:
    """Scenarios that an owner has stored."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work
        self._connection = work.connection

    def all(self, user_id: UUID) -> Sequence[DictRow]:
        return self._connection.execute(_SIMULATIONS["scenarios"], {"user_id": user_id}).fetchall()

    def find(self, user_id: UUID, name: str) -> DictRow | None:
        return self._connection.execute(_SIMULATIONS["scenario"], {"user_id": user_id, "name": name}).fetchone()

    def store(self, user_id: UUID, scenario: Scenario, parts: Mapping[str, Any]) -> None:
        values = {
            "user_id": user_id,
            "name": scenario.name,
            "description": scenario.description,
            "parts": Jsonb(dict(parts)),
            "stored_at": self._work.recorded_at,
        }
        self._connection.execute(_SIMULATIONS["store_scenario"], values)

    def delete(self, user_id: UUID, name: str) -> None:
        if not self._connection.execute(_SIMULATIONS["delete_scenario"], {"user_id": user_id, "name": name}).rowcount:
            raise ScenarioNotFound(name)
