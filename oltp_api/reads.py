"""What people see of the database: queries that answer views. Nothing here writes."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import DictRow

from domain.errors import PortfolioNotFound, SecurityNotFound, SimulationNotFound
from domain.holdings import Holding
from domain.securities import parse_ticker
from oltp_api.schemas import (
    AccountHoldingView,
    BalanceView,
    CashView,
    HoldingsView,
    HoldingView,
    PortfolioPage,
    PortfolioView,
    SecurityPage,
    SecurityView,
    SimulationsView,
    SimulationView,
    TransactionPage,
    TransactionView,
)
from storage.queries import statements

_READS = statements("oltp_api", "reads")
_MOST_SIMULATIONS = 1000


class Reads:
    def __init__(self, connection: psycopg.Connection[DictRow]) -> None:
        self._connection = connection

    def portfolio(self, user_id: UUID, portfolio_id: UUID) -> PortfolioView:
        rows = self._rows("portfolio", user_id=user_id, portfolio_id=portfolio_id)
        if not rows:
            raise PortfolioNotFound(portfolio_id)
        return PortfolioView(**rows[0])

    def portfolios(self, user_id: UUID, limit: int, cursor: UUID | None) -> PortfolioPage:
        rows = self._rows("portfolios", user_id=user_id, limit=limit + 1, cursor=cursor)
        items = [PortfolioView(**row) for row in rows[:limit]]
        return PortfolioPage(items=items, next_cursor=items[-1].portfolio_id if len(rows) > limit else None)

    def transaction(self, portfolio_id: UUID, seq: int) -> TransactionView:
        return self.transactions(portfolio_id, limit=1, after_seq=seq - 1).items[0]

    def transactions(
        self,
        portfolio_id: UUID,
        limit: int,
        after_seq: int = 0,
        txn_type: str | None = None,
        ticker: str | None = None,
        start: date | None = None,
        end: date | None = None,
    ) -> TransactionPage:
        """Ledger rows above `after_seq`, in ledger order."""
        rows = self._rows(
            "transactions",
            portfolio_id=portfolio_id,
            limit=limit + 1,
            after_seq=after_seq,
            txn_type=txn_type,
            ticker=parse_ticker(ticker) if ticker else None,
            start=start,
            end=end,
        )
        items = [TransactionView(**row) for row in rows[:limit]]
        return TransactionPage(items=items, next_cursor=items[-1].seq if len(rows) > limit else None)

    def holdings(self, portfolio_id: UUID) -> HoldingsView:
        rows = self._rows("holdings", portfolio_id=portfolio_id)
        by_security = groupby(rows, key=lambda row: row["security_id"])
        return HoldingsView(
            portfolio_id=portfolio_id, holdings=[_holding(list(accounts)) for _, accounts in by_security]
        )

    def cash(self, portfolio_id: UUID) -> CashView:
        rows = self._rows("cash", portfolio_id=portfolio_id)
        return CashView(portfolio_id=portfolio_id, balances=[BalanceView(**row) for row in rows])

    def security(self, ticker: str) -> SecurityView:
        rows = self._rows("securities", ticker=parse_ticker(ticker), cursor=None, q=None, limit=1)
        if not rows:
            raise SecurityNotFound(ticker)
        return SecurityView(**rows[0])

    def securities(self, q: str | None, limit: int, cursor: str | None) -> SecurityPage:
        """Securities whose ticker or name contains `q`, by ticker."""
        rows = self._rows("securities", ticker=None, q=q, cursor=cursor, limit=limit + 1)
        items = [SecurityView(**row) for row in rows[:limit]]
        return SecurityPage(items=items, next_cursor=items[-1].ticker if len(rows) > limit else None)

    def simulation(self, user_id: UUID, simulation_id: UUID) -> SimulationView:
        rows = self._rows("simulations", user_id=user_id, portfolio_id=None, simulation_id=simulation_id, limit=1)
        if not rows:
            raise SimulationNotFound(simulation_id)
        return SimulationView(**rows[0])

    def simulations(self, user_id: UUID, portfolio_id: UUID) -> SimulationsView:
        asked = {"user_id": user_id, "portfolio_id": portfolio_id, "simulation_id": None}
        rows = self._rows("simulations", **asked, limit=_MOST_SIMULATIONS)
        return SimulationsView(items=[SimulationView(**row) for row in rows])

    def _rows(self, name: str, **parameters: object) -> list[dict[str, Any]]:
        return self._connection.execute(_READS[name], parameters).fetchall()


def _holding(rows: Sequence[dict[str, Any]]) -> HoldingView:
    first = rows[0]
    total = Holding(*(sum((row[name] for row in rows), Decimal(0)) for name in Holding.__slots__))
    accounts = [
        AccountHoldingView(
            account=row["account"],
            quantity=row["quantity"],
            avg_cost=Holding(row["quantity"], row["cost_basis"]).avg_cost,
            cost_basis=row["cost_basis"],
            realised=row["realised"],
        )
        for row in rows
    ]
    return HoldingView(
        security_id=first["security_id"],
        ticker=first["ticker"],
        currency=first["currency"],
        quantity=total.quantity,
        avg_cost=total.avg_cost,
        cost_basis=total.cost_basis,
        realised=total.realised,
        accounts=accounts,
    )
