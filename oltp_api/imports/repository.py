"""Imports of files, with what became of every row."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from domain.errors import ImportNotFound
from oltp_api.unit_of_work import UnitOfWork
from storage.queries import statements

_IMPORTS = statements("oltp_api/imports/queries.sql")


class Imports:
    def __init__(self, work: UnitOfWork) -> None:
        self._connection = work.connection

    def add(self, values: Mapping[str, object], report: Mapping[str, object]) -> None:
        self._connection.execute(_IMPORTS["add"], {**values, "report": json.dumps(report)})

    def page(self, user_id: UUID, portfolio_id: UUID, limit: int, cursor: UUID | None) -> dict[str, Any]:
        asked = {"user_id": user_id, "portfolio_id": portfolio_id, "limit": limit + 1, "cursor": cursor}
        rows = self._connection.execute(_IMPORTS["imports"], asked).fetchall()
        return {"items": rows[:limit], "next_cursor": rows[limit - 1]["import_id"] if len(rows) > limit else None}

    def one(self, user_id: UUID, import_id: UUID) -> DictRow:
        """The import, with its `report`."""
        row = self._connection.execute(_IMPORTS["import"], {"user_id": user_id, "import_id": import_id}).fetchone()
        if row is None:
            raise ImportNotFound(import_id)
        return row
