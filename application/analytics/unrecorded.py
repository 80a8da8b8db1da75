"""Splits and dividends that the market tells and a portfolio's ledger lacks. SQL in `unrecorded.sql`."""

from collections.abc import Sequence
from itertools import groupby
from uuid import UUID

from application.analytics.released import ReleasedAnalytics
from domain.errors import plain
from domain.ports import PortfolioReleaseInfo, UnrecordedAction
from storage.queries import statements

_SQL = statements("application/analytics/unrecorded.sql")


class UnrecordedAnalytics(ReleasedAnalytics):
    def get_unrecorded(self, portfolio_id: UUID) -> Sequence[UnrecordedAction]:
        """By ex-date; a split before a dividend of its day."""
        newest = self._mounted()
        key = ("unrecorded", str(portfolio_id))
        if key not in newest.kept:
            are_there = newest.rows(_SQL["are_there_any"]) if newest.has_tables_of(_SQL["unrecorded"]) else []
            is_any = bool(are_there) and are_there[0]["are_there"]
            rows = newest.rows(_SQL["unrecorded"], portfolio_id=str(portfolio_id)) if is_any else []
            newest.kept[key] = {"rows": rows}
        return [UnrecordedAction(**row) for row in newest.kept[key]["rows"]]

    def release_of(self, portfolio_id: UUID) -> PortfolioReleaseInfo:
        """As the release shows it, with a warning of each split that the ledger lacks, and of dividends by security."""
        found = super().release_of(portfolio_id)
        return found.warned(tuple(_warnings(self.get_unrecorded(portfolio_id))))


def _warnings(unrecorded: Sequence[UnrecordedAction]) -> Sequence[str]:
    splits = [
        f"the market tells a split of {one.ticker} on {one.action_date}, {plain(one.split_new)} for "
        f"{plain(one.split_old)}, and the ledger has none"
        for one in unrecorded
        if one.split_new is not None and one.split_old is not None
    ]
    by_ticker = sorted((one for one in unrecorded if one.amount is not None), key=lambda one: one.ticker)
    dividends = []
    for ticker, listed in groupby(by_ticker, key=lambda one: one.ticker):
        days = [one.action_date for one in listed]
        span = f"on {days[0]}" if len(days) == 1 else f"{len(days)} times from {days[0]} to {days[-1]}"
        dividends.append(f"the market tells a dividend of {ticker} {span}, and the ledger has none of it")
    return [*splits, *dividends]
