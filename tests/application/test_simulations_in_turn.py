"""Order of simulations: owners in turn, whatever one of them has asked for."""

from collections.abc import Iterator

import psycopg
import pytest

from application.simulations import MOST_ATTEMPTS
from storage.postgres.database import Database
from storage.postgres.horizon import current_horizon
from tests.simulation_requests import Queue


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


def test_what_was_deleted_while_it_waited_is_not_run(queue: Queue) -> None:
    owner = queue.owner()
    deleted, kept = queue.ask(owner), queue.ask(owner)
    queue.connection.execute("update simulation set hidden_at = now() where simulation_id = %s", (deleted,))

    assert queue.due(current_horizon(queue.connection)) == [kept]
