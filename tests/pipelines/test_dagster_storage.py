"""Dagster's storage as we keep it: a connection that the server has ended is not what a question is asked on, and what
is stored of a run is what Dagster's own stores."""

import os
import time
from collections.abc import Callable
from typing import Any

import dagster as dg
import psycopg
import pytest
from dagster._core.test_utils import instance_for_test
from dagster_postgres.utils import create_pg_connection
from sqlalchemy import text

from pipelines.runtime import dagster_storage
from storage.postgres.database import Database

_END_THE_OTHERS = """
    select count(pg_terminate_backend(pid)) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and application_name = 'kept'
"""

_STORED = {
    "events": "select step_key, dagster_event_type, asset_key, partition from event_logs order by id",
    "assets": """
        select asset_key, last_materialization is null, last_run_id in (select run_id from runs) from asset_keys
        order by asset_key
    """,
    "tags": """
        select event_logs.asset_key, event_logs.dagster_event_type, key from asset_event_tags
        inner join event_logs on event_id = event_logs.id order by event_id, key
    """,
    "checks": """
        select checked.asset_key, check_name, execution_status, event_logs.dagster_event_type,
            materialization_event_storage_id is null
        from asset_check_executions as checked
        left join event_logs on evaluation_event_storage_id = event_logs.id order by checked.id
    """,
}


@dg.asset(check_specs=[dg.AssetCheckSpec("holds", asset="first"), dg.AssetCheckSpec("is_even", asset="first")])
def first() -> Any:
    yield dg.MaterializeResult(
        metadata={"rows": 3},
        check_results=[
            dg.AssetCheckResult(check_name="holds", passed=True),
            dg.AssetCheckResult(check_name="is_even", passed=False, severity=dg.AssetCheckSeverity.WARN),
        ],
    )


@dg.asset(deps=[first], partitions_def=dg.StaticPartitionsDefinition(["2008", "2009"]))
def second() -> None: ...


def test_what_is_stored_of_a_run_is_what_dagsters_own_stores(
    new_database: Callable[[], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "20")

    def stored(module: str, name: str) -> dict[str, list[tuple[Any, ...]]]:
        database = new_database()
        kept = {"module": module, "class": name, "config": {"postgres_url": database.dagster_url}}
        with instance_for_test(overrides={"storage": {"custom": kept}}) as instance:
            assert dg.materialize([first, second], instance=instance, partition_key="2008").success
        with psycopg.connect(database.admin_url) as connection:
            connection.execute("set search_path to dagster")
            return {what: connection.execute(query).fetchall() for what, query in _STORED.items()}

    ours = stored("pipelines.runtime.dagster_storage", "KeptPostgresStorage")

    assert ours == stored("dagster_postgres", "DagsterPostgresStorage")
    assert [len(rows) > 1 for rows in ours.values()] == [True] * len(_STORED)


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
