"""How an analysis is written: by the writer that was chosen, once more with what was wrong, else by `rules/1`."""

from dataclasses import dataclass
from typing import Protocol

from domain.risk_analyses import rules
from domain.risk_analyses.analysis import AnalysisStatus
from domain.risk_analyses.briefing import Briefing, briefing_of
from domain.risk_analyses.drafts import Accepted, AnalysisDraft, VoidAnswer, accepted, read
from domain.risk_analyses.facts import FactSheet


class WriterAway(Exception):
    """A writer that gave no answer: it could not be reached, was too slow, or refused; the message says which."""


class RiskAnalyst(Protocol):
    """A writer outside, such as a language model. `name` is the provider's and the model's."""

    @property
    def name(self) -> str: ...

    def write(self, briefing: Briefing) -> str:
        """The answer to a briefing as text, or WriterAway."""
        ...


@dataclass(frozen=True, slots=True)
class Written:
    """A draft that may be shown, by whom, and what became of the writer that was chosen."""

    draft: AnalysisDraft
    model_used: str
    prompt_hash: str
    status: AnalysisStatus
    reason: str | None = None
    n_voided: int = 0


def written(sheet: FactSheet, analyst: RiskAnalyst | None) -> Written:
    """The analysis of a sheet. Without an analyst `rules/1` is the writer that was chosen; a bug in its own words is an
    error here, and never shown."""
    briefing = briefing_of(sheet)
    by_rules = Written(_by_rules(sheet), rules.RULES, briefing.prompt_hash, AnalysisStatus.DONE)
    if analyst is None:
        return by_rules
    try:
        taken = _taken(sheet, analyst, briefing)
    except (VoidAnswer, WriterAway) as why:
        reason = f"{analyst.name}: {why}"[:2000]
        return Written(by_rules.draft, by_rules.model_used, by_rules.prompt_hash, AnalysisStatus.DEGRADED, reason)
    voided = len(taken.voided)
    return Written(taken.draft, analyst.name, briefing.prompt_hash, AnalysisStatus.DONE, n_voided=voided)


def _taken(sheet: FactSheet, analyst: RiskAnalyst, briefing: Briefing) -> Accepted:
    """The first answer if all of it may be taken, else the second as far as it may."""
    try:
        first = accepted(read(analyst.write(briefing)), sheet)
        reasons = tuple(one.reason for one in first.voided)
    except VoidAnswer as void:
        reasons = void.reasons
    else:
        if not reasons:
            return first
    return accepted(read(analyst.write(Briefing(briefing.instructions, briefing.facts, reasons))), sheet)


def _by_rules(sheet: FactSheet) -> AnalysisDraft:
    found = accepted(rules.write(sheet), sheet)
    assert not found.voided, f"rules/1 wrote what may not be shown: {found.voided}"
    return found.draft
