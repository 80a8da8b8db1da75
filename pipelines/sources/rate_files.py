"""Rates that people downloaded from the ECB and FRED, for the days that the market source has none of.

What belongs here: joining the two. Both are of one publisher, so a day of the one beside a day of the other is one
series; where both have a day, the market's counts.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from domain.ports import IncompleteMarket, PriceSource
from pipelines.sources import market_tables
from pipelines.sources.fred import CONSUMER_PRICES, TENOR_MONTHS
from pipelines.sources.price_files.folder import PriceFiles, rate_files

Ask = Callable[[date, date], Any]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class WithRateFiles:
    """`market`, and the rates of the files in `folder`, which are read once."""

    market: PriceSource
    folder: Path

    @property
    def name(self) -> str:
        return self.market.name

    @cached_property
    def files(self) -> PriceFiles:
        return rate_files(self.folder)

    @property
    def remarks(self) -> dict[str, str]:
        """By file, what is left out of it, or why it is not read."""
        return {**self.files.notes, **self.files.unreadable}

    def prices(self, start: date, end: date) -> pa.Table:
        return self.market.prices(start, end)

    def corporate_actions(self, start: date, end: date) -> pa.Table:
        return self.market.corporate_actions(start, end)

    def fund_metadata(self, start: date, end: date) -> pa.Table:
        return self.market.fund_metadata(start, end)

    def analyst_targets(self, start: date, end: date) -> pa.Table:
        return self.market.analyst_targets(start, end)

    def fx_rates(self, start: date, end: date) -> pa.Table:
        rows = (
            {"currency": rate.series, "rate_date": rate.day, "rate_per_eur": rate.value}
            for rate in self.files.rates
            if rate.gives == "fx" and start <= rate.day <= end
        )
        return _joined(self.market.fx_rates, start, end, rows, market_tables.FX_RATES, "currency", "rate_date")

    def yields(self, start: date, end: date) -> pa.Table:
        rows = (
            {"curve_date": day, "tenor_months": TENOR_MONTHS[series], "par_yield_pct": value}
            for series, day, value in self._of_fred(start, end)
            if series in TENOR_MONTHS
        )
        return _joined(self.market.yields, start, end, rows, market_tables.YIELDS, "curve_date", "tenor_months")

    def consumer_prices(self, start: date, end: date) -> pa.Table:
        rows = (
            {"series": series, "index_month": day, "index_level": value}
            for series, day, value in self._of_fred(start, end)
            if series in CONSUMER_PRICES
        )
        return _joined(
            self.market.consumer_prices, start, end, rows, market_tables.CONSUMER_PRICES, "series", "index_month"
        )

    def _of_fred(self, start: date, end: date) -> Iterator[tuple[str, date, Any]]:
        for rate in self.files.rates:
            if rate.gives == "series" and start <= rate.day <= end:
                yield rate.series, rate.day, rate.value


@dataclass(frozen=True, slots=True)
class NoFred:
    """The rates of a live market without a key to FRED, whose files are in the folder instead."""

    def yields(self, start: date, end: date) -> pa.Table:
        del start, end
        return market_tables.YIELDS.empty_table()

    def consumer_prices(self, start: date, end: date) -> pa.Table:
        del start, end
        return market_tables.CONSUMER_PRICES.empty_table()


def has_yields(files: PriceFiles) -> bool:
    return any(rate.series in TENOR_MONTHS for rate in files.rates)


def _joined(ask: Ask, start: date, end: date, more: Iterator[Row], schema: pa.Schema, *key: str) -> pa.Table:
    """The market's rows, and those of `more` of whose key it has none; of two files with one key the later by name."""
    gaps: IncompleteMarket | None = None
    try:
        rows = ask(start, end)
    except IncompleteMarket as incomplete:
        rows, gaps = incomplete.rows, incomplete
    added = {tuple(row[name] for name in key): row for row in more}
    if added:
        known = set(zip(*(rows[name].to_pylist() for name in key), strict=True))
        fresh = [row for place, row in added.items() if place not in known]
        rows = market_tables.table_of([*rows.to_pylist(), *fresh], schema, *key)
    if gaps is not None:
        raise IncompleteMarket(gaps.source, rows, gaps.missing, gaps.unknown)
    return rows
