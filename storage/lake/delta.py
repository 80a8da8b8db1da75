"""The lake: Delta tables under one root, published atomically and mounted as DuckDB views at exact versions.

`<root>/<schema>/<table>`. A publication replaces the whole table, one window of days, or the rows of one key, and
makes a new version only if a row changed. Tables with days are partitioned by year, so that a change touches the
files of its year. Old versions stay readable: nothing is cleaned up here.
"""

import logging
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from threading import Lock as ThreadLock
from typing import Any, TypeAlias
from urllib.parse import unquote, urlparse
from uuid import uuid4

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, write_deltalake

from storage.errors import SchemaChanged
from storage.lake.s3 import enable_s3
from storage.lake.zeros import unsigned
from storage.private import private_folder

_log = logging.getLogger(__name__)
YEAR = "year"
"""The partition column: it lives in the path, and no reader sees it."""

Lock = Callable[[str], AbstractContextManager[object]]
Rows: TypeAlias = pa.Table | duckdb.DuckDBPyRelation
"""Rows to publish: a relation is streamed, and may be larger than memory."""
Key = Mapping[str, str | int | Sequence[str]]
_COMMITS_PER_CHECKPOINT = 10
"""To open a table takes half a millisecond, or a bucket's answer, for each commit since: 140 times in a refresh."""
_FILE_BYTES = 32 * 2**20
"""How large files become: a change of a few rows rewrites the files that they are in."""
MOST_KEYS = 500
"""More values of a key than this are no part any more: then the whole is published."""
_NO_OPTIONS: Mapping[str, str] = {}
_SHARED_LOCK = ThreadLock()


@dataclass(frozen=True, slots=True)
class Window:
    """Days from `start` to `end`, both included."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"a window ends on {self.end}, before it starts on {self.start}")


@dataclass(frozen=True, slots=True)
class Publication:
    """Result of a publish: the table's version after it, whether that is a new one, and of how many rows it was."""

    table: str
    version: int
    is_new: bool
    row_count: int
    changed_years: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Lake:
    """Delta tables below `root`. `lock(name)` keeps two publishers of one table apart."""

    root: str
    lock: Lock
    storage_options: dict[str, str] = field(default_factory=dict, repr=False)

    def uri(self, table: str) -> str:
        return f"{self.root.rstrip('/')}/{table}"

    def exists(self, table: str) -> bool:
        return bool(DeltaTable.is_deltatable(self.uri(table), storage_options=self.storage_options))

    def open(self, table: str, version: int | None = None) -> DeltaTable:
        return DeltaTable(self.uri(table), version=version, storage_options=self.storage_options)

    def version(self, table: str) -> int | None:
        """The newest version, or None if the table was never published."""
        return int(self.open(table).version()) if self.exists(table) else None

    def versions(self, tables: Sequence[str]) -> dict[str, int]:
        """The newest version of each of `tables` that exists."""
        return {table: int(self.open(table).version()) for table in tables if self.exists(table)}

    def columns(self, table: str, version: int | None = None) -> list[str]:
        """The names of a version's columns, without the partition column."""
        names = pa.schema(self.open(table, version).schema().to_arrow()).names
        return [name for name in names if name != YEAR]

    def read(self, table: str, version: int | None = None) -> pa.Table:
        """All rows of one version, without the partition column."""
        with self.connect() as connection:
            return connection.execute(f"from {self.scan(table, version)}").to_arrow_table()

    def connect(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A private DuckDB in memory, in UTC, that can read what `scan` names."""
        return memory_duckdb(self.storage_options)

    def scan(self, table: str, version: int | None = None) -> str:
        """One version as a DuckDB table expression over its exact files; typed also when it has none."""
        if version is not None:
            return _scan_at(self.uri(table), version, tuple(sorted(self.storage_options.items())))
        return _scan_of(self.open(table))

    def scan_apart(self, table: str, before: int, after: int) -> tuple[str, str]:
        """Return what may differ between two versions, as two DuckDB table expressions: the rows of the files that only
        one of them has."""
        older, newer = (self.open(table, version) for version in (before, after))
        return _scan_of(older, without=_large_first(newer)), _scan_of(newer, without=_large_first(older))

    def mount(
        self, connection: duckdb.DuckDBPyConnection, versions: Mapping[str, int], as_schema: str | None = None
    ) -> None:
        """Create the view `schema.table` (or `as_schema.table`) for every table of a version set."""
        enable_s3(connection, self.storage_options)
        for table, version in versions.items():
            schema, _, name = table.partition("/")
            schema = as_schema or schema
            connection.execute(f'create schema if not exists "{schema}"')
            connection.execute(f'create or replace view "{schema}"."{name}" as from {self.scan(table, version)}')

    def publish(
        self,
        table: str,
        rows: Rows,
        *,
        date_column: str | None = None,
        window: Window | None = None,
        key: Key | None = None,
        kept: Key | None = None,
        run_id: str = "",
        notes: Mapping[str, str] | None = None,
    ) -> Publication:
        """Make `rows` the table's content: of the whole, of `window` (by `date_column`), of the rows with `key` (a
        column's value, or one of several), or of those rows in that window. Rows with the key `kept` stay as they are.

        The same rows make no new version. A row outside the window is an error, and nothing is written. Other columns
        than before come with the whole, or a window of all days there are, which is the same; what was to be kept does
        not fit them, and is gone. `notes` stay with the version's commit.
        """
        metadata = {"run_id": run_id, **(notes or {})}
        with _shown(rows) as (shown, schema):
            if window and date_column:
                _refuse_outside(table, shown, date_column, window)
            if date_column:
                schema = schema.append(pa.field(YEAR, pa.int32()))
            new = _fingerprints(shown, schema, date_column)
            row_count, years = sum(count for count, *_ in new.values()), tuple(sorted(new)) if date_column else ()
            with self.lock(table):
                if not self.exists(table):
                    self._write(table, _written(rows, date_column), date_column, metadata, mode="append")
                    return Publication(table, 0, True, row_count, years)
                current = self.open(table)
                if pa.schema(current.schema().to_arrow()) != _as_stored(schema):
                    if key or (window and not _is_all(current, self.storage_options, date_column, window)):
                        raise SchemaChanged(f"{table}: publish it whole once, its columns have changed")
                    options = {"mode": "overwrite", "schema_mode": "overwrite"}
                    self._write(table, _written(rows, date_column), date_column, metadata, current, **options)
                    return Publication(table, self.checkpointed(table, current.version()), True, row_count, years)
                old = self._fingerprints(current, schema, date_column, _condition(date_column, window, key, kept))
                changed = {year for year in old.keys() | new.keys() if old.get(year) != new.get(year)}
                if not changed:
                    return Publication(table, current.version(), False, row_count)
                only = changed if date_column else None
                predicate = _predicate(date_column, window, key, only, kept)
                written = _written(rows, date_column, only)
                self._write(table, written, date_column, metadata, current, mode="overwrite", predicate=predicate)
                version = self.checkpointed(table, current.version())
                return Publication(table, version, True, row_count, tuple(sorted(changed)) if date_column else ())

    def append(self, table: str, rows: pa.Table, run_id: str = "") -> int:
        """Add rows; returns the new version. The caller holds whatever lock makes that right."""
        self._write(table, rows, None, {"run_id": run_id}, mode="append")
        return self.checkpointed(table, int(self.open(table).version()))

    def checkpointed(self, table: str, version: int) -> int:
        """Every few versions, write down what the table is made of: then its log is not read from the first commit on.
        That nothing can be written is no reason to fail, for without it all is as right and only slower."""
        if version and version % _COMMITS_PER_CHECKPOINT == 0:
            try:
                self.open(table, version).create_checkpoint()
            except Exception as error:
                _log.warning("no checkpoint of %s at version %s: %s", table, version, error)
        return version

    def _fingerprints(
        self, current: DeltaTable, schema: pa.Schema, date_column: str | None, where: str
    ) -> dict[int, tuple[int, ...]]:
        with self.connect() as connection:
            return _fingerprints(connection.sql(f"from {_scan_of(current)} where {where}"), schema, date_column)

    def _write(
        self,
        table: str,
        rows: pa.Table | pa.RecordBatchReader,
        date_column: str | None,
        metadata: dict[str, str],
        onto: DeltaTable | None = None,
        **options: Any,
    ) -> None:
        write_deltalake(
            onto or self.uri(table),
            unsigned(rows),
            partition_by=[YEAR] if date_column else None,
            configuration={"delta.enableExpiredLogCleanup": "false"},
            storage_options=self.storage_options,
            commit_properties=CommitProperties(custom_metadata=metadata),
            target_file_size=_FILE_BYTES,
            **options,
        )


@contextmanager
def memory_duckdb(storage_options: Mapping[str, str] = _NO_OPTIONS) -> Iterator[duckdb.DuckDBPyConnection]:
    """A private DuckDB in memory, in UTC; with a lake's options it can read that lake's files.

    It is a catalogue of its own in one that this process keeps: opening one takes 17 ms, and S3's extension 0.17 s.
    """
    name = f"private_{uuid4().hex}"
    with _SHARED_LOCK:
        shared = _shared(os.getpid(), tuple(sorted(storage_options.items())))
        shared.execute(f"attach ':memory:' as {name}")
        connection = shared.cursor()
    try:
        connection.execute(f"use {name}; set TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()
        with _SHARED_LOCK:
            shared.execute(f"detach {name}")


@lru_cache(maxsize=8)
def _shared(pid: int, options: tuple[tuple[str, str], ...]) -> duckdb.DuckDBPyConnection:
    del pid  # what a process has opened is not its children's
    connection = duckdb.connect()
    enable_s3(connection, dict(options))
    return connection


@lru_cache(maxsize=4096)
def _scan_at(uri: str, version: int, options: tuple[tuple[str, str], ...]) -> str:
    return _scan_of(DeltaTable(uri, version=version, storage_options=dict(options)))


def _scan_of(table: DeltaTable, without: Collection[str] = ()) -> str:
    columns = [name for name in pa.schema(table.schema().to_arrow()).names if name != YEAR]
    selected = ", ".join(f'"{name}"' for name in columns)
    files = [file for file in _large_first(table) if file not in without]
    if files:
        listed = ", ".join("'" + path.replace("'", "''") + "'" for path in files)
        return f"(select {selected} from read_parquet([{listed}], hive_partitioning = false))"
    return f"(select {_typed_nulls(table)} where false)"


def _large_first(table: DeltaTable) -> list[str]:
    """The files, first the smallest of those that have as many rows as the mean.

    DuckDB takes the first one's rows for every file's. Behind a file of 57 rows it thought ten million to be a few
    thousand, and made hash tables of them.
    """
    counts = pa.table(table.get_add_actions(flatten=True))["num_records"].to_pylist()
    rows = dict(zip(table.file_uris(), counts, strict=True))  # both are in the order of the log
    mean = sum(counts) / len(counts) if counts else 0
    return [as_path(uri) for uri in sorted(rows, key=lambda uri: (rows[uri] < mean, rows[uri], uri))]


def _is_all(table: DeltaTable, options: Mapping[str, str], date_column: str | None, window: Window) -> bool:
    """Say whether no row of the table is outside the window."""
    assert date_column is not None, "a window is of days"
    with memory_duckdb(options) as connection:
        query = f'select min("{date_column}"), max("{date_column}") from {_scan_of(table)}'
        first, last = connection.execute(query).fetchone() or (None, None)
    return first is None or last is None or (window.start <= first and last <= window.end)


def _typed_nulls(table: DeltaTable) -> str:
    schema = pa.schema(table.schema().to_arrow())
    with memory_duckdb() as connection:
        connection.register("empty_table", pa.Table.from_batches([], schema=schema))
        described = connection.execute("describe empty_table").fetchall()
    return ", ".join(f'cast(null as {kind}) as "{name}"' for name, kind, *_ in described if name != YEAR)


def as_path(uri: str) -> str:
    """Delta percent-encodes its paths; DuckDB takes them as they are."""
    parsed = urlparse(uri)
    return unquote(parsed.path) if parsed.scheme in ("", "file") else unquote(uri)


def _as_stored(schema: pa.Schema) -> pa.Schema:
    """The Arrow schema that Delta gives back for `schema`."""
    from deltalake import Schema

    return pa.schema(Schema.from_arrow(schema).to_arrow())


@contextmanager
def _shown(rows: Rows) -> Iterator[tuple[duckdb.DuckDBPyRelation, pa.Schema]]:
    """`rows` as a relation to ask, and their Arrow schema."""
    if not isinstance(rows, pa.Table):
        yield rows, schema_of(rows)
        return
    with memory_duckdb() as connection:
        yield connection.from_arrow(rows), rows.schema


def schema_of(rows: Rows) -> pa.Schema:
    """The Arrow schema of what can be published."""
    return rows.schema if isinstance(rows, pa.Table) else rows.limit(0).to_arrow_table().schema


def _written(
    rows: Rows, date_column: str | None, years: Collection[int] | None = None
) -> pa.Table | pa.RecordBatchReader:
    """`rows` as they are written, with the partition column; of some years only, if `years` are given."""
    if isinstance(rows, pa.Table):
        rows = rows.combine_chunks()
        if date_column:
            rows = rows.append_column(YEAR, pc.cast(pc.year(rows[date_column]), pa.int32()))
        return rows if years is None else rows.filter(pc.is_in(rows[YEAR], pa.array(sorted(years), pa.int32())))
    if date_column:
        rows = rows.project(f'*, cast(year("{date_column}") as integer) as {YEAR}')
    if years is not None:
        rows = rows.filter(f"{YEAR} in ({', '.join(map(str, sorted(years)))})")
    return rows.to_arrow_reader()


def _refuse_outside(table: str, rows: duckdb.DuckDBPyRelation, date_column: str, window: Window) -> None:
    first, last = rows.aggregate(f'min("{date_column}"), max("{date_column}")').fetchone() or (None, None)
    if first is not None and last is not None and (first < window.start or last > window.end):
        raise ValueError(f"{table}: rows of {first}..{last} do not belong into {window.start}..{window.end}")


def _fingerprints(
    rows: duckdb.DuckDBPyRelation, schema: pa.Schema, date_column: str | None
) -> dict[int, tuple[int, ...]]:
    """By year (0 for a table without days): how many rows there are, and two sums of them that no order changes."""
    listed = ", ".join(f'"{name}"' for name in schema.names if name != YEAR)
    group = f'year("{date_column}")' if date_column else "0"
    query = f"{group} as part, count(*), sum(hash({listed})::hugeint), bit_xor(hash({listed}))"
    return {
        year: tuple(rest) for year, *rest in rows.aggregate(query, group if date_column else "").fetchall() if rest[0]
    }


def _predicate(
    date_column: str | None,
    window: Window | None,
    key: Key | None,
    years: Collection[int] | None,
    kept: Key | None = None,
) -> str | None:
    """Return the condition of rows to replace: those given, of a table with days only in changed years. None: all."""
    parts = [f"{YEAR} in ({', '.join(map(str, sorted(years)))})"] if years is not None else []
    if window or key or kept:
        parts.append(_condition(date_column, window, key, kept))
    return " and ".join(parts) or None


def _condition(date_column: str | None, window: Window | None, key: Key | None, kept: Key | None = None) -> str:
    parts = _named(key) + [f"not ({one})" for one in _named(kept)]
    if window and date_column:
        parts += [f"{date_column} >= date '{window.start}'", f"{date_column} <= date '{window.end}'"]
    return " and ".join(parts) or "true"


def _named(key: Key | None) -> list[str]:
    return [_is_one_of(name, [value] if isinstance(value, str | int) else value) for name, value in (key or {}).items()]


def _is_one_of(name: str, values: Sequence[str | int]) -> str:
    listed = ("'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value) for value in values)
    return f"{name} in ({', '.join(listed)})" if values else "false"


def local_folder(root: str) -> Path | None:
    """The lake's folder on this machine, or None if it is elsewhere."""
    return None if "://" in root else Path(root)


def lake_at(root: str, admin_url: str, storage_options: Mapping[str, str] = _NO_OPTIONS) -> Lake:
    """The lake below `root`, whose publishers wait for one another on an advisory lock per table."""
    from storage.postgres.database import advisory_lock

    if folder := local_folder(root):
        private_folder(folder)
    return Lake(root, lambda table: advisory_lock(admin_url, f"{root}/{table}"), dict(storage_options))
