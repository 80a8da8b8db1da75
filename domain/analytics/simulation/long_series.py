"""A century and a half of one market by month: what shares returned, and what par bonds would have.

The level is the mean of a month's closes. Returns of means vary less than those of month-ends, by a third, and follow
each other: a monthly volatility is too small by sqrt(3 / 2). Source: Working (1960), "Note on the Correlation of First
Differences of Averages in a Random Chain"; Shiller, "Irrational Exuberance", for the data.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from domain.analytics.arrays import Days, Float64

OF_MONTH_ENDS = sqrt(1.5)
"""Volatility of month-ends over that of monthly means, 1.2247."""
MONTHS = 12
BOND_YEARS = 20
BOND_SPREAD_PCT = 1.0
"""Yield of high-grade bonds over the ten-year yield."""


@dataclass(frozen=True, slots=True, eq=False)
class LongSeries:
    """n `months` in a row: `level` of the index, `dividend_annual` (what a unit paid in the twelve months up to it),
    `consumer_price`, and `long_yield_pct`, the ten-year government yield; all (n,)."""

    months: Days
    level: Float64
    dividend_annual: Float64
    consumer_price: Float64
    long_yield_pct: Float64

    def __post_init__(self) -> None:
        if (np.diff(self.months.astype("datetime64[M]")) != np.timedelta64(1, "M")).any():
            raise ValueError("months must follow one another, without a gap")

    @property
    def share_returns(self) -> Float64:
        """(n - 1,) log returns with a twelfth of the year's dividend, of the months from the second on."""
        return np.asarray(np.log((self.level[1:] + self.dividend_annual[1:] / MONTHS) / self.level[:-1]))

    @property
    def long_rate(self) -> Float64:
        """(n,) the ten-year yield as a continuous rate, a fraction."""
        return np.log1p(self.long_yield_pct / 100)

    def bond_returns(self, years: int = BOND_YEARS, spread_pct: float = BOND_SPREAD_PCT) -> Float64:
        """(n - 1,) log returns of a bond that is bought at par and sold a month later, at the yield of then.

        It pays twice a year, matures after `years`, and yields `spread_pct` more than the ten-year yield.
        """
        yields = (self.long_yield_pct + spread_pct) / 100
        coupon, growth = yields[:-1] / 2, 1 + yields[1:] / 2
        due = np.arange(1, 2 * years + 1) - 1 / 6  # half-years until each payment, a month later
        discounts = growth[:, None] ** -due
        return np.asarray(np.log(coupon * discounts.sum(axis=1) + discounts[:, -1]))

    def between(self, first: str, last: str) -> slice:
        """The returns of the months from `first` to `last`, such as 1926-01, both included."""
        of_returns = self.months[1:].astype("datetime64[M]")
        return slice(
            int(np.searchsorted(of_returns, np.datetime64(first, "M"))),
            int(np.searchsorted(of_returns, np.datetime64(last, "M"), "right")),
        )
