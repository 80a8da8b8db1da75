"""Kinds of figures: by the pattern of a place what stands there, its rules, what computes it, and from what.

The tables are beside this: `value_kinds`, `review_kinds`, `gain_kinds`, `simulation_kinds` and `change_kinds`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from re import Pattern

from application.explanations.asked import Source


@dataclass(frozen=True, slots=True)
class FigureKind:
    """`label` and `how` are filled with what the place names and with the fields beside the figure. `rulebook` is a
    section of docs/rulebook.md, `made_by` a `module:function` or a model of dbt."""

    place: Pattern[str]
    label: str
    rulebook: str
    made_by: str
    how: str
    sources: Sequence[Source]


def kind(place: str, label: str, rulebook: str, made_by: str, how: str, *sources: Source) -> FigureKind:
    return FigureKind(re.compile(place), label, rulebook, made_by, how, sources)


def mart(name: str) -> str:
    return f"dbt_project/models/marts/{name}.sql"
