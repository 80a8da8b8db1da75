"""Imports of files, with what became of every row, and the identities of what they recorded."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg.rows import DictRow
from pydantic_core import to_json

from domain.errors import ImportNotFound, PortfolioNotFound
from oltp_api.connections import text_array
from oltp_api.unit_of_work import UnitOfWork
from storage.queries import statements

_IMPORTS = statements("oltp_api/imports/queries.sql")
_COLUMNS = (
    "import_id", "portfolio_id", "file_name", "file_sha256", "status", "total", "recorded", "duplicates", "refused",
    "skipped", "profile", "source", "created_at",
)  # fmt: skip
IN_REPORT = ("ignored_columns", "reading", "balances", "unknown_securities", "missing_openings", "assumed_cash")

KeptRow = tuple[str, str, int, Mapping[str, str]]
"""The identity of a recorded row: its source, its key there, its `seq` and its content."""


class Imports:
    def __init__(self, work: UnitOfWork) -> None:
        self._work = work
        self._connection = work.connection

    def base_currency(self, user_id: UUID, portfolio_id: UUID) -> str:
        asked = {"user_id": user_id, "portfolio_id": portfolio_id}
        row = self._connection.execute(_IMPORTS["base_currency"], asked).fetchone()
        if row is None:
            raise PortfolioNotFound(portfolio_id)
        currency: str = row["base_currency"]
        return currency

    def has_old_ids(self, portfolio_id: UUID) -> bool:
        """Say whether rows of files were recorded while their ids stood in the ledger itself."""
        row = self._connection.execute(_IMPORTS["has_old_ids"], {"portfolio_id": portfolio_id}).fetchone()
        return row is not None

    def add(self, told: Mapping[str, Any], rows: bytes) -> None:
        """Keep the report, with its rows in JSON: as bytes, for a long file's text would be made into some."""
        report = json.dumps({name: told[name] for name in IN_REPORT})
        values = {name: told[name] for name in _COLUMNS}
        self._connection.execute(_IMPORTS["add"], {**values, "report": report, "rows": rows})

    def keep(self, import_id: UUID, portfolio_id: UUID, kept: Sequence[KeptRow]) -> None:
        """Keep, with the deferred writes, the identities of rows that were recorded; the import's report is to come."""
        if not kept:
            return
        sources, keys, seqs, contents = zip(*kept, strict=True)
        asked = {
            "import_id": import_id,
            "portfolio_id": portfolio_id,
            "sources": text_array(sources),
            "keys": text_array(keys),
            "seqs": f"{{{','.join(map(str, seqs))}}}",
            "contents": to_json(contents).decode(),
        }
        self._work.defer(_IMPORTS["keep_rows"], asked)

    def page(self, user_id: UUID, portfolio_id: UUID, limit: int, cursor: UUID | None) -> dict[str, Any]:
        asked = {"user_id": user_id, "portfolio_id": portfolio_id, "limit": limit + 1, "cursor": cursor}
        rows = self._connection.execute(f"{_IMPORTS['imports']}\n{_IMPORTS['oldest_first']}", asked).fetchall()
        return {"items": rows[:limit], "next_cursor": rows[limit - 1]["import_id"] if len(rows) > limit else None}

    def newest(self, user_id: UUID, portfolio_id: UUID, limit: int) -> list[DictRow]:
        asked = {"user_id": user_id, "portfolio_id": portfolio_id, "limit": limit}
        return self._connection.execute(f"{_IMPORTS['imports']}\n{_IMPORTS['newest_first']}", asked).fetchall()

    def one(self, user_id: UUID, import_id: UUID) -> DictRow:
        """The import, with its `report`."""
        return self._one(user_id, import_id)

    def lock(self, user_id: UUID, import_id: UUID) -> DictRow:
        """The import, which nobody else undoes until the commit."""
        return self._one(user_id, import_id, "for update of import_batch")

    def rows_of(self, import_id: UUID) -> list[int]:
        """The ledger rows that it recorded and whose identities are kept."""
        return [row["seq"] for row in self._connection.execute(_IMPORTS["rows_of_import"], {"import_id": import_id})]

    def free(self, found: DictRow, old_rows: Sequence[int], undone_at: datetime) -> None:
        """Forget the identities of its rows, so that they can be sent again."""
        asked = {"import_id": found["import_id"], "portfolio_id": found["portfolio_id"], "undone_at": undone_at}
        self._connection.execute(_IMPORTS["free_rows"], asked)
        if old_rows:
            self._connection.execute(_IMPORTS["free_old_rows"], {**asked, "seqs": list(old_rows)})
        self._connection.execute(_IMPORTS["mark_undone"], asked)

    def _one(self, user_id: UUID, import_id: UUID, lock: LiteralString = "") -> DictRow:
        asked = {"user_id": user_id, "import_id": import_id}
        row = self._connection.execute(f"{_IMPORTS['import']}\n{lock}", asked).fetchone()
        if row is None:
            raise ImportNotFound(import_id)
        return row


class Profiles:
    """Profiles of files that owners have stored."""

    def __init__(self, work: UnitOfWork) -> None:
        self._connection = work.connection

    def all(self, user_id: UUID) -> list[DictRow]:
        return self._connection.execute(_IMPORTS["profiles"], {"user_id": user_id}).fetchall()

    def one(self, user_id: UUID, name: str) -> DictRow | None:
        return self._connection.execute(_IMPORTS["profile"], {"user_id": user_id, "name": name}).fetchone()

    def put(self, user_id: UUID, name: str, body: str, stored_at: datetime) -> int:
        """Keep it in the place of one of its name; return how many the owner has then."""
        asked = {"user_id": user_id, "name": name, "body": body, "stored_at": stored_at}
        self._connection.execute(_IMPORTS["put_profile"], asked)
        return len(self.all(user_id))

    def delete(self, user_id: UUID, name: str) -> bool:
        """Say whether there was one."""
        return self._connection.execute(_IMPORTS["delete_profile"], {"user_id": user_id, "name": name}).rowcount > 0
