"""Transactions of strangers that arrive together: loaded, saved and committed together, each decided alone.

One that cannot be decided so is left to `ledger.record_transaction`: whoever has its portfolio or account locked is not
waited for, so that nobody waits for a stranger.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.commands import RecordTransaction
from domain.ledger import Transaction
from domain.securities import Security
from oltp_api.connections import Lock
from oltp_api.ledger.handlers import decide
from oltp_api.ledger.repository import Changes, Portfolios
from oltp_api.ledger.writing import Loaded, NeedsHistory, Wanted, events_of, load
from oltp_api.simulations.repository import Answer, IdempotencyKey, IdempotencyKeys
from oltp_api.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class PendingTransaction:
    """A transaction that shall be recorded, all that it names, and how to answer it."""

    command: RecordTransaction
    wanted: Wanted
    cause: str
    answer: Callable[[Sequence[Transaction], Security | None, datetime], Answer]


Outcome = Answer | Exception | None
"""Answer to give or error to raise; None if nothing happened, and it has to be recorded alone."""


def record_group(pending: Sequence[PendingTransaction], work: UnitOfWork) -> Sequence[Outcome]:
    """Record `pending`, no two of one portfolio, and return the outcome of each."""
    loaded = load([each.wanted for each in pending], work, Lock.SKIP)
    changes, kept = Changes(work.recorded_at), list[tuple[IdempotencyKey, Answer]]()
    outcomes = [_outcome(*each, changes, kept, work) for each in zip(pending, loaded, strict=True)]
    Portfolios(work).save(changes)
    IdempotencyKeys(work).keep(*kept)
    return outcomes


def _outcome(
    pending: PendingTransaction,
    loaded: Loaded | None,
    changes: Changes,
    kept: list[tuple[IdempotencyKey, Answer]],
    work: UnitOfWork,
) -> Outcome:
    if loaded is None:
        return None
    if loaded.answer is not None:
        return loaded.answer
    try:
        answer = pending.answer(*decide(pending.command, loaded), work.recorded_at)
    except NeedsHistory:
        return None
    except Exception as error:
        return error
    changes.add(loaded.portfolio, events_of(loaded.portfolio), pending.cause)
    if pending.wanted.key is not None:
        kept.append((pending.wanted.key, answer))
    return answer
