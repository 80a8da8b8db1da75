"""Where a number comes from."""

from dataclasses import asdict
from uuid import UUID

from fastapi import APIRouter

from oltp_api.access.rules import Role, Scope, may
from oltp_api.analytics.released import AnalyticsDep
from oltp_api.lineage.schemas import ValueLineageView
from oltp_api.ownership import VisiblePortfolio
from oltp_api.web.bodies import costly
from oltp_api.web.fields import Day, SecurityId
from oltp_api.web.problems import PROBLEMS
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute, prefix="/lineage", tags=["analytics"], responses=PROBLEMS)


@router.get(
    "/portfolios/{portfolio_id}/securities/{security_id}", summary="What a position's value on a day was made of"
)
@costly()
@may(Scope.READ, Role.VIEWER)
def explain_value(
    portfolio_id: VisiblePortfolio, security_id: SecurityId, analytics: AnalyticsDep, date: Day | None = None
) -> ValueLineageView:
    """By default of the release's last day; of a later one there is nothing to explain yet."""
    found = analytics.explain(portfolio_id, security_id, date)
    here = f"/api/v1/portfolios/{portfolio_id}"
    rows = [
        {**row, "link": f"{here}/transactions?ticker={found.ticker}&from={day}&to={day}"}
        for row in found.transactions
        for day in [row["business_date"]]
    ]
    facts = {name: getattr(found, name) for name in _AS_THEY_ARE}
    known = {**asdict(analytics.release_of(portfolio_id)), **facts, "portfolio_id": portfolio_id, "transactions": rows}
    return ValueLineageView.model_validate({**known, "links": _links(portfolio_id, found.ticker)})


_AS_THEY_ARE = (
    *("security_id", "ticker", "business_date", "quantity", "market_value", "market_value_base", "steps", "holdings"),
    *("price", "price_status", "stale_days", "fx_status", "valuation", "rates", "splits", "versions"),
)


def _links(portfolio_id: UUID, ticker: str) -> dict[str, str]:
    here = f"/api/v1/portfolios/{portfolio_id}"
    return {
        "positions": f"{here}/positions",
        "transactions": f"{here}/transactions?ticker={ticker}",
        "security": f"/api/v1/securities/{ticker}",
    }
