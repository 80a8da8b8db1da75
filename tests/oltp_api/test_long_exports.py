"""A long ledger is read by two connections: the same file, of one instant, for one asker; and both are given back."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from oltp_api.exports.forms import own
from oltp_api.exports.handlers import FORMATS, FormatName, exported
from oltp_api.exports.repository import one_instant
from oltp_api.sight import seeing, sight_of
from oltp_api.unit_of_work import Pool
from storage.postgres.database import Database

OWNER = UUID("00000000-0000-4000-8000-000000000001")
LONG = UUID(int=3)
ROWS = 30_000
_PORTFOLIO = """
    insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone)
    values (%s, %s, 'long', 'USD', 'INVESTMENT', 'UTC')
"""
_ADD = """
    with longer as (
        update portfolio set version = version + %(rows)s, ledger_hash = %(hash)s
        where portfolio_id = %(portfolio_id)s
        returning version - %(rows)s as before
    )
    insert into transaction_ledger (
        portfolio_id, seq, account_id, txn_type, gross, cash_effect, currency, business_date, event_ts, recorded_at,
        note, row_hash
    )
    select %(portfolio_id)s, before + n, 1, 'DEPOSIT', 1, 1, 'USD', '2016-01-04', '2016-01-04', '2016-01-04',
        repeat('"=,' || chr(10) || '\\', n %% 90), %(hash)s
    from longer cross join generate_series(1, %(rows)s) as n
"""


def add(database: Database, rows: int) -> None:
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(_ADD, {"portfolio_id": LONG, "rows": rows, "hash": bytes(32)})


@pytest.fixture(scope="module")
def long(new_database: Callable[[], Database]) -> Database:
    database = new_database()
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(_PORTFOLIO, (LONG, OWNER))
    add(database, ROWS)
    return database


@pytest.fixture
def pool(long: Database) -> Iterator[Pool]:
    """Two connections, which may touch what who asks may."""
    made: Pool = ConnectionPool(long.app_url, min_size=2, max_size=2, kwargs={"row_factory": dict_row}, open=True)
    with made, seeing(sight_of(OWNER, OWNER, LONG)):
        made.wait()
        yield made


def free(pool: Pool) -> int:
    return pool.get_stats()["pool_available"]


@pytest.mark.parametrize("name", ["csv", "json", "parquet"])
def test_two_connections_make_the_file_that_one_makes(pool: Pool, name: FormatName) -> None:
    by_two = exported(pool, LONG, FORMATS[name], {})
    pieces = [next(by_two)]
    assert free(pool) == 0
    pieces += by_two

    assert free(pool) == 2
    with pool.connection():  # somebody else has the second
        by_one = list(exported(pool, LONG, FORMATS[name], {}))
    assert b"".join(pieces) == b"".join(by_one)
    if name == "json":
        rows = json.loads(b"".join(by_one))["transactions"]
        assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))


def test_a_second_connection_that_begins_later_sees_the_same_instant(pool: Pool, long: Database) -> None:
    with one_instant(pool) as reads:
        before = reads.portfolio(LONG).version
        add(long, 5_000)
        document = json.loads(b"".join(own.as_json(reads, LONG)))
        assert free(pool) == 0

    assert document["rows"] == len(document["transactions"]) == before


def test_an_export_that_is_broken_off_gives_both_back(pool: Pool) -> None:
    pieces = exported(pool, LONG, FORMATS["csv"], {})
    next(pieces)
    assert free(pool) == 0
    pieces.close()

    assert free(pool) == 2
    with pool.connection() as one, pool.connection() as other:
        assert [each.execute("select 1 as n").fetchall() for each in (one, other)] == [[{"n": 1}]] * 2


def test_a_short_ledger_takes_one_connection(pool: Pool, long: Database) -> None:
    short = UUID(int=4)
    with psycopg.connect(long.admin_url) as connection:
        connection.execute(_PORTFOLIO, (short, OWNER))
    with seeing(sight_of(OWNER, OWNER, short)), closing(exported(pool, short, FORMATS["csv"], {})) as pieces:
        next(pieces)
        assert free(pool) == 1
