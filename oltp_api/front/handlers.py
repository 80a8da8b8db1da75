"""Rows of the front page: portfolios as they are recorded, each beside what the newest release says of it."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from application.analytics.review import LakeAnalyticsRepository
from domain.errors import NoRelease
from domain.ports import PortfolioHeld
from oltp_api.analytics.schemas import PortfolioValueView
from oltp_api.context import AppContext
from oltp_api.front.views import Front, FrontRow
from oltp_api.portfolios.repository import PortfolioAttributes
from oltp_api.portfolios.schemas import PortfolioView
from storage.errors import LakeUnavailable
from storage.lake.mounted import seeing_portfolios

MOST_PORTFOLIOS = 20
"""On one page: a value costs some five questions to the lake."""


def front_of(context: AppContext, user_id: UUID, cursor: str | None, archived: bool) -> Front:
    """The user's portfolios after `cursor`, those that are archived or the others, oldest first."""
    wanted = {"name": None, "kind": None, "archived": archived}
    page = context.transact(
        lambda work: PortfolioAttributes(work).page(user_id, "created", MOST_PORTFOLIOS, cursor, **wanted)
    )
    portfolios = [PortfolioView.model_validate(item) for item in page["items"]]
    rows, release, is_lake_there = [FrontRow(portfolio) for portfolio in portfolios], None, True
    try:
        analytics = context.analytics.pinned()
        release = analytics.release()
        with seeing_portfolios(portfolio.portfolio_id for portfolio in portfolios):
            rows = list(_released(analytics, portfolios))
    except NoRelease:
        pass
    except LakeUnavailable:
        is_lake_there = False
    return Front(rows, page["next_cursor"], archived, release, is_lake_there, context.clock.last_day)


def _released(analytics: LakeAnalyticsRepository, portfolios: Sequence[PortfolioView]) -> Iterator[FrontRow]:
    for portfolio in portfolios:
        try:
            release = analytics.release_of(portfolio.portfolio_id)
        except PortfolioHeld:
            yield FrontRow(portfolio, is_held=True)
            continue
        day = release.as_of
        values = analytics.get_values(portfolio.portfolio_id, day, day) if day else []
        version = analytics.get_portfolio_version(portfolio.portfolio_id)
        shown = release.held.shown_version if release.held else version
        yield FrontRow(
            portfolio,
            release if values else None,
            PortfolioValueView.model_validate(values[0]) if values else None,
            is_behind=(shown or 0) < portfolio.version,
            is_held=release.held is not None,
        )
