"""Pages of commands. A form is read into the body of the API's own operation, which is then carried out."""

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from domain.errors import Refusal
from oltp_api.command_pages.forms import ANALYSIS, CASH, ORDER, PORTFOLIO, SIMULATION, TRADE
from oltp_api.command_pages.page import new_portfolio_page, portfolio_page
from oltp_api.context import AppContext, ContextDep, UserDep
from oltp_api.ledger import routes as ledger
from oltp_api.ledger.group import GroupsDep
from oltp_api.ledger.schemas import TransactionRequest
from oltp_api.orders import routes as orders
from oltp_api.orders.schemas import CancelRequest, OrderRequest
from oltp_api.page_forms.form import PageForm, sent_once
from oltp_api.page_forms.page import DONE, PAGE, html, see_other
from oltp_api.page_forms.routing import FormDep, PageRoute, as_of, sends
from oltp_api.portfolios import routes as portfolios
from oltp_api.portfolios.schemas import PortfolioRequest, PortfolioView
from oltp_api.portfolios.seen import SeenPortfolio
from oltp_api.risk_analyses import routes as risk_analyses
from oltp_api.risk_analyses.schemas import RiskAnalysisRequest
from oltp_api.simulations import routes as simulations
from oltp_api.simulations.schemas import SimulationRequestBody
from oltp_api.web.problems import PROBLEMS

router = APIRouter(route_class=PageRoute, responses=PROBLEMS)

_SHOWN = 20
_BELOW = "/portfolios/{portfolio_id}"
Recorded = Annotated[int | None, Query(ge=1, le=2**63 - 1, description="The ledger row that was recorded just now.")]


@router.get(
    f"{_BELOW}/transactions.html",
    **PAGE,
    tags=["ledger"],
    summary="A page to record trades and payments with, and the last ones",
)
@as_of(ledger.list_transactions)
def get_transactions_page(
    request: Request, portfolio: SeenPortfolio, context: ContextDep, recorded: Recorded = None
) -> HTMLResponse:
    return _transactions(request, portfolio, context, recorded=recorded)


@router.post(
    f"{_BELOW}/transactions.html",
    **DONE,
    tags=["ledger"],
    summary="Record a trade or a payment from its page",
    openapi_extra=sends(form="cash", type="DEPOSIT", amount="500"),
)
@as_of(ledger.record_transaction)
async def post_transactions_page(
    request: Request, portfolio: SeenPortfolio, sent: FormDep, context: ContextDep, user_id: UserDep, groups: GroupsDep
) -> Response:
    form = (CASH if sent.text_of("form") == CASH.name else TRADE).filled(sent)
    try:
        body = form.body(TransactionRequest)
        command = sent_once(request, context, user_id, sent)
        answer = await ledger.record_transaction(portfolio.portfolio_id, body, command, groups)
    except (Refusal, ValidationError) as refusal:
        return await run_in_threadpool(_transactions, request, portfolio, context, form.refused(refusal))
    return see_other(f"{request.url.path}?recorded={_answered(answer)['seq']}")


@router.get(
    f"{_BELOW}/orders.html", **PAGE, tags=["orders"], summary="A page to place orders with, and the newest ones"
)
@as_of(orders.list_orders_of_portfolio)
def get_orders_page(request: Request, portfolio: SeenPortfolio, context: ContextDep, user_id: UserDep) -> HTMLResponse:
    return _orders(request, portfolio, context, user_id)


@router.post(
    f"{_BELOW}/orders.html",
    **DONE,
    tags=["orders"],
    summary="Place an order from its page",
    openapi_extra=sends(side="BUY", ticker="AAPL", quantity="10", order_type="MARKET"),
)
@as_of(orders.place_order)
def post_orders_page(
    request: Request, portfolio: SeenPortfolio, sent: FormDep, context: ContextDep, user_id: UserDep
) -> Response:
    form = ORDER.filled(sent)
    try:
        body = form.body(OrderRequest, portfolio_id=portfolio.portfolio_id)
        orders.place_order(body, sent_once(request, context, user_id, sent))
    except (Refusal, ValidationError) as refusal:
        return _orders(request, portfolio, context, user_id, form.refused(refusal))
    return see_other(request.url.path)


@router.post(
    "/orders/{order_id}/cancel.html",
    **DONE,
    tags=["orders"],
    summary="Cancel what is left of an order from its portfolio's page",
    openapi_extra=sends(key="from-the-page"),
)
@as_of(orders.cancel_order)
def post_cancel_page(
    request: Request, order_id: UUID, sent: FormDep, context: ContextDep, user_id: UserDep
) -> Response:
    answer = orders.cancel_order(order_id, CancelRequest(), sent_once(request, context, user_id, sent))
    return see_other(f"/api/v1/portfolios/{_answered(answer)['portfolio_id']}/orders.html")


@router.get(
    f"{_BELOW}/simulations.html",
    **PAGE,
    tags=["simulations"],
    summary="A page to request simulations with, and the newest ones",
)
@as_of(simulations.list_simulations)
def get_simulations_page(
    request: Request, portfolio: SeenPortfolio, context: ContextDep, user_id: UserDep
) -> HTMLResponse:
    return _simulations(request, portfolio, context, user_id)


@router.post(
    f"{_BELOW}/simulations.html",
    **DONE,
    tags=["simulations"],
    summary="Request a simulation from its page",
    openapi_extra=sends(name="to retirement", horizon_years="20", model="gaussian"),
)
@as_of(simulations.request_simulation)
def post_simulations_page(
    request: Request, portfolio: SeenPortfolio, sent: FormDep, context: ContextDep, user_id: UserDep
) -> Response:
    form = SIMULATION.filled(sent)
    try:
        body = form.body(SimulationRequestBody)
        command = sent_once(request, context, user_id, sent)
        simulations.request_simulation(portfolio.portfolio_id, body, command)
    except (Refusal, ValidationError) as refusal:
        return _simulations(request, portfolio, context, user_id, form.refused(refusal))
    return see_other(request.url.path)


@router.get(
    f"{_BELOW}/risk-analyses.html",
    **PAGE,
    tags=["analytics"],
    summary="A page to request risk analyses with, and the newest ones",
)
@as_of(risk_analyses.list_risk_analyses)
def get_risk_analyses_page(
    request: Request, portfolio: SeenPortfolio, context: ContextDep, user_id: UserDep
) -> HTMLResponse:
    return _analyses(request, portfolio, context, user_id)


@router.post(
    f"{_BELOW}/risk-analyses.html",
    **DONE,
    tags=["analytics"],
    summary="Request a risk analysis from its page",
    openapi_extra=sends(writer="rules/1"),
)
@as_of(risk_analyses.request_risk_analysis)
def post_risk_analyses_page(
    request: Request, portfolio: SeenPortfolio, sent: FormDep, context: ContextDep, user_id: UserDep
) -> Response:
    form = ANALYSIS.filled(sent)
    try:
        body = form.body(RiskAnalysisRequest)
        risk_analyses.request_risk_analysis(portfolio.portfolio_id, body, sent_once(request, context, user_id, sent))
    except (Refusal, ValidationError) as refusal:
        return _analyses(request, portfolio, context, user_id, form.refused(refusal))
    return see_other(request.url.path)


@router.get("/portfolios.html", **PAGE, tags=["portfolios"], summary="A page to make a portfolio with")
@as_of(portfolios.list_portfolios)
async def get_new_portfolio_page(request: Request) -> HTMLResponse:
    return html(new_portfolio_page(request, form=PORTFOLIO.at(request.url.path)))


@router.post(
    "/portfolios.html",
    **DONE,
    tags=["portfolios"],
    summary="Make a portfolio from its page",
    openapi_extra=sends(name="Retirement", base_currency="USD", initial_cash="10000"),
)
@as_of(portfolios.create_portfolio)
def post_new_portfolio_page(request: Request, sent: FormDep, context: ContextDep, user_id: UserDep) -> Response:
    form = PORTFOLIO.at(request.url.path).filled(sent)
    try:
        body = form.body(PortfolioRequest)
        answer = portfolios.create_portfolio(sent_once(request, context, user_id, sent), body)
    except (Refusal, ValidationError) as refusal:
        return html(new_portfolio_page(request, form=form.refused(refusal)), 422)
    return see_other(f"/api/v1/portfolios/{_answered(answer)['portfolio_id']}/transactions.html")


def _transactions(
    request: Request,
    portfolio: PortfolioView,
    context: AppContext,
    refused: PageForm | None = None,
    recorded: int | None = None,
) -> HTMLResponse:
    """The page as things stand now, with the form that was refused."""
    rows = ledger.list_transactions(portfolio.portfolio_id, context, sort="-seq", limit=_SHOWN).items
    cash = ledger.get_cash(portfolio.portfolio_id, context).balances
    page = portfolio_page(
        "transactions",
        request,
        portfolio,
        forms={
            "A trade": TRADE.at(request.url.path).again(refused),
            "Money in or out": CASH.at(request.url.path).again(refused),
        },
        rows=rows,
        balances=cash,
        recorded=recorded,
    )
    return html(page, 422 if refused else 200)


def _orders(
    request: Request, portfolio: PortfolioView, context: AppContext, user_id: UUID, refused: PageForm | None = None
) -> HTMLResponse:
    rows = orders.newest_orders(context, user_id, portfolio.portfolio_id, _SHOWN)
    page = portfolio_page("orders", request, portfolio, form=ORDER.at(request.url.path).again(refused), rows=rows)
    return html(page, 422 if refused else 200)


def _simulations(
    request: Request, portfolio: PortfolioView, context: AppContext, user_id: UUID, refused: PageForm | None = None
) -> HTMLResponse:
    portfolio_id = portfolio.portfolio_id
    rows = simulations.list_simulations(portfolio_id, context, user_id, sort="-requested", limit=_SHOWN).items
    scenarios = [
        (each.name, each.name.replace("_", " ")) for each in simulations.list_scenarios(context, user_id).items
    ]
    form = SIMULATION.at(request.url.path, scenario=[("", "none"), *scenarios]).again(refused)
    page = portfolio_page("simulations", request, portfolio, form=form, rows=rows)
    return html(page, 422 if refused else 200)


def _analyses(
    request: Request, portfolio: PortfolioView, context: AppContext, user_id: UUID, refused: PageForm | None = None
) -> HTMLResponse:
    rows = risk_analyses.list_risk_analyses(portfolio.portfolio_id, context, user_id, limit=_SHOWN).items
    page = portfolio_page("analyses", request, portfolio, form=ANALYSIS.at(request.url.path).again(refused), rows=rows)
    return html(page, 422 if refused else 200)


def _answered(answer: Response) -> Any:
    return json.loads(bytes(answer.body))
