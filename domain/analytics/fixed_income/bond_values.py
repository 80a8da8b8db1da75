"""Value of a bond on each of many days, from that day's curve."""

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from domain.analytics.arrays import Days, Float64
from domain.analytics.fixed_income.bills import discount_from_price
from domain.analytics.fixed_income.bond_prices import curve_dirty_of, measures_of, yield_of
from domain.analytics.fixed_income.bonds import Bond, Call
from domain.analytics.fixed_income.curves import Curves
from domain.analytics.fixed_income.day_counts import DayCount, days_of

_BILL_YEAR = 360
_LONGEST_BILL_DAYS = 366
_DAYS_AT_ONCE = 256  # so that days x payments stay in the cache: a seventh of the time of all at once


@dataclass(frozen=True, slots=True)
class BondValues:
    """Bond values of n days, all (n,). Per 100 of face: `clean`, `accrued`, `dirty` and `dv01` (for 1 bp of its yield).

    Of a callable bond they are those to worst, on `redemption_days`: the call or the maturity at which it is worth
    least, an upper bound of what it is worth. `discount_pct` is the bank discount rate of a bill, which has no coupon,
    counts ACT/360 and is paid within a year; NaN for others.

    `yield_pct` per year by the street convention, `modified_duration` in years, `spread_bps` over the curve of
    `curve_days`. Where there is no value all but `accrued` are NaN, and the curve's day is NaT. The yield, duration and
    DV01 alone are NaN on the 30th before a maturity on the 31st, when by months of 30 days no time is left.
    """

    clean: Float64
    accrued: Float64
    dirty: Float64
    yield_pct: Float64
    modified_duration: Float64
    dv01: Float64
    spread_bps: Float64
    curve_days: Days
    redemption_days: Days
    discount_pct: Float64

    @classmethod
    def missing(cls, count: int) -> Self:
        days = {name: np.full(count, "NaT", dtype="datetime64[D]") for name in ("curve_days", "redemption_days")}
        numbers = {field.name: np.full(count, np.nan) for field in fields(cls) if field.name not in days}
        return cls(**numbers, **days)


def value_daily(bond: Bond, days: Days, curves: Curves, spread_bps: Float64 | float = 0.0) -> BondValues:
    """Clean and dirty price, yield and sensitivity of `bond` on each of `days` (n,), in any order.

    No value before the issue, once it is paid off, or without a curve of the last 7 days. `spread_bps` is one number or
    one of each day (n,); NaN is no value. Interest accrues whether there is a value or not.

    Notes
    -----
    Measured 2026-11: a 30-year semiannual bond on 7,000 days takes 0.06 s on one core; the curves of as many days,
    made once for all bonds, 0.11 s.
    """
    values = BondValues.missing(len(days))
    is_alive = days < days_of(bond.paid_off_on)
    if begins := bond.issue_date or bond.accrues_from:
        is_alive &= days >= days_of(begins)
    if is_alive.any():
        values.accrued[is_alive] = bond.remaining(days[is_alive]).accrued
    if not len(curves.days):
        return values
    spreads = np.broadcast_to(np.asarray(spread_bps, dtype=np.float64), days.shape)
    todays, is_fresh = curves.carried(days)
    rows = np.flatnonzero(is_alive & is_fresh & ~np.isnan(spreads))
    for start in range(0, len(rows), _DAYS_AT_ONCE):
        some = rows[start : start + _DAYS_AT_ONCE]
        for call in bond.redemptions_after(days[some].min().item()):
            ahead = some[days[some] < days_of(bond.paid_off_on if call is None else bond.paid_on(call[0]))]
            found = _valued(bond, days[ahead], todays.of_rows(ahead), spreads[ahead], call)
            # What is not valued yet is NaN, and no number is above it: the first way, to maturity, fills all.
            is_worse = ~(found["dirty"] >= values.dirty[ahead])
            for name, column in found.items():
                getattr(values, name)[ahead[is_worse]] = column[is_worse]
    return values


def _valued(bond: Bond, days: Days, curves: Curves, spreads_bps: Float64, call: Call | None) -> dict[str, Any]:
    left = bond.remaining(days, call)
    dirty = curve_dirty_of(left, curves, spreads_bps)
    yields = yield_of(left, dirty)
    answers = measures_of(left, yields)
    return {
        "clean": dirty - left.accrued,
        "accrued": left.accrued,
        "dirty": dirty,
        "yield_pct": yields,
        "modified_duration": answers.modified_duration,
        "dv01": answers.dv01,
        "spread_bps": spreads_bps,
        "curve_days": curves.days,
        "redemption_days": np.full(len(days), bond.paid_off_on if call is None else bond.paid_on(call[0]), days.dtype),
        "discount_pct": _discount_pct(bond, days, dirty),
    }


def _discount_pct(bond: Bond, days: Days, dirty: Float64) -> Float64:
    ahead = (days_of(bond.paid_off_on) - days).astype(np.float64)
    is_bill = not bond.coupon_frequency and bond.day_count is DayCount.ACT_360
    return np.where(is_bill & (ahead <= _LONGEST_BILL_DAYS), discount_from_price(dirty, ahead / _BILL_YEAR), np.nan)
