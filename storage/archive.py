"""One file that holds many, each known by its checksum: written whole or not at all, and read whole before it is used.

A tar whose last two members are `manifest.json`, which says what every other file must be, and the manifest's own
checksum. Only the one who made it may read it.
"""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from storage.errors import SetupError

_MANIFEST, _CHECKSUM = "manifest.json", "manifest.sha256"
_CHUNK_BYTES = 1 << 20


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
    """What is read, and the checksum of it."""

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
    """What the archive at `path` says of itself; SetupError in one sentence if it is no archive of ours."""
    with _opened(path) as tar:
        manifest = _bytes_of(tar, _MANIFEST)
        if hashlib.sha256(manifest).hexdigest().encode() != _bytes_of(tar, _CHECKSUM):
            raise SetupError(f"the backup {path} is damaged: its manifest has changed since it was written")
        told: dict[str, Any] = json.loads(manifest)
        return told


def check(path: Path, files: Mapping[str, str]) -> None:
    """SetupError unless the archive holds exactly `files`, each with its checksum."""
    found: dict[str, str] = {}
    with _opened(path) as tar:
        for member in tar:
            if source := tar.extractfile(member):
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


def extract(path: Path, prefix: str, into: Path) -> None:
    """Put what lies below `prefix` in the archive into the new folder `into`."""
    into.mkdir(parents=True, mode=0o700)
    with _opened(path) as tar:
        for member in tar:
            if member.name.startswith(f"{prefix}/"):
                member.name = member.name.removeprefix(f"{prefix}/")
                tar.extract(member, into, filter="data")


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    if not path.is_file():
        raise SetupError(f"there is no backup {path}; name one with BACKUP=<file>")
    try:
        with tarfile.open(path, "r:") as tar:
            yield tar
    except (tarfile.TarError, EOFError, KeyError, ValueError) as error:
        raise SetupError(f"{path} is not a whole backup ({error}); use another one") from error
    except PermissionError as error:
        raise SetupError(f"the backup {path} cannot be read; run this as the user who made it") from error


def _bytes_of(tar: tarfile.TarFile, name: str) -> bytes:
    source = tar.extractfile(name)
    assert source is not None, f"{name} is a file"
    return source.read()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
