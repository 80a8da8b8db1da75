"""The application: settings in, FastAPI out. Run it with `uvicorn oltp_api.app:create_app --factory`."""

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from oltp_api.dependencies import World
from oltp_api.errors import handle_errors
from oltp_api.routes import analytics, health, orders, portfolios, securities, simulations, transactions
from oltp_api.sample_market import register_sample_market
from oltp_api.unit_of_work import Pool, unit_of_work
from storage.analytics import LakeAnalyticsRepository
from storage.clock import clock_of
from storage.lake import Lake
from storage.postgres import Database, advisory_lock, locate, prepare
from storage.settings import Settings
from storage.settings import settings as settings_of_environment

PREFIX = "/api/v1"
_MAX_CONNECTIONS = 20
_WAIT_FOR_CONNECTION_S = 5.0


def create_app(settings: Settings | None = None) -> FastAPI:
    """The API over `settings`, by default those of the environment; nothing is opened before it starts."""
    chosen = settings or settings_of_environment()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.world = _open(chosen)
        yield
        app.state.world.pool.close()

    app = FastAPIOffline(
        title="Lakefolio", version="0.1.0", lifespan=lifespan, summary="Portfolios, from ledger to lake."
    )
    handle_errors(app)
    for routes in (portfolios, transactions, orders, securities, simulations, analytics, health):
        app.include_router(routes.router, prefix=PREFIX)
    app.include_router(health.router, include_in_schema=False)
    return app


def _open(settings: Settings) -> World:
    database = locate(settings)
    prepare(database)
    lake = Lake(settings.lake, lock=_refuse_to_publish)
    clock = clock_of(settings.market_source)
    pool = _pool(database)
    with advisory_lock(database.admin_url, "register_sample_market"), unit_of_work(pool, clock) as work:
        if settings.market_source == "sample":
            register_sample_market(work)
        schema_version, _ = work.reads.state()
    return World(pool, clock, LakeAnalyticsRepository.newest(lake), schema_version)


def _pool(database: Database) -> Pool:
    """Connections are looked at before use, so that a restarted server costs no request an error."""
    pool: Pool = ConnectionPool(
        database.app_url,
        min_size=2,
        max_size=_MAX_CONNECTIONS,
        timeout=_WAIT_FOR_CONNECTION_S,
        check=ConnectionPool.check_connection,
        kwargs={"row_factory": dict_row},
        open=False,
    )
    pool.open(wait=True)
    return pool


def _refuse_to_publish(table: str) -> AbstractContextManager[object]:
    raise AssertionError(f"the API only reads the lake, but something publishes {table}")
