"""From where on a measure is worth a word, and from where on it is high: the thresholds of `rules/1` and of scores.

They are conventions, not estimates: round numbers near what the measure was for a broad index of shares in quiet years
(volatility 15 %) and in the worst ones (30 %), and that a person may hold against us. Limits are the portfolio's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.risk_analyses.facts import Fact


class Severity(StrEnum):
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


@dataclass(frozen=True, slots=True)
class Bound:
    """`medium` and `high` in the measure's unit; above them is worse where high > medium, else below."""

    medium: float
    high: float

    @property
    def is_worse_above(self) -> bool:
        return self.high > self.medium

    def severity(self, value: float) -> Severity:
        sign = 1 if self.is_worse_above else -1
        if sign * value >= sign * self.high:
            return Severity.HIGH
        return Severity.MEDIUM if sign * value >= sign * self.medium else Severity.LOW

    def worsened(self, before: float, after: float) -> bool:
        """True if it moved to the worse side by a tenth of the way from medium to high, or more."""
        step = abs(self.high - self.medium) / 10
        return (after - before if self.is_worse_above else before - after) >= step


BOUNDS: Mapping[str, Bound] = {
    "volatility/CURRENT_WEIGHTS": Bound(0.18, 0.28),
    "volatility/REALISED": Bound(0.18, 0.28),
    "shortfall/day": Bound(0.03, 0.05),
    "value_at_risk/day": Bound(0.02, 0.035),
    "value_at_risk/ten_days": Bound(0.10, 0.18),
    "drawdown/now": Bound(-0.10, -0.20),
    "component/largest_share": Bound(0.40, 0.60),
    "concentration/security/hhi": Bound(0.18, 0.35),
    "currency/foreign": Bound(0.40, 0.70),
    "bonds/loss_per_point": Bound(0.04, 0.08),
    "liquidity/stale": Bound(0.05, 0.20),
    "liquidity/uncovered": Bound(0.02, 0.10),
    "exposure/leverage": Bound(1.2, 2.0),
    "simulation/loss": Bound(0.25, 0.40),
    "inflation/year": Bound(0.04, 0.07),
    "curve/slope": Bound(0.0, -1.0),
    "correlation/highest": Bound(0.80, 0.95),
}
LIMIT = "limit/"
"""Measures that begin so are judged by the portfolio's own limits."""
_OF_STATES = {"BREACH": Severity.HIGH, "WARN": Severity.MEDIUM}


def severity_of(fact: Fact) -> Severity | None:
    """How severe a fact is by itself; None of one that no bound is about."""
    if fact.measure.startswith(LIMIT):
        return _OF_STATES.get(fact.state or "", Severity.LOW)
    bound = BOUNDS.get(fact.measure)
    return bound.severity(fact.value) if bound else None
