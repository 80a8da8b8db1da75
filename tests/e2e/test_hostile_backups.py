"""Archives that a stranger has made: each is refused in one sentence, nothing of it runs, and nothing of it is left.

One small real backup is made; every case is that backup with one thing about it changed, and its checksums right again.
Of code in a copied cluster one of each kind is tried by default, all of it with LAKEFOLIO_CHAOS=long.
"""

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from ops import backup as backups
from ops.environment import prepared
from storage.backup import archive, cluster_code, dumps
from storage.backup import contents as backup_contents
from storage.errors import SetupError
from storage.lake.delta import lake_at
from storage.postgres import database as postgres
from storage.postgres import embedded
from storage.postgres.database import Database
from storage.postgres.horizon import current_horizon
from storage.settings import Settings
from tests.small_release import publish_small_release

PGDATA = "database/pgdata"
AUTO = "postgresql.auto.conf"
NEEDED = {
    f"{PGDATA}/{name}"
    for name in (
        "PG_VERSION",
        "backup_label",
        "global/pg_control",
        AUTO,
        "postgresql.conf",
        "pg_hba.conf",
        "pg_ident.conf",
    )
}
SET_ASIDE = "select from pg_database where starts_with(datname, current_database() || '_before_restore_')"
BY_POSTGRESQL = "is not one that PostgreSQL can use"


def settings_of(home: Path, database: Database | None = None) -> Settings:
    return Settings(
        lakefolio_home=home,
        database_url=database.app_url if database else None,
        database_admin_url=database.admin_url if database else None,
        database_services_url=database.services_url if database else None,
        lake_uri=None,
        market_source="sample",
    )


@pytest.fixture(scope="module")
def genuine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A backup of a state with Dagster's own tables and a release."""
    current = settings_of(tmp_path_factory.mktemp("genuine") / "a state")
    variables = prepared(current)
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            with dg.DagsterInstance.from_config(variables["DAGSTER_HOME"]) as instance:
                assert instance.get_runs() == []
        database = postgres.locate(current)
        with psycopg.connect(database.admin_url) as connection:
            publish_small_release(lake_at(current.lake, database.admin_url), horizon=current_horizon(connection))
        yield backups.write(current, current.home.parent / "genuine.tar")
    finally:
        embedded.stop(current.home)
        shutil.rmtree(current.home.parent, ignore_errors=True)


@dataclass
class Forgery:
    """An archive in the making; `ran` is a file that any program of a stranger's would make here."""

    files: dict[str, bytes]
    folders: list[str]
    facts: dict[str, Any]
    ran: Path
    extra: list[tuple[tarfile.TarInfo, bytes]] = field(default_factory=list)
    manifest: Callable[[bytes], bytes] = bytes

    def add(self, name: str, kind: bytes = tarfile.REGTYPE, linked: str = "", content: bytes = b"") -> None:
        """A member that the manifest tells of as of any other."""
        member = tarfile.TarInfo(name)
        member.type, member.linkname, member.size = kind, linked, len(content)
        self.extra.append((member, content))

    def append(self, name: str, line: str) -> None:
        self.files[f"{PGDATA}/{name}"] += f"\n{line}\n".encode()

    def write(self, path: Path) -> None:
        names = {name: hashlib.sha256(content).hexdigest() for name, content in self.files.items()}
        for member, content in self.extra:
            if member.isreg():
                names[member.name] = hashlib.sha256(content).hexdigest()
        manifest = self.manifest(json.dumps({**self.facts, "files": names}).encode())
        last = {"manifest.json": manifest, "manifest.sha256": hashlib.sha256(manifest).hexdigest().encode()}
        with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
            for name in self.folders:
                member = tarfile.TarInfo(name)
                member.type = tarfile.DIRTYPE
                tar.addfile(member)
            for name, content in self.files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
            for member, content in self.extra:
                assert tar.fileobj is not None
                tar.fileobj.write(member.tobuf(tarfile.PAX_FORMAT if member.pax_headers else tarfile.GNU_FORMAT))
                tar.fileobj.write(content)
            for name, content in last.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))


@pytest.fixture(scope="module")
def contents(genuine: Path) -> tuple[dict[str, bytes], list[str], dict[str, Any]]:
    facts = dict(archive.manifest_of(genuine))
    files = archive.read(genuine, facts.pop("files"))
    with tarfile.open(genuine) as tar:
        folders = [member.name for member in tar if member.isdir()]
    return files, folders, facts


@pytest.fixture
def forgery(contents: tuple[dict[str, bytes], list[str], dict[str, Any]], tmp_path: Path) -> Forgery:
    """The smallest archive that is refused by nothing but PostgreSQL: the cluster has three files."""
    files, folders, facts = contents
    files = {name: content for name, content in files.items() if name.startswith("lake/") or name in NEEDED}
    return Forgery(dict(files), list(folders), dict(facts), tmp_path / "ran")


def setting(name: str, line: str) -> Callable[[Forgery], None]:
    return lambda forged: forged.append(name, line.format(ran=forged.ran))


def file(name: str, content: bytes = b"") -> Callable[[Forgery], None]:
    return lambda forged: forged.files.update({name: content})


def member(name: str, kind: bytes = tarfile.REGTYPE, linked: str = "") -> Callable[[Forgery], None]:
    return lambda forged: forged.add(name, kind, linked)


def fact(**changed: object) -> Callable[[Forgery], None]:
    return lambda forged: forged.facts.update(changed)


def manifest(changed: Callable[[bytes], bytes]) -> Callable[[Forgery], None]:
    return lambda forged: setattr(forged, "manifest", changed)


def sized(size: int) -> Callable[[Forgery], None]:
    """A file whose header says `size`, with nothing behind it."""

    def forge(forged: Forgery) -> None:
        forged.add(f"{PGDATA}/base/5/99999")
        forged.extra[-1][0].size = size

    return forge


def sparse(forged: Forgery) -> None:
    forged.add(f"{PGDATA}/base/5/99999", content=b"1\n0\n1\nx".ljust(512, b"\0"))
    forged.extra[-1][0].pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": f"{PGDATA}/base/5/99999",
        "GNU.sparse.realsize": str(2**40),
    }


def lacking(name: str) -> Callable[[Forgery], None]:
    return lambda forged: forged.files.pop(name) and None


def committed(path: str) -> Callable[[Forgery], None]:
    """A commit of a table that names a file elsewhere."""
    added = {"path": path, "partitionValues": {}, "size": 1, "modificationTime": 0, "dataChange": True}
    return logged(json.dumps({"add": added}).encode())


def logged(commit: bytes) -> Callable[[Forgery], None]:
    def forge(forged: Forgery) -> None:
        log = max(name for name in forged.files if name.startswith("lake/marts/") and name.endswith(".json"))
        forged.files[log.replace("00000.json", "00001.json")] = commit

    return forge


HOSTILE: dict[str, Callable[[Forgery], None]] = {
    "an archive command": setting(AUTO, "archive_command = 'touch {ran}'"),
    "an archive command without quotes": setting(AUTO, "archive_command = touch"),
    "a restore command": setting("postgresql.conf", "restore_command = 'touch {ran}'"),
    "a setting in capitals": setting("postgresql.conf", "SSL_Passphrase_Command 'touch {ran}'"),
    "a library": setting("postgresql.conf", "shared_preload_libraries = '{ran}'"),
    "an included file": setting("postgresql.conf", "include '/etc/passwd'"),
    "an address to listen on": setting(AUTO, "listen_addresses = '*'"),
    "another way in": setting("pg_hba.conf", "host all all 0.0.0.0/0 trust"),
    "another's name": setting("pg_ident.conf", "mymap /^(.*)$ postgres"),
    "recovery": file(f"{PGDATA}/recovery.signal"),
    "a standby": file(f"{PGDATA}/standby.signal"),
    "a table space": file(f"{PGDATA}/tablespace_map", b"16999 /etc\n"),
    "a program": file(f"{PGDATA}/evil.so", b"\x7fELF"),
    "a file of Python in the lake": file("lake/marts/__init__.py", b"print()"),
    "a file beside the database": file("database/run.sh", b"#!/bin/sh"),
    "a state of its own": file("lakefolio.env", b"LAKE_URI=s3://elsewhere"),
    "a symbolic link": member(f"{PGDATA}/pg_tblspc/16999", tarfile.SYMTYPE, "/etc"),
    "a link within": member(f"{PGDATA}/base/5/99999", tarfile.SYMTYPE, "1259"),
    "a hard link": member(f"{PGDATA}/base/5/99999", tarfile.LNKTYPE, f"{PGDATA}/PG_VERSION"),
    "a pipe": member(f"{PGDATA}/base/5/99999", tarfile.FIFOTYPE),
    "a device": member(f"{PGDATA}/base/5/99999", tarfile.CHRTYPE),
    "an absolute name": member("/etc/cron.d/evil"),
    "a name that climbs": member(f"{PGDATA}/../../evil"),
    "a name with a dot": member(f"{PGDATA}/./PG_VERSION"),
    "a name with a line in it": member(f"{PGDATA}/base\n/5"),
    "a name in letters of another script": member(f"{PGDATA}/bаse/5/1"),
    "a name twice": member(f"{PGDATA}/PG_VERSION"),
    "a name in other letters": member(f"{PGDATA}/pg_version"),
    "a sparse file": sparse,
    "a file of a terabyte": sized(2**40),
    "a file of less than nothing": sized(-512),
    "no control file": lacking(f"{PGDATA}/global/pg_control"),
    "a manifest without a schema": lambda forged: forged.facts.pop("schema_version"),
    "a manifest with more": fact(run="touch"),
    "a schema that is a path": fact(schema_version="../../../etc/passwd"),
    "rows below nothing": fact(ledger_rows_at_least=-1),
    "rows as text": fact(ledger_rows_at_least="1 or 1=1"),
    "heads that are none": fact(ledger_heads_at_least={"x": [1, "00"]}),
    "a manifest that tells twice": manifest(lambda told: told[:-1] + b', "kind": "logical"}'),
    "a manifest without an end": manifest(lambda _: b"[" * 100_000),
    "a manifest that is a list": manifest(lambda _: b"[]"),
    "a dump that is none of its kind": fact(kind="logical"),
    "a file of the system in a table": committed("/etc/passwd"),
    "a file above the lake in a table": committed("../../../secret.parquet"),
    "a log without an end": logged(b"[" * 100_000),
    "a log that is none": logged(b'{"add": 1}'),
    "a file of another host in a table": committed("s3://elsewhere/x.parquet"),
}


@pytest.mark.parametrize("forge", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_archive_is_refused_whole(forgery: Forgery, tmp_path: Path, forge: Callable[[Forgery], None]) -> None:
    forge(forgery)

    assert BY_POSTGRESQL not in refusal_of(forgery, tmp_path)


def test_control_what_is_no_cluster_is_refused_by_postgresql_alone(forgery: Forgery, tmp_path: Path) -> None:
    assert BY_POSTGRESQL in refusal_of(forgery, tmp_path)


@pytest.mark.parametrize("name", ["global/pg_control", pytest.param("base/1/1259", marks=pytest.mark.long)])
def test_a_cluster_with_a_damaged_file_is_refused_whole(
    contents: tuple[dict[str, bytes], list[str], dict[str, Any]], forgery: Forgery, tmp_path: Path, name: str
) -> None:
    forgery.files = {**contents[0], f"{PGDATA}/{name}": b"\x5a" * 8192}

    assert refusal_of(forgery, tmp_path)


def refusal_of(forgery: Forgery, tmp_path: Path) -> str:
    """Restore it over a state and return the refusal; nothing is run, and only that state is there afterwards."""
    forgery.write(tmp_path / "hostile.tar")
    home = tmp_path / "home"
    (home / "lake").mkdir(parents=True)
    (home / "lake" / "mine").write_text("precious")

    with pytest.raises(SetupError) as refused:
        backups.restore(settings_of(home), tmp_path / "hostile.tar", True, lambda _: None)

    assert "\n" not in str(refused.value)
    assert str(refused.value).isascii()
    assert {path.name for path in tmp_path.iterdir()} == {"home", "hostile.tar"}
    assert [path.name for path in home.rglob("*")] == ["lake", "mine"]
    return str(refused.value)


def test_a_state_that_cannot_be_used_after_all_is_taken_out_and_what_was_there_is_back(
    contents: tuple[dict[str, bytes], list[str], dict[str, Any]], forgery: Forgery, tmp_path: Path
) -> None:
    """The control of settings that are refused too: what only tunes the server is no reason, and is not restored."""
    forgery.files = dict(contents[0])
    forgery.append(AUTO, "work_mem = '64MB'")
    forgery.write(tmp_path / "tuned.tar")
    home = tmp_path / "home"
    (home / "lake").mkdir(parents=True)
    (home / "lake" / "mine").write_text("precious")
    (home / "backups").mkdir()

    def fail(current: Settings) -> None:
        assert (home / "pgdata").exists(), "it is in its place by now"
        with psycopg.connect(postgres.locate(current).admin_url) as connection:
            assert connection.execute("show work_mem").fetchone() == ("4MB",)
        raise SetupError("it does not add up")

    with pytest.raises(SetupError, match="does not add up"):
        backups.restore(settings_of(home), tmp_path / "tuned.tar", True, fail)

    assert {path.name for path in tmp_path.iterdir()} == {"home", "tuned.tar"}
    assert {path.name for path in home.rglob("*")} == {"lake", "mine", "backups"}
    assert not embedded.is_running(home)


CODE = {  # what a stranger adds, and how it is taken away again
    "a trigger on login": (
        "create function f() returns event_trigger language plpgsql as $$begin end$$; "
        "create event trigger login_trigger on login execute function f()",
        "drop event trigger login_trigger; drop function f()",
    ),
    "a function": ("create function f() returns int language sql as 'select 1'", "drop function f()"),
    "a function of ours in other words": (
        "create or replace function stamp_xid() returns trigger language plpgsql as $$begin return null;end$$",
        None,
    ),
    "a function of PostgreSQL's own": (
        "create function pg_catalog.upper(int) returns int language sql as 'select 1'",
        "drop function pg_catalog.upper(int)",
    ),
    "the ledger without its trigger": ("drop trigger append_only on transaction_ledger", None),
    "a trigger of ours that is off": ("alter table transaction_ledger disable trigger append_only", None),
    "a rule": (
        "create rule r as on insert to app_user do also select pg_read_file('x')",
        "drop rule r on app_user",
    ),
    "an index that computes": (
        "create index i on app_user (pg_size_pretty(length(email)::bigint))",
        "drop index i",
    ),
    "a default that computes": (
        "alter table app_user alter email set default pg_read_file('/etc/passwd')",
        "alter table app_user alter email drop default",
    ),
    "a library for a role": (
        "alter role postgres set session_preload_libraries = 'evil'",
        "alter role postgres reset session_preload_libraries",
    ),
    "a superuser": ("create role evil superuser login", "drop role evil"),
    "a member of the powerful": (
        "create role evil; grant pg_execute_server_program to evil",
        "drop role evil",
    ),
    "somebody who acts for everybody": ("create role evil; grant lakefolio_services to evil", "drop role evil"),
    "a table that everybody sees": (
        "alter table portfolio disable row level security",
        "alter table portfolio enable row level security",
    ),
    "a policy of ours that lets everything through": ("alter policy seen on portfolio using (true)", None),
    "another database": ("create database evil", "drop database evil"),
    "a view": ("create view v as select pg_read_file('/etc/passwd')", "drop view v"),
}
HARMLESS = {
    "a reader of its own": ("create role analyst login; grant lakefolio_reader to analyst", "drop role analyst"),
    "a table": (
        "create table notes (id bigint generated always as identity primary key, said text)",
        "drop table notes",
    ),
}


@pytest.fixture(scope="module")
def copy(genuine: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The cluster of the backup, of which no server runs."""
    pgdata = tmp_path_factory.mktemp("copy") / "pgdata"
    archive.extract(genuine, PGDATA, pgdata)
    embedded.hand_over(pgdata)
    yield pgdata
    shutil.rmtree(pgdata)


def run(pgdata: Path, statements: str) -> None:
    for statement in statements.split("; "):
        embedded.single_user(pgdata, "lakefolio", [], statement)


SHOWN = (
    "a trigger on login", "a function", "the ledger without its trigger", "a rule", "an index that computes",
    "a library for a role", "a superuser", "a member of the powerful", "a table that everybody sees",
    "another database", "a view",
)  # fmt: skip
"""One of each kind: each starts a server three times, which takes half a second. The others are long."""
_CODE = [pytest.param(*each, id=name, marks=() if name in SHOWN else pytest.mark.long) for name, each in CODE.items()]


@pytest.mark.parametrize(("added", "removed"), _CODE)
def test_code_in_a_copied_cluster_is_found_before_its_server_runs(
    genuine: Path, copy: Path, tmp_path: Path, added: str, removed: str | None
) -> None:
    pgdata = copy
    if removed is None:
        pgdata = tmp_path / "pgdata"
        shutil.copytree(copy, pgdata)
        embedded.hand_over(pgdata)
    run(pgdata, added)
    try:
        with pytest.raises(SetupError) as refused:
            cluster_code.refuse_foreign(pgdata, archive.manifest_of(genuine)["schema_version"])
        assert "\n" not in str(refused.value)
    finally:
        run(pgdata, removed or "select 1")


def test_control_a_copied_cluster_as_it_was_or_with_what_runs_nothing_is_taken(genuine: Path, copy: Path) -> None:
    version = archive.manifest_of(genuine)["schema_version"]
    for added, _ in HARMLESS.values():
        run(copy, added)

    cluster_code.refuse_foreign(copy, version)

    for _, removed in HARMLESS.values():
        run(copy, removed)


def test_a_backup_of_ours_is_pruned_of_what_is_none_of_its_business(tmp_path: Path, genuine: Path) -> None:
    """Where an owner has set an archive command of his own, his backup is not one that is refused."""
    pgdata = tmp_path / "pgdata"
    archive.extract(genuine, PGDATA, pgdata)
    (pgdata / AUTO).write_text("archive_command = 'cp %p /somewhere'\nwork_mem = '64MB'\n")
    (pgdata / "core.4711").write_text("a crash")
    (pgdata / "pg_tblspc" / "1").symlink_to("/etc")

    backup_contents.prune(pgdata)

    assert (pgdata / AUTO).read_text() == "work_mem = '64MB'\n"
    assert not (pgdata / "core.4711").exists()
    assert list((pgdata / "pg_tblspc").iterdir()) == []
    assert Path("/etc/passwd").exists()


@pytest.fixture
def external(new_database: Callable[[], Database]) -> Database:
    return new_database()


def dumped(database: Database, folder: Path) -> Path:
    dumps.client("pg_dump", database.admin_url, "--format=custom", f"--file={folder / 'dump'}", "--compress=none")
    return folder / "dump"


def version_of(database: Database) -> str:
    with psycopg.connect(database.admin_url) as connection:
        row = connection.execute("select version_num from public.alembic_version").fetchone()
        assert row is not None
        return str(row[0])


def brought_back(external: Database, dump: Path) -> Database:
    """A new database beside `external`, filled from `dump`."""
    target = Database(*(url.replace("/test_", "/back_") for url in astuple(external)))
    dumps.replaced(target, "now")
    dumps.restore_dump(dump, target, version_of(external))
    return target


def roles_left(database: Database) -> int:
    with psycopg.connect(database.admin_url) as connection:
        return connection.execute("select from pg_roles where rolname like 'lakefolio_restore%'").rowcount


def test_a_dumps_own_functions_and_triggers_are_not_restored(external: Database, tmp_path: Path) -> None:
    with psycopg.connect(external.admin_url) as connection:
        connection.execute("create function f() returns int language sql as 'select 1'")
        connection.execute("drop trigger append_only on transaction_ledger")

    target = brought_back(external, dumped(external, tmp_path))

    with psycopg.connect(target.admin_url) as connection:
        assert connection.execute("select from pg_proc where proname = 'f'").rowcount == 0
        assert connection.execute("select from pg_trigger where tgname = 'append_only'").rowcount == 2
        assert connection.execute("select from app_user").rowcount == 1
    assert roles_left(target) == 0


def test_a_dump_whose_rows_come_from_a_program_runs_none(external: Database, tmp_path: Path) -> None:
    dump = dumped(external, tmp_path)
    whole, start = dump.read_bytes(), b"COPY public.transaction_ledger ("
    at = whole.index(start)
    end = whole.index(b";\n", at)
    wanted = f"COPY public.app_user FROM PROGRAM 'touch {tmp_path / 'ran'}' --".encode()
    dump.write_bytes(whole[:at] + wanted.ljust(end - at) + whole[end:])

    with pytest.raises(SetupError, match="pg_restore failed") as refused:
        brought_back(external, dump)

    assert "\n" not in str(refused.value)
    assert not (tmp_path / "ran").exists()
    assert roles_left(external) == 0


def test_code_in_dagsters_schema_is_refused(external: Database, tmp_path: Path) -> None:
    with psycopg.connect(external.admin_url) as connection:
        connection.execute("create table dagster.runs (id int)")
        connection.execute(
            "create function dagster.f() returns trigger language plpgsql as"
            " $$begin copy (select 1) to program 'x'; end$$"
        )
        connection.execute("create trigger t before insert on dagster.runs execute function dagster.f()")

    with pytest.raises(SetupError, match="brings its own") as refused:
        brought_back(external, dumped(external, tmp_path))

    assert "\n" not in str(refused.value)
    assert roles_left(external) == 0


def test_a_restore_of_a_dump_that_fails_gives_the_database_its_name_again(external: Database, tmp_path: Path) -> None:
    current = settings_of(tmp_path / "state", external)
    saved = backups.write(current, None)
    with psycopg.connect(external.admin_url) as connection:
        connection.execute("update app_user set email = 'newer@localhost'")

    def fail(_: Settings) -> None:
        raise SetupError("it does not add up")

    with pytest.raises(SetupError, match="does not add up"):
        backups.restore(current, saved, True, fail)

    with psycopg.connect(external.admin_url) as connection:
        assert connection.execute("select email from app_user").fetchone() == ("newer@localhost",)
        assert connection.execute(SET_ASIDE).rowcount == 0
