import threading
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from storage.errors import HeadMoved, HorizonFellBack
from storage.lake.delta import Lake, lake_at
from storage.lake.releases import TABLE, Release, Releases
from storage.postgres.database import Database
from storage.postgres.horizon import VisibilitySnapshot

NOON = datetime(2017, 3, 29, 12, tzinfo=UTC)
FAN = "simulation/simulation_fan"


def candidate(horizon: str = "100:100:", system: str = "7", **versions: int) -> Release:
    """A release not made yet, of the marts named."""
    return Release(
        release_id=0,
        parent_id=None,
        refresh_id=None,
        kind="REFRESH",
        released_at=NOON,
        as_of=date(2017, 3, 29),
        horizon=VisibilitySnapshot(horizon, system),
        code_version="0.1.0+abc",
        run_id="a run",
        versions={f"marts/{name}": version for name, version in versions.items()},
    )


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    return Releases(Lake(str(tmp_path / "lake"), lock=nullcontext))


def test_there_is_no_head_before_the_first_release(releases: Releases) -> None:
    assert releases.head() is None


def test_there_is_no_release_to_get_before_the_first(releases: Releases) -> None:
    assert releases.get(1) is None


def test_the_first_release_is_number_1_and_is_read_back_whole(releases: Releases) -> None:
    released = releases.publish(candidate(dim_date=3, dim_security=5), base=None)

    assert released == replace(candidate(dim_date=3, dim_security=5), release_id=1, refresh_id=1)
    assert releases.head() == released


def test_releases_are_numbered_and_name_the_one_before(releases: Releases) -> None:
    first = releases.publish(candidate(dim_date=0), base=None)

    second = releases.publish(candidate(dim_date=1), base=first)

    assert (second.release_id, second.parent_id, second.refresh_id) == (2, 1, 2)
    assert releases.head() == second


def test_an_old_release_stays_readable(releases: Releases) -> None:
    first = releases.publish(candidate(dim_date=0), base=None)
    releases.publish(candidate(dim_date=1), base=first)

    assert releases.get(1) == first


def test_the_second_of_two_releases_from_one_head_is_refused(releases: Releases) -> None:
    base = releases.publish(candidate(dim_date=0), base=None)
    winner = releases.publish(candidate(dim_date=1), base=base)

    with pytest.raises(HeadMoved, match="started from release 1, but release 2"):
        releases.publish(candidate(dim_date=2), base=base)

    assert releases.head() == winner


def test_the_second_of_two_first_releases_is_refused(releases: Releases) -> None:
    releases.publish(candidate(dim_date=0), base=None)

    with pytest.raises(HeadMoved, match="started from release none, but release 1"):
        releases.publish(candidate(dim_date=1), base=None)


def test_control_two_plain_appends_from_one_head_both_succeed(releases: Releases) -> None:
    base = releases.publish(candidate(dim_date=0), base=None)

    for version in (1, 2):
        releases._add(replace(candidate(dim_date=version), release_id=base.release_id + 1))

    stored = releases.lake.read(TABLE)["release_id"].to_pylist()
    assert sorted(stored) == [1, 2, 2]


class MeetingLake(Lake):
    """Its releases wait up to a second for one another between looking at the head and adding to it."""

    meeting = threading.Barrier(2)

    def append(self, *arguments: Any, **options: Any) -> int:
        with suppress(threading.BrokenBarrierError):
            self.meeting.wait(timeout=1)
        return super().append(*arguments, **options)


def release_two_at_once(lake: Lake) -> None:
    """Two threads release from one head; one must be refused."""
    MeetingLake.meeting = threading.Barrier(2)
    releases = Releases(lake)
    base = Releases(Lake(lake.root, nullcontext)).publish(candidate(dim_date=0), base=None)
    refused: list[HeadMoved] = []

    def work(version: int) -> None:
        try:
            releases.publish(candidate(dim_date=version), base)
        except HeadMoved as error:
            refused.append(error)

    threads = [threading.Thread(target=work, args=(version,)) for version in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 1
    assert sorted(lake.read(TABLE)["release_id"].to_pylist()) == [1, 2]


def test_of_two_releases_at_once_one_is_refused(tmp_path: Path, database: Database) -> None:
    lake = lake_at(str(tmp_path / "lake"), database.admin_url)

    release_two_at_once(MeetingLake(lake.root, lake.lock))


def test_control_without_the_lock_two_releases_at_once_both_succeed(tmp_path: Path) -> None:
    lake = MeetingLake(str(tmp_path / "lake"), lock=nullcontext)

    with pytest.raises(AssertionError):
        release_two_at_once(lake)


@pytest.mark.parametrize(
    ("head", "older"),
    [
        ("100:100:", "99:99:"),
        ("100:105:100", "100:104:100"),
        ("100:105:100,103", "100:105:100,102,103"),
    ],
)
def test_a_horizon_that_falls_back_is_refused(releases: Releases, head: str, older: str) -> None:
    base = releases.publish(candidate(head), base=None)

    with pytest.raises(HorizonFellBack, match="older instant"):
        releases.publish(candidate(older), base)

    assert releases.head() == base


def test_the_same_horizon_may_be_released_again(releases: Releases) -> None:
    base = releases.publish(candidate("100:105:100,103", dim_date=0), base=None)

    released = releases.publish(candidate("100:105:100,103", dim_date=1), base)

    assert released.release_id == 2


def test_another_database_is_refused_even_if_its_horizon_is_newer(releases: Releases) -> None:
    base = releases.publish(candidate("100:100:", system="7"), base=None)

    with pytest.raises(HorizonFellBack, match="belongs to database 7, not to 8"):
        releases.publish(candidate("200:200:", system="8"), base)

    assert releases.head() == base


def test_results_are_appended_to_the_head(releases: Releases) -> None:
    base = releases.publish(candidate(dim_date=4), base=None)

    appended = releases.append({FAN: 2}, NOON, "another run")

    assert appended.versions == {"marts/dim_date": 4, FAN: 2}
    assert (appended.release_id, appended.parent_id, appended.refresh_id, appended.kind) == (2, 1, 1, "APPEND")
    assert appended.horizon == base.horizon
    assert releases.head() == appended


def test_results_appended_during_a_refresh_are_kept_by_it(releases: Releases) -> None:
    base = releases.publish(candidate(dim_date=0), base=None)
    releases.append({FAN: 2}, NOON, "a simulation")

    released = releases.publish(candidate(dim_date=1), base)

    assert released.versions == {"marts/dim_date": 1, FAN: 2}
    assert (released.release_id, released.parent_id) == (3, 2)


def test_a_refresh_released_during_a_simulation_is_kept_by_its_results(releases: Releases) -> None:
    base = releases.publish(candidate(dim_date=0), base=None)
    releases.publish(candidate("110:110:", dim_date=1), base)

    appended = releases.append({FAN: 2}, NOON, "a simulation")

    assert appended.versions == {"marts/dim_date": 1, FAN: 2}
    assert appended.horizon.snapshot == "110:110:"


def test_results_that_come_late_do_not_take_back_newer_ones(releases: Releases) -> None:
    releases.publish(candidate(), base=None)
    releases.append({FAN: 5}, NOON, "the later simulation")

    appended = releases.append({FAN: 4}, NOON, "the earlier simulation")

    assert appended.versions[FAN] == 5


def test_appending_nothing_newer_makes_no_release(releases: Releases) -> None:
    releases.publish(candidate(), base=None)
    head = releases.append({FAN: 5}, NOON, "a simulation")

    again = releases.append({FAN: 5}, NOON, "the same simulation")

    assert again == head
    assert releases.head() == head


def test_results_of_two_tables_are_kept_side_by_side(releases: Releases) -> None:
    releases.publish(candidate(), base=None)
    releases.append({"positions/position_snapshot": 1}, NOON, "snapshots")

    appended = releases.append({FAN: 2}, NOON, "a simulation")

    assert appended.versions == {"positions/position_snapshot": 1, FAN: 2}


def test_only_results_may_be_appended(releases: Releases) -> None:
    releases.publish(candidate(dim_date=0), base=None)

    with pytest.raises(AssertionError, match="only results"):
        releases.append({"marts/dim_date": 1}, NOON, "a run")


def test_compaction_keeps_every_release(tmp_path: Path) -> None:
    releases = Releases(Lake(str(tmp_path / "lake"), lock=nullcontext), max_files=5)
    made: list[Release] = []
    for version in range(12):
        made.append(releases.publish(candidate(dim_date=version), made[-1] if made else None))

    assert len(releases.lake.open(TABLE).file_uris()) <= 5
    assert [releases.get(number + 1) for number in range(12)] == made
    assert releases.head() == made[-1]


def test_control_without_compaction_there_is_a_file_per_release(releases: Releases) -> None:
    made: list[Release] = []
    for version in range(12):
        made.append(releases.publish(candidate(dim_date=version), made[-1] if made else None))

    assert len(releases.lake.open(TABLE).file_uris()) == 12


def test_a_release_that_a_restored_database_adopts_lets_it_release(releases: Releases) -> None:
    base = releases.publish(candidate("100:100:", system="7", dim_date=4), base=None)

    adopted = releases.adopt(VisibilitySnapshot("50:50:", "8"), NOON)
    released = releases.publish(candidate("60:60:", system="8", dim_date=5), adopted)

    assert (adopted.versions, adopted.kind, adopted.made_from) == (base.versions, "RESTORE", base.release_id)
    assert not adopted.horizon.sees(3)
    assert (released.release_id, released.parent_id) == (3, 2)
