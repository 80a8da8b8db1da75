"""The ports on PostgreSQL: repositories of what is written, the outbox, and idempotency keys.

Each is bound to the connection of one unit of work and sees only its transaction. SQL is in `sql/`.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

import psycopg
from psycopg.rows import DictRow

from domain.errors import IdempotencyConflict, PortfolioNotFound
from domain.events import DomainEvent
from domain.holdings import Holding
from domain.ledger import Transaction, TxnType
from domain.portfolio import Portfolio, PortfolioKind, When
from domain.ports import SimulationRequest
from storage.outbox import write_event
from storage.queries import statements

Connection = psycopg.Connection[DictRow]

_PORTFOLIOS = statements("oltp_api", "portfolios")
_REQUESTS = statements("oltp_api", "requests")


class PostgresPortfolioRepository:
    """Portfolios for writing. `lock` keeps every other writer of the portfolio out until the commit."""

    LOCK = _PORTFOLIOS["lock"]

    def __init__(self, connection: Connection, recorded_at: datetime) -> None:
        self._connection = connection
        self._recorded_at = recorded_at

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
            },
        )

    def lock(self, user_id: UUID, portfolio_id: UUID) -> Portfolio:
        asked = {"user_id": user_id, "portfolio_id": portfolio_id}
        row = self._connection.execute(self.LOCK, asked).fetchone()
        if row is None:
            raise PortfolioNotFound(portfolio_id)
        # A statement of its own: its snapshot is taken after the lock, so it sees what the last writer committed.
        balances = self._connection.execute(_PORTFOLIOS["cash"], asked).fetchall()
        last_event_ts, last_day = row.pop("last_event_ts"), row.pop("last_business_date")
        return Portfolio(
            **{**row, "kind": PortfolioKind(row["kind"])},
            last=When(last_event_ts, last_day) if last_event_ts else None,
            cash={balance["currency"]: balance["balance"] for balance in balances},
        )

    def load_holdings(self, portfolio: Portfolio, security_id: int) -> None:
        asked = {"portfolio_id": portfolio.portfolio_id, "security_id": security_id}
        for row in self._connection.execute(_PORTFOLIOS["holdings"], asked).fetchall():
            key = (row["account_id"], row["security_id"])
            portfolio.holdings[key] = Holding(row["quantity"], row["cost_basis"], row["realised"])

    def history(self, portfolio_id: UUID) -> list[Transaction]:
        rows = self._connection.execute(_PORTFOLIOS["history"], {"portfolio_id": portfolio_id}).fetchall()
        return [Transaction(**{**row, "txn_type": TxnType(row["txn_type"])}) for row in rows]

    def save(self, portfolio: Portfolio) -> None:
        """Append the rows decided since loading, and write every holding and balance that the root carries."""
        if not portfolio.rows:
            return
        assert portfolio.last is not None, "a decided row has a moment"
        identity = {"portfolio_id": portfolio.portfolio_id}
        with self._connection.pipeline(), self._connection.cursor() as cursor:
            cursor.executemany(_PORTFOLIOS["append"], [self._ledger_row(row) for row in portfolio.rows])
            cursor.executemany(_PORTFOLIOS["save_holding"], _holding_rows(portfolio))
            cursor.executemany(
                _PORTFOLIOS["save_cash"],
                [{**identity, "currency": name, "balance": balance} for name, balance in portfolio.cash.items()],
            )
            cursor.execute(
                _PORTFOLIOS["save_version"],
                {
                    **identity,
                    "version": portfolio.version,
                    "last_business_date": portfolio.last.business_date,
                    "last_event_ts": portfolio.last.event_ts,
                },
            )

    def _ledger_row(self, row: Transaction) -> dict[str, object]:
        return {**asdict(row), "txn_type": row.txn_type.value, "recorded_at": self._recorded_at}


class PostgresSimulationRequests:
    """Requests for simulations; the pipeline answers them."""

    def __init__(self, connection: Connection, requested_at: datetime) -> None:
        self._connection = connection
        self._requested_at = requested_at

    def add(self, user_id: UUID, request: SimulationRequest) -> None:
        values = {**asdict(request), "user_id": user_id, "requested_at": self._requested_at}
        self._connection.execute(_REQUESTS["add_simulation"], values)


class OutboxPublisher:
    """Events become rows of the outbox, in the transaction that made them true."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def publish(self, aggregate_id: UUID, version: int, event: DomainEvent) -> None:
        write_event(self._connection, aggregate_id, version, event)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to a request with an idempotency key: the status and the very bytes of the body."""

    status: int
    body: str


class PostgresIdempotencyKeys:
    """Keys live in the transaction of the effect: both are there after a crash, or neither."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def claim(self, user_id: UUID, key: str, request_hash: str) -> Answer | None:
        """None if the key is ours now; the first answer if this request was answered. Waits for a parallel twin."""
        asked = {"user_id": user_id, "key": key, "request_hash": request_hash}
        if self._connection.execute(_REQUESTS["claim_key"], asked).rowcount:
            return None
        row = self._connection.execute(_REQUESTS["find_key"], asked).fetchone()
        assert row is not None, "a conflicting key is committed"
        if row["request_hash"] != request_hash:
            raise IdempotencyConflict(key)
        return Answer(row["status"], row["body"])

    def answer(self, user_id: UUID, key: str, answer: Answer) -> None:
        self._connection.execute(_REQUESTS["answer_key"], {"user_id": user_id, "key": key, **asdict(answer)})


def _holding_rows(portfolio: Portfolio) -> Iterable[dict[str, object]]:
    for (account_id, security_id), held in sorted(portfolio.holdings.items()):
        yield {
            "portfolio_id": portfolio.portfolio_id,
            "account_id": account_id,
            "security_id": security_id,
            "quantity": held.quantity,
            "cost_basis": held.cost_basis,
            "realised": held.realised,
        }
