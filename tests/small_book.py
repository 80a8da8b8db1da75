"""One trading book in the database, for tests of snapshots and rankings that need no API."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg

from application.snapshots import take_snapshot
from domain.snapshots import SnapshotPrice, business_date
from storage.postgres.database import Database

USER = "00000000-0000-4000-8000-000000000001"
BOOK = UUID("00000000-0000-4000-8000-0000000000aa")
NOON = datetime(2017, 3, 29, 12, tzinfo=UTC)
TODAY = date(2017, 3, 29)
QUOTES = {1: SnapshotPrice("ACME", Decimal("12.50000000"), date(2017, 3, 28))}
_SET_UP = f"""
    insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone, version)
    values ('{BOOK}', '{USER}', 'Desk', 'USD', 'TRADING_BOOK', 'America/New_York', 4);
    insert into security_registry (asset_type, currency, display_name)
    values ('EQUITY', 'USD', 'Acme'), ('EQUITY', 'USD', 'Zeta');
    insert into security_identifier (security_id, id_type, id_value, is_primary)
    values (1, 'TICKER', 'ACME', true), (2, 'TICKER', 'ZETA', true);
    insert into account_holding (portfolio_id, account_id, security_id, quantity, cost_basis, cost_basis_base, realised,
                                 realised_base, realised_fx_base, is_basis_known, is_realised_known)
    select '{BOOK}', account_id, security_id, quantity, cost, cost, 0, 0, 0, true, true
    from account, (values (1, 10.5, 105), (2, -3, -30.00000001)) as held (security_id, quantity, cost);
"""


@dataclass
class FakeClock:
    """Stands still until it is moved."""

    moment: datetime = NOON
    last_day: date | None = None

    def now(self) -> datetime:
        return self.moment

    def today(self, zone: str) -> date:
        return business_date(self.moment, zone)


def with_small_book(new_database: Callable[[], Database]) -> Database:
    """A database with one book at version 4 and two holdings: long ACME, which has a quote, and short ZETA."""
    created = new_database()
    with psycopg.connect(created.admin_url) as connection:
        connection.execute(_SET_UP)
    return created


def take(connection: psycopg.Connection[Any], release_id: int = 7, clock: FakeClock | None = None) -> object:
    return take_snapshot(connection, BOOK, QUOTES, release_id, clock or FakeClock())


def trade(connection: psycopg.Connection[Any]) -> None:
    connection.execute("update portfolio set version = version + 1")
    connection.execute("update account_holding set quantity = quantity * 2")


def count(connection: psycopg.Connection[Any], what: str) -> int:
    row = connection.execute(f"select count(*) from {what}").fetchone()
    assert row is not None
    return int(row[0])


def wait_until_one_is_blocked(database: Database) -> None:
    with psycopg.connect(database.admin_url, autocommit=True) as looking:
        while not count(looking, "pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"):
            time.sleep(0.01)
