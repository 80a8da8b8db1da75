"""When a bond pays: its coupon periods, when it trades without the next coupon, and where payments are moved to.

Here: arrays of days and of what accrues between them, per 100 of face. Not here: what they are worth.

Time is counted in regular periods, backwards and forwards from an anchor: the coupon before an odd last period, else
maturity. An odd first or last coupon is paid for the part of those periods that it covers; the dates between are not
paid, but time is still counted in them. Source: ICMA Rule 251.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.analytics.arrays import Days, Float64, Int64
from domain.analytics.fixed_income.day_counts import DayCount, accrual_years, days_between, plus_months


@dataclass(frozen=True, slots=True)
class Schedule:
    """k regular periods, the last cut at maturity where that is odd.

    `opens` and `closes` (k,) where each begins and ends as if none were odd; `dates` (k + 1,) where one does, the last
    is maturity; `starts` (k,) from when it accrues, `rates_pct` (k,) at which rate, `accruals` (k,) how much in it. Of
    each date: `coupons` (k + 1,) the interest that is paid, `faces` the part of face that is repaid, `redemptions` what
    is paid for it, `is_paid` if a coupon is due, `pays` the day of payment, `ex_days` the first day on which a buyer
    does not get the coupon. The last coupon period begins at `dates[last_begins]`.
    """

    day_count: DayCount
    frequency: int
    opens: Days
    closes: Days
    dates: Days
    starts: Days
    rates_pct: Float64
    accruals: Float64
    coupons: Float64
    faces: Float64
    redemptions: Float64
    pays: Days
    ex_days: Days
    is_paid: NDArray[np.bool_]
    last_begins: int

    def until(self, day: Days, price: float) -> "Schedule":
        """The schedule up to `day`, a date on which a coupon is paid, when all that is left is redeemed at `price`."""
        place = int(np.searchsorted(self.dates, day))
        faces = self.faces[: place + 1].copy()
        faces[-1] = 1 - faces[:-1].sum()
        redemptions = self.redemptions[: place + 1].copy()
        redemptions[-1] = price * faces[-1]
        periods = {name: getattr(self, name)[:place] for name in ("opens", "closes", "starts", "rates_pct", "accruals")}
        dates = {name: getattr(self, name)[: place + 1] for name in ("dates", "coupons", "pays", "ex_days", "is_paid")}
        paid_before = np.flatnonzero(self.is_paid[:place])
        last_begins = int(paid_before[-1]) if len(paid_before) else 0
        return replace(self, **periods, **dates, faces=faces, redemptions=redemptions, last_begins=last_begins)

    def outstanding_before(self) -> Float64:
        """The part of face (k + 1,) that is not repaid before each date."""
        return 1 - np.concatenate([[0.0], self.faces.cumsum()[:-1]])

    def next_paid(self, days: Days) -> Int64:
        """Places (n,) of the date that pays next after each of `days` (n,), and the last where none does."""
        paid = np.flatnonzero(self.is_paid)
        return np.asarray(paid[np.minimum(np.searchsorted(self.pays[paid], days, "right"), len(paid) - 1)])

    def accrued(self, days: Days) -> Float64:
        """Interest (n,) per 100 that has accrued: the whole coupon from its date until it is paid; negative ex coupon.

        0 before the period of the next coupon begins, which is so after a payment that was moved ahead.
        """
        ends = self.next_paid(days)
        paid = np.flatnonzero(self.is_paid)
        before = np.searchsorted(paid, ends, "left") - 1
        begins = np.where(before >= 0, paid[before], 0)
        within = np.clip(days, self.dates[begins], self.dates[ends])
        period = self._period(within)
        total = np.concatenate([[0.0], self.accruals.cumsum()])
        years = accrual_years(
            self.day_count, self.starts[period], within, self.opens[period], self.closes[period], self.frequency
        )
        part = np.where(within > self.starts[period], years * self.rates_pct[period], 0.0)
        found = total[period] - total[begins] + part
        return np.asarray(found - np.where(days >= self.ex_days[ends], self.coupons[ends], 0.0))

    def positions(self, days: Days) -> Float64:
        """How many regular periods (n,) lie between the first date and each of `days` (n,)."""
        period = self._period(days)
        opens, closes = self.opens[period], self.closes[period]
        if self.day_count.has_equal_months:
            over = days_between(self.day_count, opens, days) * self.frequency / 360
            return np.asarray(period + np.minimum(over, 1.0), np.float64)
        return np.asarray(period + (days - opens) / (closes - opens))

    def is_last_period(self, days: Days) -> NDArray[np.bool_]:
        return np.asarray(days >= self.dates[self.last_begins])

    def _period(self, days: Days) -> Int64:
        return np.clip(np.searchsorted(self.dates, days, "right") - 1, 0, len(self.opens) - 1)


def regular_dates(anchor: date, until: date, since: date, months: int, keeps_month_end: bool) -> Days:
    """Regular dates around `anchor`, from the last one that is not after `since` to the first not before `until`."""
    behind = _months_between(since, anchor) // months + 2
    ahead = _months_between(anchor, until) // months + 2
    dates = plus_months(anchor, months * np.arange(-behind, ahead + 1), keeps_month_end)
    first = np.searchsorted(dates, np.datetime64(since), "right") - 1
    return dates[first : np.searchsorted(dates, np.datetime64(until), "left") + 1]


def accruals_of(day_count: DayCount, frequency: int, starts: Days, ends: Days, opens: Days, closes: Days) -> Float64:
    """Years of coupon (k,) that accrue in each period; 0 in one that ends before anything accrues."""
    years = accrual_years(day_count, starts, ends, opens, closes, frequency)
    return np.where(ends > starts, years, 0.0)


def paid_at(accruals: Float64, is_paid: NDArray[np.bool_]) -> Float64:
    """(k + 1,) interest paid on each date: all that accrued since the one paid before."""
    total = np.concatenate([[0.0], accruals.cumsum()])
    paid: Any = np.flatnonzero(is_paid)
    coupons = np.zeros(len(total))
    # A difference of sums has the rounding of all before it, so that the usual coupon of one period is taken as it is.
    since = np.concatenate([[0], paid[:-1]])
    coupons[paid] = np.where(paid - since == 1, accruals[np.maximum(paid - 1, 0)], total[paid] - total[since])
    return coupons


def _months_between(first: date, last: date) -> int:
    return max(0, (last.year - first.year) * 12 + last.month - first.month)
