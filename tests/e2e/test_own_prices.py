"""Securities that no market has: bought, MISSING, priced over HTTP and from files; test_restatement.py corrects one.

Where people sign in, a price is of whoever has posted it, until an administrator publishes another.
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from domain.errors import plain
from pipelines.ingestion.price_report import report
from storage.lake import mounted
from storage.lake.delta import memory_duckdb
from tests.e2e.as_traded_books import OWNERS, named
from tests.oltp_api.people import Person, served_with_accounts, signed_in


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


def test_what_others_have_priced_as_their_own_is_missing(own: Own) -> None:
    assert own.held()["NOPRICE"] == ("MISSING", None)


def test_files_in_the_folder_are_read_and_a_bad_line_holds_up_no_good_one(own: Own) -> None:
    of_files = "select reason, detail from {table} where source_table = 'raw/own_price' and reason <> 'UNCONFIRMED'"
    held = own.rows("meta/quarantine", of_files)

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


@pytest.fixture(scope="module")
def people(own: Own) -> Iterator[dict[str, Person]]:
    with served_with_accounts(own.home.settings) as address:
        yield {name: signed_in(address, f"{name}@example.org") for name in OWNERS}


def table(person: Person, name: str) -> pa.Table:
    return pa.ipc.open_stream(person.get(f"/lake-tables/{name}").raise_for_status().content).read_all()


def of_ticker(person: Person, name: str, ticker: str) -> list[str]:
    """The closes of a security in a table that is served."""
    securities = table(person, "marts/dim_security")
    row = securities["ticker"].to_pylist().index(ticker)
    prices = table(person, name)
    rows = zip(prices["security_id"].to_pylist(), prices["close"].to_pylist(), strict=True)
    return [plain(close) for security_id, close in rows if security_id == securities["security_id"][row].as_py()]


def explanations(person: Person, reference: str) -> list[tuple[str, str]]:
    """The prices that an explanation names, with their table."""
    found = person.get("/explain", ref=reference).raise_for_status().json()["figure"]
    sources = [(node["source"]["table"], node["value"]) for node in found["children"] if node["source"]]
    return [one for one in sources if one[0].endswith("price_daily")]


@pytest.mark.parametrize(("name", "status"), [("ada", "PRICED"), ("ben", "UNCONFIRMED")])
def test_each_owner_has_their_own_price_in_value_price_explanation_and_tables(
    people: dict[str, Person], name: str, status: str
) -> None:
    """Ben's jumps, and is in doubt in his portfolio alone."""
    person, closes = people[name], list(OWNERS[name].values())
    (portfolio,) = person.get("/portfolios").json()["items"]
    address = f"/portfolios/{portfolio['portfolio_id']}"
    (position,) = person.get(f"{address}/positions").json()["positions"]
    assert (position["status"], position["market_value"]) == (status, f"{10 * int(closes[-1])}")
    (line,) = person.get(f"/books/{portfolio['portfolio_id']}/snapshots/latest").json()["lines"]
    assert line["close"] == closes[-1]
    review = person.get(f"{address}/review").raise_for_status().json()
    (explained,) = explanations(person, f"{review['explain']}/holdings/NOPRICE/value")
    assert explained == ("marts/fact_own_price_daily", closes[-1])
    assert person.get("/securities/NOPRICE/price").json()["close"] == closes[-1]
    assert [row["close"] for row in person.get("/securities/NOPRICE/prices").json()["items"]] == closes
    for served in ("marts/fact_own_price_daily", "marts/fact_price_daily"):
        assert sorted(of_ticker(person, served, "NOPRICE")) == sorted(closes)
    assert "owner_id" not in table(person, "marts/fact_own_price_daily").column_names


def test_an_owners_simulation_starts_from_the_owners_prices(own: Own, people: dict[str, Person]) -> None:
    """Ben's prices are too few, and Ada's are none of his."""
    asked = {}
    for name, person in people.items():
        (portfolio,) = person.get("/portfolios").json()["items"]
        (standing,) = person.get(f"/portfolios/{portfolio['portfolio_id']}/simulations").json()["items"]
        asked[name] = standing["simulation_id"]
    own.home.simulate(list(asked.values()))

    states = {name: person.get(f"/simulations/{asked[name]}").json()["status"] for name, person in people.items()}
    assert states == {"ada": "DONE", "ben": "REFUSED"}
    inputs = people["ada"].get(f"/simulations/{asked['ada']}/inputs").raise_for_status().json()["items"]
    sources = {row["name"]: row["source"] for row in inputs if row["ticker"] == "NOPRICE"}
    assert sources["volatility_window"] == "marts/fact_own_price_daily"


def test_control_without_the_filter_of_the_release_each_would_see_the_others(
    own: Own, people: dict[str, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(mounted._OWN, "owner_id", "true")
    with served_with_accounts(own.home.settings) as address:
        person = signed_in(address, "ada@example.org")
        seen = of_ticker(person, "marts/fact_own_price_daily", "NOPRICE")
        assert sorted(seen) == sorted(close for closes in OWNERS.values() for close in closes.values())
