"""Forward drift: what analysts expect of a security in twelve months, as the arithmetic drift of dS/S.

A target is what the screen will show, so it is set against what the screen shows: never against a unit of an index,
another currency, or a price from before a split. What cannot be set against it has no number, and the reason.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from math import log
from typing import NamedTuple

MAX_TARGET_AGE_DAYS = 92
"""A quarter: analysts set targets anew after each report."""
MAX_PRICE_AGE_DAYS = 7


class ForwardMethod(StrEnum):
    ANALYST_MEAN = "ANALYST_MEAN"
    ANALYST_MEDIAN = "ANALYST_MEDIAN"


class ForwardStatus(StrEnum):
    OK = "OK"
    INSUFFICIENT = "INSUFFICIENT"
    STALE = "STALE"
    OTHER_CURRENCY = "OTHER_CURRENCY"
    NOT_AS_TRADED = "NOT_AS_TRADED"
    SPLIT_SINCE = "SPLIT_SINCE"


@dataclass(frozen=True, slots=True)
class Target:
    """The analysts' price in twelve months, on the day they were asked."""

    mean: Decimal | None
    median: Decimal | None
    currency: str
    as_of: date


@dataclass(frozen=True, slots=True)
class TargetPrice:
    """The newest price; `split_since` is how many units one of the target's day has become."""

    price: Decimal
    currency: str
    kind: str
    on: date
    split_since: float = 1.0


class ForwardDrift(NamedTuple):
    """`mu_annual` is None, and `reason` says why, unless `status` is OK. `target` is the one that `method` took."""

    mu_annual: float | None
    method: ForwardMethod
    target: Decimal | None
    status: ForwardStatus
    reason: str | None = None


def forward_drift(
    target: Target, quote: TargetPrice | None, volatility_annual: float | None, market_day: date
) -> ForwardDrift:
    """Arithmetic drift m of dS/S over one year: ln(mean target / price); without a mean, of the median + s^2 / 2.

    The mean of a lognormal price is S exp(m), its median S exp(m - s^2 / 2), with s the `volatility_annual`.
    `market_day` is the newest day with any price, from which ages count. Source: RULEBOOK 11.
    """
    is_mean = target.mean is not None or target.median is None
    method = ForwardMethod.ANALYST_MEAN if is_mean else ForwardMethod.ANALYST_MEDIAN
    aim = target.mean if is_mean else target.median
    refusal = _refusal(target, aim, quote, market_day)
    if refusal:
        return ForwardDrift(None, method, aim, *refusal)
    assert aim is not None
    assert quote is not None
    growth = log(aim / quote.price)
    if is_mean:
        return ForwardDrift(growth, method, aim, ForwardStatus.OK)
    if volatility_annual is None:
        return ForwardDrift(
            None, method, aim, ForwardStatus.INSUFFICIENT, "a median target needs a volatility, and there is none"
        )
    return ForwardDrift(growth + volatility_annual**2 / 2, method, aim, ForwardStatus.OK)


def _refusal(
    target: Target, aim: Decimal | None, quote: TargetPrice | None, market_day: date
) -> tuple[ForwardStatus, str] | None:
    if aim is None or aim <= 0:
        return ForwardStatus.INSUFFICIENT, "there is no target above 0"
    if quote is None or quote.price <= 0:
        return ForwardStatus.INSUFFICIENT, "there is no price above 0"
    if quote.kind != "AS_TRADED":
        return ForwardStatus.NOT_AS_TRADED, f"its price is {quote.kind}, not what was on the screen"
    if quote.currency != target.currency:
        return ForwardStatus.OTHER_CURRENCY, f"the target is in {target.currency}, the price in {quote.currency}"
    if (market_day - target.as_of).days > MAX_TARGET_AGE_DAYS:
        return ForwardStatus.STALE, f"the target is of {target.as_of}, over {MAX_TARGET_AGE_DAYS} days ago"
    if (market_day - quote.on).days > MAX_PRICE_AGE_DAYS:
        return ForwardStatus.STALE, f"the price is of {quote.on}, over {MAX_PRICE_AGE_DAYS} days ago"
    if quote.split_since != 1:
        return ForwardStatus.SPLIT_SINCE, f"a unit has become {quote.split_since:g} since the target was set"
    return None
