"""The whole state as one file and back, with writers at work, and what is refused; with LAKEFOLIO_CHAOS=long by `make`,
with a lake elsewhere, and the control of the order of copying too.
"""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pyarrow as pa
import pytest

from ops import backup as backups
from ops import cli, processes
from ops.environment import prepared
from storage.backup import archive
from storage.backup import state as backup
from storage.backup.contents import LOGICAL, PHYSICAL
from storage.errors import SetupError
from storage.lake.delta import Lake, lake_at
from storage.lake.releases import Release, Releases
from storage.postgres import database as postgres
from storage.postgres import embedded
from storage.postgres.database import Database
from storage.postgres.horizon import NOTICED, current_horizon, unseen
from storage.settings import REPOSITORY, Settings, settings
from tests.small_release import publish_small_release, release
from tests.waiting import wait_until

Numbers = dict[str, Any]
FAN = "simulation/simulation_fan"
SIGNED_IN = """
    with session as (
        insert into user_session (session_id, user_id, token_hash, user_agent, address, created_at, seen_at, ends_at)
        select gen_random_uuid(), user_id, sha256('secret'), '', '', now(), now(), now() + interval '30 days'
        from app_user limit 1
    ),
    token as (
        insert into api_token (token_id, user_id, name, prefix, token_hash, scopes, created_at)
        select gen_random_uuid(), user_id, 's', 'lkf_', sha256('token'), '{read}', now()
        from app_user limit 1
    )
    insert into invitation (invitation_id, kind, code_hash, created_at, ends_at)
    values (gen_random_uuid(), 'USER', sha256('code'), now(), now() + interval '7 days')
"""
STANDING = """
    select
        (select count(*) from user_session where ended_at is null),
        (select count(*) from api_token where ended_at is null),
        (select count(*) from invitation where ended_at is null)
"""
_PAUSE_S = 0.01
_NUMBERS = count(1)
NEWEST_FAN = "select max(email::bigint) from app_user where email not like '%@%'"


def settings_of(home: Path, database: Database | None = None) -> Settings:
    return Settings(
        lakefolio_home=home,
        database_url=database.app_url if database else None,
        database_admin_url=database.admin_url if database else None,
        database_services_url=database.services_url if database else None,
        lake_uri=None,
        market_source="sample",
    )


def look(current: Settings, seen: list[Numbers]) -> None:
    """Every table's rows and a checksum of them, of the database and of the lake."""
    database = postgres.locate(current)
    found: Numbers = {}
    with psycopg.connect(database.admin_url) as connection:
        tables = connection.execute(
            "select schemaname || '.' || tablename from pg_tables where schemaname in ('public', 'dagster') order by 1"
        ).fetchall()
        for (table,) in tables:
            query = f"select count(*), sum(hashtextextended(t::text, 0)::numeric) from {table} t"
            found[table] = connection.execute(query).fetchone()
    lake = lake_at(current.lake, database.admin_url)
    head = Releases(lake).head()
    found["release"] = head
    for table, version in head.versions.items() if head else []:
        found[table] = sorted(map(str, lake.read(table, version).to_pylist()))
    seen.append(found)


@dataclass
class Writer:
    """Deposits over HTTP and releases of what is there, for as long as it is inside; `acknowledged` are their seqs."""

    client: httpx.Client
    portfolio_id: str
    lake: Lake
    database: Database
    acknowledged: list[int] = field(default_factory=list)

    def deposit(self) -> None:
        body = {"type": "DEPOSIT", "amount": "1", "business_date": "2017-03-29"}
        answer = self.client.post(f"/portfolios/{self.portfolio_id}/transactions", json=body)
        assert answer.status_code == 201, answer.text
        self.acknowledged.append(answer.json()["seq"])

    def release(self) -> None:
        with postgres.connect(self.database.admin_url) as connection:
            release(self.lake, {"marts/dim_security": 0}, current_horizon(connection))

    def finish(self) -> None:
        """As a simulation ends: its table, then the release with it, then the row that says that it can be read."""
        fan = self.lake.publish(FAN, pa.table({"step": [time.monotonic_ns()]})).version
        Releases(self.lake).append({FAN: fan}, datetime.now(UTC), "a run")
        with postgres.connect(self.database.admin_url) as connection:
            connection.execute("insert into app_user values (gen_random_uuid(), %s)", (str(fan),))

    @contextmanager
    def at_work(self) -> Iterator[None]:
        done = threading.Event()
        failed: list[BaseException] = []

        def repeat(act: Callable[[], None]) -> None:
            try:
                while not done.wait(_PAUSE_S):
                    act()
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=repeat, args=(act,)) for act in (self.deposit, self.release, self.finish)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            done.set()
            for thread in threads:
                thread.join()
        assert failed == []


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Path, Writer, Numbers]]:
    """A state with a ledger and a released lake, backed up while a writer wrote, and then stopped; and what it was."""
    current = settings_of(tmp_path_factory.mktemp("saved") / "a state")
    variables = prepared(current)
    database = postgres.locate(current)
    lake = lake_at(current.lake, database.admin_url)
    api = processes.api(processes.free_port())
    try:
        processes.start(api, current.home, variables)
        processes.wait_ready(api, current.home)
        with httpx.Client(base_url=f"http://127.0.0.1:{api.port}/api/v1", timeout=30, trust_env=False) as client:
            opened = client.post("/portfolios", json={"name": "mine", "initial_cash": "100"}).json()
            with postgres.connect(database.admin_url) as connection:
                publish_small_release(lake, horizon=current_horizon(connection))
            writer = Writer(client, opened["portfolio_id"], lake, database)
            for _ in range(20):
                writer.deposit()
            quiet: list[Numbers] = []
            look(current, quiet)
            file = backups.write(current, current.home.parent / "quiet.tar")
            with psycopg.connect(database.admin_url) as connection:
                connection.execute(SIGNED_IN)
            with writer.at_work():
                wait_until(lambda: len(writer.acknowledged) >= 40)
                before = len(writer.acknowledged)
                backups.write(current, current.home.parent / "busy.tar")
            assert len(writer.acknowledged) > before, "the writer was not held up"
            writer.acknowledged[before:] = []
            yield current, file, writer, quiet[0]
    finally:
        processes.stop(current.home, "api")
        embedded.stop(current.home)
        shutil.rmtree(current.home.parent, ignore_errors=True)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Settings]:
    """An empty state folder to restore into."""
    current = settings_of(tmp_path / "restored state")
    yield current
    embedded.stop(current.home)
    shutil.rmtree(tmp_path, ignore_errors=True)


def test_a_restored_state_differs_in_nothing_and_one_that_is_there_is_moved_aside_on_demand_and_kept(
    saved, elsewhere: Settings
) -> None:
    _, file, _, quiet = saved
    verified: list[Numbers] = []
    (elsewhere.home / "lake").mkdir(parents=True)
    (elsewhere.home / "lake" / "mine").write_text("precious")
    (elsewhere.home / "backups").mkdir()

    with pytest.raises(SetupError, match="not empty; with FORCE=1"):
        backups.restore(elsewhere, file, False, lambda _: None)
    backups.restore(elsewhere, file, True, lambda current: look(current, verified))

    assert verified == [quiet]
    assert quiet["public.transaction_ledger"][0] == 21
    assert quiet["release"] is not None
    assert not embedded.is_running(elsewhere.home)
    (aside,) = elsewhere.home.parent.glob("*.before-restore-*")
    assert (aside / "lake" / "mine").read_text() == "precious"
    assert (elsewhere.home / "backups").exists(), "backups stay where they are looked for"


def test_a_backup_made_while_others_write_has_all_that_was_acknowledged_before(saved, elsewhere: Settings) -> None:
    current, _, writer, _ = saved
    backups.restore(elsewhere, current.home.parent / "busy.tar", False, lambda _: None)

    database = postgres.locate(elsewhere)
    with psycopg.connect(database.admin_url) as connection:
        seqs = {row[0] for row in connection.execute("select seq from transaction_ledger")}
        version = connection.execute("select version from portfolio").fetchone()
        balance = connection.execute("select balance from cash_balance").fetchone()
        summed = connection.execute("select sum(cash_effect) from transaction_ledger").fetchone()
        fan = connection.execute(NEWEST_FAN).fetchone()
        horizon = current_horizon(connection)
        standing = connection.execute(STANDING).fetchone()
    with psycopg.connect(writer.database.admin_url) as connection:
        still_standing = connection.execute(STANDING).fetchone()
    head = Releases(lake_at(elsewhere.lake, database.admin_url)).head()

    assert (standing, still_standing) == ((0, 0, 0), (1, 1, 1)), "who was signed in then may have been shut out since"
    assert set(writer.acknowledged) <= seqs == set(range(1, len(seqs) + 1))
    assert (version, balance) == ((len(seqs),), summed)
    assert head is not None
    assert head.kind != "RESTORE", "what it has seen of the database is in the database"
    assert not horizon.falls_behind(head.horizon)
    assert fan is not None
    assert 0 < fan[0] <= head.versions[FAN], "what the database says is there can be read"
    with psycopg.connect(database.services_url) as connection:
        connection.execute("update portfolio set name = 'after'")
        connection.commit()
        assert "portfolio" in unseen(connection, head.horizon), "what is recorded from now on is picked up"


def test_control_a_database_copied_before_the_lake_lacks_what_its_release_has_seen(
    saved, elsewhere: Settings, tmp_path: Path
) -> None:
    current, _, writer, _ = saved
    backup.copy_database(PHYSICAL, writer.database, tmp_path / "database")
    writer.deposit()
    writer.release()
    log = backup.lake_log(Path(current.lake))

    head, _ = restored_from(saved, elsewhere, log, tmp_path / "database")

    assert head.kind == "RESTORE", "it had to be adopted"


@pytest.mark.long
def test_control_a_release_between_lake_and_database_leaves_results_that_cannot_be_read(
    saved, elsewhere: Settings, tmp_path: Path
) -> None:
    current, _, writer, _ = saved
    log = backup.lake_log(Path(current.lake))
    writer.finish()
    backup.copy_database(PHYSICAL, writer.database, tmp_path / "database")

    head, fan = restored_from(saved, elsewhere, log, tmp_path / "database")

    assert fan > head.versions[FAN]


def restored_from(saved: Any, elsewhere: Settings, log: Any, database: Path) -> tuple[Release, int]:
    """The newest release and the newest result that the database tells of, after restoring a copy made by hand."""
    current, file, _, _ = saved
    with archive.written(database.with_name("by hand.tar")) as written:
        written.facts.update(archive.manifest_of(file))
        for name, content in {**log, **backup.lake_data(Path(current.lake), log)}.items():
            written.add(f"lake/{name}", content)
        written.add_folder("database", database)
    backups.restore(elsewhere, database.with_name("by hand.tar"), False, lambda _: None)
    restored = postgres.locate(elsewhere)
    head = Releases(lake_at(elsewhere.lake, restored.admin_url)).head()
    with psycopg.connect(restored.admin_url) as connection:
        fan = connection.execute(NEWEST_FAN).fetchone()
    assert head is not None
    assert fan is not None
    return head, fan[0]


def flipped(file: Path) -> None:
    with file.open("r+b") as content:
        content.seek(file.stat().st_size // 2)
        byte = content.read(1)
        content.seek(-1, os.SEEK_CUR)
        content.write(bytes([byte[0] ^ 1]))


def truncated(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def foreign(file: Path) -> None:
    file.write_text("this is no archive")


def another_format(file: Path) -> None:
    file.unlink()
    with archive.written(file) as written:
        written.facts["format"] = 2


def gone(file: Path) -> None:
    file.unlink()


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (flipped, "is damaged"),
        (truncated, "not a whole backup"),
        (foreign, "not a whole backup"),
        (another_format, "format 2"),
        (gone, "there is no backup"),
    ],
)
def test_a_file_that_is_not_a_whole_backup_is_refused_and_nothing_is_touched(
    saved, tmp_path: Path, damage: Callable[[Path], None], says: str
) -> None:
    file = tmp_path / "damaged.tar"
    shutil.copy(saved[1], file)
    damage(file)
    home = tmp_path / "home"
    (home / "lake").mkdir(parents=True)

    with pytest.raises(SetupError, match=says) as refused:
        backups.restore(settings_of(home), file, True, lambda _: None)

    assert "\n" not in str(refused.value)
    assert [path.name for path in home.parent.iterdir() if path != file] == ["home"]
    assert [path.name for path in home.iterdir()] == ["lake"]


def test_every_flipped_byte_of_a_file_is_found(saved, tmp_path: Path) -> None:
    """Through the archive alone: a byte in each of 50 places of its content."""
    file = tmp_path / "damaged.tar"
    content = tmp_path / "content"
    content.write_bytes(bytes(range(256)) * 200)
    with archive.written(file) as written:
        written.add("content", content)
    whole = file.read_bytes()
    start = whole.index(content.read_bytes())
    told = archive.manifest_of(file)
    archive.check(file, told["files"])

    for place in range(start, start + 51200, 1024):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x80]) + whole[place + 1 :])
        with pytest.raises(SetupError, match="content is not as it was written"):
            archive.check(file, told["files"])


def test_a_backup_that_fails_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), archive.written(tmp_path / "file.tar") as written:
        written.add("content", tmp_path / "gone")

    assert list(tmp_path.iterdir()) == []


def test_only_its_maker_may_read_a_backup(saved) -> None:
    assert saved[1].stat().st_mode & 0o777 == 0o600


@pytest.mark.long
def test_a_lake_elsewhere_is_restored_there_and_what_was_there_is_kept(saved, elsewhere: Settings) -> None:
    lake = elsewhere.home.parent / "a lake"
    (lake / "old").mkdir(parents=True)
    current = elsewhere.model_copy(update={"lake_uri": str(lake)})
    verified: list[Numbers] = []

    with pytest.raises(SetupError, match="a lake is not empty"):
        backups.restore(current, saved[1], False, lambda _: None)
    backups.restore(current, saved[1], True, lambda current: look(current, verified))

    assert verified == [saved[3]]
    assert not (elsewhere.home / "lake").exists()
    (aside,) = lake.parent.glob("a lake.before-restore-*")
    assert (aside / "old").exists()


@pytest.mark.parametrize(
    ("told", "kind", "lake", "says"),
    [
        ({"lake": "s3://bucket/lake"}, PHYSICAL, "/lake", "set LAKE_URI to that"),
        ({}, LOGICAL, "/lake", "unset DATABASE_URL"),
        ({"postgres_major": "9"}, PHYSICAL, "/lake", "is of PostgreSQL 9"),
        ({"schema_version": "9999"}, PHYSICAL, "/lake", "does not know; update it"),
    ],
)
def test_a_backup_that_belongs_elsewhere_is_one_sentence(saved, told: Numbers, kind: str, lake: str, says: str) -> None:
    with pytest.raises(SetupError, match=says):
        backup.refuse_foreign({**archive.manifest_of(saved[1]), **told}, kind, lake)


def test_a_setting_that_cannot_be_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAKEFOLIO_HOME", str(tmp_path))
    monkeypatch.setenv("STATEMENT_TIMEOUT", "soon")
    settings.cache_clear()

    code, printed = cli.main(["backup"]), capsys.readouterr()

    assert (code, printed.out) == (2, "")
    assert printed.err.startswith("error: STATEMENT_TIMEOUT is set to something else")
    assert len(printed.err.splitlines()) == 1


def test_a_state_in_use_is_not_replaced(saved) -> None:
    current, file, _, _ = saved

    with pytest.raises(SetupError, match=r"api .* run; `make down` stops them"):
        backups.restore(current, file, True, lambda _: None)


def test_a_database_in_use_is_not_replaced(saved, elsewhere: Settings) -> None:
    with (
        psycopg.connect(postgres.embedded_database(embedded.start(elsewhere.home), "postgres").admin_url),
        pytest.raises(SetupError, match="1 connections use the database"),
    ):
        backups.restore(elsewhere, saved[1], True, lambda _: None)


def test_a_disk_without_room_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="MB are needed"):
        backup.refuse_full(tmp_path / "not" / "yet", 10**18)


def test_nothing_to_back_up_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="there is nothing in"):
        backups.write(settings_of(tmp_path / "nothing"), None)


def test_a_backup_never_overwrites_another(saved) -> None:
    with pytest.raises(SetupError, match="exists already"):
        backups.write(saved[0], saved[1])


@pytest.mark.long
def test_make_backs_up_and_restores(saved, tmp_path: Path) -> None:
    current, _, _, _ = saved
    file = tmp_path / "by make.tar"

    def make(*words: str) -> subprocess.CompletedProcess[str]:
        command = ["make", "-s", "-o", ".venv/.installed", f"PY={sys.executable}", *words, f"BACKUP={file}"]
        return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120)

    backed_up = make("backup", f"HOME_DIR={current.home}")
    restored = make("restore", f"HOME_DIR={tmp_path / 'home'}")

    assert (backed_up.returncode, restored.returncode) == (0, 0), backed_up.stderr + restored.stderr
    assert f"restored into {tmp_path / 'home'}" in restored.stdout
    assert "ledger rows: no difference" in restored.stdout
    shutil.rmtree(tmp_path / "home")


@pytest.fixture
def external(new_database: Callable[[], Database]) -> Database:
    """A database that is not our own server's, whose cluster has seen many transactions and one portfolio."""
    created = new_database()
    with psycopg.connect(created.admin_url, autocommit=True) as connection:
        for _ in range(3000):
            connection.execute("select pg_current_xact_id()")
        connection.execute(
            "insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone) select"
            " gen_random_uuid(), user_id, 'Core', 'USD', 'INVESTMENT', 'UTC' from app_user"
        )
        connection.execute(
            "insert into transaction_ledger (portfolio_id, seq, account_id, txn_type, cash_effect, currency,"
            " business_date, event_ts, recorded_at, row_hash) select portfolio_id, 1, account_id, 'DEPOSIT', 1, 'USD',"
            " current_date, now(), now(), '' from portfolio, account"
        )
        connection.execute("update portfolio set version = 1")
    return created


@pytest.fixture(scope="module")
def socket_of_another(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where another cluster than the tests' own answers."""
    home = tmp_path_factory.mktemp("another") / "cluster"
    yield embedded.start(home, is_durable=False)
    embedded.stop(home)
    shutil.rmtree(home.parent, ignore_errors=True)


@pytest.fixture
def another_cluster(socket_of_another: Path) -> Database:
    """A database in it that is not there yet."""
    return postgres.embedded_database(socket_of_another, f"brought_back_{next(_NUMBERS)}")


INVISIBLE = "select count(*) from transaction_ledger where not pg_visible_in_snapshot(xid, pg_current_snapshot())"


def test_an_external_database_is_restored_into_another_cluster(
    external: Database, another_cluster: Database, tmp_path: Path
) -> None:
    source, target = settings_of(tmp_path / "source", external), settings_of(tmp_path / "target", another_cluster)
    with psycopg.connect(external.admin_url) as connection:
        made = publish_small_release(lake_at(source.lake, external.admin_url), horizon=current_horizon(connection))
        rows = connection.execute("select portfolio_id, seq, cash_effect from transaction_ledger").fetchall()
    file = backups.write(source, None)

    backups.restore(target, file, False, lambda _: None)

    head = Releases(lake_at(target.lake, another_cluster.admin_url)).head()
    assert head is not None
    assert (head.kind, head.versions) == ("RESTORE", made.versions)
    with psycopg.connect(another_cluster.admin_url) as connection:
        assert connection.execute("select portfolio_id, seq, cash_effect from transaction_ledger").fetchall() == rows
        assert connection.execute(INVISIBLE).fetchone() == (0,)
        assert {"transaction_ledger", "portfolio"} <= set(unseen(connection, head.horizon)) <= set(NOTICED)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("update transaction_ledger set note = 'x'")
    with psycopg.connect(another_cluster.services_url) as connection:
        assert connection.execute("select count(*) from portfolio").fetchone() == (1,)


def test_control_rows_that_keep_another_clusters_numbers_are_seen_by_no_snapshot(
    external: Database, another_cluster: Database, tmp_path: Path
) -> None:
    with psycopg.connect(external.admin_url) as connection:
        stamped = connection.execute("select xid::text from transaction_ledger").fetchone()
    file = backups.write(settings_of(tmp_path / "source", external), None)
    backups.restore(settings_of(tmp_path / "target", another_cluster), file, False, lambda _: None)

    with psycopg.connect(another_cluster.admin_url) as connection:
        connection.execute("alter table transaction_ledger disable trigger user")
        connection.execute("update transaction_ledger set xid = %s::xid8", stamped)
        connection.commit()
        assert connection.execute(INVISIBLE).fetchone() == (1,)


def test_an_external_database_with_a_ledger_is_renamed_and_kept(external: Database, tmp_path: Path) -> None:
    current = settings_of(tmp_path / "source", external)
    file = backups.write(current, None)

    with pytest.raises(SetupError, match="not empty; with FORCE=1"):
        backups.restore(current, file, False, lambda _: None)
    backups.restore(current, file, True, lambda _: None)

    with psycopg.connect(external.admin_url) as connection:
        of_this = "select from pg_database where starts_with(datname, current_database() || '_before_restore_')"
        assert connection.execute(of_this).rowcount == 1


def test_a_release_of_what_the_database_lost_is_adopted_so_that_the_next_refresh_is_due(
    new_database: Callable[[], Database], tmp_path: Path
) -> None:
    """As after a restore beside a bucket, which is not restored."""
    database = new_database()
    lake = lake_at(str(tmp_path), database.admin_url)
    with psycopg.connect(database.admin_url) as connection:
        now = current_horizon(connection)
        ahead = type(now)(f"{now.xmax + 1000}:{now.xmax + 1000}:", now.system_identifier)
        publish_small_release(lake, horizon=ahead)

        adopted = backup.adopt_release(lake, database, datetime.now(UTC))

        assert adopted is not None
        assert unseen(connection, adopted.horizon)
        assert unseen(connection, ahead) == [], "without it, what is recorded next would not be noticed"
    assert backup.adopt_release(lake, database, datetime.now(UTC)) is None
