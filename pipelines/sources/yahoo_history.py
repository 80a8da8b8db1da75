"""Rows from Yahoo's history of a ticker: prices as they traded, splits and dividends.

Yahoo restates its whole history at each split: close, dividend and volume are always those of today's units. That is
undone here by the splits after the day: raw_close(t) = close(t) x product of r of the splits after t. So a history must
reach from its first day to today, whatever part of it is wanted.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from domain.currencies import MINOR_UNITS
from pipelines.sources.http import Row

_PLACES = Decimal("1e-8")
_TOO_MUCH = 10**10  # numeric(18,8) ends there


@dataclass(frozen=True, slots=True)
class TickerHistory:
    """A ticker's days from `yfinance`, oldest first: a frame with Close, Adj Close, Volume, Dividends, Stock Splits.

    `meta` is Yahoo's chart metadata: currency, instrument, trading hours.
    """

    ticker: str
    frame: Any
    meta: Mapping[str, Any]

    def prices(self) -> Iterator[Row]:
        """Days with a close, newest first. No volume is null: yfinance makes one that Yahoo does not have a 0."""
        kind = "PRICE_INDEX" if self.meta.get("instrumentType") == "INDEX" else "AS_TRADED"
        currency, unfinished_day = self.currency, self._unfinished_day()
        for day, values, units in self._days():
            close = exact(values["Close"])
            if close is None or day == unfinished_day:
                continue
            adjusted = exact(values["Adj Close"])
            yield {
                "ticker": self.ticker,
                "price_date": day,
                "close": self._money(close, units),
                "currency": currency,
                "price_kind": kind,
                "adjusted_close": adjusted and self._money(adjusted),
                "volume": round(Fraction(int(values["Volume"])) / units) or None,
            }

    def corporate_actions(self) -> Iterator[Row]:
        for day, values, units in self._days():
            common = {"ticker": self.ticker, "action_date": day}
            if ratio := _ratio(values["Stock Splits"]):
                terms = {"split_new": Decimal(ratio.numerator), "split_old": Decimal(ratio.denominator)}
                yield common | {"action_type": "SPLIT"} | terms
            if amount := exact(values["Dividends"]):
                paid = {"amount": self._money(amount, units), "currency": self.currency}
                yield common | {"action_type": "DIVIDEND"} | paid

    @property
    def currency(self) -> str:
        currency, _ = whole_currency(self.meta["currency"])
        if currency is None:
            raise ValueError("no currency")
        return currency

    def _unfinished_day(self) -> date | None:
        """The day whose session is still open: its last price is not a close."""
        regular, newest = self.meta["currentTradingPeriod"]["regular"], self.meta["regularMarketTime"]
        return newest.date() if regular["start"] <= newest < regular["end"] else None

    def _days(self) -> Iterator[tuple[date, Mapping[str, float], Fraction]]:
        """(day, its figures, today's units for one of that day), newest first."""
        units = Fraction(1)
        days, records = self.frame.index.date, self.frame.to_dict("records")
        for day, values in zip(reversed(days), reversed(records), strict=True):
            yield day, values, units
            units *= _ratio(values["Stock Splits"]) or 1

    def _money(self, figure: Decimal, units: Fraction = Fraction(1)) -> Decimal:
        """`figure`, of today's units, in whole currency and in units of the day."""
        _, minor_units = whole_currency(self.meta["currency"])
        money = figure * units.numerator / (units.denominator * minor_units)
        if abs(money) >= _TOO_MUCH:
            raise ValueError(f"a figure of {figure:.3g}")
        return money.quantize(_PLACES, ROUND_HALF_UP)


def whole_currency(quoted: str | None) -> tuple[str | None, int]:
    """The ISO 4217 code of what Yahoo quotes in, and how many of the quoted unit make one of it: GBp is (GBP, 100)."""
    return (MINOR_UNITS[quoted], 100) if quoted and quoted in MINOR_UNITS else (quoted, 1)


def exact(figure: float | None) -> Decimal | None:
    """The decimal that Yahoo meant, None for NaN and Infinity.

    Yahoo widens floats of 32 bits to 64: 124.8075 arrives as 124.80750274658203. The shortest decimal that is the same
    32 bits gives it back, so that 4 times it is 499.23 and not 499.23001098632812.
    """
    if figure is None or not math.isfinite(figure):
        return None
    if isinstance(figure, int):
        return Decimal(figure)
    with np.errstate(over="ignore"):
        narrow = np.float32(figure)
    return Decimal(str(narrow) if float(narrow) == figure else repr(float(figure)))


def _ratio(split: float) -> Fraction | None:
    """New units for one old, None without a split; 0.3333333333333333 is 1 for 3."""
    return Fraction(split).limit_denominator(10_000) if split == split and split > 0 else None
