"""Changes of a portfolio's value as answers."""

from dataclasses import asdict
from datetime import date
from typing import Any
from uuid import UUID

from application.analytics.review import LakeAnalyticsRepository
from application.value_change import value_change, value_restated
from domain.errors import InvalidInput
from domain.references import Document, FigureReference
from domain.value_changes import ValueChange
from oltp_api.explain.schemas import ChangeTermView, ChangeView

_OF_CHANGE = ("begins", "ends", "currency", "begin_value", "end_value", "change", "rounding")
BEFORE = "release-"
"""Begins the place of what changed since an earlier release."""


def change_view(analytics: LakeAnalyticsRepository, portfolio_id: UUID, begins: date, ends: date | None) -> ChangeView:
    """From one day to another of one release."""
    found = value_change(analytics.mounted(), portfolio_id, begins, ends)
    return _view(analytics, portfolio_id, found, str(begins), None)


def restated_view(
    before: LakeAnalyticsRepository, after: LakeAnalyticsRepository, portfolio_id: UUID, on: date
) -> ChangeView:
    """From one release to a later one about one day; InvalidInput if it is no later one."""
    earlier = before.head().release_id
    if earlier >= after.head().release_id:
        raise InvalidInput("before_release", f"must be earlier than release {after.head().release_id}")
    found = value_restated(before.mounted(), after.mounted(), portfolio_id, on)
    return _view(after, portfolio_id, found, f"{BEFORE}{earlier}", earlier)


def _view(
    analytics: LakeAnalyticsRepository,
    portfolio_id: UUID,
    found: ValueChange | None,
    since: str,
    before_release: int | None,
) -> ChangeView:
    release = asdict(analytics.release_of(portfolio_id))
    told: dict[str, Any] = dict.fromkeys((*_OF_CHANGE, "explain"))
    if found is not None:
        place = FigureReference(Document.CHANGE, portfolio_id, release["release_id"], found.ends).at(since)
        told = {**{name: getattr(found, name) for name in _OF_CHANGE}, "explain": str(place)}
    return ChangeView(
        **release,
        portfolio_id=portfolio_id,
        before_release=before_release,
        terms=[ChangeTermView.model_validate(term) for term in (found.terms if found else ())],
        sentences=found.sentences if found else (),
        **told,
    )
