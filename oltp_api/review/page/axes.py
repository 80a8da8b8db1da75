"""Where the round numbers and the round days are, between a lowest and a highest."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import takewhile
from math import ceil, floor, log10

from oltp_api.review.page import wording

_NEARLY = 1e-9


@dataclass(frozen=True, slots=True)
class Ticks:
    """Numbers `step` apart, the first at or under all that is drawn, the last at or over it."""

    values: tuple[float, ...]
    step: float

    @property
    def digits(self) -> int:
        """Decimals that tell neighbours apart."""
        return max(0, -floor(log10(self.step) + _NEARLY))

    def height_of(self, value: float) -> float:
        """0 at the lowest tick, 1 at the highest."""
        low, high = self.values[0], self.values[-1]
        return (value - low) / (high - low)


@dataclass(frozen=True, slots=True)
class Mark:
    """A place between 0, the left end, and 1, with what stands there."""

    place: float
    text: str


def ticks(low: float, high: float, most: int = 6) -> Ticks:
    """At most `most` + 2 round numbers, 1, 2 or 5 times a power of ten apart. One value alone gets room around it."""
    if high - low <= _NEARLY * max(abs(low), abs(high)):
        room = abs(low) * 0.05 or 0.5
        low, high = low - room, high + room
    exponent = floor(log10((high - low) / most))
    step, factor = next((s, f) for f in (1, 2, 5, 10) if (s := _scaled(f, exponent)) * most >= (high - low) * 0.999)
    first, last = floor(low / step + _NEARLY), ceil(high / step - _NEARLY)
    return Ticks(tuple(_scaled(i * factor, exponent) for i in range(first, last + 1)), step)


def powers(low: float, high: float, most: int = 7) -> Ticks:
    """Logarithms (base 10) of round numbers, each 2, 2.5, 10 or a power of 10 times the one before, from at or under
    `low` to at or over `high`, both above 0."""
    first, last = floor(log10(low) + _NEARLY), ceil(log10(high) - _NEARLY)
    steps = [(1, 2, 5), (1, 5), (1,)]
    for factors in steps:
        found = [log10(factor) + k for k in range(first, last + 1) for factor in factors]
        start = max(i for i, value in enumerate(found) if value <= log10(low) + _NEARLY)
        end = next(i for i, value in enumerate(found) if value >= log10(high) - _NEARLY)
        if end - start <= most:
            return Ticks(tuple(found[start : end + 1]), 1.0)
    every = -(-(last - first) // most)
    return Ticks(tuple(float(k) for k in range(first, last + every, every)), 1.0)


def place_of(day: date, first: date, last: date) -> float:
    """Between 0 and 1; a single day is in the middle."""
    return (day - first).days / (last - first).days if last > first else 0.5


def day_marks(first: date, last: date, most: int) -> list[Mark]:
    """The finest of days, weeks, months, quarters, half years and years that gives at most `most` marks."""
    if first == last:
        return [Mark(0.5, wording.day(first))]
    for found, said in _calendars(first, last, most):
        if len(found) <= most:
            return [Mark(place_of(day, first, last), said(day)) for day in found]
    return []


def year_marks(years: float, most: int) -> list[Mark]:
    """Mark a horizon at round numbers of years, at fractions of a year where it is short."""
    if years <= 0:
        return [Mark(0.5, "now")]
    found = ticks(0, years, most)
    within = takewhile(lambda value: value <= years * 1.0001, found.values)
    return [Mark(value / years, "now" if value == 0 else wording.number(value, found.digits)) for value in within]


def _scaled(value: int, exponent: int) -> float:
    return float(value * 10**exponent) if exponent >= 0 else value / 10**-exponent


def _calendars(first: date, last: date, most: int) -> Sequence[tuple[list[date], Callable[[date], str]]]:
    n_days = (last - first).days + 1
    found: list[tuple[list[date], Callable[[date], str]]] = [
        ([first + timedelta(i) for i in range(0, n_days, every)], wording.day_of_month)
        for every in (1, 2, 7, 14)
        if n_days <= every * most
    ]
    months = [
        date(year, month, 1)
        for year in range(first.year, last.year + 1)
        for month in range(1, 13)
        if first <= date(year, month, 1) <= last
    ]
    found += [([day for day in months if (day.month - 1) % every == 0], wording.month) for every in (1, 3, 6)]
    januaries = [day for day in months if day.month == 1]
    steps = (1, 2, 5, 10, 20, 50, 100, 200, 500)
    found += [([day for day in januaries if day.year % every == 0], lambda day: str(day.year)) for every in steps]
    return found
