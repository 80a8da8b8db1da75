"""Bonds that a portfolio has had, and portfolios that may be owed something. SQL in `queries.sql`."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from domain.analytics.fixed_income.bond_facts import bond_of
from domain.bond_income import BondTerms
from domain.securities import PriceKind
from oltp_api.unit_of_work import UnitOfWork
from storage.queries import statements

_BONDS = statements("oltp_api/bond_income/queries.sql")


class HeldBond(NamedTuple):
    """A bond of a portfolio; without `terms` the `reason` why what it pays is not known."""

    security_id: int
    ticker: str
    terms: BondTerms | None
    reason: str


class Candidate(NamedTuple):
    """A portfolio that has had bonds."""

    user_id: UUID
    portfolio_id: UUID
    base_currency: str
    time_zone: str


class HeldBonds:
    def __init__(self, work: UnitOfWork) -> None:
        self._connection = work.connection

    def of_portfolio(self, portfolio_id: UUID) -> list[HeldBond]:
        rows = self._connection.execute(_BONDS["held"], {"portfolio_id": portfolio_id}).fetchall()
        return [HeldBond(row["security_id"], row["ticker"], *_terms(row)) for row in rows]

    def horizon(self) -> str:
        """To be asked `changed_since` later, so that nothing is missed that is committed from now on."""
        row = self._connection.execute(_BONDS["horizon"]).fetchone()
        assert row is not None
        return str(row["xmin"])

    def changed_since(self, horizon: str) -> Sequence[Candidate]:
        rows = self._connection.execute(_BONDS["changed"], {"since": horizon}).fetchall()
        return [Candidate(**row) for row in rows]


def _terms(row: dict[str, object]) -> tuple[BondTerms | None, str]:
    if row["price_kind"] == PriceKind.TOTAL_RETURN:
        return None, "its price is a total return, which has the coupons in it"
    if row["maturity_date"] is None:
        return None, "its bond details are not registered"
    try:
        bond = bond_of(row)
    except ValueError as error:
        return None, str(error)
    return BondTerms(int(str(row["security_id"])), str(row["currency"]), bond), ""
