"""Prices that people put into a folder: *.csv with the columns identifier, date, close and currency.

What belongs here: finding files and telling their lines apart. What a line means is `pipelines.quality.own_prices`.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

COLUMNS = ("identifier", "date", "close", "currency")


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One line as it stands in the file; `missing` says what keeps it from being read, if anything does."""

    file: str
    number: int
    identifier: str
    date: str
    close: str
    currency: str
    missing: str = ""

    @property
    def place(self) -> str:
        return f"{self.file} line {self.number}"


@dataclass(frozen=True, slots=True)
class PriceFiles:
    """The lines of all files, and why a file was not read."""

    lines: tuple[PriceLine, ...]
    unreadable: Mapping[str, str]


def price_files(folder: Path) -> PriceFiles:
    """Every visible file of `folder`, by name; none if there is no folder."""
    lines: list[PriceLine] = []
    unreadable: dict[str, str] = {}
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    for file in (file for file in files if file.is_file() and not file.name.startswith(".")):
        if file.suffix.lower() != ".csv":
            unreadable[file.name] = "is no .csv file"
            continue
        try:
            lines += _lines(file)
        except (csv.Error, UnicodeDecodeError, OSError) as error:
            unreadable[file.name] = f"is not CSV in UTF-8: {error}"
        except _NoHeader as error:
            unreadable[file.name] = f"is not read: its first line must name {error} once each"
    return PriceFiles(tuple(lines), unreadable)


class _NoHeader(Exception):
    pass


def _lines(file: Path) -> list[PriceLine]:
    with file.open(newline="", encoding="utf-8-sig") as text:
        return list(_read(file.name, text))


def _read(name: str, text: Iterator[str]) -> Iterator[PriceLine]:
    rows = csv.reader(text, strict=True)
    header = [word.strip().lower() for word in next(rows, [])]
    if any(header.count(column) != 1 for column in COLUMNS):
        raise _NoHeader(", ".join(COLUMNS))
    for row in rows:
        if not any(word.strip() for word in row):
            continue
        said = dict(zip(header, row, strict=False))
        missing = "" if len(row) == len(header) else f"it has {len(row)} fields, and the first line {len(header)}"
        identifier, day, close, currency = ((said.get(column) or "").strip() for column in COLUMNS)
        yield PriceLine(name, rows.line_num, identifier, day, close, currency, missing)
