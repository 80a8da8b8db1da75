"""Portfolios: create, list, look at; and what the ledger's own projections say right now."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Query, Response

from oltp_api import handlers
from oltp_api.dependencies import OnceDep, UserDep, VisiblePortfolio, WorldDep
from oltp_api.errors import PROBLEMS
from oltp_api.fields import Number, Text
from oltp_api.schemas import PortfolioPage, PortfolioRequest, PortfolioView
from oltp_api.schemas_ledger import CashView, HoldingsView

router = APIRouter(prefix="/portfolios", tags=["portfolios"], responses=PROBLEMS)


@router.post("", status_code=201, response_model=PortfolioView, summary="Create a portfolio, with cash and units")
def create_portfolio(
    once: OnceDep,
    body: Annotated[PortfolioRequest | None, Body()] = None,
    name: Annotated[Text | None, Query(max_length=1000)] = None,
    initial_cash: Annotated[Number | None, Query()] = None,
) -> Response:
    asked = (body or PortfolioRequest()).with_query(name=name, initial_cash=initial_cash)
    command = asked.command(once.user_id)
    return once.commit(
        asked, 201, lambda work: work.reads.portfolio(once.user_id, handlers.create_portfolio(command, work))
    )


@router.get("", summary="List your portfolios, oldest first")
def list_portfolios(
    world: WorldDep,
    user_id: UserDep,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: UUID | None = None,
) -> PortfolioPage:
    return world.transact(lambda work: work.reads.portfolios(user_id, limit, cursor))


@router.get("/{portfolio_id}", summary="One portfolio, its cash and its version")
def get_portfolio(portfolio_id: UUID, world: WorldDep, user_id: UserDep) -> PortfolioView:
    return world.transact(lambda work: work.reads.portfolio(user_id, portfolio_id))


@router.get("/{portfolio_id}/holdings", summary="What the ledger says is held now, per security and account")
def get_holdings(portfolio_id: VisiblePortfolio, world: WorldDep) -> HoldingsView:
    return world.transact(lambda work: work.reads.holdings(portfolio_id))


@router.get("/{portfolio_id}/cash", summary="Cash now, per currency")
def get_cash(portfolio_id: VisiblePortfolio, world: WorldDep) -> CashView:
    return world.transact(lambda work: work.reads.cash(portfolio_id))
