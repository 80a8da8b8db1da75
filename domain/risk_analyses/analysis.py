"""The aggregate RiskAnalysis: what a writer said of a portfolio's risks in one release, and how two of them differ.

It is immutable: another release, another writer or another day is another analysis.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.errors import Conflict, NoSuchId, Refusal
from domain.risk_analyses.bounds import BOUNDS, Severity
from domain.risk_analyses.drafts import AnalysisDraft, Risk
from domain.risk_analyses.facts import Fact, FactSheet

_SEVERITIES = tuple(Severity)
_SAME = 0.5
"""Least share of measures that two risks have in common to be one risk."""


class AnalysisStatus(StrEnum):
    """REQUESTED, then DONE; DEGRADED where the chosen writer gave nothing that may be shown and `rules/1` wrote it;
    REFUSED with the reason where there is nothing to write about."""

    REQUESTED = "REQUESTED"
    DONE = "DONE"
    DEGRADED = "DEGRADED"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class RiskAnalysis:
    """`draft` is what was taken of the writer's words, with tokens; `model_used` who wrote it, `reason` why not the one
    that was asked, and `n_voided` how many sentences were left out."""

    analysis_id: UUID
    portfolio_id: UUID
    sheet: FactSheet
    draft: AnalysisDraft
    model_used: str
    prompt_hash: str
    created_at: datetime
    status: AnalysisStatus
    reason: str | None = None
    n_voided: int = 0


class ChangeKind(StrEnum):
    NEW = "NEW"
    GONE = "GONE"
    GROWN = "GROWN"
    SHRUNK = "SHRUNK"
    SAME = "SAME"


@dataclass(frozen=True, slots=True)
class RiskChange:
    """A risk beside what it was in an earlier analysis; `before` is None of a NEW one, `after` of one that is GONE."""

    change: ChangeKind
    before: Risk | None
    after: Risk | None


class AnalysisNotFound(NoSuchId):
    code = "risk_analysis_not_found"
    thing = "risk analysis"


class TooManyAnalyses(Refusal):
    """An owner's limit of risk analyses that wait to be written."""

    code = "too_many_waiting"
    status = 429

    def __init__(self, waiting: int, limit: int) -> None:
        super().__init__(
            f"{waiting} of your risk analyses wait to be written, and at most {limit} may; ask again when some are",
            waiting=waiting,
            limit=limit,
        )


class AnalysisNotDone(Conflict):
    code = "risk_analysis_not_done"

    def __init__(self, analysis_id: UUID, status: str) -> None:
        super().__init__(
            f"risk analysis {analysis_id} is {status}, so there is nothing of it yet; ask again when it is DONE",
            analysis_id=str(analysis_id),
            analysis_status=status,
        )


def changes(before: tuple[FactSheet, AnalysisDraft], after: tuple[FactSheet, AnalysisDraft]) -> Sequence[RiskChange]:
    """The risks of `after` beside those of `before` that are about the same measures; those that are gone come last."""
    (old_sheet, old), (new_sheet, new) = before, after
    left = list(old.risks)
    found = []
    for risk in new.risks:
        measured = measures(risk, new_sheet)
        likest = max(left, key=lambda one: _alike(measured, measures(one, old_sheet)), default=None)
        if likest is None or _alike(measured, measures(likest, old_sheet)) < _SAME:
            found.append(RiskChange(ChangeKind.NEW, None, risk))
            continue
        left.remove(likest)
        found.append(RiskChange(_grown(likest, old_sheet, risk, new_sheet), likest, risk))
    return [*found, *(RiskChange(ChangeKind.GONE, risk, None) for risk in left)]


def measures(risk: Risk, sheet: FactSheet) -> frozenset[str]:
    """The measures that the risk is about."""
    facts = sheet.by_id()
    return frozenset(facts[one].measure for one in risk.fact_ids)


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one | other else 0.0


def _grown(before: Risk, old_sheet: FactSheet, after: Risk, new_sheet: FactSheet) -> ChangeKind:
    """By severity; where that is the same, by the measures that have a bound."""
    step = _SEVERITIES.index(after.severity) - _SEVERITIES.index(before.severity)
    if not step:
        step = sum(
            BOUNDS[fact.measure].worsened(earlier.value, fact.value)
            - BOUNDS[fact.measure].worsened(fact.value, earlier.value)
            for fact in _bounded(after, new_sheet)
            if (earlier := old_sheet.of(fact.measure))
        )
    if not step:
        return ChangeKind.SAME
    return ChangeKind.GROWN if step > 0 else ChangeKind.SHRUNK


def _bounded(risk: Risk, sheet: FactSheet) -> list[Fact]:
    facts = sheet.by_id()
    return [facts[one] for one in risk.fact_ids if facts[one].measure in BOUNDS]
