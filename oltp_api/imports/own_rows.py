"""Rows of our own export, read back whatever their format: each is as it was exported, or the file is refused."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from domain.errors import Refusal
from oltp_api.exports.columns import COLUMNS, DIGEST, FORM, NAMES, OF_PORTFOLIO, digest_of, text_of
from oltp_api.web.csv_cells import unescaped

Cells = Mapping[str, str | None]
"""The text of each cell of a row, by its column."""
MOST_ROWS = 200_000
_MOST_BYTES = 400_000_000
"""Limit of a Parquet file when it is read: compressed, a small one may hold much."""
_FIRST = "lakefolio"
_BOM = b"\xef\xbb\xbf"
_WRITTEN = frozenset(column.name for column in COLUMNS if column.is_written)


class NotAsExported(Refusal):
    """Our own export, but cut off, of another version, or changed since."""

    code = "not_as_exported"

    def __init__(self, why: str, row: int | None = None) -> None:
        where = f"row {row} " if row is not None else ""
        super().__init__(f"{where}{why}", row=row)


def is_own_export(file: bytes) -> bool:
    """Say whether `file` is a ledger that we have exported, in any of its formats."""
    begin = file[: len(_BOM) + 64].removeprefix(_BOM)
    if begin.startswith(b"PAR1"):
        return _FIRST.encode() in file[-65_536:]
    plain = begin.replace(b'"', b"").replace(b" ", b"")
    return plain.startswith(b"{lakefolio:") or plain[:13] in {b"lakefolio%sseq" % mark for mark in (b",", b";", b"\t")}


def read(file: bytes) -> Sequence[Cells]:
    """All rows, of which none was changed and none is missing."""
    try:
        rows = list(_rows(file))
        digests = [digest_of(cells) for cells in rows]
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise NotAsExported(f"the file begins as an export and is none ({type(error).__name__})") from error
    for place, cells in enumerate(rows, start=1):
        if cells[_FIRST] != FORM:
            raise NotAsExported(f"is of the form {str(cells[_FIRST])[:40]!r}, and {FORM!r} is read here", place)
        if cells.get(DIGEST) != digests[place - 1]:
            raise NotAsExported(
                "was changed since it was exported, by hand or by a program that rewrites days or numbers; "
                "send the file as it came, or without the column lakefolio as a broker's",
                place,
            )
        if any(text is not None and "\0" in text for text in cells.values()):
            raise NotAsExported("has a cell with a NUL character", place)
    _refuse_incomplete(rows)
    return rows


def _refuse_incomplete(rows: Sequence[Cells]) -> None:
    for name in OF_PORTFOLIO:
        if len({cells[name] for cells in rows}) > 1:
            raise NotAsExported(f"{name} is not the same in all rows; one file is one portfolio")
    if rows and str(len(rows)) != rows[0]["rows"]:
        raise NotAsExported(f"{len(rows)} of {rows[0]['rows']} rows are in the file; export the ledger again")


def _rows(file: bytes) -> Iterator[Cells]:
    if file.startswith(b"PAR1"):
        return _of_parquet(file)
    text = file.removeprefix(_BOM)
    return _of_json(text) if text.lstrip()[:1] == b"{" else _of_csv(text)


def _of_csv(file: bytes) -> Iterator[Cells]:
    delimiter = chr(file.replace(b'"', b"", 4)[len(_FIRST)])
    names = [*NAMES, DIGEST]
    table = pacsv.read_csv(
        pa.BufferReader(file),
        pacsv.ReadOptions(use_threads=False, block_size=max(1_000_000, min(len(file), 2**30))),
        pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            include_columns=names,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    _refuse_many(table.num_rows)
    for row in table.to_pylist():
        yield {name: unescaped(text) if text and name in _WRITTEN else text for name, text in row.items()}


def _of_json(file: bytes) -> Iterator[Cells]:
    sent: Any = json.loads(file)
    listed = sent["transactions"]
    _refuse_many(max(len(listed), int(sent["rows"])))
    if not listed and sent["rows"]:
        raise NotAsExported(f"0 of {sent['rows']} rows are in the file; export the ledger again")
    same = {name: _text(sent[name]) for name in OF_PORTFOLIO}
    for row in listed:
        yield same | {name: _text(row[name]) for name in (*NAMES, DIGEST) if name not in same}


def _of_parquet(file: bytes) -> Iterator[Cells]:
    parquet = pq.ParquetFile(pa.BufferReader(file))
    _refuse_many(parquet.metadata.num_rows)
    groups = range(parquet.metadata.num_row_groups)
    if sum(parquet.metadata.row_group(group).total_byte_size for group in groups) > _MOST_BYTES:
        raise NotAsExported(f"the file holds more than {_MOST_BYTES:,} bytes")
    for row in _pieces(parquet):
        yield {name: text_of(row[name]) for name in (*NAMES, DIGEST)}


def _pieces(parquet: pq.ParquetFile) -> Iterable[Mapping[str, Any]]:
    for batch in parquet.iter_batches(batch_size=10_000, use_threads=False):
        yield from batch.to_pylist()


def _refuse_many(rows: int) -> None:
    if rows > MOST_ROWS:
        raise NotAsExported(
            f"{rows:,} rows are more than the {MOST_ROWS:,} that are taken at once; `make backup` moves a whole state"
        )


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no cell")
