"""The door's questions to the database: those that arrive while others are being answered share the next round trip.

Each costs more by the thread and the connection that it needs than by its one indexed read; together they need one.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import DictRow

from oltp_api.connections import Connection
from oltp_api.unit_of_work import Pool
from storage.queries import statements

_SEEN_EVERY = timedelta(minutes=1)
_MOST_TOGETHER = 32
_AT_ONCE = 2
_SQL = statements("oltp_api/access/queries.sql")


@dataclass(frozen=True, slots=True)
class _Question:
    statement: str
    asked: Mapping[str, Any]
    answer: "asyncio.Future[DictRow | None]"


class Questions:
    """Belongs to the event loop of one application."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: list[_Question] = []
        self._rounds: set[asyncio.Task[None]] = set()

    async def ask(self, statement: str, asked: Mapping[str, Any]) -> DictRow | None:
        """The one row that answers, or None."""
        question = _Question(statement, asked, asyncio.get_running_loop().create_future())
        self._waiting.append(question)
        if len(self._rounds) < _AT_ONCE:
            task = asyncio.create_task(self._run())
            self._rounds.add(task)
            task.add_done_callback(self._rounds.discard)
        return await question.answer

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            together, self._waiting = self._waiting[:_MOST_TOGETHER], self._waiting[_MOST_TOGETHER:]
            try:
                rows = await loop.run_in_executor(None, self._answered, together)
            except Exception as error:
                for each in together:
                    if not each.answer.done():
                        each.answer.set_exception(error)
            else:
                for each, row in zip(together, rows, strict=True):
                    if not each.answer.done():  # whoever asked may have gone
                        each.answer.set_result(row)

    def _answered(self, questions: Sequence[_Question]) -> list[DictRow | None]:
        with self._pool.connection() as connection:
            connection.autocommit = True  # no transaction around what only reads: one round trip, not three
            try:
                rows = _rows(connection, questions)
                for each, row in zip(questions, rows, strict=True):
                    if row is not None:
                        _note_seen(connection, row, each.asked["now"])
                return rows
            finally:
                connection.autocommit = False


def _rows(connection: Connection, questions: Sequence[_Question]) -> list[DictRow | None]:
    if len(questions) == 1:
        (only,) = questions
        return [connection.execute(only.statement, only.asked).fetchone()]
    with connection.pipeline():
        cursors = [connection.execute(each.statement, each.asked) for each in questions]
        return [cursor.fetchone() for cursor in cursors]


def _note_seen(connection: Connection, row: DictRow, now: datetime) -> None:
    """Write that it was seen once a minute, so that a look costs no write."""
    if row["seen_at"] is None or row["seen_at"] < now - _SEEN_EVERY:
        seen = {"now": now, "session_id": row["session_id"], "token_id": row["token_id"]}
        connection.execute(_SQL["session_seen" if row["session_id"] else "token_used"], seen)
