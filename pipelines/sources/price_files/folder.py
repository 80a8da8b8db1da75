"""The folder of people's own files: which are read, as what text, and in which format.

What belongs here: from a folder to the lines of each file, so that one file never holds up another.
"""

import csv
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipelines.sources.price_files.cells import FORMS, Undecided
from pipelines.sources.price_files.lines import FileContent, PriceLine, RateLine, Row, content
from pipelines.sources.price_files.profiles import Fitted, recognised

MOST_BYTES = 64_000_000
_TEXTS = (".csv", ".txt")
_SEPARATORS = (",", ";", "\t")
_STATED = re.compile(r"sep=(.)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PriceFiles:
    """The lines of all files, why a file was not read, and what of one was left out."""

    lines: tuple[PriceLine, ...]
    unreadable: Mapping[str, str]
    notes: Mapping[str, str]
    rates: tuple[RateLine, ...] = ()


class _Unreadable(Exception):
    pass


def price_files(folder: Path) -> PriceFiles:
    """Every visible file of prices of `folder`, by name; none if there is no folder."""
    return _files(folder, frozenset({"prices"}))


def rate_files(folder: Path) -> PriceFiles:
    """The rates of `folder`, and what is remarked on their files."""
    return _files(folder, frozenset({"fx", "series"}))


def _files(folder: Path, gives: frozenset[str]) -> PriceFiles:
    """Read the files in a format that `gives` such, and of the others only the first line."""
    lines: list[PriceLine] = []
    rates: list[RateLine] = []
    unreadable: dict[str, str] = {}
    notes: dict[str, str] = {}
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    for file in (file for file in files if file.is_file() and not file.name.startswith(".")):
        try:
            found = read(file, gives)
        except _Unreadable as error:
            if "prices" in gives:  # what is in no format is told once, by whoever asks for prices
                unreadable[file.name] = str(error)
        except Undecided as error:
            unreadable[file.name] = str(error)
        except (csv.Error, UnicodeDecodeError, OSError) as error:
            unreadable[file.name] = f"is no CSV: {error}"
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            unreadable[file.name] = f"is no zip file that can be opened: {error}"
        else:
            lines += found.prices
            rates += found.rates
            if found.notes:
                notes[file.name] = "; ".join(found.notes)
    return PriceFiles(tuple(lines), unreadable, notes, tuple(rates))


def read(file: Path, gives: frozenset[str]) -> FileContent:
    """Content of `file`, none if its format does not give what is wanted; an error if it is in no known format."""
    name, data = _bytes(file)
    text = _text(data)
    first, _, rest = text.partition("\n")
    stated = _STATED.fullmatch(first.strip().strip('"'))
    text, skipped = (rest, 1) if stated else (text, 0)
    header, fitting, separator = _formats(text)
    if all(fitted.profile.gives not in gives for fitted in fitting):
        return FileContent()
    rows = csv.reader(io.StringIO(text), delimiter=separator, strict=True)
    read_rows: list[Row] = [(rows.line_num + skipped, _cells(row, len(header))) for row in rows]
    n_header = next(n for n, (_, row) in enumerate(read_rows) if any(row))
    below = read_rows[n_header + 1 :]
    return content(file.name, PurePosixPath(name).stem, header, _meant(fitting, below), separator, below)


def _bytes(file: Path) -> tuple[str, bytes]:
    """The name and the content of a text file, or of the only one in a zip file."""
    suffix = file.suffix.lower()
    if suffix == ".zip":
        with zipfile.ZipFile(file) as archive:
            inside = [one for one in archive.infolist() if not one.is_dir()]
            if len(inside) != 1 or PurePosixPath(inside[0].filename).suffix.lower() not in _TEXTS:
                raise _Unreadable(
                    f"has {len(inside)} files in it: put those that are wanted into the folder themselves"
                )
            _refuse_large(inside[0].file_size)
            with archive.open(inside[0]) as opened:
                data = opened.read(MOST_BYTES + 1)
            _refuse_large(len(data))
            return inside[0].filename, data
    if suffix not in _TEXTS:
        raise _Unreadable("is no .csv, .txt or .zip file")
    _refuse_large(file.stat().st_size)
    return file.name, file.read_bytes()


def _refuse_large(n_bytes: int) -> None:
    if n_bytes > MOST_BYTES:
        raise _Unreadable(f"has more than {MOST_BYTES // 1_000_000} MB: take fewer days or securities into one file")


def _text(data: bytes) -> str:
    """UTF-8 with or without a mark, UTF-16 with one, or else Windows' Latin-1; only words of a header can be other."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    if b"\0" in data:
        raise _Unreadable("is no text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252")


def _cells(row: list[str], width: int) -> list[str]:
    """The cells without spaces around them, and without empty ones beyond the header."""
    cells = [cell.strip(" \t\u00a0") for cell in row]
    while len(cells) > width and not cells[-1]:
        cells.pop()
    return cells


def _formats(text: str) -> tuple[list[str], list[Fitted], str]:
    """The header, the formats that have it, and what stands between cells."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    if not first:
        raise _Unreadable("is empty")
    for separator in _SEPARATORS:
        header = [" ".join(word.split()) for word in next(csv.reader([first], delimiter=separator), [])]
        while header and not header[-1]:
            header.pop()
        if fitting := recognised(header, separator):
            return header, fitting, separator
    raise _Unreadable(f"is in no format that is known: its first line is {first.strip()[:120]!r}; see docs/prices.md")


def _meant(fitting: Sequence[Fitted], rows: Sequence[Row]) -> Fitted:
    """The one of the formats of a header that reads most of the days, the first of those that read as many."""

    def n_read(fitted: Fitted) -> int:
        at, forms = fitted.places["date"], [FORMS[form] for form in fitted.profile.dates]
        return sum(any(reads(row[at]) for reads in forms) for _, row in rows if len(row) > at)

    return fitting[0] if len(fitting) == 1 else max(fitting, key=n_read)
