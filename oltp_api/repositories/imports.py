"""Queries of a batch, as many whatever the number of its rows, and the imports of files that were recorded."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from domain.errors import ImportNotFound
from domain.securities import Security
from oltp_api.connections import Asked, Connection
from oltp_api.repositories.securities import security_of
from oltp_api.schemas.imports import ImportPage, ImportSummary, ImportView
from storage.queries import statements

_IMPORTS = statements("oltp_api", "imports")


class PostgresImports:
    def __init__(self, connection: Connection, recorded_at: datetime) -> None:
        self._connection = connection
        self._recorded_at = recorded_at

    def ask_securities(self, identifiers: Collection[str]) -> Asked[dict[str, Security]]:
        """The securities by what they were asked for under; those that nobody registered are absent."""
        found = self._connection.execute(_IMPORTS["securities"], {"identifiers": list(identifiers)})
        return lambda: {row.pop("asked"): security_of(row) for row in found.fetchall()}

    def ask_accounts(self, user_id: UUID, identifiers: Collection[str] | None) -> Asked[dict[str, int]]:
        """Ids of the user's accounts, of those named or of all."""
        asked = {"user_id": user_id, "identifiers": None if identifiers is None else list(identifiers)}
        found = self._connection.execute(_IMPORTS["accounts"], asked)
        return lambda: {row["identifier"]: row["account_id"] for row in found.fetchall()}

    def ask_recorded(self, portfolio_id: UUID, external_ids: Collection[str]) -> Asked[dict[str, int]]:
        """The seq of each of these external ids that is recorded."""
        asked = {"portfolio_id": portfolio_id, "external_ids": list(external_ids)}
        found = self._connection.execute(_IMPORTS["recorded"], asked)
        return lambda: {row["external_id"]: row["seq"] for row in found.fetchall()}

    def tickers(self, security_ids: Collection[int]) -> Mapping[int, str]:
        rows = self._connection.execute(_IMPORTS["tickers"], {"security_ids": list(security_ids)}).fetchall()
        return {row["security_id"]: row["ticker"] for row in rows}

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
