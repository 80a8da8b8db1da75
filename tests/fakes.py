"""Stand-ins for the outside world, each held to the contract of its port in tests/pipelines/test_price_source.py."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType

import pyarrow as pa

from pipelines.sources import market_tables as tables


class FakePriceSource:
    """A market of the given closes by (ticker, day), in dollars as traded, and ten-year yields by day."""

    name = "fake"
    remarks: Mapping[str, str] = MappingProxyType({})

    def __init__(self, closes: Mapping[tuple[str, date], Decimal], yields: Mapping[date, Decimal]) -> None:
        self._prices = [
            {"ticker": ticker, "price_date": day, "close": close, "currency": "USD", "price_kind": "AS_TRADED"}
            for (ticker, day), close in closes.items()
        ]
        self._yields = [{"curve_date": day, "tenor_months": 120, "par_yield_pct": rate} for day, rate in yields.items()]

    def prices(self, start: date, end: date) -> pa.Table:
        rows = [row for row in self._prices if start <= row["price_date"] <= end]
        return tables.table_of(rows, tables.PRICES, "ticker", "price_date")

    def yields(self, start: date, end: date) -> pa.Table:
        rows = [row for row in self._yields if start <= row["curve_date"] <= end]
        return tables.table_of(rows, tables.YIELDS, "curve_date", "tenor_months")

    def corporate_actions(self, start: date, end: date) -> pa.Table:
        return tables.CORPORATE_ACTIONS.empty_table()

    def fx_rates(self, start: date, end: date) -> pa.Table:
        return tables.FX_RATES.empty_table()

    def consumer_prices(self, start: date, end: date) -> pa.Table:
        return tables.CONSUMER_PRICES.empty_table()

    def fund_metadata(self, start: date, end: date) -> pa.Table:
        return tables.FUND_METADATA.empty_table()

    def analyst_targets(self, start: date, end: date) -> pa.Table:
        return tables.ANALYST_TARGETS.empty_table()
