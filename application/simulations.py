"""Simulation requests in PostgreSQL: which are due, and what came of them."""

import json
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import psycopg

from domain.errors import SimulationNotFound
from domain.ports import SimulationRequest
from storage.postgres.horizon import VisibilitySnapshot

_COLUMNS = "simulation_id, portfolio_id, name, horizon_years, num_paths, sample_paths, seed, is_standing"
MOST_ATTEMPTS = 3
"""A simulation whose run has ended so often before it was done is refused."""
# Owners in turn: first whose last one is longest ago; of an owner, what was not tried before, and what a person asked.
_DUE = f"""
    with waiting as (
        select *
        from simulation
        where pg_visible_in_snapshot(xid, %s::pg_snapshot) and (status = 'REQUESTED' or is_standing)
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
_FINISH = """
    update simulation
    set attempts = 0, status = %s, release_id = %s, portfolio_version = %s, summary = %s, reason = %s, finished_at = %s
    where simulation_id = %s
"""


class PostgresSimulationRepository:
    """Requests, within the connection's transaction. A result never changes what was asked."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def due(self, horizon: VisibilitySnapshot, versions: Mapping[UUID, int]) -> list[SimulationRequest]:
        """Requests that `horizon` sees and that wait for a result, as they are taken in turn; a standing one waits
        whenever its portfolio has moved on. `versions` are the released portfolios."""
        rows = self._connection.execute(_DUE, (horizon.snapshot,)).fetchall()
        requests = [(SimulationRequest(*row[:8]), row[8], row[9]) for row in rows]
        return [
            request
            for request, status, simulated_version in requests
            if request.portfolio_id in versions
            and (status == "REQUESTED" or simulated_version != versions[request.portfolio_id])
        ]

    def begin(self, simulation_id: UUID) -> int:
        """Count that the simulation is tried; how often it has been since its last result."""
        row = self._connection.execute(_TRY, (simulation_id,)).fetchone()
        if row is None:
            raise SimulationNotFound(simulation_id)
        return int(row[0])

    def get(self, simulation_id: UUID) -> SimulationRequest:
        row = self._connection.execute(_GET, (simulation_id,)).fetchone()
        if row is None:
            raise SimulationNotFound(simulation_id)
        return SimulationRequest(*row)

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
