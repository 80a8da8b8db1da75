"""Transactions that arrive together: locked, loaded, saved and committed together, each decided alone.

One that cannot be decided so is left to `ledger.record_transaction`: whoever has its portfolio or account locked is not
waited for, so that nobody waits for a stranger.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from domain.commands import RecordTransaction
from domain.ledger import Transaction, TxnType
from domain.portfolio import Portfolio
from domain.securities import Reference, Security
from oltp_api.handlers.ledger import decide, happened, needs_history, terms_of, tradable, when_of
from oltp_api.repositories.accounts import MAIN_ACCOUNT
from oltp_api.repositories.portfolios import Changes
from oltp_api.repositories.requests import Answer, KeptKey
from oltp_api.unit_of_work import UnitOfWork

Named = tuple[Reference, date | None]
"""A security as it was named, on a day."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A transaction that shall be recorded; how to answer it, and the idempotency key to keep with the answer."""

    command: RecordTransaction
    named: Named | None
    key: str | None
    request_hash: str
    cause: str
    answer: Callable[[Sequence[Transaction], Security | None, datetime], Answer]


Outcome = Answer | Exception | None
"""Answer to give or error to raise; None if nothing happened, and the entry has to be recorded alone."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """State of the database for all entries. A portfolio that is missing was not free, or is not there; an account may
    also be archived."""

    portfolios: Mapping[UUID, Portfolio]
    accounts: Mapping[tuple[UUID, str], int]
    securities: Mapping[Named, Security | None]
    taken: frozenset[tuple[UUID, str]]


def entry_of(
    command: RecordTransaction,
    key: str | None,
    request_hash: str,
    cause: str,
    answer: Callable[[Sequence[Transaction], Security | None, datetime], Answer],
) -> Entry | None:
    """None for what is decided alone, because it asks more than others: a history, our own id, an external id."""
    if command.txn_type is TxnType.SPLIT or command.per_unit is not None or command.external_id is not None:
        return None
    reference = Reference.parse(command.ticker) if command.ticker is not None else None
    if reference is not None and reference.security_id is not None:
        return None
    named = (reference, command.business_date) if reference is not None else None
    return Entry(command, named, key, request_hash, cause, answer)


def record_together(entries: Sequence[Entry], work: UnitOfWork) -> Sequence[Outcome]:
    """Record `entries`, no two of one portfolio, and return the outcome of each."""
    loaded = _loaded(entries, work)
    changes = Changes(work.recorded_at)
    outcomes = [_recorded(entry, loaded, changes, work) for entry in entries]
    kept = [
        KeptKey(entry.command.user_id, entry.key, entry.request_hash, outcome)
        for entry, outcome in zip(entries, outcomes, strict=True)
        if entry.key is not None and isinstance(outcome, Answer)
    ]
    if any(isinstance(outcome, Answer) for outcome in outcomes):
        work.portfolios.save_all(changes)
    if kept:
        work.keys.keep(*kept)
    return outcomes


def _loaded(entries: Sequence[Entry], work: UnitOfWork) -> _Loaded:
    commands = [entry.command for entry in entries]
    named = list({entry.named for entry in entries if entry.named is not None})
    keys = [(entry.command.user_id, entry.key) for entry in entries if entry.key is not None]
    with work.at_once():
        portfolios = work.portfolios.ask_free(
            [
                (entry.command.user_id, entry.command.portfolio_id, entry.named[0] if entry.named else None)
                for entry in entries
            ]
        )
        accounts = work.accounts.ask_free(list({(each.user_id, each.account or MAIN_ACCOUNT) for each in commands}))
        securities = work.securities.ask_all(named) if named else None
        taken = work.keys.ask_taken(keys) if keys else None
    known = dict(zip(named, securities(), strict=True)) if securities else {}
    return _Loaded(portfolios(), accounts(), known, frozenset(taken()) if taken else frozenset())


def _recorded(entry: Entry, loaded: _Loaded, changes: Changes, work: UnitOfWork) -> Outcome:
    command = entry.command
    portfolio = loaded.portfolios.get(command.portfolio_id)
    account_id = loaded.accounts.get((command.user_id, command.account or MAIN_ACCOUNT))
    if portfolio is None or account_id is None or (command.user_id, entry.key) in loaded.taken:
        return None
    try:
        security = tradable(loaded.securities[entry.named], str(command.ticker)) if entry.named else None
        terms = terms_of(command, security)
        when = when_of(portfolio, command, work)
        if needs_history(portfolio, command, when):
            return None
        rows = decide(portfolio, command, account_id, security, when, terms)
        answer = entry.answer(rows, security, work.recorded_at)
    except Exception as error:
        return error
    changes.add(portfolio, happened(portfolio), entry.cause)
    return answer
