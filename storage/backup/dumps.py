"""The copy of an external database by pg_dump, and how its rows come into a database of ours.

A dump is a program in SQL. So it is never run as the owner: our own migrations make the schema, and a role that may
only add rows to it, and tables to Dagster's schema, fills it. That role ends with the restore.
"""

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import conninfo, sql

from storage.backup import cluster_code
from storage.errors import SetupError
from storage.postgres import database as postgres
from storage.postgres import embedded
from storage.postgres.database import Database
from storage.queries import our_own

_TABLES = "select tablename from pg_tables where schemaname = 'public' order by 1"
_BY_OWNER = """
    select distinct tablename from pg_policies where schemaname = 'public' and policyname = 'seen' order by 1
"""
_FOREIGN_KEYS = """
    select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
    where contype = 'f' and connamespace = 'public'::regnamespace order by 1, 2
"""
_ForeignKey = tuple[sql.SQL, sql.Identifier, sql.SQL]
"""Its table, its name and its definition, the first and last as PostgreSQL writes them."""
_STAMPED = """
    select table_name from information_schema.columns
    where table_schema = 'public' and column_name = 'xid' and udt_name = 'xid8'
    order by table_name
"""
_VERSION = "select array_agg(version_num::text) from public.alembic_version"


def restore_dump(dump: Path, database: Database, schema_version: str) -> None:
    """Fill the database, which is new, with the rows of `dump`; SetupError if it holds anything but rows."""
    postgres.prepare(database, schema_version=schema_version)
    with postgres.connect(database.admin_url) as connection, _restorer(database, connection) as url:
        keys = _opened_for_rows(connection)
        before = cluster_code.things_in(connection)
        connection.commit()  # pg_restore writes what is locked here, and may take longer than a transaction may idle
        words = ["--no-owner", "--no-acl", "--exit-on-error", "--single-transaction"]
        client("pg_restore", url, *words, "--data-only", "--schema=public", last=str(dump))
        client("pg_restore", url, *words, "--schema=dagster", last=str(dump))
        cluster_code.refuse_added(before, cluster_code.things_in(connection))
        if connection.execute(_VERSION).fetchone() != ([schema_version],):
            raise SetupError("the backup's database is of another schema than its manifest tells; use another one")
        _close(connection, keys)


def replaced(database: Database, stamp: str) -> str | None:
    """Make room for a new database of this name; what the one that is there is called from now on."""
    maintenance, name, aside = _names(database, stamp)
    try:
        with postgres.connect(maintenance, autocommit=True) as connection:
            is_there = postgres.exists(database)
            if is_there:
                connection.execute(_renamed(name, aside))
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
            return aside if is_there else None
    except psycopg.Error as error:
        why = str(error).splitlines()[0]
        raise SetupError(f"the database {name} could not be made anew ({why}); see who uses it") from error


def put_back(database: Database, stamp: str) -> None:
    """Remove the database that `replaced` has made, and give the one before its name again."""
    maintenance, name, aside = _names(database, stamp)
    with postgres.connect(maintenance, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
        if connection.execute("select from pg_database where datname = %s", (aside,)).rowcount:
            connection.execute(_renamed(aside, name))


def stamp_anew(connection: psycopg.Connection) -> None:
    """Rows carry transaction ids of another cluster, which may lie ahead of this one: no snapshot would see them."""
    for (table,) in connection.execute(_STAMPED).fetchall():
        connection.execute(sql.SQL("update {} set xid = pg_current_xact_id()").format(sql.Identifier(table)))


def client(program: str, url: str, *words: str, last: str | None = None) -> None:
    """Run a client program against `url`; the password goes by the environment, which others cannot list."""
    parts = conninfo.conninfo_to_dict(url)
    secret = {"PGPASSWORD": str(parts.pop("password"))} if parts.get("password") else {}
    command = [str(embedded.binaries() / program), *words, f"--dbname={conninfo.make_conninfo('', **parts)}"]
    outcome = subprocess.run(
        [*command, *([last] if last else [])],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env={**os.environ, **secret, "LC_ALL": "C.UTF-8"},
    )
    if outcome.returncode:
        said = [line for line in outcome.stderr.splitlines() if "error:" in line] or outcome.stderr.splitlines()[-1:]
        why = ascii(said[0][:200])[1:-1] if said else f"exit code {outcome.returncode}"
        raise SetupError(f"{program} failed: {why}")


@contextmanager
def _restorer(database: Database, connection: psycopg.Connection) -> Iterator[str]:
    """The address of the database for a role that is there inside only, and may do nothing but what is granted it."""
    name, password = f"lakefolio_restore_{secrets.token_hex(6)}", secrets.token_urlsafe(24)
    role = sql.Identifier(name)
    here = sql.Identifier(connection.info.dbname)
    connection.execute(sql.SQL("create role {} login noinherit password {}").format(role, password))
    connection.execute(sql.SQL("grant {} to current_user").format(role))
    connection.execute(sql.SQL("revoke temporary on database {} from public").format(here))
    connection.execute(sql.SQL("grant create, usage on schema dagster to {}").format(role))
    connection.execute(sql.SQL("grant select, insert on all tables in schema public to {}").format(role))
    connection.execute(sql.SQL("grant usage, update on all sequences in schema public to {}").format(role))
    connection.commit()
    try:
        yield conninfo.make_conninfo(database.admin_url, user=name, password=password)
        connection.execute(sql.SQL("reassign owned by {} to current_user").format(role))
    finally:
        if connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR:
            connection.rollback()
        connection.execute(sql.SQL("drop owned by {}").format(role))
        connection.execute(sql.SQL("drop role {}").format(role))
        connection.execute(sql.SQL("grant temporary on database {} to public").format(here))
        connection.commit()


def _opened_for_rows(connection: psycopg.Connection) -> list[_ForeignKey]:
    """Empty every table and take off what has an opinion on the order of rows; the foreign keys, to be put back."""
    tables = [sql.Identifier(name) for (name,) in connection.execute(_TABLES).fetchall()]
    keys = [
        (sql.SQL(our_own(table)), sql.Identifier(name), sql.SQL(our_own(definition)))
        for table, name, definition in connection.execute(_FOREIGN_KEYS).fetchall()
    ]
    for of_key, name, _ in keys:
        connection.execute(sql.SQL("alter table {} drop constraint {}").format(of_key, name))
    for table in tables:
        connection.execute(sql.SQL("alter table {} disable trigger user").format(table))
    for (name,) in connection.execute(_BY_OWNER).fetchall():
        connection.execute(sql.SQL("alter table {} disable row level security").format(sql.Identifier(name)))
    connection.execute(sql.SQL("truncate {}").format(sql.SQL(", ").join(tables)))
    return keys


def _close(connection: psycopg.Connection, keys: list[_ForeignKey]) -> None:
    stamp_anew(connection)
    for key in keys:
        connection.execute(sql.SQL("alter table {} add constraint {} {}").format(*key))
    for (table,) in connection.execute(_TABLES).fetchall():
        connection.execute(sql.SQL("alter table {} enable trigger user").format(sql.Identifier(table)))
    for (name,) in connection.execute(_BY_OWNER).fetchall():
        connection.execute(sql.SQL("alter table {} enable row level security").format(sql.Identifier(name)))


def _names(database: Database, stamp: str) -> tuple[str, str, str]:
    name = str(conninfo.conninfo_to_dict(database.admin_url)["dbname"])
    return conninfo.make_conninfo(database.admin_url, dbname="postgres"), name, f"{name}_before_restore_{stamp}"


def _renamed(name: str, new: str) -> sql.Composed:
    return sql.SQL("alter database {} rename to {}").format(sql.Identifier(name), sql.Identifier(new))
