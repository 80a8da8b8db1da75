"""Portfolios: create, list, look at, rename, archive; and what the ledger's own projections say right now."""

from collections.abc import Callable
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Header, Query, Response

from domain.portfolio import PortfolioKind
from oltp_api.context import OnceDep, UserDep, VisiblePortfolio, World, WorldDep
from oltp_api.ledger.schemas import CashView, HoldingsView
from oltp_api.portfolios import handlers
from oltp_api.portfolios.repository import PortfolioEdits
from oltp_api.portfolios.schemas import PortfolioEdit, PortfolioPage, PortfolioRequest, PortfolioView
from oltp_api.portfolios.views import Reads
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.web.bodies import takes
from oltp_api.web.etags import Match, OptionalMatch, RequiredMatch, tagged, tagged_answer
from oltp_api.web.fields import Number, ShortText, Text
from oltp_api.web.pages import CursorQuery, LimitQuery
from oltp_api.web.problems import EDIT_PROBLEMS, PROBLEMS
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute, prefix="/portfolios", tags=["portfolios"], responses=PROBLEMS)

Sort = Literal["created", "-created", "name", "-name"]
IfNoneMatch = Annotated[str | None, Header(max_length=1000, description="The ETag of what you have already.")]


@router.post("", status_code=201, response_model=PortfolioView, summary="Create a portfolio, with cash and units")
@takes(1_000_000)
def create_portfolio(
    once: OnceDep,
    body: Annotated[PortfolioRequest | None, Body()] = None,
    name: Annotated[Text | None, Query(max_length=1000)] = None,
    initial_cash: Annotated[Number | None, Query()] = None,
) -> Response:
    asked = (body or PortfolioRequest()).with_query(name=name, initial_cash=initial_cash)
    command = asked.command(once.user_id)
    created = once.commit(
        asked, 201, lambda work: Reads(work).portfolio(once.user_id, handlers.create_portfolio(command, work))
    )
    return tagged_answer(created)


@router.get("", summary="List your portfolios, the archived ones too")
def list_portfolios(
    world: WorldDep,
    user_id: UserDep,
    name: Annotated[ShortText | None, Query(description="A part of the name.")] = None,
    kind: PortfolioKind | None = None,
    archived: bool | None = None,
    sort: Sort = "created",
    limit: LimitQuery = 100,
    cursor: CursorQuery = None,
) -> PortfolioPage:
    wanted = {"name": name, "kind": kind, "archived": archived}
    return world.transact(lambda work: Reads(work).portfolios(user_id, sort, limit, cursor, **wanted))


@router.get(
    "/{portfolio_id}",
    response_model=PortfolioView,
    summary="One portfolio, its cash and its version",
    responses={304: {"description": "It is still what If-None-Match names."}},
)
def get_portfolio(
    portfolio_id: UUID, world: WorldDep, user_id: UserDep, response: Response, if_none_match: IfNoneMatch = None
) -> PortfolioView | Response:
    shown = tagged(world.transact(lambda work: Reads(work).portfolio(user_id, portfolio_id)), response)
    if if_none_match is not None and Match.weak(if_none_match).admits(shown.etag):
        return Response(status_code=304, headers={"ETag": shown.etag})
    return shown


@router.patch("/{portfolio_id}", summary="Rename a portfolio", responses=EDIT_PROBLEMS)
def rename_portfolio(
    portfolio_id: UUID,
    body: PortfolioEdit,
    match: RequiredMatch,
    world: WorldDep,
    user_id: UserDep,
    response: Response,
) -> PortfolioView:
    return _edited(
        lambda work: PortfolioEdits(work).rename(user_id, portfolio_id, match, body.name),
        portfolio_id,
        world,
        user_id,
        response,
    )


@router.post("/{portfolio_id}/archive", summary="Archive a portfolio: no more commands", responses=EDIT_PROBLEMS)
def archive_portfolio(
    portfolio_id: UUID, match: OptionalMatch, world: WorldDep, user_id: UserDep, response: Response
) -> PortfolioView:
    return _edited(
        lambda work: PortfolioEdits(work).archive(user_id, portfolio_id, match), portfolio_id, world, user_id, response
    )


@router.post("/{portfolio_id}/unarchive", summary="Bring an archived portfolio back", responses=EDIT_PROBLEMS)
def unarchive_portfolio(
    portfolio_id: UUID, match: OptionalMatch, world: WorldDep, user_id: UserDep, response: Response
) -> PortfolioView:
    return _edited(
        lambda work: PortfolioEdits(work).unarchive(user_id, portfolio_id, match),
        portfolio_id,
        world,
        user_id,
        response,
    )


def _edited(
    edit: Callable[[UnitOfWork], None], portfolio_id: UUID, world: World, user_id: UUID, response: Response
) -> PortfolioView:
    def act(work: UnitOfWork) -> PortfolioView:
        edit(work)
        return Reads(work).portfolio(user_id, portfolio_id)

    return tagged(world.transact(act), response)


@router.get("/{portfolio_id}/holdings", summary="What the ledger says is held now, per security and account")
def get_holdings(portfolio_id: VisiblePortfolio, world: WorldDep) -> HoldingsView:
    return world.transact(lambda work: Reads(work).holdings(portfolio_id))


@router.get("/{portfolio_id}/cash", summary="Cash now, per currency")
def get_cash(portfolio_id: VisiblePortfolio, world: WorldDep) -> CashView:
    return world.transact(lambda work: Reads(work).cash(portfolio_id))
