"""Limits of concentration: what they bound, which of what is held they are about, and when they say nothing.

Weights are over equity, so a short of 200 % of it is twice all there is. A limit is about what can fail together with
somebody: not cash, not a sovereign's debt, and not a fund, which is many already; whoever asks says which those are.
The sum of the five largest of six holdings is near 1 whatever they are, so a limit on it that holdings of equal size
would pass is TOO_FEW: it measures their number, not how they are spread.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from domain.analytics.arrays import Bools, Float64
from domain.analytics.risk.concentration import Weights, grouped, largest

WHOLE = "portfolio"
"""The dimension of a limit on the portfolio as one."""


class Measure(StrEnum):
    """Figure that a limit bounds: the weight of every group by itself, or one number of the dimension."""

    GROSS_WEIGHT = "GROSS_WEIGHT"
    NET_WEIGHT = "NET_WEIGHT"
    HHI = "HHI"
    TOP_5 = "TOP_5"
    TOP_10 = "TOP_10"
    LEVERAGE = "LEVERAGE"


_TOP = {Measure.TOP_5: 5, Measure.TOP_10: 10}


class LimitState(StrEnum):
    OK = "OK"
    WARN = "WARN"
    BREACH = "BREACH"
    TOO_FEW = "TOO_FEW"
    UNDEFINED = "UNDEFINED"


@dataclass(frozen=True, slots=True)
class Limit:
    """From `warn_at` on a measure of a dimension ("issuer", "sector", ...) is WARN, from `breach_at` on BREACH.

    Both are above 0, `warn_at` not above `breach_at`: else ValueError. They are fractions of equity; of LEVERAGE, which
    is the whole portfolio's, multiples.
    """

    dimension: str
    measure: Measure
    warn_at: float
    breach_at: float

    def __post_init__(self) -> None:
        if not 0 < self.warn_at <= self.breach_at < np.inf:
            raise ValueError(f"{self.dimension} {self.measure}: 0 < warn_at <= breach_at does not hold")
        if (self.measure is Measure.LEVERAGE) != (self.dimension == WHOLE):
            raise ValueError(f"{self.dimension} {self.measure}: LEVERAGE is of the {WHOLE}, everything else of a group")

    def state_of(self, value: float | None) -> LimitState:
        """Judge a measured value; its size counts, so a short of 20 % is as large as a long one. None is UNDEFINED."""
        if value is None:
            return LimitState.UNDEFINED
        if abs(value) >= self.breach_at:
            return LimitState.BREACH
        return LimitState.WARN if abs(value) >= self.warn_at else LimitState.OK


DEFAULT_LIMITS = (
    Limit("issuer", Measure.GROSS_WEIGHT, warn_at=0.20, breach_at=0.35),
    Limit("sector", Measure.GROSS_WEIGHT, warn_at=0.40, breach_at=0.60),
    Limit("security", Measure.TOP_5, warn_at=0.75, breach_at=0.95),
    Limit("security", Measure.HHI, warn_at=0.25, breach_at=0.40),
    Limit(WHOLE, Measure.LEVERAGE, warn_at=1.5, breach_at=2.0),
)
"""Limits of a portfolio that has none of its own. Reg T lends a customer up to a leverage of 2 (12 CFR 220.12)."""


@dataclass(frozen=True, slots=True)
class LimitCheck:
    """One value against its limit; `label` is None for a number of the whole dimension."""

    limit: Limit
    label: str | None
    value: float | None
    state: LimitState


def check_limit(
    limit: Limit, weights: Weights, labels: Sequence[str | None], is_bound: Bools | None = None
) -> tuple[LimitCheck, ...]:
    """Every group of the limit's dimension against it, largest first, or its one number.

    `labels` (n,) are the groups of the weights in `limit.dimension`, and `is_bound` (n,) says which the limit is about;
    None is all. HHI here is the sum of squared gross weights over equity, to which nothing else adds.
    "Unclassified" is checked as any other group. ValueError when there is not one label for each weight.
    """
    if limit.measure is Measure.LEVERAGE:
        return (_checked(limit, None, weights.exposure.leverage),)
    bound = np.ones(len(labels), dtype=np.bool_) if is_bound is None else is_bound
    each = weights.net if limit.measure is Measure.NET_WEIGHT else weights.gross
    names, sums = grouped(
        None if each is None else each[bound], [label for label, one in zip(labels, bound, strict=True) if one]
    )
    if limit.measure in (Measure.GROSS_WEIGHT, Measure.NET_WEIGHT):
        sizes = [None] * len(names) if sums is None else sums.tolist()
        found = [_checked(limit, name, size) for name, size in zip(names, sizes, strict=True)]
        return tuple(sorted(found, key=lambda check: (-abs(check.value or 0.0), check.label)))
    if sums is None:
        return (_checked(limit, None, None),)
    if limit.measure is Measure.HHI:
        return (_checked(limit, None, float(sums @ sums)),)
    return (_top_checked(limit, sums),)


def _top_checked(limit: Limit, sums: Float64) -> LimitCheck:
    count, n = _TOP[limit.measure], int(np.count_nonzero(sums))
    check = _checked(limit, None, largest(sums, count))
    if check.state is not LimitState.OK and count >= limit.warn_at * n:
        return LimitCheck(limit, None, check.value, LimitState.TOO_FEW)
    return check


def _checked(limit: Limit, label: str | None, value: float | None) -> LimitCheck:
    return LimitCheck(limit, label, value, limit.state_of(value))
