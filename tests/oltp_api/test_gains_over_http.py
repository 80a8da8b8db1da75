"""Gains over HTTP, from a release whose positions are the ledger's own fold."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

import duckdb
import httpx
import psycopg
import pyarrow as pa
import pytest

from domain.entries import PLAIN, Terms, When
from domain.history import History
from domain.holdings import CostMethod
from domain.ledger import TxnType
from domain.portfolio import Portfolio, PortfolioKind
from domain.positions import Positions
from oltp_api.context import LOCAL_USER
from oltp_api.web.csv_cells import unescaped
from pipelines.positions.interval_fold import fold
from storage.lake.delta import Lake
from storage.lake.releases import Releases
from storage.postgres.database import Database
from tests.replicated import replicated
from tests.small_release import TABLES, release, rows_of

MINE = UUID("33333333-3333-4333-8333-333333333333")
AAPL, MSFT, GHOST = 1, 2, 3
D = Decimal
KEPT = "positions/disposal"
EUROS = Terms("EUR", D("1.10"))
_INSERT = """
    insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone, cost_method)
    values (%s, %s, '<b>Mine</b>', 'USD', 'INVESTMENT', 'UTC', 'FIFO')
"""
_RATES = f"""
    select '{MINE}' as portfolio_id, 1::bigint as account_id, 'EUR' as currency, date '2016-06-01' as business_date,
        'INCOME' as flow_type, 'USD' as base_currency, 100::decimal(28, 8) as amount, 1.2::decimal(18, 8) as fx_rate,
        120::decimal(28, 8) as amount_base, 1 as n_transactions
"""


def on(day: str) -> When:
    return When(datetime.combine(date.fromisoformat(day), time(16), UTC), date.fromisoformat(day))


def recorded() -> Portfolio:
    """Apple sold in parts, one of them after more than a year; Microsoft closed; units without a cost; income."""
    mine = Portfolio(
        MINE,
        LOCAL_USER,
        "mine",
        "USD",
        PortfolioKind.INVESTMENT,
        positions=Positions(CostMethod.FIFO),
        history=History(),
    )
    mine.deposit(1, D(100_000), on("2015-01-02"))
    mine.buy(1, AAPL, D(100), D(10), D(0), on("2015-01-05"))
    mine.buy(1, AAPL, D(100), D(20), D(0), on("2016-03-01"))
    mine.trade(TxnType.BUY, 1, MSFT, D(10), D(50), D(5), on("2016-03-01"), PLAIN)
    mine.sell(1, AAPL, D(150), D(25), D(0), on("2016-05-02"))
    mine.trade(TxnType.SELL, 1, MSFT, D(10), D(60), D(5), on("2016-09-01"), PLAIN)
    mine.receive_income(TxnType.DIVIDEND, 1, AAPL, D(100), on("2016-06-01"), date(2016, 5, 20), D(15), EUROS)
    mine.move_cash(TxnType.INTEREST, 1, D(7), on("2016-07-01"), PLAIN)
    mine.move_cash(TxnType.FEE, 1, D(3), on("2016-07-01"), PLAIN)
    mine.transfer_in(1, GHOST, D(5), None, on("2016-08-01"), PLAIN)
    mine.sell(1, GHOST, D(5), D(9), D(0), on("2016-08-02"))
    again = mine.trade(TxnType.SELL, 1, AAPL, D(10), D(30), D(0), on("2017-01-03"), PLAIN)
    mine.reverse(again.seq)
    return mine


def tables() -> Iterator[tuple[str, pa.Table]]:
    mine = recorded()
    portfolios = pa.table(
        {
            **{"portfolio_id": [str(MINE)], "cost_method": ["FIFO"], "base_currency": ["USD"], "time_zone": ["UTC"]},
            **{"version": pa.array([mine.version], pa.int64()), "long_term_days": pa.array([400], pa.int32())},
        }
    )
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.register("ledger", replicated(mine.rows))
        connection.register("portfolios", portfolios)
        intervals, disposals = fold(connection, "ledger", "portfolios")
        yield "positions/position_interval", intervals.to_arrow_table()
        yield KEPT, disposals.to_arrow_table()
    yield "raw/pg_transaction_ledger", replicated(mine.rows)
    yield "raw/pg_portfolio", portfolios
    yield "raw/pg_account", pa.table({"account_id": pa.array([1], pa.int64()), "identifier": ["=Main"]})
    yield "marts/fact_cashflow_daily", rows_of(_RATES)


@pytest.fixture(scope="module")
def released(api: httpx.Client, lake: Lake, database: Database) -> Iterator[httpx.Client]:
    """The older of two releases is from before disposals were kept."""
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(_INSERT, (MINE, LOCAL_USER))
    of_before = {table: rows_of(query) for table, query in TABLES.items() if not table.startswith("simulation/")}
    of_before |= {table: rows for table, rows in tables() if table != KEPT}
    versions = {table: lake.publish(table, rows).version for table, rows in of_before.items()}
    release(lake, versions)
    disposals = lake.publish(KEPT, dict(tables())[KEPT]).version
    release(lake, {**versions, KEPT: disposals})
    with httpx.Client(base_url=f"{api.base_url}portfolios/{MINE}", timeout=30) as client:
        yield client


def asked(client: httpx.Client, what: str = "gains", **query: str | int) -> dict:
    answer = client.get(f"/{what}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_disposals_of_a_year_have_their_rows_days_and_terms(released) -> None:
    gains = asked(released, year=2016)

    names = ("ticker", "acquired_on", "sold_on", "days_held", "term", "units", "proceeds", "cost", "gain")
    assert [tuple(one[name] for name in names) for one in gains["disposals"]] == [
        ("AAPL", "2015-01-05", "2016-05-02", 483, "LONG", "100", "2500", "1000", "1500"),
        ("AAPL", "2016-03-01", "2016-05-02", 62, "SHORT", "50", "1250", "1000", "250"),
        ("GHOST", "2016-08-01", "2016-08-02", 1, "SHORT", "5", "45", None, None),
        ("MSFT", "2016-03-01", "2016-09-01", 184, "SHORT", "10", "595", "505", "90"),
    ]
    assert [(one["sale_seq"], one["lot_seq"]) for one in gains["disposals"]] == [(5, 2), (5, 3), (12, 11), (6, 4)]
    assert (gains["long_term_days"], gains["cost_method"], gains["currency"]) == (400, "FIFO", "USD")
    assert (gains["release_id"], gains["as_of"], gains["ledger_version"]) == (2, "2017-03-29", 14)


def test_sums_say_what_is_not_known(released) -> None:
    gains = asked(released, year=2016)

    names = ("n", "n_unknown", "proceeds", "cost", "gain", "proceeds_unknown")
    assert [gains["total"][name] for name in names] == [4, 1, "4345", "2505", "1840", "45"]
    assert [(one["term"], one["gain"], one["n_unknown"]) for one in gains["by_term"]] == [
        ("LONG", "1500", 0),
        ("SHORT", "340", 1),
    ]
    assert [(one["term"], one["currency"], one["gain"]) for one in gains["by_currency"]] == [
        ("LONG", "USD", "1500"),
        ("SHORT", "USD", "340"),
    ]


def test_income_taxes_and_fees_of_the_year_are_beside_it_at_the_rate_of_the_day(released) -> None:
    gains = asked(released, year=2016)

    names = ("income_type", "amount", "currency", "amount_base")
    assert [tuple(one[name] for name in names) for one in gains["income"]] == [
        ("TRADE_FEE", "-5", "USD", "-5"),
        ("DIVIDEND", "100", "EUR", "120"),
        ("TAX", "-15", "EUR", "-18"),
        ("INTEREST", "7", "USD", "7"),
        ("FEE", "-3", "USD", "-3"),
        ("TRADE_FEE", "-5", "USD", "-5"),
    ]
    assert {one["income_type"]: one["amount_base"] for one in gains["income_by_type"]} == {
        "DIVIDEND": "120",
        "INTEREST": "7",
        "TAX": "-18",
        "FEE": "-3",
        "TRADE_FEE": "-10",
    }
    assert [one["seq"] for one in gains["income"]] == [4, 7, 8, 9, 10, 6]


def test_without_a_year_the_newest_with_something_answers_and_all_is_every_year(released) -> None:
    """The sale of 2017 was reversed, and is in none."""
    newest, every, none = asked(released), asked(released, year="all"), asked(released, year=2014)

    assert (newest["year"], newest["years"]) == (2016, [2016])
    assert asked(released, year="") == newest
    assert (every["year"], len(every["disposals"])) == (None, 4)
    assert (none["disposals"], none["total"]["n"], none["total"]["gain"]) == ([], 0, "0")
    assert none["closed"] == []
    for wrong in ("20166", "1969", "last"):
        assert released.get("/gains", params={"year": wrong}).status_code == 422


def test_closed_positions_stay_visible_with_their_gain(released) -> None:
    closed = asked(released, year=2016)["closed"]

    assert [(one["ticker"], one["opened_on"], one["closed_on"], one["realised"]) for one in closed] == [
        ("GHOST", "2016-08-01", "2016-08-02", None),
        ("MSFT", "2016-03-01", "2016-09-01", "90"),
    ]
    assert asked(released, "positions", include_closed="true")["closed"] == closed
    assert asked(released, "positions", include_closed="true", on="2016-08-31")["closed"] == closed[:1]
    assert asked(released, "positions")["closed"] is None


def test_the_csv_has_the_same_rows_and_runs_no_formula(released) -> None:
    answer = released.get("/gains", params={"year": 2016, "format": "csv"})
    gains = asked(released, year=2016)
    rows = list(csv.DictReader(io.StringIO(answer.text)))

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "gains-33333333-3333-4333-8333-333333333333-2016.csv" in answer.headers["content-disposition"]
    assert {row["account"] for row in rows} == {"'=Main"}
    assert {unescaped(row["account"]) for row in rows} == {"=Main"}
    disposals = [row for row in rows if row["record"] == "DISPOSAL"]
    assert [(row["gain"] or None, row["lot_seq"]) for row in disposals] == [
        (one["gain"], str(one["lot_seq"])) for one in gains["disposals"]
    ]
    income = [row for row in rows if row["record"] == "INCOME"]
    assert [(row["type"], row["amount"]) for row in income] == [
        (one["income_type"], one["amount"]) for one in gains["income"]
    ]
    assert "-15" in {row["amount"] for row in income}, "a number is not escaped"


def test_the_page_shows_the_figures_without_script_and_as_it_may_be_printed(released) -> None:
    page = released.get("/gains.html", params={"year": 2016})

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    for shown in ("+1,840.00", "Closed positions", "Long term", "&lt;b&gt;Mine&lt;/b&gt;", "@media print", "unknown"):
        assert shown in page.text
    assert "<script" not in page.text


def test_a_release_from_before_disposals_were_kept_says_so(released, lake) -> None:
    then = Releases(lake).get(1).released_at.isoformat()
    before = asked(released, year=2016, as_known_on=then)

    assert (before["release_id"], before["disposals"], before["total"], before["by_term"]) == (1, None, None, None)
    assert len(before["income"]) == 6
    page = released.get("/gains.html", params={"as_known_on": then})
    assert (page.status_code, "before disposals were kept" in page.text) == (200, True)


def test_anothers_portfolio_has_no_gains(api, foreign_portfolio, released) -> None:
    for what in ("gains", "gains.html"):
        assert api.get(f"/portfolios/{foreign_portfolio}/{what}").status_code == 404


def test_a_portfolio_that_no_release_knows_yet_has_no_rows_and_says_so(released, new_portfolio) -> None:
    young = new_portfolio()
    gains = young.get("/gains")

    assert (gains["ledger_version"], gains["disposals"], gains["income"], gains["years"]) == (None, [], [], [])
    assert (gains["year"], gains["total"]["n"]) == (2017, 0)
    page = young.api.get(f"/portfolios/{young.portfolio_id}/gains.html")
    assert (page.status_code, "does not know this portfolio yet" in page.text) == (200, True)
