"""The states that modules begin with are built once, and stay what they are whatever is done to their copies."""

import fcntl
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import pyarrow as pa
import pytest

from storage.lake.delta import Lake
from tests.states import FrozenStates, thaw

TABLE = "marts/dim_security"


def lake_of(home: Path) -> Lake:
    return Lake(str(home / "lake"), lock=nullcontext)


@pytest.fixture
def built() -> list[Path]:
    return []


@pytest.fixture
def ask(tmp_path: Path, built: list[Path]):
    """Asks for a state as a worker does; its building takes a while."""

    def ask(_: int) -> Path:
        def build(home: Path) -> None:
            built.append(home)
            time.sleep(0.2)
            lake_of(home).publish(TABLE, pa.table({"security_id": [1]}))

        return FrozenStates(tmp_path).folder("small", build)

    return ask


def test_a_state_that_two_workers_ask_for_at_once_is_built_once(ask, built: list[Path]) -> None:
    with ThreadPoolExecutor(2) as workers:
        first, second = workers.map(ask, range(2))

    assert first == second
    assert len(built) == 1


def test_control_without_the_lock_both_build_it(ask, built: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)

    with ThreadPoolExecutor(2) as workers:
        workers.map(ask, range(2))  # nobody looks whether one of them fails over the other's files

    assert len(built) == 2


def test_what_is_written_to_a_copy_is_neither_in_the_state_nor_in_another_copy(ask, tmp_path: Path) -> None:
    frozen = ask(0)
    before = {path: path.read_bytes() for path in frozen.rglob("*") if path.is_file()}
    for name in ("one", "other"):
        thaw(frozen, tmp_path / name)

    lake_of(tmp_path / "one").publish(TABLE, pa.table({"security_id": [1, 2]}))

    assert {path: path.read_bytes() for path in frozen.rglob("*") if path.is_file()} == before
    assert lake_of(tmp_path / "one").read(TABLE).num_rows == 2
    assert lake_of(tmp_path / "other").read(TABLE).num_rows == 1


def test_data_files_are_linked_and_logs_are_not(ask, tmp_path: Path) -> None:
    frozen = ask(0)
    thaw(frozen, tmp_path / "copy")

    is_linked = {
        path.relative_to(frozen): path.samefile(tmp_path / "copy" / path.relative_to(frozen))
        for path in (frozen / "lake").rglob("*")
        if path.is_file()
    }

    assert {path.suffix: linked for path, linked in is_linked.items()} == {".parquet": True, ".json": False}
