"""Definition of a mart made in Python: its grain, its columns with types and meanings, its key, rules for its rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.analytics.arrays import figure
from pipelines.tables.holding import Failure, failed_metadata

Columns = Mapping[str, tuple[pa.DataType, str]]
MONEY = pa.decimal128(28, 8)
CHECK = "rows_are_sound"


@dataclass(frozen=True)
class Mart:
    """`key` names the columns that no two rows share; `rules` say of the rows what must hold, each or of all."""

    grain: str
    columns: Columns
    key: tuple[str, ...]
    rules: Mapping[str, Callable[[pa.Table], Any]] = field(default_factory=dict)

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([(name, kind) for name, (kind, _) in self.columns.items()])

    @property
    def meanings(self) -> dict[str, str]:
        return {name: meaning for name, (_, meaning) in self.columns.items()}

    def table(self, columns: Mapping[str, Any]) -> pa.Table:
        """Rows from columns of one length, by name: NaN is null, and so is a column that is not given; amounts that are
        not decimals yet are rounded to their places."""
        n = len(next(iter(columns.values())))
        arrays = [
            _array(columns[column.name], column.type) if column.name in columns else pa.nulls(n, column.type)
            for column in self.schema
        ]
        return pa.Table.from_arrays(arrays, schema=self.schema)

    def of_rows(self, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
        """Rows by name; a column that one has not is null."""
        return self.table({name: [row.get(name) for row in rows] for name in self.columns})

    def broken(self, rows: pa.Table) -> list[str]:
        """List the rules that `rows` break, in words."""
        is_unique = rows.group_by(list(self.key)).aggregate([]).num_rows == rows.num_rows
        found = [] if is_unique else [f"{' and '.join(self.key)} name one row"]
        return found + [rule for rule, holds in self.rules.items() if not _is_true(holds(rows))]

    def broken_by_portfolio(self, rows: pa.Table) -> dict[str, list[str]]:
        """List the rules that each portfolio's rows break; every rule is about one portfolio at a time."""
        if not self.broken(rows):
            return {}
        ordered = rows.sort_by("portfolio_id")
        whose = ordered["portfolio_id"].to_numpy()
        starts = np.flatnonzero(np.append(True, whose[1:] != whose[:-1])) if len(whose) else np.empty(0, dtype=int)
        each = {
            str(whose[first]): self.broken(ordered.slice(first, last - first))
            for first, last in pairwise([*starts.tolist(), len(whose)])
        }
        return {portfolio_id: rules for portfolio_id, rules in each.items() if rules}


def checked(table: str, broken: list[str]) -> dg.AssetCheckResult:
    """Return the check's result; for a table that was kept too, since its rows have passed before."""
    return dg.AssetCheckResult(
        asset_key=table.split("/"), check_name=CHECK, passed=not broken, metadata={"broken": "; ".join(broken)}
    )


def holding_check(table: str, failures: Sequence[Failure]) -> dg.AssetCheckResult:
    """Return the check's result for a table by portfolio: who fails is held, and nobody else stopped."""
    return dg.AssetCheckResult(
        asset_key=table.split("/"),
        check_name=CHECK,
        passed=not failures,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"broken": "; ".join(sorted({one.figures for one in failures})), **failed_metadata(failures)},
    )


def _array(column: Any, kind: pa.DataType) -> pa.Array:
    if pa.types.is_decimal(kind) and isinstance(column, np.ndarray) and column.dtype.kind == "f":
        return pa.array(np.round(column, kind.scale), from_pandas=True).cast(kind)
    if pa.types.is_floating(kind):
        return pa.array(figure(np.array(column, dtype=np.float64)), kind, from_pandas=True)
    return pa.array(column, kind, from_pandas=True)


def _is_true(holds: Any) -> bool:
    return holds if isinstance(holds, bool) else bool(pc.all(holds, min_count=0).as_py())
