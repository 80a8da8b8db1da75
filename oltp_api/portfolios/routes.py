"""Portfolios: create, list, look at, rename, bind by limits, archive."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Header, Query, Response

from domain.portfolio import PortfolioKind
from oltp_api.access.rules import Role, Scope, may
from oltp_api.context import ContextDep, UserDep
from oltp_api.portfolios import handlers
from oltp_api.portfolios.repository import PortfolioAttributes
from oltp_api.portfolios.schemas import (
    BenchmarkChoice,
    ConcentrationLimitView,
    LimitsRequest,
    LimitsView,
    LongTermChoice,
    PortfolioEdit,
    PortfolioPage,
    PortfolioRequest,
    PortfolioView,
)
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.web.bodies import takes
from oltp_api.web.etags import Match, OptionalMatch, RequiredMatch, tagged, tagged_answer
from oltp_api.web.fields import Number, ShortText, Text
from oltp_api.web.idempotency import IdempotentDep
from oltp_api.web.pages import CursorQuery, LimitQuery
from oltp_api.web.problems import EDIT_PROBLEMS, PROBLEMS
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute, prefix="/portfolios", tags=["portfolios"], responses=PROBLEMS)

Sort = Literal["created", "-created", "name", "-name"]
IfNoneMatch = Annotated[str | None, Header(max_length=1000, description="The ETag of what you have already.")]


@router.post("", status_code=201, response_model=PortfolioView, summary="Create a portfolio, with cash and units")
@takes(1_000_000)
@may(Scope.TRADE)
def create_portfolio(
    idempotent: IdempotentDep,
    body: Annotated[PortfolioRequest | None, Body()] = None,
    name: Annotated[Text | None, Query(max_length=1000)] = None,
    initial_cash: Annotated[Number | None, Query()] = None,
) -> Response:
    asked = (body or PortfolioRequest()).with_query(name=name, initial_cash=initial_cash)
    command = asked.command(idempotent.user_id)
    created = idempotent.commit(
        asked, 201, lambda work: _view(idempotent.user_id, handlers.create_portfolio(command, work), work)
    )
    return tagged_answer(created)


@router.get("", summary="List your portfolios, the archived ones too")
@may(Scope.READ)
def list_portfolios(
    context: ContextDep,
    user_id: UserDep,
    name: Annotated[ShortText | None, Query(description="A part of the name.")] = None,
    kind: PortfolioKind | None = None,
    archived: bool | None = None,
    sort: Sort = "created",
    limit: LimitQuery = 100,
    cursor: CursorQuery = None,
) -> PortfolioPage:
    wanted = {"name": name, "kind": kind, "archived": archived}
    page = context.transact(lambda work: PortfolioAttributes(work).page(user_id, sort, limit, cursor, **wanted))
    return PortfolioPage.model_validate(page)


@router.get(
    "/{portfolio_id}",
    response_model=PortfolioView,
    summary="One portfolio, its cash and its version",
    responses={304: {"description": "It is still what If-None-Match names."}},
)
@may(Scope.READ, Role.VIEWER)
def get_portfolio(
    portfolio_id: UUID, context: ContextDep, user_id: UserDep, response: Response, if_none_match: IfNoneMatch = None
) -> PortfolioView | Response:
    shown = tagged(context.transact(lambda work: _view(user_id, portfolio_id, work)), response)
    if if_none_match is not None and Match.weak(if_none_match).admits(shown.etag):
        return Response(status_code=304, headers={"ETag": shown.etag})
    return shown


@dataclass(frozen=True, slots=True)
class PortfolioEditing:
    """The portfolio that a request edits."""

    portfolio_id: UUID
    context: ContextDep
    user_id: UserDep
    response: Response

    def shown_after(self, edit: Callable[[PortfolioAttributes], None]) -> PortfolioView:
        def act(work: UnitOfWork) -> PortfolioView:
            edit(PortfolioAttributes(work))
            return _view(self.user_id, self.portfolio_id, work)

        return tagged(self.context.transact(act), self.response)


EditingDep = Annotated[PortfolioEditing, Depends()]


@router.patch("/{portfolio_id}", summary="Rename a portfolio", responses=EDIT_PROBLEMS)
@may(Scope.TRADE, Role.EDITOR)
def rename_portfolio(body: PortfolioEdit, match: RequiredMatch, on: EditingDep) -> PortfolioView:
    return on.shown_after(lambda attributes: attributes.rename(on.user_id, on.portfolio_id, match, body.name))


@router.put("/{portfolio_id}/benchmark", summary="Choose what a portfolio is held against", responses=EDIT_PROBLEMS)
@may(Scope.TRADE, Role.EDITOR)
def choose_benchmark(body: BenchmarkChoice, match: OptionalMatch, on: EditingDep) -> PortfolioView:
    return on.shown_after(
        lambda attributes: attributes.choose_benchmark(on.user_id, on.portfolio_id, match, body.ticker)
    )


@router.get("/{portfolio_id}/limits", summary="The limits of concentration that bind a portfolio")
@may(Scope.READ, Role.VIEWER)
def get_limits(portfolio_id: UUID, context: ContextDep, user_id: UserDep, response: Response) -> LimitsView:
    return _limits(tagged(context.transact(lambda work: _view(user_id, portfolio_id, work)), response))


@router.put(
    "/{portfolio_id}/limits", summary="Bind a portfolio by limits of its own, or the defaults", responses=EDIT_PROBLEMS
)
@may(Scope.TRADE, Role.EDITOR)
def put_limits(body: LimitsRequest, match: OptionalMatch, on: EditingDep) -> LimitsView:
    limits = body.asked()
    return _limits(on.shown_after(lambda attributes: attributes.set_limits(on.user_id, on.portfolio_id, match, limits)))


@router.put(
    "/{portfolio_id}/long-term-days", summary="Choose after how many days a gain is long term", responses=EDIT_PROBLEMS
)
@may(Scope.TRADE, Role.EDITOR)
def choose_long_term_days(body: LongTermChoice, match: OptionalMatch, on: EditingDep) -> PortfolioView:
    return on.shown_after(
        lambda attributes: attributes.set_long_term_days(on.user_id, on.portfolio_id, match, body.days)
    )


@router.post("/{portfolio_id}/archive", summary="Archive a portfolio: no more commands", responses=EDIT_PROBLEMS)
@may(Scope.TRADE, Role.OWNER)
def archive_portfolio(match: OptionalMatch, on: EditingDep) -> PortfolioView:
    return on.shown_after(lambda attributes: attributes.archive(on.user_id, on.portfolio_id, match))


@router.post("/{portfolio_id}/unarchive", summary="Bring an archived portfolio back", responses=EDIT_PROBLEMS)
@may(Scope.TRADE, Role.OWNER)
def unarchive_portfolio(match: OptionalMatch, on: EditingDep) -> PortfolioView:
    return on.shown_after(lambda attributes: attributes.unarchive(on.user_id, on.portfolio_id, match))


def _limits(shown: PortfolioView) -> LimitsView:
    limits = [ConcentrationLimitView.model_validate(limit) for limit in shown.binding_limits]
    return LimitsView(is_default=shown.limits is None, limits=limits)


def _view(user_id: UUID, portfolio_id: UUID, work: UnitOfWork) -> PortfolioView:
    return PortfolioView(**PortfolioAttributes(work).one(user_id, portfolio_id))
