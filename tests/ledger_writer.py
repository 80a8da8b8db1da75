"""Writers of the ledger that never rest, for tests of what is copied meanwhile.

Each has portfolios of its own and commits as a command does: ledger rows, version, head, cash and holding at once. Some
units of work stay open while later ones commit.
"""

import hashlib
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from uuid import UUID

import psycopg

from storage.postgres.database import Database

USER = "00000000-0000-4000-8000-000000000001"
_NEW_PORTFOLIO = """
    insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone)
    values (%s, %s, 'Core', 'USD', 'INVESTMENT', 'America/New_York')
"""
_NEW_SECURITY = "insert into security_registry (asset_type, currency, display_name) values ('EQUITY', 'USD', 'A')"
_ROW = """
    insert into transaction_ledger
        (portfolio_id, seq, account_id, security_id, txn_type, quantity, price, fees, cash_effect, currency,
         business_date, event_ts, recorded_at, gross, row_hash)
    values (%s, %s, 1, 1, 'BUY', %s, %s, 0, %s, 'USD', current_date, now(), now(), 0, %s)
"""
_VERSION = "update portfolio set version = %s, ledger_hash = %s where portfolio_id = %s"
_HOLDING = """
    insert into account_holding (portfolio_id, account_id, security_id, quantity, cost_basis, cost_basis_base, realised,
                                 realised_base, realised_fx_base, is_basis_known, is_realised_known)
    values (%s, 1, 1, %s, 0, 0, 0, 0, 0, true, true)
    on conflict (portfolio_id, security_id, account_id) do update
    set quantity = account_holding.quantity + excluded.quantity
"""
_CASH = """
    insert into cash_balance values (%s, 'USD', %s)
    on conflict (portfolio_id, currency) do update set balance = cash_balance.balance + excluded.balance
"""


class Writer:
    """Buys in one portfolio, which nobody else writes to."""

    def __init__(self, connection: psycopg.Connection, portfolio_id: UUID) -> None:
        self.connection, self.portfolio_id, self.version = connection, portfolio_id, 0
        connection.execute(_NEW_PORTFOLIO, (portfolio_id, USER))
        connection.commit()

    def buy(self, *costs: Decimal) -> None:
        """One unit of work with a row per cost; the caller commits."""
        for cost in costs:
            self.version += 1
            head = hashlib.sha256(f"{self.portfolio_id} {self.version} {cost}".encode()).digest()
            self.connection.execute(_ROW, (self.portfolio_id, self.version, cost / 1000, 1, -cost, head))
            self.connection.execute(_VERSION, (self.version, head, self.portfolio_id))
        self.connection.execute(_HOLDING, (self.portfolio_id, sum(cost / 1000 for cost in costs)))
        self.connection.execute(_CASH, (self.portfolio_id, -sum(costs)))


def add_security(database: Database) -> None:
    """The one that is bought."""
    with psycopg.connect(database.services_url) as connection:
        connection.execute(_NEW_SECURITY)


@contextmanager
def writing(database: Database, writers: int = 3, seed: int = 1) -> Iterator[None]:
    """So many of them at work while inside."""
    stop = threading.Event()

    def work(number: int) -> None:
        chance = random.Random(seed + number)
        with psycopg.connect(database.services_url) as connection:
            writer = Writer(connection, UUID(int=chance.getrandbits(128), version=4))
            while not stop.is_set():
                writer.buy(*_costs(chance))
                stop.wait(0.1 if chance.random() < 0.02 else chance.random() * 0.01)  # and others commit meanwhile
                connection.commit()
                stop.wait(chance.random() * 0.01)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _costs(chance: random.Random) -> Sequence[Decimal]:
    return [Decimal(chance.randrange(1, 10**9)).scaleb(-5) for _ in range(chance.choice((1, 1, 1, 2, 5)))]
