"""When something was recorded, and which business day it is.

With a bundled market, today is the last day that has both prices and a Treasury curve, so that a trade posted without a
date lands on a day that can be valued. With the live market it is today in the book's own zone.
"""

from datetime import UTC, date, datetime

from domain.snapshots import business_date
from storage.settings import MarketSource

SAMPLE_MARKET_TODAY = date(2017, 3, 29)
LAST_DAYS = {"sample": SAMPLE_MARKET_TODAY, "as_traded": date(2013, 3, 1)}
"""The bundled markets, each with its last day."""


class SystemClock:
    """The wall clock, in UTC; `today` is the day of that moment in `zone`."""

    last_day: date | None = None

    def now(self) -> datetime:
        return datetime.now(UTC)

    def today(self, zone: str) -> date:
        return business_date(self.now(), zone)


class SampleMarketClock(SystemClock):
    """The wall clock for what we record, and a bundled market's last day for business."""

    def __init__(self, last_day: date = SAMPLE_MARKET_TODAY) -> None:
        self.last_day = self._today = last_day

    def today(self, zone: str) -> date:
        del zone  # a bundled market has one last day, whatever the zone
        return self._today


def clock_of(market_source: MarketSource) -> SystemClock:
    return SystemClock() if market_source == "live" else SampleMarketClock(LAST_DAYS[market_source])
