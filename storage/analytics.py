"""Questions to a release of the lake: positions with value, history, performance. SQL in `sql/analytics.sql`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np

from domain.analytics.panel import Panel
from domain.analytics.periods import months_before
from domain.analytics.review import WINDOW_YEARS, Cash, Holding, Reviewed, comparable
from domain.analytics.series import Benchmark, Daily, Days, Float64, PortfolioSeries
from domain.analytics.subjects import Level, Subject, SubjectSeries
from domain.errors import NoRelease
from domain.holdings import average_cost
from domain.ports import (
    PortfolioHeld,
    PortfolioReleaseInfo,
    PortfolioValue,
    ReleasedCash,
    ReleaseInfo,
    TickerDetails,
    TickerPerformance,
    TickerPriceAtDate,
    ValuedPosition,
)
from domain.posted_prices import PriceSourceName
from domain.snapshots import Quote, ReleasedQuotes
from storage.held import HeldPortfolio
from storage.lake import Lake
from storage.lineage import ValueLineage, explained
from storage.mounted import MountedRelease, MountedReleases, mounted
from storage.queries import statements
from storage.releases import Release, Releases
from storage.restatement import Restatement, restatement

_SQL = statements("storage/sql/analytics.sql")


class LakeAnalyticsRepository:
    """Answers from the newest release; `pinned` keeps several questions on one, `known_on` asks an older one."""

    def __init__(self, source: Callable[[], MountedRelease]) -> None:
        self._mounted = source

    @classmethod
    def newest(cls, lake: Lake) -> "LakeAnalyticsRepository":
        """Always the release that is the newest at the moment of the question."""
        return cls(MountedReleases(lake, Releases(lake)))

    @classmethod
    def at(cls, lake: Lake, release: Release) -> "LakeAnalyticsRepository":
        """Always `release`, whatever is the newest."""
        fixed = mounted(lake, release)
        return cls(lambda: fixed)

    def pinned(self) -> "LakeAnalyticsRepository":
        """Always the release that is the newest now, so that several answers agree."""
        newest = self._mounted()
        return LakeAnalyticsRepository(lambda: newest)

    def known_on(self, moment: datetime) -> "LakeAnalyticsRepository":
        """Always the release that was the newest at `moment`: what was known then."""
        assert isinstance(self._mounted, MountedReleases), "of one release there is no older one"
        then = self._mounted.known_on(moment)
        return LakeAnalyticsRepository(lambda: then)

    def release(self) -> ReleaseInfo:
        release = self._mounted().release
        return ReleaseInfo(release.release_id, release.released_at, release.as_of)

    def release_of(self, portfolio_id: UUID) -> PortfolioReleaseInfo:
        """The release as it shows a portfolio; PortfolioHeld if it is held and shows nothing."""
        newest = self._mounted()
        release, held = newest.release, newest.held.get(str(portfolio_id))
        named = (release.release_id, release.released_at)
        if held is None:
            return PortfolioReleaseInfo(*named, release.as_of, "RELEASED", None)
        if held.shown_as_of is None:
            raise PortfolioHeld(portfolio_id, held.reason, held.held_since)
        return PortfolioReleaseInfo(*named, held.shown_as_of, "HELD", held.why)

    def held(self) -> Mapping[str, HeldPortfolio]:
        """The portfolios that the release holds, by their id."""
        return self._mounted().held

    def head(self) -> Release:
        """The whole release that answers come from."""
        return self._mounted().release

    def probe(self) -> None:
        """Read of every table; LakeUnavailable if one cannot be. Before the first release there is nothing to read."""
        with suppress(NoRelease):
            self._mounted().probe()

    def get_portfolio_version(self, portfolio_id: UUID) -> int | None:
        """The portfolio's version in the release; None if the release does not know it."""
        rows = self._mounted().rows(_SQL["portfolio_version"], portfolio_id=str(portfolio_id))
        return int(rows[0]["version"]) if rows else None

    def get_positions(self, portfolio_id: UUID, on: date | None = None) -> Sequence[ValuedPosition]:
        """Positions at the close of `on`, or of the release's `as_of` where that is earlier; accounts are summed."""
        newest = self._mounted()
        as_of = self.release_of(portfolio_id).as_of
        if as_of is None:
            return []
        rows = newest.rows(_SQL["positions"], portfolio_id=str(portfolio_id), on=min(on or as_of, as_of))
        return [ValuedPosition(**row, avg_cost=_average(row["cost_basis"], row["quantity"])) for row in rows]

    def get_cash(self, portfolio_id: UUID, on: date | None = None) -> Sequence[ReleasedCash]:
        """Cash of each currency at the close of `on`, or of the release's `as_of` where that is earlier."""
        newest = self._mounted()
        as_of = self.release_of(portfolio_id).as_of
        if as_of is None:
            return []
        rows = newest.rows(_SQL["cash"], portfolio_ids=[str(portfolio_id)], on=min(on or as_of, as_of))
        return [ReleasedCash(**row) for own in _by_portfolio(rows).values() for row in own]

    def explain(self, portfolio_id: UUID, security_id: int, on: date | None = None) -> ValueLineage:
        """Return the lineage of a security's value in a portfolio, on `on` or on the release's last day, if earlier."""
        newest = self._mounted()
        as_of = self.release_of(portfolio_id).as_of
        if as_of is None:
            raise NoRelease()
        return explained(newest, portfolio_id, security_id, min(on or as_of, as_of))

    def restated(self, portfolio_id: UUID, since: datetime) -> Restatement:
        """Return how the newest release differs from the one that was the newest at `since`."""
        assert isinstance(self._mounted, MountedReleases), "of one release there is no older one"
        return restatement(self._mounted.known_on(since), self._mounted(), portfolio_id)

    def get_values(self, portfolio_id: UUID, start: date | None, end: date | None) -> Sequence[PortfolioValue]:
        rows = self._mounted().rows(_SQL["values"], portfolio_id=str(portfolio_id), start=start, end=end)
        return [PortfolioValue(**row) for row in rows]

    def get_series(self, portfolio_ids: Sequence[str], until: date | None = None) -> Mapping[str, PortfolioSeries]:
        """The daily series up to `until` of each of the portfolios that has a day."""
        found = self._mounted().columns(_SQL["series"], portfolio_ids=list(portfolio_ids), until=until)
        if not found:
            return {}
        places = found.pop("place")
        found["days"] = found["days"].astype("datetime64[D]")
        bounds = np.searchsorted(places, np.arange(1, len(portfolio_ids) + 2)).tolist()
        return {
            portfolio_id: PortfolioSeries(**{name: column[first:last] for name, column in found.items()})
            for portfolio_id, first, last in zip(sorted(portfolio_ids), bounds[:-1], bounds[1:], strict=True)
            if first < last
        }

    def get_subject_series(self, portfolio_ids: Sequence[str], until: date | None = None) -> SubjectSeries | None:
        """The daily series of portfolios, of their accounts and their positions; None if the release has none."""
        asked = {"portfolio_ids": list(portfolio_ids), "until": until}
        subjects = self._mounted().rows(_SQL["return_subjects"], **asked)
        if not subjects:
            return None
        found = self._mounted().columns(_SQL["return_rows"], **asked)
        sizes = [subject.pop("n_days") for subject in subjects]
        return SubjectSeries(
            [Subject(**{**subject, "level": Level(subject["level"])}) for subject in subjects],
            Panel(**{**found, "offsets": np.cumsum([0, *sizes]), "days": found["days"].astype("datetime64[D]")}),
        )

    def get_portfolios(self, portfolio_ids: Sequence[str] | None = None) -> Mapping[str, Sequence[str]]:
        """The portfolios that have a day, some or all, by their currency."""
        rows = self._mounted().rows(
            _SQL["portfolios"], portfolio_ids=None if portfolio_ids is None else list(portfolio_ids)
        )
        return {row["base_currency"]: row["portfolio_ids"] for row in rows}

    def get_last_day(self) -> date | None:
        """The last day that portfolios have."""
        rows = self._mounted().rows(_SQL["last_day"])
        return rows[0]["last_day"] if rows else None

    def get_tickers(self) -> Mapping[int, str]:
        found = self._mounted().kept_columns(_SQL["tickers"])
        return dict(zip(found["security_id"].tolist(), found["ticker"].tolist(), strict=True)) if found else {}

    def get_sessions(self) -> Days:
        """The exchange's sessions, in order, as far as the calendar goes."""
        found = self._mounted().kept_columns(_SQL["sessions"])
        return found["days"].astype("datetime64[D]") if found else np.empty(0, "datetime64[D]")

    def get_risk_free(self) -> Daily:
        """The return of every session without risk, as far as it is known."""
        found = self._mounted().kept_columns(_SQL["risk_free"])
        if not found:
            return Daily(np.empty(0, "datetime64[D]"), np.empty(0))
        return Daily(found["days"].astype("datetime64[D]"), found["values"])

    def get_holdings(self, portfolio_ids: Sequence[str], on: date) -> Mapping[str, Sequence[Holding]]:
        """List the holdings of each of the portfolios at the close of `on`, the largest first."""
        rows = self._mounted().rows(_SQL["holdings"], portfolio_ids=list(portfolio_ids), on=on)
        return {portfolio_id: [Holding(**row) for row in own] for portfolio_id, own in _by_portfolio(rows).items()}

    def get_returns(self, security_ids: Sequence[int], start: date, until: date) -> tuple[Days, Float64]:
        """The sessions after `start` up to `until` on which any of the securities has a return, and the simple returns
        (sessions, securities), NaN where one has none."""
        asked = {"security_ids": list(security_ids), "start": start, "until": until}
        found = self._mounted().columns(_SQL["returns"], **asked) if security_ids else {}
        if not found:
            return np.empty(0, "datetime64[D]"), np.empty((0, len(security_ids)))
        days, row = np.unique(found["days"].astype("datetime64[D]"), return_inverse=True)
        column = {security_id: place for place, security_id in enumerate(security_ids)}
        returns = np.full((len(days), len(security_ids)), np.nan)
        returns[row, [column[security_id] for security_id in found["security_id"].tolist()]] = found["simple_return"]
        return days, returns

    def get_benchmark(self, ticker: str, currency: str) -> Benchmark | None:
        """The levels of a ticker; None if the market has none in that currency."""
        found = self._mounted().kept_columns(_SQL["benchmark"], ticker=ticker)
        if not found or not len(found["days"]) or set(found["currency"]) != {currency}:
            return None
        return Benchmark(ticker, str(found["kind"][-1]), found["days"].astype("datetime64[D]"), found["level"])

    def get_reviewed(
        self, portfolio_id: UUID, currency: str, benchmark_ticker: str, as_of: date | None = None
    ) -> Reviewed | None:
        """All that a review up to `as_of` is measured on; None if the release has no day of the portfolio."""
        asked = [str(portfolio_id)]
        for _, of in self.get_reviewed_of(asked, currency, benchmark_ticker, as_of):
            return replace(of, subjects=self.get_subject_series(asked, of.series.as_of))
        return None

    def get_reviewed_of(
        self, portfolio_ids: Sequence[str], currency: str, benchmark_ticker: str, as_of: date | None = None
    ) -> Iterator[tuple[str, Reviewed]]:
        """All that risk and concentration up to `as_of` are measured on, of each of the portfolios that has a day; they
        all count in `currency`. What accounts and positions earned is not in it."""
        series = self.get_series(portfolio_ids, as_of)
        if not series:
            return
        last = max(one.as_of for one in series.values())
        holdings = self.get_holdings(portfolio_ids, last)
        cash = _by_portfolio(self._mounted().rows(_SQL["cash"], portfolio_ids=list(portfolio_ids), on=last))
        held = {owner: comparable(own, currency) for owner, own in holdings.items()}
        security_ids = sorted({holding.security_id for own in held.values() for holding in own})
        days, returns = self.get_returns(security_ids, months_before(last, 12 * WINDOW_YEARS), last)
        for portfolio_id, one in series.items():
            columns = np.searchsorted(security_ids, [holding.security_id for holding in held.get(portfolio_id, [])])
            own_returns = returns[:, columns.astype(int)]
            has_any = np.isfinite(own_returns).any(axis=1)
            yield (
                portfolio_id,
                Reviewed(
                    series=one,
                    benchmark=self.get_benchmark(benchmark_ticker, currency),
                    risk_free=self.get_risk_free(),
                    currency=currency,
                    holdings=holdings.get(portfolio_id, []),
                    cash=[Cash(row["currency"], row["balance_base"]) for row in cash.get(portfolio_id, [])],
                    days=days[has_any],
                    returns=own_returns[has_any],
                    sessions=self.get_sessions(),
                    subjects=None,
                    names=self.get_tickers(),
                ),
            )

    def get_performance_for_tickers(self, tickers: Sequence[str]) -> Mapping[str, TickerPerformance]:
        rows = self._mounted().rows(_SQL["ticker_performance"], tickers=list(tickers)) if tickers else []
        return {row["ticker"]: TickerPerformance(**row) for row in rows}

    def get_ticker_details(self, tickers: Sequence[str]) -> Mapping[str, TickerDetails]:
        rows = self._mounted().rows(_SQL["ticker_details"], tickers=list(tickers)) if tickers else []
        return {row["ticker"]: TickerDetails(**row) for row in rows}

    def get_price_for_date(self, ticker: str, on: date) -> TickerPriceAtDate | None:
        rows = self._mounted().rows(_SQL["price"], ticker=ticker, on=on)
        return TickerPriceAtDate(ticker=ticker, asked=on, **rows[0]) if rows else None

    def get_fx_rate(self, currency: str, base_currency: str, on: date) -> Decimal | None:
        """Convert one unit of `currency` to `base_currency` at the central bank's rates of `on`; None without both."""
        asked = {"currency": currency, "base_currency": base_currency, "on": on}
        rows = self._mounted().rows(_SQL["fx_rate"], **asked)
        return Decimal(rows[0]["fx_rate"]) if rows else None

    def get_price_source(self, security_id: int) -> PriceSourceName | None:
        """Where the prices of a security are from; None if it has none, or only those that a curve gives a bond."""
        rows = self._mounted().rows(_SQL["price_source"], security_id=security_id)
        return PriceSourceName(rows[0]["price_source"]) if rows else None

    def get_correlation_extremes(self, tickers: Sequence[str]) -> tuple[tuple[str, str, float], ...]:
        """The least and the most correlated pair, in this order; one if there is only one, else none."""
        rows = self._mounted().rows(_SQL["correlations_of_tickers"], tickers=list(tickers)) if tickers else []
        pairs = [(row["ticker_a"], row["ticker_b"], float(row["correlation"])) for row in rows]
        return tuple(pairs if len(pairs) < 2 else (pairs[0], pairs[-1]))

    def get_simulation_fan(self, simulation_id: UUID) -> Sequence[Mapping[str, float]]:
        """The percentiles of wealth, one row per step; of the newest release it was run against."""
        return self._mounted().rows(_SQL["fan"], simulation_id=str(simulation_id))

    def get_quotes(self) -> ReleasedQuotes:
        """The last close of every security, and the refresh that made them; one that nobody quotes is not in it."""
        newest = self._mounted()
        quotes = {row.pop("security_id"): Quote(**row) for row in newest.rows(_SQL["quotes"])}
        (since,) = newest.rows(_SQL["quoted_since"], release_id=newest.release.release_id)
        return ReleasedQuotes(since["release_id"], quotes)


def _average(cost_basis: Decimal | None, quantity: Decimal) -> Decimal | None:
    return None if cost_basis is None else average_cost(cost_basis, quantity)


def _by_portfolio(rows: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The rows of each portfolio, without its id."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row.pop("portfolio_id"), []).append(row)
    return found
