"""A release to ask by SQL: its exact tables, read-only, in a DuckDB in memory that reads nothing else.

`connect()` mounts the lake of a state folder. `connect(api=..., token=...)` has the tables sent by an API, with the
rows that the token's owner may see, each when it is first asked for.
"""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

import duckdb

from domain.errors import NoRelease
from domain.references import NoSuchRelease
from lakefolio.frames import Kind, framed
from lakefolio.served import ServedTables
from storage.lake.delta import Lake
from storage.lake.mounted import mounted
from storage.lake.releases import Releases
from storage.lake.s3 import options_of
from storage.settings import Settings, settings

_NAMED = re.compile(r'\b(\w+)"?\s*\.\s*"?(\w+)')
_READS = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)


class ReleaseConnection:
    """One release, which stays the same however many follow it.

    `tables` are its tables, as `marts/fact_performance`, with their versions; SQL calls them `marts.fact_performance`.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        release_id: int,
        as_of: str | None,
        tables: Mapping[str, int],
        source: ServedTables | None = None,
    ) -> None:
        self.release_id, self.as_of, self.tables = release_id, as_of, dict(tables)
        self._connection, self._source = connection, source
        self._fetched: set[str] = set()

    def sql(self, query: str) -> duckdb.DuckDBPyRelation:
        """The answer to one SELECT, lazily; anything else is refused."""
        statements = self._connection.extract_statements(query)
        if len(statements) != 1 or statements[0].type not in _READS:
            raise ValueError("a release is read-only: ask one SELECT")
        for table in self._named_in(query):
            self._have(table)
        return self._connection.sql(query)

    def frame(self, name_or_query: str, as_: Kind = "pandas") -> Any:
        """A table by its name, or the answer to a SELECT, as a frame with units; see `lakefolio.units_of`."""
        table = name_or_query.replace(".", "/", 1)
        is_name = table in self.tables
        query = 'from "{}"."{}"'.format(*table.split("/")) if is_name else name_or_query
        answer = self.sql(query).to_arrow_table()
        facts = {"release_id": str(self.release_id), "as_of": self.as_of or ""}
        return framed(answer, [table] if is_name else self._named_in(query), as_, facts)

    def close(self) -> None:
        self._connection.close()
        if self._source is not None:
            self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _named_in(self, query: str) -> list[str]:
        """The tables of the release that a query names."""
        named = {f"{schema}/{name}".lower() for schema, name in _NAMED.findall(query)}
        return sorted(named.intersection(self.tables))

    def _have(self, table: str) -> None:
        """Have a table's rows sent, if this release is an API's and has not had them yet."""
        if self._source is None or table in self._fetched:
            return
        schema, _, name = table.partition("/")
        with self._source.reading(table) as reader:
            self._connection.register("incoming", reader)
            self._connection.execute(f'create schema if not exists "{schema}"')
            self._connection.execute(f'create table "{schema}"."{name}" as from incoming')
            self._connection.unregister("incoming")
        self._fetched.add(table)


def connect(
    home: str | Path | None = None,
    release: int | None = None,
    *,
    api: str | None = None,
    token: str | None = None,
) -> ReleaseConnection:
    """The newest release, or the one with the number `release`, of a state folder or of an API.

    Without `home` it is the lake of the environment, as `make env` prints it, or of the repository's own state.
    """
    if api is not None:
        if home is not None:
            raise ValueError("give a state folder or an API, not both")
        return _served(ServedTables(api, token, release))
    return _mounted(settings() if home is None else Settings(lakefolio_home=Path(home), lake_uri=None), release)


def _mounted(current: Settings, number: int | None) -> ReleaseConnection:
    lake = Lake(current.lake, lock=_refuse_to_publish, storage_options=options_of(current))
    releases = Releases(lake)
    head = releases.head()
    if head is None:
        raise NoRelease()
    release = head if number in (None, head.release_id) else releases.get(int(number or 0))
    if release is None:
        raise NoSuchRelease(int(number or 0), head.release_id)
    found = mounted(lake, release)
    as_of = release.as_of.isoformat() if release.as_of else None
    return ReleaseConnection(found.connection, release.release_id, as_of, release.versions)


def _served(source: ServedTables) -> ReleaseConnection:
    connection = duckdb.connect(config={"temp_directory": ""})
    connection.execute("set global TimeZone = 'UTC'; set enable_external_access = false; set lock_configuration = true")
    return ReleaseConnection(connection, source.release_id, source.as_of, source.tables, source)


def _refuse_to_publish(table: str) -> AbstractContextManager[object]:
    raise AssertionError(f"a notebook only reads the lake, but something publishes {table}")
