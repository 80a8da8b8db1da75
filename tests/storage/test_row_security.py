"""Row-level security by itself: what the API's role sees without any filter of ours, and that the catalogue says so.

The statements here name no owner. Each policy is also taken away, one at a time: every time a stranger's row is seen.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from oltp_api.sight import Sight, sight_of
from storage.postgres.database import Database

ANN, BEN, VIC, EVE = (UUID(int=number) for number in (1, 2, 3, 4))
OF_ANN, ALSO_OF_ANN, OF_BEN = (UUID(int=number) for number in (11, 12, 22))
IDENTITY = {
    *("app_user", "user_password", "user_session", "api_token", "invitation"),
    *("user_identity", "sign_in_step", "second_factor", "recovery_code"),
}
"""Asked by the door before anybody is known: by a secret's hash or an address, one row at a time."""
SHARED = {
    *("security_registry", "security_identifier", "identifier_addition", "withdrawn_identifier"),
    *("equity_details", "fund_details", "bond_details"),
}
"""The registry belongs to nobody."""
MACHINERY = {
    *("alembic_version", "consumer_position", "delivery", "dead_letter", "installation", "job_failure", "write_probe"),
}
ANYBODY_ADDS = {"outbox", "audit_event"}
BY_PORTFOLIO = {
    *("account_holding", "cash_balance", "collateral_ranking", "import_batch", "imported_row", "order_fill", "orders"),
    *("outbox", "audit_event", "portfolio", "portfolio_share", "position_snapshot", "simulation", "transaction_ledger"),
    "risk_analysis",
}
BY_USER = {
    *("account", "haircut", "haircut_schedule", "idempotency_key", "import_profile", "posted_price"),
    "simulation_scenario",
}


CHECKED: Mapping[str, Mapping[str, object]] = {
    "account": {"account_type": "BROKERAGE"},
    "portfolio": {"base_currency": "USD", "kind": "INVESTMENT", "time_zone": "UTC"},
    "transaction_ledger": {"txn_type": "DEPOSIT", "currency": "USD"},
    "cash_balance": {"currency": "USD"},
    "orders": {"side": "SELL", "order_type": "MARKET", "status": "FILLED", "reserved_cash": 0, "reserved_quantity": 0},
    "order_fill": {"fill_id": "f", "source": "MANUAL"},
    "import_batch": {"file_sha256": "a" * 64, "status": "COMPLETE", "duplicates": 0, "refused": 0, "skipped": 0},
    "imported_row": {},
    "simulation": {"num_paths": 100, "sample_paths": 10},
    "risk_analysis": {"writer": "rules/1"},
    "account_holding": {"lots": "[]"},
    "position_snapshot": {"payload": "[]", "is_current": True},
    "collateral_ranking": {"valuation_basis": "market", "currency": "USD"},
    "outbox": {},
    "audit_event": {},
    "portfolio_share": {"role": "VIEWER"},
    "haircut_schedule": {},
    "haircut": {"level": "CLASS", "asset_type": "EQUITY"},
    "import_profile": {"name": "p"},
    "simulation_scenario": {"name": "s"},
    "idempotency_key": {},
    "posted_price": {},
}
"""A row of each owned table: what its checks ask for. The rest is blank, or says whose it is."""
_BLANK: Mapping[str, object] = {
    **dict.fromkeys(("bigint", "integer", "numeric", "double precision", "smallint"), 1),
    **dict.fromkeys(("jsonb", "ARRAY"), "{}"),
    **{"text": "s", "character": "USD", "boolean": False, "date": "2016-01-04", "bytea": b"x" * 32},
    "timestamp with time zone": "2016-01-04",
}
_NEEDED = """
select column_name, data_type from information_schema.columns
where table_schema = 'public' and table_name = %s
    and (is_nullable = 'NO' and column_default is null and is_identity = 'NO' or column_name = any(%s))
"""


def add(connection: psycopg.Connection, table: str, **whose: object) -> None:
    """A row of `table`; of `whose` what it has columns for."""
    given = {**whose, **CHECKED[table]}
    needed = dict(connection.execute(_NEEDED, (table, list(given))).fetchall())
    row = {
        name: given.get(name, whose["portfolio_id"] if kind == "uuid" else _BLANK.get(kind))
        for name, kind in needed.items()
    }
    names, values = (sql.SQL(", ").join(map(each, row)) for each in (sql.Identifier, sql.Placeholder))
    into = sql.SQL("insert into {} ({}) overriding system value values ({})")
    connection.execute(into.format(sql.Identifier(table), names, values), row)


@pytest.fixture(scope="module")
def shared_database(new_database: Callable[[], Database]) -> Database:
    created = new_database()
    fill(created)
    return created


def fill(created: Database) -> None:
    """Give Ann two portfolios and Ben one; Ann shares one of hers with Vic. Eve has nothing."""
    with psycopg.connect(created.admin_url) as connection:
        connection.execute("set session_replication_role = replica")
        for user in (ANN, BEN, VIC, EVE):
            connection.execute("insert into app_user (user_id, email) values (%s, %s)", (user, f"{user}@example.org"))
        for user, portfolio, is_first in ((ANN, OF_ANN, True), (ANN, ALSO_OF_ANN, False), (BEN, OF_BEN, True)):
            grantee = {"user_id": VIC, "accepted_at": "2016-01-04", "email": "v@e.org"} if portfolio == OF_ANN else None
            for table in CHECKED:
                if is_first or table in BY_PORTFOLIO:
                    whose = {**dict.fromkeys(("user_id", "offered_by", "owner_id"), user), "aggregate_id": portfolio}
                    whose["portfolio_id"] = portfolio
                    shared = (grantee or {"user_id": None, "email": "w@e.org"}) if table == "portfolio_share" else {}
                    add(
                        connection,
                        table,
                        **{**whose, "event_id": portfolio if table == "outbox" else portfolio.int, **shared},
                    )


@contextmanager
def as_the_api(connection: psycopg.Connection, sight: Sight | None) -> Iterator[None]:
    """Inside, statements run as the API's role; nothing stays."""
    with suppress(psycopg.Rollback), connection.transaction():
        connection.execute("set local role lakefolio_app")
        if sight is not None:
            sight.say(connection)
        yield
        raise psycopg.Rollback


def owned_tables(connection: psycopg.Connection) -> list[str]:
    tables = connection.execute("select tablename from pg_tables where schemaname = 'public' order by 1").fetchall()
    return [name for (name,) in tables if name not in IDENTITY | SHARED | MACHINERY]


def seen(connection: psycopg.Connection, table: str) -> int:
    row = connection.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(table))).fetchone()
    assert row is not None
    return int(row[0])


def rows_of(connection: psycopg.Connection, sight: Sight | None) -> Mapping[str, int]:
    """How many rows of each owned table somebody sees by statements that filter nothing."""
    with as_the_api(connection, sight):
        return {table: seen(connection, table) for table in owned_tables(connection)}


def expected(portfolios: int, users: int) -> Mapping[str, int]:
    return {**dict.fromkeys(BY_PORTFOLIO, portfolios), **dict.fromkeys(BY_USER, users)}


EVERYBODY: Mapping[str, tuple[Sight | None, Mapping[str, int]]] = {
    "nobody": (None, expected(0, 0)),
    "stranger": (sight_of(EVE, EVE), expected(0, 0)),
    "owner of two": (sight_of(ANN, ANN), expected(2, 1)),
    "owner of one": (sight_of(BEN, BEN), expected(1, 1)),
    "viewer in what is shared": (sight_of(VIC, ANN, OF_ANN), {**expected(1, 1), "idempotency_key": 0}),
    "viewer elsewhere": (sight_of(VIC, VIC), expected(1, 0)),
}


@pytest.mark.parametrize("who", EVERYBODY)
def test_without_any_filter_everybody_sees_their_own(shared_database: Database, who: str) -> None:
    sight, wanted = EVERYBODY[who]

    with psycopg.connect(shared_database.admin_url) as connection:
        assert rows_of(connection, sight) == wanted


def deviations(connection: psycopg.Connection) -> list[str]:
    """Everybody of EVERYBODY who sees something else than they should."""
    return [who for who, (sight, wanted) in EVERYBODY.items() if rows_of(connection, sight) != wanted]


def test_each_policy_that_is_taken_away_shows_a_strangers_rows(shared_database: Database) -> None:
    """Mutants, one at a time: the policy lets everything through, or the table has none."""
    mutants = 0
    with psycopg.connect(shared_database.admin_url) as connection:
        for table in owned_tables(connection):
            name = sql.Identifier(table)
            for change in ("alter policy seen on {} using (true)", "alter table {} disable row level security"):
                with connection.transaction(force_rollback=True):
                    connection.execute(sql.SQL(change).format(name))
                    assert "stranger" in deviations(connection), f"{change} on {table} is not noticed"
                    mutants += 1
        assert deviations(connection) == []
    assert mutants == 2 * len(BY_PORTFOLIO | BY_USER)


def test_a_stranger_changes_and_adds_nothing(shared_database: Database) -> None:
    """Statements without a filter, over Ann's rows; the control is Ann herself."""
    changes = {"portfolio": "name = name", "account": "broker = broker", "cash_balance": "balance = balance"}
    moved = "insert into cash_balance (portfolio_id, currency, balance) values (%s, 'EUR', 1)"
    with psycopg.connect(shared_database.admin_url) as connection:
        for table, change in changes.items():
            for sight, rows in ((sight_of(EVE, EVE), 0), (sight_of(ANN, ANN), seen_by_ann(table))):
                with as_the_api(connection, sight):
                    assert connection.execute(f"update {table} set {change}").rowcount == rows
        with as_the_api(connection, sight_of(ANN, ANN)):
            connection.execute(moved, (OF_ANN,))
        for user in (EVE, BEN):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), as_the_api(connection, sight_of(user, user)):
                connection.execute(moved, (OF_ANN,))


def test_only_an_administrator_posts_a_price_for_all(shared_database: Database) -> None:
    """Where there is none, whoever is alone with the state does."""
    post = """
        insert into posted_price (security_id, price_date, close, currency, user_id, owner_id, posted_at)
        values (1, '2016-01-05', 1, 'USD', %s, %s, now())
    """
    with psycopg.connect(shared_database.admin_url) as connection, connection.transaction(force_rollback=True):
        connection.execute("set session_replication_role = replica")
        with as_the_api(connection, sight_of(EVE, EVE)):
            connection.execute(post, (EVE, None))
        connection.execute("update app_user set is_admin = true where user_id = %s", (BEN,))
        for who, owner in ((BEN, None), (BEN, BEN), (EVE, EVE)):
            with as_the_api(connection, sight_of(who, who)):
                connection.execute(post, (who, owner))
        for owner in (None, ANN):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), as_the_api(connection, sight_of(EVE, EVE)):
                connection.execute(post, (EVE, owner))


def seen_by_ann(table: str) -> int:
    return EVERYBODY["owner of two"][1][table]


def test_nobody_gives_a_portfolio_to_another_owner(shared_database: Database) -> None:
    with (
        psycopg.connect(shared_database.admin_url) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        as_the_api(connection, sight_of(ANN, ANN)),
    ):
        connection.execute("update portfolio set user_id = %s", (ANN,))


def test_the_chain_ends_only_with_a_row_that_is_there(shared_database: Database) -> None:
    moved = "update portfolio set version = 1, ledger_hash = %s where portfolio_id = %s"
    with psycopg.connect(shared_database.admin_url) as connection:
        with as_the_api(connection, sight_of(ANN, ANN)):
            assert connection.execute(moved, (b"x" * 32, OF_ANN)).rowcount == 1
        with (
            pytest.raises(psycopg.errors.CheckViolation, match="no row"),
            as_the_api(connection, sight_of(ANN, ANN)),
        ):
            connection.execute(moved, (b"y" * 32, OF_ANN))


def test_the_replicating_role_and_the_services_read_everything(shared_database: Database) -> None:
    for url in (shared_database.services_url, shared_database.reader_dsn):
        with psycopg.connect(url) as connection:
            assert seen(connection, "transaction_ledger") == 3


def test_a_connection_that_still_acts_for_somebody_is_ended_before_it_answers(shared_database: Database) -> None:
    """The control, on the same connection: what was said for one transaction ends with it."""
    with psycopg.connect(shared_database.app_url) as connection:
        for _ in range(2):
            sight_of(ANN, ANN).say(connection)
            connection.commit()
        connection.execute("select set_config('lakefolio.askers', %s, false)", (f"{{{ANN}}}",))
        connection.commit()
        with pytest.raises(psycopg.OperationalError):
            sight_of(BEN, BEN).say(connection)


def test_the_catalogue(shared_database: Database) -> None:
    """Owned tables have forced policies; the API's login is none of the roles that pass them; views ask as their
    reader; functions of the owner's have a fixed path, and are these."""
    with psycopg.connect(shared_database.admin_url) as connection:

        def found(query: str) -> list[tuple[object, ...]]:
            return connection.execute(query).fetchall()

        forced = found("select relname from pg_class where relrowsecurity and relforcerowsecurity order by 1")
        assert [name for (name,) in forced] == owned_tables(connection)
        assert set(owned_tables(connection)) == BY_PORTFOLIO | BY_USER
        columns = "table_schema = 'public' and column_name in ('user_id', 'portfolio_id')"
        naming = {name for (name,) in found(f"select table_name from information_schema.columns where {columns}")}
        assert naming - IDENTITY - BY_PORTFOLIO - BY_USER == {"position_current"}
        assert found("select rolname from pg_roles where rolbypassrls and rolname like 'lakefolio%'") == []
        memberships = "select pg_has_role('lakefolio', oid, 'member') from pg_roles where rolname in"
        others = "('lakefolio_services', 'lakefolio_reader', 'lakefolio_migrator', 'postgres')"
        assert set(found(f"{memberships} {others}")) == {(False,)}
        assert (
            found(
                "select relname from pg_class where relkind = 'v' and relnamespace = 'public'::regnamespace"
                " and not coalesce(reloptions::text like '%security_invoker=true%', false)"
            )
            == []
        )
        definers = found(
            "select proname, proconfig::text from pg_proc where prosecdef and pronamespace = 'public'::regnamespace"
        )
        assert all("search_path=" in str(path) for _, path in definers), definers
        assert {name for name, _ in definers} == {
            *("access_to", "is_identifier_used", "ledger_head_at", "ledger_size", "offers_to"),
            *("oldest_transaction_seconds", "portfolios_of_users", "seconds_unreleased", "sees", "withdraw_identifier"),
        }
        policies = found(
            "select policyname, roles::text, cmd, count(*) from pg_policies group by 1, 2, 3 order by 1, 3"
        )
        owned, added = len(owned_tables(connection)), len(ANYBODY_ADDS | {"posted_price"})
        assert policies == [
            ("added", "{lakefolio_app}", "INSERT", added),
            ("everything", "{lakefolio_migrator,lakefolio_services}", "ALL", owned),
            ("everything_read", "{lakefolio_reader}", "SELECT", owned),
            ("seen", "{lakefolio_app}", "ALL", owned - added),
            ("seen", "{lakefolio_app}", "SELECT", added),
        ]
        assert (
            found(
                "select table_name, grantee from information_schema.role_table_grants where table_schema = 'public'"
                " and grantee not in ('postgres', 'lakefolio_app', 'lakefolio_reader')"
            )
            == [("risk_analysis", "lakefolio_services")]  # who alone writes what is never changed after
        )
        assert (
            found(
                "select table_name from information_schema.role_table_grants where grantee = 'lakefolio_reader'"
                " and privilege_type <> 'SELECT'"
            )
            == []
        )
