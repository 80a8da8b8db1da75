"""A SELECT as it is parsed, judged before it is run: it reads the cells, and says the same whenever it is asked.

Nothing is looked for that is bad: only what is listed as good is let through, table by table and function by function.
The locked DuckDB behind it, and the process around that, are walls of their own.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import duckdb

from oltp_api.imports.locked import SelectRefused, nodes_of

_TABLES_OF_ROWS = frozenset({"unnest", "range", "generate_series"})
_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
_FROM = frozenset({"BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY"})
_EXPRESSIONS = frozenset(
    {"COLUMN_REF", "CONSTANT", "FUNCTION", "CAST", "CASE", "COMPARISON", "CONJUNCTION", "OPERATOR", "BETWEEN", "STAR",
     "SUBQUERY", "WINDOW", "LAMBDA", "POSITIONAL_REFERENCE"}
)  # fmt: skip
_MACROS = frozenset(
    {"split_part", "nullif", "fdiv", "fmod", "round_even", "date_add", "days_in_month", "map_contains_entry",
     "map_contains_value"}
)  # fmt: skip
_OF_WINDOWS = frozenset(
    {"row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead", "first_value",
     "last_value", "nth_value", "fill"}
)  # fmt: skip
_NOT_OF_THE_CELLS = frozenset(
    {"age", "alias", "current_localtime", "current_localtimestamp", "current_setting", "getvariable",
     "json_serialize_plan", "parse_duckdb_log_message", "reservoir_quantile", "stats", "vector_type", "version"}
)  # fmt: skip
"""Functions that DuckDB calls CONSISTENT, and that tell of the clock, of the engine or by chance."""
_FUNCTIONS_WITHOUT_PARENTHESES = frozenset(
    {"current_catalog", "current_date", "current_role", "current_schema", "current_time", "current_timestamp",
     "current_user", "get_current_timestamp", "localtime", "localtimestamp", "session_user", "user"}
)  # fmt: skip


def refuse_reach(
    parsed: Mapping[str, Any], tables: Collection[str], columns: Collection[str], functions: Collection[str]
) -> None:
    """Refuse a SELECT, as it is parsed, that names anything but `tables`, or that a second run might answer otherwise;
    `columns` are the names of the file's, `functions` those that may be called."""
    if parsed.get("error"):
        raise SelectRefused(f"cannot be taken: {str(parsed.get('error_message'))[:200]}")
    if len(parsed.get("statements", ())) != 1:
        raise SelectRefused("must be one SELECT over the table cells, and nothing else")
    known = {name.casefold() for name in tables} | set(_named_queries(parsed["statements"]))
    headers = {name.casefold() for name in columns}
    for node in nodes_of(parsed["statements"]):
        _refuse_chance(node)
        if "class" in node:
            _refuse_expression(node, headers, functions)
        elif "type" in node and ("alias" in node or "select_list" in node or "cte_map" in node):
            _refuse_source(node, known)


def _named_queries(tree: Any) -> Iterator[str]:
    for node in nodes_of(tree):
        for each in (node.get("cte_map") or {}).get("map", ()):
            yield each["key"].casefold()


def _refuse_chance(node: Mapping[str, Any]) -> None:
    if node.get("sample"):
        raise SelectRefused("takes a sample, which is another one each time")


def _refuse_source(node: Mapping[str, Any], known: Collection[str]) -> None:
    kind = node["type"]
    if str(kind).endswith("_TYPE_INFO"):
        return  # of a cast: its type, as in decimal(18, 2)
    if kind not in _NODES | _FROM:
        raise SelectRefused(f"may not use {str(kind).replace('_', ' ').lower()}; it reads the tables cells and lines")
    if kind != "BASE_TABLE":
        return
    name = str(node["table_name"])
    if node.get("schema_name") or node.get("catalog_name") or node.get("at_clause") or name.casefold() not in known:
        raise SelectRefused(f"reads {name[:80]!r}; there is nothing but the tables cells and lines")


def _refuse_expression(node: Mapping[str, Any], headers: Collection[str], functions: Collection[str]) -> None:
    kind = node["class"]
    if kind not in _EXPRESSIONS:
        raise SelectRefused(f"may not use {str(kind).replace('_', ' ').lower()}")
    if kind in ("FUNCTION", "WINDOW"):
        _refuse_function(str(node.get("function_name", "")), kind, functions)
    elif kind == "COLUMN_REF":
        name = ".".join(node["column_names"]).casefold()
        if name in _FUNCTIONS_WITHOUT_PARENTHESES and name not in headers:
            raise SelectRefused(f"may not use {name}: a dry run must tell what the import will record")


def _refuse_function(name: str, kind: str, functions: Collection[str]) -> None:
    word = name.casefold()
    if word in functions or word in _TABLES_OF_ROWS or (kind == "WINDOW" and word in _OF_WINDOWS):
        return
    raise SelectRefused(f"may not call {name[:80]}: it is none of the functions that tell the same of the same cells")


def harmless_functions(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """Functions that answer the same to the same arguments, by DuckDB's own word, without those of the engine; and our
    own macros."""
    rows = connection.execute(
        "select lower(function_name), function_type, coalesce(stability, ''), database_name from duckdb_functions()"
        " where function_type in ('scalar', 'aggregate', 'macro')"
    ).fetchall()
    stable = {name for name, kind, stability, _ in rows if kind != "macro" and stability == "CONSISTENT"}
    unstable = {name for name, kind, stability, _ in rows if kind != "macro" and stability != "CONSISTENT"}
    macros = {name for name, kind, *_ in rows if kind == "macro" and name.startswith(("list_", "array_"))}
    ours = {name for name, kind, _, database in rows if kind == "macro" and database != "system"}
    internal = {name for name in stable if name.startswith("__internal")}
    return frozenset((stable | macros | _MACROS | ours) - unstable - internal - _NOT_OF_THE_CELLS)
