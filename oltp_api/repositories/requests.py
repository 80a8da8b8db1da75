"""Requests for simulations, the outbox, and idempotency keys.

Each is bound to the connection of one unit of work and sees only its transaction. SQL is in `sql/`.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from domain.errors import IdempotencyConflict
from domain.events import DomainEvent
from domain.ports import SimulationRequest
from oltp_api.connections import Connection, Later
from storage.outbox import write_event
from storage.queries import statements

_REQUESTS = statements("oltp_api", "requests")


class PostgresSimulationRequests:
    """Requests for simulations; the pipeline answers them."""

    def __init__(self, connection: Connection, requested_at: datetime) -> None:
        self._connection = connection
        self._requested_at = requested_at

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
    """What was answered to a request with an idempotency key: the status and the very bytes of the body."""

    status: int
    body: str


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

    def keep(self, user_id: UUID, key: str, request_hash: str, answer: Answer) -> None:
        """Claim the key, with the commit; it waits for a parallel twin."""
        values = {"user_id": user_id, "key": key, "request_hash": request_hash, **asdict(answer)}
        self._later(_REQUESTS["keep_key"], values)
