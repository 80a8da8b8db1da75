"""Rows of a portfolio's ledger and of what it says is held now, for people to see. SQL in `reads.sql`."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from domain.ledger import Transaction
from oltp_api.connections import Connection
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.web.pages import fetch_page, orders
from storage.queries import statements

_LEDGER = statements("oltp_api/ledger/reads.sql")
_ANY: Mapping[str, object] = dict.fromkeys(("txn_type", "ticker", "account", "start", "end"))
TRANSACTION_ORDERS = orders(
    seq={"seq": int},
    business_date={"business_date": date.fromisoformat, "seq": int},
)


class LedgerReads:
    """Each sees what its unit of work is about to write."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    @property
    def _connection(self) -> Connection:
        self._work.flush()
        return self._work.connection

    def recorded(self, portfolio_id: UUID, rows: Sequence[Transaction]) -> list[DictRow]:
        """Rows that this unit of work has recorded, one after another."""
        if not rows:
            return []
        after = TRANSACTION_ORDERS["seq"].cursor_of({"seq": rows[0].seq - 1})
        found: list[DictRow] = self.transactions(portfolio_id, "seq", len(rows), after)["items"]
        return found

    def transactions(
        self, portfolio_id: UUID, sort: str, limit: int, cursor: str | None, **wanted: object
    ) -> dict[str, Any]:
        """A page of ledger rows of a `txn_type`, `ticker` or `account`, dated `start` to `end`; None is any."""
        asked = {**_ANY, **wanted, "portfolio_id": portfolio_id}
        return fetch_page(self._connection, _LEDGER["transactions"], asked, TRANSACTION_ORDERS[sort], limit, cursor)

    def holdings(self, portfolio_id: UUID) -> list[DictRow]:
        """The holdings now, a row for each security and account, in this order."""
        return self._connection.execute(_LEDGER["holdings"], {"portfolio_id": portfolio_id}).fetchall()

    def cash(self, portfolio_id: UUID) -> list[DictRow]:
        return self._connection.execute(_LEDGER["cash"], {"portfolio_id": portfolio_id}).fetchall()
