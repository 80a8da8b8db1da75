"""Released numbers, as a route asks for them: of one release, the newest or that of a moment."""

from typing import Annotated

from fastapi import Depends, Query

from application.analytics.review import LakeAnalyticsRepository
from oltp_api.business_dates import end_of_day_utc
from oltp_api.context import ContextDep
from oltp_api.web.fields import Day, Moment


def pinned_analytics(context: ContextDep) -> LakeAnalyticsRepository:
    """Answers of one request come from one release."""
    return context.analytics.pinned()


def known_analytics(
    context: ContextDep,
    as_known_on: Annotated[
        Moment | Day | None,
        Query(description="Answers as they were then: a moment with its zone, or the end of a day in UTC."),
    ] = None,
) -> LakeAnalyticsRepository:
    """Answers come from the newest release, or from the one that was the newest at a moment."""
    return (
        context.analytics.pinned() if as_known_on is None else context.analytics.known_on(end_of_day_utc(as_known_on))
    )


AnalyticsDep = Annotated[LakeAnalyticsRepository, Depends(pinned_analytics)]
KnownDep = Annotated[LakeAnalyticsRepository, Depends(known_analytics)]
