"""The documents that figures stand in, of the release that a reference names."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from application.analytics.review import LakeAnalyticsRepository
from application.explanations.trees import explanation, kind_of
from domain.errors import InvalidInput
from domain.explanations import Explained
from domain.references import Document, FigureGone, FigureReference, NoSuchFigure
from oltp_api.analytics.schemas import PortfolioValueView, ValuesView
from oltp_api.context import AppContext
from oltp_api.explain.changes import BEFORE, change_view, restated_view
from oltp_api.gains.handlers import gains_of
from oltp_api.portfolios.schemas import PortfolioView
from oltp_api.portfolios.seen import seen_portfolio
from oltp_api.review.handlers import ReviewCache
from oltp_api.risk_analyses.handlers import result_view as analysis_view
from oltp_api.simulations.views import result_view
from storage.errors import LakeUnavailable


@dataclass(frozen=True, slots=True)
class FoundDocument:
    """A document as the API answers with it; `on` is its last day, which of the gains of all years is none."""

    answer: Mapping[str, Any]
    portfolio_id: UUID
    on: date | None


@dataclass(frozen=True, slots=True)
class Documents:
    """Documents for one asker; `user_id` is the owner of what is asked about."""

    context: AppContext
    cache: ReviewCache
    user_id: UUID

    def explained(self, reference: FigureReference) -> tuple[LakeAnalyticsRepository, FoundDocument, Explained]:
        """The figure taken apart, with its release and its document.

        NoSuchFigure if there is none; FigureGone if the release is known and cannot be read any more.
        """
        if kind_of(reference) is None:
            raise NoSuchFigure(reference, "no figure stands there")
        newest = self.context.analytics.pinned()
        analytics = self.context.analytics.numbered(reference.release_id)
        try:
            found = self._document(reference, analytics)
            tree = explanation(reference, found.answer, analytics.mounted(), found.portfolio_id, found.on or date.max)
        except LakeUnavailable as error:
            if analytics.head().release_id == newest.head().release_id:
                raise
            raise FigureGone(reference, f"the tables of release {reference.release_id} cannot be read") from error
        return analytics, found, tree

    def _document(self, reference: FigureReference, analytics: LakeAnalyticsRepository) -> FoundDocument:
        if reference.document is Document.SIMULATION:
            return self._simulation(reference, analytics)
        if reference.document is Document.ANALYSIS:
            return self._analysis(reference)
        portfolio = seen_portfolio(reference.subject, self.user_id, self.context)
        if reference.document is Document.REVIEW:
            return self._review(reference, analytics, portfolio)
        if reference.document is Document.VALUES:
            return _values(reference, analytics)
        if reference.document is Document.GAINS:
            return self._gains(reference, analytics, portfolio)
        return self._change(reference, analytics)

    def _review(
        self, reference: FigureReference, analytics: LakeAnalyticsRepository, portfolio: PortfolioView
    ) -> FoundDocument:
        benchmark = portfolio.benchmark or self.context.benchmark
        bodies = self.cache.bodies(analytics, portfolio, benchmark, reference.on)
        if bodies is None or reference.on not in (None, bodies.day):
            raise NoSuchFigure(reference, "the release has not this day of the portfolio")
        release_id, portfolio_id = analytics.head().release_id, portfolio.portfolio_id
        beside = self.context.transact(lambda work: self.cache.beside(self.user_id, portfolio_id, release_id, work))
        shown = beside.simulations
        for one in (shown.standing, shown.beside) if shown else ():
            if one is not None and reference.place.split("/")[1] in ("simulation", "beside"):
                _refuse_run_since(reference, one.release_id)
        review = self.cache.review(analytics, portfolio, bodies, beside)
        return FoundDocument(json.loads(review.document), portfolio.portfolio_id, bodies.day)

    def _gains(
        self, reference: FigureReference, analytics: LakeAnalyticsRepository, portfolio: PortfolioView
    ) -> FoundDocument:
        year = reference.on.year if reference.on else "all"
        found = gains_of(analytics, portfolio, year, self.context.clock.today(portfolio.time_zone))
        return FoundDocument(json.loads(found.model_dump_json()), portfolio.portfolio_id, reference.on)

    def _simulation(self, reference: FigureReference, analytics: LakeAnalyticsRepository) -> FoundDocument:
        found = result_view(replace(self.context, analytics=analytics), self.user_id, reference.subject)
        _refuse_run_since(reference, found.release_id)
        as_of = (found.summary or {}).get("as_of")
        on = date.fromisoformat(as_of) if as_of else analytics.release().as_of
        return FoundDocument(json.loads(found.model_dump_json()), found.portfolio_id, on)

    def _analysis(self, reference: FigureReference) -> FoundDocument:
        found = analysis_view(self.context, self.user_id, reference.subject)
        if found.release_id != reference.release_id:
            raise NoSuchFigure(reference, f"the analysis is of release {found.release_id}")
        return FoundDocument(json.loads(found.model_dump_json()), found.portfolio_id, found.as_of)

    def _change(self, reference: FigureReference, analytics: LakeAnalyticsRepository) -> FoundDocument:
        """By the day from which it is, or the release before."""
        since, portfolio_id = reference.place.split("/")[1], reference.subject
        try:
            if since.startswith(BEFORE) and reference.on is not None:
                before = self.context.analytics.numbered(int(since.removeprefix(BEFORE)))
                found = restated_view(before, analytics, portfolio_id, reference.on)
            else:
                found = change_view(analytics, portfolio_id, date.fromisoformat(since), reference.on)
        except (ValueError, InvalidInput) as error:
            raise NoSuchFigure(reference, f"nothing changed between {since} and {reference.on}") from error
        return FoundDocument({since: json.loads(found.model_dump_json())}, portfolio_id, found.ends)


def _values(reference: FigureReference, analytics: LakeAnalyticsRepository) -> FoundDocument:
    """Values of one day, that of the place."""
    parts = reference.place.split("/")
    try:
        day = date.fromisoformat(parts[2]) if len(parts) > 2 else None
    except ValueError as error:
        raise NoSuchFigure(reference, f"{parts[2]} is no day") from error
    release = analytics.release_of(reference.subject)
    values = analytics.get_values(reference.subject, day, day) if day else []
    shown = [PortfolioValueView.model_validate(value) for value in values]
    found = ValuesView(**asdict(release), values=shown)
    return FoundDocument(json.loads(found.model_dump_json()), reference.subject, day or release.as_of)


def _refuse_run_since(reference: FigureReference, release_id: int | None) -> None:
    """FigureGone if the simulation was run again against a later release: its figures are those of that run now."""
    if release_id is not None and release_id > reference.release_id:
        raise FigureGone(reference, f"the simulation was run again since, against release {release_id}")
