"""A portfolio that is named in an address, for those who ask about it."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from oltp_api.context import ContextDep, UserDep
from oltp_api.portfolios.repository import PortfolioAttributes
from oltp_api.portfolios.schemas import PortfolioView


def seen_portfolio(portfolio_id: UUID, user_id: UserDep, context: ContextDep) -> PortfolioView:
    """The portfolio if it is the user's own; another's does not exist."""
    return PortfolioView(**context.transact(lambda work: PortfolioAttributes(work).one(user_id, portfolio_id)))


SeenPortfolio = Annotated[PortfolioView, Depends(seen_portfolio)]
