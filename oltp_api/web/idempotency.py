"""Idempotency: a request that is sent again has no effect, and gets the same answer."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Depends, Header, Request, Response
from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow
from pydantic import BaseModel, TypeAdapter

from domain.errors import IdempotencyConflict, Refusal
from oltp_api.connections import Deferred
from oltp_api.context import USER_ID, AppContext, context_of, current_user
from oltp_api.unit_of_work import UnitOfWork, unit_of_work
from oltp_api.web.schemas import Request as RequestBody
from storage.queries import statements

V = TypeVar("V", bound=BaseModel)
_SQL = statements("oltp_api/web/idempotency.sql")


class NoBody(RequestBody):
    """A command that its address says whole."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer to a request, as its idempotency key keeps it: the status and the very text of the body, in UTF-8."""

    status: int
    body: bytes
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
        found = self._work.connection.execute(_SQL["find_keys"], asked)

        def answers() -> Mapping[IdempotencyKey, Answer | IdempotencyConflict]:
            kept = {(row["user_id"], row["key"]): row for row in found.fetchall()}
            return {one: _answered(one, kept[one.user_id, one.key]) for one in keys if (one.user_id, one.key) in kept}

        return answers

    def keep(self, *answered: tuple[IdempotencyKey, Answer]) -> None:
        rows = [{**asdict(key), "status": answer.status, "body": answer.body.decode()} for key, answer in answered]
        if rows:
            self._work.defer(_SQL["keep_keys"], {"keys": json.dumps(rows, default=str)})


def _answered(key: IdempotencyKey, row: DictRow) -> Answer | IdempotencyConflict:
    if row["request_hash"] != key.request_hash:
        return IdempotencyConflict(key.key)
    return Answer(row["status"], row["body"].encode(), is_replayed=True)


@dataclass(frozen=True, slots=True)
class IdempotentCommand:
    """Commits a command once for its Idempotency-Key: the same request again gets the same answer, and no effect.

    A twin that was second answers what the first one did; so does one that was refused only because the first had its
    effect already.
    """

    context: AppContext
    user_id: UUID
    address: str
    key: str | None
    asked_by: UUID | None = None
    """The asker, if it is not the owner for whom it is done: keys are the asker's own."""

    def commit(self, body: BaseModel, status: int | Callable[[V], int], act: Callable[[UnitOfWork], V]) -> Response:
        """Run and commit `act`; respond with its answer and `status`, which may depend on the answer."""
        key = self.key_of(body)
        if key is None:
            return response_of(answer_of(self.context.transact(act), status))
        try:
            with unit_of_work(self.context.pool, self.context.clock, self.context.released_rate) as work:
                answer = answer_of(act(work), status)
                IdempotencyKeys(work).keep((key, answer))
        except (Refusal, UniqueViolation) as error:
            if isinstance(error, UniqueViolation) and error.diag.constraint_name != IdempotencyKeys.TAKEN:
                raise
            first = self.context.transact(lambda work: IdempotencyKeys(work).find(key))
            if first is None:
                raise
            return response_of(first)
        return response_of(answer)

    def key_of(self, body: BaseModel) -> IdempotencyKey | None:
        if self.key is None:
            return None
        request = f"{self.address}\n{body.model_dump_json(exclude_unset=True)}"
        return IdempotencyKey(self.asked_by or self.user_id, self.key, hashlib.sha256(request.encode()).hexdigest())


async def idempotent_command(
    request: Request,
    key: Annotated[
        str | None,
        Header(alias="Idempotency-Key", min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$"),
    ] = None,
) -> IdempotentCommand:
    """Asks for the context and the user itself: a dependency of a dependency costs a trade a tenth of its time."""
    address = f"{request.method} {request.scope['path']}"
    owner = await current_user(request)
    return IdempotentCommand(await context_of(request), owner, address, key, request.scope[USER_ID])


IdempotentDep = Annotated[IdempotentCommand, Depends(idempotent_command)]


def answer_of(view: V, status: int | Callable[[V], int]) -> Answer:
    return Answer(status if isinstance(status, int) else status(view), _written(type(view)).dump_json(view))


@cache
def _written(kind: type[V]) -> TypeAdapter[V]:
    """Serialises to bytes, where a model's own method makes a text of them: a report of a file has many megabytes."""
    return TypeAdapter(kind)


def response_of(answer: Answer) -> Response:
    headers = {"Idempotency-Replayed": "true"} if answer.is_replayed else {}
    return Response(answer.body, answer.status, headers, media_type="application/json")
