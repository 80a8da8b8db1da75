"""The portfolio on PostgreSQL: locked and loaded in one round trip, saved in another. SQL in `sql/portfolios.sql`."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from psycopg.rows import DictRow

from domain.entries import When
from domain.errors import PortfolioNotFound
from domain.events import DomainEvent
from domain.holdings import CostMethod, Holding, Lot
from domain.ledger import Transaction, TxnType, first_hash, row_hash
from domain.money import ZERO
from domain.portfolio import Portfolio, PortfolioKind
from domain.positions import HoldingKey, Positions
from domain.securities import Reference
from oltp_api.connections import Asked, Connection, Later
from storage.correlation import correlation_id
from storage.ledger import holding_columns
from storage.outbox import payload_of
from storage.queries import statements

Happened = tuple[UUID, int, DomainEvent]
"""An event with its aggregate's id and version."""

_PORTFOLIOS = statements("oltp_api", "portfolios")


class PostgresPortfolioRepository:
    """Portfolios for writing. `lock` keeps every other writer of the portfolio out until the commit."""

    LOCK = _PORTFOLIOS["lock"]

    def __init__(self, connection: Connection, recorded_at: datetime, later: Later | None = None) -> None:
        """Without `later`, what is saved is sent at once."""
        self._connection = connection
        self._recorded_at = recorded_at
        self._later: Later = later or connection.execute

    def add(self, portfolio: Portfolio) -> None:
        self._connection.execute(
            _PORTFOLIOS["add"],
            {
                "portfolio_id": portfolio.portfolio_id,
                "user_id": portfolio.user_id,
                "name": portfolio.name,
                "base_currency": portfolio.base_currency,
                "kind": portfolio.kind.value,
                "time_zone": portfolio.time_zone,
                "cost_method": portfolio.cost_method.value,
            },
        )

    def lock(self, user_id: UUID, portfolio_id: UUID, security: Reference | None = None) -> Portfolio:
        with self._connection.pipeline():
            asked = self.ask(user_id, portfolio_id, security)
        return asked()

    def ask(self, user_id: UUID, portfolio_id: UUID, security: Reference | None = None) -> Asked[Portfolio]:
        """`lock`, to be waited for later; with the holdings of whatever `security` may mean."""
        asked = {"user_id": user_id, "portfolio_id": portfolio_id, **_named(security)}
        root = self._connection.execute(self.LOCK, asked)
        # Statements of their own: their snapshots are taken after the lock, so they see what the last writer committed.
        cash = self._connection.execute(_PORTFOLIOS["cash"], asked)
        held = self._connection.execute(_PORTFOLIOS["holdings"], asked) if security is not None else None

        def loaded() -> Portfolio:
            row = root.fetchone()
            if row is None:
                raise PortfolioNotFound(portfolio_id)
            portfolio = _portfolio(row, cash.fetchall())
            _add_holdings(portfolio, held.fetchall() if held else [])
            return portfolio

        return loaded

    def load_holdings(self, portfolio: Portfolio) -> None:
        """Add what is held, or was, of every security."""
        asked = {"portfolio_id": portfolio.portfolio_id, **_named(None)}
        _add_holdings(portfolio, self._connection.execute(_PORTFOLIOS["holdings"], asked).fetchall())

    def history(self, portfolio_id: UUID) -> list[Transaction]:
        rows = self._connection.execute(_PORTFOLIOS["history"], {"portfolio_id": portfolio_id}).fetchall()
        return [Transaction(**{**row, "txn_type": TxnType(row["txn_type"])}) for row in rows]

    def save(self, portfolio: Portfolio, events: Sequence[Happened] = ()) -> None:
        """Append the rows decided since loading, with every holding, balance and event: sent with the commit."""
        rows = []
        head = portfolio.ledger_hash or first_hash(portfolio.portfolio_id)
        for row in portfolio.rows:
            head = row_hash(head, row, self._recorded_at)
            rows.append({**_ledger_row(row), "row_hash": head.hex()})
        last = portfolio.last
        self._later(
            _PORTFOLIOS["save"],
            {
                "portfolio_id": portfolio.portfolio_id,
                "recorded_at": self._recorded_at,
                "rows": _json(rows),
                "holdings": _json([_holding_row(portfolio, key) for key in _held_or_reserved(portfolio)]),
                "cash": _json(_cash_rows(portfolio)),
                "events": _json([_event_row(*event) for event in events]),
                "correlation_id": correlation_id(),
                "version": portfolio.version,
                "last_business_date": last.business_date if last else None,
                "last_event_ts": last.event_ts if last else None,
                "cost_method": portfolio.cost_method.value,
                "ledger_hash": head if rows else portfolio.ledger_hash,
            },
        )


def _named(security: Reference | None) -> dict[str, object]:
    return {
        "identifier": security.value if security else None,
        "security_id": security.security_id if security else None,
    }


def _portfolio(row: DictRow, balances: Sequence[DictRow]) -> Portfolio:
    last_event_ts, last_day = row["last_event_ts"], row["last_business_date"]
    return Portfolio(
        portfolio_id=row["portfolio_id"],
        user_id=row["user_id"],
        name=row["name"],
        base_currency=row["base_currency"],
        kind=PortfolioKind(row["kind"]),
        time_zone=row["time_zone"],
        version=row["version"],
        archived=row["archived"],
        last=When(last_event_ts, last_day) if last_event_ts else None,
        positions=Positions(
            CostMethod(row["cost_method"]), cash={balance["currency"]: balance["balance"] for balance in balances}
        ),
        reserved_cash={balance["currency"]: balance["reserved"] for balance in balances if balance["reserved"]},
        ledger_hash=row["ledger_hash"],
    )


def _add_holdings(portfolio: Portfolio, rows: Sequence[DictRow]) -> None:
    for row in rows:
        key = (row["account_id"], row["security_id"])
        portfolio.holdings[key] = _holding(row)
        if row["reserved"]:
            portfolio.reserved_units[key] = row["reserved"]


def _holding(row: DictRow) -> Holding:
    if row["lots"] is not None:
        lots = tuple(
            Lot(Decimal(quantity), Decimal(cost), Decimal(base), date.fromisoformat(opened), seq, known)
            for quantity, cost, base, opened, seq, known in row["lots"]
        )
    elif row["quantity"]:
        lots = (Lot(row["quantity"], row["cost_basis"], row["cost_basis_base"], is_known=row["is_basis_known"]),)
    else:
        lots = ()
    return Holding(lots, row["realised"], row["realised_base"], row["realised_fx_base"], row["is_realised_known"])


def _held_or_reserved(portfolio: Portfolio) -> list[HoldingKey]:
    """A trading book may reserve units of what it has never held."""
    return sorted(portfolio.holdings.keys() | portfolio.reserved_units.keys())


def _holding_row(portfolio: Portfolio, key: HoldingKey) -> dict[str, object]:
    return {
        "account_id": key[0],
        "security_id": key[1],
        "reserved": portfolio.reserved_units.get(key, ZERO),
        **holding_columns(portfolio.positions.holding(key), portfolio.cost_method),
    }


def _cash_rows(portfolio: Portfolio) -> list[dict[str, object]]:
    currencies = sorted(portfolio.cash.keys() | portfolio.reserved_cash.keys())
    return [
        {
            "currency": currency,
            "balance": portfolio.cash.get(currency, ZERO),
            "reserved": portfolio.reserved_cash.get(currency, ZERO),
        }
        for currency in currencies
    ]


def _ledger_row(row: Transaction) -> dict[str, object]:
    return {name: getattr(row, name) for name in Transaction.__slots__}


def _event_row(aggregate_id: UUID, version: int, event: DomainEvent) -> dict[str, object]:
    return {
        "aggregate_id": aggregate_id,
        "version": version,
        "event_type": type(event).__name__,
        "payload": payload_of(event),
    }


def _json(rows: list[dict[str, object]]) -> str:
    return json.dumps(rows, default=str)
