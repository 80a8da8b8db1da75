"""A writer's answer: risks and a summary of the climate with tokens for numbers, as they may be taken."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

from domain.risk_analyses.bounds import Severity
from domain.risk_analyses.facts import FactSheet
from domain.risk_analyses.fence import TOKEN, Objection, objections, sentences

E = TypeVar("E", bound=StrEnum)
MOST_RISKS = 12
_LONGEST = {"title": 160, "text": 1500, "what_would_change_it": 600, "macro_climate_summary": 2500}


class Likelihood(StrEnum):
    UNLIKELY = "UNLIKELY"
    POSSIBLE = "POSSIBLE"
    LIKELY = "LIKELY"


@dataclass(frozen=True, slots=True)
class Risk:
    """A risk in words; `{{F3}}` in them is a fact of the sheet, `{{N1}}` a name."""

    title: str
    severity: Severity
    likelihood: Likelihood
    text: str
    fact_ids: tuple[str, ...]
    what_would_change_it: str


@dataclass(frozen=True, slots=True)
class AnalysisDraft:
    """A writer's whole answer."""

    risks: tuple[Risk, ...]
    macro_climate_summary: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """A draft without its void sentences, and why they are."""

    draft: AnalysisDraft
    voided: tuple[Objection, ...]


class VoidAnswer(Exception):
    """An answer that cannot be taken; `reasons` are for whoever writes it again."""

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = tuple(dict.fromkeys(reasons))
        super().__init__("; ".join(self.reasons))


def read(text: str) -> AnalysisDraft:
    """A draft from a writer's JSON; VoidAnswer says what is wrong with its form."""
    try:
        told = json.loads(_without_fences(text))
    except (ValueError, RecursionError) as error:
        raise VoidAnswer(["it is no JSON document"]) from error
    if not isinstance(told, Mapping):
        raise VoidAnswer(["it is no JSON object"])
    reasons: list[str] = []
    listed = told.get("risks")
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST_RISKS:
        raise VoidAnswer([f"`risks` must be a list of one to {MOST_RISKS}"])
    risks = [_risk(one, reasons) for one in listed]
    summary = _text(told, "macro_climate_summary", reasons)
    if reasons:
        raise VoidAnswer(reasons)
    return AnalysisDraft(tuple(one for one in risks if one), summary)


def accepted(draft: AnalysisDraft, sheet: FactSheet) -> Accepted:
    """The draft as far as it is true; VoidAnswer where no part of it may be taken, or no risk of it is left.

    A void sentence is left out, and a risk without its title or its text with it.
    """
    known = {fact.fact_id for fact in sheet.facts}
    unknown = sorted({one for risk in draft.risks for one in risk.fact_ids if one not in known})
    reasons = [f"{one!r} is not the id of a fact that was given" for one in unknown]
    voided: list[Objection] = []
    for text in _texts(draft):
        for one in objections(text, sheet):
            if one.sentence is None:
                reasons.append(one.reason)
            else:
                voided.append(one)
    if reasons:
        raise VoidAnswer(reasons)
    void = {one.sentence for one in voided}
    risks = tuple(kept for risk in draft.risks if (kept := _without(risk, void)))
    if not risks:
        raise VoidAnswer([one.reason for one in voided] or ["no risk is told"])
    summary = _kept(draft.macro_climate_summary, void)
    return Accepted(AnalysisDraft(risks, summary), tuple(dict.fromkeys(voided)))


def used_in(draft: AnalysisDraft) -> set[str]:
    """The ids of facts and names that the draft's words hold."""
    return {found for text in _texts(draft) for found in TOKEN.findall(text)}


def draft_json(draft: AnalysisDraft) -> dict[str, Any]:
    """The draft as it is stored."""
    return {
        "risks": [
            {name: list(value) if isinstance(value, tuple) else value for name, value in _fields(risk).items()}
            for risk in draft.risks
        ],
        "macro_climate_summary": draft.macro_climate_summary,
    }


def _fields(risk: Risk) -> dict[str, Any]:
    return {name: getattr(risk, name) for name in risk.__slots__}


def _texts(draft: AnalysisDraft) -> list[str]:
    told = [text for risk in draft.risks for text in (risk.title, risk.text, risk.what_would_change_it)]
    return [*told, draft.macro_climate_summary]


def _without(risk: Risk, void: set[str | None]) -> Risk | None:
    title, text = _kept(risk.title, void), _kept(risk.text, void)
    if not title or not text:
        return None
    what_would = _kept(risk.what_would_change_it, void)
    used = [found for told in (title, text, what_would) for found in TOKEN.findall(told) if found[0] == "F"]
    ids = tuple(dict.fromkeys([*risk.fact_ids, *used]))
    return replace(risk, title=title, text=text, what_would_change_it=what_would, fact_ids=ids)


def _kept(text: str, void: set[str | None]) -> str:
    told = sentences(text)
    return text if not void.intersection(told) else " ".join(one for one in told if one not in void)


def _risk(told: Any, reasons: list[str]) -> Risk | None:
    if not isinstance(told, Mapping):
        reasons.append("a risk is an object")
        return None
    words = {name: _text(told, name, reasons) for name in ("title", "text", "what_would_change_it")}
    ids = told.get("fact_ids")
    if not isinstance(ids, list) or not ids or not all(isinstance(one, str) for one in ids):
        reasons.append("`fact_ids` must be a list of ids, as F1")
        return None
    severity = _one_of(Severity, told.get("severity"), "severity", reasons)
    likelihood = _one_of(Likelihood, told.get("likelihood"), "likelihood", reasons)
    if severity is None or likelihood is None:
        return None
    return Risk(severity=severity, likelihood=likelihood, fact_ids=tuple(dict.fromkeys(ids)), **words)


def _text(told: Mapping[str, Any], name: str, reasons: list[str]) -> str:
    text = told.get(name)
    if not isinstance(text, str) or (name in ("title", "text") and not text.strip()):
        reasons.append(f"`{name}` must be a text")
        return ""
    if len(text) > _LONGEST[name]:
        reasons.append(f"`{name}` is longer than {_LONGEST[name]} characters")
    return text.strip()


def _one_of(of: type[E], value: Any, name: str, reasons: list[str]) -> E | None:
    try:
        return of(value)
    except ValueError:
        reasons.append(f"`{name}` must be one of {', '.join(of)}")
        return None


def _without_fences(text: str) -> str:
    """The JSON that some models put between fences of Markdown."""
    stripped = text.strip()
    if stripped.startswith("```") and stripped.endswith("```"):
        return stripped.strip("`").removeprefix("json")
    return stripped
