"""Simulation requests in PostgreSQL: which are due, and what came of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from domain.analytics.estimates.posterior_drift import DriftChoice
from domain.analytics.simulation.inputs import Rebalancing, Sampling
from domain.errors import SimulationNotFound
from domain.simulations import TERMS, GivenDrift, ModelName, SimulationRequest, SimulationTerms
from storage.postgres.horizon import VisibilitySnapshot
from storage.queries import our_own

_OF_REQUEST = ("simulation_id", "portfolio_id", "name", "seed", "is_standing", "replay_of", "calibration_of")
_COLUMNS = our_own(", ".join((*_OF_REQUEST, *TERMS)))
MOST_ATTEMPTS = 3
"""A simulation whose run has ended so often before it was done is refused."""
# Owners in turn: first whose last one is longest ago; of an owner, what was not tried before, and what a person asked.
_DUE = f"""
    with waiting as (
        select *
        from simulation
        where pg_visible_in_snapshot(xid, %s::pg_snapshot) and (status = 'REQUESTED' or is_standing)
            and hidden_at is null
    ),

    owners as (
        select owner.user_id, served.finished_at
        from (select distinct user_id from waiting) as owner
        left join lateral (
            select finished_at
            from simulation
            where simulation.user_id = owner.user_id
            order by finished_at desc nulls last
            limit 1
        ) as served on true
    )

    select {_COLUMNS}, status, portfolio_version, attempts
    from waiting
    inner join owners using (user_id)
    order by
        owners.finished_at nulls first, owners.user_id, attempts, is_standing, requested_at, simulation_id
"""
_TRY = "update simulation set attempts = attempts + 1 where simulation_id = %s returning attempts"
_GET = f"select {_COLUMNS} from simulation where simulation_id = %s"
_RESULT = "select release_id, portfolio_version, summary from simulation where simulation_id = %s"
_FINISH = """
    update simulation
    set attempts = 0, status = %s, release_id = %s, portfolio_version = %s, summary = %s, reason = %s, finished_at = %s
    where simulation_id = %s
"""


@dataclass(frozen=True, slots=True)
class StoredResult:
    """A result as it is kept beside the request."""

    release_id: int | None
    portfolio_version: int | None
    summary: Mapping[str, Any] | None


class PostgresSimulationRepository:
    """Requests, within the connection's transaction. A result never changes what was asked."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def due(self, horizon: VisibilitySnapshot, versions: Mapping[UUID, int]) -> list[SimulationRequest]:
        """Requests that `horizon` sees and that wait for a result, as they are taken in turn; a standing one waits
        whenever its portfolio has moved on. `versions` are the released portfolios."""
        rows = self._rows(_DUE, horizon.snapshot)
        return [
            request_of(row)
            for row in rows
            if row["portfolio_id"] in versions
            and (row["status"] == "REQUESTED" or row["portfolio_version"] != versions[row["portfolio_id"]])
        ]

    def begin(self, simulation_id: UUID) -> int:
        """Count that the simulation is tried; how often it has been since its last result."""
        row = self._connection.execute(_TRY, (simulation_id,)).fetchone()
        if row is None:
            raise SimulationNotFound(simulation_id)
        return int(row[0])

    def get(self, simulation_id: UUID) -> SimulationRequest:
        rows = self._rows(_GET, simulation_id)
        if not rows:
            raise SimulationNotFound(simulation_id)
        return request_of(rows[0])

    def result(self, simulation_id: UUID) -> StoredResult:
        """The refresh that a simulation was made from, and its summary; None before."""
        (row,) = self._rows(_RESULT, simulation_id)
        return StoredResult(**row)

    def finish(
        self,
        simulation_id: UUID,
        status: str,
        release_id: int,
        portfolio_version: int,
        finished_at: datetime,
        summary: Mapping[str, object] | None = None,
        reason: str | None = None,
    ) -> None:
        stored = json.dumps(summary) if summary is not None else None
        self._connection.execute(
            _FINISH, (status, release_id, portfolio_version, stored, reason, finished_at, simulation_id)
        )

    def _rows(self, query: LiteralString, *values: object) -> list[dict[str, Any]]:
        with self._connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, values).fetchall()


def request_of(row: Mapping[str, Any]) -> SimulationRequest:
    """A row of `simulation`, with the columns of `_COLUMNS` among others."""
    return SimulationRequest(terms=terms_of(row), **{name: row[name] for name in _OF_REQUEST})


def terms_of(row: Mapping[str, Any]) -> SimulationTerms:
    """The terms in a row of `simulation`."""
    terms: dict[str, Any] = {
        **{name: row[name] for name in TERMS},
        "model": ModelName(row["model"]),
        "drift": DriftChoice(row["drift"]) if row["drift"] else None,
        "rebalancing": Rebalancing(row["rebalancing"]),
        "sampling": Sampling(row["sampling"]),
        "given_drifts": tuple(_given_drift(one) for one in row["given_drifts"] or ()),
    }
    return SimulationTerms(**terms)


def _given_drift(stored: Mapping[str, Any]) -> GivenDrift:
    facts: dict[str, Any] = {**stored, "as_of": date.fromisoformat(stored["as_of"])}
    return GivenDrift(**facts)
