"""A figure that somebody asks about: its document, the release that it is from, and the names around it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.errors import plain
from domain.explanations import Explained, LakeRow, Told
from domain.references import FigureReference, found_at
from domain.units import unit_of
from storage.lake.mounted import MountedRelease


@dataclass(frozen=True, slots=True)
class AskedFigure:
    """`document` is what the API answers, amounts as text; `on` its last day. `names` are what a kind's place names,
    with the fields that stand beside the figure."""

    reference: FigureReference
    document: Mapping[str, Any]
    mounted: MountedRelease
    portfolio_id: UUID
    on: date
    names: Mapping[str, Any]

    @property
    def value(self) -> Told:
        found: Told = found_at(self.document, self.reference.place)
        return found

    @property
    def unit(self) -> str:
        return unit_of(self.document, self.reference.place)

    @property
    def beside(self) -> Mapping[str, Any]:
        """The mapping that the figure is a field of."""
        found: Mapping[str, Any] = found_at(self.document, self.reference.place.rpartition("/")[0])
        return found

    @property
    def day(self) -> date:
        """The day of the figure: of a value over time its own, else the document's."""
        return self.day_of("business_date") or self.on

    @property
    def until(self) -> str:
        """The day as the end of a span; nothing where there is none."""
        return f"up to {self.day}" if self.day < date.max else ""

    @property
    def address(self) -> str:
        return f"/api/v1/portfolios/{self.portfolio_id}"

    def named(self, names: Mapping[str, Any]) -> "AskedFigure":
        return replace(self, names={**self.names, **names})

    def filled(self, template: str) -> str:
        return template.format_map(self.names)

    def day_of(self, name: str) -> date | None:
        """The day that a field beside the figure says; None if there is none."""
        found = self.names.get(name)
        return date.fromisoformat(found) if isinstance(found, str) else None

    def at(self, table: str, key: str) -> LakeRow:
        return LakeRow(table, self.mounted.release.versions.get(table), key)

    def at_price(self, security_id: int, day: date) -> LakeRow:
        return self.at(self.mounted.prices_of(security_id), f"{day}, security {security_id}")

    def rows(self, query: str, **parameters: object) -> list[dict[str, Any]]:
        """The answer of the release; NotInRelease if it has not got a table that the query reads."""
        if missing := self.mounted.tables_missing(query):
            raise NotInRelease(missing)
        asked = {"portfolio_id": str(self.portfolio_id), **parameters}
        return self.mounted.rows(query, **{name: value for name, value in asked.items() if f"${name}" in query})


class NotInRelease(Exception):
    """The release is from before these tables were made."""

    def __init__(self, tables: Sequence[str]) -> None:
        super().__init__(", ".join(tables))
        self.tables = tables


Source = Callable[[AskedFigure], Iterable[Explained]]
"""Finds some of what a figure is made of."""


def told(value: object) -> Told:
    """A value of a row as the API says it."""
    if isinstance(value, Decimal):
        return plain(value)
    return value if isinstance(value, (str, float, int)) or value is None else str(value)
