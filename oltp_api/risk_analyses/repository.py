"""Requests for risk analyses on PostgreSQL, and what was written. SQL in `queries.sql`."""

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from application.risk_analyses import analysis_of
from domain.risk_analyses.analysis import AnalysisNotDone, AnalysisNotFound, RiskAnalysis, TooManyAnalyses
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.web.pages import fetch_page, orders
from storage.queries import statements

_SQL = statements("oltp_api/risk_analyses/queries.sql")
_ORDERS = orders(requested={"requested_at": datetime.fromisoformat, "analysis_id": UUID})
_MOST_WAITING = 20


class RiskAnalyses:
    def __init__(self, work: UnitOfWork) -> None:
        self._work = work
        self._connection = work.connection

    def refuse_above_limit(self, user_id: UUID) -> None:
        """TooManyAnalyses if as many of the user's requests wait as may; they are counted one by one."""
        asked = {"user_id": user_id}
        self._connection.execute(_SQL["count_one_by_one"], asked)
        row = self._connection.execute(_SQL["waiting"], asked).fetchone()
        assert row is not None
        if row["waiting"] >= _MOST_WAITING:
            raise TooManyAnalyses(row["waiting"], _MOST_WAITING)

    def add(self, user_id: UUID, analysis_id: UUID, portfolio_id: UUID, writer: str, wanted_version: int) -> None:
        asked = {
            "user_id": user_id,
            "analysis_id": analysis_id,
            "portfolio_id": portfolio_id,
            "writer": writer,
            "wanted_version": wanted_version,
            "requested_at": self._work.recorded_at,
        }
        self._connection.execute(_SQL["add"], asked)

    def one(self, user_id: UUID, analysis_id: UUID) -> DictRow:
        """A request and what became of it, without its document."""
        asked = {"user_id": user_id, "analysis_id": analysis_id, "portfolio_id": None}
        row = self._connection.execute(_SQL["analyses"], asked).fetchone()
        if row is None:
            raise AnalysisNotFound(analysis_id)
        return row

    def page(self, user_id: UUID, portfolio_id: UUID, sort: str, limit: int, cursor: str | None) -> dict[str, Any]:
        asked = {"user_id": user_id, "portfolio_id": portfolio_id, "analysis_id": None}
        return fetch_page(self._connection, _SQL["analyses"], asked, _ORDERS[sort], limit, cursor)

    def whole(self, user_id: UUID, analysis_id: UUID) -> RiskAnalysis:
        """The text and its facts; AnalysisNotDone while nothing is."""
        asked = {"user_id": user_id, "analysis_id": analysis_id}
        row = self._connection.execute(_SQL["whole"], asked).fetchone()
        if row is None:
            raise AnalysisNotFound(analysis_id)
        if row["document"] is None:
            raise AnalysisNotDone(analysis_id, row["status"])
        return analysis_of(row)

    def newest(self, user_id: UUID, portfolio_id: UUID, release_id: int) -> UUID | None:
        """The portfolio's last one that was written from a release up to `release_id`."""
        asked = {"user_id": user_id, "portfolio_id": portfolio_id, "release_id": release_id}
        row = self._connection.execute(_SQL["newest"], asked).fetchone()
        return row["analysis_id"] if row else None

    def before(self, user_id: UUID, analysis_id: UUID) -> RiskAnalysis | None:
        """The one of the same portfolio that was written before it."""
        asked = {"user_id": user_id, "analysis_id": analysis_id}
        row = self._connection.execute(_SQL["before"], asked).fetchone()
        return analysis_of(row) if row else None
