"""The door's questions to the database: those that arrive while others are being answered are the next statement.

Each costs more by the thread, the connection and the statement that it needs than by its one indexed read; together
they need one of each.
"""

import asyncio
import json
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from psycopg.rows import DictRow

from domain.values import quickly_made
from oltp_api.connections import Connection
from oltp_api.unit_of_work import Pool
from storage.queries import statements
from storage.web.sessions import IDLE, STANDING

_SEEN_EVERY = timedelta(minutes=1)
_MOST_TOGETHER = 32
_AT_ONCE = 2
_SQL = statements("oltp_api/access/queries.sql")


class SignedBy(Enum):
    """Kinds of secrets, with the statement that finds who has them."""

    SESSION = f"{_SQL['asked']}\n{STANDING}\n{_SQL['answered']}"
    TOKEN = f"{_SQL['asked']}\n{_SQL['token']}\n{_SQL['answered']}"


@quickly_made
@dataclass(frozen=True, slots=True)
class Question:
    """A secret's hash and a moment: who has it then, and their part in the `target` that the parameter `kind` names."""

    signed_by: SignedBy
    hash: bytes
    now: datetime
    kind: str | None
    target: UUID | None


@dataclass(frozen=True, slots=True)
class _Waiting:
    question: Question
    answer: "asyncio.Future[DictRow | None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Questions:
    """Belongs to the event loop of one application."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: list[_Waiting] = []
        self._rounds: set[asyncio.Task[None]] = set()

    async def ask(self, question: Question) -> DictRow | None:
        """The one row that answers, or None."""
        waiting = _Waiting(question)
        self._waiting.append(waiting)
        if len(self._rounds) < _AT_ONCE:
            task = asyncio.create_task(self._run())
            self._rounds.add(task)
            task.add_done_callback(self._rounds.discard)
        return await waiting.answer

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            together, self._waiting = self._waiting[:_MOST_TOGETHER], self._waiting[_MOST_TOGETHER:]
            try:
                rows = await loop.run_in_executor(None, self._answered, [each.question for each in together])
            except Exception as error:
                for each in together:
                    if not each.answer.done():
                        each.answer.set_exception(error)
            else:
                for each, row in zip(together, rows, strict=True):
                    if not each.answer.done():  # whoever asked may have gone
                        each.answer.set_result(row)

    def _answered(self, questions: Sequence[Question]) -> list[DictRow | None]:
        with self._pool.connection() as connection:
            connection.autocommit = True  # no transaction around what only reads: one round trip, not three
            try:
                rows = _rows(connection, questions)
                for each, row in zip(questions, rows, strict=True):
                    if row is not None:
                        _note_seen(connection, row, each.now)
                return rows
            finally:
                connection.autocommit = False


def _rows(connection: Connection, questions: Sequence[Question]) -> list[DictRow | None]:
    """The answers to all at the moment of the last."""
    now = questions[-1].now
    told: dict[SignedBy, list[dict[str, object]]] = {}
    for number, each in enumerate(questions):
        target = None if each.target is None else str(each.target)
        asked = {"number": number, "hash_hex": each.hash.hex(), "kind": each.kind, "target": target}
        told.setdefault(each.signed_by, []).append(asked)
    with connection.pipeline() if len(told) > 1 else nullcontext():
        cursors = [
            connection.execute(signed_by.value, {"asked": json.dumps(asked), "now": now, "idle_since": now - IDLE})
            for signed_by, asked in told.items()
        ]
        rows: list[DictRow | None] = [None] * len(questions)
        for cursor in cursors:
            for row in cursor.fetchall():
                rows[row["number"]] = row
    return rows


def _note_seen(connection: Connection, row: DictRow, now: datetime) -> None:
    """Write that it was seen once a minute, so that a look costs no write."""
    if row["seen_at"] is None or row["seen_at"] < now - _SEEN_EVERY:
        seen = {"now": now, "session_id": row["session_id"], "token_id": row["token_id"]}
        connection.execute(_SQL["session_seen" if row["session_id"] else "token_used"], seen)
