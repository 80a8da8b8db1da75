"""Scenarios: what is assumed to go otherwise, as a change of a simulation's inputs; the random numbers stay the same.

A scenario is made of parts, so that an owner's own are of the same kind as those built in. It changes what is assumed
of shares (every security that moves is one here); of cash only what is asked of the model stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from domain.analytics.arrays import Float64


class ShockOf(StrEnum):
    ALL = "ALL"
    ASSET_TYPE = "ASSET_TYPE"
    SECTOR = "SECTOR"
    TICKER = "TICKER"


@dataclass(frozen=True, slots=True)
class Shock:
    """A simple return at the very start, -0.3 a fall of 30 %, of the securities that `of` and `name` mean."""

    simple_return: float
    of: ShockOf = ShockOf.ALL
    name: str = ""

    def __post_init__(self) -> None:
        if not -1 <= self.simple_return <= 10:
            raise ValueError(f"a shock must be from -1 to 10, not {self.simple_return}")
        if (self.of is ShockOf.ALL) != (not self.name):
            raise ValueError(f"a shock of {self.of} must {'not ' * (self.of is ShockOf.ALL)}say whose")


class Stretch(NamedTuple):
    """Months of history, from the first to the last, both included; each its first day."""

    first: date
    last: date


class Held(NamedTuple):
    """A security, as a shock can mean it."""

    ticker: str
    asset_type: str
    sector: str | None


@dataclass(frozen=True, slots=True)
class Scenario:
    """Parts, each of which does nothing by default.

    Parameters
    ----------
    drift_scale, drift_points, drift_floor : a drift m becomes m x scale + points, at least the floor.
    volatility_scale : deviations are so many times as large.
    correlation_points, correlation_cap : added to every correlation of two securities, up to the cap.
    shocks : at the very start; of several that mean one security the narrowest counts (ticker, sector, type, all).
    replay : what the first steps repeat, as it was, before the model goes on.
    """

    name: str
    description: str
    drift_scale: float = 1.0
    drift_points: float = 0.0
    drift_floor: float | None = None
    volatility_scale: float = 1.0
    correlation_points: float = 0.0
    correlation_cap: float = 1.0
    shocks: tuple[Shock, ...] = ()
    replay: Stretch | None = None

    def __post_init__(self) -> None:
        for name, low, high in (
            ("drift_scale", -5, 5),
            ("drift_points", -1, 1),
            ("volatility_scale", 0, 5),
            ("correlation_points", -1, 1),
            ("correlation_cap", -1, 1),
        ):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must be from {low} to {high}, not {getattr(self, name)}")
        if self.replay and self.replay.first > self.replay.last:
            raise ValueError(f"replay begins at {self.replay.first:%Y-%m}, after it ends at {self.replay.last:%Y-%m}")

    def drift(self, mu: Float64) -> Float64:
        """The drifts (n,) `mu` under the scenario."""
        changed = mu * self.drift_scale + self.drift_points
        if self.drift_floor is not None:
            changed = np.maximum(changed, self.drift_floor)
        return np.asarray(changed)

    def correlation(self, correlation: Float64) -> Float64:
        """The matrix (n, n) under the scenario; not yet repaired to positive semi-definite."""
        if not self.correlation_points:
            return correlation
        changed = correlation + self.correlation_points
        changed = np.minimum(changed, np.maximum(correlation, self.correlation_cap))
        changed = np.maximum(changed, -1.0)
        np.fill_diagonal(changed, np.diagonal(correlation))
        return np.asarray(changed)

    def shock(self, held: Sequence[Held]) -> Float64:
        """Simple returns (n,) of `held` at the start. ValueError: shocks mean nothing that is held."""
        shock = np.zeros(len(held))
        hits = np.zeros(len(held), bool)
        for of in ShockOf:  # from the widest to the narrowest
            for one in self.shocks:
                meant = np.array([one.of is of and _meant(of, security) == one.name for security in held], bool)
                shock[meant] = one.simple_return
                hits |= meant
        if not hits.any():
            named = ", ".join(f"{one.of.lower().replace('_', ' ')} {one.name}".strip() for one in self.shocks)
            raise ValueError(f"nothing that is held is shocked: the scenario's shocks are of {named}")
        return shock


def _meant(of: ShockOf, security: Held) -> str | None:
    """The name under which a shock of this kind means the security."""
    return {
        ShockOf.ALL: "",
        ShockOf.ASSET_TYPE: security.asset_type,
        ShockOf.SECTOR: security.sector,
        ShockOf.TICKER: security.ticker,
    }[of]


BUILT_IN: Mapping[str, Scenario] = {
    one.name: one
    for one in (
        Scenario(
            "japan-lost-decade",
            "Shares as in Japan from 1990 on: drift falls to a fifth less 3 points a year, at least -10 %.",
            drift_scale=0.2,
            drift_points=-0.03,
            drift_floor=-0.10,
        ),
        Scenario(
            "stagflation",
            "Volatility half as high again, half the drift, correlations 0.2 higher up to 0.95.",
            drift_scale=0.5,
            volatility_scale=1.5,
            correlation_points=0.2,
            correlation_cap=0.95,
        ),
        Scenario("shares-fall-30", "Every security falls by 30 % at once.", shocks=(Shock(-0.3),)),
        Scenario(
            "dot-com-2000",
            "First what was from March 2000 to October 2002, month by month.",
            replay=Stretch(date(2000, 3, 1), date(2002, 10, 1)),
        ),
        Scenario(
            "credit-crisis-2008",
            "First what was from September 2008 to March 2009, month by month.",
            replay=Stretch(date(2008, 9, 1), date(2009, 3, 1)),
        ),
    )
}
