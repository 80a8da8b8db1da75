"""The tables a `PriceSource` answers with: their columns, types and order, the same for every source.

What belongs here: shape only. A null says that the source does not have the figure; a figure is never made up, and a
day, ticker or currency that is not known has no row.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

RATE = pa.decimal128(18, 8)

PRICES = pa.schema(
    [
        ("ticker", pa.string()),
        ("price_date", pa.date32()),
        ("close", RATE),
        ("currency", pa.string()),
        ("price_kind", pa.string()),
        ("adjusted_close", RATE),
        ("volume", pa.int64()),
    ]
)
CORPORATE_ACTIONS = pa.schema(
    [
        ("ticker", pa.string()),
        ("action_date", pa.date32()),
        ("action_type", pa.string()),
        ("split_new", RATE),
        ("split_old", RATE),
        ("amount", RATE),
        ("currency", pa.string()),
    ]
)
YIELDS = pa.schema([("curve_date", pa.date32()), ("tenor_months", pa.int16()), ("par_yield_pct", RATE)])
FX_RATES = pa.schema([("currency", pa.string()), ("rate_date", pa.date32()), ("rate_per_eur", RATE)])
CONSUMER_PRICES = pa.schema([("series", pa.string()), ("index_month", pa.date32()), ("index_level", RATE)])
FUND_METADATA = pa.schema(
    [
        ("ticker", pa.string()),
        ("as_of", pa.date32()),
        ("fund_family", pa.string()),
        ("category", pa.string()),
        ("legal_type", pa.string()),
        ("inception_date", pa.date32()),
        ("expense_ratio_pct", RATE),
        ("net_assets", pa.decimal128(28, 8)),
        ("currency", pa.string()),
        ("is_illustrative", pa.bool_()),
    ]
)
ANALYST_TARGETS = pa.schema(
    [
        ("ticker", pa.string()),
        ("as_of", pa.date32()),
        ("target_mean", RATE),
        ("target_median", RATE),
        ("target_low", RATE),
        ("target_high", RATE),
        ("n_analysts", pa.int32()),
        ("currency", pa.string()),
        ("is_illustrative", pa.bool_()),
    ]
)


def table_of(rows: Iterable[Mapping[str, Any]], schema: pa.Schema, *by: str) -> pa.Table:
    """`rows` sorted by the columns `by`, those of the table's key; a column that a row does not have is null."""
    return pa.Table.from_pylist(sorted(rows, key=lambda row: tuple(row[name] for name in by)), schema)


def in_shape(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """`table` with exactly the columns of `schema`, in its order; what it does not have is null."""
    columns = [
        table[field.name].cast(field.type) if field.name in table.column_names else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)
