"""Dependencies of routes: who asks, the database and the lake, and how a command is committed exactly once.

What asks no database is `async`: FastAPI hands each plain function to a thread, which costs more than it does.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Annotated, TypeVar
from uuid import UUID

import psycopg
from fastapi import Depends, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from psycopg.errors import UniqueViolation
from pydantic import BaseModel

from domain.commands import RecordTransaction
from domain.errors import NoRelease, Refusal
from domain.ledger import Transaction
from domain.ports import Clock
from domain.posted_prices import PriceSourceName
from domain.securities import Security
from oltp_api.ledger.group import Outcome, PendingTransaction, record_group
from oltp_api.ledger.group_commit import GroupCommit
from oltp_api.ledger.handlers import record_transaction, wanted_by
from oltp_api.portfolios.schemas import PortfolioView
from oltp_api.portfolios.views import Reads
from oltp_api.review.handlers import Measures
from oltp_api.simulations.repository import Answer, IdempotencyKey, IdempotencyKeys
from oltp_api.unit_of_work import Pool, UnitOfWork, unit_of_work
from oltp_api.web.fields import Day, Moment
from oltp_api.web.request_log import USER_ID
from storage.analytics import LakeAnalyticsRepository
from storage.correlation import correlation_id
from storage.kept import Kept

LOCAL_USER = UUID("00000000-0000-4000-8000-000000000001")
_MEASURES_KEPT = 64
T = TypeVar("T")
V = TypeVar("V", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class World:
    """Resources of one running application. `schema_version` is the one it was started with; `bundled` are the tickers
    of a bundled market, which it prices before anything is released; `benchmark` is the ticker that portfolios are
    held against."""

    pool: Pool
    clock: Clock
    analytics: LakeAnalyticsRepository
    schema_version: str
    bundled: frozenset[str] = frozenset()
    benchmark: str = "SP500"
    measures: Kept[Measures | None] = field(default_factory=lambda: Kept(_MEASURES_KEPT))
    group_commit: GroupCommit[PendingTransaction, Outcome] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "group_commit", GroupCommit(self.record_group, _portfolio_of))

    def record_group(self, pending: Sequence[PendingTransaction]) -> Sequence[Outcome]:
        """Where the database refuses one, nothing was stored: then each is recorded alone."""
        try:
            return self.transact(lambda work: record_group(pending, work))
        except psycopg.OperationalError:
            raise
        except psycopg.Error:
            return [None] * len(pending)

    def transact(self, act: Callable[[UnitOfWork], T]) -> T:
        """Run `act` in a unit of work, and return its result once that is committed."""
        with unit_of_work(self.pool, self.clock) as work:
            return act(work)

    def priced_by(self, security: Security) -> PriceSourceName | None:
        """The source that a security has prices from, as far as is known now."""
        if security.ticker in self.bundled:
            return PriceSourceName.MARKET
        try:
            return self.analytics.get_price_source(security.security_id)
        except NoRelease:
            return None


def _portfolio_of(pending: PendingTransaction) -> UUID:
    return pending.command.portfolio_id


async def world(request: Request) -> World:
    found: World = request.app.state.world
    return found


async def current_user(request: Request) -> UUID:
    """The one local user, until users arrive; the request's line in the log names who asked."""
    request.scope[USER_ID] = LOCAL_USER
    return LOCAL_USER


WorldDep = Annotated[World, Depends(world)]
UserDep = Annotated[UUID, Depends(current_user)]


def seen_portfolio(portfolio_id: UUID, user_id: UserDep, world: WorldDep) -> PortfolioView:
    """The portfolio if it is the user's own; another's does not exist."""
    return world.transact(lambda work: Reads(work).portfolio(user_id, portfolio_id))


SeenPortfolio = Annotated[PortfolioView, Depends(seen_portfolio)]


async def visible_portfolio(portfolio: SeenPortfolio) -> UUID:
    """The id of a portfolio that is the user's own."""
    return portfolio.portfolio_id


def pinned_analytics(world: WorldDep) -> LakeAnalyticsRepository:
    """Answers of one request come from one release."""
    return world.analytics.pinned()


def moment_of(known: date) -> datetime:
    """The moment itself, or the end of a day in UTC."""
    return known if isinstance(known, datetime) else datetime.combine(known, time.max, UTC)


def known_analytics(
    world: WorldDep,
    as_known_on: Annotated[
        Moment | Day | None,
        Query(description="Answers as they were then: a moment with its zone, or the end of a day in UTC."),
    ] = None,
) -> LakeAnalyticsRepository:
    """Answers come from the newest release, or from the one that was the newest at a moment."""
    return world.analytics.pinned() if as_known_on is None else world.analytics.known_on(moment_of(as_known_on))


VisiblePortfolio = Annotated[UUID, Depends(visible_portfolio)]
AnalyticsDep = Annotated[LakeAnalyticsRepository, Depends(pinned_analytics)]
KnownDep = Annotated[LakeAnalyticsRepository, Depends(known_analytics)]


@dataclass(frozen=True, slots=True)
class IdempotentCommand:
    """Commits a command once for its Idempotency-Key: the same request again gets the same answer, and no effect.

    A twin that was second answers what the first one did (`IdempotencyKeys`); so does one that was refused only because
    the first had its effect already.
    """

    world: World
    user_id: UUID
    address: str
    key: str | None

    def commit(self, body: BaseModel, status: int | Callable[[V], int], act: Callable[[UnitOfWork], V]) -> Response:
        """Run and commit `act`; respond with its answer and `status`, which may depend on the answer."""
        key = self.key_of(body)
        if key is None:
            return response_of(_answer(self.world.transact(act), status))
        try:
            with unit_of_work(self.world.pool, self.world.clock) as work:
                answer = _answer(act(work), status)
                IdempotencyKeys(work).keep((key, answer))
        except (Refusal, UniqueViolation) as error:
            if isinstance(error, UniqueViolation) and error.diag.constraint_name != IdempotencyKeys.TAKEN:
                raise
            first = self.world.transact(lambda work: IdempotencyKeys(work).find(key))
            if first is None:
                raise
            return response_of(first)
        return response_of(answer)

    async def commit_grouped(
        self,
        body: BaseModel,
        status: int,
        command: RecordTransaction,
        view: Callable[[Sequence[Transaction], Security | None, datetime], BaseModel],
    ) -> Response:
        """`commit` for a transaction, in one commit with others that arrive now."""

        def alone(work: UnitOfWork) -> BaseModel:
            rows, security = record_transaction(command, work)
            return view(rows, security, work.recorded_at)

        pending = PendingTransaction(
            command,
            wanted_by(command, self.key_of(body)),
            correlation_id(),
            lambda *recorded: _answer(view(*recorded), status),
        )
        outcome = await self.world.group_commit.submit(pending)
        if isinstance(outcome, Exception):
            raise outcome
        if outcome is None:
            return await run_in_threadpool(self.commit, body, status, alone)
        return response_of(outcome)

    def key_of(self, body: BaseModel) -> IdempotencyKey | None:
        if self.key is None:
            return None
        request = f"{self.address}\n{body.model_dump_json(exclude_unset=True)}"
        return IdempotencyKey(self.user_id, self.key, hashlib.sha256(request.encode()).hexdigest())


async def once(
    request: Request,
    key: Annotated[
        str | None,
        Header(alias="Idempotency-Key", min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$"),
    ] = None,
) -> IdempotentCommand:
    """Asks for the world and the user itself: a dependency of a dependency costs a trade a tenth of its time."""
    path = request.scope["path"]
    return IdempotentCommand(await world(request), await current_user(request), f"{request.method} {path}", key)


OnceDep = Annotated[IdempotentCommand, Depends(once)]


def _answer(view: V, status: int | Callable[[V], int]) -> Answer:
    return Answer(status if isinstance(status, int) else status(view), view.model_dump_json())


def response_of(answer: Answer) -> Response:
    headers = {"Idempotency-Replayed": "true"} if answer.is_replayed else {}
    return Response(answer.body, answer.status, headers, media_type="application/json")
