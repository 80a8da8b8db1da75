"""US Treasury par yields and consumer prices from FRED, through `fredapi`.

What belongs here: which series are asked for, and what FRED's '.' means (no observation: no row). FRED's figures have
two or three decimals, so `fredapi`'s doubles give them back exactly. The three-month yield is the risk-free rate.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa

from pipelines.sources import market_tables
from pipelines.sources.http import BadResponse, RetryPolicy, Row, fetch_all, get, place

ROOT_URL = "https://api.stlouisfed.org/fred"
TENOR_MONTHS = {
    "DGS1MO": 1,
    "DGS3MO": 3,
    "DGS6MO": 6,
    "DGS1": 12,
    "DGS2": 24,
    "DGS3": 36,
    "DGS5": 60,
    "DGS7": 84,
    "DGS10": 120,
    "DGS20": 240,
    "DGS30": 360,
}
CONSUMER_PRICES = ("CPIAUCSL",)


class FredRateSource:
    """The rates of `PriceSource`. `IncompleteMarket.missing` names series."""

    name = "fred"

    def __init__(
        self, api_key: str, root_url: str = ROOT_URL, patience: RetryPolicy | None = None, timeout_seconds: float = 20
    ) -> None:
        self._api_key = api_key
        self._root_url = root_url
        self._patience = patience or RetryPolicy()
        self._timeout_seconds = timeout_seconds

    def yields(self, start: date, end: date) -> pa.Table:
        def ask(series: str) -> Iterator[Row]:
            for day, rate in self._observations(series, start, end):
                yield {"curve_date": day, "tenor_months": TENOR_MONTHS[series], "par_yield_pct": rate}

        return fetch_all(
            self.name, list(TENOR_MONTHS), ask, self._patience, market_tables.YIELDS, "curve_date", "tenor_months"
        )

    def consumer_prices(self, start: date, end: date) -> pa.Table:
        def ask(series: str) -> Iterator[Row]:
            for month, level in self._observations(series, start, end):
                yield {"series": series, "index_month": month, "index_level": level}

        return fetch_all(
            self.name, CONSUMER_PRICES, ask, self._patience, market_tables.CONSUMER_PRICES, "series", "index_month"
        )

    def _observations(self, series: str, start: date, end: date) -> Iterator[tuple[date, Decimal]]:
        """(day, value) of a series; FRED answers a whole month or day for any window that touches it."""
        if start > end:
            return  # FRED refuses that
        try:
            values = self._fred().get_series(series, observation_start=start, observation_end=end)
        except (ElementTree.ParseError, TypeError, ValueError) as error:
            raise BadResponse(f"the answer is no list of observations ({error})") from error
        for moment, value in values.items():
            if value == value and start <= moment.date() <= end:  # NaN is fredapi's word for '.'
                yield moment.date(), Decimal(repr(float(value)))

    def _fred(self) -> Any:
        from fredapi.fred import Fred  # imports pandas, which is slow: only for those who ask

        timeout_seconds = self._timeout_seconds

        class PunctualFred(Fred):
            """`fredapi` waits for ever, and hides the status of an error that has no XML in it, as a 429's."""

            def _Fred__fetch_data(self, url: str) -> ElementTree.Element:  # noqa: N802
                root = ElementTree.fromstring(get(f"{url}&api_key={self.api_key}", timeout_seconds))
                if root.tag != "observations":
                    raise BadResponse(f"{place(url)} answers with <{root.tag}>, not with observations")
                return root

        fred = PunctualFred(api_key=self._api_key)
        fred.root_url = self._root_url
        return fred
