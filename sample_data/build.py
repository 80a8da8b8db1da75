"""Builds the sample market: `python sample_data/build.py <folder with the source files>`.

Only the shape changes here: the sources' wide CSV becomes long, typed Parquet. Every figure goes from its text
straight to a decimal, never through a float. Nothing is repaired: a source with other figures or another length is
refused. The same sources and the same pyarrow give the same bytes. Sources and licences are in README.md.
"""

import csv
import gzip
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

RATE = pa.decimal128(18, 8)
PRICE_DAILY = pa.schema(
    [
        ("ticker", pa.string()),
        ("price_date", pa.date32()),
        ("close", RATE),
        ("currency", pa.string()),
        ("price_kind", pa.string()),
    ]
)
YIELD_CURVE = pa.schema(
    [("curve_date", pa.date32()), ("tenor_months", pa.int16()), ("par_yield_pct", RATE)],
)

# What the sources held when the sample was made (2026-11-20). Another count means another source: look before use.
PRICE_ROWS = 21 * 8_313
YIELD_ROWS = 70_144

TENOR_MONTHS = {
    "1month": 1,
    "3month": 3,
    "6month": 6,
    "1year": 12,
    "2year": 24,
    "3year": 36,
    "5year": 60,
    "7year": 84,
    "10year": 120,
    "20year": 240,
    "30year": 360,
}


def price_daily(source: Path) -> pa.Table:
    """One row per ticker and day, sorted by ticker, then day."""
    closes = [
        (ticker, date.fromisoformat(day), Decimal(close), "USD", price_kind)
        for file, price_kind in [
            ("sp500_dataset.csv.gz", "TOTAL_RETURN"),
            ("sp500_index.csv.gz", "PRICE_INDEX"),
        ]
        for day, ticker, close in _cells(source / file, "Date")
    ]
    return _table(sorted(closes), PRICE_DAILY)


def yield_curve(source: Path) -> pa.Table:
    """One row per day and tenor that was issued, in per cent (0.0783 becomes 7.83), sorted by day, then tenor."""
    yields = [
        (date.fromisoformat(moment[:10]), TENOR_MONTHS[tenor], Decimal(rate) * 100)
        for moment, tenor, rate in _cells(source / "treasury_curves.csv.gz", "Time Period")
        if rate
    ]
    return _table(sorted(yields), YIELD_CURVE)


def write(table: pa.Table, path: Path) -> None:
    """`table` as zstd Parquet. Deltas of dates and decimals pack to 0.5 MB; the default encoding takes 0.9 MB."""
    words = [field.name for field in table.schema if pa.types.is_string(field.type)]
    numbers = [name for name in table.column_names if name not in words]
    pq.write_table(
        table,
        path,
        compression="zstd",
        compression_level=19,
        use_dictionary=words,
        column_encoding=dict.fromkeys(numbers, "DELTA_BINARY_PACKED"),
        store_decimal_as_integer=True,
    )


def _cells(path: Path, key: str) -> Iterator[tuple[str, str, str]]:
    """(key, column, text) of every cell of a wide CSV."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            index = row.pop(key)
            for column, text in row.items():
                yield index, column, text


def _table(rows: list[tuple[object, ...]], schema: pa.Schema) -> pa.Table:
    """Typed columns; pyarrow raises where a decimal would lose a digit."""
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.table(arrays, schema=schema)


def build(source: Path, target: Path) -> None:
    for name, table, expected_rows in [
        ("price_daily.parquet", price_daily(source), PRICE_ROWS),
        ("yield_curve.parquet", yield_curve(source), YIELD_ROWS),
    ]:
        if table.num_rows != expected_rows:
            raise SystemExit(f"{name}: {table.num_rows:,} rows where {expected_rows:,} were expected; not written")
        write(table, target / name)
        print(f"{name}: {table.num_rows:,} rows, {(target / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    build(Path(sys.argv[1]), Path(__file__).parent)
