"""Imports of files, with what became of every row."""

import json
from uuid import UUID

from domain.errors import ImportNotFound
from oltp_api.imports.schemas import ImportPage, ImportSummary, ImportView
from oltp_api.unit_of_work import UnitOfWork
from storage.queries import statements

_IMPORTS = statements("oltp_api/imports/queries.sql")


class Imports:
    def __init__(self, work: UnitOfWork) -> None:
        self._connection = work.connection

    def add(self, view: ImportView) -> None:
        values = view.model_dump(mode="json", exclude={"dry_run", "report", "ignored_columns"})
        report = {"ignored_columns": view.ignored_columns, "rows": [row.model_dump(mode="json") for row in view.report]}
        self._connection.execute(_IMPORTS["add"], {**values, "report": json.dumps(report)})

    def page(self, user_id: UUID, portfolio_id: UUID, limit: int, cursor: UUID | None) -> ImportPage:
        asked = {"user_id": user_id, "portfolio_id": portfolio_id, "limit": limit + 1, "cursor": cursor}
        rows = self._connection.execute(_IMPORTS["imports"], asked).fetchall()
        items = [ImportSummary(**row) for row in rows[:limit]]
        return ImportPage(items=items, next_cursor=items[-1].import_id if len(rows) > limit else None)

    def one(self, user_id: UUID, import_id: UUID) -> ImportView:
        row = self._connection.execute(_IMPORTS["import"], {"user_id": user_id, "import_id": import_id}).fetchone()
        if row is None:
            raise ImportNotFound(import_id)
        report = row.pop("report")
        return ImportView(**row, dry_run=False, report=report["rows"], ignored_columns=report["ignored_columns"])
