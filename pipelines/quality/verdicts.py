"""Verdicts of an audit on rows, and the table `meta/quarantine` that keeps them.

An id is a hash of a row's content and nothing else: the same bad row, delivered again, is the same entry.
"""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from storage.lake.delta import memory_duckdb

TABLE = "meta/quarantine"

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),  # SHA-256 of the row's content; unique; what a release names
        pa.field("source_table", pa.string(), nullable=False),  # the table the row was meant for, as raw/price_daily
        pa.field("ticker", pa.string()),
        pa.field("row_date", pa.date32()),  # its price_date or action_date
        pa.field("reason", pa.string(), nullable=False),  # a `Reason`
        pa.field("rule", pa.string(), nullable=False),  # the rule in words, with its thresholds, as it then stood
        pa.field("detail", pa.string(), nullable=False),  # one sentence with both numbers
        pa.field("compared_with", pa.string(), nullable=False),  # value and day, or the list, it was held against
        pa.field("row_values", pa.string(), nullable=False),  # JSON of the row as it came; decimals as text
        pa.field("first_seen_run", pa.string(), nullable=False),  # the run that met it first
    ]
)
"""Append only. A row that is waived stays here; releases are a list of ids elsewhere."""

SAID = ("id", "reason", "rule", "detail", "compared_with")
"""The columns that an audit adds to a quarantined row's own."""


class Reason(StrEnum):
    NOT_A_NUMBER = "NOT_A_NUMBER"
    ZERO = "ZERO"
    NEGATIVE = "NEGATIVE"
    FUTURE = "FUTURE"
    WEEKEND = "WEEKEND"
    WRONG_CURRENCY = "WRONG_CURRENCY"
    DUPLICATE = "DUPLICATE"
    TIMES_100 = "TIMES_100"
    UNADJUSTED_SPLIT = "UNADJUSTED_SPLIT"
    INVENTED_SPLIT = "INVENTED_SPLIT"
    OUTLIER = "OUTLIER"
    STALE_REPEAT = "STALE_REPEAT"
    BAD_DIVIDEND = "BAD_DIVIDEND"
    BAD_ADJUSTED_CLOSE = "BAD_ADJUSTED_CLOSE"
    UNREADABLE = "UNREADABLE"
    UNKNOWN_SECURITY = "UNKNOWN_SECURITY"
    PRICED_ELSEWHERE = "PRICED_ELSEWHERE"
    UNCONFIRMED = "UNCONFIRMED"


FINAL = frozenset(
    {
        *(Reason.NOT_A_NUMBER, Reason.DUPLICATE),
        *(Reason.UNREADABLE, Reason.UNKNOWN_SECURITY, Reason.PRICED_ELSEWHERE),
    }
)
"""Reasons that nobody can release: a mart has no place for no number, two rows of one day, or a price of nothing."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the row at `row` of what a rule was shown is bad."""

    row: int
    detail: str
    compared_with: str


Shown = TypeVar("Shown")


@dataclass(frozen=True, slots=True)
class Rule(Generic[Shown]):
    """A reason, what it means in words, and how its rows are found among those that stand."""

    reason: Reason
    meaning: str
    find: Callable[[Shown], Sequence[Fault]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One quarantined row by its position in what was delivered."""

    position: int
    reason: Reason
    meaning: str
    detail: str
    compared_with: str


@dataclass(frozen=True, slots=True)
class Audited:
    """Every delivered row once: `accepted` as it came and in its order, or `quarantined` with what was said."""

    accepted: pa.Table
    quarantined: pa.Table


def parted(rows: pa.Table, ids: Sequence[str], verdicts: Collection[Verdict]) -> Audited:
    """`rows` by their verdicts; a row without one is accepted."""
    out = sorted(verdicts, key=lambda verdict: verdict.position)
    positions = [verdict.position for verdict in out]
    bad: npt.NDArray[np.bool_] = np.zeros(rows.num_rows, dtype=np.bool_)
    bad[positions] = True
    quarantined = rows.take(pa.array(positions, pa.int64()))
    said = (
        [ids[verdict.position] for verdict in out],
        [verdict.reason.value for verdict in out],
        [verdict.meaning for verdict in out],
        [verdict.detail for verdict in out],
        [verdict.compared_with for verdict in out],
    )
    for name, values in zip(SAID, said, strict=True):
        quarantined = quarantined.append_column(name, pa.array(values, pa.string()))
    return Audited(rows.filter(pa.array(~bad)), quarantined)


def content_ids(rows: pa.Table) -> list[str]:
    """SHA-256 of each row's columns by name; 1 and 1.00000000 are the same number, whatever their types."""
    if not rows.num_rows:
        return []
    parts = ", chr(31), ".join(f"'{name}=', {_as_text(rows.schema.field(name))}" for name in sorted(rows.column_names))
    with memory_duckdb() as connection:
        connection.register("delivered", rows)
        hashed = connection.execute(f"select sha256(concat({parts})) as id from delivered").to_arrow_table()
    return [str(one) for one in hashed["id"].to_pylist()]


def _as_text(field: pa.Field) -> str:
    column = f'"{field.name}"'
    if pa.types.is_floating(field.type) or pa.types.is_decimal(field.type) or pa.types.is_integer(field.type):
        return f"coalesce(printf('%.8f', {column}::double), 'null')"
    return f"coalesce({column}::varchar, 'null')"


def quarantine_rows(
    source_table: str,
    quarantined: pa.Table,
    run_id: str,
    *,
    date_column: str = "price_date",
    kept: Collection[str] = (),
) -> pa.Table:
    """The rows of `meta/quarantine` for what an audit put out: one per id, and none whose id is already `kept`."""
    seen = set(kept)
    entries = []
    own = [name for name in quarantined.column_names if name not in SAID]
    for row in quarantined.to_pylist():
        if row["id"] in seen:
            continue
        seen.add(row["id"])
        values = json.dumps({name: _as_json(row[name]) for name in own}, sort_keys=True)
        entries.append(
            {name: row[name] for name in SAID}
            | {"source_table": source_table, "ticker": row["ticker"], "row_date": row[date_column]}
            | {"row_values": values, "first_seen_run": run_id}
        )
    return pa.Table.from_pylist(entries, schema=SCHEMA)


def _as_json(value: object) -> object:
    """Numbers that JSON has no word for, decimals and days are text."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and np.isfinite(value):
        return value
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def waived_ids(waived: pa.Table | Collection[str]) -> frozenset[str]:
    """The ids of a release, given as such or as a table with the column `id`."""
    if isinstance(waived, pa.Table):
        return frozenset(pc.unique(waived["id"]).to_pylist())
    return frozenset(waived)
