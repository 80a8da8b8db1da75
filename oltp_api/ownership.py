"""Ownership of portfolios: another user's does not exist."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from domain.errors import PortfolioNotFound
from oltp_api.context import ContextDep, UserDep
from oltp_api.unit_of_work import reading

_OWN = "select from portfolio where portfolio_id = %s and user_id = %s"


def visible_portfolio(portfolio_id: UUID, user_id: UserDep, context: ContextDep) -> UUID:
    """The id of a portfolio that is the user's own."""
    with reading(context.pool) as connection:
        if not connection.execute(_OWN, (portfolio_id, user_id)).rowcount:
            raise PortfolioNotFound(portfolio_id)
    return portfolio_id


VisiblePortfolio = Annotated[UUID, Depends(visible_portfolio)]
