"""The outbox: events written in the unit of work that made them true."""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg

from domain.errors import plain
from domain.events import DomainEvent
from storage.correlation import correlation_id

_WRITE = """
    insert into outbox (aggregate_id, version, event_type, payload, correlation_id) values (%s, %s, %s, %s, %s)
"""


def write_event(connection: psycopg.Connection[Any], aggregate_id: UUID, version: int, event: DomainEvent) -> None:
    """Add `event` to the outbox, within the connection's transaction."""
    values = (aggregate_id, version, type(event).__name__, json.dumps(payload_of(event)), correlation_id())
    connection.execute(_WRITE, values)


def payload_of(event: DomainEvent) -> dict[str, object]:
    """The event's facts as JSON values; decimals, dates and ids are text."""
    values = {name: getattr(event, name) for name in event.__slots__}
    return {name: _TEXT_OF[type(value)](value) if type(value) in _TEXT_OF else value for name, value in values.items()}


_TEXT_OF: Mapping[type, Callable[[Any], str]] = {Decimal: plain, UUID: str, date: str, datetime: str}
