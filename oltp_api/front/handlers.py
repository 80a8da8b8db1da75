"""Rows of the front page: portfolios as they are recorded, each beside what the newest release says of it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from math import isnan
from typing import Any
from uuid import UUID

import numpy as np

from application.analytics.review import LakeAnalyticsRepository
from domain.analytics.returns.performance import twr_index
from domain.errors import NoRelease
from domain.ports import PortfolioHeld, PortfolioValue
from oltp_api.analytics.schemas import PortfolioValueView
from oltp_api.context import AppContext
from oltp_api.front.views import DayChange, Front, FrontRow
from oltp_api.portfolios.repository import PortfolioAttributes
from oltp_api.portfolios.schemas import PortfolioView
from oltp_api.sharing.repository import Shares
from oltp_api.sharing.schemas import OfferedShare
from oltp_api.sight import also_seeing
from oltp_api.unit_of_work import UnitOfWork
from storage.errors import LakeUnavailable

MOST_PORTFOLIOS = 20
"""On one page: a value costs some five questions to the lake."""
_BEFORE = timedelta(days=14)
"""The day before is within it, however long a market is closed."""


def front_of(context: AppContext, user_id: UUID, cursor: str | None, archived: bool) -> Front:
    """The user's portfolios after `cursor`, those that are archived or the others, oldest first."""
    wanted = {"name": None, "kind": None, "archived": archived}

    def look(work: UnitOfWork) -> tuple[dict[str, Any], list[OfferedShare]]:
        page = PortfolioAttributes(work).page(user_id, "created", MOST_PORTFOLIOS, cursor, **wanted)
        return page, [OfferedShare.model_validate(row) for row in Shares(work).of_user(user_id)]

    page, shares = context.transact(look)
    portfolios = [PortfolioView.model_validate(item) for item in page["items"]]
    rows, release, is_lake_there = [FrontRow(portfolio) for portfolio in portfolios], None, True
    try:
        analytics = context.analytics.pinned()
        release = analytics.release()
        with also_seeing(portfolio.portfolio_id for portfolio in portfolios):
            rows = list(_released(analytics, portfolios))
    except NoRelease:
        pass
    except LakeUnavailable:
        is_lake_there = False
    taken = {share.portfolio_id: share for share in shares if share.accepted_at is not None}
    rows = [replace(row, share=taken.get(row.portfolio.portfolio_id)) for row in rows]
    offers = len(shares) - len(taken)
    return Front(rows, page["next_cursor"], archived, release, is_lake_there, context.clock.last_day, offers)


def _released(analytics: LakeAnalyticsRepository, portfolios: Sequence[PortfolioView]) -> Iterator[FrontRow]:
    for portfolio in portfolios:
        try:
            release = analytics.release_of(portfolio.portfolio_id)
        except PortfolioHeld:
            yield FrontRow(portfolio, is_held=True)
            continue
        day = release.as_of
        values = analytics.get_values(portfolio.portfolio_id, day - _BEFORE, day) if day else []
        value = values[-1] if values and values[-1].business_date == day else None
        version = analytics.get_portfolio_version(portfolio.portfolio_id)
        shown = release.held.shown_version if release.held else version
        yield FrontRow(
            portfolio,
            release if value else None,
            PortfolioValueView.model_validate(value) if value else None,
            is_behind=(shown or 0) < portfolio.version,
            is_held=release.held is not None,
            change=change_of(values) if value else None,
        )


def change_of(values: Sequence[PortfolioValue]) -> DayChange | None:
    """The last day against the one before; None unless both are known whole."""
    last = values[-2:]
    if len(last) < 2 or any(value.n_missing + value.n_fx_missing for value in last):
        return None
    before, after = last
    gain = after.total_value + after.outflow - before.total_value - after.inflow
    begin, end, inflow, outflow = (
        np.array([float(amount)]) for amount in (before.total_value, after.total_value, after.inflow, after.outflow)
    )
    daily_return = float(twr_index(begin, end, inflow, outflow).returns[0])
    return DayChange(gain, None if isnan(daily_return) else daily_return)
