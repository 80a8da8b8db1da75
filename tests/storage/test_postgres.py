import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo
from psycopg.errors import InsufficientPrivilege

from storage.errors import SetupError
from storage.postgres import database as postgres
from storage.postgres import embedded
from storage.postgres.database import Database
from storage.settings import REPOSITORY, Settings
from tests.conftest import urls_of
from tests.effort import IS_LONG

AT_ONCE = 4 if IS_LONG else 2
USER = "00000000-0000-4000-8000-000000000001"
PORTFOLIO = "00000000-0000-4000-8000-0000000000aa"
_NEW_PORTFOLIO = """
    insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone)
    values (%s, %s, 'Core', 'USD', 'INVESTMENT', 'America/New_York')
"""
_DEPOSIT = """
    insert into transaction_ledger
        (portfolio_id, seq, account_id, txn_type, cash_effect, currency, business_date, event_ts, recorded_at, row_hash)
    select %s, %s, min(account_id), 'DEPOSIT', 100, 'USD', current_date, now(), now(), ''::bytea from account
"""
CHANGES = {
    "update": "update transaction_ledger set cash_effect = 0",
    "delete": "delete from transaction_ledger",
    "truncate": "truncate transaction_ledger",
    "truncate of what it refers to": "truncate portfolio cascade",
    "merge": """
        merge into transaction_ledger as old using (values (1)) as new (seq) on old.seq = new.seq
        when matched then delete
    """,
    "upsert": f"""
        insert into transaction_ledger select * from transaction_ledger
        on conflict (portfolio_id, seq) do update set cash_effect = 0 -- {PORTFOLIO}
    """,
}


@pytest.fixture
def ledger(new_database: Callable[[], Database]) -> Database:
    """A database whose ledger has one row, written by the application role."""
    created = new_database()
    with psycopg.connect(created.services_url) as connection:
        connection.execute(_NEW_PORTFOLIO, (PORTFOLIO, USER))
        connection.execute(_DEPOSIT, (PORTFOLIO, 1))
    return created


def ledger_rows(database: Database) -> list[tuple[object, ...]]:
    with psycopg.connect(database.admin_url) as connection:
        return connection.execute("select seq, cash_effect from transaction_ledger").fetchall()


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_application_role_cannot_change_the_ledger(ledger: Database, change: str) -> None:
    before = ledger_rows(ledger)

    with psycopg.connect(ledger.services_url) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(change)

    assert ledger_rows(ledger) == before


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_not_even_the_owner_can_change_the_ledger(ledger: Database, change: str) -> None:
    before = ledger_rows(ledger)

    with psycopg.connect(ledger.admin_url) as connection, pytest.raises(InsufficientPrivilege, match="append-only"):
        connection.execute(change)

    assert ledger_rows(ledger) == before


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_control_without_the_trigger_the_owner_can(ledger: Database, change: str) -> None:
    before = ledger_rows(ledger)

    with psycopg.connect(ledger.admin_url) as connection:
        connection.execute("drop trigger append_only on transaction_ledger")
        connection.execute(change)

    assert ledger_rows(ledger) != before


def test_the_application_role_cannot_remove_the_trigger(ledger: Database) -> None:
    with psycopg.connect(ledger.services_url) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute("drop trigger append_only on transaction_ledger")


def test_the_application_role_cannot_switch_triggers_off(ledger: Database) -> None:
    with psycopg.connect(ledger.services_url) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute("set session_replication_role = replica")


def test_the_application_role_can_add_to_the_ledger(ledger: Database) -> None:
    with psycopg.connect(ledger.services_url) as connection:
        connection.execute(_DEPOSIT, (PORTFOLIO, 2))

    assert len(ledger_rows(ledger)) == 2


def test_a_number_in_the_ledger_is_taken_once(ledger: Database) -> None:
    with psycopg.connect(ledger.services_url) as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute(_DEPOSIT, (PORTFOLIO, 1))


@pytest.fixture
def reader(ledger: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(ledger.reader_dsn) as connection:
        yield connection


SECRETS = {
    *("user_password", "user_session", "api_token", "invitation"),
    *("user_identity", "sign_in_step", "second_factor", "recovery_code"),
}


def test_the_reader_reads_every_table_but_those_of_secrets(reader: psycopg.Connection) -> None:
    tables = reader.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
    others = {name for (name,) in tables} - SECRETS - {"alembic_version"}

    read = [name for name in others if reader.execute(f"table {name}")]

    assert len(read) > 10
    assert len(others) == len(tables) - len(SECRETS) - 1


@pytest.mark.parametrize("table", sorted(SECRETS))
def test_no_secret_is_replicated(reader: psycopg.Connection, table: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        reader.execute(f"table {table}")


@pytest.mark.parametrize(
    "change",
    [
        "insert into app_user (user_id, email) values (gen_random_uuid(), 'a@b.c')",
        "update portfolio set name = 'Renamed'",
        "delete from account_holding",
        "truncate outbox",
        "create table mine (id int)",
    ],
)
def test_the_reader_only_reads(reader: psycopg.Connection, change: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        reader.execute(change)


def schema_of(database: Database) -> str:
    """The whole schema with its grants, as pg_dump writes it."""
    command = [str(embedded.binaries() / "pg_dump"), "--schema-only", "--restrict-key=same", database.admin_url]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_preparing_again_changes_nothing(ledger: Database) -> None:
    schema, rows = schema_of(ledger), ledger_rows(ledger)

    postgres.prepare(ledger)

    assert (schema_of(ledger), ledger_rows(ledger)) == (schema, rows)


def test_preparing_creates_what_is_missing(postgres_home: Path) -> None:
    missing = postgres.embedded_database(embedded.start(postgres_home), "made_by_prepare")

    postgres.prepare(missing)

    assert ledger_rows(missing) == []


def test_some_that_prepare_at_once_do_not_disturb_one_another(postgres_home: Path) -> None:
    database = postgres.embedded_database(embedded.start(postgres_home), "made_by_some")
    work = "import sys; from storage.postgres.database import Database, prepare; prepare(Database(*sys.argv[1:]))"
    started = [run_python(work, *astuple(database)) for _ in range(AT_ONCE)]

    outcomes = [process.communicate() for process in started]

    assert outcomes == [("", "")] * AT_ONCE
    assert ledger_rows(database) == []


def run_python(code: str, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, **environment},
    )


def test_alembic_upgrades_by_hand(postgres_home: Path) -> None:
    database = postgres.embedded_database(embedded.start(postgres_home), "made_by_hand")
    with psycopg.connect(conninfo.make_conninfo(database.admin_url, dbname="postgres"), autocommit=True) as connection:
        connection.execute("create database made_by_hand")
    urls = {name.upper(): url for name, url in urls_of(database).items()}
    command = [sys.executable, "-m", "alembic", "upgrade", "head"]

    done = subprocess.run(command, cwd=REPOSITORY, env={**os.environ, **urls}, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert ledger_rows(database) == []


def is_one_sentence(text: str) -> bool:
    return "\n" not in text and "Traceback" not in text and len(text) < 400


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://someone@127.0.0.1:1/lakefolio",
        "postgresql://someone@no-such-host.invalid/lakefolio",
        "postgresql://someone@/lakefolio?host=/no/such/folder",
        "postgresql://someone@127.0.0.1:port/lakefolio",
        "postgresql://someone@127.0.0.1/lakefolio?sslmoed=require",
        "127.0.0.1",
    ],
)
def test_a_wrong_database_url_is_one_sentence(url: str) -> None:
    with pytest.raises(SetupError, match="DATABASE_URL") as refused:
        postgres.prepare(Database(url, url, url))

    assert is_one_sentence(str(refused.value))


@pytest.mark.parametrize("url", ["postgresql://someone:s3cret@127.0.0.1:1/lakefolio", "someone:s3cret@127.0.0.1/lake"])
def test_the_sentence_does_not_show_the_password(url: str) -> None:
    with pytest.raises(SetupError) as refused:
        postgres.prepare(Database(url, url, url))

    assert "s3cret" not in str(refused.value)


def test_a_wrong_database_url_of_the_application_alone_is_one_sentence(ledger: Database) -> None:
    wrong = conninfo.make_conninfo(ledger.app_url, user="nobody_we_know")

    with pytest.raises(SetupError, match=r"nobody_we_know.*check DATABASE_URL") as refused, postgres.connect(wrong):
        pass

    assert is_one_sentence(str(refused.value))


def test_a_process_that_is_not_told_the_owners_address_does_without(ledger: Database) -> None:
    told = postgres.locate(Settings(database_url=ledger.app_url, database_admin_url=None, database_services_url=None))

    postgres.prepare(told)

    for refuses in (lambda: told.admin_url, lambda: told.services_url):
        with pytest.raises(SetupError, match="DATABASE_URL is set but DATABASE_") as refused:
            refuses()
        assert is_one_sentence(str(refused.value))


def test_a_schema_that_is_older_than_the_program_is_refused_in_one_sentence(new_database) -> None:
    older = new_database()
    with psycopg.connect(older.admin_url) as connection:
        connection.execute("update alembic_version set version_num = '0001'")

    with pytest.raises(SetupError, match="make migrate") as refused:
        postgres.prepare(Database(older.app_url, None, None))

    assert is_one_sentence(str(refused.value))


def test_a_state_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a file").touch()

    with pytest.raises(SetupError, match="set LAKEFOLIO_HOME") as refused:
        postgres.locate(Settings(lakefolio_home=tmp_path / "a file" / "state", database_url=None))

    assert is_one_sentence(str(refused.value))


def test_a_state_folder_that_cannot_be_written_is_one_sentence() -> None:
    with pytest.raises(SetupError, match="set LAKEFOLIO_HOME") as refused:
        embedded.start(Path("/proc"))  # read-only also for root

    assert is_one_sentence(str(refused.value))


def version_of(socket_dir: Path) -> str:
    database = postgres.embedded_database(socket_dir, "postgres")
    with psycopg.connect(database.admin_url) as connection:
        row = connection.execute("show server_version").fetchone()
        assert row is not None
        return str(row[0])


@pytest.mark.parametrize(
    "folder", ["my documents/it's 100% here", "/".join(["a-very-long-folder-name"] * 8)], ids=["odd", "long"]
)
def test_the_embedded_server_works_in_any_folder(tmp_path: Path, folder: str) -> None:
    home = tmp_path / folder
    try:
        socket_dir = embedded.start(home)
        postgres.prepare(postgres.embedded_database(socket_dir))

        assert ledger_rows(postgres.embedded_database(socket_dir)) == []
    finally:
        embedded.stop(home)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_a_state_that_was_copied_without_its_owners_is_one_sentence(frozen_cluster: Path, tmp_path: Path) -> None:
    home = tmp_path / "copied"
    shutil.copytree(frozen_cluster, home)

    with pytest.raises(SetupError, match="`chown -R"):
        embedded.start(home)


def test_processes_that_start_at_once_share_one_server(tmp_path: Path) -> None:
    work = """if True:
        import json, sys, psycopg
        from pathlib import Path
        from storage.postgres import database as postgres, embedded
        sys.stdin.readline()
        database = postgres.embedded_database(embedded.start(Path(sys.argv[1])), "postgres")
        with psycopg.connect(database.admin_url) as connection:
            print(json.dumps(connection.execute("select pg_postmaster_start_time()::text").fetchone()))
    """
    try:
        started = [run_python(work, str(tmp_path / "home")) for _ in range(AT_ONCE)]
        time.sleep(0.5)  # all have imported what they need and wait for their line
        for process in started:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        outcomes = [process.communicate() for process in started]
    finally:
        embedded.stop(tmp_path / "home")

    assert [error for _, error in outcomes if error] == []
    assert len({json.loads(out)[0] for out, _ in outcomes}) == 1


def test_a_server_that_crashed_is_started_again_with_all_that_was_committed(tmp_path: Path) -> None:
    try:
        database = postgres.embedded_database(embedded.start(tmp_path))
        postgres.prepare(database)
        with psycopg.connect(database.services_url) as connection:
            connection.execute(_NEW_PORTFOLIO, (PORTFOLIO, USER))
            connection.execute(_DEPOSIT, (PORTFOLIO, 1))
        busy = busy_for_a_moment(database)
        embedded.kill(tmp_path)

        embedded.start(tmp_path)

        assert len(ledger_rows(database)) == 1
        busy.join()
    finally:
        embedded.stop(tmp_path)


def busy_for_a_moment(database: Database) -> threading.Thread:
    """A query that outlives a crash of its server for a second or two."""

    def work() -> None:
        with suppress(psycopg.OperationalError), psycopg.connect(database.admin_url) as connection:
            connection.execute("select count(*) from generate_series(1, 10000000) as n where n % 7 = 3")

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.2)
    return thread


HOLD = """if True:
    import sys
    from storage.postgres.database import advisory_lock
    with advisory_lock(sys.argv[1], sys.argv[2]):
        print("held", flush=True)
        sys.stdin.read()
"""


@pytest.fixture
def holder(ledger: Database) -> Iterator["subprocess.Popen[str]"]:
    """A process that holds the lock called "refresh"."""
    process = run_python(HOLD, ledger.admin_url, "refresh")
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_lock_is_seen_while_another_process_holds_it(ledger: Database, holder: object) -> None:
    with psycopg.connect(ledger.admin_url) as connection:
        assert postgres.is_locked(connection, "refresh")


def test_a_lock_of_another_name_is_not_seen(ledger: Database, holder: object) -> None:
    with psycopg.connect(ledger.admin_url) as connection:
        assert not postgres.is_locked(connection, "another")


def test_a_lock_in_another_database_is_not_seen(holder: object, new_database: Callable[[], Database]) -> None:
    with psycopg.connect(new_database().admin_url) as connection:
        assert not postgres.is_locked(connection, "refresh")


def test_a_lock_ends_with_a_process_that_is_killed(ledger: Database, holder: "subprocess.Popen[str]") -> None:
    holder.kill()
    holder.wait()

    with psycopg.connect(ledger.admin_url, autocommit=True) as connection:
        assert becomes_free(connection, within_seconds=5)


def becomes_free(connection: psycopg.Connection, within_seconds: float) -> bool:
    until = time.monotonic() + within_seconds
    while postgres.is_locked(connection, "refresh"):
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def test_waiting_for_a_lock_is_not_holding_it(ledger: Database) -> None:
    with psycopg.connect(ledger.admin_url, autocommit=True) as connection:
        assert not postgres.is_locked(connection, "refresh")
        with postgres.advisory_lock(ledger.admin_url, "refresh"):
            pass

        assert becomes_free(connection, within_seconds=5)
