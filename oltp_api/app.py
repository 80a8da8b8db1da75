"""The application: settings in, FastAPI out. `python -m oltp_api.server` serves it."""

import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from fastapi_offline import FastAPIOffline

from oltp_api.access.contract import show_security
from oltp_api.access.door import AccountsDoor, Door, LocalDoor
from oltp_api.access.questions import Questions
from oltp_api.access.rules import check_rules
from oltp_api.accounts import routes as accounts
from oltp_api.analytics import routes as analytics
from oltp_api.answers import routes as answers
from oltp_api.answers.transport import McpTransport
from oltp_api.bond_income import routes as bond_income
from oltp_api.books import routes as books
from oltp_api.command_pages import routes as command_pages
from oltp_api.corporate_actions import routes as corporate_actions
from oltp_api.explain import routes as explain
from oltp_api.exports import routes as exports
from oltp_api.exports.streams import ExportTurns
from oltp_api.front import routes as front
from oltp_api.gains import routes as gains
from oltp_api.import_pages import routes as import_pages
from oltp_api.imports import profile_routes as import_profiles
from oltp_api.imports import routes as imports
from oltp_api.lake_tables import routes as lake_tables
from oltp_api.ledger import routes as transactions
from oltp_api.ledger.group import LedgerGroups
from oltp_api.lineage import routes as lineage
from oltp_api.opening import opened
from oltp_api.operations import health, support
from oltp_api.operations.state import Readiness, gauges
from oltp_api.orders import routes as orders
from oltp_api.portfolios import routes as portfolios
from oltp_api.prices import routes as prices
from oltp_api.registry import routes as securities
from oltp_api.review import routes as review
from oltp_api.review.handlers import ReviewCache
from oltp_api.risk_analyses import routes as risk_analyses
from oltp_api.risk_analysis_pages import routes as risk_analysis_pages
from oltp_api.sharing import routes as sharing
from oltp_api.sign_in_pages import factor_routes as factor_pages
from oltp_api.sign_in_pages import routes as sign_in_pages
from oltp_api.sign_in_pages import step_routes as sign_in_steps
from oltp_api.simulation_pages import routes as simulation_pages
from oltp_api.simulations import routes as simulations
from oltp_api.statements import routes as statements
from oltp_api.user_pages import administration, shares
from oltp_api.user_pages import routes as user_pages
from oltp_api.users import factor_routes as second_factors
from oltp_api.users import routes as users
from oltp_api.users import session_routes as sessions
from oltp_api.users.first import tell_first_link
from oltp_api.users.handlers import SignIn
from oltp_api.users.passwords import PasswordGate
from oltp_api.users.provider import provider_of
from oltp_api.users.throttle import Throttle
from oltp_api.web.bodies import Bounds
from oltp_api.web.examples import show_examples
from oltp_api.web.logs import logs_written
from oltp_api.web.metrics import Metrics
from oltp_api.web.problems import FORM_PROBLEMS, UNKNOWN_PROBLEMS, handle_errors
from oltp_api.web.request_log import observe
from storage.settings import Settings
from storage.settings import settings as settings_of_environment
from storage.web.guard import NO_FRAMES, WebGuard
from storage.web.sessions import session_cookie

PREFIX = "/api/v1"
_ROUTES = (
    *(transactions, portfolios, imports, orders, accounts, securities, prices, statements, bond_income),
    *(simulation_pages, simulations),  # the pages' addresses would be ids of simulations
    *(import_profiles, import_pages, command_pages, corporate_actions, exports),
    *(
        books,
        analytics,
        review,
        risk_analyses,
        risk_analysis_pages,
        gains,
        lineage,
        explain,
        lake_tables,
        support,
        health,
    ),
)
_OF_ACCOUNTS = (users, sessions, second_factors, sharing, shares)
"""With AUTH=accounts only: with one owner there is nobody to sign in."""
_PAGES_OF_ACCOUNTS = (sign_in_pages, sign_in_steps, factor_pages, user_pages, administration)
"""The same, without the prefix."""
_TAGS = (
    "portfolios",
    "ledger",
    "orders",
    "imports",
    "exports",
    "accounts",
    "securities",
    "books",
    "analytics",
    "simulations",
)
"""In the order of the documentation. Routes stand in the order of traffic: each is compared until one matches."""
_ALLOCATIONS_PER_COLLECTION = 20_000
_DATA_POLICY = f"default-src 'none'; {NO_FRAMES}"
_PAGE_POLICY = (
    "default-src 'none'; connect-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    f"img-src 'self' data:; font-src 'self' data:; worker-src blob:; base-uri 'none'; form-action 'none'; {NO_FRAMES}"
)
"""Policy of /docs and /redoc, which start their bundled scripts from inline ones; the pages of our own have theirs."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The API over `settings`, by default those of the environment; nothing is opened before it starts."""
    chosen = settings or settings_of_environment()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.enter_context(logs_written(chosen.log_format))
            context = stack.enter_context(opened(chosen))
            stack.enter_context(_started_once_and_for_all())
            app.state.mcp = await stack.enter_async_context(McpTransport(app))
            app.state.context = context
            app.state.readiness = Readiness(context)
            app.state.ledger_groups = LedgerGroups(context)
            app.state.review_cache = ReviewCache()
            app.state.export_turns = ExportTurns()
            if not chosen.has_accounts:
                yield
                return
            app.state.questions = stack.enter_context(Questions(context.pool))
            tell_first_link(context, chosen)
            gate = stack.enter_context(closing(PasswordGate()))
            app.state.sign_in = SignIn(gate, Throttle())
            yield

    app = FastAPIOffline(
        title="Lakefolio",
        version="0.1.0",
        lifespan=lifespan,
        summary="Portfolios, from ledger to lake.",
        openapi_tags=[{"name": tag} for tag in _TAGS],
        responses={**FORM_PROBLEMS, **(UNKNOWN_PROBLEMS if chosen.has_accounts else {})},
    )
    app.state.settings = chosen
    app.state.bounds = Bounds()
    app.state.door = _door(chosen)
    app.state.provider = provider_of(chosen)
    app.state.metrics = Metrics(lambda: gauges(app.state.context))
    _guard(app, chosen)
    observe(app, app.state.metrics)
    _serve_contract(app)
    show_examples(app)
    handle_errors(app)
    served = (*_ROUTES, *(_OF_ACCOUNTS if chosen.has_accounts else ()))
    for routes in served:
        check_rules(routes.router.routes)
        app.include_router(routes.router, prefix=PREFIX)
    own = [
        (f"{PREFIX}{route.path}", route)
        for routes in served
        for route in routes.router.routes
        if isinstance(route, APIRoute)
    ]
    roots = (front, answers, *(_PAGES_OF_ACCOUNTS if chosen.has_accounts else ()))
    at_root = (route for pages in roots for route in pages.router.routes if isinstance(route, APIRoute))
    absent = () if app.state.provider else ("/link-provider",)
    app.state.addresses = frozenset([*(path for path, _ in own), *(route.path for route in at_root)]).difference(absent)
    if chosen.has_accounts:
        show_security(app, own, session_cookie(chosen))
    for pages in roots:
        check_rules(pages.router.routes)
        app.include_router(pages.router)
    app.include_router(health.router, include_in_schema=False)
    app.include_router(health.metrics_router)
    return app


def _serve_contract(app: FastAPI) -> None:
    """Answer with the OpenAPI document from a thread: it takes a second the first time, and is a megabyte."""
    at = str(app.openapi_url)
    app.router.routes[:] = [route for route in app.router.routes if getattr(route, "path", None) != at]

    @app.get(at, include_in_schema=False)
    def contract() -> JSONResponse:
        return JSONResponse(app.openapi())


def _door(chosen: Settings) -> Door:
    return AccountsDoor(session_cookie(chosen), chosen.needs_second_factor) if chosen.has_accounts else LocalDoor()


def _guard(app: FastAPI, chosen: Settings) -> None:
    """Put the guard around `app`, outside of what answers for a bug, as `observe` is put around it."""
    inside = app.build_middleware_stack
    is_published = chosen.web_published_on is not None or (chosen.has_accounts and chosen.is_encrypted)
    app.build_middleware_stack = lambda: WebGuard(  # pyrefly: ignore[method-assign]
        inside(), chosen.declared_hosts, is_published, policy=_DATA_POLICY, page_policy=_PAGE_POLICY
    )


@contextmanager
def _started_once_and_for_all() -> Iterator[None]:
    """Inside, the garbage collector leaves alone what starting made, and looks at the rest less often.

    Nearly all that a request makes is freed without it; looking at all modules again and again costs a tenth.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS_PER_COLLECTION, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
