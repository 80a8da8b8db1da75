"""The door's questions to the database: those that arrive while others are being answered are the next statement.

Each costs more by the thread, the connection and the statement that it needs than by its one indexed read; together
they need one of each. One statement at a time: two at once are of half as many questions, and cost twice as much.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from psycopg.rows import DictRow
from pydantic_core import to_json

from domain.values import quickly_made
from oltp_api.connections import Connection
from oltp_api.unit_of_work import Pool
from storage.queries import statements
from storage.web.sessions import IDLE, STANDING

_SEEN_EVERY = timedelta(minutes=1)
_MOST_TOGETHER = 32
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


_Waiting = tuple[Question, "asyncio.Future[DictRow | None]"]


class Questions:
    """Belongs to the event loop of one application, and asks in a thread of its own while inside `with`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._thread = ThreadPoolExecutor(1, "door")
        self._waiting: list[_Waiting] = []
        self._is_asking = False

    def __enter__(self) -> "Questions":
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()

    async def ask(self, question: Question) -> DictRow | None:
        """The one row that answers, or None."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[DictRow | None] = loop.create_future()
        self._waiting.append((question, answer))
        if not self._is_asking:
            self._is_asking = True
            loop.call_soon(self._ask_next, loop)  # with all that arrive in this turn of the loop
        return await answer

    def _ask_next(self, loop: asyncio.AbstractEventLoop) -> None:
        together, self._waiting = self._waiting[:_MOST_TOGETHER], self._waiting[_MOST_TOGETHER:]
        self._is_asking = bool(together)
        if together:
            self._thread.submit(self._ask, together, loop)

    def _ask(self, together: Sequence[_Waiting], loop: asyncio.AbstractEventLoop) -> None:
        """In the thread: the loop is woken once, with the answers to all."""
        try:
            rows: Sequence[DictRow | None] | Exception = self._answered([question for question, _ in together])
        except Exception as error:
            rows = error
        loop.call_soon_threadsafe(self._tell, together, rows, loop)

    def _tell(
        self,
        together: Sequence[_Waiting],
        rows: Sequence[DictRow | None] | Exception,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        for place, (_, answer) in enumerate(together):
            if answer.done():  # whoever asked may have gone
                continue
            if isinstance(rows, Exception):
                answer.set_exception(rows)
            else:
                answer.set_result(rows[place])
        self._ask_next(loop)

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
        asked: dict[str, object] = {
            "number": number,
            "hash_hex": each.hash.hex(),
            "kind": each.kind,
            "target": each.target,
        }
        told.setdefault(each.signed_by, []).append(asked)
    with connection.pipeline() if len(told) > 1 else nullcontext():
        cursors = [
            connection.execute(
                signed_by.value, {"asked": to_json(asked).decode(), "now": now, "idle_since": now - IDLE}
            )
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
