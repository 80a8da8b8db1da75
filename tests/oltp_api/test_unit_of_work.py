"""A unit of work that sends from a thread: its errors arrive, and nothing is sent once it is over."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from domain.errors import InvalidInput
from oltp_api.unit_of_work import Pool, UnitOfWork, unit_of_work
from storage.clock import SystemClock
from storage.postgres.database import Database

_ADD = """
    insert into account (user_id, identifier, broker, account_type)
    select user_id, %(name)s, 'x', 'BANK' from app_user
"""


@pytest.fixture
def pool(database: Database) -> Iterator[Pool]:
    """One connection, so that whoever is next has the same."""
    settings = {"row_factory": dict_row}
    with ConnectionPool(database.app_url, min_size=1, max_size=1, kwargs=settings, open=True) as opened:
        yield opened


def names_like(pool: Pool, prefix: str) -> list[str]:
    with pool.connection() as connection:
        found = connection.execute("select identifier from account where starts_with(identifier, %s)", (prefix,))
        return [row["identifier"] for row in found]


def send_many(work: UnitOfWork, prefix: str) -> None:
    work.defer("select pg_sleep(0.2)", {})
    for number in range(100):
        work.defer(_ADD, {"name": f"{prefix}{number}"})
    work.flush_beside()


def test_what_is_sent_beside_is_there_for_whoever_uses_the_connection_next(pool: Pool) -> None:
    prefix = f"beside {uuid4().hex[:8]} "
    with unit_of_work(pool, SystemClock()) as work:
        send_many(work, prefix)
        seen = work.connection.execute("select count(*) as n from account where starts_with(identifier, %s)", (prefix,))
        assert seen.fetchall() == [{"n": 100}]

    assert len(names_like(pool, prefix)) == 100


def test_an_error_of_what_is_sent_beside_is_raised_where_the_connection_is_needed(pool: Pool) -> None:
    def divide() -> None:
        with unit_of_work(pool, SystemClock()) as work:
            work.defer("select 1 / 0", {})
            work.flush_beside()

    with pytest.raises(psycopg.errors.DivisionByZero):
        divide()


def test_a_refusal_lets_nothing_more_be_sent_on_a_connection_that_another_has_next(pool: Pool) -> None:
    prefix = f"refused {uuid4().hex[:8]} "

    def refuse() -> None:
        with unit_of_work(pool, SystemClock()) as work:
            send_many(work, prefix)
            raise InvalidInput("name", "is refused")

    with pytest.raises(InvalidInput):
        refuse()

    for _ in range(20):
        assert names_like(pool, prefix) == []
