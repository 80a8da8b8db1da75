"""Tickers that a live market is asked for, and when all their years are due."""

from collections.abc import Iterator
from datetime import date, timedelta

import psycopg
import pyarrow as pa
import pytest

from domain.ledger import FIRST_DAY
from domain.ports import IncompleteMarket
from pipelines.automation import RANGE_START, years_due
from pipelines.runtime.resources import Platform, bundled_market
from pipelines.sources.tracking import AGAIN, OWN, note, tracked, without_history
from storage.lake.delta import Lake
from storage.postgres.database import Database

TODAY = date(2026, 11, 20)
TICKERS = ["ACME", "FUNDX", "HELD", "NOSUCH"]


@pytest.fixture(scope="module")
def connection(database: Database) -> Iterator[psycopg.Connection]:
    """A bond, and four shares of which ACME has a posted price."""
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        for number, ticker in enumerate([*TICKERS, "T 2.25"], start=1):
            kind = "BOND" if " " in ticker else "EQUITY"
            connection.execute(
                "insert into security_registry (asset_type, currency, display_name) values (%s, 'USD', %s)",
                (kind, ticker),
            )
            connection.execute("insert into security_identifier values (%s, 'TICKER', %s, true)", (number, ticker))
        connection.execute(
            "insert into posted_price (security_id, price_date, close, currency, user_id, posted_at)"
            " select 1, '2026-11-19', 12, 'USD', user_id, now() from app_user"
        )
        yield connection


def test_what_has_prices_of_its_own_is_not_asked_for(connection: psycopg.Connection, lake: Lake) -> None:
    assert tracked(connection, lake, TODAY) == ["FUNDX", "HELD", "NOSUCH"]

    lake.append(OWN, pa.table({"security_id": [2]}))

    assert tracked(connection, lake, TODAY) == ["HELD", "NOSUCH"]


def test_a_ticker_is_asked_for_its_history_until_there_is_an_answer(
    connection: psycopg.Connection, lake: Lake, database: Database
) -> None:
    platform = Platform(
        database_url=database.app_url,
        database_admin_url=database.admin_url,
        database_services_url=database.services_url,
        lake_uri=lake.root,
        market_source="live",
    )
    assert without_history(connection, lake, TODAY) == ["HELD", "NOSUCH"]
    assert years_due(platform)[RANGE_START] == "1970"

    failed = {"HELD": "says 429", "NOSUCH": "says 404"}
    note(lake, ["HELD", "NOSUCH"], IncompleteMarket("yahoo", None, failed, ["NOSUCH"]), TODAY, "run-1")
    assert without_history(connection, lake, TODAY) == ["HELD"], "it failed, and nothing is known of it"

    note(lake, ["HELD"], None, TODAY, "run-2")
    assert without_history(connection, lake, TODAY) == []


def test_a_ticker_that_a_bundled_market_has_got_since_is_asked_for_all_its_years(
    database: Database, lake: Lake
) -> None:
    platform = Platform(
        database_url=database.app_url,
        database_admin_url=database.admin_url,
        database_services_url=database.services_url,
        lake_uri=lake.root,
        market_source="sample",
    )
    days = pa.array([FIRST_DAY, TODAY], pa.date32())
    lake.publish("raw/trading_calendar", pa.table({"calendar_date": days}), date_column="calendar_date")
    before = sorted(bundled_market("sample").tickers() - {"SP500DIV"})

    lake.publish("raw/price_daily", pa.table({"ticker": before}))
    assert years_due(platform)[RANGE_START] == "1970"

    lake.publish("raw/price_daily", pa.table({"ticker": [*before, "SP500DIV"]}))
    assert years_due(platform)[RANGE_START] != "1970"


def test_an_unknown_ticker_is_left_alone_for_a_month_and_then_asked_for_again(
    connection: psycopg.Connection, lake: Lake
) -> None:
    later = TODAY + AGAIN

    assert tracked(connection, lake, later - timedelta(days=1)) == ["HELD"]
    assert tracked(connection, lake, later) == ["HELD", "NOSUCH"]
    assert without_history(connection, lake, later) == ["NOSUCH"]
