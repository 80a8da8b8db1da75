"""A broker's statement of what is held, read: the same cells, profiles and forms of numbers as transactions have."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.errors import InvalidInput
from oltp_api.imports.columns import STATEMENT_HEADERS
from oltp_api.imports.drafts import CellRefused
from oltp_api.imports.forms import NotANumber, decimal_of, number
from oltp_api.imports.locked import SelectRefused, lists_of, selected, table_of
from oltp_api.imports.plain import known_columns, quoted
from oltp_api.imports.profiles import Profile, names_of, shipped_statements
from oltp_api.imports.recognition import fitting, heads_of, only_one
from oltp_api.imports.sheets import LINES_ABOVE_HEADER, Line, lines_of, separator_of, written_on

_NUMBERS = ("quantity", "cost", "price", "market_value")
_TEXTS = ("ticker", "isin", "account", "currency", "skip")
_NEEDED = ("ticker", "quantity")


def statement_rows(text: str, most_rows: int) -> Sequence[tuple[int, Mapping[str, object]]]:
    """The cells of each row of a statement, by our names of its columns, with the line where it starts; of cash the
    ticker is CASH, and of a security it may be told beside an ISIN."""
    text = text.removeprefix("\ufeff")
    recognised = only_one(fitting(heads_of(text), shipped_statements().values()))
    lines = lines_of(text, (recognised and recognised.separator) or separator_of(text), most_rows)
    if recognised is None:
        place, profile = _plain(lines)
    else:
        profile = recognised.profile
        found = profile.header_in(lines[:LINES_ABOVE_HEADER])
        assert found is not None, "its header is in the first lines"
        place = found
    names = profile.renamed(names_of(lines[place][1]))
    known = [*names, *profile.lacking(names)]
    cells = table_of(known, written_on(lines[place + 1 :], most_rows))
    table = selected(profile.select, {"cells": cells, "lines": lists_of(lines)})
    if unknown := set(table.column_names) - {"line", *_NUMBERS, *_TEXTS}:
        raise SelectRefused(f"makes {', '.join(sorted(unknown))}, which is no column of a statement")
    rows = [row for row in table.to_pylist() if not row.get("skip")]
    numbers = (str(row[name]) for row in rows for name in _NUMBERS if row.get(name) is not None)
    decimal = decimal_of(numbers, profile.decimal)
    return [(row["line"], _row(row, decimal)) for row in rows]


def _plain(lines: Sequence[Line]) -> tuple[int, Profile]:
    """The header that names a security and its units, and the profile that its words make."""
    for place, (_, header) in enumerate(lines[:LINES_ABOVE_HEADER]):
        columns = known_columns(header, STATEMENT_HEADERS)
        if columns.keys() >= set(_NEEDED):
            names = names_of(header)
            made = ", ".join(f"{quoted(names[min(found)[1]])} as {name}" for name, found in columns.items())
            return place, Profile("plain", "a statement with plain columns", f"select line, {made} from cells")
    raise InvalidInput("csv", f"has no header with {' and '.join(_NEEDED)} in its first {LINES_ABOVE_HEADER} lines")


def _row(row: Mapping[str, Any], decimal: str) -> dict[str, object]:
    fields: dict[str, object] = {name: row[name] for name in _TEXTS if row.get(name) is not None}
    fields.setdefault("ticker", fields.get("isin"))
    for name in _NUMBERS:
        if row.get(name) is not None:
            try:
                found = number(str(row[name]), decimal)
            except NotANumber as error:
                raise CellRefused(row["line"], name, f"{str(row[name])[:40]!r} {error}", "invalid_number") from error
            if found is not None:
                fields[name] = found.value
    return {name: value for name, value in fields.items() if value is not None}
