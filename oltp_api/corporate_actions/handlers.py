"""Recording of splits and dividends that the market tells and the ledger lacks, as one batch."""

from collections.abc import Sequence
from uuid import UUID

from domain.commands import BatchMode
from domain.ledger import TxnType
from domain.ports import UnrecordedAction
from oltp_api.corporate_actions.schemas import RecordActionsRequest
from oltp_api.imports.handlers import record_all
from oltp_api.imports.schemas import BatchRequest, BatchView
from oltp_api.ledger.schemas import TransactionRequest
from oltp_api.unit_of_work import UnitOfWork


def record_actions(
    asked: RecordActionsRequest,
    proposed: Sequence[UnrecordedAction],
    user_id: UUID,
    portfolio_id: UUID,
    work: UnitOfWork,
) -> BatchView:
    """Record what is proposed and asked for; a row that was recorded by this before is a duplicate, without effect."""
    wanted = [
        one for one in proposed if asked.action_type in (None, one.action_type) and asked.ticker in (None, one.ticker)
    ]
    if not wanted:
        return BatchView(mode=BatchMode.PARTIAL, total=0, recorded=0, duplicates=0, refused=0, rows=())
    rows = tuple(transaction_of(one) for one in wanted)
    return record_all(BatchRequest(mode=BatchMode.PARTIAL, transactions=rows), user_id, portfolio_id, work)


def transaction_of(action: UnrecordedAction) -> TransactionRequest:
    """A split at the start of its day; a dividend of what was held before its ex-date, paid on it for want of a day."""
    facts: dict[str, object] = {
        "type": TxnType(action.action_type),
        "ticker": action.ticker,
        "business_date": action.action_date,
        "external_id": f"market:{action.action_type}:{action.security_id}:{action.action_date}",
        "note": "as the market tells it",
    }
    if action.amount is None:
        facts |= {"split_new": action.split_new, "split_old": action.split_old}
    else:
        facts |= {"per_unit": action.amount, "ex_date": action.action_date, "currency": action.currency}
    return TransactionRequest.model_validate(facts)
