"""PostgreSQL read through DuckDB: numbers stay exact, and whatever is read while attached is of one instant.

One DuckDB transaction is one REPEATABLE READ snapshot of PostgreSQL.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from storage.lake.extensions import extension

_SOURCE = "ledger_database"
_idle: list[duckdb.DuckDBPyConnection] = []


@contextmanager
def reader() -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB in memory with the extension loaded; one that has been used, if there is one."""
    connection = _idle.pop() if _idle else _loaded(duckdb.connect())
    yield connection
    _idle.append(connection)


def _loaded(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    connection.load_extension(str(extension("postgres_scanner")))
    return connection


@contextmanager
def attached(connection: duckdb.DuckDBPyConnection, dsn: str) -> Iterator[None]:
    """The database of `dsn` at one instant, while inside."""
    _loaded(connection).execute("set TimeZone = 'UTC'")
    quoted = dsn.replace("'", "''")
    connection.execute(f"attach '{quoted}' as {_SOURCE} (type postgres, read_only)")
    connection.execute("begin")
    try:
        yield
    finally:
        connection.execute("rollback")
        connection.execute(f"detach {_SOURCE}")


def remote(connection: duckdb.DuckDBPyConnection, query: str) -> duckdb.DuckDBPyConnection:
    """Run `query` in PostgreSQL and return its result. A uuid becomes text in Arrow."""
    return connection.execute("from postgres_query(?, ?)", [_SOURCE, query])
