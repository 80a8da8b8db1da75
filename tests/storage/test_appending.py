"""Rows are appended to exactly the version that was read, or not at all."""

from contextlib import nullcontext
from pathlib import Path

import pyarrow as pa
import pytest

from storage.errors import TableMoved
from storage.lake.appending import Head, append, head_of
from storage.lake.delta import Lake, memory_duckdb

TABLE = "raw/pg_transaction_ledger"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "a lake"), lock=nullcontext)


def rows(*numbers: int) -> pa.Table:
    return pa.table({"seq": list(numbers)})


def numbers(lake: Lake, version: int | None = None) -> list[int]:
    return sorted(lake.read(TABLE, version)["seq"].to_pylist())


def head(lake: Lake) -> Head:
    found = head_of(lake, TABLE)
    assert found is not None
    return found


def test_a_table_that_was_never_published_has_no_head(lake: Lake) -> None:
    assert head_of(lake, TABLE) is None


def test_a_head_tells_its_version_its_rows_and_what_was_noted(lake: Lake) -> None:
    lake.publish(TABLE, rows(1, 2), notes={"horizon": "3:3:"})

    assert (head(lake).version, head(lake).row_count, head(lake).notes["horizon"]) == (0, 2, "3:3:")


def test_rows_are_added_and_the_version_before_stays(lake: Lake) -> None:
    lake.publish(TABLE, rows(1, 2))

    published = append(lake, head(lake), rows(3), "run", {"horizon": "4:4:"})

    assert (published.version, published.is_new, published.row_count) == (1, True, 3)
    assert (numbers(lake, 0), numbers(lake, 1)) == ([1, 2], [1, 2, 3])
    assert head(lake).notes["horizon"] == "4:4:"


def test_no_rows_make_no_version(lake: Lake) -> None:
    lake.publish(TABLE, rows(1, 2))

    published = append(lake, head(lake), rows(3).slice(1), "run", {})

    assert (published.version, published.is_new, published.row_count) == (0, False, 2)
    assert lake.version(TABLE) == 0


def test_of_two_that_read_the_same_head_one_is_refused(lake: Lake) -> None:
    lake.publish(TABLE, rows(1))
    one, other = head(lake), head(lake)
    append(lake, one, rows(2), "one", {})

    with pytest.raises(TableMoved, match="a version after 0 was published"):
        append(lake, other, rows(2), "other", {})

    assert numbers(lake) == [1, 2]


def test_control_an_append_to_whatever_is_newest_doubles_the_row(lake: Lake) -> None:
    lake.publish(TABLE, rows(1))
    for run in ("one", "other"):
        lake.append(TABLE, rows(2), run)

    assert numbers(lake) == [1, 2, 2]


def test_many_small_files_become_one_with_the_same_rows_and_note(lake: Lake) -> None:
    lake.publish(TABLE, rows(0))
    for number in range(1, 6):
        last = append(lake, head(lake), rows(number), "run", {"horizon": str(number)}, max_small_files=5)

    assert (last.version, last.row_count) == (6, 6)
    assert len(lake.open(TABLE).file_uris()) == 1
    assert (head(lake).row_count, head(lake).notes["horizon"]) == (6, "5")
    assert [numbers(lake, version) for version in (4, 5, 6)] == [
        [0, 1, 2, 3, 4],
        [0, 1, 2, 3, 4, 5],
        [0, 1, 2, 3, 4, 5],
    ]


def test_as_many_files_as_may_be_are_mounted_and_read(lake: Lake) -> None:
    lake.publish(TABLE, rows(0))
    for number in range(1, 64):
        append(lake, head(lake), rows(number), "run", {})

    with memory_duckdb() as connection:
        lake.mount(connection, {TABLE: 63})
        assert connection.execute(f"select count(*) from {TABLE.replace('/', '.')}").fetchall() == [(64,)]
    assert len(lake.open(TABLE).file_uris()) == 64
