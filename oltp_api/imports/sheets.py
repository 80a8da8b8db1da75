"""A file as cells of text, before anybody says what they mean: its encoding, its separator, its lines."""

import csv
import io
import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from domain.errors import InvalidInput

Line = tuple[int, Sequence[str]]
"""The cells of one row, after the number of the line where it starts."""

SEPARATORS = (",", ";", "\t", "|")
LINES_ABOVE_HEADER = 30
_LINES_PER_ROW = 10
"""Most lines of a file for each row that is taken; of a longer one nothing is read: millions may be empty."""
_MOST_CELLS = 1_000
_HEAD = 65_536
_LINE_END = re.compile(r"\r\n|\n|\r")
_MARKED = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252", "cp1250", "ascii")


@dataclass(frozen=True, slots=True)
class Decoded:
    """The file's text, and how it was written."""

    text: str
    encoding: str


def decoded(file: bytes, stated: str | None = None) -> Decoded:
    """The text by its byte order mark, as UTF-8 if it is that, or as is `stated`; a byte that fits nowhere is refused.

    Bytes above 127 that make right UTF-8 are not Latin-1 by chance, so that UTF-8 is no guess; between the others, that
    have a letter for every byte, one would be.
    """
    if stated is not None and stated.lower() not in _ENCODINGS:
        raise InvalidInput("encoding", f"must be one of {', '.join(_ENCODINGS)}")
    marked = next((name for mark, name in _MARKED.items() if file.startswith(mark)), None)
    line = 1
    for encoding in filter(None, (marked, "utf-8", stated)):
        try:
            text = file.decode(encoding).removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            line = file.count(b"\n", 0, error.start) + 1
            continue
        if "\0" in text:
            line = text.count("\n", 0, text.index("\0")) + 1
            raise InvalidInput("csv", f"must not contain a NUL character (line {line})")
        return Decoded(text, encoding.removesuffix("-sig"))
    raise InvalidInput("csv", f"is not UTF-8 (line {line}); say what it is: encoding=latin-1, or another")


def lines_of(text: str, separator: str, most_rows: int) -> list[Line]:
    breaks = text.count("\n") + text.count("\r")
    if breaks > most_rows * _LINES_PER_ROW:
        raise InvalidInput("csv", f"has some {breaks} lines; split it, {most_rows} rows are taken at once")
    reader = csv.reader(_lines(text), delimiter=separator, strict=True)
    rows, line = list[Line](), 1
    texts: dict[str, str] = {}  # one for all cells that say the same: most of a long file's memory
    try:
        for row in reader:
            if len(row) > _MOST_CELLS:
                raise InvalidInput("csv", f"has {len(row)} columns on line {line}; {_MOST_CELLS} are taken")
            rows.append((line, tuple(map(texts.setdefault, row, row))))
            line = reader.line_num + 1
    except csv.Error as error:
        raise InvalidInput("csv", f"cannot be read at line {line}: {error}") from error
    return rows


class CellsAgain(Mapping[int, Sequence[str]]):
    """Cells of rows by the lines where they start, read from the text again when they are asked for: few are, and those
    of a long file would take more memory than all that is made of it."""

    def __init__(self, text: str, separator: str, rows: Sequence[Line]) -> None:
        self._text, self._separator = text, separator
        self._lines = array("I", [line for line, _ in rows])

    @cached_property
    def _begins(self) -> Sequence[int]:
        """Where the rows begin in the text; of a file whose rows are all recorded nobody asks."""
        ends = array("I", [0])
        ends.extend(found.end() for found in _LINE_END.finditer(self._text))
        return array("I", [ends[line - 1] for line in self._lines])

    def __getitem__(self, line: int) -> Sequence[str]:
        place = bisect_left(self._lines, line)
        if place == len(self._lines) or self._lines[place] != line:
            raise KeyError(line)
        return next(csv.reader(_lines(self._text, self._begins[place]), delimiter=self._separator))

    def __iter__(self) -> Iterator[int]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)


def _lines(text: str, begin: int = 0) -> Iterator[str]:
    """Lines with their ends, one after the other: a StringIO of the text takes four bytes for each character."""
    for found in _LINE_END.finditer(text, begin):
        yield text[begin : found.end()]
        begin = found.end()
    if begin < len(text):
        yield text[begin:]


def head_of(text: str, separator: str) -> list[Line]:
    """The first lines, as far as they can be read; a header is looked for in them."""
    reader = csv.reader(io.StringIO(text[:_HEAD], newline=""), delimiter=separator)
    rows: list[Line] = []
    line = 1
    try:
        for row in reader:
            if len(rows) == LINES_ABOVE_HEADER:
                break
            rows.append((line, row))
            line = reader.line_num + 1
    except csv.Error:
        pass
    return rows


def separator_of(text: str) -> str:
    """The separator of which the first lines have most."""
    head = "\n".join(text[:_HEAD].splitlines()[:LINES_ABOVE_HEADER])
    return max(SEPARATORS[:3], key=head.count)


def written_on(rows: Sequence[Line], most_rows: int) -> list[Line]:
    """The rows that have anything in them."""
    cells = [(line, row) for line, row in rows if any(cell.strip() for cell in row)]
    if len(cells) > most_rows:
        raise InvalidInput("csv", f"has {len(cells)} rows; split it, {most_rows} are taken at once")
    return cells
