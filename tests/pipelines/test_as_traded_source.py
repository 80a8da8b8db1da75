"""The second bundled market, its derived corporate actions, and the exchange rates that both markets share."""

import csv
import gzip
import runpy
import zipfile
from collections import Counter
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from domain.securities import AssetType, PriceKind
from pipelines.sources.sample import SamplePriceSource

FOLDER = Path(__file__).parents[2] / "sample_data"
SOURCE = SamplePriceSource(FOLDER, "as_traded")
FIRST, LAST = date(2000, 3, 1), date(2013, 3, 1)
BUILD = runpy.run_path(str(FOLDER / "build.py"))


@pytest.fixture(scope="module")
def prices() -> pa.Table:
    return SOURCE.prices(date.min, date.max)


@pytest.fixture(scope="module")
def actions() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = SOURCE.corporate_actions(date.min, date.max).to_pylist()
    return rows


@pytest.fixture(scope="module")
def rates() -> pa.Table:
    return SOURCE.fx_rates(date.min, date.max)


def dividend(actions: list[dict[str, object]], ticker: str, day: date) -> object:
    (amount,) = [
        row["amount"]
        for row in actions
        if (row["ticker"], row["action_date"], row["action_type"]) == (ticker, day, "DIVIDEND")
    ]
    return amount


def test_five_shares_are_as_traded_in_dollars_from_2000_to_2013(prices: pa.Table) -> None:
    assert Counter(prices["ticker"].to_pylist()) == {"AAPL": 3270, "FB": 196, "GOOG": 2148, "IBM": 3270, "MSFT": 3270}
    assert (pc.min(prices["price_date"]).as_py(), pc.max(prices["price_date"]).as_py()) == (FIRST, LAST)
    assert set(prices["price_kind"].to_pylist()) == {"AS_TRADED"}
    assert set(prices["currency"].to_pylist()) == {"USD"}
    assert prices["volume"].null_count == prices["adjusted_close"].null_count == 0


def test_closes_are_the_ones_on_the_screen_of_the_day(prices: pa.Table) -> None:
    """Apple over its split of 2005-02-28, as the Quandl WIKI file has it."""
    days = prices.filter((pc.field("ticker") == "AAPL") & (pc.field("price_date") >= date(2005, 2, 25)))
    assert days["close"].to_pylist()[:2] == [Decimal("88.99"), Decimal("44.86")]


def test_the_splits_are_the_three_real_ones(actions: list[dict[str, object]]) -> None:
    splits = [row for row in actions if row["action_type"] == "SPLIT"]

    assert [(row["ticker"], row["action_date"], row["split_new"], row["split_old"]) for row in splits] == [
        ("AAPL", date(2000, 6, 21), 2, 1),
        ("AAPL", date(2005, 2, 28), 2, 1),
        ("MSFT", date(2003, 2, 18), 2, 1),
    ]
    assert {(row["amount"], row["currency"]) for row in splits} == {(None, None)}


def test_dividends_are_as_many_as_were_paid_and_whole_cents(actions: list[dict[str, object]]) -> None:
    """IBM paid in each of the 52 quarters; Microsoft since 2003 (37 times); Apple again since 2012 (3 times)."""
    dividends = [row for row in actions if row["action_type"] == "DIVIDEND"]

    assert Counter(row["ticker"] for row in dividends) == {"IBM": 52, "MSFT": 37, "AAPL": 3}
    assert all(row["amount"] == round(Decimal(str(row["amount"])), 2) > 0 for row in dividends)
    assert {row["currency"] for row in dividends} == {"USD"}


@pytest.mark.parametrize(
    ("ticker", "ex_date", "amount"),
    [
        ("MSFT", date(2003, 2, 19), "0.08"),  # its first dividend ever
        ("MSFT", date(2004, 11, 15), "3.08"),  # the special 3.00 and the quarter's 0.08 together
        ("MSFT", date(2013, 2, 19), "0.23"),
        ("AAPL", date(2012, 8, 9), "2.65"),  # the first since 1995
        ("IBM", date(2008, 5, 7), "0.50"),
        ("IBM", date(2013, 2, 6), "0.85"),
    ],
)
def test_a_derived_dividend_is_what_the_company_announced(
    actions: list[dict[str, object]], ticker: str, ex_date: date, amount: str
) -> None:
    """From the companies' dividend histories (investor relations pages of Microsoft, Apple and IBM)."""
    assert dividend(actions, ticker, ex_date) == Decimal(amount)


def test_closes_with_splits_and_dividends_give_back_the_adjusted_closes(
    prices: pa.Table, actions: list[dict[str, object]]
) -> None:
    """The other way round, from the newest day to the oldest: nothing is left in the adjusted closes."""
    by_day = {(row["ticker"], row["action_date"], row["action_type"]): row for row in actions}
    rows = prices.to_pylist()
    for before, day in pairwise(rows):
        if before["ticker"] != day["ticker"]:
            continue
        paid = by_day.get((day["ticker"], day["price_date"], "DIVIDEND"), {}).get("amount", 0)
        units = by_day.get((day["ticker"], day["price_date"], "SPLIT"), {}).get("split_new", 1)
        growth = units * (1 + paid / day["close"])
        adjusted = day["adjusted_close"] / day["close"] / growth * before["close"]
        assert adjusted == pytest.approx(before["adjusted_close"], rel=Decimal("1e-7"))


def test_the_rates_are_those_of_the_ecb(rates: pa.Table) -> None:
    """The ECB's first publication, 1999-01-04: 1.1789 dollars, 133.73 yen and 0.7111 pounds for a euro."""
    first = rates.filter(pc.field("rate_date") == date(1999, 1, 4))
    by_currency = dict(zip(first["currency"].to_pylist(), first["rate_per_eur"].to_pylist(), strict=True))

    assert by_currency["USD"] == Decimal("1.1789")
    assert by_currency["JPY"] == Decimal("133.73")
    assert by_currency["GBP"] == Decimal("0.7111")
    assert "BRL" not in by_currency  # since 2008


def test_there_are_41_currencies_and_no_rate_that_is_not_one(rates: pa.Table) -> None:
    keys = list(zip(rates["currency"].to_pylist(), rates["rate_date"].to_pylist(), strict=True))

    assert rates.num_rows == 221_702
    assert keys == sorted(set(keys))
    assert len({currency for currency, _ in keys}) == 41
    assert rates["rate_per_eur"].null_count == 0
    assert pc.min(rates["rate_per_eur"]).as_py() > 0


def test_both_markets_have_the_same_rates_and_curve(rates: pa.Table) -> None:
    sample = SamplePriceSource(FOLDER)

    assert sample.fx_rates(date.min, date.max).equals(rates)
    assert sample.yields(FIRST, LAST).equals(SOURCE.yields(FIRST, LAST))
    assert sample.consumer_prices(FIRST, LAST).equals(SOURCE.consumer_prices(FIRST, LAST))


def test_core_consumer_prices_are_monthly_since_1957() -> None:
    levels = SOURCE.consumer_prices(date.min, date.max)

    assert levels.num_rows == 743
    assert levels.slice(0, 1).to_pylist() == [
        {"series": "CPILFESL", "index_month": date(1957, 1, 1), "index_level": Decimal("28.5")}
    ]


@pytest.mark.parametrize("name", ["sample", "as_traded"])
def test_funds_and_targets_are_there_and_say_that_they_are_illustrative(name: str) -> None:
    source = SamplePriceSource(FOLDER, name)
    funds, targets = source.fund_metadata(date.min, date.max), source.analyst_targets(date.min, date.max)
    tickers = set(source.prices(date(2013, 3, 1), date(2013, 3, 1))["ticker"].to_pylist())

    assert set(funds["is_illustrative"].to_pylist()) == set(targets["is_illustrative"].to_pylist()) == {True}
    assert set(targets["ticker"].to_pylist()) <= tickers
    for row in targets.to_pylist():
        assert row["target_low"] <= min(row["target_mean"], row["target_median"])
        assert row["target_high"] >= max(row["target_mean"], row["target_median"])


def test_each_ticker_has_one_registered_security_of_the_same_price_kind(prices: pa.Table) -> None:
    with (FOLDER / "as_traded" / "securities.csv").open(encoding="utf-8", newline="") as lines:
        securities = list(csv.DictReader(lines))

    assert [row["ticker"] for row in securities] == sorted(set(prices["ticker"].to_pylist()))
    assert {(PriceKind(row["price_kind"]), AssetType(row["asset_type"])) for row in securities} == {
        (PriceKind.AS_TRADED, AssetType.EQUITY)
    }


HEADER = "Ticker,Date,Open,High,Low,Close,Volume,Adj Close\n"


def as_traded(folder: Path, *days: str) -> Path:
    text = HEADER + "".join(f"A,{day},1,1,1,{close},9,{adjusted}\n" for day, close, adjusted in map(str.split, days))
    (folder / "bokeh_stocks_quandl_wiki.csv.gz").write_bytes(gzip.compress(text.encode()))
    return folder


def test_building_derives_a_dividend_from_the_close_of_its_ex_date(tmp_path: Path) -> None:
    source = as_traded(tmp_path, "2001-01-02 50 50", "2001-01-03 40 41")  # 41/40 = 1 + 1/40

    assert BUILD["corporate_action"](source).to_pylist()[0]["amount"] == Decimal("1.00")


@pytest.mark.parametrize(
    "next_day",
    [
        "2001-01-03 25 50",  # a split that nobody listed
        "2001-01-03 40 41.005",  # 1.005 dollars
        "2001-01-03 40 39",  # negative
    ],
)
def test_building_refuses_what_is_no_dividend(tmp_path: Path, next_day: str) -> None:
    source = as_traded(tmp_path, "2001-01-02 50 50", next_day)

    with pytest.raises(SystemExit, match="A 2001-01-03: the adjusted close says"):
        BUILD["corporate_action"](source)


def test_building_leaves_defunct_currencies_and_the_trailing_column_out(tmp_path: Path) -> None:
    text = "Date,USD,CYP,\n2026-10-30,1.1172,N/A,\n1999-01-04,1.1789,0.58231,\n"
    with zipfile.ZipFile(tmp_path / "eurofxref-hist.zip", "w") as archive:
        archive.writestr("eurofxref-hist.csv", text)

    assert BUILD["fx_rate_daily"](tmp_path).to_pylist() == [
        {"currency": "CYP", "rate_date": date(1999, 1, 4), "rate_per_eur": Decimal("0.58231")},
        {"currency": "USD", "rate_date": date(1999, 1, 4), "rate_per_eur": Decimal("1.1789")},
        {"currency": "USD", "rate_date": date(2026, 10, 30), "rate_per_eur": Decimal("1.1172")},
    ]
