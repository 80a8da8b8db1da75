"""Files as grids of cells, and back: lines of CSV, records of JSON, elements of OFX. All else stays as it is."""

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

Grid = list[list[str]]


class Writing(Protocol):
    """A form of files. `is_sparse` says that a cell without text is not there, and cannot be given one."""

    @property
    def is_sparse(self) -> bool: ...

    def grid(self, text: str) -> Grid:
        """Cells of a file, with its header among them."""

    def text(self, file: str, grid: Grid) -> str:
        """The file with other cells."""


@dataclass(frozen=True, slots=True)
class Lines:
    """A row for every line."""

    separator: str = ","
    is_sparse: bool = False

    def grid(self, text: str) -> Grid:
        return [next(csv.reader([line], delimiter=self.separator), []) for line in text.split("\n")]

    def text(self, file: str, grid: Grid) -> str:
        return "\n".join(self._line(row) for row in grid)

    def _line(self, row: Sequence[str]) -> str:
        written = io.StringIO()
        csv.writer(written, delimiter=self.separator, lineterminator="").writerow(row)
        return written.getvalue()


@dataclass(frozen=True, slots=True)
class Records:
    """The objects of one list in a JSON object. A cell that looks like a number is written as one."""

    of: str
    is_sparse: bool = False

    def grid(self, text: str) -> Grid:
        records = json.loads(text, parse_float=Decimal, parse_int=Decimal)[self.of]
        names = list(dict.fromkeys(name for each in records for name in each))
        return [names, *([_written(each.get(name)) for name in names] for each in records)]

    def text(self, file: str, grid: Grid) -> str:
        tree = json.loads(file)
        tree[self.of] = [{name: f"\0{cell}\0" for name, cell in zip(grid[0], row, strict=True)} for row in grid[1:]]
        return re.sub(r'"\\u0000(.*?)\\u0000"', lambda found: _literal(json.loads(f'"{found[1]}"')), json.dumps(tree))


def _written(value: Any) -> str:
    return "" if value in (None, []) else format(value, "f") if isinstance(value, Decimal) else str(value)


def _literal(cell: str) -> str:
    is_number = re.fullmatch(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", cell)
    return cell if is_number else json.dumps(cell) if cell else "null"


@dataclass(frozen=True, slots=True)
class Elements:
    """The transactions of an OFX statement, one on a line, by the elements that hold a text; `record` comes first."""

    is_sparse: bool = True

    def grid(self, text: str) -> Grid:
        records = [{"record": found[1], **dict(_ELEMENT.findall(found[0]))} for found in _transactions(text)]
        names = list(dict.fromkeys(name for each in records for name in each))
        return [names, *([each.get(name, "") for name in names] for each in records)]

    def text(self, file: str, grid: Grid) -> str:
        rows = iter(grid[1:])

        def changed(line: re.Match[str]) -> str:
            cells = dict(zip(grid[0], next(rows), strict=True))
            return _ELEMENT.sub(lambda found: f"<{found[1]}>{cells[found[1]]}", line[0])

        return _TRANSACTION.sub(changed, file)


_ELEMENT = re.compile(r"<([A-Z0-9]+)>([^<\n]+)")
_TRANSACTION = re.compile(r"^<([A-Z]+)>.*<FITID>.*$", re.MULTILINE)


def _transactions(text: str) -> Iterator[re.Match[str]]:
    return _TRANSACTION.finditer(text)
