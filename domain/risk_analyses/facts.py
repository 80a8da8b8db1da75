"""Facts that a text about risk may tell: numbers of one portfolio in one release, each with where it is from.

A writer sees what a fact is called and what its sign means, and puts `{{F12}}` where the number belongs; names (of
securities, sectors, tenors, confidences) are `{{N3}}` likewise, so that no text of a writer holds a digit.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any


class Unit(StrEnum):
    """How a value is shown. FRACTION is shown per cent, POINTS, a difference of two of them, in percentage points."""

    MONEY = "MONEY"
    FRACTION = "FRACTION"
    POINTS = "POINTS"
    PERCENT = "PERCENT"
    RATIO = "RATIO"
    RATE = "RATE"
    YEARS = "YEARS"
    DAYS = "DAYS"
    COUNT = "COUNT"
    BASIS_POINTS = "BASIS_POINTS"


class Sense(StrEnum):
    """The direction that a fact's sign gives to words about it; of a LEVEL no movement is known. COST_OF_YIELDS is lost
    when yields rise, and won when they fall."""

    LEVEL = "LEVEL"
    ROSE = "ROSE"
    FELL = "FELL"
    LOSS = "LOSS"
    COST_OF_YIELDS = "COST_OF_YIELDS"
    AHEAD = "AHEAD"
    BEHIND = "BEHIND"
    OVER = "OVER"
    WITHIN = "WITHIN"
    UPWARD = "UPWARD"
    INVERTED = "INVERTED"
    TOGETHER = "TOGETHER"
    OPPOSITE = "OPPOSITE"


@dataclass(frozen=True, slots=True)
class Fact:
    """One number. `measure` is what it is called in every analysis, `label` in words with names as tokens.

    `table` and `key` say where it stands in the release, `place` where in its review, if it does. A limit's fact has
    its `state`.
    """

    fact_id: str
    measure: str
    label: str
    value: float
    unit: Unit
    sense: Sense
    as_of: date
    table: str
    key: Mapping[str, str]
    currency: str | None = None
    place: str | None = None
    state: str | None = None

    @property
    def shown(self) -> str:
        """The number as people read it, with its unit and sign."""
        return _shown(self.value, self.unit, self.currency)

    @property
    def shown_size(self) -> str:
        """The same without its sign, for a verb that has it."""
        return _shown(abs(self.value), self.unit, self.currency)


@dataclass(frozen=True, slots=True)
class Name:
    """A name that a text may use: of a SECURITY, SECTOR, COUNTRY, CURRENCY, INDEX, TENOR ..., as it is shown."""

    name_id: str
    kind: str
    shown: str
    told: str | None
    """The name as a writer outside is told it; None where the name is a person's own word."""


@dataclass(frozen=True, slots=True)
class FactSheet:
    """All facts and names of one portfolio in one release, and what cannot be told, with the reason."""

    release_id: int
    as_of: date
    currency: str
    facts: Sequence[Fact]
    names: Sequence[Name]
    gaps: Sequence[str] = ()

    @property
    def facts_hash(self) -> str:
        """SHA-256 of facts and names, in their order."""
        told = {"facts": [asdict(one) for one in self.facts], "names": [asdict(one) for one in self.names]}
        return hashlib.sha256(json.dumps(told, default=str, sort_keys=True).encode()).hexdigest()

    def by_id(self) -> dict[str, Fact]:
        return {fact.fact_id: fact for fact in self.facts}

    def of(self, measure: str) -> Fact | None:
        """The fact of a measure, None where there is none."""
        return next((fact for fact in self.facts if fact.measure == measure), None)

    def under(self, measure: str) -> list[Fact]:
        """The facts of all measures that begin so."""
        return [fact for fact in self.facts if fact.measure.startswith(measure)]

    def name(self, name_id: str) -> Name:
        return next(one for one in self.names if one.name_id == name_id)


class SheetMaker:
    """Numbers facts and names as they are told; a value that is None or not finite is no fact."""

    def __init__(self, release_id: int, as_of: date, currency: str) -> None:
        self._release_id, self._as_of, self._currency = release_id, as_of, currency
        self._facts: list[Fact] = []
        self._names: dict[tuple[str, str], Name] = {}
        self._gaps: list[str] = []

    def name(self, kind: str, shown: str, told: str | None = None) -> str:
        """The token of a name; `told` is what a writer outside may know of it."""
        found = self._names.get((kind, shown))
        if found is None:
            found = Name(f"N{len(self._names) + 1}", kind, shown, told)
            self._names[kind, shown] = found
        return f"{{{{{found.name_id}}}}}"

    def plain(self, kind: str, shown: str) -> str:
        """The token of a name that everybody may know."""
        return self.name(kind, shown, shown)

    def add(self, measure: str, label: str, value: Decimal | float | None, unit: Unit, **told: Any) -> Fact | None:
        """Tell a fact; `table`, `key` and what else differs from the usual are in `told`."""
        number = None if value is None else float(value)
        if number is None or number != number or number in (float("inf"), float("-inf")):
            return None
        told.setdefault("sense", Sense.LEVEL)
        told.setdefault("as_of", self._as_of)
        if unit is Unit.MONEY:
            told.setdefault("currency", self._currency)
        fact = Fact(f"F{len(self._facts) + 1}", measure, label, number, unit, **told)
        self._facts.append(fact)
        return fact

    def gap(self, reason: str) -> None:
        self._gaps.append(reason)

    def sheet(self) -> FactSheet:
        return FactSheet(
            self._release_id,
            self._as_of,
            self._currency,
            tuple(self._facts),
            tuple(self._names.values()),
            tuple(self._gaps),
        )


def signed(value: float | Decimal | None, positive: Sense, negative: Sense) -> Sense:
    """The sense of a number by its sign; of zero a LEVEL."""
    if value is None or value == 0:
        return Sense.LEVEL
    return positive if value > 0 else negative


def _shown(value: float, unit: Unit, currency: str | None) -> str:
    match unit:
        case Unit.MONEY:
            digits = 0 if abs(value) >= 10_000 else 2
            return f"{value:z,.{digits}f} {currency}"
        case Unit.FRACTION:
            return f"{100 * value:z,.1f} %" if abs(value) >= 0.1 else f"{100 * value:z,.2f} %"
        case Unit.POINTS:
            return f"{value:z,.2f} percentage points"
        case Unit.PERCENT:
            return f"{value:z,.2f} %"
        case Unit.RATE:
            return f"{value:z,.4f} {currency}"
        case Unit.YEARS:
            return f"{value:z,.1f} years"
        case Unit.DAYS:
            return f"{value:z,.0f} days"
        case Unit.COUNT:
            return f"{value:z,.0f}"
        case Unit.BASIS_POINTS:
            return f"{value:z,.0f} basis points"
        case Unit.RATIO:
            return f"{value:z,.2f}"


def sheet_json(sheet: FactSheet) -> dict[str, Any]:
    """The sheet as it is stored."""
    return {
        "release_id": sheet.release_id,
        "as_of": sheet.as_of.isoformat(),
        "currency": sheet.currency,
        "facts": [{**asdict(fact), "as_of": fact.as_of.isoformat()} for fact in sheet.facts],
        "names": [asdict(name) for name in sheet.names],
        "gaps": list(sheet.gaps),
    }


def sheet_of(stored: Mapping[str, Any]) -> FactSheet:
    """A stored sheet."""
    return FactSheet(
        stored["release_id"],
        date.fromisoformat(stored["as_of"]),
        stored["currency"],
        tuple(_fact_of(one) for one in stored["facts"]),
        tuple(Name(**one) for one in stored["names"]),
        tuple(stored["gaps"]),
    )


def _fact_of(stored: Mapping[str, Any]) -> Fact:
    read: Mapping[str, Any] = {"unit": Unit, "sense": Sense, "as_of": date.fromisoformat}
    told: dict[str, Any] = {name: read[name](value) if name in read else value for name, value in stored.items()}
    return Fact(**told)
