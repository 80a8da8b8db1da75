"""The live market from the wire to the marts: a whole refresh against a server that answers as the providers did."""

import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest

from pipelines.automation import years_due
from pipelines.definitions import build_defs
from pipelines.ingestion import market
from pipelines.quality import quarantine as auditing
from pipelines.runtime import progress
from pipelines.sources.fred import TENOR_MONTHS
from storage.lake.delta import memory_duckdb
from tests.effort import IS_LONG
from tests.recorded_server import RECORDED, Answer, Provider, recorded, served

AAPL, MSFT = "/v8/finance/chart/AAPL", "/v8/finance/chart/MSFT"
BUSY = recorded("yahoo_429.txt", 429)


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """Everything but Microsoft, for which Yahoo says 429 until it is told otherwise."""
    rates = io.BytesIO()
    with zipfile.ZipFile(rates, "w") as archive:
        archive.write(RECORDED / "ecb_eurofxref-hist.csv", "eurofxref-hist.csv")
    series = [*TENOR_MONTHS, "CPIAUCSL"]
    answers = {f"/series/observations?series_id={name}": [recorded(f"fred_{name}.xml")] for name in series}
    answers |= {"/eurofxref-hist.zip": [Answer(rates.getvalue())], MSFT: [BUSY]}
    answers |= {
        AAPL: [recorded("yahoo_chart_aapl.json")],
        "/v10/finance/quoteSummary/AAPL": [recorded("yahoo_summary_aapl.json")],
        "/v7/finance/quote?symbols=AAPL": [recorded("yahoo_quote_aapl.json")],
        "/ws/fundamentals-timeseries/v1/finance/timeseries/AAPL": [recorded("yahoo_timeseries_empty.json")],
    }
    with served(Provider(answers)) as provider:
        yield provider


class Live:
    def __init__(self, home: Any, provider: Provider) -> None:
        self.home = home
        self.variables = {
            "FRED_API_KEY": "key",
            "YAHOO_URL": provider.address,
            "FRED_URL": provider.address,
            "ECB_URL": provider.address,
            "MARKET_PATIENCE_S": "0.5",
        }

    def refresh(self, **more: str) -> tuple[int, str]:
        return self.home.refresh_command(**{**self.variables, **more})

    def refresh_market(self) -> str:
        """Words of a refresh about the market, and the marts in the long form: the market alone is as much of the same
        job, over the years that are due."""
        if IS_LONG:
            code, said = self.refresh()
            assert code == 0, said[-2000:]
            return said
        keys = [key for asset in market.ASSETS for key in asset.keys]
        printed = io.StringIO()
        with self.home.joined(**self.variables) as instance, redirect_stdout(printed), redirect_stderr(printed):
            job, years = build_defs(self.home.platform).resolve_job_def("refresh"), years_due(self.home.platform)
            done = job.execute_in_process(
                instance=instance, tags=years, asset_selection=keys, run_config=progress.SHOWN
            )
        assert done.success
        return printed.getvalue()

    def fetch(self, *tables: str) -> None:
        """Tables of the market, of all the years that the recorded answers are of."""
        self.home.materialize(*tables, years=("1990", "2020"), **self.variables)

    def audit(self, *words: str) -> tuple[int, str]:
        """`python -m pipelines.quality.quarantine`: how it ends, and what it says."""
        with self.home.joined(**self.variables), redirect_stdout(io.StringIO()) as said:
            return auditing.main(words), said.getvalue()

    def rows(self, table: str, query: str) -> list[dict[str, Any]]:
        with memory_duckdb() as connection:
            source = self.home.lake.scan(table, self.home.head.versions[table])
            return connection.execute(query.format(table=source)).to_arrow_table().to_pylist()


@pytest.fixture(scope="module")
def live(new_home: Any, provider: Provider) -> Iterator[Live]:
    def record(client: httpx.Client) -> str:
        for ticker in ("AAPL", "MSFT"):
            client.post("/securities", json={"ticker": ticker}).raise_for_status()
        opened = {"name": "live", "initial_cash": "10000", "business_date": "2020-08-03"}
        portfolio_id = str(client.post("/portfolios", json=opened).raise_for_status().json()["portfolio_id"])
        body = {"type": "BUY", "ticker": "AAPL", "quantity": "10", "price": "400", "business_date": "2020-08-03"}
        client.post(f"/portfolios/{portfolio_id}/transactions", json=body).raise_for_status()
        split = {"type": "SPLIT", "ticker": "AAPL", "split_new": "4", "split_old": "1", "business_date": "2020-08-31"}
        client.post(f"/portfolios/{portfolio_id}/transactions", json=split).raise_for_status()
        return portfolio_id

    with new_home(record, "live") as home:
        live = Live(home, provider)
        home.release(**live.variables)
        yield live


def test_what_was_refused_is_named_and_what_came_is_released(live: Live) -> None:
    tracked = live.rows("marts/dim_ticker_tracker", "select ticker, status, n_prices from {table} order by ticker")

    assert [(row["ticker"], row["status"]) for row in tracked] == [("AAPL", "PRICED"), ("MSFT", "MISSING")]
    assert tracked[0]["n_prices"] > 20


def test_value_is_continuous_through_the_split_of_a_live_share(live: Live) -> None:
    """Apple closed at 499.23 on 2020-08-28, the Friday before its 4-for-1 split, and at 129.04 on the Monday."""
    held = live.rows(
        "marts/fact_position_daily",
        "select quantity, close, market_value from {table} where business_date in ('2020-08-28', '2020-08-31') "
        "order by business_date",
    )

    assert [tuple(row.values()) for row in held] == [
        (10, Decimal("499.23"), Decimal("4992.3")),
        (40, Decimal("129.04"), Decimal("5161.6")),
    ]


def test_a_later_refresh_gets_what_was_refused_and_keeps_what_is_refused_now(live: Live, provider: Provider) -> None:
    """Microsoft's history was never told, so all years of it are asked for, and not only this one."""
    once = provider.asked.count(AAPL)
    before = live.rows("raw/price_daily", "select * from {table} order by all")
    provider.answers[MSFT] = [recorded("yahoo_chart_aapl.json")]
    provider.answers[AAPL] = [recorded("yahoo_chart_not_found.json", 404)]
    del provider.asked[:]

    said = live.refresh_market()

    assert "AAPL" in said, "what did not come is named"
    assert provider.asked.count(MSFT) == once, "prices and actions share an answer"

    with memory_duckdb() as connection:
        source = live.home.lake.scan("raw/price_daily")
        after = connection.execute(f"select * from {source} order by all").to_arrow_table().to_pylist()
    assert {row["ticker"] for row in after} == {"AAPL", "MSFT"}
    assert [row for row in after if row["ticker"] == "AAPL"] == [row for row in before if row["ticker"] == "AAPL"]


def test_a_split_that_never_was_moves_neither_a_price_nor_a_unit(live: Live, provider: Provider) -> None:
    """Yahoo tells 2 for 1 on 2020-08-13, and its figures of the days before are what they were: undone, they double."""
    answer = json.loads((RECORDED / "yahoo_chart_aapl.json").read_text())
    splits = answer["chart"]["result"][0]["events"]["splits"]
    moment = answer["chart"]["result"][0]["timestamp"][8]
    splits[str(moment)] = {"date": moment, "numerator": 2.0, "denominator": 1.0, "splitRatio": "2:1"}
    provider.answers[AAPL] = [Answer(json.dumps(answer).encode(), content_type="application/json")]
    before = {table: rows_now(live, table) for table in ("raw/price_daily", "raw/corporate_action")}

    live.fetch("raw/corporate_action", "raw/price_daily")

    assert {table: rows_now(live, table) for table in before} == before
    held = Counter((row["source_table"], row["reason"]) for row in rows_now(live, "meta/quarantine"))
    assert held == {("raw/corporate_action", "INVENTED_SPLIT"): 2, ("raw/price_daily", "INVENTED_SPLIT"): 8}


def rows_now(live: Live, table: str) -> list[dict[str, Any]]:
    with memory_duckdb() as connection:
        return connection.execute(f"from {live.home.lake.scan(table)} order by all").to_arrow_table().to_pylist()


def test_a_bad_price_goes_to_quarantine_and_a_command_releases_it(live: Live, provider: Provider) -> None:
    """One of Apple's closes comes as 0, one a hundred times too high, and Labor Day, 2020-09-07, has one."""
    answer = json.loads((RECORDED / "yahoo_chart_aapl.json").read_text())
    closes = answer["chart"]["result"][0]["indicators"]["quote"][0]["close"]
    closes[5], closes[12], closes[22] = 0, closes[12] * 100, closes[21]
    provider.answers[MSFT] = provider.answers[AAPL] = [
        Answer(json.dumps(answer).encode(), content_type="application/json")
    ]

    def closes_of(ticker: str) -> dict[date, Decimal]:
        with memory_duckdb() as connection:
            query = f"select price_date, close from {live.home.lake.scan('raw/price_daily')} where ticker = ?"
            return dict(connection.execute(query, [ticker]).fetchall())

    live.fetch("raw/price_daily")
    listed = live.audit()[1]
    held = {line.split()[4]: line.split()[0] for line in listed.splitlines() if " MSFT " in line}
    assert held.keys() == {"ZERO", "TIMES_100", "WEEKEND"}
    assert len(closes_of("MSFT")) == 20
    assert not closes_of("MSFT").keys() & {date(2020, 8, 10), date(2020, 8, 19), date(2020, 9, 7)}

    assert live.audit("release", held["ZERO"][:3], "--why", "it is right")[0] == 2
    assert "is released; refresh 2020" in live.audit("release", held["WEEKEND"], "--why", "it did trade on that day")[1]
    live.fetch("raw/price_daily")
    assert closes_of("MSFT")[date(2020, 9, 7)] == closes_of("MSFT")[date(2020, 9, 1)], "as it was delivered"
    assert live.audit()[1].count(" MSFT ") == 2


def test_without_its_key_fred_is_not_asked(live: Live) -> None:
    code, said = live.refresh(FRED_API_KEY="")

    assert code == 1
    assert "needs FRED_API_KEY" in said
