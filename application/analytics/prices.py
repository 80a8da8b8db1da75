"""Questions about prices, rates and securities. SQL in `prices.sql`."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import numpy as np

from application.analytics.released import ReleasedAnalytics
from domain.analytics.arrays import Days
from domain.analytics.returns.series import Benchmark, Daily
from domain.analytics.risk.profile import RISK_FREE_CURRENCIES
from domain.ports import (
    FundMetadata,
    TickerDetails,
    TickerPerformance,
    TickerPriceAtDate,
)
from domain.posted_prices import PriceSourceName
from domain.snapshots import ReleasedQuotes, SnapshotPrice
from storage.queries import statements

_SQL = statements("application/analytics/prices.sql")


class PriceAnalytics(ReleasedAnalytics):
    def get_price_for_date(self, ticker: str, on: date) -> TickerPriceAtDate | None:
        rows = self._mounted().rows(_SQL["price"], ticker=ticker, on=on)
        return TickerPriceAtDate(ticker=ticker, asked=on, **rows[0]) if rows else None

    def get_fx_rate(self, currency: str, base_currency: str, on: date) -> Decimal | None:
        """Convert one unit of `currency` to `base_currency` at the central bank's rates of `on`; None without both."""
        asked = {"currency": currency, "base_currency": base_currency, "on": on}
        rows = self._mounted().rows(_SQL["fx_rate"], **asked)
        return Decimal(rows[0]["fx_rate"]) if rows else None

    def get_rough_fx_rate(self, currency: str, base_currency: str, on: date) -> float | None:
        """As `get_fx_rate`, in a double, out of all days at once: for a comparison of many rows."""
        found = self._mounted().kept_columns(_SQL["fx_rates"], currency=currency, base_currency=base_currency)
        if not found:
            return None
        days = found["days"].astype("datetime64[D]")
        at = int(np.searchsorted(days, np.datetime64(on)))
        return float(found["rates"][at]) if at < len(days) and days[at] == np.datetime64(on) else None

    def get_price_source(self, security_id: int) -> PriceSourceName | None:
        """Where the prices of a security are from; None if it has none, or only those that a curve gives a bond."""
        rows = self._mounted().rows(_SQL["price_source"], security_id=security_id)
        return PriceSourceName(rows[0]["price_source"]) if rows else None

    def get_quotes(self) -> ReleasedQuotes:
        """The last close of every security, and the refresh that made them; one that nobody quotes is not in it."""
        newest = self._mounted()
        quotes = {row.pop("security_id"): SnapshotPrice(**row) for row in newest.rows(_SQL["quotes"])}
        (since,) = newest.rows(_SQL["quoted_since"], release_id=newest.release.release_id)
        return ReleasedQuotes(since["release_id"], quotes)

    def get_ticker_details(self, tickers: Sequence[str]) -> Mapping[str, TickerDetails]:
        rows = self._mounted().rows(_SQL["ticker_details"], tickers=list(tickers)) if tickers else []
        return {row["ticker"]: TickerDetails(**row) for row in rows}

    def get_fund_metadata_for_tickers(self, tickers: Sequence[str]) -> Mapping[str, FundMetadata]:
        rows = self._mounted().rows(_SQL["fund_metadata"], tickers=list(tickers)) if tickers else []
        return {row["ticker"]: FundMetadata(**row) for row in rows}

    def get_performance_for_tickers(self, tickers: Sequence[str]) -> Mapping[str, TickerPerformance]:
        rows = self._mounted().rows(_SQL["ticker_performance"], tickers=list(tickers)) if tickers else []
        return {row["ticker"]: TickerPerformance(**row) for row in rows}

    def get_benchmark(self, tickers: str, currency: str) -> Benchmark | None:
        """The levels of the first of `tickers`, in order of preference and parted by commas, that the market has in
        that currency; None without any."""
        for ticker in (one.strip() for one in tickers.split(",")):
            found = self._mounted().kept_columns(_SQL["benchmark"], ticker=ticker)
            if found and len(found["days"]) and set(found["currency"]) == {currency}:
                days, kind = found["days"].astype("datetime64[D]"), str(found["kind"][-1])
                named = self._mounted().kept_columns(_SQL["description"], ticker=ticker).get("display_name", ())
                return Benchmark(ticker, kind, days, found["level"], str(named[0]) if len(named) else "")
        return None

    def get_tickers(self) -> Mapping[int, str]:
        found = self._mounted().kept_columns(_SQL["tickers"])
        return dict(zip(found["security_id"].tolist(), found["ticker"].tolist(), strict=True)) if found else {}

    def get_sessions(self) -> Days:
        """The exchange's sessions, in order, as far as the calendar goes."""
        found = self._mounted().kept_columns(_SQL["sessions"])
        return found["days"].astype("datetime64[D]") if found else np.empty(0, "datetime64[D]")

    def get_risk_free(self, currency: str) -> Daily:
        """The return of every session without risk in `currency`, as far as it is known."""
        found = self._mounted().kept_columns(_SQL["risk_free"]) if currency in RISK_FREE_CURRENCIES else None
        if not found:
            return Daily(np.empty(0, "datetime64[D]"), np.empty(0))
        return Daily(found["days"].astype("datetime64[D]"), found["values"])
