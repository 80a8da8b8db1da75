"""Dagster's storage in PostgreSQL, with connections that are kept and events that are told once.

Dagster's own opens one for every question, and three with a look at all tables for every instance, of which each tick
of a sensor makes one: 15 connections a second while nothing happens, 7 % of a core (2026-11-28). Here a process keeps
one pool for all instances and asks once whether the tables are there. A connection that was not used just now is tried
before it is, so that a restarted server costs no tick. What a run plans is stored in a few statements, and no event is
told on a channel that nobody has listened to since Dagster's own watcher asks for what is new: a refresh sends 760
statements instead of 1,240.
"""

import os
import time
from collections.abc import Sequence
from functools import cache
from typing import Any

from dagster import DagsterEventType, EventLogEntry
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._serdes import ConfigurableClassData
from dagster_postgres.event_log import PostgresEventLogStorage
from dagster_postgres.storage import DagsterPostgresStorage
from dagster_postgres.utils import create_pg_engine, pg_url_from_config
from sqlalchemy.event import listen
from sqlalchemy.exc import DisconnectionError

_KEPT = 2
_RECYCLE_SECONDS = 3600
_TRIED_AFTER_SECONDS = 0.2
"""No server restarts in less. A run takes its connection a thousand times, and a try each time was 5 % of it."""
_PREPARED: set[tuple[int, str]] = set()
"""Processes and databases whose tables are known to be there."""


_ASKED_AGAIN = (
    *("has_table", "has_asset_key_col"),
    *("has_run_stats_index_cols", "has_backfill_id_column", "has_backfill_tags_table"),
    *("has_bulk_actions_selector_cols", "has_bulk_action_job_name_column"),
    *("has_instigators_table", "has_secondary_index_table", "has_built_index"),
)
"""Looks at all tables, at 6 ms each: for every check of an asset, and for every tick of a sensor."""


_PLANNED = {DagsterEventType.ASSET_MATERIALIZATION_PLANNED, DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED}
_INSERT_EVENTS = SqlEventLogStorageTable.insert().returning(SqlEventLogStorageTable.c.id, sort_by_parameter_order=True)


class EventLog(PostgresEventLogStorage):
    """The same rows as Dagster's own."""

    def store_event(self, event: EventLogEntry) -> None:
        self._store([event])

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        if {event.dagster_event_type for event in events} <= _PLANNED:
            self._store(events)
        else:
            super().store_event_batch(events)

    def _store(self, events: Sequence[EventLogEntry]) -> None:
        rows = [self._event_to_row(event) for event in events]
        with self._connect() as connection:
            numbers = list(connection.execute(_INSERT_EVENTS, rows).scalars())
        for event, number in zip(events, numbers, strict=True):
            if event.dagster_event_type in ASSET_EVENTS and event.get_dagster_event().asset_key:
                with self.index_transaction() as connection:
                    self._store_asset_event_tags(connection, [event], [number])
                    self._store_asset_event(connection, event, number)
            if event.dagster_event_type in ASSET_CHECK_EVENTS:
                self.store_asset_check_event(event, number)


class KeptPostgresStorage(DagsterPostgresStorage):
    """`dagster.yaml` names it; its tables and its answers are those of Dagster's own."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "KeptPostgresStorage":
        url = pg_url_from_config(config_value)
        process = (os.getpid(), url)
        storage = cls(url, should_autocreate_tables=process not in _PREPARED, inst_data=inst_data)
        _PREPARED.add(process)
        storage._event_log_storage = EventLog(url, should_autocreate_tables=False)
        for part in (storage.run_storage, storage.event_log_storage, storage.schedule_storage):
            setattr(part, "_engine", _engine(os.getpid(), url))  # noqa: B010  (it is theirs, and pinned)
            for question in _ASKED_AGAIN:
                if hasattr(part, question):
                    setattr(part, question, cache(getattr(part, question)))
        # Asked of a connection, so that no answer could be kept; opening the storage has made the table.
        setattr(storage.schedule_storage, "_has_instigators_table", lambda _: True)  # noqa: B010
        return storage


@cache
def _engine(pid: int, url: str) -> Any:
    del pid  # what a process has opened is not its children's
    engine = create_pg_engine(
        url, isolation_level="AUTOCOMMIT", pool_size=_KEPT, max_overflow=-1, pool_recycle=_RECYCLE_SECONDS
    )
    listen(engine, "checkin", _given_back)
    listen(engine, "checkout", _taken)
    return engine


def _given_back(_: Any, record: Any) -> None:
    record.info["used_at"] = time.monotonic()


def _taken(connection: Any, record: Any, _: Any) -> None:
    if time.monotonic() - record.info.get("used_at", -_RECYCLE_SECONDS) < _TRIED_AFTER_SECONDS:
        return
    try:
        connection.cursor().execute("select")
    except Exception as error:
        raise DisconnectionError from error  # the pool then opens another
