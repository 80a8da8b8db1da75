"""A file of several parts, of which one is read while the one before is written: all of it is recorded, or nothing."""

import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from oltp_api.unit_of_work import Pool, unit_of_work
from storage.clock import clock_of
from storage.postgres.database import Database
from tests.oltp_api.conftest import Client
from tests.oltp_api.test_imports import imported, send

ROWS = 10_600
FIRST = date(2016, 1, 4)
HEADER = "type,date,ticker,quantity,price,amount\n"


@pytest.fixture(scope="module")
def file() -> str:
    """Two parts: a hundred deposits a day, and then a purchase."""
    days = (FIRST + timedelta(days=place // 100) for place in range(ROWS - 1))
    return HEADER + "".join(f"DEPOSIT,{day},,,,{1 + day.day}\n" for day in days) + "BUY,2017-01-03,AAPL,1,10,\n"


def test_a_write_that_fails_while_the_next_part_is_read_leaves_nothing(
    new_portfolio: Callable[..., Client], file: str, database: Database, stored: Callable[[], dict[str, Any]]
) -> None:
    mine = new_portfolio()
    before = stored()
    with psycopg.connect(database.admin_url, autocommit=True) as owner:
        owner.execute("alter table transaction_ledger add constraint until check (seq < 5000) not valid")
        try:
            assert send(mine, file).status_code == 500
        finally:
            owner.execute("alter table transaction_ledger drop constraint until")
    assert stored() == before

    assert send(mine, file + "SELL,2017-01-04,AAPL,2,10,\n", mode="ALL_OR_NOTHING").status_code == 422
    assert stored() == before

    report = imported(mine, file)
    assert (report["status"], report["recorded"]) == ("COMPLETE", ROWS)
    assert [row["seq"] for row in report["report"]] == list(range(2, ROWS + 2))
    assert mine.get("/holdings")["holdings"][0]["quantity"] == "1"


def test_only_the_end_of_the_outermost_pipeline_waits_for_what_was_sent(database: Database) -> None:
    pool: Pool = ConnectionPool(database.app_url, min_size=1, kwargs={"row_factory": dict_row}, open=True)
    with pool, unit_of_work(pool, clock_of("live")) as work:
        begin = time.monotonic()
        with work.pipelined():
            work.send("select pg_sleep(1)", {})
            with work.pipelined():
                work.send("select 1", {})
            assert time.monotonic() < begin + 1
        assert time.monotonic() >= begin + 1
