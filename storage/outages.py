"""Outages of the machine, each as one sentence that says what to do: a full disk, a read-only one, no memory.

The same cause has a name of its own in the system, in PostgreSQL, in DuckDB and in Delta, and comes wrapped in others.
"""

import errno
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from storage.errors import SetupError


@dataclass(frozen=True, slots=True)
class Outage:
    """A cause outside of us, which passes: `code` for programs, `sentence` for people."""

    code: str
    sentence: str


_AGAIN = "what was running goes on by itself then"
DISK_FULL = Outage("disk_full", f"the disk is full and nothing was half stored; free some space, {_AGAIN}")
READ_ONLY = Outage("read_only", f"the file system is read-only and nothing was stored; make it writable, {_AGAIN}")
NO_MEMORY = Outage("no_memory", f"there is no memory left and nothing was half stored; free some, {_AGAIN}")
NO_FILES = Outage("too_many_files", f"too many files are open; raise the limit (`ulimit -n`) or free some, {_AGAIN}")

_BY_NUMBER = {
    errno.ENOSPC: DISK_FULL,
    errno.EDQUOT: DISK_FULL,
    errno.EFBIG: DISK_FULL,
    errno.EROFS: READ_ONLY,
    errno.ENOMEM: NO_MEMORY,
    errno.EMFILE: NO_FILES,
    errno.ENFILE: NO_FILES,
}
_BY_SQLSTATE = {"53100": DISK_FULL, "53200": NO_MEMORY, "25006": READ_ONLY}
_BY_WORDS = {
    "no space left on device": DISK_FULL,
    "diskfull": DISK_FULL,
    "disk quota exceeded": DISK_FULL,
    "file too large": DISK_FULL,
    "read-only file system": READ_ONLY,
    "cannot execute insert in a read-only transaction": READ_ONLY,
    "cannot allocate memory": NO_MEMORY,
    "memoryerror": NO_MEMORY,
    "out of memory": NO_MEMORY,
    "failed to allocate": NO_MEMORY,
    "std::bad_alloc": NO_MEMORY,
    "too many open files": NO_FILES,
}


def outage_of(error: BaseException) -> Outage | None:
    """The outage behind `error`; None if it is something else."""
    for one in _causes(error):
        if isinstance(one, MemoryError):
            return NO_MEMORY
        known = _BY_NUMBER.get(getattr(one, "errno", None) or 0) or _BY_SQLSTATE.get(str(_sqlstate(one)))
        if found := known or outage_said(str(one)):
            return found
    return None


def outage_said(text: str) -> Outage | None:
    """The outage that a library's message names, for where only its text is left."""
    lower = text.lower()
    return next((outage for words, outage in _BY_WORDS.items() if words in lower), None)


def sentence_of(error: BaseException) -> str | None:
    outage = outage_of(error)
    return outage.sentence if outage else None


def in_one_sentence(main: Callable[[], int]) -> int:
    """Return the code of a command's `main`; where it cannot run, print why in one sentence on stderr and return 2."""
    try:
        return main()
    except Exception as error:
        sentence = str(error) if isinstance(error, SetupError) else sentence_of(error)
        if sentence is None:
            raise
    print(f"error: {sentence}", file=sys.stderr)
    return 2


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    following: list[BaseException | None] = [error]
    while following:
        one = following.pop(0)
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            yield one
            following += [one.__cause__, one.__context__, getattr(one, "orig", None)]


def _sqlstate(error: BaseException) -> str | None:
    """By psycopg's name, or by psycopg2's."""
    return getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
