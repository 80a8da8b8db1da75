"""One file that holds many, each known by its checksum: written whole or not at all, and read whole before it is used.

A tar whose last two members are `manifest.json`, which says what every other file must be, and the manifest's own
checksum. Only the one who made it may read it. Whoever reads one takes it for a stranger's: it has files and folders,
each once and below it, and nothing else.
"""

import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from storage.errors import SetupError

_MANIFEST, _CHECKSUM = "manifest.json", "manifest.sha256"
_CHUNK_BYTES = 1 << 20
_BLOCK_BYTES = 4096  # what a file's last part takes of a disk
_NAME = re.compile(r"[A-Za-z0-9._=%+~,:@ -]{1,255}(/[A-Za-z0-9._=%+~,:@ -]{1,255}){0,15}")
_NOT_WHOLE = (tarfile.TarError, EOFError, KeyError, ValueError, OverflowError, MemoryError, RecursionError)
"""Errors of reading a file that is no whole archive, or one that was made to make its reader fail."""


@dataclass(slots=True)
class Archive:
    """An archive being written; `facts` are told in its manifest."""

    tar: tarfile.TarFile
    facts: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, content: Path | bytes) -> None:
        """A file, or an empty folder's place."""
        member = tarfile.TarInfo(name)
        member.mode = 0o600
        if isinstance(content, bytes):
            member.size = len(content)
            self._add(member, io.BytesIO(content))
        elif content.is_dir():
            member.type, member.mode = tarfile.DIRTYPE, 0o700
            self.tar.addfile(member)
        else:
            with content.open("rb") as source:
                member.size = content.stat().st_size
                self._add(member, source)

    def add_folder(self, name: str, folder: Path) -> None:
        """`folder` with everything in it, empty folders too."""
        self.add(name, folder)
        for path in sorted(folder.rglob("*")):
            self.add(f"{name}/{path.relative_to(folder)}", path)

    def _add(self, member: tarfile.TarInfo, source: IO[bytes]) -> None:
        hashed = _Hashed(source)
        self.tar.addfile(member, hashed)
        self.files[member.name] = hashed.sha256.hexdigest()


class _Hashed:
    """A source that is read, and the checksum of its bytes."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.sha256.update(data)
        return data


@contextmanager
def written(path: Path) -> Iterator[Archive]:
    """An archive that is at `path` once this ends well, and nowhere if it does not."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                archive = Archive(tar)
                yield archive
                manifest = json.dumps({**archive.facts, "files": archive.files}, indent=1, default=str).encode()
                archive.add(_MANIFEST, manifest)
                archive.add(_CHECKSUM, hashlib.sha256(manifest).hexdigest().encode())
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
        _sync_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def manifest_of(path: Path) -> Mapping[str, Any]:
    """Read the manifest of the archive at `path`; SetupError in one sentence if it is no archive of ours."""
    found: dict[str, bytes] = {}
    with _opened(path) as tar:
        for member in _members(tar, path):
            if member.name in (_MANIFEST, _CHECKSUM):
                found[member.name] = _bytes_of(tar, member)
        manifest = found[_MANIFEST]
        if hashlib.sha256(manifest).hexdigest().encode() != found[_CHECKSUM]:
            raise SetupError(f"the backup {path} is damaged: its manifest has changed since it was written")
        facts = json.loads(manifest, object_pairs_hook=_once_each)
        if not isinstance(facts, dict):
            raise ValueError("its manifest is no object")
        return facts


def check(path: Path, files: Mapping[str, str]) -> tuple[str, ...]:
    """The folders of the archive; SetupError unless it holds exactly `files`, each with its checksum, and folders."""
    found: dict[str, str] = {}
    folders = []
    with _opened(path) as tar:
        for member in _members(tar, path):
            if member.isdir():
                folders.append(member.name)
                continue
            source = tar.extractfile(member)
            assert source is not None, "a member is a file or a folder"
            hashed = _Hashed(source)
            while hashed.read(_CHUNK_BYTES):
                pass
            found[member.name] = hashed.sha256.hexdigest()
    differing = {name for name, _ in {*found.items()} ^ {*files.items()}} - {_MANIFEST, _CHECKSUM}
    if differing:
        raise SetupError(
            f"the backup {path} is damaged: {sorted(differing)[0]} is not as it was written "
            f"({len(differing)} of {len(files)} files); use another backup"
        )
    return tuple(folders)


def read(path: Path, names: Collection[str]) -> dict[str, bytes]:
    """The content of those files that the archive has."""
    with _opened(path) as tar:
        return {member.name: _bytes_of(tar, member) for member in _members(tar, path) if member.name in names}


def size(path: Path) -> int:
    """The bytes that everything in the archive takes, once it is extracted."""
    with _opened(path) as tar:
        return sum(member.size + _BLOCK_BYTES for member in _members(tar, path))


def extract(path: Path, prefix: str, into: Path, without: Collection[str] = ()) -> None:
    """Put what lies below `prefix` in the archive, but for `without`, into the new folder `into`, its owner's only."""
    into.mkdir(parents=True, mode=0o700)
    with _opened(path) as tar:
        for member in _members(tar, path):
            if member.name.startswith(f"{prefix}/") and member.name not in without:
                member.mode = 0o700 if member.isdir() else 0o600
                member.name = member.name.removeprefix(f"{prefix}/")
                tar.extract(member, into, filter="data")


def _members(tar: tarfile.TarFile, path: Path) -> Iterator[tarfile.TarInfo]:
    """The members, each looked at before the next is; SetupError for what `written` never writes.

    Names that differ in case alone are one file on some disks, so they count as the same.
    """
    seen: set[str] = set()
    for member in tar:
        why = _strange(member)
        if member.name.casefold() in seen:
            why = "is in it twice"
        if why:
            raise SetupError(f"{path} is no backup of ours: {_shown(member.name)} {why}; use another one")
        seen.add(member.name.casefold())
        yield member


def _strange(member: tarfile.TarInfo) -> str | None:
    if member.type not in (tarfile.REGTYPE, tarfile.DIRTYPE) or member.sparse is not None:
        return "is neither a whole file nor a folder"
    if member.size < 0 or (member.isdir() and member.size):
        return "has a size that cannot be"
    if not _NAME.fullmatch(member.name) or any(part in (".", "..") for part in member.name.split("/")):
        return "has a name that leads elsewhere"
    return None


def _once_each(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name is in its manifest twice")
    return dict(pairs)


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    if not path.is_file():
        raise SetupError(f"there is no backup {path}; name one with BACKUP=<file>")
    try:
        with tarfile.open(path, "r:") as tar:
            yield tar
    except _NOT_WHOLE as error:
        why = _shown(str(error) or type(error).__name__)
        raise SetupError(f"{path} is not a whole backup ({why}); use another one") from error
    except PermissionError as error:
        raise SetupError(f"the backup {path} cannot be read; run this as the user who made it") from error


def _shown(text: str) -> str:
    """Text of a stranger as part of one line."""
    return ascii(text[:100])[1:-1]


def _bytes_of(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    source = tar.extractfile(member)
    if source is None:
        raise ValueError(f"{member.name} is a folder")
    return source.read()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
