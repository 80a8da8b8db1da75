"""Securities that no market has: bought, MISSING, priced over HTTP and from files, corrected."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from pipelines.automation import due_now
from storage.lake import memory_duckdb

TODAY = "2013-03-01"
BOND = {
    "isin": "US912828V988",
    "asset_type": "BOND",
    "bond": {
        "maturity_date": "2023-02-15",
        "coupon_rate_pct": "2",
        "day_count": "ACT/ACT ICMA",
        "coupon_frequency": 2,
        "issuer_class": "SOVEREIGN",
        "issue_date": "2013-02-15",
    },
}
BOUGHT = (("ACME", "10", "12"), ("FUNDX", "100", "5"), (BOND["isin"], "10000", "98"), ("NOPRICE", "1", "1"))
FILE = "\n".join(
    [
        "Identifier,Date,Close,Currency",
        *(f"FUNDX,2013-02-{day:02},{5 + day / 100:.2f},USD" for day in range(1, 29)),
        *("FUNDX,2013-01-31,505,USD", "FUNDX,yesterday,5,USD", "NOBODY,2013-02-07,5,USD", "IBM,2013-02-07,5,USD"),
    ]
)


def record(client: httpx.Client) -> str:
    """One of each: an unlisted company, a fund whose prices come in files, a Treasury bond, and what has no price."""
    for security in ({"ticker": "ACME"}, {"ticker": "FUNDX", "asset_type": "FUND"}, BOND, {"ticker": "NOPRICE"}):
        client.post("/securities", json=security).raise_for_status()
    opened = {"name": "own prices", "initial_cash": "100000", "business_date": "2013-02-15"}
    portfolio_id = str(client.post("/portfolios", json=opened).raise_for_status().json()["portfolio_id"])
    for ticker, quantity, price in BOUGHT:
        buy = {"type": "BUY", "ticker": ticker, "quantity": quantity, "price": price, "business_date": "2013-02-15"}
        client.post(f"/portfolios/{portfolio_id}/transactions", json=buy).raise_for_status()
    return portfolio_id


class Own:
    def __init__(self, home: Any) -> None:
        self.home = home

    def post(self, ticker: str, close: str) -> None:
        body = {"prices": [{"date": TODAY, "close": close, "currency": "USD"}]}
        with self.home.client() as client:
            client.post(f"/securities/{ticker}/prices", json=body).raise_for_status()

    def held(self) -> dict[str, tuple[str, str | None]]:
        """Status and value by ticker in the newest release; nothing before there is one."""
        with self.home.client() as client:
            answer = client.get(f"/portfolios/{self.home.portfolio_id}/positions")
        rows = [] if answer.status_code == 503 else answer.raise_for_status().json()["positions"]
        return {row["ticker"]: (row["status"], row["market_value"]) for row in rows}

    def pick_up(self) -> None:
        """Do what the daemon does when its sensor finds the release behind, which is asserted."""
        with self.home.joined() as instance:
            assert due_now(instance, self.home.platform, ["refresh", "pick_up"]).is_due
        self.home.pick_up()

    def rows(self, table: str, query: str) -> list[tuple[Any, ...]]:
        with memory_duckdb() as connection:
            return connection.execute(query.format(table=self.home.lake.scan(table))).fetchall()


@pytest.fixture(scope="module")
def own(new_home: Any) -> Iterator[Own]:
    """Prices are posted, and a file is put into the folder, before the first release."""
    with new_home(record, "as_traded", begins_with="as_traded") as home:
        own = Own(home)
        folder = home.settings.home / "prices"
        folder.mkdir()
        (folder / "funds.csv").write_text(FILE)
        (folder / "letter.docx").write_bytes(b"PK\x03\x04")
        own.post(BOND["isin"], "99.5")
        own.post("ACME", "12.5")
        own.pick_up()
        assert own.held()["ACME"] == ("PRICED", "125")
        yield own


def test_a_posted_price_of_a_bond_is_clean_and_comes_before_the_curve(own: Own) -> None:
    """99.5 per cent of par, and 14 of 181 days of the half-year's coupon of 1 %: 99.57734807 for 100 of face."""
    assert own.held()["US912828V988"] == ("PRICED", "9957.734807")


def test_what_nobody_has_priced_is_missing(own: Own) -> None:
    assert own.held()["NOPRICE"] == ("MISSING", None)


def test_files_in_the_folder_are_read_and_a_bad_line_holds_up_no_good_one(own: Own) -> None:
    held = own.rows("meta/quarantine", "select reason, detail from {table} where source_table = 'raw/own_price'")

    assert own.held()["FUNDX"] == ("STALE", "528")
    assert own.rows("marts/fact_price_daily", "select count(*) from {table} where price_source = 'FOLDER'") == [(28,)]
    assert {detail.split(":")[0]: reason for reason, detail in held} == {
        "funds.csv line 30": "TIMES_100",
        "funds.csv line 31": "UNREADABLE",
        "funds.csv line 32": "UNKNOWN_SECURITY",
        "funds.csv line 33": "PRICED_ELSEWHERE",
    }


def test_a_corrected_price_counts_and_the_older_one_stays(own: Own) -> None:
    own.post("ACME", "13")
    own.pick_up()

    assert own.held()["ACME"] == ("PRICED", "130")
    with own.home.client() as client:
        posted = client.get("/securities/ACME/prices", params={"superseded": True}).json()["items"]
        shown = client.get("/securities/ACME/price").json()
        security_id = client.get("/securities/ACME").json()["security_id"]
        why = client.get(f"/lineage/portfolios/{own.home.portfolio_id}/securities/{security_id}").json()
    assert [(row["close"], row["is_current"]) for row in posted] == [("12.5", False), ("13", True)]
    assert (shown["close"], why["price"]["price_source"]) == ("13", "POSTED")
