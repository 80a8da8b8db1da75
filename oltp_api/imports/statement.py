"""A broker's statement of what is held, read: the same cells and forms of numbers as a file of transactions has."""

from collections.abc import Mapping, Sequence

from domain.errors import InvalidInput
from oltp_api.imports.canonical import CellRefused
from oltp_api.imports.columns import STATEMENT_HEADERS
from oltp_api.imports.forms import NotANumber, decimal_of, number
from oltp_api.imports.plain import known_columns
from oltp_api.imports.sheets import LINES_ABOVE_HEADER, lines_of, separator_of, written_on

_NUMBERS = ("quantity", "cost", "price", "market_value")
_NEEDED = ("ticker", "quantity")


def statement_rows(text: str, most_rows: int) -> Sequence[tuple[int, Mapping[str, object]]]:
    """The cells of each row of a statement, by our names of its columns, with the line where it starts."""
    lines = lines_of(text.removeprefix("\ufeff"), separator_of(text), most_rows)
    for place, (_, header) in enumerate(lines[:LINES_ABOVE_HEADER]):  # noqa: B007, it is where the search ended
        columns = known_columns(header, STATEMENT_HEADERS)
        if columns.keys() >= set(_NEEDED):
            break
    else:
        raise InvalidInput("csv", f"has no header with {' and '.join(_NEEDED)} in its first {LINES_ABOVE_HEADER} lines")
    places = {name: min(found)[1] for name, found in columns.items()}
    cells = written_on(lines[place + 1 :], most_rows)
    texts = [
        (line, {name: row[at].strip() for name, at in places.items() if at < len(row) and row[at].strip()})
        for line, row in cells
    ]
    decimal = decimal_of((row[name] for _, row in texts for name in _NUMBERS if name in row), None)
    return [(line, _row(line, row, decimal, [header[at] for at in places.values()], places)) for line, row in texts]


def _row(
    line: int, row: Mapping[str, str], decimal: str, headers: Sequence[str], places: Mapping[str, int]
) -> dict[str, object]:
    named = dict(zip(places, headers, strict=True))
    fields: dict[str, object] = dict(row)
    for name in _NUMBERS:
        if name in row:
            try:
                found = number(row[name], decimal)
            except NotANumber as error:
                raise CellRefused(line, named[name].strip(), str(error), "invalid_number") from error
            fields.pop(name)
            if found is not None:
                fields[name] = found.value
    return fields
