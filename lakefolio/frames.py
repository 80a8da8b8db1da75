"""Frames with the units of their columns: Arrow, pandas or Polars.

Arrow has a unit in the metadata of each field, pandas in `.attrs`; Polars has no place for one, so that the frame
carries them beside it. `units_of` reads each. What is computed from a frame has none.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from lakefolio.units import CURRENCY_IN, unit_of_column

Kind = Literal["arrow", "pandas", "polars"]
_PARTS = re.compile(r"`(\w+)`")


def framed(table: pa.Table, tables: Iterable[str], kind: Kind, facts: Mapping[str, str]) -> Any:
    """`table`, an answer from `tables`, as a frame of `kind` with units and with `facts` of its release."""
    units = _units(table, list(tables))
    if kind == "pandas":
        frame = table.to_pandas()
        frame.attrs.update({"units": units, **facts})
        return frame
    if kind == "polars":
        return _as_polars(table, units)
    if kind != "arrow":
        raise ValueError(f"a frame is arrow, pandas or polars, not {kind!r}")
    fields = [
        field.with_metadata({"unit": units[field.name]}) if field.name in units else field for field in table.schema
    ]
    return table.cast(pa.schema(fields, metadata=dict(facts)))


def units_of(frame: Any) -> dict[str, str]:
    """The unit of each column that has one."""
    if isinstance(frame, pa.Table):
        told = {field.name: (field.metadata or {}).get(b"unit") for field in frame.schema}
        return {name: unit.decode() for name, unit in told.items() if unit is not None}
    units: Mapping[str, str] = getattr(frame, "attrs", {}).get("units") or getattr(frame, "lakefolio_units", {})
    return dict(units)


def _as_polars(table: pa.Table, units: Mapping[str, str]) -> Any:
    try:
        import polars
    except ImportError as error:
        raise ImportError("Polars is not installed here; install `polars`, or ask for pandas or arrow") from error
    frame: Any = polars.from_arrow(table)
    frame.lakefolio_units = dict(units)
    return frame


def _units(table: pa.Table, tables: list[str]) -> dict[str, str]:
    """Units of the columns of an answer that are called as columns of its tables, if those agree."""
    found = {}
    for name in table.column_names:
        units = {unit for unit in (unit_of_column(each, name) for each in tables) if unit}
        if len(units) == 1 and not pa.types.is_string(table.schema.field(name).type):
            found[name] = _with_currency(units.pop(), table)
    return found


def _with_currency(unit: str, table: pa.Table) -> str:
    """A unit with the currencies of its columns, where each is one only: USD, or USD per EUR."""
    said = _PARTS.sub(lambda part: _only(table, part[1]) or part[0], unit)
    return said.removeprefix("money in ") if unit in CURRENCY_IN and "`" not in said else said


def _only(table: pa.Table, column: str) -> str | None:
    """The one value that a column of text has in all rows; None if there are others, or there is no such column."""
    if column not in table.column_names or not pa.types.is_string(table.schema.field(column).type):
        return None
    values = pc.unique(table[column]).to_pylist()
    return values[0] if len(values) == 1 else None
