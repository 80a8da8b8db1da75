"""Gains as a CSV file: a row per disposal and per ledger row of income, in columns that both share."""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from domain.errors import plain
from oltp_api.gains.schemas import DisposalView, GainsView, IncomeView
from oltp_api.web.csv_cells import escaped

COLUMNS = (
    *("record", "day", "type", "seq", "part", "sale_seq", "lot_seq", "acquired_on", "sold_on", "days_held", "term"),
    *("account", "ticker", "isin", "name", "units", "currency", "proceeds", "cost", "gain", "amount"),
    *("base_currency", "proceeds_base", "cost_base", "gain_base", "fx_gain_base", "amount_base"),
)


def csv_of(gains: GainsView) -> Iterator[str]:
    """Lines of the file, header first. Text that a spreadsheet would run is escaped, a number never."""
    yield _line(COLUMNS)
    for disposal in gains.disposals or ():
        yield _line(_cells(_disposal(disposal), gains.currency))
    for line in gains.income:
        yield _line(_cells(_income(line), gains.currency))


def _disposal(one: DisposalView) -> dict[str, Any]:
    return {**dict(one), "record": "DISPOSAL", "day": one.realised_on, "type": str(one.txn_type)}


def _income(line: IncomeView) -> dict[str, Any]:
    return {**dict(line), "record": "INCOME", "day": line.business_date, "type": str(line.income_type)}


def _cells(row: dict[str, Any], base_currency: str) -> Iterable[str]:
    known = {**row, "base_currency": base_currency}
    return (_cell(known.get(name)) for name in COLUMNS)


def _cell(value: object) -> str:
    """Write a value; what is not known is an empty cell, never 0."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return plain(value)
    return value.isoformat() if isinstance(value, date) else escaped(str(value))


def _line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()
