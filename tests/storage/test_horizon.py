"""Transactions of PostgreSQL that a release has seen. The definition is PostgreSQL's own `pg_visible_in_snapshot`."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.postgres.database import Database
from storage.postgres.horizon import NOTICED, VisibilitySnapshot, current_horizon, unseen

USER = "00000000-0000-4000-8000-000000000001"
EARLY, LATE = "00000000-0000-4000-8000-0000000000aa", "00000000-0000-4000-8000-0000000000bb"
_NEW_PORTFOLIO = """
    insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone)
    values (%s, %s, 'Core', 'USD', 'INVESTMENT', 'America/New_York')
"""
_DEPOSIT = """
    insert into transaction_ledger
        (portfolio_id, seq, account_id, txn_type, cash_effect, currency, business_date, event_ts, recorded_at, row_hash)
    select %s, %s, min(account_id), 'DEPOSIT', 100, 'USD', current_date, now(), now(), ''::bytea from account
"""
_EVENT = "insert into outbox (aggregate_id, version, event_type, payload) values (%s, %s, 'Deposited', '{}')"


@st.composite
def horizons(draw: st.DrawFn) -> VisibilitySnapshot:
    """Any valid snapshot among the first 40 transactions: what is in progress lies from xmin to below xmax."""
    xmax = draw(st.integers(min_value=3, max_value=40))
    in_progress = sorted(draw(st.sets(st.integers(min_value=3, max_value=40).filter(lambda xid: xid < xmax))))
    xmin = in_progress[0] if in_progress else xmax
    return VisibilitySnapshot(f"{xmin}:{xmax}:{','.join(map(str, in_progress))}", "7")


@pytest.fixture(scope="module")
def definition(new_database: Callable[[], Database]) -> Iterator[psycopg.Connection]:
    with psycopg.connect(new_database().admin_url, autocommit=True) as connection:
        yield connection


@settings(deadline=None)  # it asks a real server on a machine that may be busy
@given(horizon=horizons())
def test_a_horizon_sees_what_postgresql_says_it_sees(
    definition: psycopg.Connection, horizon: VisibilitySnapshot
) -> None:
    seen = definition.execute(
        "select xid from generate_series(1, 45) as xid where pg_visible_in_snapshot(xid::text::xid8, %s::pg_snapshot)",
        (horizon.snapshot,),
    ).fetchall()

    assert [xid for xid in range(1, 46) if horizon.sees(xid)] == [row[0] for row in seen]


@given(one=horizons(), other=horizons())
def test_a_horizon_falls_behind_if_it_misses_something_that_the_other_sees(
    one: VisibilitySnapshot, other: VisibilitySnapshot
) -> None:
    missed = [xid for xid in range(1, 46) if other.sees(xid) and not one.sees(xid)]

    assert one.falls_behind(other) == bool(missed)


@given(horizon=horizons())
def test_a_horizon_does_not_fall_behind_itself(horizon: VisibilitySnapshot) -> None:
    assert not horizon.falls_behind(horizon)


@pytest.fixture
def database(new_database: Callable[[], Database]) -> Database:
    """A database of this test's own, with two portfolios."""
    created = new_database()
    with psycopg.connect(created.services_url) as connection:
        for portfolio in (EARLY, LATE):
            connection.execute(_NEW_PORTFOLIO, (portfolio, USER))
    return created


@pytest.fixture
def session(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.services_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def owner(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        yield connection


def deposit(connection: psycopg.Connection, portfolio: str, seq: int = 1) -> None:
    connection.execute(_DEPOSIT, (portfolio, seq))
    connection.execute(_EVENT, (portfolio, seq))


def test_a_new_row_is_unseen_until_a_horizon_after_it(session: psycopg.Connection) -> None:
    before = current_horizon(session)
    deposit(session, EARLY)

    assert unseen(session, before) == ["transaction_ledger"]
    assert unseen(session, current_horizon(session)) == []


def test_of_a_horizon_of_another_cluster_everything_is_ahead(session: psycopg.Connection) -> None:
    deposit(session, EARLY)
    foreign = replace(current_horizon(session), system_identifier="7")

    assert unseen(session, foreign) == list(NOTICED)


def test_a_row_that_was_rolled_back_is_not_unseen(session: psycopg.Connection) -> None:
    horizon = current_horizon(session)
    with session.transaction() as unit_of_work:
        deposit(session, EARLY)
        raise psycopg.Rollback(unit_of_work)

    assert unseen(session, horizon) == []


def test_a_row_in_a_savepoint_is_unseen(session: psycopg.Connection) -> None:
    horizon = current_horizon(session)
    with session.transaction(), session.transaction():
        deposit(session, EARLY)

    assert unseen(session, horizon) == ["transaction_ledger"]


def commit_late(session: psycopg.Connection, database: Database) -> tuple[VisibilitySnapshot, int]:
    """Return what two readers remember between two commits: the one that began first commits after they looked."""
    with psycopg.connect(database.services_url) as early:
        deposit(early, EARLY)
        deposit(session, LATE)
        horizon = current_horizon(session)
        last = session.execute("select max(seq) from outbox").fetchone()
        assert last is not None
    return horizon, last[0]


def test_a_unit_of_work_that_began_first_and_commits_late_is_not_lost(
    session: psycopg.Connection, database: Database
) -> None:
    horizon, _ = commit_late(session, database)

    assert unseen(session, horizon) == ["transaction_ledger"]


def test_control_a_cursor_on_a_sequence_loses_it(session: psycopg.Connection, database: Database) -> None:
    _, last = commit_late(session, database)

    newer = session.execute("select aggregate_id from outbox where seq > %s", (last,)).fetchall()

    assert newer == []  # and yet there are two events, of which the cursor has passed one
    assert session.execute("select count(*) from outbox").fetchall() == [(2,)]


@pytest.fixture
def long_transaction(database: Database) -> Iterator[int]:
    """The number of a transaction that stays open all the while, in another database of the server."""
    elsewhere = psycopg.conninfo.make_conninfo(database.admin_url, dbname="postgres")
    with psycopg.connect(elsewhere) as connection:
        row = connection.execute("select pg_current_xact_id()::text::bigint").fetchone()
        assert row is not None
        yield row[0]


def test_a_long_transaction_in_another_database_does_not_make_us_ahead_for_ever(
    session: psycopg.Connection, long_transaction: int
) -> None:
    deposit(session, EARLY)
    horizon = current_horizon(session)

    assert horizon.xmin == long_transaction
    assert unseen(session, horizon) == []


def test_control_by_xmin_alone_it_would(session: psycopg.Connection, long_transaction: int) -> None:
    deposit(session, EARLY)
    xmin_alone = replace(current_horizon(session), snapshot=f"{long_transaction}:{long_transaction}:")

    assert unseen(session, xmin_alone) == ["transaction_ledger"]


def test_a_row_after_it_is_noticed_while_a_long_transaction_holds_xmin_back(
    session: psycopg.Connection, long_transaction: int
) -> None:
    horizon = current_horizon(session)
    deposit(session, EARLY)

    assert unseen(session, horizon) == ["transaction_ledger"]


@pytest.mark.parametrize(
    ("table", "update"),
    [
        ("portfolio", "update portfolio set name = 'Renamed'"),
        ("account", "update account set broker = 'Another'"),
        ("security_registry", "update security_registry set display_name = 'Renamed'"),
        ("security_identifier", "update security_identifier set id_value = 'META'"),
        ("equity_details", "update equity_details set sector = 'Energy'"),
        ("fund_details", "update fund_details set category = 'Bonds'"),
        ("bond_details", "update bond_details set issuer = 'Meta'"),
    ],
)
def test_an_update_of_a_reference_row_is_noticed(owner: psycopg.Connection, table: str, update: str) -> None:
    owner.execute("insert into security_registry (asset_type, currency, display_name) values ('EQUITY', 'USD', 'Meta')")
    owner.execute("insert into security_identifier select security_id, 'TICKER', 'FB', true from security_registry")
    owner.execute("insert into equity_details (security_id) select security_id from security_registry")
    owner.execute("insert into fund_details (security_id) select security_id from security_registry")
    owner.execute(
        "insert into bond_details (security_id, maturity_date, coupon_rate_pct, day_count)"
        " select security_id, '2027-02-15', 0, 'ACT/ACT ICMA' from security_registry"
    )
    horizon = current_horizon(owner)
    owner.execute(update)

    assert unseen(owner, horizon) == [table]


def test_control_an_update_that_keeps_its_old_xid_is_not_noticed(owner: psycopg.Connection) -> None:
    horizon = current_horizon(owner)
    owner.execute("alter table portfolio disable trigger stamp_xid")
    owner.execute("update portfolio set name = 'Renamed'")

    assert unseen(owner, horizon) == []


def test_every_noticed_table_has_an_index_on_xid(owner: psycopg.Connection) -> None:
    indexed = owner.execute(
        "select tablename from pg_indexes where indexdef like '%%(xid)' and tablename = any(%s)", (list(NOTICED),)
    ).fetchall()

    assert sorted(row[0] for row in indexed) == sorted(NOTICED)


def test_a_posted_price_is_noticed(session: psycopg.Connection, owner: psycopg.Connection) -> None:
    owner.execute("insert into security_registry (asset_type, currency, display_name) values ('EQUITY', 'USD', 'Acme')")
    horizon = current_horizon(session)
    session.execute(
        "insert into posted_price (security_id, price_date, close, currency, user_id, posted_at)"
        " select security_id, '2017-03-29', 12, 'USD', %s, now() from security_registry",
        (USER,),
    )

    assert unseen(session, horizon) == ["posted_price"]
