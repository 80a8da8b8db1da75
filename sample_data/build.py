"""Builds the bundled markets: `python sample_data/build.py <folder with the source files>`.

Only the shape changes here: the sources' CSV becomes long, typed Parquet. Every figure goes from its text straight to a
decimal, never through a float. Nothing is repaired: a source with other figures or another length is refused. One table
is derived, the corporate actions of the as-traded market, and one series, the S&P 500 with its dividends. The same
sources and the same pyarrow give the same bytes. Sources and licences are in README.md.
"""

import csv
import gzip
import io
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby, pairwise
from pathlib import Path
from typing import TextIO

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
AS_TRADED_PRICE_DAILY = pa.schema([*PRICE_DAILY, ("adjusted_close", RATE), ("volume", pa.int64())])
CORPORATE_ACTION = pa.schema(
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
FX_RATE_DAILY = pa.schema([("currency", pa.string()), ("rate_date", pa.date32()), ("rate_per_eur", RATE)])
CONSUMER_PRICE = pa.schema([("series", pa.string()), ("index_month", pa.date32()), ("index_level", RATE)])
LONG_SERIES = pa.schema(
    [
        ("month", pa.date32()),
        ("index_level", RATE),
        ("dividend_annual", RATE),
        ("consumer_price", RATE),
        ("long_yield_pct", RATE),
    ]
)

SHILLER = "shiller_sp500_monthly.csv.gz"
LONG_SERIES_COLUMNS = ("SP500", "Dividend", "Consumer Price Index", "Long Interest Rate")

# What the sources held when the sample was made (2026-11-20). Another count means another source: look before use.
PRICE_ROWS = 22 * 8_313
YIELD_ROWS = 70_144
FX_ROWS = 221_702
CONSUMER_PRICE_ROWS = 743
AS_TRADED_ROWS = 3 * 3_270 + 2_148 + 196
ACTION_ROWS = 3 + 52 + 37 + 3
LONG_SERIES_ROWS = 1_830  # 1871-01 to 2023-06; after that the source has the level alone

# The splits from 2000-03-01 to 2013-03-01: units for one. The adjusted closes prove each, and that there is no other.
SPLITS = {
    ("AAPL", date(2000, 6, 21)): 2,
    ("AAPL", date(2005, 2, 28)): 2,
    ("MSFT", date(2003, 2, 18)): 2,
}

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
    index = sorted((day, close) for ticker, day, close, *_ in closes if ticker == "SP500")
    closes += [("SP500DIV", day, level, "USD", "TOTAL_RETURN") for day, level in _with_dividends(source, index)]
    return _table(sorted(closes), PRICE_DAILY)


def _with_dividends(source: Path, index: list[tuple[date, Decimal]]) -> Iterator[tuple[date, Decimal]]:
    """The index with its dividends reinvested at each close; equal to it on the first day.

    Shiller's dividend of a month is what a unit of the index paid in the twelve up to it. A twelfth of it is a month's,
    in equal parts on its sessions: when the companies went ex is not in it, so that a single day is a basis point off.
    """
    months = {day[:7]: Decimal(text) for day, column, text in _cells(source / SHILLER, "Date") if column == "Dividend"}
    sessions = Counter(f"{day:%Y-%m}" for day, _ in index)
    level = index[0][1]
    yield index[0]
    for (_, before), (day, close) in pairwise(index):
        month = f"{day:%Y-%m}"
        if not months.get(month):
            raise SystemExit(f"{SHILLER} has no dividend of {month}")
        level *= (close + months[month] / 12 / sessions[month]) / before
        yield day, level.quantize(Decimal("1e-8"), ROUND_HALF_UP)


def yield_curve(source: Path) -> pa.Table:
    """One row per day and tenor that was issued, in per cent (0.0783 becomes 7.83), sorted by day, then tenor."""
    yields = [
        (date.fromisoformat(moment[:10]), TENOR_MONTHS[tenor], Decimal(rate) * 100)
        for moment, tenor, rate in _cells(source / "treasury_curves.csv.gz", "Time Period")
        if rate
    ]
    return _table(sorted(yields), YIELD_CURVE)


def fx_rate_daily(source: Path) -> pa.Table:
    """One row per currency and day that the ECB has a rate for, sorted by currency, then day."""
    with zipfile.ZipFile(source / "eurofxref-hist.zip") as archive:
        text = archive.read("eurofxref-hist.csv").decode("utf-8")
    rates = [
        (currency, date.fromisoformat(day), Decimal(rate))
        for day, currency, rate in _melted(io.StringIO(text), "Date")
        if currency and rate != "N/A"  # each line ends with a comma
    ]
    return _table(sorted(rates), FX_RATE_DAILY)


def consumer_price(source: Path) -> pa.Table:
    """One row per month, by the month's first day."""
    levels = [
        (series, datetime.strptime(day, "%m/%d/%Y").date(), Decimal(level))  # noqa: DTZ007 (a day has no zone)
        for day, series, level in _cells(source / "arch_core_cpi.csv.gz", "Date")
    ]
    return _table(sorted(levels), CONSUMER_PRICE)


def long_series(source: Path) -> pa.Table:
    """One row per month that all four of Shiller's columns are there for (one that is not known yet is 0)."""
    with gzip.open(source / SHILLER, "rt", encoding="utf-8", newline="") as lines:
        rows = [
            (
                date.fromisoformat(row["Date"]),
                *(Decimal(row[name]).quantize(Decimal("1e-8"), ROUND_HALF_UP) for name in LONG_SERIES_COLUMNS),
            )
            for row in csv.DictReader(lines)
        ]
    return _table([row for row in rows if all(row)], LONG_SERIES)


def as_traded_price_daily(source: Path) -> pa.Table:
    """One row per ticker and day as it traded, sorted by ticker, then day. Adjusted closes are rounded to 8 places."""
    rows = [
        (ticker, day, close, "USD", "AS_TRADED", adjusted.quantize(Decimal("1e-8"), ROUND_HALF_UP), volume)
        for ticker, day, close, adjusted, volume in _as_traded(source)
    ]
    return _table(rows, AS_TRADED_PRICE_DAILY)


def corporate_action(source: Path) -> pa.Table:
    """The splits, and the dividends that the adjusted closes contain, sorted by ticker, ex-date, then type.

    From one day to the next, adjusted close / close grows by the split's units for one, times 1 + dividend / close on
    the ex-date: so Quandl made them, dividing by the close of the ex-date itself. Solved for the dividend, every day's
    is a whole number of cents to 1e-10 of a dollar, mostly none. A day where it is not, or is over a quarter of the
    close as an unknown split would be, is refused.
    """
    actions: list[tuple[object, ...]] = []
    for ticker, days in groupby(_as_traded(source), key=lambda row: row[0]):
        for (_, _, close_before, adjusted_before, _), (_, day, close, adjusted, _) in pairwise(days):
            units = SPLITS.get((ticker, day), 1)
            dividend = close * ((adjusted / close) / (adjusted_before / close_before) / units - 1)
            cents = round(dividend, 2)
            if abs(dividend - cents) > Decimal("1e-10") or not 0 <= cents < close / 4:
                raise SystemExit(f"{ticker} {day}: the adjusted close says {dividend}; is that a dividend?")
            if cents:
                actions.append((ticker, day, "DIVIDEND", None, None, cents, "USD"))
            if units > 1:
                actions.append((ticker, day, "SPLIT", Decimal(units), Decimal(1), None, None))
    return _table(actions, CORPORATE_ACTION)


def _as_traded(source: Path) -> list[tuple[str, date, Decimal, Decimal, int]]:
    """(ticker, day, close, adjusted close, volume), sorted."""
    with gzip.open(source / "bokeh_stocks_quandl_wiki.csv.gz", "rt", encoding="utf-8", newline="") as lines:
        return sorted(
            (
                row["Ticker"],
                date.fromisoformat(row["Date"]),
                Decimal(row["Close"]),
                Decimal(row["Adj Close"]),
                int(row["Volume"]),
            )
            for row in csv.DictReader(lines)
        )


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
        yield from _melted(lines, key)


def _melted(lines: TextIO, key: str) -> Iterator[tuple[str, str, str]]:
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
    (target / "as_traded").mkdir(exist_ok=True)
    for name, table_from, expected_rows in [
        ("price_daily.parquet", price_daily, PRICE_ROWS),
        ("yield_curve.parquet", yield_curve, YIELD_ROWS),
        ("fx_rate_daily.parquet", fx_rate_daily, FX_ROWS),
        ("consumer_price.parquet", consumer_price, CONSUMER_PRICE_ROWS),
        ("sp500_monthly.parquet", long_series, LONG_SERIES_ROWS),
        ("as_traded/price_daily.parquet", as_traded_price_daily, AS_TRADED_ROWS),
        ("as_traded/corporate_action.parquet", corporate_action, ACTION_ROWS),
    ]:
        table = table_from(source)
        if table.num_rows != expected_rows:
            raise SystemExit(f"{name}: {table.num_rows:,} rows where {expected_rows:,} were expected; not written")
        write(table, target / name)
        print(f"{name}: {table.num_rows:,} rows, {(target / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    build(Path(sys.argv[1]), Path(__file__).parent)
