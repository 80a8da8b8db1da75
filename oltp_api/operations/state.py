"""How the system is doing: what health, metrics and support ask of the database and of the newest release."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import DictRow

from application.analytics.review import LakeAnalyticsRepository
from domain.errors import NoRelease, PortfolioNotFound
from oltp_api.context import AppContext
from oltp_api.web.problems import NotReady
from storage.errors import LakeUnavailable
from storage.events.consumers import lag
from storage.jobs import FailingJob, failing_jobs
from storage.lake.held import HeldPortfolio
from storage.lake.releases import Release
from storage.outages import outage_of
from storage.postgres.horizon import NOTHING_SEEN, VisibilitySnapshot
from storage.queries import statements

_SQL = statements("oltp_api/operations/queries.sql")
_PROOF_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class SystemState:
    """The database at one moment. `release_lag_seconds` is how long the oldest ledger row that the newest release does
    not show has been waiting; None before the first release."""

    ledger_head_at: datetime | None
    oldest_transaction_seconds: float
    release_lag_seconds: float | None
    waiting_events: int
    lag_seconds: float
    dead_letters: int
    failing_jobs: Sequence[FailingJob]


class Operations:
    """Questions about the running system, within the connection's transaction."""

    def __init__(self, connection: psycopg.Connection[DictRow]) -> None:
        self._connection = connection

    def schema_version(self) -> str:
        return str(self._row("schema_version")["schema_version"])

    def state(self, release: Release | None, held: Mapping[str, HeldPortfolio]) -> SystemState:
        found = self._row("state")
        system_identifier = found.pop("system_identifier")
        lag = self._lag(release.horizon, system_identifier, held) if release else None
        jobs = failing_jobs(self._connection)
        return SystemState(**found, **self._events(), release_lag_seconds=lag, failing_jobs=jobs)

    def probe_write(self) -> None:
        """Store a page as a trade would, new file and log included; what refuses is raised.

        While a dump reads the table it is not emptied, and a page is added.
        """
        with suppress(psycopg.errors.LockNotAvailable), self._connection.transaction():
            self._connection.execute(_SQL["empty_probe"])
        with self._connection.transaction():
            self._connection.execute(_SQL["probe"])
        self._connection.commit()

    def _events(self) -> dict[str, Any]:
        """Return the most events that a consumer has not handled, the age of the oldest, and all dead letters."""
        lags = lag(self._connection)
        return {
            "waiting_events": max((one.unhandled for one in lags), default=0),
            "lag_seconds": max((one.oldest_age_s for one in lags), default=0.0),
            "dead_letters": sum(one.dead_letters for one in lags),
        }

    def ledger_rows(self) -> float:
        return float(self._row("ledger_rows")["ledger_rows"])

    def overview(self, user_id: UUID, portfolio_id: UUID) -> dict[str, Any]:
        """Return what is recorded of the user's portfolio, and what is open."""
        rows = self._rows("overview", user_id=user_id, portfolio_id=portfolio_id)
        if not rows:
            raise PortfolioNotFound(portfolio_id)
        snapshots = self._rows("last_snapshot", portfolio_id=portfolio_id)
        pending = self._row("pending", portfolio_id=portfolio_id)
        return {**rows[0], **pending, "last_snapshot": snapshots[0] if snapshots else None}

    def _lag(self, horizon: VisibilitySnapshot, system_identifier: str, held: Mapping[str, HeldPortfolio]) -> float:
        """A row of a held portfolio that was replicated and is not shown waits too."""
        seen = (
            horizon
            if horizon.system_identifier == system_identifier
            else VisibilitySnapshot(NOTHING_SEEN, system_identifier)
        )
        hidden = {"held": list(held), "shown": [one.shown_version or 0 for one in held.values()]}
        return float(self._row("release_lag", xmin=str(seen.xmin), snapshot=seen.snapshot, **hidden)["seconds"])

    def _row(self, name: str, **parameters: object) -> dict[str, Any]:
        (row,) = self._rows(name, **parameters)
        return row

    def _rows(self, name: str, **parameters: object) -> list[dict[str, Any]]:
        return self._connection.execute(_SQL[name], parameters).fetchall()


def newest_release(analytics: LakeAnalyticsRepository) -> Release | None:
    try:
        return analytics.head()
    except NoRelease:
        return None


def held_portfolios(context: AppContext, release: Release | None) -> Mapping[str, HeldPortfolio]:
    """Portfolios that the newest release holds; none before the first."""
    return context.analytics.held() if release else {}


def state_of(context: AppContext, release: Release | None) -> SystemState:
    """The state beside a release; NotReady if the database has another schema than we were started for."""
    held = held_portfolios(context, release)
    with context.pool.connection() as connection:
        operations = Operations(connection)
        schema_version = operations.schema_version()
        if schema_version != context.schema_version:
            raise NotReady(f"the schema is at {schema_version}, this process was started for {context.schema_version}")
        return operations.state(release, held)


class Readiness:
    """Proof that a trade can be stored and a release be read now, by doing both; it is good for a second."""

    def __init__(self, context: AppContext) -> None:
        self._context, self._lock = context, Lock()
        self._proved_at = -_PROOF_SECONDS

    def prove(self) -> None:
        """Raise what keeps either from being done."""
        with self._lock:
            if time.monotonic() - self._proved_at < _PROOF_SECONDS:
                return
            self._context.analytics.probe()
            try:
                with self._context.pool.connection() as connection:
                    Operations(connection).probe_write()
            except psycopg.OperationalError:
                raise
            except psycopg.Error as error:
                if outage_of(error):
                    raise
                raise NotReady(f"nothing can be stored ({type(error).__name__}); see the API's log") from error
            self._proved_at = time.monotonic()


def gauges(context: AppContext) -> Mapping[str, float | None]:
    """The figures of `metrics.GAUGES`."""
    pool = context.pool.get_stats()
    size = pool.get("pool_size", 0)
    found: dict[str, float | None] = {
        "pool_connections": size,
        "pool_connections_in_use": size - pool.get("pool_available", 0),
        "pool_requests_waiting": pool.get("requests_waiting", 0),
        "held_portfolios": 0,
        "held_oldest_seconds": 0,
        "database_up": 0,
        "lake_up": 0,
    }
    release = None
    with suppress(LakeUnavailable):
        release = newest_release(context.analytics)
        found["lake_up"] = 1
    if release:
        now = context.clock.now()
        held = [(now - one.held_since).total_seconds() for one in held_portfolios(context, release).values()]
        found.update(
            release_id=release.release_id,
            release_age_seconds=(now - release.released_at).total_seconds(),
            held_portfolios=len(held),
            held_oldest_seconds=max(held, default=0),
        )
    with suppress(psycopg.Error, NotReady):
        found.update(_database_gauges(context, release))
    return found


def _database_gauges(context: AppContext, release: Release | None) -> Mapping[str, float | None]:
    state = state_of(context, release)
    with context.pool.connection() as connection:
        ledger_rows = Operations(connection).ledger_rows()
    return {
        "database_up": 1,
        "ledger_rows": ledger_rows,
        "oldest_transaction_seconds": state.oldest_transaction_seconds,
        "outbox_waiting_events": state.waiting_events,
        "outbox_lag_seconds": state.lag_seconds,
        "dead_letters": state.dead_letters,
        "release_lag_seconds": state.release_lag_seconds,
        "failing_jobs": len(state.failing_jobs),
    }
