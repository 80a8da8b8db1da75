"""Guarantees of every `PriceSource`; run on the fake that tests use and on each real one (the live: on loopback)."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pytest

from domain.ports import PriceSource
from pipelines.sources import market_tables as tables
from pipelines.sources.ecb import EcbRateSource
from pipelines.sources.fred import TENOR_MONTHS, FredRateSource
from pipelines.sources.live import LiveMarket
from pipelines.sources.sample import SamplePriceSource
from pipelines.sources.yahoo import YahooPriceSource
from tests.fakes import FakePriceSource
from tests.recorded_server import RECORDED, Answer, FakeTime, Provider, recorded, served

SAMPLE = Path(__file__).parents[2] / "sample_data"
QUESTIONS = {
    "prices": (tables.PRICES, ["ticker", "price_date"]),
    "corporate_actions": (tables.CORPORATE_ACTIONS, ["ticker", "action_date", "action_type"]),
    "yields": (tables.YIELDS, ["curve_date", "tenor_months"]),
    "fx_rates": (tables.FX_RATES, ["currency", "rate_date"]),
    "consumer_prices": (tables.CONSUMER_PRICES, ["series", "index_month"]),
    "fund_metadata": (tables.FUND_METADATA, ["ticker", "as_of"]),
    "analyst_targets": (tables.ANALYST_TARGETS, ["ticker", "as_of"]),
}


class Market(NamedTuple):
    """A source, and a Friday after which there are prices, and one after which there are yields, on Monday too."""

    source: PriceSource
    price_friday: date
    curve_friday: date


@contextmanager
def live(cache_folder: Path) -> Iterator[LiveMarket]:
    rates = io.BytesIO()
    with zipfile.ZipFile(rates, "w") as archive:
        archive.write(RECORDED / "ecb_eurofxref-hist.csv", "eurofxref-hist.csv")
    series = [*TENOR_MONTHS, "CPIAUCSL"]
    answers = {f"/series/observations?series_id={name}": [recorded(f"fred_{name}.xml")] for name in series}
    answers |= {"/eurofxref-hist.zip": [Answer(rates.getvalue())]}
    answers |= {
        "/v8/finance/chart/AAPL": [recorded("yahoo_chart_aapl.json")],
        "/v10/finance/quoteSummary/AAPL": [recorded("yahoo_summary_aapl.json")],
        "/v7/finance/quote?symbols=AAPL": [recorded("yahoo_quote_aapl.json")],
        "/ws/fundamentals-timeseries/v1/finance/timeseries/AAPL": [recorded("yahoo_timeseries_empty.json")],
    }
    with served(Provider(answers)) as provider:
        patience = FakeTime().patience()
        yield LiveMarket(
            YahooPriceSource(["AAPL"], cache_folder, lambda: date(2020, 10, 5), provider.address, patience),
            FredRateSource("key", provider.address, patience),
            EcbRateSource(provider.address, patience),
        )


@pytest.fixture(params=["fake", "sample", "as_traded", "live"])
def market(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Market]:
    friday = date(2012, 12, 7)
    match request.param:
        case "live":
            with live(tmp_path) as source:
                yield Market(source, date(2020, 8, 28), date(2017, 2, 24))
        case "fake":
            days = [friday, friday + timedelta(days=3)]
            fake = FakePriceSource({("KO", day): Decimal("34.5") for day in days}, dict.fromkeys(days, Decimal("2.5")))
            yield Market(fake, friday, friday)
        case name:
            yield Market(SamplePriceSource(SAMPLE, name), friday, friday)


def asked(market: Market, question: str, friday: date, first: int, last: int) -> pa.Table:
    """The answer from `first` to `last` days after Friday."""
    ask = getattr(market.source, question)
    return ask(friday + timedelta(days=first), friday + timedelta(days=last))


def test_both_ends_of_the_window_are_included(market: Market) -> None:
    prices = asked(market, "prices", market.price_friday, 0, 3)
    yields = asked(market, "yields", market.curve_friday, 0, 3)

    assert set(prices["price_date"].to_pylist()) == {market.price_friday, market.price_friday + timedelta(days=3)}
    assert set(yields["curve_date"].to_pylist()) == {market.curve_friday, market.curve_friday + timedelta(days=3)}


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_answer_has_its_columns_and_types_also_without_rows(market: Market, question: str) -> None:
    schema, _ = QUESTIONS[question]
    weekend = asked(market, question, market.price_friday, 1, 2)

    assert weekend.num_rows == 0
    assert weekend.schema.equals(schema)
    assert asked(market, question, market.price_friday, 0, 3).schema.equals(schema)
    assert asked(market, question, market.price_friday, 3, 0).num_rows == 0


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_answer_is_in_the_order_of_its_key_which_is_never_twice(market: Market, question: str) -> None:
    _, key = QUESTIONS[question]
    rows = getattr(market.source, question)(date(2012, 12, 1), date(2020, 10, 5)).select(key)
    keys = list(zip(*(rows[column].to_pylist() for column in key), strict=True))

    assert keys == sorted(set(keys))


def test_rates_are_exact_decimals(market: Market) -> None:
    eight_places = pa.decimal128(18, 8)

    assert asked(market, "prices", market.price_friday, 0, 0).schema.field("close").type == eight_places
    assert asked(market, "yields", market.curve_friday, 0, 0).schema.field("par_yield_pct").type == eight_places
    assert asked(market, "fx_rates", market.price_friday, 0, 0).schema.field("rate_per_eur").type == eight_places


def test_every_price_says_its_currency_and_kind_and_has_a_close(market: Market) -> None:
    rows = asked(market, "prices", market.price_friday, 0, 3)

    assert rows.num_rows > 0
    assert rows["close"].null_count == 0
    assert set(rows["currency"].to_pylist()) == {"USD"}
    assert set(rows["price_kind"].to_pylist()) <= {"AS_TRADED", "TOTAL_RETURN", "PRICE_INDEX"}


def test_only_what_is_as_traded_has_corporate_actions(market: Market) -> None:
    """Corporate actions of another kind of price would count twice."""
    window = date(2000, 1, 1), date(2020, 9, 30)
    kinds = market.source.prices(*window).select(["ticker", "price_kind"]).to_pylist()
    as_traded = {row["ticker"] for row in kinds if row["price_kind"] == "AS_TRADED"}

    for action in market.source.corporate_actions(*window).to_pylist():
        assert action["ticker"] in as_traded
        is_split = action["action_type"] == "SPLIT"
        assert is_split or action["action_type"] == "DIVIDEND"
        assert (action["split_new"] is not None) == (action["split_old"] is not None) == is_split
        assert (action["amount"] is None) == (action["currency"] is None) == is_split
