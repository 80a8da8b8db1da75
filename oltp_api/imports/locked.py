"""One SELECT over the cells of a file, in a DuckDB that can reach nothing else.

It has no files, no network, no extensions, no view of this process; it is stopped after a time, and at a size.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from domain.errors import InvalidInput

MOST_SECONDS = 10.0
MOST_MEMORY = "256MB"
_ROWS_AT_ONCE = 10_000
_CONFIG: Mapping[str, Any] = {
    "threads": 1,
    "memory_limit": MOST_MEMORY,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
    "python_scan_all_frames": False,
}
_MACROS = """
create macro is_negative(cell) as regexp_matches(trim(cell), '^[-−(]|-$');
create macro negated(cell) as case
    when cell is null or trim(cell) = '' then null
    when regexp_matches(trim(cell), '^[-−]') then substr(trim(cell), 2)
    else '-' || trim(cell) end;
create macro is_something(cell) as coalesce(not regexp_matches(trim(cell), '^[-−+]?[0.,]*$'), false);
create macro unsigned(cell) as regexp_replace(trim(cell), '^[-−+]', '');
create macro cell(cells, header, name) as nullif(cells[list_position(header, name)], '');
create macro unpadded(cell) as case when contains(cell, '.') then rtrim(rtrim(cell, '0'), '.') else cell end;
create macro part(cell, pattern) as nullif(regexp_extract(cell, pattern, 1), '');
"""


_idle: list[duckdb.DuckDBPyConnection] = []
"""Engines that have answered: one is made in 20 ms. As many as ever answered at once."""


class SelectRefused(InvalidInput):
    """A profile's SELECT that cannot be run, or not in the time and memory that it has."""

    code = "select_refused"

    def __init__(self, why: str) -> None:
        super().__init__("select", why)


def selected(select: str, tables: Mapping[str, pa.Table], most_seconds: float = MOST_SECONDS) -> pa.Table:
    """The rows of `select`, which sees `tables` and our macros and nothing else; an engine that is idle answers it."""
    is_short = all(table.num_rows <= _ROWS_AT_ONCE for table in tables.values())
    with _idle_engine(is_kept=is_short) as connection:
        _fill(connection, tables)
        rows = rows_of(connection, select, most_seconds)
        for name in tables:
            connection.execute(f'drop table "{name}"')
    return rows


@contextmanager
def _idle_engine(is_kept: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
    """One that has answered, or a new one; kept afterwards, but not after a long file, of which it would keep 55 MB."""
    try:
        connection = _idle.pop()
    except IndexError:
        connection = _engine()
    try:
        yield connection
    except BaseException:
        connection.close()
        raise
    if is_kept:
        _idle.append(connection)
    else:
        connection.close()


@contextmanager
def locked(tables: Mapping[str, pa.Table], megabytes: int | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB with `tables` and our macros, that can reach nothing else and whose settings cannot be changed."""
    connection = _engine({} if megabytes is None else {"memory_limit": f"{megabytes}MB"})
    try:
        _fill(connection, tables)
        yield connection
    finally:
        connection.close()


def _engine(own: Mapping[str, Any] = MappingProxyType({})) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:", config={**_CONFIG, **own})
    connection.execute("set temp_directory = ''; set enable_external_access = false; set timezone = 'UTC'")
    connection.execute(_MACROS)
    connection.execute("set lock_configuration = true")
    return connection


def _fill(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, pa.Table]) -> None:
    for name, table in tables.items():
        connection.register("handed_over", table.__arrow_c_stream__())  # a table has DuckDB import pandas: 0.4 s
        connection.execute(f'create table "{name}" as select * from handed_over')
        connection.unregister("handed_over")


def rows_of(
    connection: duckdb.DuckDBPyConnection, select: str, most_seconds: float, most_rows: int | None = None
) -> pa.Table:
    """The rows of one SELECT; SelectRefused if it is none, or takes too long, or makes more rows than it may."""
    _refuse_other_than_one_select(connection, select)
    timer = threading.Timer(most_seconds, connection.interrupt)
    timer.start()
    try:
        return _read(connection.execute(select), most_rows)
    except duckdb.InterruptException as error:
        raise SelectRefused(f"was stopped after {most_seconds:g} seconds") from error
    except (duckdb.Error, MemoryError, OSError, pa.ArrowException) as error:  # Arrow's reader raises OSError
        stopped = f"was stopped after {most_seconds:g} seconds" if "INTERRUPT" in str(error) else None
        raise SelectRefused(stopped or _first_line(error)) from error
    finally:
        timer.cancel()


def _read(result: duckdb.DuckDBPyConnection, most_rows: int | None) -> pa.Table:
    """All rows, of which no more are made than `most_rows`."""
    if most_rows is None:
        return result.to_arrow_table()
    reader = result.to_arrow_reader(_ROWS_AT_ONCE)
    batches: list[pa.RecordBatch] = []
    for batch in reader:
        batches.append(batch)
        if sum(each.num_rows for each in batches) > most_rows:
            raise SelectRefused(f"makes more than {most_rows} rows, which is too many for the lines of the file")
    return pa.Table.from_batches(batches, reader.schema)


def _refuse_other_than_one_select(connection: duckdb.DuckDBPyConnection, select: str) -> None:
    try:
        statements = connection.extract_statements(select)
    except duckdb.Error as error:
        raise SelectRefused(f"is no SQL: {_first_line(error)}") from error
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise SelectRefused("must be one SELECT over the table cells, and nothing else")


def table_of(header: Sequence[str], rows: Sequence[tuple[int, Sequence[str]]]) -> pa.Table:
    """Cells by their header, with `line`: trimmed, null where nothing is written."""
    columns: dict[str, Any] = {"line": _lines(rows)}
    for place, name in enumerate(header):
        columns[name] = _texts([row[place].strip() if place < len(row) else "" for _, row in rows])
    return pa.table(columns)


def lists_of(rows: Sequence[tuple[int, Sequence[str]]]) -> pa.Table:
    """Cells as a list, with `line`: for files whose lines are of several kinds."""
    ends = np.cumsum([0, *(len(row) for _, row in rows)], dtype=np.int32)
    cells = _texts([cell.strip() for _, row in rows for cell in row], has_null=False)
    lists = pa.ListArray.from_arrays(pa.Array.from_buffers(pa.int32(), len(ends), [None, pa.py_buffer(ends)]), cells)
    return pa.table({"line": _lines(rows), "cells": lists})


def _lines(rows: Sequence[tuple[int, Sequence[str]]]) -> pa.Array:
    lines = np.fromiter((line for line, _ in rows), np.int32, len(rows))
    return pa.Array.from_buffers(pa.int32(), len(rows), [None, pa.py_buffer(lines)])


def _texts(cells: Sequence[str], has_null: bool = True) -> pa.Array:
    """An array of texts, null for empty ones; made of its buffers, for pyarrow.array imports pandas for its checks."""
    written = [cell.encode() for cell in cells]
    ends = np.cumsum([0, *map(len, written)], dtype=np.int32)
    valid = (
        np.packbits(np.array([len(cell) > 0 for cell in written], dtype=bool), bitorder="little") if has_null else None
    )
    buffers = [pa.py_buffer(valid) if valid is not None else None, pa.py_buffer(ends), pa.py_buffer(b"".join(written))]
    return pa.Array.from_buffers(pa.string(), len(cells), buffers)


def sources_of(select: str, columns: Sequence[str], names: Sequence[str]) -> dict[str, list[str]]:
    """The columns of the file that each column of the SELECT is made of, by its parse."""
    return _meaning(_aliases_of(select), columns, names)


@lru_cache(maxsize=64)
def tables_read(select: str) -> frozenset[str]:
    """Tables that a SELECT reads, by its parse, in lower case."""
    return tables_in(_parsed(select))


def tables_in(tree: Any) -> frozenset[str]:
    """The same of a SELECT that is parsed; its own named queries are none."""
    nodes = list(nodes_of(tree))
    own = {each["key"].casefold() for node in nodes for each in (node.get("cte_map") or {}).get("map", ())}
    return frozenset(node["table_name"].casefold() for node in nodes if node.get("type") == "BASE_TABLE") - own


def nodes_of(tree: Any) -> Iterator[Mapping[str, Any]]:
    """Every object of a parsed SELECT; walked without recursion, however deep it is."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


@lru_cache(maxsize=64)
def _parsed(select: str) -> Any:
    """The tree of a SELECT, to be read only; kept, for of a shipped profile it is asked with each file: 10 ms."""
    with _idle_engine() as connection:
        return parsed_select(connection, select)


def parsed_select(connection: duckdb.DuckDBPyConnection, select: str) -> Any:
    """The tree of a SELECT, which is handed over as cells are: for a bound parameter DuckDB imports pandas, 50 MB."""
    connection.register("asked", pa.table({"text": _texts([select])}).__arrow_c_stream__())
    try:
        found = connection.execute("select json_serialize_sql(text) from asked").fetchone()
    except duckdb.Error as error:
        raise SelectRefused(f"is no SQL: {str(error).splitlines()[0][:200]}") from error
    finally:
        connection.unregister("asked")
    return json.loads(found[0]) if found else {}


def meaning_of(tree: Any, columns: Sequence[str], names: Sequence[str]) -> dict[str, list[str]]:
    """The same of a SELECT that is parsed; what comes through a subquery is followed by its alias."""
    return _meaning(_aliases_in(tree), columns, names)


@lru_cache(maxsize=64)
def _aliases_of(select: str) -> Mapping[str, set[str]]:
    return _aliases_in(_parsed(select))


def _aliases_in(tree: Any) -> Mapping[str, set[str]]:
    """The names that each named expression is made of, by its own."""
    aliases: dict[str, set[str]] = {}
    for expression in _aliased(tree):
        aliases.setdefault(expression["alias"].casefold(), set()).update(_named(expression))
    return aliases


def _meaning(aliases: Mapping[str, set[str]], columns: Sequence[str], names: Sequence[str]) -> dict[str, list[str]]:
    known = {name.casefold(): name for name in names}
    return {column: _followed(column.casefold(), aliases, known) for column in columns if column != "line"}


def _aliased(node: Any) -> Iterator[Mapping[str, Any]]:
    """Every expression with a name, wherever it stands; a column that is only passed on is its own name."""
    if isinstance(node, list):
        for each in node:
            yield from _aliased(each)
    elif isinstance(node, dict):
        for item in node.get("select_list") or ():
            alias = item.get("alias") or (item.get("column_names") or [""])[-1]
            if alias:
                yield {**item, "alias": alias}
        for each in node.values():
            yield from _aliased(each)


def _named(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*(_named(each) for each in node)) if node else set()
    if not isinstance(node, dict):
        return set()
    own = (
        {node["column_names"][-1].casefold()}
        if node.get("class") == "COLUMN_REF" and node.get("column_names")
        else set()
    )
    return own | set().union(*(_named(each) for each in node.values()))


def _followed(column: str, aliases: Mapping[str, set[str]], known: Mapping[str, str]) -> list[str]:
    seen, waiting, found = set[str](), [column], list[str]()
    while waiting:
        name = waiting.pop()
        for source in aliases.get(name, ()):
            if source in seen:
                continue
            seen.add(source)
            if source in known:
                found.append(known[source])
            if source != name and source in aliases:
                waiting.append(source)
    return sorted(found)


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
