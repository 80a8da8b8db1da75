"""Negative zeros. Doubles make them of nothing, and JSON, CSV and a notebook show them: no table gets one."""

from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

Written: TypeAlias = pa.Table | pa.RecordBatchReader
"""Rows on their way into a table; a reader is not read before it is written."""


def unsigned(rows: Written) -> Written:
    """Return `rows` with 0.0 where a double is -0.0, in any of their columns."""
    doubles = [i for i, field in enumerate(rows.schema) if pa.types.is_floating(field.type)]
    if not doubles:
        return rows
    if isinstance(rows, pa.Table):
        return pa.Table.from_batches([_unsigned(batch, doubles) for batch in rows.to_batches()], rows.schema)
    return pa.RecordBatchReader.from_batches(rows.schema, (_unsigned(batch, doubles) for batch in rows))


def _unsigned(batch: pa.RecordBatch, doubles: list[int]) -> pa.RecordBatch:
    """To add 0 changes a double only if it is -0.0 (IEEE 754, 6.3)."""
    columns = list(batch.columns)
    for i in doubles:
        columns[i] = pc.add(columns[i], pa.scalar(0.0, columns[i].type))
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)
