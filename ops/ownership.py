"""One owner per state folder: a lock that the system holds for a living process, and frees however that ends.

`make up` takes it and hands it to the supervisor; `make down` holds it until all has ended.
"""

import fcntl
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from storage.errors import SetupError
from storage.process import ProcessId


class Ownership:
    """The lock of one state folder, held until `release` or the end of all processes that were given `descriptor`."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def name(self, owner: ProcessId) -> None:
        """Write down who owns the state, for `make down` to find."""
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, str(owner).encode(), 0)

    def release(self) -> None:
        os.close(self.descriptor)


def acquire(home: Path) -> Ownership:
    """The lock; SetupError if another process has it."""
    if (ownership := try_acquire(home)) is None:
        raise _owned(home)
    return ownership


def refuse_owned(home: Path) -> None:
    """SetupError if somebody owns the state now; nothing is made."""
    if _file(home).exists():
        acquire(home).release()


def try_acquire(home: Path) -> Ownership | None:
    file = _file(home)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SetupError(
            f"the state folder {home} cannot be written ({error.strerror}); set LAKEFOLIO_HOME to one that can"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return Ownership(descriptor)


def wait_for(home: Path, is_worth_it: Callable[[], bool]) -> Ownership | None:
    """The lock once its owner has let it go; None if waiting is not worth it any more."""
    while (ownership := try_acquire(home)) is None:
        if not is_worth_it():
            return None
        time.sleep(0.1)
    return ownership


def owner_of(home: Path) -> ProcessId | None:
    """Return the process that was last written down as owner; None if it is gone."""
    with suppress(OSError):
        owner = ProcessId.parse(_file(home).read_text())
        return owner if owner and owner.is_alive() else None
    return None


def _owned(home: Path) -> SetupError:
    owner = owner_of(home)
    by = f" (process {owner.pid})" if owner else ""
    return SetupError(f"the servers of {home} run already{by}; `make down` stops them")


def _file(home: Path) -> Path:
    return home / "run" / "owner.lock"
