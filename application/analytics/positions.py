"""Questions about portfolios: positions, cash, values, and where they come from. SQL in `positions.sql`."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from application.analytics.released import ReleasedAnalytics
from application.lineage import ValueLineage, explained
from application.release_diff import Restatement, restatement
from domain.analytics.returns.subjects import Level
from domain.analytics.review import ValuedHolding
from domain.analytics.risk.limits import Limit, Measure
from domain.errors import NoRelease
from domain.holdings import average_cost
from domain.ports import (
    PortfolioValue,
    ReleasedCash,
    ValuedPosition,
)
from storage.lake.mounted import MountedReleases
from storage.queries import statements

_SQL = statements("application/analytics/positions.sql")
_OF_THE_DAY = {"n_fx_stale": 0, "stale_days": 0}


class PositionAnalytics(ReleasedAnalytics):
    def get_portfolio_version(self, portfolio_id: UUID) -> int | None:
        """The portfolio's version in the release; None if the release does not know it."""
        rows = self._mounted().rows(_SQL["portfolio_version"], portfolio_id=str(portfolio_id))
        return int(rows[0]["version"]) if rows else None

    def get_portfolios(self, portfolio_ids: Sequence[str] | None = None) -> Mapping[str, Sequence[str]]:
        """The portfolios that have a day, some or all, by their currency."""
        rows = self._mounted().rows(
            _SQL["portfolios"], portfolio_ids=None if portfolio_ids is None else list(portfolio_ids)
        )
        return {row["base_currency"]: row["portfolio_ids"] for row in rows}

    def get_benchmarks(self, portfolio_ids: Sequence[str]) -> Mapping[str, str]:
        """The tickers of those of the portfolios that have chosen a benchmark of their own."""
        rows = self._mounted().rows(_SQL["settings"], portfolio_ids=list(portfolio_ids))
        return {row["portfolio_id"]: row["benchmark"] for row in rows if row.get("benchmark")}

    def get_limits(self, portfolio_ids: Sequence[str]) -> Mapping[str, Sequence[Limit]]:
        """The limits of concentration of those of the portfolios that have limits of their own."""
        rows = self._mounted().rows(_SQL["settings"], portfolio_ids=list(portfolio_ids))
        return {
            row["portfolio_id"]: [_limit(one) for one in json.loads(limits)]
            for row in rows
            if (limits := row.get("limits")) is not None
        }

    def get_last_day(self) -> date | None:
        """The last day that portfolios have."""
        rows = self._mounted().rows(_SQL["last_day"])
        return rows[0]["last_day"] if rows else None

    def get_positions(self, portfolio_id: UUID, on: date | None = None) -> Sequence[ValuedPosition]:
        """Positions at the close of `on`, or of the release's `as_of` where that is earlier; accounts are summed."""
        newest = self._mounted()
        as_of = self.release_of(portfolio_id).as_of
        if as_of is None:
            return []
        rows = newest.rows(_SQL["positions"], portfolio_id=str(portfolio_id), on=min(on or as_of, as_of))
        return [ValuedPosition(**row, avg_cost=_average(row["cost_basis"], row["quantity"])) for row in rows]

    def get_cash(self, portfolio_id: UUID, on: date | None = None) -> Sequence[ReleasedCash]:
        """Cash of each currency at the close of `on`, or of the release's `as_of` where that is earlier."""
        as_of = self.release_of(portfolio_id).as_of
        if as_of is None:
            return []
        return self.get_cash_of([str(portfolio_id)], min(on or as_of, as_of)).get(str(portfolio_id), [])

    def get_cash_of(self, portfolio_ids: Sequence[str], on: date) -> Mapping[str, Sequence[ReleasedCash]]:
        """The cash of each of the portfolios that has any at the close of `on`."""
        rows = self._mounted().rows(_SQL["cash"], portfolio_ids=list(portfolio_ids), on=on)
        return {portfolio_id: [ReleasedCash(**row) for row in own] for portfolio_id, own in _by_portfolio(rows).items()}

    def get_values(self, portfolio_id: UUID, start: date | None, end: date | None) -> Sequence[PortfolioValue]:
        asked = {"portfolio_id": str(portfolio_id), "start": start, "end": end}
        newest = self._mounted()
        rows = newest.rows(_SQL["values"], **asked)
        ages = {row.pop("business_date"): row for row in newest.rows(_SQL["value_ages"], **asked)}
        doubtful = newest.rows(_SQL["unconfirmed"], portfolio_id=str(portfolio_id)) if rows else []
        counts = {row["business_date"]: row["n_unconfirmed"] for row in doubtful}
        return [
            PortfolioValue(
                **row,
                **ages.get(row["business_date"], _OF_THE_DAY),
                n_unconfirmed=counts.get(row["business_date"], 0),
            )
            for row in rows
        ]

    def get_value_statuses(
        self, portfolio_id: UUID, days: Collection[date], with_parts: bool = False
    ) -> Mapping[tuple[Level, int | None, date], str]:
        """The worst status of what was held at the close of each of `days`: of the PORTFOLIO and, `with_parts`, of each
        ACCOUNT and POSITION by its id. Where nothing was held there is none."""
        asked = {"portfolio_id": str(portfolio_id), "days": sorted(days), "with_parts": with_parts}
        rows = self._mounted().rows(_SQL["value_statuses"], **asked) if days else []
        return {
            (Level(row["level"]), row["account_id"] or row["security_id"], row["business_date"]): row["status"]
            for row in rows
        }

    def get_holdings(self, portfolio_ids: Sequence[str], on: date) -> Mapping[str, Sequence[ValuedHolding]]:
        """List the holdings of each of the portfolios at the close of `on`, the largest first."""
        rows = self._mounted().rows(_SQL["holdings"], portfolio_ids=list(portfolio_ids), on=on)
        return {
            portfolio_id: [ValuedHolding(**row) for row in own] for portfolio_id, own in _by_portfolio(rows).items()
        }

    def explain(self, portfolio_id: UUID, security_id: int, on: date | None = None) -> ValueLineage:
        """Return the lineage of a security's value in a portfolio, on `on` or on the release's last day, if earlier."""
        newest = self._mounted()
        as_of = self.release_of(portfolio_id).as_of
        if as_of is None:
            raise NoRelease()
        return explained(newest, portfolio_id, security_id, min(on or as_of, as_of))

    def restated(self, portfolio_id: UUID, since: datetime) -> Restatement:
        """Return how the newest release differs from the one that was the newest at `since`."""
        assert isinstance(self._mounted, MountedReleases), "of one release there is no older one"
        return restatement(self._mounted.known_on(since), self._mounted(), portfolio_id)


def _limit(stored: Mapping[str, Any]) -> Limit:
    facts: dict[str, Any] = {**stored, "measure": Measure(stored["measure"])}
    return Limit(**facts)


def _average(cost_basis: Decimal | None, quantity: Decimal) -> Decimal | None:
    return None if cost_basis is None else average_cost(cost_basis, quantity)


def _by_portfolio(rows: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The rows of each portfolio, without its id."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row.pop("portfolio_id"), []).append(row)
    return found
