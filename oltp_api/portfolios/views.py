"""Queries of the database that answer views, for people to see. Nothing here writes."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID

from domain.errors import PortfolioNotFound, SimulationNotFound
from domain.holdings import average_cost
from domain.ledger import Transaction
from oltp_api.connections import Connection
from oltp_api.ledger.schemas import (
    AccountHoldingView,
    BalanceView,
    CashView,
    HoldingsView,
    HoldingView,
    LotView,
    TransactionPage,
    TransactionsView,
)
from oltp_api.portfolios.schemas import PortfolioPage, PortfolioView, SimulationPage, SimulationView
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.web.pages import fetch_page, orders, text
from storage.queries import statements

_READS = statements("oltp_api/portfolios/views.sql")
_ANY_PORTFOLIO: Mapping[str, object] = {"name": None, "kind": None, "archived": None}
_ANY_TRANSACTION: Mapping[str, object] = dict.fromkeys(("txn_type", "ticker", "account", "start", "end"))
PORTFOLIO_ORDERS = orders(
    created={"created_at": datetime.fromisoformat, "portfolio_id": UUID},
    name={"name": text, "portfolio_id": UUID},
)
TRANSACTION_ORDERS = orders(
    seq={"seq": int},
    business_date={"business_date": date.fromisoformat, "seq": int},
)
SIMULATION_ORDERS = orders(requested={"requested_at": datetime.fromisoformat, "simulation_id": UUID})


class Reads:
    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    @property
    def _connection(self) -> Connection:
        """Connection on which a query sees what this unit of work is about to write."""
        self._work.flush()
        return self._work.connection

    def portfolio(self, user_id: UUID, portfolio_id: UUID) -> PortfolioView:
        rows = self._rows("portfolio", user_id=user_id, portfolio_id=portfolio_id)
        if not rows:
            raise PortfolioNotFound(portfolio_id)
        return PortfolioView(**rows[0])

    def portfolios(self, user_id: UUID, sort: str, limit: int, cursor: str | None, **wanted: object) -> PortfolioPage:
        """Portfolios with `name` in their name, of a `kind`, `archived` or not."""
        asked = {**_ANY_PORTFOLIO, **wanted, "user_id": user_id}
        page = fetch_page(self._connection, _READS["portfolios"], asked, PORTFOLIO_ORDERS[sort], limit, cursor)
        return PortfolioPage.model_validate(page)

    def recorded(self, portfolio_id: UUID, rows: Sequence[Transaction]) -> TransactionsView:
        """Rows that this unit of work has recorded, one after another."""
        after = TRANSACTION_ORDERS["seq"].cursor_of({"seq": rows[0].seq - 1})
        page = self.transactions(portfolio_id, "seq", len(rows), after)
        return TransactionsView(transactions=page.items)

    def transactions(
        self, portfolio_id: UUID, sort: str, limit: int, cursor: str | None, **wanted: object
    ) -> TransactionPage:
        """Ledger rows of a `txn_type`, `ticker` or `account`, dated `start` to `end`; None is any."""
        asked = {**_ANY_TRANSACTION, **wanted, "portfolio_id": portfolio_id}
        page = fetch_page(self._connection, _READS["transactions"], asked, TRANSACTION_ORDERS[sort], limit, cursor)
        return TransactionPage.model_validate(page)

    def holdings(self, portfolio_id: UUID) -> HoldingsView:
        rows = self._rows("holdings", portfolio_id=portfolio_id)
        by_security = groupby(rows, key=lambda row: row["security_id"])
        return HoldingsView(
            portfolio_id=portfolio_id, holdings=[_holding(list(accounts)) for _, accounts in by_security]
        )

    def cash(self, portfolio_id: UUID) -> CashView:
        rows = self._rows("cash", portfolio_id=portfolio_id)
        return CashView(portfolio_id=portfolio_id, balances=[BalanceView(**row) for row in rows])

    def simulation(self, user_id: UUID, simulation_id: UUID) -> SimulationView:
        rows = self._rows("simulations", user_id=user_id, portfolio_id=None, simulation_id=simulation_id, status=None)
        if not rows:
            raise SimulationNotFound(simulation_id)
        return SimulationView(**rows[0])

    def simulations(
        self, user_id: UUID, portfolio_id: UUID, status: str | None, sort: str, limit: int, cursor: str | None
    ) -> SimulationPage:
        asked = {"user_id": user_id, "portfolio_id": portfolio_id, "simulation_id": None, "status": status}
        page = fetch_page(self._connection, _READS["simulations"], asked, SIMULATION_ORDERS[sort], limit, cursor)
        return SimulationPage.model_validate(page)

    def standing_simulation(self, user_id: UUID, portfolio_id: UUID) -> UUID | None:
        """The standing simulation of the portfolio, once it is DONE."""
        page = self.simulations(user_id, portfolio_id, "DONE", "-requested", _MANY, None)
        return next((found.simulation_id for found in page.items if found.is_standing), None)

    def _rows(self, name: str, **parameters: object) -> list[dict[str, Any]]:
        return self._connection.execute(_READS[name], parameters).fetchall()


_MANY = 1000
_COSTS = ("cost_basis", "cost_basis_base")
_GAINS = ("realised", "realised_base", "realised_fx_base")


def _holding(rows: Sequence[dict[str, Any]]) -> HoldingView:
    first = rows[0]
    summed = {name: sum((row[name] for row in rows), Decimal(0)) for name in ("quantity", *_COSTS, *_GAINS)}
    known = {name: all(row[name] for row in rows) for name in ("is_basis_known", "is_realised_known")}
    return HoldingView(
        security_id=first["security_id"],
        ticker=first["ticker"],
        currency=first["currency"],
        accounts=[
            AccountHoldingView(account=row["account"], reserved=row["reserved"], lots=_lots(row), **_figures(row))
            for row in rows
        ],
        **_figures({**summed, **known}),
    )


def _figures(row: Mapping[str, Any]) -> dict[str, Any]:
    """Quantity, cost and gains; what rests on an unknown basis is absent, never 0."""
    known = row["is_basis_known"]
    costs = {name: row[name] if known else None for name in _COSTS}
    gains = {name: row[name] if row["is_realised_known"] else None for name in _GAINS}
    avg_cost = average_cost(row["cost_basis"], row["quantity"]) if known else None
    basis = "KNOWN" if known else "UNKNOWN"
    return {"quantity": row["quantity"], "avg_cost": avg_cost, "basis": basis, **costs, **gains}


def _lots(row: Mapping[str, Any]) -> list[LotView] | None:
    if row["lots"] is None:
        return None
    return [LotView(**dict(zip(LotView.model_fields, lot, strict=False))) for lot in row["lots"]]
