"""Profiles: how the files of one broker are recognised and read, as data.

A profile is some words and one SELECT. It stands in `profiles/<name>.sql`: above the SELECT a comment with its words,
in YAML. The SELECT makes the columns of `drafts.COLUMNS` from the table `cells`, whose columns are the header of the
file (and `line`), or from `lines`, every line of the file as a list. An owner may store profiles of the same form.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from domain.errors import InvalidInput
from oltp_api.imports.sheets import Line

_FILE = re.compile(r"\s*/\*(?P<words>.*?)\*/(?P<select>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Profile:
    """How the files of one broker are read.

    `recognised` are cells that one line of the file, its header, has all of, and `unless` some that it has none of, as
    they stand there. `names` are other names of a column, of other languages or years, `optional` columns that a file
    may lack. `records` are those of a file of records that are rows; others are there to be joined to them.
    `dates` are patterns of strptime, or iso, dmy, mdy; `decimal` is `.` or `,`, None for what the file shows.
    `amounts` says whether what leaves is negative, `quantities` whether a sale's units are, `charges` whether fees
    are, `gross` whether a trade's amount before fees has the sign of the cash, of the units, or none; `income` whether
    a dividend's amount is after the tax beside it; `rate` what one unit of is given, in the other, or that the amount
    implies it; `price_unit` what 1 of a price is, `bond_price` whether a bond's is per cent of par or of one unit;
    `fees` whether those of a trade are what is between its amount and quantity x price, in a file without a column of
    them; `cash` whether it may have more decimals than can be paid, which are rounded.
    """

    name: str
    title: str
    select: str
    recognised: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    optional: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    kind: Literal["transactions", "statement"] = "transactions"
    format: Literal["csv", "flex", "json", "ofx"] = "csv"
    encoding: str | None = None
    separator: str | None = None
    dates: str | tuple[str, ...] | None = None
    decimal: Literal[".", ","] | None = None
    amounts: Literal["signed", "unsigned", "shown"] = "signed"
    quantities: Literal["signed", "unsigned"] | None = None
    gross: Literal["cash", "units", "unsigned"] | None = None
    charges: Literal["signed", "unsigned"] | None = None
    income: Literal["net", "gross"] | None = None
    rate: Literal["currency", "base", "implied"] | None = None
    price_unit: Literal["major", "minor"] | None = None
    bond_price: Literal["par", "unit"] = "par"
    cash: Literal["payable", "unrounded"] = "payable"
    fees: Literal["stated", "implied", "implied_in_sales", "implied_small"] = "stated"
    order: Literal["oldest_first", "newest_first", "by_day"] | None = None
    owner: str | None = field(default=None, compare=False)

    @classmethod
    def parse(cls, name: str, text: str) -> "Profile":
        """From a file of the form above."""
        found = _FILE.fullmatch(text)
        if found is None:
            raise InvalidInput("profile", "needs a comment with its words before the SELECT")
        words: Mapping[str, Any] = yaml.safe_load(found["words"])
        given: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in words.items()
        }
        return cls(name=name, select=found["select"].strip(), **given)

    def header_in(self, head: Sequence[Line]) -> int | None:
        """The place of the header among the first lines; None if the file is another's."""
        wanted, unwanted = ({_word(each) for each in words} for words in (self.recognised, self.unless))
        own = self._own_names()
        for place, (_, row) in enumerate(head):
            if len(row) < len(wanted):  # most lines, by most separators: 38 profiles are looked for in each
                continue
            cells = {_word(cell) for cell in _renamed(row, own)}
            if wanted <= cells and not unwanted & {_word(cell) for cell in row}:
                return place
        return None

    def renamed(self, header: Sequence[str]) -> list[str]:
        """The header with the columns that it names otherwise by the names that the SELECT knows them by."""
        return _renamed(header, self._own_names())

    def lacking(self, names: Sequence[str]) -> list[str]:
        """The columns that a header of `names` may lack, and does."""
        known = {name.casefold() for name in names}
        return [each for each in self.optional if each.casefold() not in known]

    def _own_names(self) -> Mapping[str, str]:
        own = {_word(each): name for name, others in self.names.items() for each in others}
        return own | {f"{each}_2": f"{name}_2" for each, name in own.items()}

    def rows_among(self, header: Sequence[str], body: Sequence[Line]) -> Sequence[Line]:
        """The lines of which every one has to be a row."""
        if not self.records:
            return body
        at = list(header).index("record")
        return [each for each in body if each[1][at] in self.records]


def shipped() -> Mapping[str, Profile]:
    """Profiles of files of transactions that come with the product, by name."""
    return {name: each for name, each in _all_shipped().items() if each.kind == "transactions"}


def shipped_statements() -> Mapping[str, Profile]:
    """Profiles of statements of what is held, by name."""
    return {name: each for name, each in _all_shipped().items() if each.kind == "statement"}


@cache
def _all_shipped() -> Mapping[str, Profile]:
    folder = files("oltp_api.imports") / "profiles"
    found = [(each.name.removesuffix(".sql"), each) for each in folder.iterdir() if each.name.endswith(".sql")]
    return {name: Profile.parse(name, each.read_text(encoding="utf-8")) for name, each in sorted(found)}


class ProfileQuestion(InvalidInput):
    """A file that several profiles fit, so that somebody has to say which it is."""

    code = "which_profile"

    def __init__(self, fitting: Sequence[Profile]) -> None:
        names = ", ".join(each.name for each in fitting)
        super().__init__("profile", f"is asked for: the file fits {names}; say profile=<name>")
        self.facts |= {"profiles": names}


def names_of(header: Sequence[str]) -> list[str]:
    """The header's cells as names of columns: an empty one is named by the one before it, a second one numbered."""
    names: list[str] = []
    for place, cell in enumerate(header):
        name = " ".join(cell.strip().split()) or (f"{names[-1]}_2" if names else f"column_{place + 1}")
        while name.casefold() in {each.casefold() for each in names} | {"line"}:
            stem, _, number = name.rpartition("_")
            name = f"{stem}_{int(number) + 1}" if stem and number.isdigit() else f"{name}_2"
        names.append(name)
    return names


def _renamed(header: Sequence[str], own: Mapping[str, str]) -> list[str]:
    if not own:
        return list(header)
    taken = {_word(cell) for cell in header}
    names = []
    for cell in header:
        name = own.get(_word(cell))
        is_other = name is not None and _word(name) not in taken
        taken |= {_word(name)} if name is not None and is_other else set()
        names.append(name if name is not None and is_other else cell)
    return names


@lru_cache(maxsize=10_000)
def _word(cell: str) -> str:
    return " ".join(cell.casefold().split())
