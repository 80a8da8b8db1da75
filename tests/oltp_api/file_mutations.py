"""Every cell of a file, changed in every way that a slip of a hand or of a program changes one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tests.oltp_api.file_writings import Grid

_OTHER_CURRENCY = {"USD": "EUR", "EUR": "CHF", "GBP": "USD", "CHF": "EUR", "CAD": "USD", "$": "€", "€": "£", "£": "$"}
_DAYS = (
    (r"[0-9]{2}/[0-9]{2}/[0-9]{4}", "%m/%d/%Y"),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "%Y-%m-%d"),
    (r"[0-9]{2}-[0-9]{2}-[0-9]{4}", "%d-%m-%Y"),
    (r"[0-9]{2}\.[0-9]{2}\.[0-9]{4}", "%d.%m.%Y"),
    (r"20[0-9]{6}(?=[0-9]{6}|\b)", "%Y%m%d"),
)


@dataclass(frozen=True, slots=True)
class Mutation:
    """One cell changed, or swapped with its neighbour; `grid` are all rows after it."""

    kind: str
    row: int
    column: int
    before: str
    after: str
    grid: Grid


def mutations(grid: Grid, first: int, is_month_first: bool, is_sparse: bool = False) -> Iterator[Mutation]:
    """Mutations of all cells from the row `first` on. Of a sparse grid a cell has to be there to change its place, and
    the first names the row."""
    for row in range(first, len(grid)):
        columns = [place for place, cell in enumerate(grid[row]) if not is_sparse or (cell and place)]
        for column, neighbour in zip(columns, [*columns[1:], None], strict=False):
            cell = grid[row][column]
            for kind, changed in _changes(cell, is_month_first):
                if changed != cell:
                    yield Mutation(kind, row, column, cell, changed, _with(grid, row, {column: changed}))
            if neighbour is not None and grid[row][neighbour] != cell:
                other = grid[row][neighbour]
                swapped = _with(grid, row, {column: other, neighbour: cell})
                yield Mutation("swap", row, column, cell, other, swapped)


def _with(grid: Grid, row: int, cells: dict[int, str]) -> Grid:
    changed = [cells.get(column, cell) for column, cell in enumerate(grid[row])]
    return [*grid[:row], changed, *grid[row + 1 :]]


def _changes(cell: str, is_month_first: bool) -> Iterator[tuple[str, str]]:
    if day := _day_in(cell, is_month_first):
        yield from day
        return
    places = [found.start() for found in re.finditer("[0-9]", cell)]
    for name, place in (("first digit", places[:1]), ("last digit", places[-1:])):
        for at in place:
            yield name, f"{cell[:at]}{(int(cell[at]) + 1) % 10 or 1}{cell[at + 1 :]}"
    bare = cell.strip()
    if re.fullmatch(r"[-$€£]*[0-9][0-9.,']*", bare):
        yield "sign", bare[1:] if bare.startswith("-") else f"-{bare}"
    for currency, other in _OTHER_CURRENCY.items():
        if cell == currency or (len(currency) == 1 and currency in cell):
            yield "currency", cell.replace(currency, other)


def _day_in(cell: str, is_month_first: bool) -> Iterator[tuple[str, str]] | None:
    for pattern, form in _DAYS:
        own = form if is_month_first or form != "%m/%d/%Y" else "%d/%m/%Y"
        found = re.match(pattern, cell)
        if found is not None:
            day = datetime.strptime(found[0], own).date()  # noqa: DTZ007, a day has no zone
            return _other_days(cell, found[0], day, own)
    return None


def _other_days(cell: str, written: str, day: date, form: str) -> Iterator[tuple[str, str]]:
    others = [("day moved", day + timedelta(days=1)), ("other year", day.replace(year=day.year + 1))]
    if day.day <= 12:
        others.append(("day and month swapped", day.replace(month=day.day, day=day.month)))
    for kind, other in others:
        yield kind, cell.replace(written, other.strftime(form), 1)
    swapped = day.strftime(form.replace("%d", "#").replace("%m", "%d").replace("#", "%m"))
    if day.day > 12:
        yield "day and month swapped", cell.replace(written, swapped, 1)
