"""Requests for simulations, the outbox, and idempotency keys.

Each is bound to the connection of one unit of work and sees only its transaction. SQL is in `sql/`.
"""

import json
from collections.abc import Sequence, Set
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from domain.errors import IdempotencyConflict
from domain.events import DomainEvent
from domain.ports import SimulationRequest, TooManyWaiting
from oltp_api.connections import Asked, Connection, Later
from storage.outbox import write_event
from storage.queries import statements

_REQUESTS = statements("oltp_api", "requests")


class PostgresSimulationRequests:
    """Requests for simulations; the pipeline answers them."""

    def __init__(self, connection: Connection, requested_at: datetime) -> None:
        self._connection = connection
        self._requested_at = requested_at

    def refuse_above_limit(self, user_id: UUID) -> None:
        """TooManyWaiting if as many of the user's requests wait as may; one user's requests are counted one by one."""
        asked = {"user_id": user_id}
        self._connection.execute(_REQUESTS["count_one_by_one"], asked)
        row = self._connection.execute(_REQUESTS["waiting_simulations"], asked).fetchone()
        assert row is not None
        if row["waiting"] >= row["max_waiting"]:
            raise TooManyWaiting(row["waiting"], row["max_waiting"])

    def add(self, user_id: UUID, request: SimulationRequest) -> None:
        values = {**asdict(request), "user_id": user_id, "requested_at": self._requested_at}
        self._connection.execute(_REQUESTS["add_simulation"], values)


class OutboxPublisher:
    """Events become rows of the outbox, in the transaction that made them true."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def publish(self, aggregate_id: UUID, version: int, event: DomainEvent) -> None:
        write_event(self._connection, aggregate_id, version, event)


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer to a request, as its idempotency key keeps it: the status and the very text of the body."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A user's idempotency key, the request it was sent with, and the answer to that."""

    user_id: UUID
    key: str
    request_hash: str
    answer: Answer


class PostgresIdempotencyKeys:
    """Keys live in the transaction of the effect: both are there after a crash, or neither."""

    TAKEN = "idempotency_key_pkey"
    """The constraint that stops a second request with a key, once the first has committed."""

    def __init__(self, connection: Connection, later: Later) -> None:
        self._connection = connection
        self._later = later

    def find(self, user_id: UUID, key: str, request_hash: str) -> Answer | None:
        """The answer to this request, if it was given; IdempotencyConflict if the key was another request's."""
        row = self._connection.execute(_REQUESTS["find_key"], {"user_id": user_id, "key": key}).fetchone()
        if row is None:
            return None
        if row["request_hash"] != request_hash:
            raise IdempotencyConflict(key)
        return Answer(row["status"], row["body"])

    def ask_taken(self, keys: Sequence[tuple[UUID, str]]) -> Asked[Set[tuple[UUID, str]]]:
        """Return the users' keys that were used before."""
        asked = {"user_ids": [user_id for user_id, _ in keys], "keys": [key for _, key in keys]}
        taken = self._connection.execute(_REQUESTS["taken_keys"], asked)
        return lambda: {(row["user_id"], row["key"]) for row in taken.fetchall()}

    def keep(self, *kept: KeptKey) -> None:
        """Claim the keys, with the commit; it waits for parallel twins."""
        rows = [
            {
                "user_id": one.user_id,
                "key": one.key,
                "request_hash": one.request_hash,
                "status": one.answer.status,
                "body": one.answer.body,
            }
            for one in kept
        ]
        self._later(_REQUESTS["keep_keys"], {"keys": json.dumps(rows, default=str)})
