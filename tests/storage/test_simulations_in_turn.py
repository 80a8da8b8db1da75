"""Which simulation is next: owners in turn, whatever one of them has asked for."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from storage.horizon import Horizon, current_horizon
from storage.postgres import Database
from storage.simulations import MOST_ATTEMPTS, PostgresSimulationRepository

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
NAMES = "select simulation_id, user_id from simulation"


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

    def due(self, horizon: Horizon) -> list[UUID]:
        versions = dict.fromkeys(self.portfolios.values(), 1)
        return [request.simulation_id for request in self.repository.due(horizon, versions)]

    def finish(self, simulation_id: UUID) -> None:
        self.minute += 1
        self.repository.finish(simulation_id, "DONE", 1, 1, NOON + timedelta(minutes=self.minute))


@pytest.fixture
def queue(database: Database) -> Iterator[Queue]:
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        connection.execute("truncate simulation cascade")
        yield Queue(connection)


def test_another_owner_waits_for_one_of_a_hundred_and_fifty(queue: Queue) -> None:
    first, other = queue.owner(), queue.owner()
    many = [queue.ask(first) for _ in range(150)]
    one = queue.ask(other)
    horizon = current_horizon(queue.connection)

    turn = []
    for _ in range(4):
        turn.append(queue.due(horizon)[0])
        queue.finish(turn[-1])

    assert one in turn[:2]
    assert [each for each in turn if each != one] == many[:3]


def test_control_by_time_alone_another_owner_waits_for_all(queue: Queue) -> None:
    first, other = queue.owner(), queue.owner()
    for _ in range(150):
        queue.ask(first)
    one = queue.ask(other)

    in_order = queue.connection.execute("select simulation_id from simulation order by requested_at").fetchall()

    assert in_order.index((one,)) == 150


def test_what_was_tried_waits_behind_what_was_not(queue: Queue) -> None:
    owner = queue.owner()
    tried, fresh = queue.ask(owner), queue.ask(owner)
    horizon = current_horizon(queue.connection)

    assert queue.repository.begin(tried) == 1
    assert queue.due(horizon) == [fresh, tried]


def test_tries_are_counted_until_there_is_a_result(queue: Queue) -> None:
    simulation_id = queue.ask(queue.owner())

    assert [queue.repository.begin(simulation_id) for _ in range(MOST_ATTEMPTS + 1)] == [1, 2, 3, 4]
    queue.finish(simulation_id)
    assert queue.repository.begin(simulation_id) == 1
