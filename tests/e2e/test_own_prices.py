"""Securities that no market has: bought, MISSING, priced over HTTP and from files; test_restatement.py corrects one."""

from collections.abc import Iterator
from typing import Any

import pytest

from pipelines.ingestion.price_report import report
from storage.lake.delta import memory_duckdb
from tests.e2e.as_traded_books import named


class Own:
    def __init__(self, home: Any) -> None:
        self.home = home

    def held(self) -> dict[str, tuple[str, str | None]]:
        """Status and value by ticker in the newest release."""
        with self.home.client() as client:
            rows = client.get(f"/portfolios/{self.home.portfolio_id}/positions").raise_for_status().json()["positions"]
        return {row["ticker"]: (row["status"], row["market_value"]) for row in rows}

    def rows(self, table: str, query: str) -> list[tuple[Any, ...]]:
        with memory_duckdb() as connection:
            return connection.execute(query.format(table=self.home.lake.scan(table))).fetchall()


@pytest.fixture(scope="module")
def own(new_home: Any) -> Iterator[Own]:
    """Prices were posted, and a file was in the folder, before the first release."""
    with new_home(named("own prices"), "as_traded", begins_with="as_traded") as home:
        yield Own(home)


def test_a_posted_price_of_a_bond_is_clean_and_comes_before_the_curve(own: Own) -> None:
    """99.5 per cent of par, and 14 of 181 days of the half-year's coupon of 1 %: 99.57734807 for 100 of face."""
    assert own.held()["US912828V988"] == ("PRICED", "9957.734807")


def test_a_posted_price_of_a_share_is_its_price(own: Own) -> None:
    assert own.held()["UNLISTED"] == ("PRICED", "125")


def test_what_nobody_has_priced_is_missing(own: Own) -> None:
    assert own.held()["NOPRICE"] == ("MISSING", None)


def test_files_in_the_folder_are_read_and_a_bad_line_holds_up_no_good_one(own: Own) -> None:
    held = own.rows("meta/quarantine", "select reason, detail from {table} where source_table = 'raw/own_price'")

    assert own.held()["FUNDX"] == ("STALE", "528")
    of_folder = "select file, count(*) from {table} where price_source = 'FOLDER' group by file order by file"
    assert own.rows("raw/own_price", of_folder) == [("DOWNLOADED (1).csv", 2), ("funds.csv", 28)]
    assert own.rows("marts/fact_price_daily", "select count(*) from {table} where price_source = 'FOLDER'") == [(30,)]
    assert {detail.split(":")[0]: reason for reason, detail in held} == {
        "DOWNLOADED (1).csv line 4": "UNREADABLE",
        "funds.csv line 30": "TIMES_100",
        "funds.csv line 31": "UNREADABLE",
        "funds.csv line 32": "UNKNOWN_SECURITY",
        "funds.csv line 33": "PRICED_ELSEWHERE",
    }


def test_a_downloaded_history_counts_in_the_securitys_currency_and_a_rate_where_the_market_has_none(own: Own) -> None:
    prices = "select price_date::varchar, close::varchar, currency from {table} where file like 'DOWN%' order by 1"
    assert own.rows("raw/own_price", prices) == [
        ("2013-02-27", "1238.00000000", "USD"),
        ("2013-02-28", "1252.00000000", "USD"),
    ]
    rates = (
        "select currency, rate_per_eur < 9 from {table} where rate_date = '2013-02-28' and currency in ('USD', 'XCG')"
    )
    assert sorted(own.rows("raw/fx_rate_daily", rates)) == [("USD", True), ("XCG", True)]


def test_a_report_says_of_every_file_what_goes_in_and_what_does_not(own: Own) -> None:
    said = "\n".join(report(own.home.platform))

    assert "DOWNLOADED (1).csv: 2 prices go in" in said
    assert "UNREADABLE: DOWNLOADED (1).csv line 4" in said
    assert "eurofxref.csv: 3 rates" in said
    assert "funds.csv: 28 prices go in" in said
    assert "letter.docx: not read: is no .csv" in said
