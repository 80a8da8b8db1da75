"""Portfolios as they are listed and edited: renamed, archived, brought back. SQL in `queries.sql`.

Their ledgers are none of its business (`oltp_api.ledger.repository`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from domain.analytics.risk.limits import Limit
from domain.errors import InvalidInput, OrdersOpen, PortfolioIsArchived, PortfolioNotFound, SecurityNotFound
from domain.events import DomainEvent, PortfolioArchived, PortfolioRenamed, PortfolioUnarchived
from domain.portfolio import new_name
from domain.securities import parse_ticker
from oltp_api.registry.repository import Securities
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.web.etags import Match, portfolio_etag
from oltp_api.web.pages import fetch_page, orders, text
from storage.events.outbox import write_event
from storage.queries import statements

_PORTFOLIOS = statements("oltp_api/portfolios/queries.sql")
_ONE = f"{_PORTFOLIOS['portfolios']}\n{_PORTFOLIOS['of_id']}"
_MATCHING = f"{_PORTFOLIOS['portfolios']}\n{_PORTFOLIOS['matching']}"
_ANY: Mapping[str, object] = {"name": None, "kind": None, "archived": None}
ORDERS = orders(
    created={"created_at": datetime.fromisoformat, "portfolio_id": UUID},
    name={"name": text, "portfolio_id": UUID},
)


class PortfolioAttributes:
    """An edit holds the portfolio's lock from the comparison with the caller's version to the commit."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work
        self._connection = work.connection

    def one(self, user_id: UUID, portfolio_id: UUID) -> DictRow:
        """The portfolio if it is the user's own; another's does not exist."""
        self._work.flush()
        asked = {"user_id": user_id, "portfolio_id": portfolio_id}
        row = self._connection.execute(_ONE, asked).fetchone()
        if row is None:
            raise PortfolioNotFound(portfolio_id)
        return row

    def page(self, user_id: UUID, sort: str, limit: int, cursor: str | None, **wanted: object) -> dict[str, Any]:
        """Portfolios with `name` in their name, of a `kind`, `archived` or not."""
        asked = {**_ANY, **wanted, "user_id": user_id}
        return fetch_page(self._connection, _MATCHING, asked, ORDERS[sort], limit, cursor)

    def ids(self, user_id: UUID) -> list[UUID]:
        """The user's own and those that are shared with them."""
        asked = {**_ANY, "user_id": user_id}
        rows = self._connection.execute(f"select portfolio_id from ({_MATCHING}) as listed", asked).fetchall()
        return [row["portfolio_id"] for row in rows]

    def rename(self, user_id: UUID, portfolio_id: UUID, match: Match, name: str) -> None:
        before = self._lock(user_id, portfolio_id, match)
        if before["archived_at"] is not None:
            raise PortfolioIsArchived(portfolio_id)
        after = {**before, "name": new_name(name)}
        if after != before:
            revision = self._save(after)
            self._publish(before, PortfolioRenamed(portfolio_id, after["name"], revision))

    def choose_benchmark(self, user_id: UUID, portfolio_id: UUID, match: Match, ticker: str | None) -> None:
        """Hold the portfolio against a security in its currency, or against the default if `ticker` is None."""
        before = self._lock(user_id, portfolio_id, match)
        if before["archived_at"] is not None:
            raise PortfolioIsArchived(portfolio_id)
        after = {**before, "benchmark": None if ticker is None else self._comparable(ticker, before["base_currency"])}
        if after != before:
            self._save(after)

    def _comparable(self, ticker: str, currency: str) -> str:
        named = parse_ticker(ticker)
        security = Securities(self._work).find(named)
        if security is None:
            raise SecurityNotFound(ticker)
        if security.currency != currency:
            raise InvalidInput("benchmark", f"is in {security.currency} and the portfolio in {currency}")
        return named

    def archive(self, user_id: UUID, portfolio_id: UUID, match: Match) -> None:
        before = self._lock(user_id, portfolio_id, match)
        if before["archived_at"] is None:
            (waiting,) = self._connection.execute(_PORTFOLIOS["open_orders"], before).fetchall()
            if waiting["open_orders"]:
                raise OrdersOpen(portfolio_id, waiting["open_orders"])
            revision = self._save({**before, "archived_at": self._work.recorded_at})
            self._publish(before, PortfolioArchived(portfolio_id, self._work.recorded_at, revision))

    def unarchive(self, user_id: UUID, portfolio_id: UUID, match: Match) -> None:
        before = self._lock(user_id, portfolio_id, match)
        if before["archived_at"] is not None:
            revision = self._save({**before, "archived_at": None})
            self._publish(before, PortfolioUnarchived(portfolio_id, revision))

    def set_limits(self, user_id: UUID, portfolio_id: UUID, match: Match, limits: Sequence[Limit] | None) -> None:
        """Bind the portfolio by these limits, none if they are empty, and by the defaults if they are None."""
        before = self._lock(user_id, portfolio_id, match)
        if before["archived_at"] is not None:
            raise PortfolioIsArchived(portfolio_id)
        after = {**before, "limits": None if limits is None else [asdict(limit) for limit in limits]}
        if after != before:
            self._save(after)

    def set_long_term_days(self, user_id: UUID, portfolio_id: UUID, match: Match, days: int | None) -> None:
        """Call long term what was held for more than `days`, or than the default if they are None."""
        before = self._lock(user_id, portfolio_id, match)
        if before["archived_at"] is not None:
            raise PortfolioIsArchived(portfolio_id)
        after = {**before, "long_term_days": days}
        if after != before:
            self._save(after)

    def _lock(self, user_id: UUID, portfolio_id: UUID, match: Match) -> dict[str, Any]:
        asked = {"user_id": user_id, "portfolio_id": portfolio_id}
        row = self._connection.execute(_PORTFOLIOS["lock"], asked).fetchone()
        if row is None:
            raise PortfolioNotFound(portfolio_id)
        match.check(portfolio_etag(row["version"], row["revision"]))
        return row

    def _save(self, after: Mapping[str, Any]) -> int:
        revision = int(after["revision"]) + 1
        limits = None if after["limits"] is None else json.dumps(after["limits"])
        self._connection.execute(_PORTFOLIOS["save"], {**after, "limits": limits, "revision": revision})
        return revision

    def _publish(self, portfolio: Mapping[str, Any], event: DomainEvent) -> None:
        write_event(self._connection, portfolio["portfolio_id"], portfolio["version"], event)
