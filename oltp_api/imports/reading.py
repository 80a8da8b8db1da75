"""A file, read: whose it is, how it is written, and its rows as they mean; nothing is asked of the ledger here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import pyarrow as pa

from domain.errors import InvalidInput
from oltp_api.imports import plain
from oltp_api.imports.apart import Selected, selected_apart
from oltp_api.imports.canonical import Reader, number_cells
from oltp_api.imports.canonical_rows import CanonicalRows
from oltp_api.imports.drafts import COLUMNS, Draft
from oltp_api.imports.first_reader import first_ids
from oltp_api.imports.forms import decimal_of, forms_of
from oltp_api.imports.locked import SelectRefused, lists_of, selected, sources_of, table_of, tables_read
from oltp_api.imports.oddities import flag_oddities
from oltp_api.imports.ordering import Direction, in_order
from oltp_api.imports.profiles import Profile, names_of
from oltp_api.imports.recognition import fitting, heads_of, only_one
from oltp_api.imports.records import records_of
from oltp_api.imports.shapes import refuse_shape
from oltp_api.imports.sheets import (
    LINES_ABOVE_HEADER,
    CellsAgain,
    Line,
    decoded,
    lines_of,
    separator_of,
    written_on,
)

_LINES = "lines"
"""The table of every line of the file, whatever its width."""


@dataclass(frozen=True, slots=True)
class Hints:
    """Facts that a person says of a file; None for what it shows itself, or its profile knows."""

    profile: str | None = None
    encoding: str | None = None
    dates: Literal["iso", "dmy", "mdy"] | None = None
    decimal: Literal[".", ","] | None = None
    order: Direction | None = None
    account: str | None = None


@dataclass(frozen=True)
class Sheet:
    """The file's rows, oldest first, and how they were read. `meaning` says for each canonical column of what it is
    made; `ignored` are headers of which nothing is."""

    profile: Profile
    why: str
    encoding: str
    separator: str
    decimal: str
    forms: tuple[str, ...]
    direction: Direction
    header: Sequence[str]
    meaning: Mapping[str, Sequence[str]]
    ignored: Sequence[str]
    drafts: list[Draft]
    reader: Reader
    cells: Mapping[int, Sequence[str]]
    _header: Sequence[str]
    account: str | None = None

    @cached_property
    def first_ids(self) -> Mapping[int, str]:
        """The ids that the first reader would have given to lines."""
        form: Literal["iso", "dmy", "mdy"] = "iso"
        if self.forms[0] in ("%d/%m/%Y", "%m/%d/%Y"):
            form = "dmy" if self.forms[0].startswith("%d") else "mdy"
        rows = list(self.cells.items())
        return first_ids(self._header, rows, form, self.decimal == "," and self.separator == ";", self.account)


def read(file: bytes, stated: Hints, profiles: Mapping[str, Profile], most_rows: int) -> Sheet:
    """Read `file` by the profile that is stated, or the only one that fits, or else by the words of its header."""
    asked = _stated_profile(stated.profile, profiles)
    fallback = asked.encoding if asked else None
    text = decoded(file, stated.encoding or fallback or _encoding_by_profile(file, profiles))
    records = records_of(text.text)
    heads = heads_of(text.text, records)
    recognised = only_one(fitting(heads, [asked] if asked else profiles.values()))
    found = asked or (recognised.profile if recognised else None)
    separator = (found.separator if found else None) or (recognised and recognised.separator) or separator_of(text.text)
    why = "it was stated" if asked else f"its header has {', '.join(found.recognised)}" if found else ""
    rows = records[1] if records else lines_of(text.text, separator, most_rows)
    ignored: Sequence[str] | None = None
    if found is None or found.name == plain.NAME:
        by_header = plain.plain_header(rows)
        found, place, ignored = by_header.profile, by_header.place, by_header.ignored
        why = "no profile fits; its columns are known by their names"
    else:
        at = found.header_in(rows[:LINES_ABOVE_HEADER])
        if at is None:
            raise InvalidInput("profile", f"{found.name} has no header with {', '.join(found.recognised)} in this file")
        place = at
    header = rows[place][1]
    names = names_of(header)
    body = written_on(rows[place + 1 :], most_rows)
    canonical, meaning, reads_lines = _canonical(found, names, rows, body)
    cells: Mapping[int, Sequence[str]] = dict(body) if records else CellsAgain(text.text, separator, body)
    expected = [line for line, _ in found.rows_among(names, body)]
    beyond = set() if reads_lines else _lines_beyond(body, len(names))
    del rows, body  # a long file's are large, and what is made of them is, too
    reader, drafts = _drafted(found, stated, canonical, meaning)
    del canonical
    pa.default_memory_pool().release_unused()  # else Arrow has 13 MB of a long file's while its rows are recorded
    drafts = _accounted_for(drafts, expected)
    drafts, direction = in_order(drafts, stated.order or found.order)
    _refuse_beyond(drafts, beyond, len(names))
    flag_oddities(drafts, cells)
    used = {name for sources in meaning.values() for name in sources}
    return Sheet(
        profile=found,
        why=why,
        encoding=text.encoding,
        separator=separator,
        decimal=reader.decimal,
        forms=reader.forms,
        direction=direction,
        header=names,
        meaning=meaning,
        ignored=ignored if ignored is not None else [name for name in names if name not in used],
        drafts=drafts,
        reader=reader,
        cells=cells,
        _header=header,
        account=stated.account,
    )


def _stated_profile(name: str | None, profiles: Mapping[str, Profile]) -> Profile | None:
    if name is None or name == plain.NAME:
        return Profile(plain.NAME, "", "") if name else None
    if name not in profiles:
        raise InvalidInput("profile", f"{name[:40]!r} is none of {', '.join([*sorted(profiles), plain.NAME])}")
    return profiles[name]


def _encoding_by_profile(file: bytes, profiles: Mapping[str, Profile]) -> str | None:
    """The encoding of the only profile that fits a file that is not UTF-8, as far as its header can be read."""
    try:
        file.decode("utf-8")
    except UnicodeDecodeError:
        text = file.decode("latin-1")
        found = fitting(heads_of(text, records_of(text)), profiles.values())
        return found[0].profile.encoding if len(found) == 1 else None
    return None


class _Canonical(NamedTuple):
    """Rows of a profile's SELECT, the headers that each column is made of, and whether it reads whole lines."""

    rows: CanonicalRows
    meaning: Mapping[str, Sequence[str]]
    reads_lines: bool


def _canonical(profile: Profile, names: Sequence[str], rows: Sequence[Line], body: Sequence[Line]) -> _Canonical:
    known = profile.renamed(names)
    tables = {"cells": table_of([*known, *profile.lacking(known)], body)}
    if profile.owner is not None:
        if _LINES in profile.select.casefold():  # perhaps not as a table: an owner's is parsed in its own process
            tables[_LINES] = lists_of(rows)
        made = selected_apart(profile.select, tables, known)
        refuse_shape(made.rows, {line for line, _ in rows})
    else:
        reads = tables_read(profile.select)
        if _LINES in reads:
            tables[_LINES] = lists_of(rows)
        table = selected(profile.select, tables)
        made = Selected(table, sources_of(profile.select, table.column_names, known), reads)
    if unknown := [name for name in made.rows.column_names if name not in COLUMNS]:
        raise SelectRefused(f"makes {', '.join(unknown)}, which is no column of a transaction")
    if "line" not in made.rows.column_names:
        raise SelectRefused("must make line, the number of the line that a row was made of")
    written = dict(zip(known, names, strict=True))
    meaning = {column: [written[each] for each in used] for column, used in made.meaning.items()}
    return _Canonical(CanonicalRows(made.rows), meaning, _LINES in made.tables)


def _drafted(
    profile: Profile, stated: Hints, canonical: CanonicalRows, meaning: Mapping[str, Sequence[str]]
) -> tuple[Reader, list[Draft]]:
    forms = forms_of(stated.dates or profile.dates, map(str, filter(None, canonical.distinct("day"))))
    decimal = decimal_of(number_cells(canonical), stated.decimal or profile.decimal)
    headers = {column: " + ".join(sources) for column, sources in meaning.items() if sources}
    reader = Reader(profile, forms, decimal, headers, stated.account)
    return reader, reader.drafts(canonical)


def _lines_beyond(body: Sequence[Line], width: int) -> set[int]:
    """Lines with something in a cell that has no header: a separator within a text moves all that follow."""
    return {line for line, row in body if len(row) > width and any(cell.strip() for cell in row[width:])}


def _refuse_beyond(drafts: Sequence[Draft], beyond: set[int], width: int) -> None:
    for each in drafts if beyond else ():
        if each.line in beyond and each.skipped is None and each.refusal is None:
            each.refusal = InvalidInput(f"line {each.line}:", f"has more cells than the {width} of its header")


def _accounted_for(drafts: list[Draft], expected: Sequence[int]) -> list[Draft]:
    """The rows, with a refusal for every line that the SELECT made nothing of: none is passed over."""
    made = {line for each in drafts for line in (each.line, *each.merged)}
    lost = [line for line in expected if line not in made]
    for line in lost:
        why = "the profile makes nothing of it; a row that is none has to say so in a column skip"
        drafts.append(Draft(line, refusal=InvalidInput(f"line {line}:", why)))
    return sorted(drafts, key=lambda each: (each.line, each.part))
