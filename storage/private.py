"""Folders that are their owner's alone: the state, the lake, logs and backups say what somebody owns."""

import os
import stat
from pathlib import Path

from storage.errors import SetupError

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_OF_A_STATE = frozenset(
    [
        "pgdata",
        "pgdata.new",
        "lake",
        "scratch",
        "logs",
        "run",
        "dagster",
        "backups",
        "prices",
        "yfinance",
        "demo",
        ".lock",
    ]
)


def private_folder(folder: Path) -> Path:
    """`folder`, made if it is not there, closed to everybody else; one that belongs to another user is left as it is.

    Nor is one closed that all may write to, such as the temporary folder: it is not meant for us alone.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_mode & _OTHERS and found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX:
        folder.chmod(0o700)
    return folder


def private_state(home: Path) -> None:
    """Close a state folder, also one of the time when they were open; where it has others' files too, our parts."""
    if not home.exists():
        private_folder(home)
    names = {path.name for path in home.iterdir()}
    if names <= _OF_A_STATE:
        private_folder(home)
        return
    for name in names & _OF_A_STATE:
        if (home / name).is_dir() and name != "pgdata":  # PostgreSQL's own, and closed by it
            private_folder(home / name)


def new_private_folder(folder: Path, owner: tuple[int, int]) -> None:
    """Make `folder`, whose name anybody can guess, anew, for the user and group `owner`.

    One that is there is taken for somebody's trap unless it is ours or `owner`'s and closed to all others.
    """
    parent = folder.parent.stat()
    if parent.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not parent.st_mode & stat.S_ISVTX:
        raise SetupError(f"{folder.parent} lets anybody replace what is in it; set TMPDIR to a folder of your own")
    if os.path.lexists(folder):
        refuse_anothers(folder, owner[0])
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError as error:
        raise SetupError(_trap(folder)) from error
    if owner[0] != os.geteuid():
        os.chown(folder, *owner, follow_symlinks=False)


def refuse_anothers(folder: Path, owner: int) -> None:
    """SetupError unless `folder` is a folder, of this process's user or of `owner`, and closed to everybody else."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), owner) or found.st_mode & _OTHERS:
        raise SetupError(_trap(folder))


def _trap(folder: Path) -> str:
    return f"{folder} is not a folder of yours alone, so whoever made it could be the database's owner; remove it"
