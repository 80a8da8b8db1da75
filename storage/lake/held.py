"""Portfolios that a release shows as an older one had them, because something about them failed a check.

`meta/held` is part of a release's version set: a row per held portfolio, none most of the time. What tells a version, a
lag or a cause goes by what is shown, not by what was replicated.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any
from uuid import UUID

import pyarrow as pa

from domain.ports import HeldReason
from storage.lake.delta import Lake
from storage.lake.releases import Release

TABLE = "meta/held"
SCHEMA = pa.schema(
    [
        ("portfolio_id", pa.string()),
        ("table_name", pa.string()),
        ("check_name", pa.string()),
        ("figures", pa.string()),
        ("held_since", pa.timestamp("us", tz="UTC")),
        ("failed_version", pa.int64()),
        ("shown_version", pa.int64()),
        ("shown_as_of", pa.date32()),
    ]
)


@dataclass(frozen=True, slots=True)
class HeldPortfolio:
    """A portfolio of which ledger row `failed_version` was tried and failed `check_name` of `table_name`.

    The release shows it up to ledger row `shown_version` and day `shown_as_of`; None both if it shows nothing.
    """

    portfolio_id: UUID
    table_name: str
    check_name: str
    figures: str
    held_since: datetime
    failed_version: int
    shown_version: int | None
    shown_as_of: date | None

    @property
    def reason(self) -> str:
        return f"{self.table_name} fails {self.check_name}: {self.figures}"

    @property
    def why(self) -> HeldReason:
        return HeldReason(**{field.name: getattr(self, field.name) for field in fields(HeldReason)})

    def as_row(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in SCHEMA.names} | {"portfolio_id": str(self.portfolio_id)}


def held_in(lake: Lake, release: Release | None) -> dict[str, HeldPortfolio]:
    """By id, the portfolios that `release` holds; none of a release from before 2026-11-28, which has no such table."""
    version = release.versions.get(TABLE) if release else None
    if version is None:
        return {}
    return {row["portfolio_id"]: held_of(row) for row in lake.read(TABLE, version).to_pylist()}


def held_of(row: Mapping[str, Any]) -> HeldPortfolio:
    facts: dict[str, Any] = {**row, "portfolio_id": UUID(row["portfolio_id"])}
    return HeldPortfolio(**facts)


def is_shown(held: Mapping[str, HeldPortfolio]) -> str:
    """The condition on `portfolio_id` and `seq` that a ledger row is one that the release shows."""
    hidden = [f"(portfolio_id = '{one}' and seq > {known.shown_version or 0})" for one, known in sorted(held.items())]
    return f"not ({' or '.join(hidden)})" if hidden else "true"
