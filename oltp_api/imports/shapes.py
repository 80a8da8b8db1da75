"""Rows that an owner's SELECT has made, as far as a reader of files can mean them; anything else is refused."""

from collections.abc import Callable, Collection

import pyarrow as pa
import pyarrow.compute as pc

from oltp_api.imports.locked import SelectRefused

_types = pa.types
_STEP = frozenset({"currency", "moved", "balance"})
_LEAVES: tuple[Callable[[pa.DataType], bool], ...] = (
    _types.is_string, _types.is_integer, _types.is_floating, _types.is_decimal, _types.is_boolean, _types.is_null,
)  # fmt: skip
_MOMENTS: tuple[Callable[[pa.DataType], bool], ...] = (_types.is_date, _types.is_timestamp)


def refuse_shape(rows: pa.Table, lines: Collection[int]) -> None:
    """Refuse rows that are not each of a line of the file, with a column once, of texts, numbers and days."""
    names = rows.column_names
    if len({name.casefold() for name in names}) < len(names):
        raise SelectRefused("makes two columns of one name")
    if "line" not in names:
        raise SelectRefused("must make line, the number of the line that a row was made of")
    for name in names:
        column = rows.column(name)
        if column.null_count < len(column) and not _fits(name, column.type):
            raise SelectRefused(f"makes {name[:40]} as {column.type}, which is {_WANTED.get(name, _ANY)}")
        _refuse_values(name, column)
    if unknown := [line for line in rows.column("line").to_pylist() if line not in lines]:
        raise SelectRefused(f"makes a row of line {unknown[0]}, which is no line of the file")


_ANY = "no text, number, day or list of such"
_WANTED = {
    "line": "no whole number",
    "merged": "no list of lines",
    "uncounted": "no struct of texts",
    "steps": "no list of structs of currency, moved and balance, all texts",
}


def _fits(name: str, kind: pa.DataType) -> bool:
    is_list = _types.is_list(kind)
    match name:
        case "line":
            return bool(_types.is_integer(kind))
        case "merged":
            return is_list and bool(_types.is_integer(kind.value_type))
        case "uncounted":
            return _is_struct_of_texts(kind)
        case "steps":
            return is_list and _is_struct_of_texts(kind.value_type) and {each.name for each in kind.value_type} == _STEP
    return any(is_one(kind.value_type if is_list else kind) for is_one in (*_LEAVES, *(() if is_list else _MOMENTS)))


def _is_struct_of_texts(kind: pa.DataType) -> bool:
    return bool(_types.is_struct(kind)) and all(
        _types.is_string(each.type) or _types.is_null(each.type) for each in kind
    )


def _refuse_values(name: str, column: pa.ChunkedArray) -> None:
    """Refuse a day beyond the calendar, and a text that no database keeps."""
    if any(is_moment(column.type) for is_moment in _MOMENTS):
        try:
            column.to_pylist()
        except (OverflowError, ValueError) as error:
            raise SelectRefused(f"makes a {name[:40]} that is no day of the calendar") from error
    texts = pc.list_flatten(column) if _types.is_list(column.type) else column
    if _types.is_string(texts.type) and pc.any(pc.match_substring(texts, "\0")).as_py():
        raise SelectRefused(f"makes a {name[:40]} with a NUL character")
    if _types.is_integer(texts.type) and name == "merged" and texts.null_count:
        raise SelectRefused("makes a merged with a line that is none")
