"""Formats of files of prices and rates, from `profiles.toml`: which one a header has, and which security a name means.

What belongs here: what a format is. How its cells are read is `cells`, what is made of them `lines`.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from domain.currencies import CURRENCIES, MINOR_UNITS

STATED_DATES = frozenset({"mdy", "dmy"})
_COPY = re.compile(r"( ?\(\d+\)| - Copy| - Kopie| copy)+$")
_SUFFIX = re.compile(r"\.[A-Z]{1,3}$")


@dataclass(frozen=True, slots=True)
class PriceProfile:
    """One format. `columns` has the words of each column that must be there, in all its languages."""

    name: str
    says: str
    separators: Sequence[str]
    dates: Sequence[str]
    decimal: str | Mapping[str, str]
    columns: Mapping[str, Sequence[str]]
    thousands: bool = False
    prefix: str = ""
    missing: Sequence[str] = ()
    optional: Sequence[str] = ()
    requires: Sequence[str] = ()
    other_columns: bool = False
    case_sensitive: bool = False
    in_order: bool = True
    adjusted: str = ""
    names: Sequence[str] = ()
    nameless: str = ""
    suffixes: Mapping[str, str] = field(default_factory=dict)
    underscore_is_dot: bool = False
    class_mark: str = ""
    periods_begin: bool = False
    short: bool = False
    events: str = ""
    skipped_first_cells: Sequence[str] = ()
    layout: Literal["long", "wide"] = "long"
    series: str = ""
    among: str = ""
    gives: Literal["prices", "fx", "series"] = "prices"

    def decimal_after(self, separator: str) -> str:
        return self.decimal if isinstance(self.decimal, str) else self.decimal[separator]

    def fitted(self, header: Sequence[str]) -> "Fitted | None":
        """The columns of `header`; None if it is another format's."""
        words = header if self.case_sensitive else [word.lower() for word in header]
        found: dict[str, int] = {}
        for role, names in self.columns.items():
            places = [n for n, word in enumerate(words) if word in names]
            if len(places) != 1:
                return None
            found[role] = places[0]
        others = [n for n in range(len(header)) if n not in found.values() and words[n] not in self.optional]
        series = {}
        if self.layout == "wide":
            named = {n: re.fullmatch(self.series, header[n]) for n in others}
            series = {n: match["id"] for n, match in named.items() if match}
            if not series or len(set(series.values())) < len(series):
                return None
            if self.among and not any(re.fullmatch(self.among, one) for one in series.values()):
                return None
        is_known = self.other_columns or len(others) == len(series)
        return Fitted(self, found, series) if is_known and set(self.requires) <= set(words) else None


@dataclass(frozen=True, slots=True)
class Fitted:
    """A format with the places of its columns in a header; `series` are those of a wide one, by their names."""

    profile: PriceProfile
    places: Mapping[str, int]
    series: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class FileName:
    """Parts of a file's name: identifiers, of which the first that is registered is meant; a unit; a form of days."""

    identifiers: Sequence[str] = ()
    unit: str = ""
    dates: str = ""


@cache
def profiles() -> tuple[PriceProfile, ...]:
    """All formats, in the order in which they are tried."""
    stated: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("profiles.toml").read_text("utf-8"))["format"]
    return tuple(PriceProfile(**one) for one in stated)


def recognised(header: Sequence[str], separator: str) -> list[Fitted]:
    """The formats that have the words of `header`, in any order."""
    fitting = (profile.fitted(header) for profile in profiles() if separator in profile.separators)
    return [fitted for fitted in fitting if fitted is not None]


def told_by_name(stem: str, profile: PriceProfile) -> FileName:
    """The security in a file's name, and what its owner has added: `VOD.L GBX`, `ACME EUR`, `ACME dmy`."""
    words = _COPY.sub("", stem).strip().split(" ")
    unit = dates = ""
    while len(words) > 1:
        if not unit and (words[-1] in MINOR_UNITS or words[-1] in CURRENCIES):
            unit = words.pop()
        elif not dates and words[-1] in STATED_DATES:
            dates = words.pop()
        else:
            break
    name = _COPY.sub("", " ".join(words)).strip()
    if not name or (profile.nameless and re.fullmatch(profile.nameless, name)):
        return FileName((), unit, dates)
    for pattern in profile.names:
        if match := re.fullmatch(pattern, name):
            name = match["id"].strip()
            break
    if profile.underscore_is_dot:
        name = name.replace("_", ".")
    return FileName(identifiers(name, profile), unit, dates)


def identifiers(name: str, profile: PriceProfile) -> tuple[str, ...]:
    """`name` as it is registered, perhaps: as it stands, then with the exchange as others write it."""
    name = name.upper()
    names, suffix = [name], _SUFFIX.search(name)
    if suffix is not None and suffix[0] in profile.suffixes:
        names.append(name.removesuffix(suffix[0]) + profile.suffixes[suffix[0]])
    if profile.class_mark:
        names += [one.replace(profile.class_mark, ".") for one in names]
    return tuple(dict.fromkeys(names))
