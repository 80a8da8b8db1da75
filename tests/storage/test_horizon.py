"""What a release has seen of PostgreSQL. The definition is PostgreSQL's own `pg_visible_in_snapshot`."""

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.horizon import NOTICED, Horizon, current_horizon, unseen
from storage.postgres import Database

USER = "00000000-0000-4000-8000-000000000001"
PORTFOLIO = "00000000-0000-4000-8000-0000000000aa"
_NEW_PORTFOLIO = """
    insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone)
    values (%s, %s, 'Core', 'USD', 'INVESTMENT', 'America/New_York')
"""
_DEPOSIT = """
    insert into transaction_ledger
        (portfolio_id, seq, account_id, txn_type, cash_effect, currency, business_date, event_ts, recorded_at)
    select %s, %s, min(account_id), 'DEPOSIT', 100, 'USD', current_date, now(), now() from account
"""
_EVENT = "insert into outbox (aggregate_id, version, event_type, payload) values (%s, %s, 'Deposited', '{}')"


@st.composite
def horizons(draw: st.DrawFn) -> Horizon:
    """Any valid snapshot among the first 40 transactions: what is in progress lies from xmin to below xmax."""
    xmax = draw(st.integers(min_value=3, max_value=40))
    in_progress = sorted(draw(st.sets(st.integers(min_value=3, max_value=40).filter(lambda xid: xid < xmax))))
    xmin = in_progress[0] if in_progress else xmax
    return Horizon(f"{xmin}:{xmax}:{','.join(map(str, in_progress))}", "7")


@pytest.fixture(scope="module")
def definition(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        yield connection


@given(horizon=horizons())
def test_a_horizon_sees_what_postgresql_says_it_sees(definition: psycopg.Connection, horizon: Horizon) -> None:
    seen = definition.execute(
        "select xid from generate_series(1, 45) as xid where pg_visible_in_snapshot(xid::text::xid8, %s::pg_snapshot)",
        (horizon.snapshot,),
    ).fetchall()

    assert [xid for xid in range(1, 46) if horizon.sees(xid)] == [row[0] for row in seen]


@given(one=horizons(), other=horizons())
def test_a_horizon_falls_behind_if_it_misses_something_that_the_other_sees(one: Horizon, other: Horizon) -> None:
    missed = [xid for xid in range(1, 46) if other.sees(xid) and not one.sees(xid)]

    assert one.falls_behind(other) == bool(missed)


@given(horizon=horizons())
def test_a_horizon_does_not_fall_behind_itself(horizon: Horizon) -> None:
    assert not horizon.falls_behind(horizon)


@pytest.fixture
def connect(database: Database) -> Iterator[object]:
    """Opens connections of the application role; all are closed in the end."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(psycopg.connect(database.app_url, autocommit=True))


@pytest.fixture
def session(connect: object) -> psycopg.Connection:
    """A connection, and a portfolio without rows in the ledger."""
    connection: psycopg.Connection = connect()  # type: ignore[operator]
    return connection


@pytest.fixture
def portfolio(session: psycopg.Connection) -> str:
    row = session.execute("select gen_random_uuid()::text").fetchone()
    assert row is not None
    session.execute(_NEW_PORTFOLIO, (row[0], USER))
    return str(row[0])
