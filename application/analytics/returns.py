"""Questions about returns, of portfolios and of securities. SQL in `returns.sql`."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from application.analytics.released import ReleasedAnalytics
from domain.analytics.arrays import Days, Float64
from domain.analytics.estimates.split_returns import StatedSplit
from domain.analytics.returns.panel import Panel
from domain.analytics.returns.series import PortfolioSeries
from domain.analytics.returns.subjects import Level, ReturnSeries, ReturnSeriesKey
from storage.queries import statements

_SQL = statements("application/analytics/returns.sql")


class ReturnAnalytics(ReleasedAnalytics):
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

    def get_subject_series(self, portfolio_ids: Sequence[str], until: date | None = None) -> ReturnSeries | None:
        """The daily series of portfolios, of their accounts and their positions; None if the release has none."""
        asked = {"portfolio_ids": list(portfolio_ids), "until": until}
        subjects = self._mounted().rows(_SQL["return_subjects"], **asked)
        if not subjects:
            return None
        found = self._mounted().columns(_SQL["return_rows"], **asked)
        sizes = [subject.pop("n_days") for subject in subjects]
        return ReturnSeries(
            [_key(subject) for subject in subjects],
            Panel(**{**found, "offsets": np.cumsum([0, *sizes]), "days": found["days"].astype("datetime64[D]")}),
        )

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

    def get_stated_splits(self, portfolio_ids: Sequence[str]) -> Mapping[str, Sequence[StatedSplit]]:
        """The splits that each of the portfolios has recorded of securities with prices of people's own, and that no
        market tells: what the returns of those prices do not know."""
        found: dict[str, list[StatedSplit]] = {}
        for row in self._mounted().rows(_SQL["stated_splits"], portfolio_ids=list(portfolio_ids)):
            found.setdefault(row.pop("portfolio_id"), []).append(StatedSplit(**row))
        return found

    def get_correlation_extremes(self, tickers: Sequence[str]) -> tuple[tuple[str, str, float], ...]:
        """The least and the most correlated pair, in this order; one if there is only one, else none."""
        rows = self._mounted().rows(_SQL["correlations_of_tickers"], tickers=list(tickers)) if tickers else []
        pairs = [(row["ticker_a"], row["ticker_b"], float(row["correlation"])) for row in rows]
        return tuple(pairs if len(pairs) < 2 else (pairs[0], pairs[-1]))


def _key(row: Mapping[str, Any]) -> ReturnSeriesKey:
    facts: dict[str, Any] = {**row, "level": Level(row["level"])}
    return ReturnSeriesKey(**facts)
