"""`make backup` and `make restore`: the whole state as a file, and back. What was there is moved aside, never deleted.

What the state is, and in which order it is copied, is in `storage/backup/state.py`. Logs and scratch files are no part
of it, but a lake in a bucket is: it may be brought back into a folder, and a folder's into a bucket.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from ops import lifecycle, ownership, processes
from ops.environment import prepared_database
from storage.backup import archive, buckets, cluster_code, dumps
from storage.backup import contents as backup_contents
from storage.backup import state as backup
from storage.backup.buckets import Bucket
from storage.backup.contents import INCLUDED, LOGICAL, PHYSICAL
from storage.errors import SetupError
from storage.lake.delta import lake_at, local_folder
from storage.lake.releases import TABLE, Releases
from storage.lake.s3 import options_of
from storage.postgres import database as postgres
from storage.postgres import embedded
from storage.private import private_folder
from storage.settings import Settings

BACKUPS = "backups"
T = TypeVar("T")


def write(current: Settings, file: Path | None) -> Path:
    """The backup's path, once it is whole and on the disk. Writers and a refresh may go on meanwhile."""
    started = datetime.now(UTC)
    kind = backup.kind_of(current)
    if kind == PHYSICAL and not (current.home / "pgdata").exists():
        raise SetupError(f"there is nothing in {current.home} to back up; LAKEFOLIO_HOME names another state folder")
    target = (file or current.home / BACKUPS / f"lakefolio-{started:%Y%m%dT%H%M%SZ}.tar").absolute()
    if target.exists():
        raise SetupError(f"{target} exists already; a backup never overwrites one")
    bucket = buckets.of(current)
    with _sentences(target), _served(current, kind):
        if file is None:
            private_folder(target.parent)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lake_bytes = bucket.size() * 2 if bucket else _size(Path(current.lake))
        backup.refuse_full(target.parent, _size(current.home / "pgdata") * 2 + lake_bytes)
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=target.parent) as staging:
            _copy(current, kind, started, target, bucket, Path(staging))
    _say(f"{target} has {target.stat().st_size / 1e6:.1f} MB; `make restore BACKUP={target}` brings it back")
    return target


def _copy(current: Settings, kind: str, started: datetime, target: Path, bucket: Bucket | None, staging: Path) -> None:
    """A bucket is copied into `staging` first: its logs while no release is made, then the files that they name."""
    database = postgres.locate(current)
    lake = lake_at(current.lake, database.admin_url, options_of(current))
    folder = staging / "lake" if bucket else Path(current.lake)
    told = {"format": 1, "kind": kind, "made_at": started.isoformat(), **backup.facts(database)}
    with lake.lock(TABLE):  # no release is made until the database is copied
        head = Releases(lake).head()
        if bucket:
            bucket.download_logs(folder)
        log = backup.lake_log(folder)
        _say(f"copying the database ({told['ledger_rows_at_least']} ledger rows)")
        backup.copy_database(kind, database, staging / "database")
    if bucket:
        bucket.download(backup.added(log), folder)
    data = backup.lake_data(folder, log)
    backup.refuse_incomplete(lake, head, data)
    _say(f"copying the lake ({len(data)} files)")
    told["lake"] = INCLUDED
    told["release_id"] = head.release_id if head else None
    with archive.written(target) as written:
        written.facts.update(told)
        for name, content in {**log, **data}.items():
            written.add(f"lake/{name}", content)
        written.add_folder("database", staging / "database")


def restore(current: Settings, file: Path, force: bool, verify: Callable[[Settings], T]) -> T:
    """Put the state of `file` in the place of the present one; what `verify` says of it.

    The archive is a stranger's until it is found to be a backup of ours and nothing more, and until then nothing is
    touched. If what it brings cannot be used after all, what was there before is put back.
    """
    kind, file, stamp = backup.kind_of(current), file.absolute(), f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    told = backup_contents.checked_manifest(archive.manifest_of(file))
    backup.refuse_foreign(told, kind, current.lake)
    _refuse_in_use(current)
    _refuse_occupied(current, kind, force, told)
    _say(f"checking {len(told['files'])} files of {file.name}, made at {told['made_at']}")
    backup_contents.refuse_unknown(told["kind"], told["files"], archive.check(file, told["files"]))
    settings_files = {f"database/pgdata/{name}" for name in backup_contents.SETTINGS}
    backup_contents.refuse_settings(archive.read(file, settings_files))
    folders = _folders(current, told)
    for folder in folders:
        backup.refuse_full(folder, archive.size(file))
    with _sentences(file), ExitStack() as undo:
        _put_back(current, kind, file, told, folders, stamp, undo)
        with _served(current, kind):
            _join(current, told)
            verified = verify(current)
        undo.pop_all()
    _say(f"restored into {current.home}; `make up` starts it")
    return verified


def _put_back(
    current: Settings,
    kind: str,
    file: Path,
    told: Mapping[str, Any],
    folders: list[Path],
    stamp: str,
    undo: ExitStack,
) -> None:
    """Stage and vet what `file` has, then swap it in; `undo` brings back what was there."""
    bucket = buckets.of(current)
    parts = {"lake": Path(current.lake)} if told["lake"] == INCLUDED and not bucket else {}
    if told["kind"] == PHYSICAL:
        parts["database/pgdata"] = current.home / "pgdata"
    staged = {folder: folder.with_name(f"{folder.name}.restoring-{stamp}") for folder in folders}
    try:
        for prefix, place in parts.items():
            root = next(folder for folder in reversed(folders) if place.is_relative_to(folder))
            _stage(file, prefix, staged[root] / place.relative_to(root), told)
        if told["lake"] == INCLUDED and bucket:
            _upload(file, bucket, staged[current.home])
        if kind == PHYSICAL:
            embedded.stop(current.home)
        for folder, new in staged.items():
            _swap(folder, new, folder.with_name(f"{folder.name}.before-restore-{stamp}"), undo)
    finally:
        for new in staged.values():
            shutil.rmtree(new, ignore_errors=True)
    if kind == PHYSICAL:
        undo.callback(embedded.stop, current.home)
    if told["kind"] == PHYSICAL:
        return
    database = postgres.locate(current)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=current.home) as temporary:
        archive.extract(file, "database", Path(temporary) / "database")
        undo.callback(dumps.put_back, database, stamp)
        dumps.replaced(database, stamp)
        dumps.restore_dump(Path(temporary) / "database" / "dump", database, told["schema_version"])


def _stage(file: Path, prefix: str, place: Path, told: Mapping[str, Any]) -> None:
    """Put a part of `file` at `place`, which is not in use yet, and look at what it would do there."""
    archive.extract(file, prefix, place, {f"{prefix}/{name}" for name in backup_contents.SETTINGS})
    if prefix == "lake":
        backup.refuse_foreign_lake(place)
        return
    _say("looking at what the database would run by itself")
    for name, content in cluster_code.settings_of_ours(told["schema_version"]).items():
        (place / name).write_bytes(content)
    embedded.hand_over(place)
    cluster_code.refuse_foreign(place, told["schema_version"])


def _upload(file: Path, bucket: Bucket, staging: Path) -> None:
    """The lake of `file` into the bucket, by way of a folder in `staging`."""
    _say(f"copying the lake to the bucket {bucket.name}")
    archive.extract(file, "lake", staging / ".lake")
    backup.refuse_foreign_lake(staging / ".lake")
    bucket.upload(staging / ".lake")
    shutil.rmtree(staging / ".lake")


def _join(current: Settings, told: Mapping[str, Any]) -> None:
    """Bring the restored database to today's schema and to its lake, and see that nothing is missing."""
    try:
        database = prepared_database(current)
        lake = lake_at(current.lake, database.admin_url, options_of(current))
        adopted = backup.adopt_release(lake, database, datetime.now(UTC))
        lacking = backup.missing_from(told, database)
        ended = backup.end_sign_ins(database, datetime.now(UTC))
    except (SetupError, OSError):
        raise
    except Exception as error:  # of whatever library first reads what a stranger may have written
        why = ascii(str(error).partition("\n")[0])[1:200]
        raise SetupError(
            f"the restored state cannot be used ({type(error).__name__}: {why}); use another one"
        ) from error
    if lacking:
        raise SetupError(f"the restored database has {lacking}; use another backup")
    if ended:
        _say(f"{ended} sessions, tokens and links of then are ended: sign in again, and make tokens for your programs")
    if adopted:
        _say(f"release {adopted.release_id} joins the lake to the restored database; the next refresh shows its ledger")


def _folders(current: Settings, told: Mapping[str, Any]) -> list[Path]:
    """The state folder, and the lake's where that is elsewhere."""
    lake = local_folder(current.lake) if told["lake"] == INCLUDED else None
    return [current.home, lake] if lake and not lake.is_relative_to(current.home) else [current.home]


def _refuse_in_use(current: Settings) -> None:
    ownership.refuse_owned(current.home)
    running = [name for name in lifecycle.NAMES if processes.is_running(current.home, name)]
    if running:
        raise SetupError(f"{', '.join(running)} of {current.home} run; `make down` stops them")
    if embedded.is_running(current.home):
        own = postgres.embedded_database(embedded.socket_folder(current.home), "postgres")
        with postgres.connect(own.admin_url) as connection:
            others = connection.execute(
                "select from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()"
            ).rowcount
        if others:
            raise SetupError(f"{others} connections use the database of {current.home}; stop what holds them first")


def _refuse_occupied(current: Settings, kind: str, force: bool, told: Mapping[str, Any]) -> None:
    bucket = buckets.of(current)
    if bucket and told["lake"] == INCLUDED and bucket.has_tables():
        raise SetupError(
            f"{current.lake} is not empty, and nothing in a bucket is moved; set LAKE_URI to another place"
        )
    lake = local_folder(current.lake)
    occupied = [folder for folder in (current.home, lake) if folder and _content(folder)]
    if kind == LOGICAL and backup.has_ledger(postgres.locate(current)):
        occupied.append(Path("the database that DATABASE_ADMIN_URL names"))
    if occupied and not force:
        raise SetupError(f"{occupied[0]} is not empty; with FORCE=1 it is moved aside, and nothing is deleted")


def _swap(folder: Path, new: Path, aside: Path, undo: ExitStack) -> None:
    """`new`'s content becomes `folder`'s; what was there goes `aside`, but for the backups."""
    if _content(folder):
        folder.rename(aside)
        undo.callback(_swap_back, folder, aside)
        folder.mkdir()
        shutil.copymode(aside, folder)
        if (aside / BACKUPS).exists():
            (aside / BACKUPS).rename(folder / BACKUPS)
        _say(f"what was in {folder} is in {aside}")
    else:
        undo.callback(_empty, folder, folder.exists())
    folder.mkdir(parents=True, exist_ok=True)
    for part in new.iterdir() if new.exists() else []:
        part.rename(folder / part.name)


def _swap_back(folder: Path, aside: Path) -> None:
    """Undo `_swap`: what was restored is removed, and what was there is there again."""
    _empty(folder, True)
    folder.mkdir(exist_ok=True)
    for path in aside.iterdir():
        path.rename(folder / path.name)
    aside.rmdir()
    _say(f"what was in {folder} is there again")


def _empty(folder: Path, was_there: bool) -> None:
    for path in _content(folder):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    if not was_there and folder.exists():
        folder.rmdir()


def _content(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name != BACKUPS] if folder.is_dir() else []


@contextmanager
def _served(current: Settings, kind: str) -> Iterator[None]:
    """The embedded server runs inside, and afterwards if it did before."""
    is_ours = kind == PHYSICAL and not embedded.is_running(current.home)
    try:
        yield
    finally:
        if is_ours:
            embedded.stop(current.home)


@contextmanager
def _sentences(about: Path) -> Iterator[None]:
    """Raise an OSError as a SetupError of one sentence."""
    try:
        yield
    except OSError as error:
        raise SetupError(f"{error.filename or about}: {error.strerror or error}; nothing was deleted") from error


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) if folder.exists() else 0


def _say(line: str) -> None:
    print(f"  {line}", flush=True)
