"""All that a review is measured on, of one portfolio or of many."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

import numpy as np

from application.analytics.climate import ClimateAnalytics
from application.analytics.gains import GainAnalytics
from application.analytics.holding_returns import HoldingReturnAnalytics
from application.analytics.positions import PositionAnalytics
from application.analytics.simulations import SimulationAnalytics
from application.analytics.unrecorded import UnrecordedAnalytics
from domain.analytics.estimates.split_returns import over_splits
from domain.analytics.returns.periods import months_before
from domain.analytics.review import WINDOW_YEARS, Cash, ReviewInputs


class LakeAnalyticsRepository(
    UnrecordedAnalytics,
    HoldingReturnAnalytics,
    GainAnalytics,
    PositionAnalytics,
    SimulationAnalytics,
    ClimateAnalytics,
):
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
        self,
        portfolio_ids: Sequence[str],
        currency: str,
        benchmark_ticker: str,
        as_of: date | None = None,
        chosen: Mapping[str, str] | None = None,
    ) -> Iterator[tuple[str, ReviewInputs]]:
        """All that risk and concentration up to `as_of` are measured on, of each of the portfolios that has a day; they
        all count in `currency`, and some have `chosen` a benchmark. What accounts and positions earned is not in it."""
        for priced, own in self.by_owner(portfolio_ids):
            yield from priced._priced_alike(own, currency, benchmark_ticker, as_of, chosen)

    def _priced_alike(
        self,
        portfolio_ids: Sequence[str],
        currency: str,
        benchmark_ticker: str,
        as_of: date | None,
        chosen: Mapping[str, str] | None,
    ) -> Iterator[tuple[str, ReviewInputs]]:
        series = self.get_series(portfolio_ids, as_of)
        if not series:
            return
        last = max(one.as_of for one in series.values())
        holdings = self.get_holdings(portfolio_ids, last)
        cash = self.get_cash_of(portfolio_ids, last)
        splits, sessions = self.get_stated_splits(portfolio_ids), self.get_sessions()
        since = np.datetime64(months_before(last, 12 * WINDOW_YEARS), "D")
        days = sessions[(sessions >= since) & (sessions <= np.datetime64(last, "D"))]
        growth = self.get_growth(
            [holding for own in holdings.values() for holding in own],
            [balance.currency for own in cash.values() for balance in own],
            currency,
            days,
        )
        for portfolio_id, one in series.items():
            own = ReviewInputs(
                series=one,
                benchmark=self.get_benchmark((chosen or {}).get(portfolio_id, benchmark_ticker), currency),
                risk_free=self.get_risk_free(currency),
                currency=currency,
                holdings=holdings.get(portfolio_id, []),
                cash=[Cash(one.currency, one.balance_base) for one in cash.get(portfolio_id, [])],
                days=days[1:],
                returns=np.empty((0, 0)),
                sessions=sessions,
                subjects=None,
                names=self.get_tickers(),
            )
            ids = [holding.security_id for holding in own.valued]
            of_holdings = over_splits(growth.of(ids), own.days, sessions, ids, splits.get(portfolio_id, ()))
            of_cash = growth.of_currencies([balance.currency for balance in own.valued_cash])
            yield portfolio_id, replace(own, returns=np.concatenate([of_holdings, of_cash], axis=1) - 1)
