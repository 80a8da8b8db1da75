"""What every `PriceSource` guarantees; run on the fake that tests use and on each real one."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from domain.ports import PriceSource
from pipelines.adapters.sample import SamplePriceSource
from tests.fakes import FakePriceSource

SAMPLE = Path(__file__).parents[2] / "sample_data"
DAYS = [date(2016, 12, 29), date(2016, 12, 30), date(2017, 1, 3)]


@pytest.fixture(params=["fake", "sample"])
def source(request: pytest.FixtureRequest) -> PriceSource:
    if request.param == "sample":
        return SamplePriceSource(SAMPLE)
    return FakePriceSource({("KO", day): Decimal("34.5") for day in DAYS}, {day: Decimal("2.5") for day in DAYS})


def test_both_ends_of_the_window_are_included(source: PriceSource) -> None:
    prices, yields = source.prices(DAYS[0], DAYS[1]), source.yields(DAYS[0], DAYS[1])

    assert set(prices["price_date"].to_pylist()) == set(DAYS[:2])
    assert set(yields["curve_date"].to_pylist()) == set(DAYS[:2])


def test_prices_and_yields_are_exact_decimals(source: PriceSource) -> None:
    assert source.prices(DAYS[0], DAYS[2]).schema.field("close").type == pa.decimal128(18, 8)
    assert source.yields(DAYS[0], DAYS[2]).schema.field("par_yield_pct").type == pa.decimal128(18, 8)


def test_a_window_without_data_is_empty_but_typed(source: PriceSource) -> None:
    weekend = date(2016, 12, 31), date(2017, 1, 1)

    assert source.prices(*weekend).num_rows == 0
    assert source.prices(*weekend).schema.equals(source.prices(DAYS[0], DAYS[2]).schema)
    assert source.yields(*weekend).schema.equals(source.yields(DAYS[0], DAYS[2]).schema)


def test_a_ticker_has_one_price_a_day(source: PriceSource) -> None:
    rows = source.prices(DAYS[0], DAYS[2])
    keys = list(zip(rows["ticker"].to_pylist(), rows["price_date"].to_pylist(), strict=True))

    assert len(keys) == len(set(keys))


def test_every_price_says_its_currency_and_kind(source: PriceSource) -> None:
    rows = source.prices(DAYS[0], DAYS[2])

    assert set(rows["currency"].to_pylist()) == {"USD"}
    assert set(rows["price_kind"].to_pylist()) <= {"AS_TRADED", "TOTAL_RETURN", "PRICE_INDEX"}
