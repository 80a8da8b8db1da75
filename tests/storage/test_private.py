"""Folders that are their owner's alone, and the one in the temporary folder that anybody could have made first."""

import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from storage.errors import SetupError
from storage.lake.delta import lake_at
from storage.postgres import database as postgres
from storage.postgres import embedded
from storage.private import new_private_folder, private_folder, private_state, refuse_anothers

US, STRANGER = os.geteuid(), 65534


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def given_away(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    os.chown(folder, STRANGER, STRANGER)


def open_to_a_group(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o770)


def linked(folder: Path) -> None:
    target = folder.with_name("target")
    target.mkdir(mode=0o700)
    folder.symlink_to(target)


def a_file(folder: Path) -> None:
    folder.touch(mode=0o600)


TRAPS: dict[str, Callable[[Path], None]] = {"a group's": open_to_a_group, "a link": linked, "a file": a_file}
if US == 0:
    TRAPS["a stranger's"] = given_away


@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS)
def test_a_socket_folder_that_somebody_else_could_have_made_is_refused(
    tmp_path: Path, trap: Callable[[Path], None]
) -> None:
    trap(tmp_path / "socket")

    with pytest.raises(SetupError, match="not a folder of yours alone") as refused:
        new_private_folder(tmp_path / "socket", (US, US))
    with pytest.raises(SetupError):
        refuse_anothers(tmp_path / "socket", US)

    assert "\n" not in str(refused.value)
    assert os.path.lexists(tmp_path / "socket"), "it is another's to remove"


def test_control_one_of_ours_is_made_anew(tmp_path: Path) -> None:
    new_private_folder(tmp_path / "socket", (US, US))
    (tmp_path / "socket" / ".s.PGSQL.5432").touch()

    new_private_folder(tmp_path / "socket", (US, US))

    assert list((tmp_path / "socket").iterdir()) == []
    assert mode_of(tmp_path / "socket") == 0o700


def test_no_socket_folder_is_made_where_anybody_can_replace_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)

    with pytest.raises(SetupError, match="set TMPDIR"):
        new_private_folder(tmp_path / "socket", (US, US))


@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS)
def test_a_server_neither_starts_in_a_squatted_folder_nor_is_looked_for_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trap: Callable[[Path], None]
) -> None:
    """In a long path, so that the socket is in the temporary folder; the squatter has made what looks like a socket."""
    monkeypatch.setattr(embedded.tempfile, "tempdir", str(tmp_path))
    home = tmp_path / "/".join(["a-very-long-folder-name"] * 8)
    (home / "pgdata").mkdir(parents=True)
    (home / "pgdata" / "PG_VERSION").write_text("18")
    trap(embedded.socket_folder(home))

    with pytest.raises(SetupError, match="not a folder of yours alone"):
        embedded.start(home)


def test_the_socket_folder_is_private_while_the_server_runs_and_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = Path(tempfile.mkdtemp(prefix="lakefolio-test-"))  # a socket's path has at most 107 bytes
    monkeypatch.setattr(embedded.tempfile, "tempdir", str(short))
    home = tmp_path / "/".join(["a-very-long-folder-name"] * 8)
    try:
        socket_dir = embedded.start(home)
        assert mode_of(socket_dir) == 0o700
        assert socket_dir.parent == short
        with psycopg.connect(postgres.embedded_database(socket_dir, "postgres").admin_url):
            assert embedded.is_running(home)
        embedded.kill(home)
        assert embedded.start(home) == socket_dir, "after a crash the folder is ours to make anew"
    finally:
        embedded.stop(home)

    assert list(short.iterdir()) == []
    short.rmdir()
    assert mode_of(home) == 0o700


def test_an_older_state_is_closed_when_it_is_opened(tmp_path: Path) -> None:
    home = tmp_path / "state"
    for part in ("lake", "logs", "backups"):
        (home / part).mkdir(parents=True)
    for path in (home, *home.iterdir()):
        path.chmod(0o755)

    private_state(home)

    assert mode_of(home) == 0o700, "what is inside cannot be reached from outside"


def test_where_others_files_are_in_the_folder_too_only_our_parts_are_closed(tmp_path: Path) -> None:
    for part in ("lake", "logs", "documents"):
        (tmp_path / part).mkdir()
        (tmp_path / part).chmod(0o755)
    tmp_path.chmod(0o755)

    private_state(tmp_path)

    assert {part: mode_of(tmp_path / part) for part in (".", "lake", "logs", "documents")} == {
        ".": 0o755,
        "lake": 0o700,
        "logs": 0o700,
        "documents": 0o755,
    }


def test_a_lake_is_its_owners_alone_also_one_that_was_open(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old").chmod(0o775)

    for name in ("old", "new"):
        lake_at(str(tmp_path / name), "")

    assert [mode_of(tmp_path / name) for name in ("old", "new")] == [0o700, 0o700]


def test_a_folder_that_is_meant_for_all_is_left_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)

    private_folder(tmp_path)

    assert mode_of(tmp_path) == 0o1777


@pytest.mark.skipif(US != 0, reason="only root runs the server as another user")
def test_without_the_capability_to_search_the_servers_group_gets_through_and_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container of root's."""
    monkeypatch.setattr(embedded, "_has_capability", lambda _: False)
    private_state(tmp_path / "home")

    embedded._let_server_through(tmp_path / "home")

    assert mode_of(tmp_path / "home") == 0o710
    assert (tmp_path / "home").stat().st_gid == embedded._server_user().pw_gid
