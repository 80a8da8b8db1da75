"""Requests for risk analyses in PostgreSQL: which are due, and what was written, whole or not at all."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from domain.risk_analyses.analysis import AnalysisNotFound, AnalysisStatus, RiskAnalysis
from domain.risk_analyses.bounds import Severity
from domain.risk_analyses.drafts import AnalysisDraft, Likelihood, Risk, draft_json
from domain.risk_analyses.facts import sheet_json, sheet_of

MOST_ATTEMPTS = 3
"""A request whose run has ended so often before it was done is refused."""
# Owners in turn, by when each was served last; of an owner the oldest first.
_WAITING = """
    select analysis_id, portfolio_id, writer, wanted_version
    from risk_analysis as waiting
    where status = 'REQUESTED'
    order by
        (select max(finished_at) from risk_analysis as served where served.user_id = waiting.user_id) nulls first,
        user_id, attempts, requested_at, analysis_id
"""
_GET = "select analysis_id, portfolio_id, writer, wanted_version from risk_analysis where analysis_id = %s"
_TRY = """
    update risk_analysis set attempts = attempts + 1 where analysis_id = %s and status = 'REQUESTED' returning attempts
"""
_FINISH = """
    update risk_analysis
    set status = %(status)s, reason = %(reason)s, finished_at = %(finished_at)s, release_id = %(release_id)s,
        as_of = %(as_of)s, model_used = %(model_used)s, prompt_hash = %(prompt_hash)s, facts_hash = %(facts_hash)s,
        n_voided = %(n_voided)s, document = %(document)s
    where analysis_id = %(analysis_id)s
"""
_ONE_FINISHED = "select * from risk_analysis where analysis_id = %s and document is not null"
_FINISHED = "select * from risk_analysis where portfolio_id = %s and document is not null order by as_of, finished_at"


@dataclass(frozen=True, slots=True)
class AnalysisRequest:
    """A request as it is stored: `writer` is 'configured' or 'rules/1', `wanted_version` the portfolio's when asked."""

    analysis_id: UUID
    portfolio_id: UUID
    writer: str
    wanted_version: int


class PostgresRiskAnalysisRepository:
    """Requests, within the connection's transaction."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def waiting(self) -> list[AnalysisRequest]:
        """Requests that are not written yet, the next one first."""
        return [AnalysisRequest(**row) for row in self._rows(_WAITING)]

    def get(self, analysis_id: UUID) -> AnalysisRequest:
        rows = self._rows(_GET, analysis_id)
        if not rows:
            raise AnalysisNotFound(analysis_id)
        return AnalysisRequest(**rows[0])

    def written(self, analysis_id: UUID) -> RiskAnalysis | None:
        """The analysis that a request has become; None while nothing is written."""
        rows = self._rows(_ONE_FINISHED, analysis_id)
        return analysis_of(rows[0]) if rows else None

    def begin(self, analysis_id: UUID) -> int:
        """Count that it is tried; how often it has been. 0 if it is finished."""
        row = self._connection.execute(_TRY, (analysis_id,)).fetchone()
        return int(row[0]) if row else 0

    def finish(self, analysis: RiskAnalysis) -> None:
        """Store what was written."""
        self._finish(
            analysis.analysis_id,
            status=str(analysis.status),
            reason=analysis.reason,
            finished_at=analysis.created_at,
            release_id=analysis.sheet.release_id,
            as_of=analysis.sheet.as_of,
            model_used=analysis.model_used,
            prompt_hash=analysis.prompt_hash,
            facts_hash=analysis.sheet.facts_hash,
            n_voided=analysis.n_voided,
            document=json.dumps({"sheet": sheet_json(analysis.sheet), **draft_json(analysis.draft)}),
        )

    def refuse(self, analysis_id: UUID, reason: str, at: datetime) -> None:
        self._finish(analysis_id, status=str(AnalysisStatus.REFUSED), reason=reason, finished_at=at)

    def finished(self, portfolio_id: UUID) -> list[RiskAnalysis]:
        """The analyses of a portfolio, the oldest day first."""
        return [analysis_of(row) for row in self._rows(_FINISHED, portfolio_id)]

    def _finish(self, analysis_id: UUID, **told: object) -> None:
        unknown = dict.fromkeys(_UNKNOWN)
        self._connection.execute(_FINISH, {**unknown, **told, "analysis_id": analysis_id})

    def _rows(self, query: LiteralString, *values: object) -> list[dict[str, Any]]:
        with self._connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, values).fetchall()


_UNKNOWN = ("release_id", "as_of", "model_used", "prompt_hash", "facts_hash", "n_voided", "document")


def analysis_of(row: Mapping[str, Any]) -> RiskAnalysis:
    """A row of `risk_analysis` that is finished."""
    document = row["document"]
    return RiskAnalysis(
        row["analysis_id"],
        row["portfolio_id"],
        sheet_of(document["sheet"]),
        draft_of(document),
        row["model_used"],
        row["prompt_hash"],
        row["finished_at"],
        AnalysisStatus(row["status"]),
        row["reason"],
        row["n_voided"],
    )


def draft_of(stored: Mapping[str, Any]) -> AnalysisDraft:
    """A stored draft."""
    return AnalysisDraft(tuple(_risk(one) for one in stored["risks"]), stored["macro_climate_summary"])


def _risk(stored: Mapping[str, Any]) -> Risk:
    facts: dict[str, Any] = {
        **stored,
        "severity": Severity(stored["severity"]),
        "likelihood": Likelihood(stored["likelihood"]),
        "fact_ids": tuple(stored["fact_ids"]),
    }
    return Risk(**facts)
