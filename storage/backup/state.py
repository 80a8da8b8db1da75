"""Backup of the whole state: its parts, how they are copied while everything runs, and how they are put back.

The lake first, then the database, and no release is made in between: a release's horizon names transactions of the
database, so the database must not be older, and what the database says is released must be in the lake. Delta's files
never change once they are written, so a list of the logs is a copy of the lake at that moment.

The embedded server is copied physically: transaction ids and the system identifier survive, and with them what every
release has seen. An external one is copied by pg_dump, and restored into a cluster with other transaction ids: there
the rows are stamped anew, and the newest release is told that it has seen nothing (`Releases.adopt`).
"""

import json
import re
import shutil
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import psycopg
import pyarrow.parquet as pq

from storage.backup import contents, dumps
from storage.backup.contents import INCLUDED, LOGICAL, PHYSICAL
from storage.errors import SetupError
from storage.lake.delta import Lake, as_path
from storage.lake.releases import TABLE, Release, Releases
from storage.postgres import database as postgres
from storage.postgres import embedded
from storage.postgres.database import Database
from storage.postgres.horizon import current_horizon
from storage.settings import REPOSITORY, Settings

_LOG_FILE = re.compile(r"\d{20}\.(json|checkpoint(\.\d+\.\d+)?\.parquet)")
_DATA_FILE = re.compile(r"([a-z_]+=[A-Za-z0-9_.%-]{1,100}/)*[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}\.parquet")
_NAMING = ("add", "remove", "cdc", "sidecar")
_HEADS = """
    select portfolio_id::text, version, to_jsonb(portfolio) ->> 'ledger_hash'  -- null in a schema of before it
    from portfolio where version > 0 order by portfolio_id
"""

_SIGN_INS = (
    "update user_session set ended_at = %(now)s where ended_at is null",
    "update api_token set ended_at = %(now)s where ended_at is null",
    "update invitation set ended_at = %(now)s where ended_at is null",
    "delete from sign_in_step",
)


def kind_of(settings: Settings) -> str:
    """PHYSICAL for our own server, also where `make env` has exported its address."""
    if not settings.database_url:
        return PHYSICAL
    own = postgres.embedded_database(embedded.socket_folder(settings.home), postgres.DATABASE)
    return PHYSICAL if settings.database_admin_url == own.admin_url else LOGICAL


def has_ledger(database: Database) -> bool:
    if not postgres.exists(database):
        return False
    with postgres.connect(database.admin_url) as connection:
        return bool(_value(connection, "select to_regclass('public.transaction_ledger') is not null"))


def facts(database: Database) -> dict[str, Any]:
    """Return what a restored database must have at least: everything acknowledged before this call."""
    if not has_ledger(database):
        raise SetupError("the database has no ledger yet, so there is nothing to back up")
    with postgres.connect(database.admin_url) as connection:
        heads = connection.execute(_HEADS).fetchall()
        return {
            "schema_version": _value(connection, "select version_num from public.alembic_version"),
            "postgres_major": _value(connection, "show server_version_num")[:-4],
            "ledger_rows_at_least": _value(connection, "select count(*) from transaction_ledger"),
            "ledger_heads_at_least": {portfolio_id: head for portfolio_id, *head in heads},
        }


def missing_from(told: Mapping[str, Any], database: Database) -> str | None:
    """Say what the restored database lacks of what its manifest tells; None if nothing."""
    found = facts(database)
    if found["ledger_rows_at_least"] < told["ledger_rows_at_least"]:
        return f"only {found['ledger_rows_at_least']} ledger rows instead of {told['ledger_rows_at_least']} or more"
    heads = found["ledger_heads_at_least"]
    for name, (version, chained) in told["ledger_heads_at_least"].items():
        restored, hashed = heads.get(name, (0, None))
        if restored < version or (restored == version and chained not in (None, hashed)):
            return f"another ledger of portfolio {name} than the backup tells, which is at version {version}"
    return None


def lake_log(folder: Path) -> dict[str, Path | bytes]:
    """The commits of every table, those of the releases first: tables that a release names are then complete."""
    first = folder / TABLE / "_delta_log"
    found: dict[str, Path | bytes] = {}
    for log in sorted(folder.glob("*/*/_delta_log"), key=lambda log: (log != first, log)):
        hint = log / "_last_checkpoint"
        if hint.exists():  # it is overwritten; read before the listing, so that what it points to is listed
            found[str(hint.relative_to(folder))] = hint.read_bytes()
        files = [file for file in sorted(log.iterdir()) if _LOG_FILE.fullmatch(file.name)]
        found.update((str(file.relative_to(folder)), file) for file in files)
    return found


def lake_data(folder: Path, log: Mapping[str, Path | bytes]) -> dict[str, Path]:
    """The files that those commits have added, as far as they are still there."""
    return {name: folder / name for name in sorted(added(log)) if (folder / name).exists()}


def added(log: Mapping[str, Path | bytes]) -> set[str]:
    """The names of the files that those commits have added."""
    found = set()
    for name, commit in log.items():
        if isinstance(commit, Path) and commit.suffix == ".json":
            table = Path(name).parent.parent
            for line in commit.read_text().splitlines():
                if added := json.loads(line).get("add"):
                    found.add(str(table / unquote(added["path"])))
    return found


def refuse_foreign_lake(folder: Path) -> None:
    """SetupError if a commit of a restored lake names a file that is not the lake's: whoever read the table would read
    that file, or that address."""
    for log in sorted(folder.glob("*/*/_delta_log")):
        try:
            known = {name for commit in log.glob("*.json") for name in _paths(_actions(commit))}
            for checkpoint in log.glob("*.parquet"):
                known |= _paths(_checkpointed(checkpoint))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, MemoryError) as error:
            why = f"a log that Delta does not write ({type(error).__name__})"
            raise SetupError(f"the backup's table {log.parent.name} has {why}; use another one") from error
        if strange := sorted(name for name in known if not _DATA_FILE.fullmatch(name)):
            raise SetupError(f"the backup's table {log.parent.name} names {ascii(strange[0])[:120]}; use another one")


def _actions(commit: Path) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in commit.read_text().splitlines() if line.strip()]


def _checkpointed(checkpoint: Path) -> list[Mapping[str, Any]]:
    table = pq.read_table(checkpoint)
    return list(table.select([name for name in table.column_names if name in _NAMING]).to_pylist())


def _paths(actions: Iterable[Mapping[str, Any]]) -> set[str]:
    """Every file that the actions name, in whatever way Delta's protocol has for it."""
    found = set()
    for action in actions:
        for kind in _NAMING:
            if named := action.get(kind):
                found.add(unquote(str(named["path"])))
                if named.get("deletionVector"):
                    found.add("a deletion vector")
    return found


def refuse_incomplete(lake: Lake, head: Release | None, data: Mapping[str, Path]) -> None:
    """SetupError if `data` lacks a file of the newest release: such a copy must not be called a backup."""
    for table, version in head.versions.items() if head else []:
        for uri in lake.open(table, version).file_uris():
            path = as_path(uri)
            if path.removeprefix(f"{lake.root.rstrip('/')}/") not in data:
                raise SetupError(f"the lake lacks {path}, which release {head and head.release_id} names")


def copy_database(kind: str, database: Database, into: Path) -> None:
    """The database as it is when this ends, or began (a dump), in the new folder `into`."""
    into.mkdir(parents=True)
    if kind == LOGICAL:
        dumps.client(
            "pg_dump", database.admin_url, "--format=custom", "--enable-row-security", f"--file={into / 'dump'}"
        )
        return
    pgdata = into / "pgdata"
    dumps.client("pg_basebackup", database.admin_url, "--checkpoint=fast", "--no-sync", f"--pgdata={pgdata}")
    contents.prune(pgdata)


def adopt_release(lake: Lake, database: Database, now: datetime) -> Release | None:
    """The release that had to be made because the lake's newest one has seen what this database does not have."""
    releases = Releases(lake)
    head = releases.head()
    with postgres.connect(database.admin_url) as connection:
        horizon = current_horizon(connection)
    if head is None:
        return None
    is_foreign = head.horizon.system_identifier != horizon.system_identifier
    return releases.adopt(horizon, now) if is_foreign or horizon.falls_behind(head.horizon) else None


def end_sign_ins(database: Database, now: datetime) -> int:
    """The number of sessions, tokens and links of the backup, ended here: some of them may have been ended since."""
    with postgres.connect(database.admin_url) as connection:
        return sum(connection.execute(statement.encode(), {"now": now}).rowcount for statement in _SIGN_INS)


def refuse_foreign(told: Mapping[str, Any], kind: str, lake: str) -> None:
    """SetupError if this program, with its lake at `lake`, cannot use the backup that `told` describes."""
    version = str(told["schema_version"])
    if not list((REPOSITORY / "storage" / "postgres" / "migrations" / "versions").glob(f"{version}_*.py")):
        raise SetupError(f"the backup has schema {version}, which this version of Lakefolio does not know; update it")
    if told["lake"] not in (INCLUDED, lake):
        raise SetupError(f"the backup's lake was not copied, it is {told['lake']}; set LAKE_URI to that")
    if told["kind"] == PHYSICAL and kind == LOGICAL:
        raise SetupError("the backup is of the embedded PostgreSQL; unset DATABASE_URL and DATABASE_ADMIN_URL")
    ours = embedded.major_version()
    if told["kind"] == PHYSICAL and told["postgres_major"] != ours:
        raise SetupError(f"the backup is of PostgreSQL {told['postgres_major']}, and this is PostgreSQL {ours}")


def refuse_full(folder: Path, needed_bytes: int) -> None:
    """SetupError if `folder`'s disk has not got that much room."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise SetupError(
            f"{folder} has {free / 1e6:.0f} MB free and {needed_bytes / 1e6:.0f} MB are needed; "
            "name a place with more room by BACKUP=<file>, or make room"
        )


def _value(connection: psycopg.Connection, query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]
