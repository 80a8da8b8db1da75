"""The daily series of a portfolio that return and risk are measured on, and that of a benchmark on the same days."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from domain.analytics.arrays import Bools, Days, Float64
from domain.analytics.returns.performance import RUIN, linked_index

MIN_OBSERVATIONS = 60
"""A ratio, a moment or a quantile of fewer returns is refused, or INSUFFICIENT (RULEBOOK 9, 11)."""
_PLACES = 8  # of money: what doubles add to it is no debt


def first_value(days: Days, inflow: Float64, value: Float64) -> np.datetime64:
    """The first of `days` (n,) with money, at whose close there is the first value; without any, the first day."""
    first: np.datetime64 = days[int(np.argmax((inflow != 0) | (value != 0)))]
    return first


def day_at(days: Days, position: int) -> date:
    """One of `days`; from the end, if `position` is negative."""
    return date.fromisoformat(str(days[position]))


@dataclass(frozen=True, slots=True)
class PortfolioSeries:
    """Every calendar day since the first transaction; all arrays (n,), amounts in the portfolio's currency.

    `value` at the close; `inflow` at the start of the day and `outflow` at its end, both >= 0; `fees` of the day, those
    of trades included; `returns` of the day, net of fees, NaN where a break. `is_session` of the exchange. `is_covered`
    if nothing was left out for want of a price or a rate; `is_value_covered` and `are_flows_known` say the same of
    the value at the close, and of the day's flows alone.
    """

    days: Days
    value: Float64
    inflow: Float64
    outflow: Float64
    fees: Float64
    returns: Float64
    is_session: Bools
    is_covered: Bools
    is_value_covered: Bools
    are_flows_known: Bools

    def __len__(self) -> int:
        return len(self.days)

    @property
    def first_day(self) -> date:
        return self.day(0)

    @property
    def as_of(self) -> date:
        return self.day(-1)

    @property
    def begin(self) -> Float64:
        """(n,) Value at the start of each day: that of the close before, 0 before the first."""
        return np.concatenate([[0.0], self.value[:-1]])

    @property
    def gross_returns(self) -> Float64:
        """(n,) Returns as they would have been without the day's fees: those are put back into the day's end."""
        base = self.begin + self.inflow
        return np.asarray(self.returns + np.divide(self.fees, base, out=np.zeros_like(base), where=base > 0))

    @property
    def index(self) -> Float64:
        """(n,) Growth of 1 since the first transaction, time-weighted; a break leaves it unchanged, NaN after a ruin
        until it begins again."""
        growth = np.where(self.is_ruin, RUIN, 1 + np.nan_to_num(self.returns))
        has_base = np.round(self.begin + self.inflow, _PLACES) > 0
        return np.array(linked_index(growth.tolist(), has_base.tolist()), dtype=np.float64)

    @property
    def is_ruin(self) -> Bools:
        """(n,) Days that began or ended with less than nothing, all of it known: they have no return."""
        was_covered = np.concatenate([[True], self.is_value_covered[:-1]])
        is_below = np.round(np.minimum(self.begin + self.inflow, self.value + self.outflow), _PLACES) < 0
        return np.asarray(np.isnan(self.returns) & self.is_covered & was_covered & is_below)

    @property
    def growth(self) -> "Growth":
        """A break leaves it unchanged; a ruin loses everything, after which nothing comes back."""
        by_day = np.where(self.is_ruin, 0.0, 1 + np.nan_to_num(self.returns))
        return Growth(self.days[self.is_session], np.concatenate([[1.0], np.cumprod(by_day)[self.is_session]]))

    def day(self, position: int) -> date:
        return day_at(self.days, position)

    def session_returns(self) -> tuple[Days, Float64]:
        """The sessions but the first, and the return to each from the one before: what moments are taken from.

        Both (m,). NaN if a day between the two was a break or a ruin.
        """
        at = np.flatnonzero(self.is_session)
        if len(at) < 2:
            return self.days[at[1:]], np.empty(0)
        growth = 1 + self.returns[: at[-1] + 1]
        return self.days[at[1:]], np.multiply.reduceat(growth, at[:-1] + 1) - 1


@dataclass(frozen=True, slots=True)
class Growth:
    """The index that drawdown is measured on: `level` (k + 1,) is 1, what was first paid in, and then its growth at the
    close of each of `days` (k,), the sessions. Source: RULEBOOK 7."""

    days: Days
    level: Float64

    @classmethod
    def of(cls, days: Days, returns: Float64) -> "Growth":
        """Compound the simple returns (k,) of `days` (k,); NaN leaves the level unchanged."""
        return cls(days, np.concatenate([[1.0], np.cumprod(1 + np.nan_to_num(returns))]))

    @property
    def falls(self) -> Float64:
        """(k,) Each day's close below the highest level until then, that of what was paid in included; 0 or below."""
        return (self.level / np.maximum.accumulate(self.level) - 1)[1:]


@dataclass(frozen=True, slots=True)
class Daily:
    """One value (n,) for each of `days` (n,), which are in order and not all days."""

    days: Days
    values: Float64

    def on(self, days: Days) -> Float64:
        """(m,) The values of `days` (m,), NaN on a day that has none."""
        if not len(self.days):
            return np.full(len(days), np.nan)
        found = np.minimum(np.searchsorted(self.days, days), len(self.days) - 1)
        return np.where(self.days[found] == days, self.values[found], np.nan)


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Benchmark of a portfolio: its level at the close of each of `days` (n,), its `name`, a ticker, and what that is.

    `kind` is TOTAL_RETURN or PRICE_INDEX: the latter leaves dividends out, which flatters whoever is compared with it.
    """

    name: str
    kind: str
    days: Days
    level: Float64
    description: str = ""

    @property
    def sessions(self) -> Daily:
        """The return to each of its levels from the one before."""
        return Daily(self.days[1:], self.level[1:] / self.level[:-1] - 1)

    def growth_at(self, days: Days) -> Float64:
        """(n,) Its level at the close of each of `days`, in any order: the one before where it did not trade, NaN
        before its first and after its last level, since it is not known there."""
        found = np.searchsorted(self.days, days, side="right") - 1
        level = self.level[np.maximum(found, 0)]
        is_known = (days >= self.days[0]) & (days <= self.days[-1])
        return np.asarray(np.where(is_known, level, np.nan))

    def growth_since(self, first: np.datetime64, days: Days) -> Float64:
        """(n,) Growth of 1 from the close of `first` to that of each of `days`; NaN before, or if it is not known."""
        growth = self.growth_at(days) / self.growth_at(np.array([first]))
        return np.where(days < first, np.nan, growth)
