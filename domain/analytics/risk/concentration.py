"""How much of a portfolio is in few hands: exposure, weights, Herfindahl index and largest shares.

Values are market values in one currency. Equity is what the portfolio is worth: positions and cash. A weight is a value
over equity. *Exposure* is what positions stand for: gross is the sum of their sizes, net of their values, and leverage
is gross over equity. Cash is no exposure, least of all what a short was sold for, which is owed. Only what equity has
beyond the longs is *free* cash, and that alone has a gross weight: without shorts and debt all gross weights sum to 1,
with them to more. Net weights are value over equity, cash as it is: they always sum to 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from domain.analytics.arrays import Float64

UNCLASSIFIED = "Unclassified"
_NONE = np.empty(0)


@dataclass(frozen=True)
class Exposure:
    """Exposure of positions beside `equity`, all in one currency. `leverage` = gross / equity, None in NO_EQUITY."""

    status: Literal["OK", "NO_EQUITY"]
    equity: float
    gross: float
    net: float
    leverage: float | None


@dataclass(frozen=True)
class Weights:
    """`gross` and `net` (n + c,) of n positions and then c cash balances, fractions of equity; None in NO_EQUITY."""

    exposure: Exposure
    gross: Float64 | None
    net: Float64 | None


@dataclass(frozen=True, slots=True)
class Concentration:
    """Concentration of shares. All are None when nothing is held.

    `hhi` is from 1 / n to 1; `effective_number` = 1 / hhi, so many equal holdings would have it. `top_5` and `top_10`
    are the sum of the five and ten largest shares.
    """

    hhi: float | None
    effective_number: float | None
    top_5: float | None
    top_10: float | None


@dataclass(frozen=True, slots=True)
class Group:
    """Values that share a label: their gross and net weights; `gross` adds long and short."""

    label: str
    gross: float | None
    net: float | None


def weights_of(values: Float64, cash: Float64 = _NONE) -> Weights:
    """Exposure and weights of the market `values` (n,) of positions and of `cash` balances (c,), in one currency.

    A portfolio that is worth nothing or less has no weights: a fraction of a debt is no size. Free cash is shared among
    the balances above 0 by their size. ValueError for a NaN or an infinity: what has no price has no weight, and
    leaving it out would raise the others'. Source: RULEBOOK 2 and 9.
    """
    together = np.concatenate([values, cash])
    if not np.isfinite(together).all():
        raise ValueError("values must be finite: a position without a price has no weight")
    sizes, equity = np.abs(values), float(together.sum())
    gross, net = float(sizes.sum()), float(values.sum())
    if not equity > 0:
        return Weights(Exposure("NO_EQUITY", equity, gross, net, None), None, None)
    balances = np.maximum(cash, 0)
    free = max(0.0, equity - float(values[values > 0].sum()))
    free_cash = balances * (min(1.0, free / balances.sum()) if balances.any() else 0.0)
    exposure = Exposure("OK", equity, gross, net, gross / equity)
    return Weights(exposure, np.concatenate([sizes, free_cash]) / equity, together / equity)


def concentration(sizes: Float64 | None) -> Concentration:
    """Herfindahl index, effective number and largest shares of `sizes` (n,), values or weights: scale is no matter.

    A negative one counts by its size. With leverage gross weights sum to more than 1; here they are shares of that sum,
    since of weights above 1 the index is above 1 and the effective number below. ValueError for a NaN or an infinity.
    Source: US Department of Justice, Herfindahl-Hirschman Index (its points are hhi x 10,000); RULEBOOK 9.
    """
    if sizes is not None and not np.isfinite(sizes).all():
        raise ValueError("sizes must be finite: a position without a price has no share")
    if sizes is None or not np.abs(sizes).sum() > 0:
        return Concentration(None, None, None, None)
    shares = np.abs(sizes) / np.abs(sizes).sum()
    hhi = float(shares @ shares)
    return Concentration(hhi, 1 / hhi, largest(shares, 5), largest(shares, 10))


def largest(sizes: Float64, count: int) -> float:
    """The sum of the `count` largest of `sizes` (n,)."""
    return float(np.sort(sizes)[::-1][:count].sum())


def groups_of(weights: Weights, labels: Sequence[str | None]) -> tuple[Group, ...]:
    """The weights by label, the largest gross weight first, then by label.

    None is "Unclassified", one group: what is not known may all be one issuer. For issuers the label is the ultimate
    parent. ValueError when there is not one label for each weight.
    """
    names, gross = grouped(weights.gross, labels)
    _, net = grouped(weights.net, labels)
    groups = [
        Group(name, None if gross is None else float(gross[i]), None if net is None else float(net[i]))
        for i, name in enumerate(names)
    ]
    return tuple(sorted(groups, key=lambda group: (-(group.gross or 0.0), group.label)))


def concentration_by(weights: Weights, labels: Sequence[str | None]) -> Concentration:
    """`concentration` of groups instead of holdings; inside one group long and short add up. Errors as `groups_of`."""
    return concentration(grouped(weights.gross, labels)[1])


def grouped(each: Float64 | None, labels: Sequence[str | None]) -> tuple[list[str], Float64 | None]:
    """The labels (g,) in their order, and the sums (g,) of `each` (n,) by label; None of None."""
    if each is not None and len(labels) != len(each):
        raise ValueError(f"{len(labels)} labels do not fit {len(each)} values")
    place_of: dict[str, int] = {}
    places = [place_of.setdefault(UNCLASSIFIED if label is None else label, len(place_of)) for label in labels]
    if each is None:
        return list(place_of), None
    summed = np.zeros(len(place_of))
    np.add.at(summed, places, each)
    return list(place_of), summed
