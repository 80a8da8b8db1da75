"""One transaction of the database, with everything that may be written or read inside it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from psycopg_pool import ConnectionPool

from domain.ports import Clock
from oltp_api.connections import Connection
from oltp_api.repositories.accounts import PostgresAccountRepository
from oltp_api.repositories.books import Books
from oltp_api.repositories.edits import PortfolioEdits
from oltp_api.repositories.imports import PostgresImports
from oltp_api.repositories.orders import PostgresOrderRepository
from oltp_api.repositories.portfolios import PostgresPortfolioRepository
from oltp_api.repositories.prices import PostgresPostedPrices
from oltp_api.repositories.reads import Reads
from oltp_api.repositories.requests import (
    OutboxPublisher,
    PostgresIdempotencyKeys,
    PostgresSimulationRequests,
)
from oltp_api.repositories.securities import PostgresSecurityRepository

Pool = ConnectionPool[Connection]


_MOST_IN_A_PIPELINE = 100_000
"""Characters. A pipeline of psycopg 3.3.9 that sends some 5 MB before it reads waits for ever (2026-11-20)."""


class UnitOfWork:
    """Repositories on one connection. All that it records carries one `recorded_at`."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        now = clock.now()
        self._connection = connection
        self._written_later: list[tuple[str, Mapping[str, Any]]] = []
        self.clock = clock
        self.recorded_at = now
        self.at_once = connection.pipeline
        """Inside `with work.at_once():`, what is asked shares one round trip."""
        self.portfolios = PostgresPortfolioRepository(connection, now, self.write_later)
        self.orders = PostgresOrderRepository(connection, now, self.write_later, self.flush)
        self.securities = PostgresSecurityRepository(connection)
        self.prices = PostgresPostedPrices(connection, now)
        self.accounts = PostgresAccountRepository(connection, now)
        self.edits = PortfolioEdits(connection, now)
        self.simulations = PostgresSimulationRequests(connection, now)
        self.events = OutboxPublisher(connection)
        self.keys = PostgresIdempotencyKeys(connection, self.write_later)
        self.imports = PostgresImports(connection, now)
        self.reads = Reads(connection, self.flush)
        self.books = Books(connection, clock)

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """Inside `with work.rehearsal():`, everything happens and nothing stays."""
        self.flush()
        self._connection.execute("savepoint rehearsal")
        yield
        self.flush()
        self._connection.execute("rollback to savepoint rehearsal")

    def flush(self) -> None:
        """Send what was to be written later."""
        pending, self._written_later = self._written_later, []
        for statement, values in pending:
            self._connection.execute(statement, values)

    def commit(self) -> None:
        """Send what was to be written later and commit, in one round trip."""
        if self._pending_size() > _MOST_IN_A_PIPELINE:
            self.flush()
        with self._connection.pipeline():
            self.flush()
            self._connection.commit()

    def _pending_size(self) -> int:
        return sum(
            len(value) for _, values in self._written_later for value in values.values() if isinstance(value, str)
        )

    def write_later(self, statement: str, values: Mapping[str, Any]) -> None:
        """Keep a write that nothing in this unit of work reads until it is committed."""
        self._written_later.append((statement, values))


@contextmanager
def unit_of_work(pool: Pool, clock: Clock) -> Iterator[UnitOfWork]:
    """Commits when left; an exception rolls everything back."""
    with pool.connection() as connection:
        work = UnitOfWork(connection, clock)
        yield work
        work.commit()
