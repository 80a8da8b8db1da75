"""Edits of a portfolio's attributes: rename, archive, bring back. Its ledger is none of their business."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.errors import OrdersOpen, PortfolioNotFound
from domain.errors import PortfolioArchived as IsArchived
from domain.events import DomainEvent, PortfolioArchived, PortfolioRenamed, PortfolioUnarchived
from domain.portfolio import new_name
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.web.etags import Match, portfolio_etag
from storage.outbox import write_event
from storage.queries import statements

_EDITS = statements("oltp_api/portfolios/queries.sql")


class PortfolioEdits:
    """Each holds the portfolio's lock from the comparison with the caller's version to the commit."""

    def __init__(self, work: UnitOfWork) -> None:
        self._connection = work.connection
        self._now = work.recorded_at

    def rename(self, user_id: UUID, portfolio_id: UUID, match: Match, name: str) -> None:
        before = self._lock(user_id, portfolio_id, match)
        if before["archived_at"] is not None:
            raise IsArchived(portfolio_id)
        after = {**before, "name": new_name(name)}
        if after != before:
            revision = self._save(after)
            self._publish(before, PortfolioRenamed(portfolio_id, after["name"], revision))

    def archive(self, user_id: UUID, portfolio_id: UUID, match: Match) -> None:
        before = self._lock(user_id, portfolio_id, match)
        if before["archived_at"] is None:
            (waiting,) = self._connection.execute(_EDITS["open_orders"], before).fetchall()
            if waiting["open_orders"]:
                raise OrdersOpen(portfolio_id, waiting["open_orders"])
            revision = self._save({**before, "archived_at": self._now})
            self._publish(before, PortfolioArchived(portfolio_id, self._now, revision))

    def unarchive(self, user_id: UUID, portfolio_id: UUID, match: Match) -> None:
        before = self._lock(user_id, portfolio_id, match)
        if before["archived_at"] is not None:
            revision = self._save({**before, "archived_at": None})
            self._publish(before, PortfolioUnarchived(portfolio_id, revision))

    def _lock(self, user_id: UUID, portfolio_id: UUID, match: Match) -> dict[str, Any]:
        asked = {"user_id": user_id, "portfolio_id": portfolio_id}
        row = self._connection.execute(_EDITS["lock"], asked).fetchone()
        if row is None:
            raise PortfolioNotFound(portfolio_id)
        match.check(portfolio_etag(row["version"], row["revision"]))
        return row

    def _save(self, after: Mapping[str, Any]) -> int:
        revision = int(after["revision"]) + 1
        self._connection.execute(_EDITS["save"], {**after, "revision": revision})
        return revision

    def _publish(self, portfolio: Mapping[str, Any], event: DomainEvent) -> None:
        write_event(self._connection, portfolio["portfolio_id"], portfolio["version"], event)
