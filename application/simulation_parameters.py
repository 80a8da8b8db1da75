"""Inputs of simulations: drifts, volatilities and correlations of one release. SQL in `simulation_parameters.sql`.

The release's tables of parameters are everybody's. None of them knows a split that only a portfolio's own ledger has,
or prices that are its owner's own: for such a portfolio what the security moves is measured again over the same window.
"""

from collections.abc import Sequence
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np

from domain.analytics.arrays import Days, Float64
from domain.analytics.estimates.co_moments import CoMoments, too_large
from domain.analytics.estimates.moments import WINDOW_YEARS, historical_moments
from domain.analytics.estimates.split_returns import StatedSplit, over_splits
from domain.errors import MissingParameters
from domain.ports import HistoricalReturns, SecuritySimParams
from storage.lake.mounted import MountedRelease
from storage.queries import statements

_SQL = statements("application/simulation_parameters.sql")


class LakeSimulationParamsRepository:
    """Inputs of a simulation, in one release, for a portfolio that has recorded `splits`; the release is mounted with
    the prices that value it."""

    def __init__(self, mounted: MountedRelease, splits: Sequence[StatedSplit] = ()) -> None:
        self._mounted = mounted
        self._splits = splits

    def get_security_params(self, security_ids: Sequence[int]) -> Sequence[SecuritySimParams]:
        """Parameters in the order asked; MissingParameters names every security that has none."""
        rows = self._mounted.rows(_SQL["params"], security_ids=list(security_ids)) if security_ids else []
        found = {row["security_id"]: SecuritySimParams(**row) for row in rows}
        for security_id in self._measured_again(security_ids):
            moments = historical_moments(self._over_splits([security_id])[:, 0])
            if moments.mu_annual is not None and moments.volatility_annual is not None:
                ticker = self._names([security_id])[security_id]
                found[security_id] = SecuritySimParams(
                    security_id, ticker, moments.mu_annual, moments.volatility_annual, moments.n
                )
        self._refuse_missing([security_id for security_id in security_ids if security_id not in found])
        return [found[security_id] for security_id in security_ids]

    def get_correlation(self, security_ids: Sequence[int]) -> Sequence[Sequence[float]]:
        """The matrix in the order asked, 1 on its diagonal; MissingParameters names those of a pair without one."""
        rows = self._mounted.rows(_SQL["correlations"], security_ids=list(security_ids)) if security_ids else []
        found = {(row["security_id_a"], row["security_id_b"]): float(row["correlation"]) for row in rows}
        if again := self._measured_again(security_ids):
            log_returns = self._over_splits(security_ids)
            matrix = CoMoments.of(np.where(too_large(log_returns), np.nan, log_returns)).correlation()
            for a, b in np.argwhere(np.isin(security_ids, again)[:, None] | np.isin(security_ids, again)).tolist():
                found.pop((security_ids[a], security_ids[b]), None)
                if np.isfinite(matrix[a, b]):
                    found[security_ids[a], security_ids[b]] = float(matrix[a, b])
        missing = {a for a in security_ids for b in security_ids if (a, b) not in found}
        self._refuse_missing([security_id for security_id in security_ids if security_id in missing])
        return [[found[a, b] for b in security_ids] for a in security_ids]

    def get_historical_returns(self, tickers: Sequence[str]) -> HistoricalReturns:
        """Daily log returns on common dates; MissingParameters names them if there is no common date."""
        asked = list(dict.fromkeys(tickers))
        rows = self._mounted.rows(_SQL["log_returns"], tickers=asked) if asked else []
        if asked and not rows:
            raise MissingParameters(asked)
        return HistoricalReturns(
            tickers=tuple(asked),
            dates=tuple(row["price_date"] for row in rows),
            returns=tuple(tuple(row["log_returns"][ticker] for row in rows) for ticker in asked),
        )

    @property
    def as_of(self) -> date:
        """The release's last day with prices."""
        as_of = self._mounted.release.as_of
        assert as_of is not None, "who has parameters has prices"
        return as_of

    @property
    def window_start(self) -> date:
        """The parameters are of the returns after this day."""
        rows = self._mounted.rows(_SQL["window_start"], window_years=WINDOW_YEARS)
        start: date = rows[0]["window_start"]
        return start

    def estimates(self, security_ids: Sequence[int]) -> list[dict[str, Any]]:
        """The window of each security's estimates and its analysts' drift, in the order asked."""
        rows = self._mounted.rows(_SQL["estimates"], security_ids=list(security_ids))
        found = {row["security_id"]: row for row in rows}
        for security_id in self._own.intersection(security_ids):
            found[security_id] = self._own_estimate(security_id)
        return [found[security_id] for security_id in security_ids]

    def returns(
        self, security_ids: Sequence[int], after: date = date.min, until: date = date.max
    ) -> tuple[Days, Float64]:
        """Days (d,) after the one and up to the other, and log returns (d, k) of them with the portfolio's splits; NaN
        where there is none."""
        asked = {"security_ids": list(security_ids), "after": after, "until": until}
        rows = self._mounted.columns(_SQL["returns"], **asked)
        days, row = np.unique(rows["days"].astype("datetime64[D]"), return_inverse=True)
        column = {security_id: place for place, security_id in enumerate(security_ids)}
        log_returns = np.full((len(days), len(security_ids)), np.nan)
        log_returns[row, [column[one] for one in rows["security_id"].tolist()]] = rows["log_return"]
        if not self._split_of(security_ids):
            return days, log_returns
        growth = over_splits(np.exp(log_returns), days, self.sessions, security_ids, self._splits)
        return days, np.log(growth)

    @cached_property
    def sessions(self) -> Days:
        """Every trading day of the release's calendar, ascending."""
        return np.asarray(self._mounted.columns(_SQL["sessions"])["days"].astype("datetime64[D]"))

    def newest_yields(self) -> dict[str, Any]:
        """The par curve of the newest day up to the release's: its day, tenors and yields, by column."""
        return self._mounted.columns(_SQL["newest_yields"], as_of=self.as_of)

    def consumer_prices(self) -> dict[str, Any]:
        """The indices of the months before the release's, by column."""
        return self._mounted.columns(_SQL["consumer_prices"], as_of=self.as_of)

    @cached_property
    def _own(self) -> frozenset[int]:
        """The securities that are priced for the owner alone."""
        owner_id = self._mounted.priced_for
        rows = self._mounted.rows(_SQL["own_priced"], owner_id=owner_id) if owner_id else []
        return frozenset(row["security_id"] for row in rows)

    @property
    def own_tickers(self) -> frozenset[str]:
        """The names of the securities that are priced for the owner alone."""
        return frozenset(self._names(sorted(self._own)).values()) if self._own else frozenset()

    def _own_estimate(self, security_id: int) -> dict[str, Any]:
        """As the release has estimates of what is priced for all; no analyst's target is compared with an own price."""
        days, log_returns = self.returns([security_id], after=self.window_start)
        observed = days[~np.isnan(log_returns[:, 0])]
        return {
            "security_id": security_id,
            "ticker": self._names([security_id])[security_id],
            "window_start": observed[0].item(),
            "window_end": observed[-1].item(),
            "n_observations": len(observed),
            **dict.fromkeys(("forward_mu", "forward_method", "target_as_of", "forward_reason")),
        }

    def _measured_again(self, security_ids: Sequence[int]) -> list[int]:
        return sorted({*self._split_of(security_ids), *self._own.intersection(security_ids)})

    def _split_of(self, security_ids: Sequence[int]) -> list[int]:
        return sorted({split.security_id for split in self._splits}.intersection(security_ids))

    def _over_splits(self, security_ids: Sequence[int]) -> Float64:
        """(d, k) log returns of the release's window, with the portfolio's splits."""
        return self.returns(security_ids, after=self.window_start)[1]

    def _names(self, security_ids: Sequence[int]) -> dict[int, str]:
        rows = self._mounted.rows(_SQL["names"], security_ids=list(security_ids))
        return {row["security_id"]: row["ticker"] for row in rows}

    def _refuse_missing(self, security_ids: Sequence[int]) -> None:
        if security_ids:
            names = self._names(security_ids)
            raise MissingParameters([names.get(security_id, f"security {security_id}") for security_id in security_ids])
