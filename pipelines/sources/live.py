"""The live market: securities from Yahoo, the curve and consumer prices from FRED, exchange rates from the ECB.

What belongs here: who is asked for what, and nothing else.
"""

from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from pipelines.sources.ecb import EcbRateSource
from pipelines.sources.fred import FredRateSource
from pipelines.sources.rate_files import NoFred
from pipelines.sources.yahoo import YahooPriceSource


@dataclass(frozen=True, slots=True)
class LiveMarket:
    """`PriceSource` over HTTP. Any of its answers may be `IncompleteMarket`, from the source that it names."""

    securities: YahooPriceSource
    rates: FredRateSource | NoFred
    currencies: EcbRateSource
    name: str = "live"

    def prices(self, start: date, end: date) -> pa.Table:
        return self.securities.prices(start, end)

    def corporate_actions(self, start: date, end: date) -> pa.Table:
        return self.securities.corporate_actions(start, end)

    def yields(self, start: date, end: date) -> pa.Table:
        return self.rates.yields(start, end)

    def fx_rates(self, start: date, end: date) -> pa.Table:
        return self.currencies.fx_rates(start, end)

    def consumer_prices(self, start: date, end: date) -> pa.Table:
        return self.rates.consumer_prices(start, end)

    def fund_metadata(self, start: date, end: date) -> pa.Table:
        return self.securities.fund_metadata(start, end)

    def analyst_targets(self, start: date, end: date) -> pa.Table:
        return self.securities.analyst_targets(start, end)
