"""Requests for risk analyses, which the pipeline writes, and answers about them."""

from dataclasses import asdict
from uuid import UUID, uuid4

from domain.errors import PortfolioIsArchived
from domain.references import Document, FigureReference
from domain.risk_analyses.analysis import RiskAnalysis, RiskChange, changes
from domain.risk_analyses.facts import Fact
from domain.risk_analyses.rendering import pieces, rendered
from oltp_api.context import AppContext
from oltp_api.ledger.writing import Wanted, load_one
from oltp_api.risk_analyses.repository import RiskAnalyses
from oltp_api.risk_analyses.schemas import (
    FactView,
    IdentifiedRiskView,
    RiskAnalysisRequest,
    RiskAnalysisResultView,
    RiskAnalysisView,
    RiskChangeView,
    RiskScoresView,
    RiskScoreView,
    pieces_of,
)
from oltp_api.unit_of_work import UnitOfWork


def requested(user_id: UUID, portfolio_id: UUID, body: RiskAnalysisRequest, work: UnitOfWork) -> RiskAnalysisView:
    """The stored request; the pipeline writes it once the portfolio as it is now is released."""
    portfolio = load_one(Wanted(user_id, portfolio_id), work).portfolio
    if portfolio.archived:
        raise PortfolioIsArchived(portfolio.portfolio_id)
    analyses, analysis_id = RiskAnalyses(work), uuid4()
    analyses.refuse_above_limit(user_id)
    analyses.add(user_id, analysis_id, portfolio_id, body.writer, portfolio.version)
    return RiskAnalysisView.model_validate(analyses.one(user_id, analysis_id))


def result_view(context: AppContext, user_id: UUID, analysis_id: UUID) -> RiskAnalysisResultView:
    """The request and, once it is written, all of it beside the one before."""
    return context.transact(lambda work: result_of(user_id, analysis_id, work))


def result_of(user_id: UUID, analysis_id: UUID, work: UnitOfWork) -> RiskAnalysisResultView:
    """The same, within a unit of work."""
    analyses = RiskAnalyses(work)
    asked = RiskAnalysisView.model_validate(analyses.one(user_id, analysis_id))
    if asked.facts_hash is None:
        return RiskAnalysisResultView(**asked.model_dump())
    return written_view(asked, analyses.whole(user_id, analysis_id), analyses.before(user_id, analysis_id))


def written_view(
    asked: RiskAnalysisView, analysis: RiskAnalysis, before: RiskAnalysis | None
) -> RiskAnalysisResultView:
    sheet, draft = analysis.sheet, analysis.draft
    compared = changes((before.sheet, before.draft), (sheet, draft)) if before else None
    return RiskAnalysisResultView(
        **asked.model_dump(),
        risks=[
            IdentifiedRiskView(
                title=rendered(risk.title, sheet),
                severity=risk.severity,
                likelihood=risk.likelihood,
                text=rendered(risk.text, sheet),
                pieces=pieces_of(list(pieces(risk.text, sheet))),
                what_would_change_it=rendered(risk.what_would_change_it, sheet),
                fact_ids=risk.fact_ids,
            )
            for risk in draft.risks
        ],
        macro_climate_summary=rendered(draft.macro_climate_summary, sheet),
        macro_climate_pieces=pieces_of(list(pieces(draft.macro_climate_summary, sheet))),
        facts=[_fact_view(analysis, fact) for fact in sheet.facts],
        gaps=sheet.gaps,
        before_id=before.analysis_id if before else None,
        changes=[_change_view(one, analysis, before) for one in compared] if compared and before else None,
        explain=str(_reference(analysis)),
    )


def scores_view(context: AppContext, portfolio_id: UUID) -> RiskScoresView:
    found = context.analytics.get_risk_scores(portfolio_id)
    return RiskScoresView(
        portfolio_id=portfolio_id,
        release_id=context.analytics.release().release_id,
        scores=[RiskScoreView(**row) for row in found],
    )


def _fact_view(analysis: RiskAnalysis, fact: Fact) -> FactView:
    here = _reference(analysis)
    review = FigureReference(
        Document.REVIEW, analysis.portfolio_id, analysis.sheet.release_id, analysis.sheet.as_of, fact.place or ""
    )
    return FactView(
        **{
            **asdict(fact),
            "label": rendered(fact.label, analysis.sheet),
            "shown": fact.shown,
            "explain": str(here.at("facts", fact.fact_id, "value")),
            "source": str(review) if fact.place else None,
        }
    )


def _reference(analysis: RiskAnalysis) -> FigureReference:
    return FigureReference(Document.ANALYSIS, analysis.analysis_id, analysis.sheet.release_id)


def _change_view(one: RiskChange, analysis: RiskAnalysis, before: RiskAnalysis) -> RiskChangeView:
    told = rendered(one.after.title, analysis.sheet) if one.after else ""
    if one.before and not one.after:
        told = rendered(one.before.title, before.sheet)
    return RiskChangeView(
        change=one.change,
        title=told,
        severity=one.after.severity if one.after else None,
        severity_before=one.before.severity if one.before else None,
    )
