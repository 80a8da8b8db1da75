"""State folders that a test run builds once and copies: each is built by whoever asks first, and then only read.

A copy takes a second where building took half a minute. PostgreSQL's files are copied, for a server writes into them;
data files of the lake are linked, for nothing does; Delta's logs are copied.
"""

import fcntl
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from storage.postgres import embedded
from tests.waiting import wait_until

COPIED = ("pgdata", "lake", "dagster", "prices")
_UNSYNCED = "fsync = off\n"  # no state of a test outlives this machine


@dataclass(frozen=True)
class FrozenStates:
    """Stopped state folders below `root`, which all workers of a test run share."""

    root: Path

    def folder(self, name: str, build: Callable[[Path], None]) -> Path:
        """The frozen state `name`; `build` makes it in the folder it is given, and leaves it stopped."""
        folder = self.root / name
        with (self.root / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another worker may be building it
            if not folder.exists():
                staged = self.root / f"{name}.new"
                shutil.rmtree(staged, ignore_errors=True)
                build(staged)
                staged.rename(folder)
        return folder


def thaw(frozen: Path, home: Path) -> None:
    """Make `home` a copy of a frozen state that can be started and written to."""
    home.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        if not (frozen / name).exists():
            continue
        if name == "lake":
            shutil.copytree(frozen / name, home / name, copy_function=_linked)
        else:
            subprocess.run(["cp", "-a", str(frozen / name), str(home / name)], check=True)  # owners too


def _linked(source: str, target: str) -> str:
    if not source.endswith(".parquet") or "_delta_log" in source:
        return str(shutil.copy2(source, target))
    os.link(source, target)
    return target


def unsynced(home: Path) -> None:
    """Have the stopped server of `home` leave it to the system when its files reach the disk."""
    with (home / "pgdata" / "postgresql.conf").open("a") as conf:
        conf.write(_UNSYNCED)


@contextmanager
def discarded(home: Path) -> Iterator[Path]:
    """A state folder whose server has ended and whose files are gone afterwards; the server writes nothing first."""
    try:
        yield home
    finally:
        if server := embedded.server(home):
            server.send(signal.SIGQUIT)
            wait_until(lambda: not server.is_alive())
        embedded.stop(home)
        shutil.rmtree(home, ignore_errors=True)
