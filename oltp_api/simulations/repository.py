"""Requests for simulations on PostgreSQL, and what became of them. SQL in `queries.sql`."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from domain.errors import SimulationNotFound
from domain.ports import SimulationRequest, TooManyWaiting
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
        values = {**asdict(request), "user_id": user_id, "requested_at": self._work.recorded_at}
        self._connection.execute(_SIMULATIONS["add_simulation"], values)

    def one(self, user_id: UUID, simulation_id: UUID) -> DictRow:
        asked = {**_ANY, "user_id": user_id, "simulation_id": simulation_id}
        row = self._connection.execute(_SIMULATIONS["simulations"], asked).fetchone()
        if row is None:
            raise SimulationNotFound(simulation_id)
        return row

    def page(self, user_id: UUID, sort: str, limit: int, cursor: str | None, **wanted: object) -> dict[str, Any]:
        """Simulations of a portfolio, of a status; None is any."""
        asked = {**_ANY, **wanted, "user_id": user_id}
        return fetch_page(self._connection, _SIMULATIONS["simulations"], asked, _ORDERS[sort], limit, cursor)

    def standing(self, user_id: UUID, portfolio_id: UUID) -> UUID | None:
        """The standing simulation of the portfolio, once it is DONE."""
        asked = {"user_id": user_id, "portfolio_id": portfolio_id}
        row = self._connection.execute(_SIMULATIONS["standing"], asked).fetchone()
        return row["simulation_id"] if row else None
