"""Rows added to the newest version of a table, and what that version's commit noted about them.

An append goes on top of exactly the version that was read, or not at all. Many small files are put together by a
version of their own with the same rows; older versions stay readable.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema, write_deltalake
from deltalake.exceptions import CommitFailedError, TableNotFoundError

from storage.errors import TableMoved
from storage.lake.delta import Lake, Publication
from storage.lake.zeros import unsigned

MAX_SMALL_FILES = 64
SMALL_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Head:
    """The newest version of a table as its log tells it: nothing of its data is read."""

    name: str
    version: int
    row_count: int
    small_files: int
    notes: Mapping[str, str]
    table: DeltaTable

    def has_columns_of(self, schema: pa.Schema) -> bool:
        return bool(Schema.from_arrow(schema) == self.table.schema())


def head_of(lake: Lake, name: str) -> Head | None:
    """The head of the table called `name`, or None if it was never published."""
    try:
        table = lake.open(name)
    except TableNotFoundError:
        return None
    files = pa.table(table.get_add_actions(flatten=True)).select(["num_records", "size_bytes"]).to_pylist()
    return Head(
        name,
        int(table.version()),
        sum(file["num_records"] for file in files),
        sum(file["size_bytes"] < SMALL_BYTES for file in files),
        {key: value for commit in table.history(1) for key, value in commit.items() if isinstance(value, str)},
        table,
    )


def append(
    lake: Lake,
    head: Head,
    rows: pa.Table,
    run_id: str,
    notes: Mapping[str, str],
    max_small_files: int = MAX_SMALL_FILES,
) -> Publication:
    """The table with `rows` after those of `head`; no rows make no new version.

    TableMoved if another version has been published since `head` was read; then nothing is written.
    """
    if not rows.num_rows:
        return Publication(head.name, head.version, False, head.row_count)
    metadata = {"run_id": run_id, **notes}
    with lake.lock(head.name):
        _write(lake, head, rows, metadata)
        version = lake.checkpointed(head.name, head.version + 1)
        if head.small_files >= max_small_files:
            table = lake.open(head.name, version)
            table.optimize.compact(commit_properties=_as_first_after(metadata))
            version = int(table.version())
    return Publication(head.name, version, True, head.row_count + rows.num_rows)


def _write(lake: Lake, head: Head, rows: pa.Table, metadata: Mapping[str, str]) -> None:
    try:
        write_deltalake(
            head.table,
            unsigned(rows.combine_chunks()),
            mode="append",
            storage_options=lake.storage_options,
            commit_properties=_as_first_after(metadata),
        )
    except CommitFailedError as error:
        raise TableMoved(
            f"{head.name}: a version after {head.version} was published while rows to follow it were read; run it again"
        ) from error


def _as_first_after(metadata: Mapping[str, str]) -> Any:
    """Return the properties of a commit that fails if another one was first."""
    return CommitProperties(custom_metadata=dict(metadata), max_commit_retries=0)
