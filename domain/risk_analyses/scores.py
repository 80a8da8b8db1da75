"""How an analysis came out: whether the measures of the risks that it named worsened, or breached, in what followed.

A named measure is judged at the ends of the quarters up to three and up to twelve months later, on the facts of those
days. It came true if it had WORSENED at the end, or was at its high bound or in breach of its limit at any of them.
Beside the share that came true stands that of all measures that were not named: a writer who names everything, or
whatever usually happens, is no better than that.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from domain.risk_analyses.analysis import measures
from domain.risk_analyses.bounds import BOUNDS, LIMIT, Severity
from domain.risk_analyses.drafts import AnalysisDraft
from domain.risk_analyses.facts import Fact, FactSheet

HORIZONS = (3, 12)
"""Months."""
_STEP = 0.05
"""By so much of its own the measure of a limit has worsened."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The way that one measure went within a horizon; `after` is None where the day does not tell it any more."""

    measure: str
    is_named: bool
    before: float
    after: float | None
    has_worsened: bool
    has_breached: bool

    @property
    def came_true(self) -> bool:
        return self.has_worsened or self.has_breached


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of measures, and the shares of them that came true; None where there was none."""

    horizon_months: int
    n_named: int
    n_worsened: int
    n_breached: int
    n_true: int
    n_others: int
    n_others_true: int

    @property
    def hit_rate(self) -> float | None:
        return self.n_true / self.n_named if self.n_named else None

    @property
    def base_rate(self) -> float | None:
        return self.n_others_true / self.n_others if self.n_others else None


def outcomes(draft: AnalysisDraft, sheet: FactSheet, later: Sequence[FactSheet]) -> list[Outcome]:
    """The way that every judged measure of a sheet went, by the sheets that follow it, the last at the horizon."""
    named = {measure for risk in draft.risks for measure in measures(risk, sheet)}
    return [_outcome(fact, fact.measure in named, later) for fact in sheet.facts if is_judged(fact)]


def is_judged(fact: Fact) -> bool:
    """True if something says which side of the measure is the worse."""
    return fact.measure in BOUNDS or fact.measure.startswith(LIMIT)


def score(horizon_months: int, found: Iterable[Outcome]) -> Score:
    """The counts over outcomes of one horizon; a measure that is told no more is left out."""
    told = [one for one in found if one.after is not None]
    named, others = [one for one in told if one.is_named], [one for one in told if not one.is_named]
    return Score(
        horizon_months,
        len(named),
        sum(one.has_worsened for one in named),
        sum(one.has_breached for one in named),
        sum(one.came_true for one in named),
        len(others),
        sum(one.came_true for one in others),
    )


def sheets_within(sheets: Mapping[date, FactSheet], start: date, months: int) -> list[FactSheet] | None:
    """The sheets of the quarters' ends after `start` up to `months` later; None if those are not all there yet."""
    ends = [quarter_end_after(start, count) for count in range(1, months // 3 + 1)]
    return [sheets[end] for end in ends] if all(end in sheets for end in ends) else None


def quarter_end_after(day: date, count: int) -> date:
    """The last day of the `count`-th quarter after the one that ends on `day` or in which it is."""
    index = day.year * 4 + (day.month - 1) // 3 + count
    year, quarter = divmod(index, 4)
    month = 3 * quarter + 3
    return date(year, month, 31 if month in (3, 12) else 30)


def quarter_ends(first: date, last: date) -> list[date]:
    """The ends of quarters from one day to another, both included."""
    end = quarter_end_after(first, 0)
    found = []
    while end <= last:
        found.append(end)
        end = quarter_end_after(end, 1)
    return found


def _outcome(fact: Fact, is_named: bool, later: Sequence[FactSheet]) -> Outcome:
    told = [found for sheet in later if (found := sheet.of(fact.measure))]
    last = later[-1].of(fact.measure) if later else None
    return Outcome(
        fact.measure,
        is_named,
        fact.value,
        last.value if last else None,
        last is not None and _worsened(fact, last),
        any(_breached(one) for one in told),
    )


def _worsened(before: Fact, after: Fact) -> bool:
    if bound := BOUNDS.get(before.measure):
        return bound.worsened(before.value, after.value)
    return abs(after.value) >= abs(before.value) * (1 + _STEP)


def _breached(fact: Fact) -> bool:
    bound = BOUNDS.get(fact.measure)
    return bound.severity(fact.value) is Severity.HIGH if bound else fact.state == "BREACH"
