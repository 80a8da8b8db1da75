"""The ledger of a portfolio: record a transaction, and read what was recorded."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from domain.commands import PostBondIncome, RemoveHolding
from domain.ledger import Transaction, TxnType
from domain.securities import Security, parse_ticker
from oltp_api.accounts.repository import MAIN_ACCOUNT
from oltp_api.bond_income import handlers as bond_income
from oltp_api.context import OnceDep, VisiblePortfolio, WorldDep
from oltp_api.ledger import handlers
from oltp_api.ledger.schemas import (
    BondIncomeView,
    ConversionRequest,
    CostMethodRequest,
    HoldingAdded,
    HoldingsView,
    ReversalRequest,
    TransactionPage,
    TransactionRequest,
    TransactionsView,
    TransactionView,
    TransferRequest,
)
from oltp_api.portfolios.views import Reads
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.web.fields import Day, ShortText
from oltp_api.web.pages import CursorQuery, LimitQuery
from oltp_api.web.problems import PROBLEMS
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute, prefix="/portfolios/{portfolio_id}", tags=["ledger"], responses=PROBLEMS)

Sort = Literal["seq", "-seq", "business_date", "-business_date"]
_MAX_SEQ = 2**63 - 1


@router.post("/transactions", status_code=201, response_model=TransactionView, summary="Record a transaction")
async def record_transaction(portfolio_id: UUID, body: TransactionRequest, once: OnceDep) -> Response:
    """Answers the row that was asked for. Rows that come with it (tax withheld, fractions paid out) follow it."""
    command = body.command(once.user_id, portfolio_id)
    account = command.account or MAIN_ACCOUNT

    def view(rows: Sequence[Transaction], security: Security | None, recorded_at: datetime) -> TransactionView:
        return TransactionView.of(rows[0], account, security.ticker if security else None, recorded_at)

    return await once.commit_grouped(body, 201, command, view)


@router.post(
    "/transactions/{seq}/reversal",
    status_code=201,
    response_model=TransactionsView,
    summary="Take a transaction back; both legs of a transfer",
)
def reverse_transaction(
    portfolio_id: UUID, seq: Annotated[int, Path(ge=1, le=_MAX_SEQ)], body: ReversalRequest, once: OnceDep
) -> Response:
    command = body.command(once.user_id, portfolio_id, seq)
    return once.commit(
        body,
        201,
        lambda work: Reads(work).recorded(portfolio_id, handlers.reverse_transaction(command, work)),
    )


@router.post(
    "/transfers", status_code=201, response_model=TransactionsView, summary="Move units from account to account"
)
def transfer_units(portfolio_id: UUID, body: TransferRequest, once: OnceDep) -> Response:
    command = body.command(once.user_id, portfolio_id)
    return once.commit(
        body, 201, lambda work: Reads(work).recorded(portfolio_id, handlers.transfer_units(command, work))
    )


@router.post("/conversions", status_code=201, response_model=TransactionsView, summary="Exchange cash")
def convert_cash(portfolio_id: UUID, body: ConversionRequest, once: OnceDep) -> Response:
    command = body.command(once.user_id, portfolio_id)
    return once.commit(body, 201, lambda work: Reads(work).recorded(portfolio_id, handlers.convert_cash(command, work)))


@router.post(
    "/holdings", status_code=201, response_model=TransactionView, summary="Add units that an account holds already"
)
def add_holding(portfolio_id: UUID, body: HoldingAdded, once: OnceDep) -> Response:
    """An unknown ticker is registered as an EQUITY. The position's quantity and average are computed anew."""
    command = body.command(once.user_id, portfolio_id)
    return once.commit(
        body,
        201,
        lambda work: Reads(work).recorded(portfolio_id, [handlers.add_holding(command, work)]).transactions[0],
    )


@router.delete("/holdings/{ticker}/accounts/{account}", summary="Take out all units that an account holds")
def remove_holding(portfolio_id: UUID, ticker: ShortText, account: ShortText, once: OnceDep) -> TransactionView:
    command = RemoveHolding(once.user_id, portfolio_id, account, ticker)
    return once.world.transact(
        lambda work: Reads(work).recorded(portfolio_id, [handlers.remove_holding(command, work)]).transactions[0]
    )


@router.post("/bond-income", summary="Post the coupons and redemptions that are due and not in the ledger")
def post_bond_income(portfolio_id: UUID, once: OnceDep) -> BondIncomeView:
    """The worker does the same within a second; asking again posts nothing."""
    command = PostBondIncome(once.user_id, portfolio_id)

    def act(work: UnitOfWork) -> BondIncomeView:
        income = bond_income.post_bond_income(command, work, once.world.analytics)
        recorded = Reads(work).recorded(portfolio_id, income.rows).transactions if income.rows else []
        return BondIncomeView(transactions=recorded, not_posted=income.not_posted)

    return once.world.transact(act)


@router.put("/cost-method", response_model=HoldingsView, summary="Restate every cost by another method")
def change_cost_method(portfolio_id: UUID, body: CostMethodRequest, once: OnceDep) -> HoldingsView:
    command = body.command(once.user_id, portfolio_id)

    def act(work: UnitOfWork) -> HoldingsView:
        handlers.change_cost_method(command, work)
        return Reads(work).holdings(portfolio_id)

    return once.world.transact(act)


@router.get("/transactions", summary="Ledger rows, in ledger order unless sorted otherwise")
def list_transactions(
    portfolio_id: VisiblePortfolio,
    world: WorldDep,
    type: TxnType | None = None,
    ticker: ShortText | None = None,
    account: ShortText | None = None,
    start: Annotated[Day | None, Query(alias="from", description="First business date.")] = None,
    end: Annotated[Day | None, Query(alias="to", description="Last business date.")] = None,
    sort: Sort = "seq",
    limit: LimitQuery = 100,
    cursor: CursorQuery = None,
) -> TransactionPage:
    wanted = {
        "txn_type": type,
        "ticker": parse_ticker(ticker) if ticker else None,
        "account": account,
        "start": start,
        "end": end,
    }
    return world.transact(lambda work: Reads(work).transactions(portfolio_id, sort, limit, cursor, **wanted))
