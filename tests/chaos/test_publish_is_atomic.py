"""A publisher that is killed at any moment leaves the old or the new release, whole.

A child process publishes three tables and then a release, and kills itself with -9 at one moment of writing one of
them. This file, run as a program, forks such a child for every line that it reads, so that its imports cost once.
`DyingLake` adds nothing to the lake but these moments: the rows are handed to Delta batch by batch, so that it can die
between two of them; and for "data written, not committed" it puts a file in the place of the table's log once all rows
are handed over, so that Delta writes its data files and then cannot commit. Every row carries the number of its
generation. By default one table and the release are the victims, all tables with LAKEFOLIO_CHAOS=long.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import UTC, date, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake.exceptions import DeltaError

from storage.lake.delta import Lake, memory_duckdb
from storage.lake.releases import TABLE as RELEASE
from storage.lake.releases import Release, Releases
from storage.postgres.horizon import VisibilitySnapshot

TABLES = ("raw/price_daily", "marts/fact_price_daily", "marts/dim_security")
IS_LONG = os.environ.get("LAKEFOLIO_CHAOS") == "long"
VICTIMS = TABLES if IS_LONG else TABLES[1:2]
BEFORE, AMID, WRITTEN, COMMITTED = "before its data", "amid its data", "before its commit", "after its commit"
IN_PLACE = "in place"
_GENERATIONS = 8 if IS_LONG else 4
ROWS = 4
Killed = Callable[[Lake, str, str], None]


def publish_generation(lake: Lake, generation: int) -> None:
    """Publish all tables and then the release that names them, as a refresh does."""
    releases = Releases(lake)
    base = releases.head()
    for table in TABLES:
        day_column = None if "dim_" in table else "day"
        lake.publish(table, rows_of(generation), date_column=day_column)
    horizon = VisibilitySnapshot(f"{100 + generation}:{100 + generation}:", "7")
    now = datetime.now(UTC)
    versions = lake.versions(TABLES)
    releases.publish(Release(0, None, None, "REFRESH", now, None, horizon, "code", f"run {generation}", versions), base)


def rows_of(generation: int) -> pa.Table:
    days = [date(2015, 1, 2), date(2015, 6, 1), date(2016, 1, 4), date(2016, 6, 1)]
    return pa.table({"day": days, "generation": [generation] * ROWS})


class DyingLake(Lake):
    """Kills its own process at the moment `death` of writing the table `victim`."""

    victim = ""
    death = ""

    def _write(self, table: str, rows: pa.Table, *arguments: Any, **options: Any) -> None:
        is_victim = table == self.victim
        self._die_if(is_victim, BEFORE)
        try:
            super()._write(table, self._handed_over(table, rows) if is_victim else rows, *arguments, **options)
        except DeltaError:
            self._give_back_log(table)
            self._die_if(is_victim, WRITTEN)
            raise
        self._die_if(is_victim, COMMITTED)

    def _handed_over(self, table: str, rows: pa.Table) -> pa.RecordBatchReader:
        def batches() -> Iterator[pa.RecordBatch]:
            for batch in rows.to_batches(max_chunksize=1):
                yield batch
                self._die_if(True, AMID)
            if self.death == WRITTEN:
                self._take_log_away(table)

        return pa.RecordBatchReader.from_batches(rows.schema, batches())

    def _take_log_away(self, table: str) -> None:
        log = Path(self.uri(table)) / "_delta_log"
        log.rename(log.with_name("log_away"))
        log.touch()

    def _give_back_log(self, table: str) -> None:
        log = Path(self.uri(table)) / "_delta_log"
        log.unlink()
        log.with_name("log_away").rename(log)

    def _die_if(self, is_here: bool, moment: str) -> None:
        if is_here and moment == self.death:
            os.kill(os.getpid(), signal.SIGKILL)


def released(lake: Lake) -> int:
    """The generation that a reader of the newest release sees; its tables must be whole and agree."""
    head = Releases(lake).head()
    assert head is not None
    return whole_generation(lake, dict(head.versions))


def whole_generation(lake: Lake, versions: dict[str, int]) -> int:
    with memory_duckdb() as connection:
        lake.mount(connection, versions)
        views = [table.replace("/", ".") for table in TABLES]
        query = "select generation, count(*) from {} group by generation"
        found = [connection.execute(query.format(view)).fetchall() for view in views]
    generation = found[0][0][0]
    assert found == [[(generation, ROWS)]] * len(TABLES)
    return int(generation)


def publish_until(root: str, last: int, victim: str, death: str) -> None:
    lake = DyingLake(root, nullcontext)
    DyingLake.victim, DyingLake.death = victim, death
    if death == IN_PLACE:
        overwrite_in_place(lake, 2, victim)
    for generation in range(2, last + 1):
        publish_generation(lake, generation)


@pytest.fixture(scope="module")
def run_until_death() -> Iterator[Killed]:
    """Publishes generation 2 in a process of its own, which must die at that moment and not of anything else."""
    with subprocess.Popen(
        [sys.executable, __file__], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None

        def run(lake: Lake, victim: str, death: str) -> None:
            print(json.dumps([lake.root, 2, victim, death]), file=parent.stdin, flush=True)
            assert int(parent.stdout.readline()) == -signal.SIGKILL

        yield run


def fork_publishers() -> None:
    for name in ("pandas", "pyarrow.dataset"):  # DuckDB imports them with its first table: 0.3 s in each child
        import_module(name)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            publish_until(*json.loads(line))
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def orphans(lake: Lake, table: str) -> set[str]:
    """Data files that no version of the table names."""
    on_disk = {path.name for path in Path(lake.uri(table)).rglob("*.parquet")}
    versions = range(lake.open(table).version() + 1)
    return on_disk - {uri.rsplit("/", 1)[1] for version in versions for uri in lake.open(table, version).file_uris()}


@pytest.fixture(scope="module")
def first_generation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("first") / "lake"
    publish_generation(Lake(str(root), nullcontext), 1)
    return root


@pytest.fixture
def lake(first_generation: Path, tmp_path: Path) -> Lake:
    """A lake whose newest release shows generation 1."""
    shutil.copytree(first_generation, tmp_path / "lake")
    return Lake(str(tmp_path / "lake"), nullcontext)


MOMENTS = [(table, death) for table in (*VICTIMS, RELEASE) for death in (BEFORE, AMID, WRITTEN, COMMITTED)]


@pytest.mark.parametrize(("victim", "death"), MOMENTS)
def test_whenever_a_publisher_is_killed_the_release_is_whole_and_a_rerun_completes(
    lake: Lake, run_until_death: Killed, victim: str, death: str
) -> None:
    run_until_death(lake, victim, death)

    if death == WRITTEN:
        assert orphans(lake, victim), "there, and they belong to nothing"
        assert lake.version(victim) == 0
    assert released(lake) == (2 if (victim, death) == (RELEASE, COMMITTED) else 1)
    publish_generation(lake, 2)
    assert released(lake) == 2


def test_a_first_publisher_that_is_killed_leaves_no_release_and_a_rerun_makes_it(
    run_until_death: Killed, tmp_path: Path
) -> None:
    lake = Lake(str(tmp_path / "lake"), nullcontext)
    run_until_death(lake, RELEASE, BEFORE)

    assert Releases(lake).head() is None
    publish_generation(lake, 1)
    assert released(lake) == 1


def test_whoever_reads_during_many_publications_sees_whole_releases_that_never_go_back(lake: Lake) -> None:
    publisher = subprocess.Popen([sys.executable, __file__, lake.root, "1000"])
    seen = [released(lake)]
    until = time.monotonic() + 20
    while seen[-1] < _GENERATIONS and time.monotonic() < until:
        seen.append(released(lake))
    publisher.kill()
    publisher.wait()
    seen.append(released(lake))

    assert seen == sorted(seen)
    assert seen[-1] >= _GENERATIONS


@pytest.mark.parametrize("victim", TABLES[1:] if IS_LONG else VICTIMS)
def test_control_without_releases_a_reader_sees_it_half_done(lake: Lake, run_until_death: Killed, victim: str) -> None:
    run_until_death(lake, victim, BEFORE)

    with pytest.raises(AssertionError):
        whole_generation(lake, lake.versions(TABLES))


def test_control_a_publisher_that_overwrites_in_place_is_seen_half_done(lake: Lake, run_until_death: Killed) -> None:
    run_until_death(lake, TABLES[0], IN_PLACE)

    with pytest.raises(AssertionError):
        released(lake)


def overwrite_in_place(lake: Lake, generation: int, victim: str) -> None:
    """Publish without versions: write new rows into the old files, and die after the table `victim`."""
    for table in TABLES:
        for path in Path(lake.uri(table)).rglob("*.parquet"):
            old = pq.ParquetFile(path).read()
            pq.write_table(old.set_column(1, "generation", pa.array([generation] * old.num_rows)), path)
        if table == victim:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        publish_until(sys.argv[1], int(sys.argv[2]), "", "")
    else:
        fork_publishers()
