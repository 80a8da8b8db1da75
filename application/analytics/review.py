"""All that a review is measured on, of one portfolio or of many."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

import numpy as np

from application.analytics.positions import PositionAnalytics
from application.analytics.prices import PriceAnalytics
from application.analytics.returns import ReturnAnalytics
from domain.analytics.estimates.split_returns import over_splits
from domain.analytics.returns.periods import months_before
from domain.analytics.review import WINDOW_YEARS, Cash, ReviewInputs, comparable


class LakeAnalyticsRepository(PriceAnalytics, PositionAnalytics, ReturnAnalytics):
    """Every question to a release of the lake."""

    def get_reviewed(
        self, portfolio_id: UUID, currency: str, benchmark_ticker: str, as_of: date | None = None
    ) -> ReviewInputs | None:
        """All that a review up to `as_of` is measured on; None if the release has no day of the portfolio."""
        asked = [str(portfolio_id)]
        for _, of in self.get_reviewed_of(asked, currency, benchmark_ticker, as_of):
            return replace(of, subjects=self.get_subject_series(asked, of.series.as_of))
        return None

    def get_reviewed_of(
        self, portfolio_ids: Sequence[str], currency: str, benchmark_ticker: str, as_of: date | None = None
    ) -> Iterator[tuple[str, ReviewInputs]]:
        """All that risk and concentration up to `as_of` are measured on, of each of the portfolios that has a day; they
        all count in `currency`. What accounts and positions earned is not in it."""
        series = self.get_series(portfolio_ids, as_of)
        if not series:
            return
        last = max(one.as_of for one in series.values())
        holdings = self.get_holdings(portfolio_ids, last)
        cash = self.get_cash_of(portfolio_ids, last)
        held = {owner: comparable(own, currency) for owner, own in holdings.items()}
        security_ids = sorted({holding.security_id for own in held.values() for holding in own})
        days, returns = self.get_returns(security_ids, months_before(last, 12 * WINDOW_YEARS), last)
        splits, sessions = self.get_stated_splits(portfolio_ids), self.get_sessions()
        for portfolio_id, one in series.items():
            own_ids = [holding.security_id for holding in held.get(portfolio_id, [])]
            own_returns = returns[:, np.searchsorted(security_ids, own_ids).astype(int)]
            if stated := splits.get(portfolio_id):
                own_returns = over_splits(1 + own_returns, days, sessions, own_ids, stated) - 1
            has_any = np.isfinite(own_returns).any(axis=1)
            yield (
                portfolio_id,
                ReviewInputs(
                    series=one,
                    benchmark=self.get_benchmark(benchmark_ticker, currency),
                    risk_free=self.get_risk_free(),
                    currency=currency,
                    holdings=holdings.get(portfolio_id, []),
                    cash=[Cash(one.currency, one.balance_base) for one in cash.get(portfolio_id, [])],
                    days=days[has_any],
                    returns=own_returns[has_any],
                    sessions=sessions,
                    subjects=None,
                    names=self.get_tickers(),
                ),
            )
