"""The page of a portfolio's owner: with whom it is shared, and who did what to it."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from domain.errors import Refusal
from oltp_api.context import AppContext, ContextDep, UserDep
from oltp_api.page_forms.form import PageForm
from oltp_api.page_forms.page import DONE, PAGE, framed_of, see_other
from oltp_api.page_forms.routing import FormDep, PageRoute, as_of, sends
from oltp_api.portfolios.schemas import PortfolioView
from oltp_api.portfolios.seen import SeenPortfolio
from oltp_api.sharing import routes as sharing
from oltp_api.sharing.schemas import ShareRequest
from oltp_api.user_pages.forms import SHARE
from oltp_api.user_pages.page import user_page
from oltp_api.users import routes as users
from oltp_api.web.problems import PROBLEMS

router = APIRouter(route_class=PageRoute, prefix="/portfolios/{portfolio_id}", tags=["sharing"], responses=PROBLEMS)

_MOST_EVENTS = 50


@router.get("/shares.html", **PAGE, summary="A page to share a portfolio with, and who did what to it")
@as_of(sharing.list_shares_of_portfolio)
def get_sharing_page(request: Request, portfolio: SeenPortfolio, context: ContextDep, user_id: UserDep) -> Response:
    return _sharing(request, portfolio, context, user_id)


@router.post(
    "/shares.html",
    **DONE,
    summary="Offer a role in a portfolio from its page",
    openapi_extra=sends(email="bob@example.org", role="VIEWER"),
)
@as_of(sharing.offer_share)
def post_sharing_page(
    request: Request, portfolio: SeenPortfolio, sent: FormDep, context: ContextDep, user_id: UserDep
) -> Response:
    form = SHARE.filled(sent)
    try:
        sharing.offer_share(portfolio.portfolio_id, form.body(ShareRequest), context, user_id)
    except (Refusal, ValidationError) as refusal:
        return _sharing(request, portfolio, context, user_id, form.refused(refusal))
    return see_other(request.url.path)


@router.post("/shares/{share_id}.html", **DONE, summary="End a share from its page", openapi_extra=sends(do="end"))
@as_of(sharing.end_share_of_portfolio)
def post_end_share_page(portfolio: SeenPortfolio, share_id: UUID, context: ContextDep, user_id: UserDep) -> Response:
    sharing.end_share_of_portfolio(portfolio.portfolio_id, share_id, context, user_id)
    return see_other(f"/api/v1/portfolios/{portfolio.portfolio_id}/shares.html")


def _sharing(
    request: Request, portfolio: PortfolioView, context: AppContext, user_id: UUID, refused: PageForm | None = None
) -> HTMLResponse:
    return user_page(
        "sharing",
        request,
        422 if refused else 200,
        **framed_of(request, portfolio.portfolio_id),
        portfolio=portfolio,
        form=SHARE.at(request.url.path).again(refused),
        rows=sharing.list_shares_of_portfolio(portfolio.portfolio_id, context).items,
        events=users.list_events_of_portfolio(portfolio.portfolio_id, context, _MOST_EVENTS).items,
        user_id=user_id,
    )
