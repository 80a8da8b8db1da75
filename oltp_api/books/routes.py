"""Books: snapshots of what a portfolio holds and is worth, and what of it is collateral."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from application.analytics.review import LakeAnalyticsRepository
from domain.collateral import ValuationBasis
from domain.errors import NoRelease
from domain.snapshots import NOTHING_RELEASED, ReleasedQuotes
from oltp_api.access.rules import Role, Scope, may
from oltp_api.books.handlers import Books
from oltp_api.books.schemas import (
    EndOfDayPage,
    RankedView,
    RankingRequest,
    RankingView,
    ScheduleName,
    ScheduleRequest,
    SchedulesPage,
    ScheduleView,
    SnapshotRequest,
    SnapshotView,
    TakenView,
)
from oltp_api.context import ContextDep, UserDep
from oltp_api.web.bodies import takes
from oltp_api.web.fields import Day, Number
from oltp_api.web.idempotency import IdempotentDep
from oltp_api.web.pages import LimitQuery
from oltp_api.web.problems import PROBLEMS
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute, tags=["books"], responses=PROBLEMS)

_SNAPSHOTS = "/books/{portfolio_id}/snapshots"
_RANKINGS = "/books/{portfolio_id}/rankings"


@router.post(
    _SNAPSHOTS,
    status_code=201,
    response_model=TakenView,
    responses={200: {"model": TakenView, "description": "Nothing is newer than the current one; nothing was stored"}},
    summary="Take a snapshot of the book now",
)
@may(Scope.TRADE, Role.EDITOR)
def take_snapshot(portfolio_id: UUID, idempotent: IdempotentDep) -> Response:
    quotes = _quotes(idempotent.context.analytics)
    return idempotent.commit(
        SnapshotRequest(),
        lambda taken: 201 if taken.stored else 200,
        lambda work: Books(work).take(idempotent.user_id, portfolio_id, quotes),
    )


@router.get(f"{_SNAPSHOTS}/latest", summary="The last snapshot of the book's today")
@may(Scope.READ, Role.VIEWER)
def get_latest_snapshot(portfolio_id: UUID, context: ContextDep, user_id: UserDep) -> SnapshotView:
    return context.transact(lambda work: Books(work).latest_today(user_id, portfolio_id))


@router.get(f"{_SNAPSHOTS}/{{day}}", summary="The last snapshot of a business date")
@may(Scope.READ, Role.VIEWER)
def get_snapshot(portfolio_id: UUID, day: Day, context: ContextDep, user_id: UserDep) -> SnapshotView:
    return context.transact(lambda work: Books(work).end_of_day(user_id, portfolio_id, day))


@router.get(_SNAPSHOTS, summary="The last snapshot of every business date, oldest first")
@may(Scope.READ, Role.VIEWER)
def list_snapshots(
    portfolio_id: UUID,
    context: ContextDep,
    user_id: UserDep,
    start: Annotated[Day | None, Query(alias="from", description="First business date.")] = None,
    end: Annotated[Day | None, Query(alias="to", description="Last business date.")] = None,
    limit: LimitQuery = 100,
    cursor: Annotated[Day | None, Query(description="The business date after which to go on.")] = None,
) -> EndOfDayPage:
    return context.transact(lambda work: Books(work).ends_of_day(user_id, portfolio_id, start, end, limit, cursor))


@router.post(
    _RANKINGS,
    status_code=201,
    response_model=RankedView,
    responses={200: {"model": RankedView, "description": "It was ranked by these terms before; nothing was stored"}},
    summary="Rank a snapshot of the book as collateral; the same terms again give the same ranking",
)
@takes(1_000_000)
@may(Scope.TRADE, Role.EDITOR)
def rank_collateral(portfolio_id: UUID, body: RankingRequest, idempotent: IdempotentDep) -> Response:
    return idempotent.commit(
        body,
        lambda ranked: 201 if ranked.stored else 200,
        lambda work: Books(work).rank(idempotent.user_id, portfolio_id, body),
    )


@dataclass(frozen=True, slots=True)
class RankedBook:
    """A book's rankings by a schedule, on a basis; what is required is a question to the newest."""

    portfolio_id: UUID
    context: ContextDep
    user_id: UserDep
    schedule: ScheduleName | None = None
    valuation_basis: ValuationBasis | None = None
    required_amount: Number | None = None

    def newest(self, day: date | None) -> RankingView:
        asked = (day, self.schedule, self.valuation_basis, self.required_amount)
        return self.context.transact(lambda work: Books(work).ranking(self.user_id, self.portfolio_id, *asked))


RankedDep = Annotated[RankedBook, Depends()]


@router.get(f"{_RANKINGS}/latest", summary="The newest ranking of the book")
@may(Scope.READ, Role.VIEWER)
def get_latest_ranking(ranked: RankedDep) -> RankingView:
    return ranked.newest(None)


@router.get(f"{_RANKINGS}/{{day}}", summary="The newest ranking of the book's snapshot of a business date")
@may(Scope.READ, Role.VIEWER)
def get_ranking(day: Day, ranked: RankedDep) -> RankingView:
    return ranked.newest(day)


@router.get("/haircut-schedules", summary="The names of the schedules you can rank by")
@may(Scope.READ)
def list_schedules(
    context: ContextDep,
    user_id: UserDep,
    limit: LimitQuery = 100,
    cursor: ScheduleName | None = None,
) -> SchedulesPage:
    return context.transact(lambda work: Books(work).schedules(user_id, limit, cursor))


@router.get("/haircut-schedules/{name}", summary="One haircut schedule")
@may(Scope.READ)
def get_schedule(name: ScheduleName, context: ContextDep, user_id: UserDep) -> ScheduleView:
    return context.transact(lambda work: Books(work).schedule(user_id, name))


@router.put("/haircut-schedules/{name}", summary="Make a haircut schedule, or replace the whole of it")
@takes(2_000_000)
@may(Scope.TRADE)
def put_schedule(name: ScheduleName, body: ScheduleRequest, context: ContextDep, user_id: UserDep) -> ScheduleView:
    return context.transact(lambda work: Books(work).put_schedule(user_id, name, body))


def _quotes(analytics: LakeAnalyticsRepository) -> ReleasedQuotes:
    """Return the quotes of the newest release; none before the first, for what is held is a fact all the same."""
    try:
        return analytics.get_quotes()
    except NoRelease:
        return NOTHING_RELEASED
