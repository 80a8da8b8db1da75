"""Gains of a portfolio as a release has them: disposals, income beside them, closed positions. SQL in `gains.sql`."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from application.analytics.released import ReleasedAnalytics
from domain.disposals import Term
from domain.gains import ClosedPosition, IncomeLine, IncomeType, ReleasedDisposal
from domain.ledger import TxnType
from domain.money import product
from storage.queries import statements

_SQL = statements("application/analytics/gains.sql")


class GainAnalytics(ReleasedAnalytics):
    """Facts of the ledger that the release shows, whether or not there is a price of their day yet."""

    def get_gain_terms(self, portfolio_id: UUID) -> Mapping[str, Any]:
        """The portfolio's settings in the release; empty if the release does not know it."""
        rows = self._mounted().rows(_SQL["terms"], portfolio_id=str(portfolio_id))
        return rows[0] if rows else {}

    def get_gain_years(self, portfolio_id: UUID) -> Sequence[int]:
        """The years in which something was disposed of, received, withheld or paid; the newest first."""
        found = [
            row["year"]
            for name in ("years", "income_years")
            for row in self._mounted().rows(_SQL[name], portfolio_id=str(portfolio_id))
        ]
        return sorted(set(found), reverse=True)

    def get_disposals(self, portfolio_id: UUID, year: int | None) -> Sequence[ReleasedDisposal] | None:
        """Disposals that were realised in `year`, or in any, in order of day; None of a release from before they were
        kept."""
        newest = self._mounted()
        if not newest.has_tables_of(_SQL["disposals"]):
            return None
        rows = newest.rows(_SQL["disposals"], portfolio_id=str(portfolio_id), year=year)
        return [_disposal(row) for row in rows]

    def get_income(self, portfolio_id: UUID, year: int | None) -> Sequence[IncomeLine]:
        """Income, taxes and fees of `year`, or of all years, in order of day."""
        rows = self._mounted().rows(_SQL["income"], portfolio_id=str(portfolio_id), year=year)
        return [_line(row) for row in rows]

    def get_closed(self, portfolio_id: UUID, on: date) -> Sequence[ClosedPosition]:
        """Positions that are closed at the close of `on`, in order of the day on which they were."""
        rows = self._mounted().rows(_SQL["closed"], portfolio_id=str(portfolio_id), on=on)
        return [ClosedPosition(**row) for row in rows]


def _disposal(row: Mapping[str, Any]) -> ReleasedDisposal:
    facts: dict[str, Any] = {
        **row,
        "portfolio_id": UUID(row["portfolio_id"]),
        "txn_type": TxnType(row["txn_type"]),
        "term": None if row["term"] is None else Term(row["term"]),
    }
    return ReleasedDisposal(**facts)


def _line(row: Mapping[str, Any]) -> IncomeLine:
    facts = {name: value for name, value in row.items() if name != "fx_rate"}
    rate = row["fx_rate"]
    facts["amount_base"] = None if rate is None else product(row["amount"], rate)
    facts["income_type"] = IncomeType(row["income_type"])
    return IncomeLine(**facts)
