"""Dagster's kept connections: one that the server has ended is not what a question is asked on."""

import os
import time

import psycopg
from dagster_postgres.utils import create_pg_connection
from sqlalchemy import text

from pipelines.runtime import dagster_storage
from storage.postgres.database import Database

_END_THE_OTHERS = """
    select count(pg_terminate_backend(pid)) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and application_name = 'kept'
"""


def test_a_connection_that_has_ended_meanwhile_is_replaced(database: Database) -> None:
    url = database.admin_url.replace("postgresql://", "postgresql+psycopg://")
    mark = "&" if "?" in url else "?"
    engine = dagster_storage._engine(os.getpid(), f"{url}{mark}application_name=kept")

    def asked() -> int:
        with create_pg_connection(engine) as connection:
            return int(connection.execute(text("select pg_backend_pid()")).scalar_one())

    first = asked()
    assert asked() == first, "it is kept"
    with psycopg.connect(database.admin_url) as other:
        assert other.execute(_END_THE_OTHERS).fetchone() == (1,)
    time.sleep(2 * dagster_storage._TRIED_AFTER_SECONDS)

    assert asked() != first
    engine.dispose()
