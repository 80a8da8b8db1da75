"""Requests for simulations, the outbox, and idempotency keys.

Each is bound to the connection of one unit of work and sees only its transaction. SQL is in `sql/`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

from psycopg.rows import DictRow

from domain.errors import IdempotencyConflict
from domain.events import DomainEvent
from domain.ports import SimulationRequest, TooManyWaiting
from oltp_api.connections import Deferred
from oltp_api.unit_of_work import UnitOfWork
from storage.outbox import write_event
from storage.queries import statements

_REQUESTS = statements("oltp_api/simulations/queries.sql")


class SimulationRequests:
    """Requests for simulations; the pipeline answers them."""

    def __init__(self, work: UnitOfWork) -> None:
        self._connection = work.connection
        self._requested_at = work.recorded_at

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


class Outbox:
    """Events become rows of the outbox, in the transaction that made them true."""

    def __init__(self, work: UnitOfWork) -> None:
        self._connection = work.connection

    def publish(self, aggregate_id: UUID, version: int, event: DomainEvent) -> None:
        write_event(self._connection, aggregate_id, version, event)


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer to a request, as its idempotency key keeps it: the status and the very text of the body."""

    status: int
    body: str
    is_replayed: bool = False


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A user's key, with the hash of the request that it was sent with."""

    user_id: UUID
    key: str
    request_hash: str


class IdempotencyKeys:
    """Keys live in the transaction of the effect: both are there after a crash, or neither.

    A key is kept last, with the commit, and that waits for a parallel twin. The second one then finds the key taken, is
    undone, and answers what the first did.
    """

    TAKEN = "idempotency_key_pkey"
    """The constraint that stops a second request with a key, once the first has committed."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    def find(self, key: IdempotencyKey) -> Answer | None:
        """The answer to this request, if it was given; IdempotencyConflict if the key was another request's."""
        found = self.fetch_later([key])().get(key)
        if isinstance(found, IdempotencyConflict):
            raise found
        return found

    def fetch_later(
        self, keys: Sequence[IdempotencyKey]
    ) -> Deferred[Mapping[IdempotencyKey, Answer | IdempotencyConflict]]:
        """The answers to those of these requests that were answered before."""
        if not keys:
            return dict
        asked = {"user_ids": [one.user_id for one in keys], "keys": [one.key for one in keys]}
        found = self._work.connection.execute(_REQUESTS["find_keys"], asked)

        def answers() -> Mapping[IdempotencyKey, Answer | IdempotencyConflict]:
            kept = {(row["user_id"], row["key"]): row for row in found.fetchall()}
            return {one: _answered(one, kept[one.user_id, one.key]) for one in keys if (one.user_id, one.key) in kept}

        return answers

    def keep(self, *answered: tuple[IdempotencyKey, Answer]) -> None:
        rows = [{**asdict(key), "status": answer.status, "body": answer.body} for key, answer in answered]
        if rows:
            self._work.defer(_REQUESTS["keep_keys"], {"keys": json.dumps(rows, default=str)})


def _answered(key: IdempotencyKey, row: DictRow) -> Answer | IdempotencyConflict:
    if row["request_hash"] != key.request_hash:
        return IdempotencyConflict(key.key)
    return Answer(row["status"], row["body"], is_replayed=True)
