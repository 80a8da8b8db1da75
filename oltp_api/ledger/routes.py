"""The ledger of a portfolio: record a transaction, and read what was recorded."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from domain.accounts import MAIN_ACCOUNT
from domain.commands import RemoveHolding
from domain.ledger import Transaction, TxnType
from domain.securities import Security, parse_ticker
from oltp_api.access.rules import Role, Scope, may
from oltp_api.context import ContextDep
from oltp_api.ledger import handlers
from oltp_api.ledger.group import GroupsDep
from oltp_api.ledger.reads import LedgerReads
from oltp_api.ledger.schemas import (
    BalanceView,
    CashView,
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
from oltp_api.ledger.views import holdings_view
from oltp_api.ownership import VisiblePortfolio
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.web.fields import Day, ShortText
from oltp_api.web.idempotency import IdempotentDep
from oltp_api.web.pages import CursorQuery, LimitQuery
from oltp_api.web.problems import PROBLEMS
from oltp_api.web.routing import BoundedRoute

router = APIRouter(route_class=BoundedRoute, prefix="/portfolios/{portfolio_id}", tags=["ledger"], responses=PROBLEMS)

Sort = Literal["seq", "-seq", "business_date", "-business_date"]
_MAX_SEQ = 2**63 - 1


@router.post("/transactions", status_code=201, response_model=TransactionView, summary="Record a transaction")
@may(Scope.TRADE, Role.EDITOR)
async def record_transaction(
    portfolio_id: UUID, body: TransactionRequest, idempotent: IdempotentDep, groups: GroupsDep
) -> Response:
    """Answers the row that was asked for. Rows that come with it (tax withheld, fractions paid out) follow it."""
    command = body.command(idempotent.user_id, portfolio_id)
    account = command.account or MAIN_ACCOUNT

    def view(rows: Sequence[Transaction], security: Security | None, recorded_at: datetime) -> TransactionView:
        return TransactionView.of(rows[0], account, security.ticker if security else None, recorded_at)

    return await groups.commit(idempotent, body, 201, command, view)


@router.post(
    "/transactions/{seq}/reversal",
    status_code=201,
    response_model=TransactionsView,
    summary="Take a transaction back; both legs of a transfer",
)
@may(Scope.TRADE, Role.EDITOR)
def reverse_transaction(
    portfolio_id: UUID, seq: Annotated[int, Path(ge=1, le=_MAX_SEQ)], body: ReversalRequest, idempotent: IdempotentDep
) -> Response:
    command = body.command(idempotent.user_id, portfolio_id, seq)
    return idempotent.commit(
        body,
        201,
        lambda work: _views(portfolio_id, handlers.reverse_transaction(command, work), work),
    )


@router.post(
    "/transfers", status_code=201, response_model=TransactionsView, summary="Move units from account to account"
)
@may(Scope.TRADE, Role.EDITOR)
def transfer_units(portfolio_id: UUID, body: TransferRequest, idempotent: IdempotentDep) -> Response:
    command = body.command(idempotent.user_id, portfolio_id)
    return idempotent.commit(body, 201, lambda work: _views(portfolio_id, handlers.transfer_units(command, work), work))


@router.post("/conversions", status_code=201, response_model=TransactionsView, summary="Exchange cash")
@may(Scope.TRADE, Role.EDITOR)
def convert_cash(portfolio_id: UUID, body: ConversionRequest, idempotent: IdempotentDep) -> Response:
    command = body.command(idempotent.user_id, portfolio_id)
    return idempotent.commit(body, 201, lambda work: _views(portfolio_id, handlers.convert_cash(command, work), work))


@router.post(
    "/holdings", status_code=201, response_model=TransactionView, summary="Add units that an account holds already"
)
@may(Scope.TRADE, Role.EDITOR)
def add_holding(portfolio_id: UUID, body: HoldingAdded, idempotent: IdempotentDep) -> Response:
    """An unknown ticker is registered as an EQUITY. The position's quantity and average are computed anew."""
    command = body.command(idempotent.user_id, portfolio_id)
    return idempotent.commit(
        body,
        201,
        lambda work: _views(portfolio_id, [handlers.add_holding(command, work)], work).transactions[0],
    )


@router.delete("/holdings/{ticker}/accounts/{account}", summary="Take out all units that an account holds")
@may(Scope.TRADE, Role.EDITOR)
def remove_holding(
    portfolio_id: UUID, ticker: ShortText, account: ShortText, idempotent: IdempotentDep
) -> TransactionView:
    command = RemoveHolding(idempotent.user_id, portfolio_id, account, ticker)
    return idempotent.context.transact(
        lambda work: _views(portfolio_id, [handlers.remove_holding(command, work)], work).transactions[0]
    )


@router.put("/cost-method", response_model=HoldingsView, summary="Restate every cost by another method")
@may(Scope.TRADE, Role.OWNER)
def change_cost_method(portfolio_id: UUID, body: CostMethodRequest, idempotent: IdempotentDep) -> HoldingsView:
    command = body.command(idempotent.user_id, portfolio_id)

    def act(work: UnitOfWork) -> HoldingsView:
        handlers.change_cost_method(command, work)
        return holdings_view(portfolio_id, LedgerReads(work).holdings(portfolio_id))

    return idempotent.context.transact(act)


@router.get("/transactions", summary="Ledger rows, in ledger order unless sorted otherwise")
@may(Scope.READ, Role.VIEWER)
def list_transactions(
    portfolio_id: VisiblePortfolio,
    context: ContextDep,
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
    page = context.transact(lambda work: LedgerReads(work).transactions(portfolio_id, sort, limit, cursor, **wanted))
    return TransactionPage.model_validate(page)


@router.get("/holdings", summary="What the ledger says is held now, per security and account")
@may(Scope.READ, Role.VIEWER)
def get_holdings(portfolio_id: VisiblePortfolio, context: ContextDep) -> HoldingsView:
    return holdings_view(portfolio_id, context.transact(lambda work: LedgerReads(work).holdings(portfolio_id)))


@router.get("/cash", summary="Cash now, per currency")
@may(Scope.READ, Role.VIEWER)
def get_cash(portfolio_id: VisiblePortfolio, context: ContextDep) -> CashView:
    balances = context.transact(lambda work: LedgerReads(work).cash(portfolio_id))
    return CashView(portfolio_id=portfolio_id, balances=[BalanceView(**balance) for balance in balances])


def _views(portfolio_id: UUID, rows: Sequence[Transaction], work: UnitOfWork) -> TransactionsView:
    """The rows as they were just recorded, read back."""
    recorded = LedgerReads(work).recorded(portfolio_id, rows)
    return TransactionsView(transactions=[TransactionView(**row) for row in recorded])
