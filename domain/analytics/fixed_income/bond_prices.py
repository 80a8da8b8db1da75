"""Price, yield and sensitivity of a bond on a day: by the street convention, or from a curve and a spread.

Prices are per 100 of face: clean + accrued = dirty, and dirty is what is paid. Yields are in per cent a year. They
compound as often as the coupon, and twice a year for a zero-coupon bond; in the last period they are simple. A spread
is in basis points, compounded continuously over ACT/365F, on top of every discount factor. The day is the day of
settlement, and the day that everything is discounted to.

The functions that end in `_of` take many days at once. Yields are to maturity; of a callable bond only the prices from
a curve are to worst.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from domain.analytics.arrays import Float64
from domain.analytics.fixed_income.bonds import Bond, Remaining
from domain.analytics.fixed_income.curves import Curve, Curves
from domain.analytics.fixed_income.day_counts import days_of

_DAYS_PER_YEAR = 365
_GROWTH = (0.3, 1000.0)  # of 1 in a coupon period: the bounds within which a yield is sought
_MAX_SPREAD_BPS = 20_000.0
_MAX_STEPS = 100
_EXACT = 1e-14


class NoYield(ValueError):
    """A price that no yield, or no spread, between the bounds gives."""


@dataclass(frozen=True, slots=True)
class Price:
    """Per 100 of face."""

    clean: float
    accrued: float

    @property
    def dirty(self) -> float:
        return self.clean + self.accrued


@dataclass(frozen=True, slots=True)
class YieldSensitivities:
    """How a dirty price answers to its yield, for n days.

    `macaulay_duration` (n,) in years, the mean time until payment weighted by present value; `modified_duration` (n,)
    -dP/dy / P with y a fraction; `convexity` (n,) d2P/dy2 / P; `dv01` (n,) fall of the price per 100 for 1 bp more.
    """

    macaulay_duration: Float64
    modified_duration: Float64
    convexity: Float64
    dv01: Float64


def price_from_yield(bond: Bond, day: date, yield_pct: float) -> Price:
    """Price on `day` at `yield_pct`; 0 from maturity on. Source: SIFMA Standard Securities Calculation Methods."""
    if day >= bond.paid_off_on:
        return Price(0.0, 0.0)
    left = bond.remaining(days_of([day]))
    return _price(left, dirty_of(left, np.array([yield_pct])))


def price_from_curve(bond: Bond, day: date, curve: Curve, spread_bps: float = 0.0) -> Price:
    """Price on `day` by `curve`, which discounts as on its own day, and a spread; 0 from maturity on.

    Of a callable bond it is the price to worst: the lowest of those to maturity and to each call.
    """
    if day >= bond.paid_off_on:
        return Price(0.0, 0.0)
    return _to_worst(_ways_of(bond, day), curve.curves(), spread_bps)


def yield_from_price(bond: Bond, day: date, clean: float) -> float:
    """The yield in per cent at which `bond` costs `clean` on `day`.

    Raises
    ------
    NoYield
        None between -70 % and 99,900 % per coupon period gives it; the message has the price and the bounds' prices.
    ValueError
        The bond has matured.
    """
    left = bond.remaining(days_of([day]))
    found = float(yield_of(left, clean + left.accrued)[0])
    if np.isnan(found):
        low, high = (float(dirty_of(left, bound)[0] - left.accrued[0]) for bound in _bounds_pct(left))
        raise NoYield(f"no yield gives a clean price of {clean:g}: {high:g} to {low:g} are possible")
    return found


def spread_from_price(bond: Bond, day: date, clean: float, curve: Curve) -> float:
    """The spread in basis points over `curve` at which `bond` costs `clean` on `day`.

    NoYield if none within 20,000 bp of it does, with the price and the bounds' prices; ValueError if matured.
    """
    ways, curves = _ways_of(bond, day), curve.curves()

    def clean_at(bps: float) -> float:
        return _to_worst(ways, curves, bps).clean

    low, high = -_MAX_SPREAD_BPS, _MAX_SPREAD_BPS
    if not clean_at(high) <= clean <= clean_at(low):
        raise NoYield(
            f"no spread gives a clean price of {clean:g}: {clean_at(high):g} to {clean_at(low):g} are possible"
        )
    for _ in range(_MAX_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if clean_at(middle) > clean else (low, middle)
    return (low + high) / 2


def measures(bond: Bond, day: date, yield_pct: float) -> YieldSensitivities:
    """Durations, convexity and DV01 on `day` at `yield_pct`, as arrays of one; ValueError from maturity on."""
    return measures_of(bond.remaining(days_of([day])), np.array([yield_pct]))


def dv01_by_bump(bond: Bond, day: date, yield_pct: float) -> float:
    """Half of the price at 1 bp less, less that at 1 bp more: what `Measures.dv01` has in closed form."""
    lower, higher = (price_from_yield(bond, day, yield_pct + bump).dirty for bump in (-0.01, 0.01))
    return (lower - higher) / 2


def dirty_of(left: Remaining, yields_pct: Float64) -> Float64:
    """Dirty prices (n,) at `yields_pct` (n,)."""
    return np.asarray(_present_values(left, yields_pct).sum(axis=1))


def curve_dirty_of(left: Remaining, curves: Curves, spread_bps: Float64) -> Float64:
    """Dirty prices (n,) by the curve of each day and `spread_bps` (n,)."""
    spreads = spread_bps[:, None] / 10_000 * left.calendar_days / _DAYS_PER_YEAR
    discounts = np.exp(curves.log_discounts(left.calendar_days) - spreads)
    return np.asarray((left.amounts * discounts).sum(axis=1))


def yield_of(left: Remaining, dirty: Float64) -> Float64:
    """Yields (n,) in per cent that give `dirty` (n,); NaN where none within the bounds does.

    Newton's method on the logarithm of the price, which falls and is convex in log(1 + y / frequency).
    """
    low, high = _bounds_pct(left)
    is_possible = (dirty_of(left, high) <= dirty) & (dirty <= dirty_of(left, low))
    target = np.where(is_possible, dirty, left.amounts.sum(axis=1))
    rate = np.zeros(dirty.shape)
    for _ in range(_MAX_STEPS):
        values = left.amounts * np.exp(-left.periods * rate[:, None])
        price = values.sum(axis=1)
        step = np.log(price / target) * price / np.maximum((values * left.periods).sum(axis=1), 1e-300)
        rate += step
        if (np.abs(step) <= _EXACT * (1 + np.abs(rate))).all():
            break
    compounded = np.expm1(rate)
    with np.errstate(divide="ignore", invalid="ignore"):
        simple = (left.amounts.sum(axis=1) / target - 1) / left.periods[:, -1]
    found = np.where(left.is_last_period, simple, compounded) * left.frequency * 100
    return np.where(is_possible, found, np.nan)


def measures_of(left: Remaining, yields_pct: Float64) -> YieldSensitivities:
    """The measures of n days at `yields_pct` (n,): derivatives in closed form."""
    values = _present_values(left, yields_pct)
    dirty = values.sum(axis=1)
    growth = (1 + yields_pct / 100 / left.frequency)[:, None]
    over = np.where(left.is_last_period[:, None], 1 + (growth - 1) * left.periods, growth)
    again = np.where(left.is_last_period[:, None], 2 * left.periods, left.periods + 1)
    first = values * left.periods / left.frequency / over
    second = first * again / left.frequency / over
    modified = first.sum(axis=1) / dirty
    macaulay = (values * left.periods).sum(axis=1) / left.frequency / dirty
    return YieldSensitivities(macaulay, modified, second.sum(axis=1) / dirty, modified * dirty / 10_000)


def _present_values(left: Remaining, yields_pct: Float64) -> Float64:
    per_period = (yields_pct / 100 / left.frequency)[:, None]
    is_simple = left.is_last_period[:, None]
    simple = 1 / (1 + np.where(is_simple, left.periods, 0.0) * per_period)
    compounded = np.exp(-left.periods * np.log1p(per_period))
    return left.amounts * np.where(is_simple, simple, compounded)


def _bounds_pct(left: Remaining) -> tuple[Float64, Float64]:
    """Yields (n,) between which one is sought; of simple interest over more than a period less far below 0."""
    longest = np.where(left.is_last_period, np.maximum(left.periods[:, -1], 1.0), 1.0)
    low, high = ((growth - 1) * left.frequency * 100 for growth in _GROWTH)
    return low / longest, np.full(longest.shape, high)


def _ways_of(bond: Bond, day: date) -> list[Remaining]:
    return [bond.remaining(days_of([day]), call) for call in bond.redemptions_after(day)]


def _to_worst(ways: Sequence[Remaining], curves: Curves, spread_bps: float) -> Price:
    prices = [_price(left, curve_dirty_of(left, curves, np.array([spread_bps]))) for left in ways]
    return min(prices, key=lambda price: price.clean)


def _price(left: Remaining, dirty: Float64) -> Price:
    accrued = float(left.accrued[0])
    return Price(float(dirty[0]) - accrued, accrued)
