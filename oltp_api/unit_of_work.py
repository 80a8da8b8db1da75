"""One transaction of the database, with everything that may be written or read inside it."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg_pool import ConnectionPool

from domain.ports import Clock
from oltp_api.accounts import PostgresAccountRepository
from oltp_api.adapters import (
    Connection,
    OutboxPublisher,
    PostgresIdempotencyKeys,
    PostgresPortfolioRepository,
    PostgresSimulationRequests,
)
from oltp_api.edits import PortfolioEdits
from oltp_api.reads import Reads
from oltp_api.registry_store import PostgresSecurityRepository

Pool = ConnectionPool[Connection]


class UnitOfWork:
    """Repositories on one connection. All that it records carries one `recorded_at`."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        now = clock.now()
        self.clock = clock
        self.portfolios = PostgresPortfolioRepository(connection, now)
        self.securities = PostgresSecurityRepository(connection)
        self.accounts = PostgresAccountRepository(connection, now)
        self.edits = PortfolioEdits(connection, now)
        self.simulations = PostgresSimulationRequests(connection, now)
        self.events = OutboxPublisher(connection)
        self.keys = PostgresIdempotencyKeys(connection)
        self.reads = Reads(connection)


@contextmanager
def unit_of_work(pool: Pool, clock: Clock) -> Iterator[UnitOfWork]:
    """Commits when left; an exception rolls everything back.

    The transaction is opened here: otherwise the first `transaction()` of a repository, meant as a savepoint, would
    be the outermost one and commit by itself.
    """
    with pool.connection() as connection, connection.transaction():
        yield UnitOfWork(connection, clock)
