"""How the adapters speak to PostgreSQL with few round trips: questions that are asked together, and how they lock."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum, auto
from typing import TypeVar

import psycopg
from psycopg.rows import DictRow

Connection = psycopg.Connection[DictRow]
Cursor = psycopg.Cursor[DictRow]
T = TypeVar("T")
Deferred = Callable[[], T]
"""A question that was sent; calling it waits for the answer. Questions sent together share one round trip."""


class RowLock(Enum):
    """How what is loaded is locked until the commit: at all, and waiting for whoever has it or leaving it out."""

    WAIT = auto()
    SKIP = auto()
    NONE = auto()


def text_array(texts: Sequence[str]) -> str:
    """The literal of an array of texts; psycopg looks at each item by itself, which takes ten times as long."""
    joined = '","'.join(texts)
    if "\\" in joined or joined.count('"') > 2 * (len(texts) - 1):
        joined = '","'.join(text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return f'{{"{joined}"}}' if texts else "{}"


@contextmanager
def savepoint(connection: Connection) -> Iterator[None]:
    """Undo what was executed inside if it fails, so that the unit of work can go on.

    psycopg's own `transaction()` would be the outermost one, and commit by itself, where nothing was executed before.
    """
    if connection.autocommit:
        with connection.transaction():
            yield
        return
    connection.execute("savepoint attempt")
    try:
        yield
    except BaseException:
        connection.execute("rollback to savepoint attempt")
        raise
    connection.execute("release savepoint attempt")
