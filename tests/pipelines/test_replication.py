"""The copy of PostgreSQL shows one instant, and is exact. A real writer works against a real server all the while."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pytest

from pipelines.replication.postgres_reader import attached
from pipelines.replication.tables import TABLES, CopyDiffers, ReplicatedTable, _copied, replicate
from storage.postgres.database import Database
from storage.postgres.horizon import current_horizon
from tests.ledger_writer import add_security, writing

USER = "00000000-0000-4000-8000-000000000001"
PORTFOLIO = "00000000-0000-4000-8000-0000000000aa"
LEDGER, CASH, PORTFOLIOS = "raw/pg_transaction_ledger", "raw/pg_cash_balance", "raw/pg_portfolio"
_NEW_PORTFOLIO = """
    insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone)
    values (%s, %s, 'Core', 'USD', 'INVESTMENT', 'America/New_York')
"""
_ROW = """
    insert into transaction_ledger
        (portfolio_id, seq, account_id, security_id, txn_type, quantity, price, fees, cash_effect, currency,
         business_date, event_ts, recorded_at, gross, row_hash)
    select %s, %s, min(account_id), %s, %s, %s, %s, 0, %s, 'USD', current_date, now(), now(), 0, ''::bytea from account
"""


@pytest.fixture
def database(new_database: Callable[[], Database]) -> Database:
    """A database of this test's own, with a portfolio without cash."""
    created = new_database()
    with psycopg.connect(created.services_url) as connection:
        connection.execute(_NEW_PORTFOLIO, (PORTFOLIO, USER))
        connection.execute("insert into cash_balance values (%s, 'USD', 0)", (PORTFOLIO,))
    return created


def deposit(connection: psycopg.Connection, seq: int, amount: Decimal) -> None:
    """One unit of work as a command writes it: the version, the ledger row and the projected cash."""
    with connection.transaction():
        connection.execute("update portfolio set version = %s where portfolio_id = %s", (seq, PORTFOLIO))
        connection.execute(_ROW, (PORTFOLIO, seq, None, "DEPOSIT", None, None, amount))
        connection.execute("update cash_balance set balance = balance + %s", (amount,))


def copy(database: Database, *lake_tables: str) -> dict[str, pa.Table]:
    with duckdb.connect() as connection:
        return replicate(connection, database.reader_dsn, lake_tables).rows


def test_the_horizon_is_of_the_same_instant(database: Database) -> None:
    add_security(database)
    with writing(database), duckdb.connect() as connection, psycopg.connect(database.admin_url) as own:
        replicas = [replicate(connection, database.reader_dsn, [LEDGER]) for _ in range(10)]
        for replica in replicas:
            visible = own.execute(
                "select count(*) from transaction_ledger where pg_visible_in_snapshot(xid, %s::pg_snapshot)",
                (replica.horizon.snapshot,),
            ).fetchall()
            assert visible == [(replica.rows[LEDGER].num_rows,)]


def test_the_horizon_names_the_database_cluster(database: Database) -> None:
    with duckdb.connect() as connection, psycopg.connect(database.admin_url) as own:
        replica = replicate(connection, database.reader_dsn, [])

        assert replica.horizon.system_identifier == current_horizon(own).system_identifier


def test_every_table_can_be_copied_when_it_is_empty(database: Database) -> None:
    copies = copy(database, *(table.lake_table for table in TABLES))

    assert set(copies) == {table.lake_table for table in TABLES}
    assert all(rows.num_columns == len(table.columns) for table, rows in zip(TABLES, copies.values(), strict=True))


def test_the_ledgers_columns_keep_their_types(database: Database) -> None:
    schema = copy(database, LEDGER)[LEDGER].schema

    assert {name: str(schema.field(name).type) for name in ("portfolio_id", "transfer_id", "row_hash", "currency")} == {
        "portfolio_id": "string",
        "transfer_id": "string",
        "row_hash": "string",
        "currency": "string",
    }
    assert str(schema.field("quantity").type) == "decimal128(18, 8)"
    assert str(schema.field("cash_effect").type) == "decimal128(28, 8)"
    assert str(schema.field("event_ts").type) == "timestamp[us, tz=UTC]"


def test_no_number_becomes_a_double(database: Database) -> None:
    copies = copy(database, *(table.lake_table for table in TABLES))

    doubles = [
        (name, field.name) for name, rows in copies.items() for field in rows.schema if "double" in str(field.type)
    ]

    assert doubles == []


EXTREMES = [
    ("9999999999.99999999", "0.00000001", "-99999999999999999999.99999999"),
    ("-9999999999.99999999", "9999999999.99999999", "99999999999999999999.99999999"),
    ("0.00000001", "1234567890.12345678", "-0.00000001"),
]


@pytest.mark.parametrize(("quantity", "price", "cash_effect"), EXTREMES)
def test_decimals_are_copied_exactly(database: Database, quantity: str, price: str, cash_effect: str) -> None:
    with psycopg.connect(database.admin_url) as connection:
        added = connection.execute(
            "insert into security_registry (asset_type, currency, display_name) values ('EQUITY', 'USD', 'A') "
            "returning security_id"
        ).fetchone()
        assert added
        row = (PORTFOLIO, 1, added[0], "BUY", Decimal(quantity), Decimal(price), Decimal(cash_effect))
        connection.execute(_ROW, row)

    copied = copy(database, LEDGER)[LEDGER].to_pylist()[0]

    assert [copied[name] for name in ("quantity", "price", "cash_effect")] == [
        *map(Decimal, (quantity, price, cash_effect))
    ]


def test_what_is_known_of_a_security_is_copied_as_it_is_said(database: Database) -> None:
    with psycopg.connect(database.admin_url) as connection:
        added = connection.execute(
            "insert into security_registry (asset_type, currency, display_name) values ('BOND', 'USD', 'T') "
            "returning security_id"
        ).fetchone()
        assert added
        connection.execute(
            "insert into bond_details (security_id, maturity_date, coupon_rate_pct, coupon_frequency, day_count)"
            " values (%s, '2027-02-15', 2.25, 2, 'ACT/ACT ICMA')",
            added,
        )
        connection.execute(
            "insert into security_identifier (security_id, id_type, id_value, is_primary, valid_to)"
            " values (%s, 'CUSIP', '912828V98', true, '2027-02-16')",
            added,
        )
    tables = ["raw/pg_security_registry", "raw/pg_bond_details", "raw/pg_security_identifier"]
    registry, bonds, identifiers = (
        [row for row in rows.to_pylist() if row["security_id"] == added[0]] for rows in copy(database, *tables).values()
    )

    assert registry[0]["price_kind"] == "AS_TRADED"
    assert (bonds[0]["maturity_date"], bonds[0]["coupon_rate_pct"]) == (date(2027, 2, 15), Decimal("2.25"))
    assert (identifiers[0]["valid_from"], identifiers[0]["valid_to"]) == (None, date(2027, 2, 16))


def test_moments_are_copied_in_utc(database: Database) -> None:
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("update portfolio set archived_at = '2017-03-29 23:30:00.123456-04'")

    copied = copy(database, PORTFOLIOS)[PORTFOLIOS]

    assert copied.schema.field("archived_at").type == pa.timestamp("us", tz="UTC")
    assert copied["archived_at"].to_pylist()[0].isoformat() == "2017-03-30T03:30:00.123456+00:00"


def copy_of_ledger(database: Database, *columns: str, summed: tuple[str, ...]) -> Any:
    """The ledger copied by those columns, with its control."""
    with duckdb.connect() as connection, attached(connection, database.reader_dsn):
        return _copied(connection, ReplicatedTable("transaction_ledger", columns, summed))


@pytest.fixture
def two_deposits(database: Database) -> Database:
    with psycopg.connect(database.services_url, autocommit=True) as connection:
        deposit(connection, 1, Decimal("0.00000001"))
        deposit(connection, 2, Decimal(10))
    return database


def test_a_copy_that_repeats_rows_is_refused(two_deposits: Database) -> None:
    with pytest.raises(CopyDiffers, match=r"transaction_ledger: count and sums \(4, .*\(2, "):
        copy_of_ledger(two_deposits, "seq", "generate_series(1, 2) as repeated", summed=("seq",))


def test_a_copy_that_drops_rows_is_refused(two_deposits: Database) -> None:
    with pytest.raises(CopyDiffers):
        copy_of_ledger(two_deposits, "seq", "generate_series(1, 2 - seq) as dropped", summed=())


def test_a_copy_whose_last_digit_differs_is_refused(two_deposits: Database) -> None:
    with pytest.raises(CopyDiffers):
        copy_of_ledger(two_deposits, "round(cash_effect, 7)::numeric(28, 8) as cash_effect", summed=("cash_effect",))


def test_a_copy_with_a_null_for_a_value_is_refused(two_deposits: Database) -> None:
    with pytest.raises(CopyDiffers):
        copy_of_ledger(two_deposits, "nullif(cash_effect, 10) as cash_effect", summed=("cash_effect",))


def test_control_the_same_columns_unchanged_are_copied(two_deposits: Database) -> None:
    rows = copy_of_ledger(two_deposits, "seq", "cash_effect", summed=("seq", "cash_effect"))

    assert rows["cash_effect"].to_pylist() == [Decimal("0.00000001"), Decimal(10)]


def test_nothing_stays_attached_after_a_refused_copy(two_deposits: Database) -> None:
    with duckdb.connect() as connection:
        with pytest.raises(CopyDiffers), attached(connection, two_deposits.reader_dsn):
            _copied(connection, ReplicatedTable("transaction_ledger", ("generate_series(1, 2) as twice",)))

        assert replicate(connection, two_deposits.reader_dsn, [LEDGER]).rows[LEDGER].num_rows == 2


def test_a_copy_writes_nothing_to_the_database(database: Database) -> None:
    delete = "delete from ledger_database.cash_balance"

    with duckdb.connect() as connection, attached(connection, database.reader_dsn), pytest.raises(duckdb.Error):
        connection.execute(delete)

    assert copy(database, CASH)[CASH].num_rows == 1
