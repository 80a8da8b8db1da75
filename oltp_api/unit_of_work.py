"""One transaction of the database: its connection, its clock, and what is written with its commit.

Repositories make themselves of it: `Orders(work)`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import date
from typing import Any, LiteralString
from uuid import UUID

from psycopg.pq import PipelineStatus
from psycopg_pool import ConnectionPool

from domain.ports import Clock
from oltp_api.acting import AUDIT, AUDIT_OF_A_WRITE, Acting, acting, events
from oltp_api.connections import Connection
from oltp_api.sight import Sight, current_sight
from storage.correlation import cause

Pool = ConnectionPool[Connection]

_MOST_IN_A_PIPELINE = 100_000
"""Characters. A pipeline of psycopg 3.3.9 that sends some 5 MB before it reads waits for ever (2026-11-20)."""


ReleasedRate = Callable[[str, str, date], float | None]
"""The last released rate: one unit of a currency in another, on a day; None where none is known."""


def no_rate(currency: str, base_currency: str, on: date) -> float | None:
    """Know no rate: of a unit of work beside which no release is asked."""
    del currency, base_currency, on
    return None


class UnitOfWork:
    """All that is recorded in it carries one `recorded_at`; rates that are given are compared with `released_rate`."""

    def __init__(self, connection: Connection, clock: Clock, released_rate: ReleasedRate = no_rate) -> None:
        self._connection = connection
        self._sight = current_sight()
        self._has_said_for_whom = False
        self.clock = clock
        self.released_rate = released_rate
        self.recorded_at = clock.now()
        self.locked: set[UUID] = set()
        """Portfolios that nobody else writes to until the commit."""
        self._deferred: list[tuple[LiteralString, Mapping[str, Any]]] = []
        self._behind: Iterator[None] = iter(())

    @property
    def connection(self) -> Connection:
        """It is told for whom it acts before the first statement, in the round trip of that if they are pipelined."""
        if not self._has_said_for_whom:
            self._has_said_for_whom = True
            self._sight.say(self._connection)
        return self._connection

    def see(self, sight: Sight) -> None:
        """Act for somebody else from now on, such as a user who is being made."""
        self._sight, self._has_said_for_whom = sight, True
        sight.say(self._connection, is_first=False)

    def pipelined(self) -> AbstractContextManager[object]:
        """Inside `with work.pipelined():`, statements share one round trip; inside another, that one's, whose end alone
        waits for them."""
        is_inside = self._connection.info.pipeline_status is not PipelineStatus.OFF
        return nullcontext() if is_inside else self._connection.pipeline()

    def defer(self, statement: LiteralString, values: Mapping[str, Any]) -> None:
        """Keep a write that nothing in this unit of work reads until it is committed."""
        self._deferred.append((statement, values))

    def send(self, statement: LiteralString, values: Mapping[str, Any]) -> None:
        """Send a write, after those that were deferred; `pipelined`, nobody waits for it."""
        self.defer(statement, values)
        self.flush()

    def write_behind(self, writing: Iterator[None]) -> None:
        """Write while other things are done: a piece with each `write_some`, and what is left of it in `catch_up`."""
        self.catch_up()
        self._behind = writing

    def write_some(self) -> None:
        next(self._behind, None)

    def catch_up(self) -> None:
        """Write what is left; whoever reads what it writes does so first."""
        for _ in self._behind:
            pass

    def record(self, event: Acting) -> None:
        """Add an event of its own to the audit log, whatever the request commits beside it."""
        self.connection.execute(AUDIT, events(event.row(self.recorded_at, cause())))

    def flush(self) -> None:
        """Send what was deferred."""
        pending, self._deferred = self._deferred, []
        for statement, values in pending:
            self.connection.execute(statement, values)

    def let_go(self) -> None:
        """End the database's transaction, in which nothing was written yet: none stays open while a file is read."""
        assert not self._deferred
        self._connection.rollback()
        self._has_said_for_whom = False

    def commit(self) -> None:
        """Send what was deferred and commit, in one round trip; a write leaves an event of who made it."""
        self.catch_up()
        command = acting()
        if command is not None:
            self.defer(AUDIT_OF_A_WRITE, events(command.row(self.recorded_at, cause())))
        if self._deferred_size() > _MOST_IN_A_PIPELINE:
            self.flush()
        with self.pipelined():
            self.flush()
            self._connection.commit()

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """Inside `with work.rehearsal():`, everything happens and nothing stays."""
        self.flush()
        self.connection.execute("savepoint rehearsal")
        yield
        self.catch_up()
        self.flush()
        self.connection.execute("rollback to savepoint rehearsal")

    def _deferred_size(self) -> int:
        return sum(len(value) for _, values in self._deferred for value in values.values() if isinstance(value, str))


@contextmanager
def unit_of_work(pool: Pool, clock: Clock, released_rate: ReleasedRate = no_rate) -> Iterator[UnitOfWork]:
    """Commits when left; an exception rolls everything back."""
    with pool.connection() as connection:
        work = UnitOfWork(connection, clock, released_rate)
        yield work
        work.commit()


@contextmanager
def reading(pool: Pool) -> Iterator[Connection]:
    """A connection to read by, which sees what the request may."""
    with pool.connection() as connection:
        current_sight().say(connection)
        yield connection
