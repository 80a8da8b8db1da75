"""State of one portfolio on all sides, on one page, for a person who helps another."""

from datetime import date, datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from oltp_api.access.rules import Role, Scope, may
from oltp_api.analytics.schemas import HeldReasonView, ReleaseView
from oltp_api.context import ContextDep, UserDep
from oltp_api.operations.state import Operations, newest_release
from oltp_api.portfolios.schemas import PortfolioView
from oltp_api.portfolios.seen import SeenPortfolio
from oltp_api.unit_of_work import reading
from oltp_api.web.fields import Amount
from oltp_api.web.problems import PROBLEMS
from oltp_api.web.routing import BoundedRoute
from oltp_api.web.schemas import View

router = APIRouter(
    route_class=BoundedRoute,
    prefix="/support",
    tags=["support"],
    responses={status: PROBLEMS[status] for status in (404, 422, 503)},
)


class LedgerHeadView(View):
    version: int = Field(description="The number of rows, and the seq of the newest.")
    recorded_at: datetime | None
    newest_business_date: date | None
    head_hash: str | None = Field(description="The end of the portfolio's hash chain.")


class ReleaseHeadView(ReleaseView):
    portfolio_version: int | None = Field(description="The portfolio's version that is released; None if it is not.")
    has_seen_ledger_head: bool
    held: HeldReasonView | None = Field(description="Why it is shown as an older release had it; null if it is not.")


class LastSnapshotView(View):
    snapshot_id: UUID
    business_date: date
    taken_at: datetime
    portfolio_version: int
    release_id: int


class OverviewView(View):
    portfolio: PortfolioView
    ledger_head: LedgerHeadView
    release_head: ReleaseHeadView | None = Field(description="None before the first release.")
    open_simulations: int
    open_orders: int
    reserved_cash: Amount = Field(description="Set aside for open orders, in the base currency.")
    reserved_holdings: int = Field(description="Holdings of which units are set aside.")
    dead_letters: int = Field(description="Events of this portfolio that a consumer has given up.")
    last_snapshot: LastSnapshotView | None
    last_idempotency_key_at: datetime | None = Field(description="When the owner's newest key was used.")


@router.get("/portfolios/{portfolio_id}/overview", summary="A portfolio's ledger head, release head and what is open")
@may(Scope.READ, Role.VIEWER)
def get_overview(portfolio: SeenPortfolio, context: ContextDep, user_id: UserDep) -> OverviewView:
    portfolio_id = portfolio.portfolio_id
    with reading(context.pool) as connection:
        found = Operations(connection).overview(user_id, portfolio_id)
    release = newest_release(context.analytics)
    released = context.analytics.get_portfolio_version(portfolio_id) if release else None
    held = context.analytics.held().get(str(portfolio_id)) if release else None
    return OverviewView(
        portfolio=portfolio,
        ledger_head=LedgerHeadView.model_validate(found, from_attributes=False),
        release_head=ReleaseHeadView(
            release_id=release.release_id,
            released_at=release.released_at,
            as_of=release.as_of,
            portfolio_version=released,
            has_seen_ledger_head=released == found["version"],
            held=HeldReasonView.model_validate(held.why) if held else None,
        )
        if release
        else None,
        **{name: found[name] for name in OverviewView.model_fields if name in found},
    )
