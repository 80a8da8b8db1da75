"""How much of a portfolio is in few hands: weights, Herfindahl index, largest shares, and limits on them.

Values are market values in one currency, cash among them. A short position and overdrawn cash are negative. Two weights
are reported of each. *Net* is value / sum of values: shorts are negative, and together they are 1. *Gross* is |value| /
sum of |values|: never negative, 1 together, and never offset by the other side. Concentration is measured on gross
weights: on net ones a hedged book has shares above 1 and an effective number below 1. For a portfolio without shorts
both are the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from domain.analytics.arrays import Float64

UNCLASSIFIED = "Unclassified"


@dataclass(frozen=True)
class Weights:
    """`gross` and `net` (n,) fractions, of `gross_value` >= 0 and `net_value`; None where that is not above zero."""

    gross: Float64 | None
    net: Float64 | None
    gross_value: float
    net_value: float


@dataclass(frozen=True, slots=True)
class Concentration:
    """Concentration of gross weights. All are None when nothing is held.

    `hhi` is from 1 / n to 1; `effective_number` = 1 / hhi, so many equal holdings would have it. `top_5` and `top_10`
    are the sum of the five and ten largest weights.
    """

    hhi: float | None
    effective_number: float | None
    top_5: float | None
    top_10: float | None


@dataclass(frozen=True, slots=True)
class Group:
    """Values that share a label: their parts of the portfolio's gross and net weights; `gross` adds long and short."""

    label: str
    gross: float | None
    net: float | None


def weights_of(values: Float64) -> Weights:
    """Gross and net weights of market `values` (n,), in one currency, cash among them.

    `net` is None when the portfolio is worth nothing or less, `gross` when there is nothing in it. ValueError for a NaN
    or an infinity: what has no price has no weight, and leaving it out would raise the others'.
    Source: RULEBOOK 2 and 9.
    """
    if not np.isfinite(values).all():
        raise ValueError("values must be finite: a position without a price has no weight")
    sizes = np.abs(values)
    gross_value, net_value = float(sizes.sum()), float(values.sum())
    gross = sizes / gross_value if gross_value > 0 else None
    return Weights(gross, values / net_value if net_value > 0 else None, gross_value, net_value)


def concentration(values: Float64) -> Concentration:
    """Herfindahl index, effective number and largest shares of market `values` (n,), or of weights: scale is no matter.

    Negative values count by their size. ValueError as in `weights_of`.
    Source: US Department of Justice, Herfindahl-Hirschman Index (its points are hhi x 10,000); RULEBOOK 9.
    """
    shares = weights_of(values).gross
    if shares is None:
        return Concentration(None, None, None, None)
    hhi = float(shares @ shares)
    largest = np.sort(shares)[::-1]
    return Concentration(hhi, 1 / hhi, float(largest[:5].sum()), float(largest[:10].sum()))


def groups_of(values: Float64, labels: Sequence[str | None]) -> tuple[Group, ...]:
    """The weights of market `values` (n,) by label, the largest gross weight first, then by label.

    None is "Unclassified", one group: what is not known may all be one issuer. For issuers the label is the ultimate
    parent. ValueError as in `weights_of`, and when there is not one label for each value.
    """
    names, places = _placed(values, labels)
    weights = weights_of(values)
    gross, net = (None if each is None else _summed(each, places, len(names)) for each in (weights.gross, weights.net))
    groups = [
        Group(name, None if gross is None else float(gross[i]), None if net is None else float(net[i]))
        for i, name in enumerate(names)
    ]
    return tuple(sorted(groups, key=lambda group: (-(group.gross or 0.0), group.label)))


def concentration_by(values: Float64, labels: Sequence[str | None]) -> Concentration:
    """`concentration` of groups instead of holdings; inside one group long and short add up. Errors as `groups_of`."""
    names, places = _placed(values, labels)
    return concentration(_summed(np.abs(values), places, len(names)))


class Measure(StrEnum):
    """Figure that a limit bounds: the weight of every group by itself, or one number of the dimension."""

    GROSS_WEIGHT = "GROSS_WEIGHT"
    NET_WEIGHT = "NET_WEIGHT"
    HHI = "HHI"
    TOP_5 = "TOP_5"
    TOP_10 = "TOP_10"


class LimitState(StrEnum):
    OK = "OK"
    WARN = "WARN"
    BREACH = "BREACH"
    UNDEFINED = "UNDEFINED"


@dataclass(frozen=True, slots=True)
class Limit:
    """From `warn_at` on a measure of a dimension ("issuer", "sector", ...) is WARN, from `breach_at` on BREACH.

    Both are fractions above 0, `warn_at` not above `breach_at`: else ValueError.
    """

    dimension: str
    measure: Measure
    warn_at: float
    breach_at: float

    def __post_init__(self) -> None:
        if not 0 < self.warn_at <= self.breach_at < np.inf:
            raise ValueError(f"{self.dimension} {self.measure}: 0 < warn_at <= breach_at does not hold")

    def state_of(self, value: float | None) -> LimitState:
        """Judge a measured value; its size counts, so a short of 20 % is as large as a long one. None is UNDEFINED."""
        if value is None:
            return LimitState.UNDEFINED
        if abs(value) >= self.breach_at:
            return LimitState.BREACH
        return LimitState.WARN if abs(value) >= self.warn_at else LimitState.OK


@dataclass(frozen=True, slots=True)
class LimitCheck:
    """One value against its limit; `label` is None for a number of the whole dimension."""

    limit: Limit
    label: str | None
    value: float | None
    state: LimitState


def check_limit(limit: Limit, values: Float64, labels: Sequence[str | None]) -> tuple[LimitCheck, ...]:
    """Every group of the limit's dimension against it, largest gross weight first, or its one number.

    `values` (n,) are market values and `labels` their groups in `limit.dimension`. "Unclassified" is checked as any
    other group. Errors as `groups_of`.
    """
    if limit.measure in (Measure.GROSS_WEIGHT, Measure.NET_WEIGHT):
        is_gross = limit.measure is Measure.GROSS_WEIGHT
        found = [(group.label, group.gross if is_gross else group.net) for group in groups_of(values, labels)]
        return tuple(LimitCheck(limit, label, value, limit.state_of(value)) for label, value in found)
    whole = concentration_by(values, labels)
    value = {Measure.HHI: whole.hhi, Measure.TOP_5: whole.top_5, Measure.TOP_10: whole.top_10}[limit.measure]
    return (LimitCheck(limit, None, value, limit.state_of(value)),)


def _placed(values: Float64, labels: Sequence[str | None]) -> tuple[list[str], list[int]]:
    """The labels that occur, and for each value the place of its own among them."""
    if len(labels) != len(values):
        raise ValueError(f"{len(labels)} labels do not fit {len(values)} values")
    place_of: dict[str, int] = {}
    places = [place_of.setdefault(UNCLASSIFIED if label is None else label, len(place_of)) for label in labels]
    return list(place_of), places


def _summed(each: Float64, places: list[int], groups: int) -> Float64:
    summed = np.zeros(groups)
    np.add.at(summed, places, each)
    return summed
