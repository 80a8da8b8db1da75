"""PostgreSQL for everyone: where it is, who may do what, and that its schema is there.

Four roles. `lakefolio_app` reads and writes the rows of whom it acts for, and cannot change or remove a ledger row;
`lakefolio_services` does the same for everybody, where nobody asks; `lakefolio_reader` only reads, for replication; the
owner migrates and holds Dagster's own storage in the schema `dagster`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import quote

import psycopg
from psycopg import conninfo, sql

from storage.errors import SetupError
from storage.postgres import embedded
from storage.settings import REPOSITORY, Settings

APP_LOGIN = "lakefolio"
SERVICES_LOGIN = "lakefolio_worker"
DATABASE = "lakefolio"
_MIGRATION_LOCK = 7_201_001
_MIGRATIONS = REPOSITORY / "storage" / "postgres" / "migrations" / "versions"


@dataclass(frozen=True, slots=True)
class Database:
    """Where PostgreSQL is: `app_url` for the API, and for who is told them the addresses of the tables' owner and of
    the services, which work for everybody."""

    app_url: str
    of_owner: str | None
    of_services: str | None

    @property
    def admin_url(self) -> str:
        """The owner's; SetupError in a process that is not told it."""
        return _told(self.of_owner, "DATABASE_ADMIN_URL")

    @property
    def services_url(self) -> str:
        """The services'; SetupError in a process that is not told it."""
        return _told(self.of_services, "DATABASE_SERVICES_URL")

    @property
    def reader_dsn(self) -> str:
        """The owner's connection acting as the replication role, as DuckDB's Postgres reader takes it."""
        return acting_as(self.admin_url, "lakefolio_reader")

    @property
    def dagster_url(self) -> str:
        """Dagster's storage, in its own schema (both it and our migrations use the name `alembic_version`).

        Its commits do not wait for the disk: a run stores some 200 events, and none of them is a record of ours.
        """
        rest, _, query = self.admin_url.partition("://")[2].partition("?")
        options = "options=-csearch_path%3Ddagster%20-csynchronous_commit%3Doff"
        return f"postgresql+psycopg2://{rest}?{query + '&' if query else ''}{options}"

    @property
    def sqlalchemy_url(self) -> str:
        """For alembic."""
        return "postgresql+psycopg://" + self.admin_url.partition("://")[2]


def locate(settings: Settings) -> Database:
    """The external database if DATABASE_URL names one, else the embedded server, started if it is not running."""
    if settings.database_url:
        owner, services = settings.database_admin_url, settings.database_services_url
        if owner and not services:
            services = acting_as(owner, "lakefolio_services")
        _refuse_another(settings.database_url, services)
        return Database(settings.database_url, owner, services)
    return embedded_database(embedded.start(settings.home))


def embedded_database(socket_dir: object, name: str = DATABASE) -> Database:
    host = quote(str(socket_dir), safe="")
    return Database(
        f"postgresql://{APP_LOGIN}@/{name}?host={host}",
        f"postgresql://postgres@/{name}?host={host}",
        f"postgresql://{SERVICES_LOGIN}@/{name}?host={host}",
    )


def acting_as(url: str, role: str) -> str:
    """The address whose connections act as a role that its user has."""
    try:
        return conninfo.make_conninfo(url, options=f"-c role={role}")
    except psycopg.ProgrammingError as error:
        raise SetupError(_unreachable(url, error)) from error


def prepare(database: Database, limits: Mapping[str, str] | None = None, schema_version: str = "head") -> None:
    """Create what is missing and migrate to the newest schema, or to an older one. Changes nothing the second time.

    A process that is not told the owner's address refuses an older schema instead. `limits` are the timeouts of the API
    and of the services in this database, by default those of the settings' own defaults.
    """
    if database.of_owner is None:
        _refuse_older(database.app_url)
        return
    _create_database(database.admin_url)
    with connect(database.admin_url) as connection:
        connection.execute("select pg_advisory_lock(%s)", (_MIGRATION_LOCK,))
        connection.execute("create schema if not exists dagster")
        present = _schema_version(connection)
        connection.commit()
        if present != (newest_version() if schema_version == "head" else schema_version):
            _migrate(database, schema_version)
        for url, role in ((database.app_url, "lakefolio_app"), (database.services_url, "lakefolio_services")):
            if "options" not in _parts(url):  # else it is the owner's, and has its rights
                _ensure_login(connection, url, role)
                _ensure_limits(connection, _login(url), limits or Settings.model_construct().limits)
        connection.commit()


@contextmanager
def connect(url: str, autocommit: bool = False) -> Iterator[psycopg.Connection]:
    """One connection for as long as it is needed."""
    with open_connection(url, autocommit) as connection:
        yield connection


def open_connection(url: str, autocommit: bool = False) -> psycopg.Connection:
    """A connection that the caller closes; a server that cannot be reached is one sentence."""
    try:
        return psycopg.connect(url, autocommit=autocommit, connect_timeout=10)
    except psycopg.Error as error:
        raise SetupError(_unreachable(url, error)) from error


@contextmanager
def advisory_lock(url: str, name: str) -> Iterator[psycopg.Connection]:
    """Hold the session lock called `name` while inside; it ends with the process, however that ends."""
    with connect(url, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(hashtextextended(%s, 0))", (f"lakefolio:{name}",))
        yield connection


def is_locked(connection: psycopg.Connection, name: str) -> bool:
    """Say whether a live session holds the advisory lock called `name`."""
    row = connection.execute(
        """
        select exists (
            select from pg_locks, (select hashtextextended(%s, 0) as key) as k
            where locktype = 'advisory' and granted and objsubid = 1
              and database = (select oid from pg_database where datname = current_database())
              and classid::bigint = (k.key >> 32) & 4294967295 and objid::bigint = k.key & 4294967295
        )
        """,
        (f"lakefolio:{name}",),
    ).fetchone()
    assert row is not None
    return bool(row[0])


def exists(database: Database) -> bool:
    """Say whether the database itself is there; the server must be."""
    name = str(_parts(database.admin_url).get("dbname"))
    with connect(conninfo.make_conninfo(database.admin_url, dbname="postgres")) as connection:
        return bool(connection.execute("select from pg_database where datname = %s", (name,)).rowcount)


def _told(url: str | None, setting: str) -> str:
    if url is None:
        raise SetupError(f"DATABASE_URL is set but {setting} is not, and this needs it; set it, see .env.example")
    return url


def _refuse_another(app_url: str, services_url: str | None) -> None:
    """SetupError if what the services would work on is not what the API shows."""
    places = [[_parts(url).get(part) for part in ("host", "port", "dbname")] for url in (app_url, services_url) if url]
    if places[0] != places[-1]:
        raise SetupError("DATABASE_SERVICES_URL is of another database than DATABASE_URL; set both, or leave it out")


def _refuse_older(app_url: str) -> None:
    with connect(app_url) as connection:
        present = _schema_version(connection)
    if present != newest_version():
        raise SetupError(
            f"the database's schema is {present or 'not there'} and this program's is {newest_version()}; "
            "`make migrate`, with DATABASE_ADMIN_URL set, brings it up to date"
        )


def _create_database(admin_url: str) -> None:
    try:
        with psycopg.connect(admin_url, connect_timeout=10):
            return
    except psycopg.Error as error:
        name = _parts(admin_url).get("dbname")
        if "does not exist" not in str(error) or f'database "{name}"' not in str(error):
            raise SetupError(_unreachable(admin_url, error)) from error
    maintenance = conninfo.make_conninfo(admin_url, dbname="postgres")
    already = (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation)  # another process was first
    with psycopg.connect(maintenance, autocommit=True) as connection, suppress(*already):
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(str(name))))


def newest_version() -> str:
    """Return the schema's version after all migrations, by the names of their files."""
    return max(path.name[:4] for path in _MIGRATIONS.glob("[0-9]*.py"))


def _schema_version(connection: psycopg.Connection) -> str | None:
    """Return the version that the schema has, None before the first migration.

    Asked here, for alembic takes half a second to find out that there is nothing to do, with every start of a program.
    """
    row = connection.execute("select to_regclass('public.alembic_version')::text").fetchone()
    if row == (None,):
        return None
    rows = connection.execute("select version_num from public.alembic_version").fetchall()
    return str(rows[0][0]) if len(rows) == 1 else None


def _migrate(database: Database, schema_version: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config(toml_file=str(REPOSITORY / "pyproject.toml"))
    config.attributes["url"] = database.sqlalchemy_url
    command.upgrade(config, schema_version)


def _ensure_login(connection: psycopg.Connection, url: str, group: str) -> None:
    parts, login = conninfo.conninfo_to_dict(url), _login(url)
    role = sql.Identifier(login)
    if not _is_role(connection, group):
        return  # an older schema knows fewer
    if not _is_role(connection, login):
        password = sql.SQL("password {}").format(parts["password"]) if parts.get("password") else sql.SQL("")
        connection.execute(sql.SQL("create role {} login {}").format(role, password))
    member = connection.execute("select pg_has_role(%s, %s, 'member')", (login, group)).fetchone()
    if not (member and member[0]):
        connection.execute(sql.SQL("grant {} to {}").format(sql.Identifier(group), role))


def _is_role(connection: psycopg.Connection, name: str) -> bool:
    return bool(connection.execute("select from pg_roles where rolname = %s", (name,)).rowcount)


def _ensure_limits(connection: psycopg.Connection, login: str, limits: Mapping[str, str]) -> None:
    """The login's timeouts in this database; written only where they differ, because every start comes by."""
    if not _is_role(connection, login):
        return
    row = connection.execute(
        "select setconfig from pg_db_role_setting where setrole = %s::regrole"
        " and setdatabase = (select oid from pg_database where datname = current_database())",
        (sql.Identifier(login).as_string(),),
    ).fetchone()
    present = set(row[0]) if row else set()
    name = connection.info.dbname
    for limit, value in limits.items():
        if f"{limit}={value}" not in present:
            statement = sql.SQL("alter role {} in database {} set {} = {}")
            connection.execute(
                statement.format(sql.Identifier(login), sql.Identifier(name), sql.Identifier(limit), value)
            )


def _login(app_url: str) -> str:
    return str(conninfo.conninfo_to_dict(app_url).get("user") or APP_LOGIN)


def _parts(url: str) -> Mapping[str, object]:
    """The parts of a connection URL; none if it is not one."""
    try:
        return conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return {}


def _unreachable(url: str, error: Exception) -> str:
    parts = _parts(url)
    if not parts:  # what psycopg says then repeats the text, with its password
        return "DATABASE_URL or DATABASE_ADMIN_URL is not postgresql://user:password@host:port/database; check both"
    where = f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"
    said = str(error).strip().splitlines()
    why = said[0] if said else type(error).__name__
    return f"PostgreSQL at {where} cannot be used ({why}); check DATABASE_URL and DATABASE_ADMIN_URL"
