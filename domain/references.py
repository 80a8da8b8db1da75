"""References to figures: which document of which release a figure stands in, and where.

`review/<portfolio_id>@12,2017-03-29:/periods/1Y/twr` is the return of a year in the review that release 12 gives of a
portfolio on a day. A place is a JSON pointer (RFC 6901) whose items of lists are called by what names them, so that it
stays true when a list gets longer; an item that nothing names is called by its place.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from domain.errors import InvalidInput, NotFound, Refusal

Figure = Decimal | float | int
NAMED_BY: Mapping[str, tuple[str, ...]] = {
    "accounts": ("account_id",),
    "by_currency": ("term", "currency"),
    "by_term": ("term",),
    "cash": ("currency",),
    "closed": ("ticker",),
    "components": ("ticker",),
    "contributions": ("period", "ticker"),
    "dimensions": ("dimension",),
    "disposals": ("seq", "part"),
    "facts": ("fact_id",),
    "given_drifts": ("ticker",),
    "groups": ("label",),
    "holdings": ("level", "account_id", "ticker", "period"),
    "income": ("seq", "income_type"),
    "income_by_currency": ("income_type", "currency"),
    "income_by_type": ("income_type",),
    "limits": ("dimension", "measure", "label"),
    "parts": ("ticker",),
    "periods": ("period",),
    "positions": ("ticker",),
    "profiles": ("basis",),
    "tails": ("method", "confidence", "horizon_days"),
    "terms": ("name",),
    "values": ("business_date",),
}
"""By the name of a list, the fields that tell its items apart; those that an item has not are left out."""
_FORM = re.compile(
    r"(?P<document>[a-z]+)/(?P<subject>[0-9a-f-]{36})@(?P<release>\d{1,18})(,(?P<day>\d{4}-\d\d-\d\d))?:(?P<place>(/.*)?)"
)


class NoSuchRelease(NotFound):
    def __init__(self, release_id: int, newest: int) -> None:
        super().__init__(f"there is no release {release_id}; the newest is {newest}", newest=newest)


class NoSuchFigure(NotFound):
    def __init__(self, reference: "FigureReference", why: str) -> None:
        super().__init__(f"{reference} names no figure: {why}", ref=str(reference))


class FigureGone(Refusal):
    """The figure was there, and what it was made of is not any more."""

    code = "figure_gone"
    status = 410

    def __init__(self, reference: "FigureReference", why: str) -> None:
        super().__init__(f"{reference} is gone: {why}", ref=str(reference))


class Document(StrEnum):
    """A document that figures stand in: of a portfolio, or of the simulation or the risk analysis with that id.

    The places of CHANGE begin with the day from which it is, `/2016-12-31/terms/...`, or with the earlier of two
    releases, `/release-11/terms/...`.
    """

    REVIEW = "review"
    VALUES = "values"
    GAINS = "gains"
    CHANGE = "change"
    SIMULATION = "simulation"
    ANALYSIS = "analysis"


@dataclass(frozen=True, slots=True)
class FigureReference:
    """`subject` is the id of the portfolio, simulation or analysis; `on` the day, of gains the last of their year."""

    document: Document
    subject: UUID
    release_id: int
    on: date | None = None
    place: str = ""

    def __str__(self) -> str:
        day = f",{self.on.isoformat()}" if self.on else ""
        return f"{self.document}/{self.subject}@{self.release_id}{day}:{self.place}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """InvalidInput says how a reference is written."""
        found = _FORM.fullmatch(text)
        try:
            if found is None:
                raise ValueError
            day = found["day"]
            return cls(
                Document(found["document"]),
                UUID(found["subject"]),
                int(found["release"]),
                date.fromisoformat(day) if day else None,
                found["place"],
            )
        except ValueError as error:
            form = f"<{'|'.join(Document)}>/<id>@<release>[,<day>]:/<place>"
            raise InvalidInput("ref", f"is written {form}, as answers give it, not {text[:100]!r}") from error

    def at(self, *names: object) -> "FigureReference":
        """The place below this one."""
        return replace(self, place=self.place + "".join(f"/{escaped(str(name))}" for name in names))


def figures(document: Any, place: str = "") -> Iterator[tuple[str, Figure]]:
    """Every number in a document with its place."""
    for at, leaf in leaves(document, place):
        if isinstance(leaf, int | float | Decimal) and not isinstance(leaf, bool):
            yield at, leaf


def leaves(document: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Everything in a document that holds nothing else, with its place."""
    if isinstance(document, Mapping):
        for name, value in document.items():
            yield from leaves(value, f"{place}/{escaped(str(name))}")
    elif isinstance(document, Sequence) and not isinstance(document, str | bytes):
        for name, value in _items(document, place):
            yield from leaves(value, f"{place}/{escaped(name)}")
    else:
        yield place, document


def found_at(document: Any, place: str) -> Any:
    """The value at a place; KeyError with the first name that is not there."""
    return list(_walk(document, place))[-1]


def around(document: Any, place: str) -> list[Mapping[str, Any]]:
    """Every mapping that holds a place, from the document inwards."""
    return [held for held in list(_walk(document, place))[:-1] if isinstance(held, Mapping)]


def _walk(document: Any, place: str) -> Iterator[Any]:
    """The document, and what stands at each name of the place."""
    here, walked = document, ""
    yield here
    for raw in place.split("/")[1:]:
        name = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(here, Mapping):
            here = here[name]
        elif isinstance(here, Sequence) and not isinstance(here, str | bytes):
            here = dict(_items(here, walked))[name]
        else:
            raise KeyError(name)
        walked = f"{walked}/{raw}"
        yield here


def _items(items: Sequence[Any], place: str) -> Iterator[tuple[str, Any]]:
    """Items with what calls them: their names, or their place where those do not tell them apart."""
    fields = NAMED_BY.get(place.rpartition("/")[2])
    if fields is None:
        return ((str(i), item) for i, item in enumerate(items))
    names = [
        "-".join(str(item[field]) for field in fields if isinstance(item, Mapping) and item.get(field) is not None)
        for item in items
    ]
    told_apart = all(names) and len(set(names)) == len(names)
    return ((names[i] if told_apart else str(i), item) for i, item in enumerate(items))


def escaped(name: str) -> str:
    """A name as a part of a place."""
    return name.replace("~", "~0").replace("/", "~1")
