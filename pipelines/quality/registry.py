"""Securities and their identifiers as the audit of own prices sees them."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pyarrow as pa

Row = Mapping[str, Any]


class Registry:
    """Securities and their identifiers, from the copies of security_registry and security_identifier."""

    def __init__(self, securities: pa.Table, identifiers: pa.Table) -> None:
        self.securities: dict[int, Row] = {row["security_id"]: row for row in securities.to_pylist()}
        named = sorted(identifiers.to_pylist(), key=lambda row: str(row["id_type"]))
        self.names: dict[int, str] = {row["security_id"]: row["id_value"] for row in named if row["is_primary"]}
        self._meanings: dict[str, list[Row]] = {}
        for row in named:
            self._meanings.setdefault(row["id_value"], []).append(row)

    def meant(self, identifier: str, on: date) -> int | None:
        """The security that an identifier named on a day."""
        for row in self._meanings.get(identifier, ()):
            if (row["valid_from"] or date.min) <= on < (row["valid_to"] or date.max):
                return int(row["security_id"])
        return None

    def first_meant(self, identifiers: Iterable[str], on: date) -> int | None:
        """The security of the first of `identifiers` that named one on a day."""
        found = (self.meant(identifier.upper(), on) for identifier in identifiers)
        return next((one for one in found if one is not None and one in self.names), None)

    @property
    def currencies(self) -> dict[str, str]:
        return {name: self.securities[security_id]["currency"] for security_id, name in self.names.items()}
