"""Price rows, corporate actions and a calendar, written as tuples."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from pipelines.sources.calendar import SCHEMA as CALENDAR

PRICES = pa.schema(
    [
        ("ticker", pa.string()),
        ("price_date", pa.date32()),
        ("close", pa.float64()),
        ("currency", pa.string()),
        ("price_kind", pa.string()),
        ("adjusted_close", pa.float64()),
        ("volume", pa.float64()),
    ]
)
ACTIONS = pa.schema(
    [
        ("ticker", pa.string()),
        ("action_date", pa.date32()),
        ("action_type", pa.string()),
        ("split_new", pa.float64()),
        ("split_old", pa.float64()),
        ("amount", pa.float64()),
    ]
)
NO_PRICES, NO_ACTIONS = PRICES.empty_table(), ACTIONS.empty_table()
FIRST = date(2020, 1, 6)


def table(rows: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(schema.names, row, strict=False)) for row in rows], schema=schema)


def session(number: int) -> date:
    """The weekday that is `number` weekdays after a Monday in January 2020."""
    return FIRST + timedelta(days=number + 2 * (number // 5))


def series(closes: Sequence[float | None], ticker: str = "T", kind: str = "AS_TRADED", first: int = 0) -> pa.Table:
    """One row per close on consecutive weekdays, in USD, without adjusted closes or volumes."""
    rows = [(ticker, session(first + n), close, "USD", kind, None, None) for n, close in enumerate(closes)]
    return table(rows, PRICES)


def split(number: int, new: float, old: float = 1, ticker: str = "T") -> pa.Table:
    return table([(ticker, session(number), "SPLIT", new, old, None)], ACTIONS)


def dividend(number: int, amount: float, ticker: str = "T") -> pa.Table:
    return table([(ticker, session(number), "DIVIDEND", None, None, amount)], ACTIONS)


def weekdays(start: date = date(2015, 1, 1), end: date = date(2029, 12, 31)) -> pa.Table:
    """A calendar in which every weekday is a session."""
    days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
    return pa.table([["TEST"] * len(days), days, *([[day.weekday() < 5 for day in days]] * 2)], schema=CALENDAR)
