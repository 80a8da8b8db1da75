"""Coupons and redemptions over HTTP and by the worker's job, on a real PostgreSQL; two who post at once post once."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import date
from decimal import Decimal
from threading import Barrier, BrokenBarrierError, Event
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pyarrow as pa
import pytest
from psycopg.rows import dict_row

from application.analytics.review import LakeAnalyticsRepository
from domain.commands import PostBondIncome
from domain.history import History
from oltp_api.bond_income import handlers as bond_income
from oltp_api.bond_income.handlers import post_bond_income
from oltp_api.bond_income.job import BondIncomeJob
from oltp_api.bond_income.repository import HeldBonds
from oltp_api.connections import RowLock
from oltp_api.context import LOCAL_USER, AppContext
from oltp_api.ledger.repository import LOCKS, Portfolios
from oltp_api.ledger.writing import Wanted, load_one, save
from oltp_api.opening import opened
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.worker import jobs_of
from storage.clock import SampleMarketClock
from storage.jobs import PostgresFailures, run_jobs
from storage.lake.delta import Lake
from storage.postgres.database import Database
from storage.settings import Settings
from tests.small_release import release

TREASURY = {
    "maturity_date": "2025-11-15",
    "coupon_rate_pct": "2.25",
    "coupon_frequency": 2,
    "day_count": "ACT/ACT ICMA",
    "issuer_class": "SOVEREIGN",
    "issue_date": "2015-11-15",
}
MATURED = {**TREASURY, "coupon_rate_pct": "6", "maturity_date": "2016-10-31", "issue_date": "2014-10-31"}
_RATES = "marts/fx_rate_daily"
_PLAN = "explain select portfolio_id from portfolio where xid >= '{xmin}'::xid8"


class Today(SampleMarketClock):
    """A business clock that a test sets."""

    def set(self, day: date) -> None:
        self.last_day = self._today = day


@pytest.fixture(scope="module")
def bonds(api: httpx.Client) -> None:
    for ticker, terms in (("T25", TREASURY), ("M16", MATURED)):
        api.post("/securities", json={"ticker": ticker, "asset_type": "BOND", "bond": terms}).raise_for_status()
    for ticker in ("NOTERMS", "LATER"):
        api.post("/securities", json={"ticker": ticker, "asset_type": "BOND"}).raise_for_status()


@pytest.fixture
def buyer(bonds: None, new_portfolio: Callable[..., Any]) -> Callable[..., Any]:
    def buy(*tickers: str, **asked: str) -> Any:
        mine = new_portfolio(initial_cash="100000", **asked)
        for ticker in tickers:
            mine.buy("10000", "100", ticker, business_date="2016-01-05").raise_for_status()
        return mine

    return buy


@pytest.fixture
def context(api: httpx.Client, settings: Settings) -> Iterator[AppContext]:
    with opened(settings, for_everybody=True) as context:
        yield replace(context, clock=Today())


def income_of(mine: Any) -> Any:
    answer = mine.api.post(f"/portfolios/{mine.portfolio_id}/bond-income")
    assert answer.status_code == 200, answer.text
    return answer.json()


def coupons(mine: Any, kind: str = "COUPON") -> list[tuple[str, str]]:
    return [(row["business_date"], row["cash_effect"]) for row in mine.get("/transactions", type=kind)["items"]]


def test_what_is_due_is_posted_over_http_and_asking_again_posts_nothing(buyer) -> None:
    mine = buyer("T25", "M16")

    rows = income_of(mine)["transactions"]

    assert Counter(row["type"] for row in rows) == {"COUPON": 4, "SELL": 1}
    assert sorted(coupons(mine)) == [
        ("2016-04-30", "300"),
        ("2016-05-15", "112.5"),
        ("2016-10-31", "300"),
        ("2016-11-15", "112.5"),
    ]
    (sold,) = [row for row in rows if row["type"] == "SELL"]
    assert (sold["price"], sold["cash_effect"], sold["note"]) == ("100", "10000", "redemption of 10000 at par")
    assert [held["ticker"] for held in mine.get("/holdings")["holdings"]] == ["T25"]
    assert income_of(mine) == {"transactions": [], "not_posted": []}
    assert mine.get()["last_business_date"] == "2016-11-15"


def test_a_bond_without_terms_posts_nothing_and_says_why(buyer) -> None:
    mine = buyer("NOTERMS", "T25")

    income = income_of(mine)

    assert len(income["transactions"]) == 2
    assert [(one["ticker"], one["reason"]) for one in income["not_posted"]] == [
        ("NOTERMS", "its bond details are not registered")
    ]


def test_a_redemption_in_euros_waits_for_a_released_rate_and_is_recorded_at_it(bonds, new_portfolio, lake) -> None:
    mine = new_portfolio()
    terms = {"ticker": "E16", "asset_type": "BOND", "currency": "EUR", "bond": MATURED}
    mine.api.post("/securities", json=terms).raise_for_status()
    mine.post(type="DEPOSIT", amount="10000", currency="EUR", business_date="2016-01-04").raise_for_status()
    mine.buy("10000", "100", "E16", business_date="2016-01-05", fx_rate="1.08").raise_for_status()

    waiting = income_of(mine)
    release(lake, {_RATES: lake.publish(_RATES, rates_of(date(2016, 10, 31), USD="1.095", EUR="1")).version})
    (sold,) = income_of(mine)["transactions"]

    assert [row["type"] for row in waiting["transactions"]] == ["COUPON", "COUPON"]
    assert [one["reason"][:43] for one in waiting["not_posted"]] == ["no release has a rate for its redemption on"]
    assert (sold["type"], sold["currency"], sold["cash_effect"], sold["fx_rate"]) == ("SELL", "EUR", "10000", "1.095")
    assert income_of(mine) == {"transactions": [], "not_posted": []}


def rates_of(day: date, **per_euro: str) -> pa.Table:
    rows = [
        {"currency": name, "business_date": day, "rate_per_eur": Decimal(rate), "rate_date": day, "status": "PRICED"}
        for name, rate in per_euro.items()
    ]
    return pa.Table.from_pylist(rows)


def test_an_archived_portfolio_is_left_alone(buyer, context: AppContext) -> None:
    mine = buyer("T25")
    archived = mine.api.post(f"/portfolios/{mine.portfolio_id}/archive")
    assert archived.status_code == 200, archived.text

    BondIncomeJob(context)()

    assert coupons(mine) == []
    assert mine.api.post(f"/portfolios/{mine.portfolio_id}/bond-income").json()["code"] == "portfolio_archived"


def test_the_worker_posts_what_becomes_due_and_says_once_what_it_cannot(buyer, context: AppContext, caplog) -> None:
    mine = buyer("T25", "NOTERMS")
    clock = context.clock
    assert isinstance(clock, Today)
    job = BondIncomeJob(context)
    caplog.set_level(logging.WARNING, "lakefolio.bonds")
    for day in (date(2016, 5, 14), date(2016, 5, 15), date(2016, 5, 15), date(2017, 3, 29), date(2017, 3, 29)):
        clock.set(day)
        job()
        assert len(coupons(mine)) == (day >= date(2016, 5, 15)) + (day >= date(2016, 11, 15))
    told = [line for line in caplog.messages if mine.portfolio_id in line]

    assert told == [
        f"portfolio {mine.portfolio_id}: not all of bond NOTERMS is posted: its bond details are not registered"
    ]


def test_the_worker_notices_what_is_back_dated_and_terms_that_come_later(buyer, context: AppContext) -> None:
    mine, late = buyer("T25"), buyer("LATER")
    job = BondIncomeJob(context)
    job()
    assert job() == 0
    mine.sell("4000", "100", "T25", business_date="2016-06-01").raise_for_status()
    assert job() == 2, "the second coupon is taken back, and posted on 6,000"
    assert coupons(mine)[-1] == ("2016-11-15", "67.5")
    described = mine.api.put("/securities/LATER/details", json={"bond": MATURED})
    assert described.is_success, described.text
    job()

    assert coupons(late, "SELL") == [("2016-10-31", "10000")]


def test_the_worker_has_the_job_beside_its_consumers(
    buyer, context: AppContext, settings: Settings, database: Database
) -> None:
    mine = buyer("T25")
    failures = PostgresFailures(database.services_url)
    with run_jobs([], Event(), failures):
        time.sleep(0.6)
        assert coupons(mine) == []
    with run_jobs(jobs_of(settings, context), Event(), failures):
        until = time.monotonic() + 10
        while len(coupons(mine)) < 2:
            assert time.monotonic() < until, "it was not posted in time"
            time.sleep(0.05)


def test_a_look_is_by_index_and_nothing_is_read_of_who_has_no_bonds(
    buyer, context: AppContext, database: Database
) -> None:
    plain = buyer()
    plain.buy("1", "100", "AAPL").raise_for_status()
    buyer("T25")
    with psycopg.connect(database.services_url) as connection:
        connection.execute("set enable_seqscan = off")
        (xmin,) = connection.execute("select pg_snapshot_xmin(pg_current_snapshot())::text").fetchone()
        plan = " ".join(line for (line,) in connection.execute(_PLAN.format(xmin=xmin)))
    candidates = context.transact(lambda work: HeldBonds(work).changed_since("0"))

    assert "portfolio_xid" in plan
    assert UUID(plain.portfolio_id) not in {candidate.portfolio_id for candidate in candidates}
    assert context.transact(lambda work: HeldBonds(work).changed_since(HeldBonds(work).horizon())) == []


def test_workers_that_look_at_once_post_everything_once(buyer, context: AppContext) -> None:
    mine = [buyer("T25", "M16") for _ in range(4)]
    jobs = [BondIncomeJob(context) for _ in range(3)]
    with ThreadPoolExecutor(len(jobs)) as threads:
        for done in [threads.submit(job) for job in jobs]:
            done.result()

    for each in mine:
        assert len(coupons(each)) == 4
        assert coupons(each, "SELL") == [("2016-10-31", "10000")]


@pytest.fixture
def meeting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has decided waits for another one who has, for a second at most, before anything is saved."""
    meet = Barrier(2)

    def met(*decided: Any) -> None:
        with suppress(BrokenBarrierError):
            meet.wait(1)
        save(*decided)

    monkeypatch.setattr(bond_income, "save", met)


def both(act: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(2) as threads:
        return [done.result() for done in [threads.submit(act) for _ in range(2)]]


def posting(mine: Any, database: Database, lake: Lake) -> Callable[[], Any]:
    """How posting ends: the number of rows, or the error's name."""
    command, rates = PostBondIncome(LOCAL_USER, UUID(mine.portfolio_id)), LakeAnalyticsRepository.newest(lake)

    def post() -> Any:
        clock = SampleMarketClock()
        try:
            with psycopg.connect(database.services_url, row_factory=dict_row) as connection:
                work = UnitOfWork(connection, clock)
                income = post_bond_income(command, work, rates)
                work.commit()
        except psycopg.Error as error:
            return type(error).__name__
        return len(income.rows)

    return post


@pytest.mark.usefixtures("meeting")
def test_of_two_who_post_at_once_the_second_finds_nothing_missing(buyer, database: Database, lake: Lake) -> None:
    mine = buyer("T25")

    assert sorted(both(posting(mine, database, lake))) == [0, 2]


@pytest.mark.usefixtures("meeting")
def test_control_without_the_lock_both_decide_and_only_the_ledgers_keys_stop_one(
    buyer, database: Database, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LOCKS, RowLock.WAIT, "")
    mine = buyer("T25")

    assert set(both(posting(mine, database, lake))) == {2, "UniqueViolation"}


def test_control_what_was_decided_before_the_lock_and_has_no_id_is_posted_twice(buyer, context: AppContext) -> None:
    mine = buyer("T25")
    meet = Barrier(2)

    def careless() -> None:
        def decided(work: UnitOfWork) -> Any:
            return post_bond_income(PostBondIncome(LOCAL_USER, UUID(mine.portfolio_id)), work, context.analytics).rows

        def recorded(work: UnitOfWork) -> None:
            portfolio = load_one(Wanted(LOCAL_USER, UUID(mine.portfolio_id), holds_all=True), work).portfolio
            portfolio.history = History(Portfolios(work).history(portfolio.portfolio_id))
            portfolio.record([replace(row, external_id=None) for row in rows])
            save(portfolio, work)

        def rehearsed(work: UnitOfWork) -> Any:
            with work.rehearsal():
                return decided(work)

        rows = context.transact(rehearsed)
        meet.wait(10)
        context.transact(recorded)

    both(careless)

    assert len(coupons(mine)) == 4
