"""A portfolio's exposure and concentration on a day: what its holdings are grouped by, and which of them a limit binds.

One place for a request and for a mart. The formulas are in `risk/concentration.py` and `risk/limits.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.analytics.arrays import Bools
from domain.analytics.review import ReviewInputs, ValuedHolding
from domain.analytics.risk.concentration import Concentration, Exposure, Group, concentration_by, groups_of
from domain.analytics.risk.limits import DEFAULT_LIMITS, Limit, LimitCheck, LimitState, check_limit

DIMENSIONS = ("security", "issuer", "sector", "country", "currency", "asset_class")
_CASH = "Cash"
_ORDER = (LimitState.BREACH, LimitState.WARN, LimitState.UNDEFINED, LimitState.TOO_FEW, LimitState.OK)
_FUNDS = ("ETF", "FUND")
_NO_SECTOR = {
    "SOVEREIGN": "Sovereign bonds",
    "AGENCY": "Agency bonds",
    "MUNICIPAL": "Municipal bonds",
    "CORPORATE": "Corporate bonds",
}


@dataclass(frozen=True, slots=True)
class Dimension:
    """A way to group what is held; `whole` is of the groups' gross weights."""

    dimension: str
    whole: Concentration
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class PortfolioConcentration:
    """`limits` in BREACH first, then in WARN. `left_out` has no weight."""

    exposure: Exposure
    dimensions: tuple[Dimension, ...]
    limits: tuple[LimitCheck, ...]
    left_out: tuple[str, ...]


def concentration_of(of: ReviewInputs, limits: Sequence[Limit] = DEFAULT_LIMITS) -> PortfolioConcentration:
    """By security, issuer, sector, country, currency and asset class. Cash is one of each, but in its own currency, and
    no limit's: it is what the limits would have one hold."""
    weights, n_cash = of.weights, len(of.valued_cash)
    labels: dict[str, list[str | None]] = {
        "security": [holding.ticker for holding in of.valued],
        "issuer": [holding.issuer for holding in of.valued],
        "sector": [_sector(holding) for holding in of.valued],
        "country": [holding.country for holding in of.valued],
        "currency": [holding.currency for holding in of.valued],
        "asset_class": [holding.asset_type for holding in of.valued],
    }
    for dimension, names in labels.items():
        names += [cash.currency if dimension == "currency" else _CASH for cash in of.valued_cash]
    checks: list[LimitCheck] = []
    for limit in limits:
        names = labels.get(limit.dimension, labels["security"])
        bound = [_is_bound(holding, limit.dimension) for holding in of.valued]
        is_bound: Bools = np.array([*bound, *[False] * n_cash], dtype=np.bool_)
        checks += check_limit(limit, weights, names, is_bound)
    return PortfolioConcentration(
        exposure=weights.exposure,
        dimensions=tuple(
            Dimension(dimension, concentration_by(weights, names), groups_of(weights, names))
            for dimension, names in labels.items()
        ),
        limits=tuple(sorted(checks, key=lambda check: _ORDER.index(check.state))),
        left_out=of.left_out,
    )


def _sector(holding: ValuedHolding) -> str | None:
    """The sector; of a fund that is looked through as recorded. A bond or another fund is in none, and is named so."""
    if holding.sector is not None:
        return holding.sector
    if holding.asset_type == "BOND":
        return _NO_SECTOR.get(holding.issuer_class or "", "Bonds")
    return "Funds" if holding.asset_type in _FUNDS else None


def _is_bound(holding: ValuedHolding, dimension: str) -> bool:
    """Say whether a limit of the dimension is about the holding.

    A sovereign's debt is what limits on issuers leave out (as CRR article 400 and UCITS article 54 do), and a fund is
    many issuers already. In its sector a fund counts if the registry has one for it, which is its look-through.
    """
    if dimension in ("country", "currency", "asset_class"):
        return True
    if dimension == "sector":
        return holding.sector is not None or holding.asset_type not in (*_FUNDS, "BOND")
    return holding.asset_type not in _FUNDS and holding.issuer_class != "SOVEREIGN"
