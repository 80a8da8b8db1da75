import json
import re
import threading
from collections.abc import Callable
from contextlib import nullcontext, suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError

from storage.errors import SchemaChanged
from storage.lake.appending import append, head_of
from storage.lake.delta import Lake, Publication, Window, lake_at, memory_duckdb
from storage.postgres.database import Database

TABLE = "marts/fact_price_daily"
SCHEMA = pa.schema([("price_date", pa.date32()), ("ticker", pa.string()), ("close", pa.decimal128(18, 8))])


def prices(*lines: str) -> pa.Table:
    """Rows from lines of "day ticker close"."""
    split = [line.split() for line in lines]
    rows = [(date.fromisoformat(day), ticker, Decimal(close)) for day, ticker, close in split]
    return pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], schema=SCHEMA)


def lines(table: pa.Table) -> list[str]:
    """The rows of a table of prices, as `prices` takes them."""
    return sorted(f"{row['price_date']} {row['ticker']} {row['close'].normalize():f}" for row in table.to_pylist())


def days(start: str, end: str) -> Window:
    return Window(date.fromisoformat(start), date.fromisoformat(end))


def files(lake: Lake, table: str = TABLE) -> dict[int, set[str]]:
    """The files of the newest version, by year."""
    found: dict[int, set[str]] = {}
    for uri in lake.open(table).file_uris():
        year = uri.partition("year=")[2].partition("/")[0]
        found.setdefault(int(year), set()).add(uri)
    return found


THREE_YEARS = ("2014-06-02 A 10", "2015-06-01 A 11", "2015-12-31 B 21", "2016-01-04 A 12")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"), lock=nullcontext)


def publish(lake: Lake, *rows: str, **options: Any) -> Publication:
    return lake.publish(TABLE, prices(*rows), date_column="price_date", **options)


def test_the_first_publication_is_version_0(lake: Lake) -> None:
    published = publish(lake, *THREE_YEARS)

    assert published == Publication(TABLE, 0, is_new=True, row_count=4, changed_years=(2014, 2015, 2016))


def test_what_was_published_is_read_back_without_the_partition_column(lake: Lake) -> None:
    publish(lake, *THREE_YEARS)

    stored = lake.read(TABLE)

    assert stored.schema == SCHEMA
    assert lines(stored) == sorted(THREE_YEARS)


def test_publishing_the_whole_replaces_all_rows(lake: Lake) -> None:
    publish(lake, *THREE_YEARS)

    published = publish(lake, "2015-06-01 A 99")

    assert published.changed_years == (2014, 2015, 2016)
    assert lines(lake.read(TABLE)) == ["2015-06-01 A 99"]


def test_the_same_rows_make_no_new_version(lake: Lake) -> None:
    publish(lake, *THREE_YEARS)

    published = publish(lake, *reversed(THREE_YEARS))

    assert (published.version, published.is_new) == (0, False)
    assert lake.version(TABLE) == 0


def test_no_table_has_a_negative_zero_however_its_rows_come(lake: Lake) -> None:
    schema = pa.schema([("day", pa.date32()), ("a", pa.float64()), ("b", pa.float32()), ("n", pa.int64())])
    days = [date(2014, 6, 2), date(2015, 6, 1), date(2016, 1, 4)]
    rows = pa.table([days, [-0.0, None, -1e-300], [-0.0, 1.5, float("nan")], [0, 1, 2]], schema)

    lake.publish("marts/whole", rows)
    lake.publish("marts/dated", rows, date_column="day")
    with duckdb.connect() as connection:
        lake.publish("marts/streamed", connection.from_arrow(rows), date_column="day")
    appended = append(lake, head_of(lake, "marts/whole"), rows, "", {})

    for table in ("marts/whole", "marts/dated", "marts/streamed"):
        found = lake.read(table).sort_by("n").to_pylist()
        assert {str(row["a"]) for row in found} == {"0.0", "None", "-1e-300"}
        assert {str(row["b"]) for row in found} == {"0.0", "1.5", "nan"}
    assert appended.row_count == 6
    assert not lake.publish("marts/dated", rows, date_column="day").is_new


def test_a_repeated_row_is_a_change(lake: Lake) -> None:
    publish(lake, *THREE_YEARS)

    published = publish(lake, *THREE_YEARS, THREE_YEARS[0], THREE_YEARS[0])

    assert published.changed_years == (2014,)
    assert lake.read(TABLE).num_rows == 6


def test_a_null_in_place_of_a_value_is_a_change(lake: Lake) -> None:
    publish(lake, "2014-06-02 A 10")
    without_close = prices("2014-06-02 A 10").set_column(
        2, SCHEMA.field("close"), pa.nulls(1, SCHEMA.field("close").type)
    )

    published = lake.publish(TABLE, without_close, date_column="price_date")

    assert published.is_new
    assert lake.read(TABLE)["close"].to_pylist() == [None]


def test_only_the_files_of_the_changed_year_are_rewritten(lake: Lake) -> None:
    publish(lake, *THREE_YEARS)
    before = files(lake)

    publish(lake, *THREE_YEARS[:2], "2015-12-31 B 22", THREE_YEARS[3])

    after = files(lake)
    assert (after[2014], after[2016]) == (before[2014], before[2016])
    assert after[2015].isdisjoint(before[2015])


def test_what_may_differ_between_two_versions_is_in_the_files_that_one_of_them_has(lake: Lake) -> None:
    publish(lake, *THREE_YEARS)
    publish(lake, *THREE_YEARS[:2], "2015-12-31 B 22", THREE_YEARS[3])

    def rows(version: int, other: int) -> list[str]:
        apart, _ = lake.scan_apart(TABLE, version, other)
        with lake.connect() as connection:
            return lines(connection.execute(f"from {apart}").to_arrow_table())

    assert rows(0, 1) == ["2015-06-01 A 11", "2015-12-31 B 21"]
    assert rows(1, 0) == ["2015-06-01 A 11", "2015-12-31 B 22"]
    assert rows(1, 1) == []


def test_a_window_replaces_its_days_and_keeps_the_others(lake: Lake) -> None:
    publish(lake, *THREE_YEARS)

    publish(lake, "2015-12-30 B 20", "2016-01-04 A 13", window=days("2015-12-01", "2016-01-31"))

    expected = ["2014-06-02 A 10", "2015-06-01 A 11", "2015-12-30 B 20", "2016-01-04 A 13"]
    assert lines(lake.read(TABLE)) == expected


def test_a_window_rewrites_only_the_years_in_which_it_changed_something(lake: Lake) -> None:
    publish(lake, *THREE_YEARS)
    before = files(lake)

    published = publish(lake, "2015-12-31 B 21", "2016-01-04 A 13", window=days("2015-12-01", "2016-01-31"))

    assert published.changed_years == (2016,)
    assert (files(lake)[2014], files(lake)[2015]) == (before[2014], before[2015])


def test_an_empty_window_removes_its_days(lake: Lake) -> None:
    publish(lake, *THREE_YEARS)

    publish(lake, window=days("2015-01-01", "2015-12-31"))

    assert lines(lake.read(TABLE)) == ["2014-06-02 A 10", "2016-01-04 A 12"]


def test_windows_in_any_order_give_the_same_rows_as_the_whole(lake: Lake) -> None:
    for row in (THREE_YEARS[2], THREE_YEARS[0], THREE_YEARS[3], THREE_YEARS[1]):
        day = row.split()[0]
        publish(lake, row, window=days(day, day))

    assert lines(lake.read(TABLE)) == sorted(THREE_YEARS)


@pytest.mark.parametrize("outside", ["2014-12-31 A 10", "2016-01-01 A 10"])
def test_a_row_outside_the_window_is_refused_and_nothing_is_written(lake: Lake, outside: str) -> None:
    publish(lake, *THREE_YEARS)
    on_disk = sorted(Path(lake.root).rglob("*"))

    with pytest.raises(ValueError, match="do not belong into 2015-01-01"):
        publish(lake, "2015-06-01 A 99", outside, window=days("2015-01-01", "2015-12-31"))

    assert sorted(Path(lake.root).rglob("*")) == on_disk


def test_the_first_row_outside_the_window_makes_no_table(lake: Lake) -> None:
    with pytest.raises(ValueError, match="do not belong"):
        publish(lake, "2014-12-31 A 10", window=days("2015-01-01", "2015-12-31"))

    assert not lake.exists(TABLE)


def test_a_key_replaces_its_rows_and_keeps_the_others(lake: Lake) -> None:
    fan = "simulation/simulation_fan"
    schema = pa.schema([("simulation_id", pa.string()), ("step", pa.int64()), ("p50", pa.float64())])
    for key, value in (("one", 1.0), ("two", 2.0), ("one", 1.5)):
        rows = pa.Table.from_pylist([{"simulation_id": key, "step": 0, "p50": value}], schema=schema)
        lake.publish(fan, rows, key={"simulation_id": key})

    stored = {row["simulation_id"]: row["p50"] for row in lake.read(fan).to_pylist()}
    assert stored == {"one": 1.5, "two": 2.0}


def test_the_same_rows_of_a_key_make_no_new_version(lake: Lake) -> None:
    publish(lake, "2014-06-02 A 10", "2014-06-02 B 20")

    published = publish(lake, "2014-06-02 B 20", key={"ticker": "B"})

    assert (published.version, published.is_new) == (0, False)


def test_a_row_of_another_key_is_refused_and_no_version_is_made(lake: Lake) -> None:
    publish(lake, "2014-06-02 A 10", "2014-06-02 B 20")

    with pytest.raises(DeltaError):
        publish(lake, "2014-06-02 A 11", key={"ticker": "B"})

    assert lake.version(TABLE) == 0


def test_a_key_with_a_quote_is_a_value_like_others(lake: Lake) -> None:
    publish(lake, "2014-06-02 O'B 10", "2014-06-02 B 20")

    publish(lake, "2014-06-02 O'B 11", key={"ticker": "O'B"})

    assert lines(lake.read(TABLE)) == ["2014-06-02 B 20", "2014-06-02 O'B 11"]


@pytest.mark.parametrize("rows_before", [(), THREE_YEARS], ids=["never had rows", "had rows"])
def test_an_empty_table_is_mounted_with_its_types(lake: Lake, rows_before: tuple[str, ...]) -> None:
    publish(lake, *rows_before)
    publish(lake)
    with memory_duckdb() as connection:
        lake.mount(connection, lake.versions([TABLE]))

        described = connection.execute(f"describe {TABLE.replace('/', '.')}").fetchall()
        rows = connection.execute(f"from {TABLE.replace('/', '.')}").fetchall()

    assert [row[:2] for row in described] == [("price_date", "DATE"), ("ticker", "VARCHAR"), ("close", "DECIMAL(18,8)")]
    assert rows == []


def test_every_type_we_use_is_the_same_after_a_round_trip(lake: Lake) -> None:
    moment = datetime(2015, 6, 1, 12, 30, 15, 123456, tzinfo=UTC)
    values = {
        "text": ("ünï 'code'", pa.string()),
        "flag": (True, pa.bool_()),
        "small": (-1, pa.int32()),
        "big": (2**62, pa.int64()),
        "real": (0.1, pa.float64()),
        "day": (date(1, 1, 1), pa.date32()),
        "moment": (moment, pa.timestamp("us", tz="UTC")),
        "pairs": ([("a", 1)], pa.map_(pa.string(), pa.int64())),
    }
    schema = pa.schema([(name, kind) for name, (_, kind) in values.items()])
    row = {name: value for name, (value, _) in values.items()}
    lake.publish("raw/everything", pa.Table.from_pylist([row, dict.fromkeys(row)], schema=schema))

    stored = lake.read("raw/everything")

    assert sorted(stored.to_pylist(), key=lambda found: found["big"] is None) == [row, dict.fromkeys(row)]


@pytest.mark.parametrize(
    ("precision", "value"),
    [
        (18, "9999999999.99999999"),
        (18, "-9999999999.99999999"),
        (18, "0.00000001"),
        (28, "99999999999999999999.99999999"),
        (28, "-99999999999999999999.99999999"),
        (28, "-0.00000001"),
        (28, "12345678901234567890.12345678"),
    ],
)
def test_a_decimal_survives_exactly(lake: Lake, precision: int, value: str) -> None:
    schema = pa.schema([("day", pa.date32()), ("amount", pa.decimal128(precision, 8))])
    rows = pa.Table.from_pylist([{"day": date(2015, 6, 1), "amount": Decimal(value)}], schema=schema)
    lake.publish("raw/amounts", rows, date_column="day")

    stored = lake.read("raw/amounts")

    assert stored.schema == schema
    assert stored["amount"].to_pylist() == [Decimal(value)]


def test_the_last_digit_of_a_decimal_is_a_change(lake: Lake) -> None:
    schema = pa.schema([("amount", pa.decimal128(28, 8))])
    for value in ("99999999999999999999.99999998", "99999999999999999999.99999999"):
        rows = pa.Table.from_pylist([{"amount": Decimal(value)}], schema=schema)
        published = lake.publish("raw/amounts", rows)

    assert published.is_new


@pytest.mark.parametrize("folder", ["a lake", "50% off", "a+b=c&d", "o'brien", "ünï"])
def test_the_path_of_a_lake_may_be_any(tmp_path: Path, folder: str) -> None:
    lake = Lake(str(tmp_path / folder), lock=nullcontext)
    publish(lake, *THREE_YEARS)
    publish(lake, "2016-01-04 A 13", window=days("2016-01-01", "2016-12-31"))

    stored = lake.read(TABLE, version=1)

    assert lines(stored) == [*sorted(THREE_YEARS)[:3], "2016-01-04 A 13"]
    assert [path.name for path in tmp_path.iterdir()] == [folder]


def with_volume(table: pa.Table) -> pa.Table:
    return table.append_column("volume", pa.array([7] * table.num_rows, pa.int64()))


def test_publishing_the_whole_may_change_the_columns(lake: Lake) -> None:
    publish(lake, *THREE_YEARS)

    published = lake.publish(TABLE, with_volume(prices(*THREE_YEARS)), date_column="price_date")

    assert published.version == 1
    assert lake.read(TABLE)["volume"].to_pylist() == [7] * 4


def test_the_version_before_keeps_its_columns(lake: Lake) -> None:
    publish(lake, *THREE_YEARS)
    lake.publish(TABLE, with_volume(prices(*THREE_YEARS)), date_column="price_date")

    assert lake.read(TABLE, version=0).schema == SCHEMA


def test_publishing_the_whole_may_change_a_type(lake: Lake) -> None:
    publish(lake, *THREE_YEARS)
    wider = prices(*THREE_YEARS).cast(SCHEMA.set(2, pa.field("close", pa.decimal128(28, 8))))

    lake.publish(TABLE, wider, date_column="price_date")

    assert lake.read(TABLE).schema == wider.schema
    assert lines(lake.read(TABLE)) == sorted(THREE_YEARS)


@pytest.mark.parametrize("part", [{"window": days("2015-01-01", "2015-12-31")}, {"key": {"ticker": "A"}}])
def test_a_part_with_other_columns_is_refused_and_nothing_is_written(lake: Lake, part: dict[str, Any]) -> None:
    publish(lake, *THREE_YEARS)

    with pytest.raises(SchemaChanged, match="publish it whole"):
        lake.publish(TABLE, with_volume(prices("2015-06-01 A 11")), date_column="price_date", **part)

    assert lake.version(TABLE) == 0


def test_a_window_of_all_days_there_are_may_bring_other_columns(lake: Lake) -> None:
    publish(lake, *THREE_YEARS)
    with_more, days = with_volume(prices("2015-06-01 A 11")), (date(1990, 1, 1), date(2026, 1, 1))

    lake.publish(TABLE, with_more, date_column="price_date", window=Window(*days))

    assert lake.read(TABLE).column_names == with_more.column_names
    assert lake.read(TABLE).num_rows == 1
    assert lines(lake.read(TABLE, version=0)) == list(THREE_YEARS)


def test_every_old_version_stays_readable(lake: Lake) -> None:
    for close in range(5):
        publish(lake, *THREE_YEARS[:3], f"2016-01-04 A {close}")

    stored = [lines(lake.read(TABLE, version=version))[-1] for version in range(5)]

    assert stored == [f"2016-01-04 A {close}" for close in range(5)]


def test_a_mounted_version_does_not_move_when_a_newer_one_is_published(lake: Lake) -> None:
    publish(lake, *THREE_YEARS)
    with duckdb.connect() as connection:
        lake.mount(connection, {TABLE: 0}, as_schema="published")
        publish(lake, "2016-01-04 A 99")

        seen = connection.execute("select count(*) from published.fact_price_daily").fetchall()

    assert seen == [(4,)]


def test_duckdb_is_not_misled_about_a_large_table_by_its_small_files(lake: Lake) -> None:
    """It takes the first file's number of rows for every file's, and makes hash tables of what it holds for small."""
    many = pa.table({"number": list(range(30_000))})
    for rows in (many.slice(0, 3), many, *(many.slice(0, count) for count in (5, 57, 5))):
        lake.append("raw/numbers", rows)

    with lake.connect() as connection:
        plan = connection.execute(f"explain (format json) from {lake.scan('raw/numbers')}").fetchall()[0][1]

    (estimate,) = re.findall(r'"Estimated Cardinality": "(\d+)"', plan)
    assert int(estimate) >= 30_000


def test_a_window_cannot_end_before_it_starts() -> None:
    with pytest.raises(ValueError, match="before it starts"):
        days("2015-01-02", "2015-01-01")


class MeetingLake(Lake):
    """Its publishers wait up to a second for one another between looking at the table and writing it."""

    meeting = threading.Barrier(2)

    def _write(self, *arguments: Any, **options: Any) -> None:
        with suppress(threading.BrokenBarrierError):
            self.meeting.wait(timeout=1)
        super()._write(*arguments, **options)


def publish_two_at_once(lake: Lake) -> None:
    """Two threads publish one month; each must be a version with what it says it published, the later one the last."""
    MeetingLake.meeting = threading.Barrier(2)
    published: dict[str, Publication] = {}
    failed: list[Exception] = []
    month = days("2015-01-01", "2015-01-31")

    def work(row: str) -> None:
        try:
            published[row] = publish(lake, row, window=month)
        except CommitFailedError as error:
            failed.append(error)

    run_together(lambda: work("2015-01-03 A 77"), lambda: work("2015-01-04 A 77"))

    assert failed == []
    assert {publication.version for publication in published.values()} == {1, 2}
    for row, publication in published.items():
        assert lines(lake.read(TABLE, publication.version)) == [row]


def run_together(*works: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_two_publishers_of_one_table_wait_for_one_another(tmp_path: Path, database: Database) -> None:
    lake = lake_at(str(tmp_path / "lake"), database.admin_url)
    publish(lake, "2015-01-02 A 1")

    publish_two_at_once(MeetingLake(lake.root, lake.lock))


def test_control_without_the_lock_two_publishers_do_not_both_get_what_they_say(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"), lock=nullcontext)
    publish(lake, "2015-01-02 A 1")

    with pytest.raises(AssertionError):
        publish_two_at_once(MeetingLake(lake.root, lake.lock))


def test_publishers_of_different_tables_do_not_wait(tmp_path: Path, database: Database) -> None:
    lake = lake_at(str(tmp_path / "lake"), database.admin_url)

    with lake.lock("raw/other"):
        published = publish(lake, *THREE_YEARS)

    assert published.is_new


def test_rows_that_are_kept_stay_as_they_are(lake: Lake) -> None:
    def rows(*pairs: tuple[str, int]) -> pa.Table:
        return pa.table({"portfolio_id": [one for one, _ in pairs], "worth": [worth for _, worth in pairs]})

    lake.publish("marts/kept", rows(("a", 1), ("b", 1), ("c", 1)))
    done = lake.publish("marts/kept", rows(("a", 2)), kept={"portfolio_id": ["b"]})
    again = lake.publish("marts/kept", rows(("a", 2)), kept={"portfolio_id": ["b"]})

    assert sorted(lake.read("marts/kept").to_pylist(), key=str) == rows(("a", 2), ("b", 1)).to_pylist()
    assert (done.is_new, again.is_new) == (True, False)


def test_rows_that_do_not_fit_new_columns_are_not_kept(lake: Lake) -> None:
    lake.publish("marts/other", pa.table({"portfolio_id": ["a", "b"], "worth": [1, 1]}))
    lake.publish("marts/other", pa.table({"portfolio_id": ["a"], "price": [1]}), kept={"portfolio_id": ["b"]})

    assert lake.read("marts/other").to_pylist() == [{"portfolio_id": "a", "price": 1}]


def test_a_long_log_is_not_read_from_its_beginning_and_every_version_stays(lake: Lake) -> None:
    for number in range(25):
        publish(lake, f"2015-06-01 A {number + 1}")

    log = Path(lake.uri(TABLE)) / "_delta_log"
    assert json.loads((log / "_last_checkpoint").read_text())["version"] == 20
    for commit in sorted(log.glob("*.json"))[:20]:
        commit.rename(commit.with_suffix(".away"))
    assert lines(lake.read(TABLE)) == ["2015-06-01 A 25"]
    for commit in log.glob("*.away"):
        commit.rename(commit.with_suffix(".json"))
    assert lines(lake.read(TABLE, 3)) == ["2015-06-01 A 4"]


def test_a_checkpoint_that_cannot_be_written_fails_no_publication(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(table: DeltaTable) -> None:
        raise OSError(f"no space left for {table.version()}")

    monkeypatch.setattr(DeltaTable, "create_checkpoint", full)
    for number in range(12):
        assert publish(lake, f"2015-06-01 A {number + 1}").version == number
