"""How the adapters speak to PostgreSQL with few round trips: questions asked together, writes sent with the commit."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.rows import DictRow

Connection = psycopg.Connection[DictRow]
Cursor = psycopg.Cursor[DictRow]
T = TypeVar("T")
Asked = Callable[[], T]
"""A question that was sent; calling it waits for the answer. Questions sent together share one round trip."""
Later = Callable[[str, Mapping[str, Any]], object]
"""Takes a write that nothing in the unit of work reads back; it is sent with the commit."""


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
