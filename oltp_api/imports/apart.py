"""An owner's SELECT in a process of its own, which has the cells, a clock that runs out, and nothing else.

The process is started for one SELECT. It gets nothing of our environment, an empty folder, three pipes, and no right
to open anything after them; what it may hold and how long it may run is limited by the system, not by its good will.
Cells go in and rows come out as Arrow's stream format.
"""

import io
import json
import resource
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, NamedTuple

import pyarrow as pa

from oltp_api.imports.harmless import harmless_functions, refuse_reach
from oltp_api.imports.locked import MOST_SECONDS, SelectRefused, locked, meaning_of, parsed_select, rows_of, tables_in

_MEGABYTE = 1_000_000
_ROWS_PER_LINE = 4
_SPARE_ROWS = 100
_ANSWER_MEGABYTES = 120
_START_SECONDS = 5.0
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1"}
"""All that the process has of one: numpy starts a thread for each core otherwise, before anything is asked."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds that a SELECT may take, and megabytes that the engine may use for it; its process is killed after the
    seconds that it may take to start beside them, and at twice the megabytes beyond the cells that it was given."""

    seconds: float = MOST_SECONDS
    megabytes: int = 256


DEFAULT_LIMITS = Limits()


class Selected(NamedTuple):
    """Rows of a SELECT, the headers that each of its columns is made of, and the tables that it reads."""

    rows: pa.Table
    meaning: dict[str, list[str]]
    tables: frozenset[str]


def selected_apart(
    select: str, tables: Mapping[str, pa.Table], names: Sequence[str], limits: Limits = DEFAULT_LIMITS
) -> Selected:
    """The rows of an owner's `select` over `tables`; SelectRefused if it reaches for anything else, or for too much."""
    request = {"select": select, "names": list(names), "megabytes": limits.megabytes, "seconds": limits.seconds}
    sent = _framed(request, [(name, _streamed(table)) for name, table in tables.items()])
    with tempfile.TemporaryDirectory(prefix="select-") as empty:
        process = subprocess.Popen(
            [sys.executable, "-I", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=empty,
            env=_ENVIRONMENT,
            start_new_session=True,
        )
        try:
            answer, _ = process.communicate(sent, timeout=limits.seconds + _START_SECONDS)
        except subprocess.TimeoutExpired:
            raise SelectRefused(f"was stopped after {limits.seconds:g} seconds") from None
        finally:
            process.kill()
            process.communicate()
    if process.returncode != 0 or not answer:
        raise SelectRefused(f"was stopped: it needs more than {limits.megabytes} MB, or more than the engine can do")
    told, parts = _unframed(answer)
    if "refused" in told:
        raise SelectRefused(told["refused"])
    return Selected(_table(parts["rows"]), told["meaning"], frozenset(told["tables"]))


def main() -> None:
    """Run the SELECT that arrives on standard input; write its rows, or why there are none."""
    answer = sys.stdout.buffer
    request, parts = _unframed(sys.stdin.buffer.read())
    tables = {name: _table(part) for name, part in parts.items()}
    try:
        made = _run(request, tables)
        told = {"meaning": made.meaning, "tables": sorted(made.tables)}
        _write(answer, _framed(told, [("rows", _streamed(made.rows))]))
    except SelectRefused as refusal:
        _write(answer, _framed({"refused": refusal.message.removeprefix("select ")}, []))
    except (MemoryError, RecursionError):
        _write(answer, _framed({"refused": "was stopped: it is too large, or too deep"}, []))


def _run(request: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> Selected:
    select, lines = str(request["select"]), max((table.num_rows for table in tables.values()), default=0)
    with locked(tables, megabytes=request["megabytes"]) as connection:
        functions = harmless_functions(connection)
        _limit(float(request["seconds"]), int(request["megabytes"]))
        tree = parsed_select(connection, select)
        refuse_reach(tree, tables, request["names"], functions)
        rows = rows_of(connection, select, float(request["seconds"]), lines * _ROWS_PER_LINE + _SPARE_ROWS)
        if rows.nbytes > _ANSWER_MEGABYTES * _MEGABYTE:
            raise SelectRefused(f"makes more than {_ANSWER_MEGABYTES} MB of rows")
        return Selected(rows, meaning_of(tree, rows.column_names, request["names"]), tables_in(tree))


def _limit(seconds: float, megabytes: int) -> None:
    """From here on: no file and no socket is opened, none is written, and time and memory end."""
    most = _in_use() + 2 * megabytes * _MEGABYTE
    for kind, value in (
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, int(seconds) + 1),
        (resource.RLIMIT_DATA, most),
    ):
        resource.setrlimit(kind, (value, value))


def _in_use() -> int:
    """Bytes of data that the process has; 0 where the system does not say."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123, no pathlib in a process this short
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmData"))
    except (OSError, StopIteration):
        return 0


def _streamed(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _table(part: memoryview) -> pa.Table:
    """Read through a file, so that Arrow aligns what it reads."""
    return pa.ipc.open_stream(io.BytesIO(part)).read_all()


def _framed(header: Mapping[str, Any], parts: Sequence[tuple[str, bytes]]) -> bytes:
    """The header as JSON with the sizes of the parts, and the parts."""
    text = json.dumps({"header": header, "parts": [(name, len(part)) for name, part in parts]}).encode()
    return b"".join((struct.pack(">I", len(text)), text, *(part for _, part in parts)))


def _unframed(frame: bytes) -> tuple[dict[str, Any], dict[str, memoryview]]:
    at = 4 + struct.unpack(">I", frame[:4])[0]
    told = json.loads(frame[4:at])
    parts, view = {}, memoryview(frame)
    for name, size in told["parts"]:
        parts[name] = view[at : at + size]
        at += size
    return told["header"], parts


def _write(stream: IO[bytes], frame: bytes) -> None:
    stream.write(frame)
    stream.flush()


if __name__ == "__main__":
    main()
