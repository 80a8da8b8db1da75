"""The outbox: events written in the unit of work that made them true."""

import json
from dataclasses import fields
from typing import Any
from uuid import UUID

import psycopg

from domain.events import DomainEvent
from storage.correlation import correlation_id

_WRITE = "insert into outbox (aggregate_id, version, event_type, payload, correlation_id) values (%s, %s, %s, %s, %s)"


def write_event(connection: psycopg.Connection[Any], aggregate_id: UUID, version: int, event: DomainEvent) -> None:
    """Add `event` to the outbox, within the connection's transaction. Decimals and dates are text."""
    payload = {field.name: getattr(event, field.name) for field in fields(event)}
    values = (aggregate_id, version, type(event).__name__, json.dumps(payload, default=str), correlation_id())
    connection.execute(_WRITE, values)
