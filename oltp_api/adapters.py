"""The ports on PostgreSQL: repositories of what is written, the outbox, and idempotency keys.

Each is bound to the connection of one unit of work and sees only its transaction. SQL is in `sql/`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

import psycopg

from domain.errors import AlreadyExists, IdempotencyConflict, InvalidInput
from domain.events import DomainEvent
from domain.ports import SimulationRequest
from domain.securities import AssetType, Security
from oltp_api.portfolio_repository import Asked, Connection
from storage.outbox import write_event
from storage.queries import statements

_REGISTRY = statements("oltp_api", "registry")
_REQUESTS = statements("oltp_api", "requests")
_EQUITY_DETAILS = ("exchange", "country", "sector", "industry")


class PostgresSecurityRepository:
    """The registry that all users share: what exists is never rewritten."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, ticker: str) -> Security | None:
        return self.ask(ticker)()

    def ask(self, ticker: str) -> Asked[Security | None]:
        """`find`, to be waited for later."""
        found = self._connection.execute(_REGISTRY["find"], {"ticker": ticker})

        def security() -> Security | None:
            row = found.fetchone()
            return Security(**{**row, "asset_type": AssetType(row["asset_type"])}) if row else None

        return security

    def registered(self, tickers: Sequence[str]) -> set[str]:
        rows = self._connection.execute(_REGISTRY["registered"], {"tickers": list(tickers)}).fetchall()
        return {row["ticker"] for row in rows}

    def add(self, security: Security, **details: str | None) -> Security:
        """The security with the id it got; AlreadyExists if its ticker has a meaning, also from a parallel request."""
        try:
            with self._connection.transaction():
                return self._add(security, details)
        except psycopg.errors.UniqueViolation as error:
            raise AlreadyExists("security", security.ticker) from error

    def _add(self, security: Security, details: dict[str, str | None]) -> Security:
        values = {
            "asset_type": security.asset_type.value,
            "currency": security.currency,
            "display_name": security.display_name,
        }
        row = self._connection.execute(_REGISTRY["add"], values).fetchone()
        assert row is not None
        security_id = row["security_id"]
        self._connection.execute(_REGISTRY["add_identifier"], {"security_id": security_id, "ticker": security.ticker})
        if security.asset_type in (AssetType.EQUITY, AssetType.ETF):
            described = {name: details.get(name) for name in _EQUITY_DETAILS}
            self._connection.execute(_REGISTRY["add_equity_details"], {"security_id": security_id, **described})
        return Security(security_id, security.ticker, security.asset_type, security.currency, security.display_name)


class PostgresAccountRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def id_of(self, user_id: UUID, identifier: str) -> int:
        return self.ask(user_id, identifier)()

    def ask(self, user_id: UUID, identifier: str) -> Asked[int]:
        """`id_of`, to be waited for later."""
        found = self._connection.execute(_REGISTRY["account"], {"user_id": user_id, "identifier": identifier})

        def account_id() -> int:
            row = found.fetchone()
            if row is None:
                raise InvalidInput("account", f"{identifier[:40]!r} is not one of your accounts")
            return int(row["account_id"])

        return account_id


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


class KeyTaken(Exception):
    """Another request with this Idempotency-Key has committed."""


class PostgresIdempotencyKeys:
    """Keys live in the transaction of the effect: both are there after a crash, or neither."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, user_id: UUID, key: str, request_hash: str) -> Answer | None:
        """The answer to this request, if it was given; IdempotencyConflict if the key was another request's."""
        row = self._connection.execute(_REQUESTS["find_key"], {"user_id": user_id, "key": key}).fetchone()
        if row is None:
            return None
        if row["request_hash"] != request_hash:
            raise IdempotencyConflict(key)
        return Answer(row["status"], row["body"])

    def keep(self, user_id: UUID, key: str, request_hash: str, answer: Answer) -> None:
        """Claim the key and commit, in one round trip; waits for a parallel twin, and is KeyTaken if it commits."""
        values = {"user_id": user_id, "key": key, "request_hash": request_hash, **asdict(answer)}
        try:
            with self._connection.pipeline():
                self._connection.execute(_REQUESTS["keep_key"], values)
                self._connection.commit()
        except psycopg.errors.UniqueViolation as error:
            raise KeyTaken from error
