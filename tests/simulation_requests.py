"""Owners and what they have asked to be simulated, in a real database."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg

from application.simulations import PostgresSimulationRepository
from storage.postgres.horizon import VisibilitySnapshot

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


class Queue:
    """Owners with a portfolio each, and what they have asked for, a minute apart."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection, self.minute = connection, 0
        self.repository = PostgresSimulationRepository(connection)
        self.portfolios: dict[UUID, UUID] = {}

    def owner(self) -> UUID:
        user_id, portfolio_id = uuid4(), uuid4()
        self.connection.execute("insert into app_user (user_id, email) values (%s, %s)", (user_id, f"{user_id}@x"))
        self.connection.execute(
            "insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone, created_at)"
            " values (%s, %s, %s, 'USD', 'INVESTMENT', 'UTC', now())",
            (portfolio_id, user_id, str(user_id)),
        )
        self.portfolios[user_id] = portfolio_id
        return user_id

    def ask(self, owner: UUID) -> UUID:
        simulation_id, self.minute = uuid4(), self.minute + 1
        self.connection.execute(
            "insert into simulation (simulation_id, portfolio_id, user_id, name, horizon_years, num_paths,"
            " sample_paths, seed, is_standing, requested_at) values (%s, %s, %s, 'x', 1, 10, 1, 1, false, %s)",
            (simulation_id, self.portfolios[owner], owner, NOON + timedelta(minutes=self.minute)),
        )
        return simulation_id

    def due(self, horizon: VisibilitySnapshot) -> list[UUID]:
        versions = dict.fromkeys(self.portfolios.values(), 1)
        return [request.simulation_id for request in self.repository.due(horizon, versions)]

    def finish(self, simulation_id: UUID) -> None:
        self.minute += 1
        self.repository.finish(simulation_id, "DONE", 1, 1, NOON + timedelta(minutes=self.minute))
