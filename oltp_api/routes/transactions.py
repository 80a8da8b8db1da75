"""The ledger of a portfolio: record a transaction, and read what was recorded."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from domain.ledger import TxnType
from oltp_api import handlers
from oltp_api.dependencies import OnceDep, VisiblePortfolio, WorldDep
from oltp_api.errors import PROBLEMS
from oltp_api.fields import Day, ShortText
from oltp_api.schemas import TransactionPage, TransactionRequest, TransactionView

router = APIRouter(prefix="/portfolios/{portfolio_id}/transactions", tags=["transactions"], responses=PROBLEMS)

_MAX_SEQ = 2**63 - 1


@router.post("", status_code=201, response_model=TransactionView, summary="Record a trade or a movement of cash")
def record_transaction(portfolio_id: UUID, body: TransactionRequest, once: OnceDep) -> Response:
    command = body.command(once.user_id, portfolio_id)
    return once.commit(
        body,
        201,
        lambda work: work.reads.transaction(portfolio_id, handlers.record_transaction(command, work).seq),
    )


@router.get("", summary="Ledger rows, in ledger order")
def list_transactions(
    portfolio_id: VisiblePortfolio,
    world: WorldDep,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[int, Query(ge=0, le=_MAX_SEQ, description="The seq after which to go on.")] = 0,
    type: TxnType | None = None,
    ticker: ShortText | None = None,
    start: Annotated[Day | None, Query(alias="from", description="First business date.")] = None,
    end: Annotated[Day | None, Query(alias="to", description="Last business date.")] = None,
) -> TransactionPage:
    return world.transact(lambda work: work.reads.transactions(portfolio_id, limit, cursor, type, ticker, start, end))
