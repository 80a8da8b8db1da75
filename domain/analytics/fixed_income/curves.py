"""Discount factors out of par yields: what a payment on a later day is worth today.

Here: the bootstrap, interpolation, and the spot and par yields that follow. Not here: where yields come from.

A tenor ends on the same day of the month, so many months on. Between two tenors, and up to the first, the forward rate
is constant: the logarithm of the discount factor is linear in calendar days. Beyond the last tenor its spot rate holds.
Rates are in per cent and compound twice a year, but a tenor below six months is one payment with simple interest: so
are the Treasury's constant-maturity yields quoted (FRED's DGS series).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

import numpy as np
from numpy.typing import NDArray

from domain.analytics.arrays import Days, Float64, Int64
from domain.analytics.fixed_income.day_counts import days_of, plus_months

MAX_CARRIED_DAYS = 7
_COUPON_MONTHS = 6
_MAX_STEPS = 50
_EXACT = 1e-13


@dataclass(frozen=True, slots=True)
class Curves:
    """Curves of n days, ascending, with m tenors.

    `ends` (n, m) calendar days until each tenor ends, `logs` (n, m) the logarithm of its discount factor. A tenor that
    a day has no yield for repeats the one before it.
    """

    days: Days
    ends: Int64
    logs: Float64

    @classmethod
    def none(cls) -> Self:
        """The curves of no day."""
        return cls(days_of([]), np.zeros((0, 1), np.int64), np.zeros((0, 1)))

    @classmethod
    def bootstrap(cls, days: Days, tenors_months: Sequence[int], par_yields_pct: Float64) -> Self:
        """From par yields (n, m), NaN where a tenor was not quoted that day; each day has at least one.

        A par bond of any quoted tenor prices to 100 within 1e-9.

        Raises
        ------
        ValueError
            Days or tenors that do not ascend; a tenor above six months that is not whole half-years; a day without
            a yield, or with yields that no discount factors give.
        """
        return cls.from_bonds(days, tenors_months, par_yields_pct, np.full(par_yields_pct.shape, 100.0))

    @classmethod
    def from_bonds(cls, days: Days, tenors_months: Sequence[int], coupons_pct: Float64, prices: Float64) -> Self:
        """From prices (n, m) per 100 of semiannual bonds just issued, with coupons (n, m); as `bootstrap` otherwise."""
        tenors = np.asarray(tenors_months)
        if (np.diff(tenors) <= 0).any() or (np.diff(days) <= np.timedelta64(0, "D")).any():
            raise ValueError("days and tenors must ascend")
        if ((tenors > _COUPON_MONTHS) & (tenors % _COUPON_MONTHS != 0)).any() or (tenors <= 0).any():
            raise ValueError(f"tenors above {_COUPON_MONTHS} months must be whole half-years, not {tenors.tolist()}")
        quoted = ~np.isnan(coupons_pct)
        if not quoted.any(axis=1).all():
            raise ValueError(f"no yield at all on {days[~quoted.any(axis=1)][0]}")
        logs = np.zeros(coupons_pct.shape)
        for pattern in np.unique(quoted, axis=0):  # few: tenors come and go for years, not for days
            rows = np.flatnonzero((quoted == pattern).all(axis=1))
            cells = np.ix_(rows, np.flatnonzero(pattern))
            logs[cells] = _stripped(days[rows], tenors[pattern], coupons_pct[cells] / 100, prices[cells] / 100)
        place = np.where(quoted, np.arange(len(tenors)), -1)
        last_quoted = np.maximum.accumulate(place, axis=1)
        every_end = np.where(quoted, _calendar_days(days, tenors), 0)
        known = np.maximum(last_quoted, 0)
        return cls(days, np.take_along_axis(every_end, known, 1), np.take_along_axis(logs, known, 1))

    def carried(self, days: Days) -> tuple[Self, NDArray[np.bool_]]:
        """The newest curve of each of `days` (k,), and whether it is at most 7 days old (else it means nothing).

        A carried curve discounts so many days ahead as it did on its own day.
        """
        rows = np.searchsorted(self.days, days, "right") - 1
        found = self.of_rows(np.maximum(rows, 0))
        return found, (rows >= 0) & (days - found.days <= np.timedelta64(MAX_CARRIED_DAYS, "D"))

    def of_rows(self, rows: Int64) -> Self:
        """The curves in these places (k,)."""
        return type(self)(self.days[rows], self.ends[rows], self.logs[rows])

    def log_discounts(self, calendar_days: Int64) -> Float64:
        """Logarithms (n, k) of what 1 is worth that is paid `calendar_days` (n, k) ahead; 0 of the past."""
        lengths = np.diff(self.ends, prepend=0)
        forwards = np.diff(self.logs, prepend=0.0) / np.maximum(lengths, 1)
        total = np.zeros(calendar_days.shape)
        for place in range(lengths.shape[1]):
            within = calendar_days - (self.ends[:, place] - lengths[:, place])[:, None]
            total += forwards[:, place, None] * np.clip(within, 0, lengths[:, place, None])
        beyond = np.maximum(calendar_days - self.ends[:, -1:], 0)
        return np.asarray(total + beyond * self.logs[:, -1:] / self.ends[:, -1:])


@dataclass(frozen=True, slots=True)
class Curve:
    """One day's curve: the discount factor at the end of each tenor."""

    day: date
    tenors_months: tuple[int, ...]
    discounts: tuple[float, ...]

    @classmethod
    def of(cls, day: date, par_yields_pct: Mapping[int, float]) -> Self:
        """From par yields by tenor in months; see `Curves.bootstrap`."""
        tenors = sorted(par_yields_pct)
        yields = np.array([[par_yields_pct[tenor] for tenor in tenors]])
        curves = Curves.bootstrap(days_of([day]), tenors, yields)
        return cls(day, tuple(tenors), tuple(np.exp(curves.logs[0]).tolist()))

    def curves(self) -> Curves:
        """It alone, as the curves of one day."""
        days = days_of([self.day])
        return Curves(days, _calendar_days(days, np.array(self.tenors_months)), np.log([self.discounts]))

    def discount(self, day: date) -> float:
        """Return what 1 paid on `day` is worth on the curve's day. ValueError before it."""
        if day < self.day:
            raise ValueError(f"{day} is before the curve's {self.day}")
        return float(np.exp(self.curves().log_discounts(np.array([[(day - self.day).days]])))[0, 0])

    def spot_pct(self, tenor_months: int) -> float:
        """Yield of one payment after `tenor_months`, compounded twice a year."""
        halves = tenor_months / _COUPON_MONTHS
        return float(200 * (self._after(tenor_months)[0] ** (-1 / halves) - 1))

    def par_pct(self, tenor_months: int) -> float:
        """Coupon at which a bond issued today for `tenor_months` prices to 100; simple interest below six months.

        ValueError above six months if the tenor is not whole half-years.
        """
        if tenor_months <= _COUPON_MONTHS:
            return float(1200 / tenor_months * (1 / self._after(tenor_months)[0] - 1))
        if tenor_months % _COUPON_MONTHS:
            raise ValueError(f"{tenor_months} months are not whole half-years")
        discounts = self._after(*range(_COUPON_MONTHS, tenor_months + 1, _COUPON_MONTHS))
        return float(200 * (1 - discounts[-1]) / discounts.sum())

    def shifted(self, bps: float) -> "Curve":
        """The curve with the par yield of each tenor higher by `bps` hundredths of a per cent."""
        return Curve.of(self.day, {tenor: self.par_pct(tenor) + bps / 100 for tenor in self.tenors_months})

    def _after(self, *months: int) -> Float64:
        """Discount factors so many `months` from now."""
        curves = self.curves()
        return np.asarray(np.exp(curves.log_discounts(_calendar_days(curves.days, np.array(months))))[0])


def _calendar_days(days: Days, months: Int64) -> Int64:
    """Calendar days (n, m) from each of `days` until so many `months` later."""
    return (plus_months(days[:, None], months[None, :]) - days[:, None]).astype(np.int64)


def _stripped(days: Days, tenors: Int64, coupons: Float64, prices: Float64) -> Float64:
    """Logarithms (n, m) of discount factors that price every tenor's bond; all as fractions, nothing missing."""
    logs = np.empty(coupons.shape)
    end, log, annuity = np.zeros(len(days)), np.zeros(len(days)), np.zeros(len(days))
    paid_until = 0
    for place, tenor in enumerate(tenors):
        coupon, price = coupons[:, place], prices[:, place]
        if tenor < _COUPON_MONTHS:
            new_end = _calendar_days(days, tenors[place : place + 1])[:, 0].astype(np.float64)
            new = np.log(price / (1 + coupon * tenor / 12))
        else:
            months = np.arange(paid_until + _COUPON_MONTHS, tenor + 1, _COUPON_MONTHS)
            payments = _calendar_days(days, months)
            new_end = payments[:, -1].astype(np.float64)
            weights = (payments - end[:, None]) / (new_end - end)[:, None]
            new = _end_log(log, weights, coupon / 2, price - annuity * coupon / 2, days)
            annuity += np.exp(log[:, None] + (new - log)[:, None] * weights).sum(axis=1)
            paid_until = int(tenor)
        logs[:, place] = new
        end, log = new_end, new
    return logs


def _end_log(log: Float64, weights: Float64, coupon: Float64, price: Float64, days: Days) -> Float64:
    """The logarithm (n,) at a tenor's end, from `log` at its start; coupons are between, by `weights` (n, k).

    Newton's method on a function that rises from 0 and is convex: it cannot miss the only root.
    """
    if (price <= 0).any():  # the coupons before are worth more than the bond
        raise ValueError(f"no discount factor fits the yields of {days[price <= 0][0]}")
    payments = np.broadcast_to(coupon[:, None], weights.shape).copy()
    payments[:, -1] += 1
    new: Float64 = log.copy()
    excess = np.full_like(log, np.inf)
    for _ in range(_MAX_STEPS):
        values = payments * np.exp(log[:, None] + (new - log)[:, None] * weights)
        excess = values.sum(axis=1) - price
        new -= excess / (values * weights).sum(axis=1)
        if (np.abs(excess) <= _EXACT).all():
            return new
    raise ValueError(f"no discount factor fits the yields of {days[np.abs(excess) > _EXACT][0]}")
