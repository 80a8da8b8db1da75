"""When something was recorded, and which business day it is.

With the bundled market, today is the last day that has both prices and a Treasury curve, so that a trade posted
without a date lands on a day that can be valued. With the live market it is today in the book's own zone.
"""

from datetime import UTC, date, datetime
from typing import Literal

from domain.snapshots import business_date

SAMPLE_MARKET_TODAY = date(2017, 3, 29)


class SystemClock:
    """The wall clock, in UTC; `today` is the day of that moment in `zone`."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def today(self, zone: str) -> date:
        return business_date(self.now(), zone)


class SampleMarketClock(SystemClock):
    """The wall clock for what we record, and the bundled market's last day for business."""

    def today(self, zone: str) -> date:
        del zone  # the bundled market has one last day, whatever the zone
        return SAMPLE_MARKET_TODAY


def clock_of(market_source: Literal["sample", "live"]) -> SystemClock:
    return SampleMarketClock() if market_source == "sample" else SystemClock()
