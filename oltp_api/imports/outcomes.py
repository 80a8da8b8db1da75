"""Outcomes of rows, as they are told and counted."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from domain.errors import Refusal, plain
from oltp_api.ledger.batch import ASSUMED_CASH, BatchOutcome, Duplicate, Recorded

_PUT_IN_ORDER = "the rows of its day were not covered in the order given, and stand in another"


def outcome_told(outcome: BatchOutcome) -> dict[str, Any]:
    match outcome:
        case Recorded():
            notes = [_PUT_IN_ORDER] if outcome.is_put_in_order else []
            if outcome.assumed is not None:
                deposit = outcome.assumed
                notes.append(f"{plain(deposit.cash_effect)} {deposit.currency} {ASSUMED_CASH} (row {deposit.seq})")
            return {"status": "RECORDED", "seq": outcome.seqs[0], "notes": tuple(notes)}
        case Duplicate(change=None):
            return {"status": "DUPLICATE", "seq": outcome.seq}
        case Duplicate():
            return {"status": "CHANGED", "seq": outcome.seq, "code": "row_changed", "detail": outcome.change}
        case Refusal():
            return {"status": "REFUSED", "code": outcome.code, "detail": outcome.message}


def counted(outcomes: Sequence[BatchOutcome]) -> dict[str, int]:
    kinds = Counter(type(outcome) if isinstance(outcome, (Recorded, Duplicate)) else Refusal for outcome in outcomes)
    return {
        "total": len(outcomes),
        "recorded": kinds[Recorded],
        "duplicates": kinds[Duplicate],
        "refused": kinds[Refusal],
    }
