"""Start of the API and of the worker: the database prepared, the sample market registered, the newest release."""

import select
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from application.analytics.review import LakeAnalyticsRepository
from oltp_api.connections import Connection
from oltp_api.context import AppContext
from oltp_api.operations.state import Operations
from oltp_api.registry.sample_market import register_sample_market, securities_of, tickers_of
from oltp_api.sight import owner_in_sight, portfolios_in_sight
from oltp_api.unit_of_work import Pool, unit_of_work
from storage.clock import clock_of
from storage.lake.delta import Lake
from storage.lake.s3 import options_of
from storage.postgres.database import advisory_lock, locate, prepare
from storage.postgres.installation import claim_market
from storage.settings import Settings

_MAX_CONNECTIONS = 20
_WAIT_FOR_CONNECTION_S = 5.0


@contextmanager
def opened(settings: Settings, for_everybody: bool = False) -> Iterator[AppContext]:
    """The context of `settings`, for as long as it is needed: the API's, or the worker's, which acts for everybody."""
    context = _open(settings, for_everybody)
    try:
        yield context
    finally:
        context.pool.close()


def _open(settings: Settings, for_everybody: bool) -> AppContext:
    database = locate(settings)
    prepare(database, settings.limits)
    claim_market(database, settings.market_source)
    lake = Lake(settings.lake, lock=_refuse_to_publish, storage_options=options_of(settings))
    clock = clock_of(settings.market_source)
    pool = _pool(database.services_url if for_everybody else database.app_url)
    with advisory_lock(database.app_url, "register_sample_market"), unit_of_work(pool, clock) as work:
        if settings.market_source != "live":
            register_sample_market(work, securities_of(settings.market_source))
    with pool.connection() as connection:
        schema_version = Operations(connection).schema_version()
    seen = portfolios_in_sight if settings.has_accounts and not for_everybody else None
    bundled = frozenset() if settings.market_source == "live" else tickers_of(settings.market_source)
    analytics = LakeAnalyticsRepository.newest(lake, seen, owner_in_sight)
    benchmark, has_accounts = settings.benchmark_ticker, settings.has_accounts
    return AppContext(pool, clock, analytics, schema_version, bundled, benchmark, has_accounts)


def _pool(url: str) -> Pool:
    """Connections are looked at before use, so that a restarted server costs no request an error."""
    pool: Pool = ConnectionPool(
        url,
        min_size=2,
        max_size=_MAX_CONNECTIONS,
        timeout=_WAIT_FOR_CONNECTION_S,
        check=_look_at,
        kwargs={"row_factory": dict_row},
        open=False,
    )
    pool.open(wait=True)
    return pool


def _look_at(connection: Connection) -> None:
    """A server that has ended a connection has said so: only if something is to be read is it worth asking."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        ConnectionPool.check_connection(connection)


def _refuse_to_publish(table: str) -> AbstractContextManager[object]:
    raise AssertionError(f"the API only reads the lake, but something publishes {table}")
