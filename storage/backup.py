"""What the whole state is, how it is copied while everything runs, and how it is put back.

The lake first, then the database, and no release is made in between: a release's horizon names transactions of the
database, so the database must not be older, and what the database says is released must be in the lake. Delta's files
never change once they are written, so a list of the logs is a copy of the lake at that moment.

The embedded server is copied physically: transaction ids and the system identifier survive, and with them what every
release has seen. An external one is copied by pg_dump, and restored into a cluster with other transaction ids: there
the rows are stamped anew, and the newest release is told that it has seen nothing (`Releases.adopt`).
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import psycopg
from psycopg import conninfo, sql

from storage import embedded, postgres
from storage.errors import SetupError
from storage.horizon import current_horizon
from storage.lake import Lake, as_path
from storage.postgres import Database
from storage.releases import TABLE, Release, Releases
from storage.settings import REPOSITORY, Settings

PHYSICAL, LOGICAL = "physical", "logical"
INCLUDED = "included"
_LOG_FILE = re.compile(r"\d{20}\.(json|checkpoint(\.\d+\.\d+)?\.parquet)")
_NOT_STATE = (".s.PGSQL.*", "server.log", "backup_manifest")
_ROLES = ("lakefolio_app", "lakefolio_reader")
_STAMPED = """
    select table_name from information_schema.columns
    where table_schema = 'public' and column_name = 'xid' and udt_name = 'xid8'
    order by table_name
"""
_HEADS = """
    select portfolio_id::text, version, to_jsonb(portfolio) ->> 'ledger_hash'  -- null in a schema of before it
    from portfolio where version > 0 order by portfolio_id
"""


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
    """What a restored database must have at least: everything acknowledged before this question."""
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
    """What the restored database lacks of what its manifest tells, or None."""
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
        _client("pg_dump", database.admin_url, "--format=custom", f"--file={into / 'dump'}")
        return
    pgdata = into / "pgdata"
    _client("pg_basebackup", database.admin_url, "--checkpoint=fast", "--no-sync", f"--pgdata={pgdata}")
    for pattern in _NOT_STATE:
        for path in pgdata.glob(pattern):
            path.unlink()


def restore_dump(dump: Path, database: Database, stamp: str) -> None:
    """Fill the database from `dump`; one that has a ledger is renamed first."""
    maintenance = conninfo.make_conninfo(database.admin_url, dbname="postgres")
    name = str(conninfo.conninfo_to_dict(database.admin_url)["dbname"])
    with postgres.connect(maintenance, autocommit=True) as connection:
        for role in _ROLES:  # the dump grants to them, but roles are the cluster's and not in it
            if not connection.execute("select from pg_roles where rolname = %s", (role,)).rowcount:
                connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
        try:
            if has_ledger(database):
                aside = sql.Identifier(f"{name}_before_restore_{stamp}")
                connection.execute(sql.SQL("alter database {} rename to {}").format(sql.Identifier(name), aside))
            if not postgres.exists(database):
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        except psycopg.Error as error:
            why = str(error).splitlines()[0]
            raise SetupError(f"the database {name} could not be made anew ({why}); see who uses it") from error
    _client("pg_restore", database.admin_url, "--no-owner", "--exit-on-error", "--single-transaction", last=str(dump))
    with postgres.connect(database.admin_url) as connection:
        stamp_anew(connection)


def stamp_anew(connection: psycopg.Connection) -> None:
    """Rows carry transaction ids of another cluster, which may lie ahead of this one: no snapshot would see them."""
    for (table,) in connection.execute(_STAMPED).fetchall():
        named = sql.Identifier(table)
        connection.execute(sql.SQL("alter table {} disable trigger user").format(named))
        connection.execute(sql.SQL("update {} set xid = pg_current_xact_id()").format(named))
        connection.execute(sql.SQL("alter table {} enable trigger user").format(named))


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


def refuse_foreign(told: Mapping[str, Any], kind: str, lake: str) -> None:
    """SetupError if this program, with its lake at `lake`, cannot use the backup that `told` describes."""
    if told.get("format") != 1:
        raise SetupError(f"the backup has format {told.get('format')}, and this version of Lakefolio reads format 1")
    version = str(told["schema_version"])
    if not list((REPOSITORY / "storage" / "migrations" / "versions").glob(f"{version}_*.py")):
        raise SetupError(f"the backup has schema {version}, which this version of Lakefolio does not know; update it")
    if told["lake"] not in (INCLUDED, lake):
        raise SetupError(f"the backup's lake was not copied, it is {told['lake']}; set LAKE_URI to that")
    if told["kind"] == PHYSICAL and kind == LOGICAL:
        raise SetupError("the backup is of the embedded PostgreSQL; unset DATABASE_URL and DATABASE_ADMIN_URL")
    ours = embedded.major_version()
    if told["kind"] == PHYSICAL and told["postgres_major"] != ours:
        raise SetupError(f"the backup is of PostgreSQL {told['postgres_major']}, and this is PostgreSQL {ours}")


def _client(program: str, url: str, *words: str, last: str | None = None) -> None:
    """Run a client program against `url`; the password goes by the environment, which others cannot list."""
    parts = conninfo.conninfo_to_dict(url)
    secret = {"PGPASSWORD": str(parts.pop("password"))} if parts.get("password") else {}
    command = [str(embedded.binaries() / program), *words, f"--dbname={conninfo.make_conninfo('', **parts)}"]
    outcome = subprocess.run(
        [*command, *([last] if last else [])],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, **secret, "LC_ALL": "C.UTF-8"},
    )
    if outcome.returncode:
        said = outcome.stderr.strip().splitlines()
        raise SetupError(f"{program} failed: {said[-1] if said else f'exit code {outcome.returncode}'}")


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
