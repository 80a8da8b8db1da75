"""One transaction of the database, with everything that may be written or read inside it."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg_pool import ConnectionPool

from domain.ports import Clock
from oltp_api.adapters import (
    OutboxPublisher,
    PostgresAccountRepository,
    PostgresIdempotencyKeys,
    PostgresSecurityRepository,
    PostgresSimulationRequests,
)
from oltp_api.order_repository import PostgresOrderRepository
from oltp_api.portfolio_repository import Connection, PostgresPortfolioRepository
from oltp_api.reads import Reads

Pool = ConnectionPool[Connection]


class UnitOfWork:
    """Repositories on one connection. All that it records carries one `recorded_at`."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        now = clock.now()
        self.clock = clock
        self.recorded_at = now
        self.at_once = connection.pipeline
        """Inside `with work.at_once():`, what is asked shares one round trip."""
        self.portfolios = PostgresPortfolioRepository(connection, now)
        self.orders = PostgresOrderRepository(connection, now)
        self.securities = PostgresSecurityRepository(connection)
        self.accounts = PostgresAccountRepository(connection)
        self.simulations = PostgresSimulationRequests(connection, now)
        self.events = OutboxPublisher(connection)
        self.keys = PostgresIdempotencyKeys(connection)
        self.reads = Reads(connection)


@contextmanager
def unit_of_work(pool: Pool, clock: Clock) -> Iterator[UnitOfWork]:
    """Commits when left; an exception rolls everything back."""
    with pool.connection() as connection:
        yield UnitOfWork(connection, clock)
