"""Transactions of strangers that arrive together: loaded, saved and committed together, each decided alone.

One that cannot be decided so is left to `ledger.record_transaction`: whoever has its portfolio or account locked is not
waited for, so that nobody waits for a stranger.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from typing import Annotated, Any
from uuid import UUID

import psycopg
from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from domain.commands import RecordTransaction
from domain.ledger import Transaction
from domain.securities import Security
from oltp_api.acting import AUDIT, Acting, acting, acting_as, events
from oltp_api.connections import RowLock
from oltp_api.context import AppContext
from oltp_api.ledger.group_commit import GroupCommit
from oltp_api.ledger.handlers import decide, record_transaction, wanted_by
from oltp_api.ledger.repository import Decided, Portfolios
from oltp_api.ledger.writing import Loaded, NeedsHistory, Wanted, load
from oltp_api.sight import Sight, current_sight, seeing
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.web.idempotency import Answer, IdempotencyKey, IdempotencyKeys, IdempotentCommand, answer_of, response_of
from storage.correlation import correlation_id


@dataclass(frozen=True, slots=True)
class PendingTransaction:
    """A transaction that shall be recorded, all that it names, and how to answer it."""

    command: RecordTransaction
    wanted: Wanted
    cause: str
    answer: Callable[[Sequence[Transaction], Security | None, datetime], Answer]
    sight: Sight
    acting: Acting | None = None


ViewOf = Callable[[Sequence[Transaction], Security | None, datetime], BaseModel]
Outcome = Answer | Exception | None
"""Answer to give or error to raise; None if nothing happened, and it has to be recorded alone."""


@dataclass(frozen=True, slots=True)
class _Recorded:
    """The writes of a group: portfolios as they were decided, answers with their keys, and events of who did it."""

    at: datetime
    decided: list[Decided] = field(default_factory=list)
    kept: list[tuple[IdempotencyKey, Answer]] = field(default_factory=list)
    audited: list[Mapping[str, Any]] = field(default_factory=list)


def record_group(pending: Sequence[PendingTransaction], work: UnitOfWork) -> Sequence[Outcome]:
    """Record `pending`, no two of one portfolio, and return the outcome of each."""
    loaded = load([each.wanted for each in pending], work, RowLock.SKIP)
    recorded = _Recorded(work.recorded_at)
    outcomes = [_outcome(*each, recorded) for each in zip(pending, loaded, strict=True)]
    Portfolios(work).save(*recorded.decided)
    IdempotencyKeys(work).keep(*recorded.kept)
    if recorded.audited:
        work.defer(AUDIT, events(*recorded.audited))
    return outcomes


def _outcome(pending: PendingTransaction, loaded: Loaded | None, recorded: _Recorded) -> Outcome:
    if loaded is None:
        return None
    if loaded.answer is not None:
        return loaded.answer
    try:
        answer = pending.answer(*decide(pending.command, loaded), recorded.at)
    except NeedsHistory:
        return None
    except Exception as error:
        return error
    recorded.decided.append(Decided(loaded.portfolio, pending.cause))
    if pending.acting is not None:
        recorded.audited.append(pending.acting.row(recorded.at, pending.cause))
    if pending.wanted.key is not None:
        recorded.kept.append((pending.wanted.key, answer))
    return answer


class LedgerGroups:
    """Transactions as they arrive, in one commit with others that arrive now."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._commits: GroupCommit[PendingTransaction, Outcome] = GroupCommit(self.record, _portfolio_of)

    async def commit(
        self, idempotent: IdempotentCommand, body: BaseModel, status: int, command: RecordTransaction, view: ViewOf
    ) -> Response:
        """`idempotent.commit` for a transaction."""

        def alone(work: UnitOfWork) -> BaseModel:
            return view(*record_transaction(command, work), work.recorded_at)

        wanted = wanted_by(command, idempotent.key_of(body))
        pending = PendingTransaction(
            command,
            wanted,
            correlation_id(),
            lambda rows, security, recorded_at: answer_of(view(rows, security, recorded_at), status),
            current_sight(),
            acting(),
        )
        outcome = await self._commits.submit(pending)
        if isinstance(outcome, Exception):
            raise outcome
        if outcome is None:
            return await run_in_threadpool(idempotent.commit, body, status, alone)
        return response_of(outcome)

    def record(self, pending: Sequence[PendingTransaction]) -> Sequence[Outcome]:
        """Where the database refuses one, nothing was stored: then each is recorded alone."""
        try:
            with acting_as(None), seeing(_sight_of(pending)):  # each of them has an asker of its own
                return self._context.transact(lambda work: record_group(pending, work))
        except psycopg.OperationalError:
            raise
        except psycopg.Error:
            return [None] * len(pending)


async def ledger_groups(request: Request) -> LedgerGroups:
    found: LedgerGroups = request.app.state.ledger_groups
    return found


GroupsDep = Annotated[LedgerGroups, Depends(ledger_groups)]


def _sight_of(pending: Sequence[PendingTransaction]) -> Sight:
    return reduce(Sight.joined, (each.sight for each in pending))


def _portfolio_of(pending: PendingTransaction) -> UUID:
    return pending.command.portfolio_id
