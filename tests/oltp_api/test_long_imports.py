"""A file of several parts, of which one is read while the one before is written: all of it is recorded, or nothing."""

import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from oltp_api.imports import recording
from oltp_api.ledger import batch, repository
from oltp_api.unit_of_work import Pool, UnitOfWork, unit_of_work
from storage.clock import clock_of
from storage.postgres.database import Database
from tests.oltp_api.conftest import Client
from tests.oltp_api.folds import refuse_other_fold
from tests.oltp_api.test_imports import imported, send

ROWS = 5_600
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
        owner.execute("alter table transaction_ledger add constraint until check (seq < 2500) not valid")
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


KINDS = """\
DEPOSIT,2016-01-04,,,,2000
BUY,2016-01-05,ZLPO,10,20,
BUY,2016-01-06,ZLPO,1000,25,
SELL,2016-01-06,ZLPO,3,21,
SELL,2016-01-07,ZLPO,9,25,
DIVIDEND,2016-01-08,ZLPO,,,3.50
SPLIT,2016-01-11,ZLPO,21,,
BUY,2016-01-12,ZLPO,100,90,
SELL,2016-01-13,ZLPO,5,11,
DEPOSIT,2016-01-13,,,,100
WITHDRAW,2016-01-14,,,,50
SELL,2016-02-01,ZLPO,9,12,
"""
"""Each kind of row, of which a purchase and a sale are not covered."""
LATER = [
    {"type": "BUY", "ticker": "ZLPO", "quantity": "2", "price": "19", "business_date": "2016-01-12"},
    {"type": "SELL", "ticker": "ZLPO", "quantity": "1", "price": "30", "business_date": "2016-06-01"},
]


@pytest.mark.parametrize("later", [[], LATER], ids=["empty", "with later rows"])
@pytest.mark.parametrize("method", ["AVCO", "FIFO"])
def test_parts_are_decided_on_each_other_as_one_is(
    api: httpx.Client,
    database: Database,
    new_portfolio: Callable[..., Client],
    monkeypatch: pytest.MonkeyPatch,
    later: list[dict[str, str]],
    method: str,
) -> None:
    """Parts of a day, of which the one before is written row by row, or as late as can be, against a single part."""
    assert api.post("/securities", json={"ticker": "ZLPO"}).status_code in (201, 409)
    told = []
    for size, at_once, is_late in ((recording._ROWS_OF_A_PART, 500, False), (2, 1, False), (1, 1, True)):
        monkeypatch.setattr(recording, "_ROWS_OF_A_PART", size)
        monkeypatch.setattr(repository, "_ROWS_AT_ONCE", at_once)
        for module in (recording, batch):
            monkeypatch.setattr(module, "ROWS_BETWEEN", at_once)
        if is_late:
            monkeypatch.setattr(UnitOfWork, "write_some", lambda _: None)
        mine = new_portfolio(cost_method=method)
        for row in later:
            assert mine.post(**row).status_code == 201
        reported = imported(mine, HEADER + KINDS)["report"]
        rows = mine.get("/transactions")
        told.append(
            (
                [(row["line"], row["status"], row.get("seq"), row.get("detail")) for row in reported],
                [{name: row[name] for name in ("seq", "type", "quantity", "cash_effect")} for row in rows["items"]],
                [{**each, "portfolio_id": None} for each in mine.get("/holdings")["holdings"]],
                mine.get("/cash")["balances"],
            )
        )
        assert {row["status"] for row in reported} == {"RECORDED", "REFUSED"}
        refuse_other_fold(database, UUID(mine.portfolio_id))

    assert told[0] == told[1] == told[2]


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
