"""Judging a case: equal, by another convention, out of scope, or unexplained; always by value.

A figure is equal if what our code gives is within the tolerance. It is by another convention if it is not, and our code
gives the expected figure once the named convention is put in the place of ours. It is out of scope if the kind (or
`kind.figure`) is in the one list of reasons. It is not known if nothing here has heard of its kind, an input or the
figure's name. Anything else is unexplained, a refusal of our code too.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tests.yardsticks.cases import Case

Figures = Callable[[Case], Any]
Applies = Callable[[Case], bool]


class Verdict(StrEnum):
    EQUAL = "equal"
    OTHER_CONVENTION = "other convention"
    OUT_OF_SCOPE = "out of scope"
    UNEXPLAINED = "unexplained"
    UNKNOWN = "not known"


@dataclass(frozen=True)
class Near:
    """A figure of random paths: three of its standard errors are allowed beside the case's tolerance."""

    value: float
    standard_error: float


@dataclass(frozen=True)
class Convention:
    """Another convention: why it differs from ours, our code's figures under it, and the cases that it is of."""

    reason: str
    figures: Figures
    applies: Applies = lambda _: True


@dataclass(frozen=True)
class Yardstick:
    """How cases of a kind are computed: our figures, in the shape of the expected ones, and by other conventions."""

    ours: Figures
    others: tuple[Convention, ...] = ()


@dataclass(frozen=True)
class Judgement:
    """The verdict of a case, what explains it, for each unexplained figure what was expected and what came, and why
    figures of a case that is compared are left out."""

    case: Case
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


class Judge:
    """Judges by tables: `yardsticks` by kind, and `out_of_scope` reasons by kind or `kind.figure`."""

    def __init__(self, yardsticks: Mapping[str, Yardstick], out_of_scope: Mapping[str, str]) -> None:
        assert not yardsticks.keys() & out_of_scope.keys(), "a kind is either computed or out of scope"
        self.yardsticks, self.out_of_scope = yardsticks, out_of_scope

    def judge(self, case: Case) -> Judgement:
        kind = self._known(case.kind)
        if kind in self.out_of_scope:
            return Judgement(case, Verdict.OUT_OF_SCOPE, (self.out_of_scope[kind],))
        if kind is None:
            return Judgement(case, Verdict.UNKNOWN, differences=(f"nothing is known of the kind {case.kind!r}",))
        figures = case.expected if isinstance(case.expected, dict) else {"": case.expected}
        left_out = {
            name: self.out_of_scope[f"{kind}.{name}"] for name in figures if f"{kind}.{name}" in self.out_of_scope
        }
        if len(left_out) == len(figures):
            return Judgement(case, Verdict.OUT_OF_SCOPE, tuple(dict.fromkeys(left_out.values())))
        wanted = {name: figure for name, figure in figures.items() if name not in left_out}
        return _compared(case, self.yardsticks[kind], wanted, tuple(left_out.values()))

    def _known(self, kind: str) -> str | None:
        """The kind of the tables that a case's is: it may say more at its end ("VaR 95 (order statistic)")."""
        words = kind.replace(",", "").split()
        for count in range(len(words), 0, -1):
            shorter = " ".join(words[:count])
            if shorter in self.yardsticks or shorter in self.out_of_scope:
                return shorter
        return None


def _compared(case: Case, yardstick: Yardstick, wanted: dict[str, Any], left_out: tuple[str, ...]) -> Judgement:
    ours = _figures(yardstick.ours, case)
    missed = {name: figure for name, figure in wanted.items() if not _is_equal(case, ours, name, figure)}
    reasons = []
    for other in yardstick.others:
        if missed and _figures(other.applies, case) is True:
            theirs = _figures(other.figures, case)
            explained = [name for name, figure in missed.items() if _is_equal(case, theirs, name, figure)]
            reasons += [other.reason] if explained else []
            missed = {name: figure for name, figure in missed.items() if name not in explained}
    is_unknown = bool(missed) and all(isinstance(_one(ours, name), KeyError) for name in missed)
    differences = tuple(
        f"{name or 'the figure'} is {_said(figure)}, ours {_said(_one(ours, name))}" for name, figure in missed.items()
    )
    if missed:
        verdict = Verdict.UNKNOWN if is_unknown else Verdict.UNEXPLAINED
    else:
        verdict = Verdict.OTHER_CONVENTION if reasons else Verdict.EQUAL
    return Judgement(case, verdict, tuple(reasons), differences, left_out)


def _figures(figures: Figures, case: Case) -> Any:
    """The figures that our code gives, or the error with which it refuses."""
    try:
        return figures(case)
    except Exception as error:
        return error


def _one(found: Any, name: str) -> Any:
    return found.get(name, KeyError(name)) if name and isinstance(found, dict) else found


def _is_equal(case: Case, found: Any, name: str, expected: Any) -> bool:
    return matches(_one(found, name), expected, case.tolerance_of(name))


def matches(found: Any, expected: Any, tolerance: float) -> bool:
    """Say whether what came is what was expected, in the same shape; NaN and None are no number."""
    if isinstance(found, Near):
        return matches(found.value, expected, tolerance + 3 * found.standard_error)
    if isinstance(expected, dict):
        if not isinstance(found, dict):
            return False
        return all(name in found and matches(found[name], figure, tolerance) for name, figure in expected.items())
    if isinstance(expected, list):
        if isinstance(found, Exception) or not hasattr(found, "__len__") or len(found) != len(expected):
            return False
        return all(matches(one, other, tolerance) for one, other in zip(found, expected, strict=True))
    if isinstance(found, Exception):
        return expected is None and isinstance(found, ValueError)  # no number where there can be none: refused
    if expected is None or found is None:
        return expected is None and (found is None or _is_nan(found))
    number = _number(expected)
    if number is None or isinstance(expected, bool):
        return found == expected if isinstance(expected, bool) else str(found) == str(expected)
    ours = _number(found)
    return ours is not None and (ours == number or abs(ours - number) <= tolerance)


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _is_nan(value: Any) -> bool:
    number = _number(value)
    return number is not None and math.isnan(number)


def _said(value: Any) -> str:
    if isinstance(value, Near):
        return f"{value.value!r} +- {3 * value.standard_error:.3g}"
    if isinstance(value, Exception):
        return f"none ({type(value).__name__}: {value})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_said(one)}" for name, one in value.items()) + "}"
    return str(value)
