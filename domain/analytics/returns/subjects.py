"""Performance of portfolios, of their accounts and of what they hold, side by side, with what each holding added."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np

from domain.analytics.arrays import Bools, Days, Float64, Int64
from domain.analytics.returns.panel import Column, Panel, summed
from domain.analytics.returns.performance import RUIN, linked_index
from domain.analytics.returns.periods import Period, performance_of, starts_of
from domain.analytics.returns.series import Benchmark


class Level(StrEnum):
    """Level that a return is measured at.

    PORTFOLIO with its cash. ACCOUNT, the holdings of one account: what they were bought with and what they paid out
    are flows. POSITION, one security in all accounts: likewise, and what changes accounts is no flow.
    """

    PORTFOLIO = "PORTFOLIO"
    ACCOUNT = "ACCOUNT"
    POSITION = "POSITION"


@dataclass(frozen=True, slots=True)
class ReturnSeriesKey:
    """Subject of a return; `account_id` of an ACCOUNT only, `security_id` of a POSITION only."""

    portfolio_id: str
    level: Level
    account_id: int | None = None
    security_id: int | None = None


@dataclass(frozen=True, slots=True)
class ReturnSeries:
    """The daily series of `subjects` (m,); every portfolio's own is among them, with a row for every calendar day."""

    subjects: Sequence[ReturnSeriesKey]
    panel: Panel

    def at(self, level: Level) -> Bools:
        """(m,) Which subjects are of that level."""
        return np.array([subject.level is level for subject in self.subjects], dtype=bool)

    @property
    def gains(self) -> Float64:
        """(n,) What each day's row gained: the change of its value, less what was paid in, plus what was paid out."""
        panel = self.panel
        return panel.end - panel.begin - panel.inflow + panel.outflow


def subject_performance(
    of: ReturnSeries, as_of: date, sessions: Days, benchmark: Benchmark | None = None
) -> dict[Period, Mapping[str, Column]]:
    """Return what `performance_of` says of each subject, and the `contribution` of a POSITION to its portfolio's `twr`.

    A period's contributions and what cash, standalone fees and tax added sum to the portfolio's return. NaN where the
    subject is no POSITION that was held in the period, or the portfolio was RUINED in it or had lost everything before.
    """
    found = performance_of(of.panel, as_of, sessions, benchmark)
    parts = _Parts.of(of)
    return {
        period: {
            **columns,
            "contribution": np.where(
                columns["status"][parts.portfolios] == "RUINED",
                np.nan,
                parts.over(starts_of(period, of.panel.first_days, as_of, sessions)),
            ),
        }
        for period, columns in found.items()
    }


@dataclass(frozen=True, slots=True)
class _Parts:
    """Each row's gain as part of its portfolio's growth since it began (n,), that growth before each day (n,), and how
    often it had begun again by then, for each row (n,).

    A day's gain over the day's capital (begin + inflow) is its part of that day's return; times the growth before the
    day it is its part of the whole, as index(T) - 1 = sum over t of index(t - 1) x return(t). So nothing is left over
    by compounding, and no smoothing is needed. On a break nothing is earned and nothing contributed. Once everything
    is lost, what is earned on new money adds nothing to the old.
    """

    of_series: ReturnSeries
    portfolios: Int64
    parts: Float64
    growth: Float64
    beginnings: Int64

    @classmethod
    def of(cls, given: ReturnSeries) -> "_Parts":
        panel = given.panel
        whole = {given.subjects[i].portfolio_id: i for i in np.flatnonzero(given.at(Level.PORTFOLIO)).tolist()}
        portfolios = np.array([whole[subject.portfolio_id] for subject in given.subjects], dtype=np.int64)
        growth, beginnings = np.ones(len(panel.days)), np.zeros(len(panel.days), dtype=np.int64)
        for i in whole.values():
            rows = slice(panel.offsets[i], panel.offsets[i + 1])
            growth[rows][1:], beginnings[rows][1:] = _grown(panel, rows)
        capital = panel.begin + panel.inflow
        weights = np.divide(growth, capital, out=np.zeros_like(growth), where=~np.isnan(panel.returns) & (capital > 0))
        owners = portfolios[panel.owners]
        day = (panel.days - panel.first_days[owners]).astype(np.int64)
        of_portfolio = panel.offsets[:-1][owners] + day
        return cls(given, portfolios, given.gains * weights[of_portfolio], growth, beginnings[of_portfolio])

    def over(self, starts: Days) -> Float64:
        panel = self.of_series.panel
        first = panel.first_rows(starts)
        of_portfolio = first[self.portfolios]
        is_counted = self.of_series.at(Level.POSITION) & (first < panel.offsets[1:])
        is_counted &= of_portfolio < panel.offsets[1:][self.portfolios]
        growth = self.growth[np.where(is_counted, of_portfolio, 0)]
        parts = self.parts
        if self.beginnings.any():
            since = np.where(is_counted, self.beginnings[np.where(is_counted, of_portfolio, 0)], 0)
            parts = np.where(self.beginnings == np.repeat(since, np.diff(panel.offsets)), parts, 0.0)
        parts = summed(parts, first, panel.offsets[1:])
        return np.asarray(np.divide(parts, growth, out=np.full(len(parts), np.nan), where=is_counted & (growth > 0)))


def _grown(panel: Panel, rows: slice) -> tuple[Float64, Int64]:
    """(n - 1,) A portfolio's growth before each of its days but the first, and how often it had begun again: with the
    first money after a ruin or a loss of everything."""
    returns, is_ruin = panel.returns[rows], panel.is_ruin[rows]
    growth = np.where(is_ruin, RUIN, 1 + np.nan_to_num(returns))
    has_base = panel.begin[rows] + panel.inflow[rows] > 0
    index = np.array(linked_index(growth.tolist(), has_base.tolist()), dtype=np.float64)
    is_over = np.concatenate([[False], np.nan_to_num(index[:-1]) == 0])
    begins_again = is_over & has_base & ~is_ruin
    before = np.where(begins_again, 1.0, np.concatenate([[1.0], np.nan_to_num(index[:-1])]))
    return before[1:], np.cumsum(begins_again, dtype=np.int64)[1:]
