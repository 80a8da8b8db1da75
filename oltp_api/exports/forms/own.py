"""Our own complete form, in three formats: csv, JSON and Parquet. Cells and their digest are `columns`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import LiteralString
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from oltp_api.exports.columns import BETWEEN, COLUMNS, DIGEST, DIGEST_SQL, FORM, JOINED, OF_PORTFOLIO, Column, Kind
from oltp_api.exports.repository import ExportedPortfolio, LedgerExports
from oltp_api.web.csv_cells import FORMULA_STARTS

_RISKY: Mapping[str, object] = {
    "risky": [ord(character) for character in f"'{FORMULA_STARTS}"],
    "pattern": "^'*[" + FORMULA_STARTS.replace("-", "") + "-]",
}
"""PostgreSQL's way to ask what `csv_cells.escaped` escapes: a test compares them."""
_ROW_GROUP_BYTES = 12_000_000
_TYPES = {
    Kind.TEXT: pa.string(),
    Kind.WHOLE: pa.int64(),
    Kind.NUMBER: pa.decimal128(18, 8),
    Kind.MONEY: pa.decimal128(28, 8),
    Kind.DAY: pa.date32(),
    Kind.MOMENT: pa.timestamp("us", "UTC"),
}
SCHEMA = pa.schema([(column.name, _TYPES[column.kind]) for column in COLUMNS] + [(DIGEST, pa.string())])
_REPEATING = [column.name for column in COLUMNS if column.kind is Kind.TEXT]
"""Columns that are worth a dictionary; with one for each number too, and for the digest, the file is a third larger."""
_TEXTS_OF_SEVERAL = ("named", "classed", "seldom")
"""Joined texts of which nothing but the last part may have in it what is between the parts."""
_OF_SEVERAL = {name for text in _TEXTS_OF_SEVERAL for name in JOINED[text]}
_OF_ROWS = [column.name for column in COLUMNS if column.name not in {*OF_PORTFOLIO, *_OF_SEVERAL}]
_READ = pacsv.ReadOptions(
    column_names=[*_OF_ROWS, *_TEXTS_OF_SEVERAL, DIGEST], use_threads=False, block_size=4 * _ROW_GROUP_BYTES
)
_PARSE = pacsv.ParseOptions(newlines_in_values=True)
_CONVERT = pacsv.ConvertOptions(
    column_types={
        **{name: SCHEMA.field(name).type for name in (*_OF_ROWS, DIGEST)},
        **dict.fromkeys(_TEXTS_OF_SEVERAL, pa.dictionary(pa.int32(), pa.string())),
    },
    null_values=[""],
    strings_can_be_null=True,
    quoted_strings_can_be_null=False,
)


def as_csv(reads: LedgerExports, portfolio_id: UUID) -> Iterator[bytes]:
    """A header and a row for each of the ledger; text that a spreadsheet would run is escaped."""
    cells = ", ".join([*(f"{_csv_cell(column)} as {column.name}" for column in COLUMNS), f"{DIGEST_SQL} as {DIGEST}"])
    yield from reads.copied(portfolio_id, cells, "csv", _RISKY)


def as_json(reads: LedgerExports, portfolio_id: UUID) -> Iterator[bytes]:
    """One object: what is the same for all rows, and the rows; numbers are strings, which keeps all of their digits."""
    yield json.dumps(_same_of(reads.portfolio(portfolio_id))).removesuffix("}").encode() + b', "transactions": ['
    members = ", ".join(f"'{column.name}', {_json_cell(column)}" for column in COLUMNS if not column.is_of_portfolio)
    cells = f"json_build_object({members}, '{DIGEST}', {DIGEST_SQL})"
    for place, row in enumerate(reads.copied(portfolio_id, cells, "text")):
        yield (b",\n" if place else b"\n") + row.removesuffix(b"\n").replace(b"\\\\", b"\\")
    yield b"\n]}\n"


def as_parquet(reads: LedgerExports, portfolio_id: UUID) -> Iterator[bytes]:
    """Columns of exact types, in groups of rows; the metadata `lakefolio` names the form."""
    same = _same_of(reads.portfolio(portfolio_id))
    cells = ", ".join([*(f"cells.{name}" for name in (*_OF_ROWS, *_TEXTS_OF_SEVERAL)), DIGEST_SQL])
    written = _Written()
    with (
        pq.ParquetWriter(
            written,
            SCHEMA.with_metadata({"lakefolio": FORM}),
            compression="zstd",
            use_dictionary=_REPEATING,
            store_schema=True,
        ) as writer,
        ThreadPoolExecutor(1) as beside,  # encodes while PostgreSQL makes the next rows: they take as long
    ):
        encoding: Future[None] | None = None
        for rows in _groups(reads.copied(portfolio_id, cells, "rows")):
            if encoding is not None:
                encoding.result()
                yield written.drained()
            encoding = beside.submit(_encode, rows, same, writer)
        if encoding is not None:
            encoding.result()
    yield written.drained()


def _encode(rows: Sequence[bytes], same: Mapping[str, object], writer: pq.ParquetWriter) -> None:
    writer.write_table(_table(rows, same))


def _groups(rows: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Rows of some megabytes, as one group of Parquet has them."""
    group: list[bytes] = []
    size = 0
    for row in rows:
        group.append(row)
        size += len(row)
        if size >= _ROW_GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _csv_cell(column: Column) -> LiteralString:
    """SQL of the cell; the pattern is asked only where the first character may begin a formula."""
    cell = f"cells.{column.name}"
    if not column.is_written:
        return cell
    return f"case when ascii({cell}) = any(%(risky)s) and {cell} ~ %(pattern)s then '''' || {cell} else {cell} end"


def _json_cell(column: Column) -> LiteralString:
    return f"cells.{column.name}::bigint" if column.kind is Kind.WHOLE else f"cells.{column.name}"


def _same_of(portfolio: ExportedPortfolio) -> Mapping[str, object]:
    """Cells that are the same in all rows, by the names of their columns."""
    return {
        "lakefolio": FORM,
        "portfolio": portfolio.name,
        "base_currency": portfolio.base_currency,
        "kind": portfolio.kind,
        "cost_method": portfolio.cost_method,
        "time_zone": portfolio.time_zone,
        "rows": portfolio.version,
    }


def _table(rows: Sequence[bytes], same: Mapping[str, object]) -> pa.Table:
    read = pacsv.read_csv(pa.BufferReader(b"".join(rows)), _READ, _PARSE, _CONVERT)
    columns = {name: pa.repeat(pa.scalar(same[name], SCHEMA.field(name).type), read.num_rows) for name in OF_PORTFOLIO}
    columns |= {name: read[name] for name in (*_OF_ROWS, DIGEST)}
    for text in _TEXTS_OF_SEVERAL:
        columns |= _apart(read[text], JOINED[text])
    return pa.table([columns[name] for name in SCHEMA.names], SCHEMA)


def _apart(joined: pa.ChunkedArray, names: Sequence[str]) -> dict[str, pa.Array]:
    """Columns whose cells are joined to one text in each row; nothing is None."""
    coded = joined.combine_chunks()
    told = pc.split_pattern(coded.dictionary, BETWEEN, max_splits=len(names) - 1)
    parts = (pc.list_element(told, place) for place in range(len(names)))
    return {
        name: pc.if_else(pc.equal(part, ""), pa.scalar(None, pa.string()), part)
        .cast(SCHEMA.field(name).type)
        .take(coded.indices)
        for name, part in zip(names, parts, strict=True)
    }


class _Written:
    """A file that Parquet is written to, of which only what is not yet sent is kept."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def write(self, part: bytes) -> int:
        self._parts.append(bytes(part))
        self._size += len(part)
        return len(part)

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        self.closed = True

    def drained(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)
