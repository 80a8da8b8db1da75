"""Recording of a batch of transactions in one portfolio: all its rows are decided in one pass.

A row that was recorded before, by its external id, is a duplicate and has no effect; so a batch can be sent again.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from domain.accounts import MAIN_ACCOUNT
from domain.commands import BatchMode, RecordBatch, RecordTransaction
from domain.entries import Terms, When
from domain.errors import AlreadyExists, InvalidInput, Refusal
from domain.portfolio import Portfolio
from domain.securities import AssetType, Reference, Security, parse_ticker
from oltp_api.ledger.handlers import needs_history, rows_of, terms_of, when_of
from oltp_api.ledger.writing import Loaded, Wanted, decided, save
from oltp_api.registry.repository import Securities
from oltp_api.unit_of_work import UnitOfWork

_ISIN = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")


@dataclass(frozen=True, slots=True)
class Recorded:
    """The ledger rows of one transaction: the one that was asked for first, then what comes with it."""

    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Duplicate:
    seq: int


BatchOutcome = Recorded | Duplicate | Refusal


@dataclass(frozen=True, slots=True)
class _Ready:
    """A row that can be decided. Its place is that among the rows that were given."""

    place: int
    command: RecordTransaction
    account_id: int
    security: Security | None
    when: When
    terms: Terms


def record_batch(command: RecordBatch, work: UnitOfWork) -> Sequence[BatchOutcome]:
    """Record the rows that are not refused, or with ALL_OR_NOTHING all or none; return the outcome of each row, in the
    order given. If nothing is recorded because one is refused, the outcomes are what would have been."""
    wanted = _wanted_by(command, work)
    loaded, outcomes = decided(wanted, lambda loaded: _outcomes(command, loaded), work)
    is_wanted = command.mode is BatchMode.PARTIAL or not any(isinstance(each, Refusal) for each in outcomes)
    if loaded.portfolio.rows and is_wanted:
        save(loaded.portfolio, work)
    return outcomes


def _wanted_by(command: RecordBatch, work: UnitOfWork) -> Wanted:
    """All that the rows name, asked once. A security is what goes by its identifier now, whatever the day of a row."""
    rows = [row for row in command.rows if isinstance(row, RecordTransaction)]
    tickers: set[str] = set()
    for ticker in {row.ticker for row in rows if row.ticker is not None}:
        with suppress(InvalidInput):  # the rows that have it are refused one by one
            tickers.add(parse_ticker(ticker))
    if command.register_unknown:
        _register(rows, tickers, command.user_id, work)
    return Wanted(
        command.user_id,
        command.portfolio_id,
        accounts=tuple({row.account or MAIN_ACCOUNT for row in rows}),
        securities=tuple((Reference(ticker), None) for ticker in tickers),
        external_ids=tuple({row.external_id for row in rows if row.external_id is not None}),
        holds_all=True,
    )


def _outcomes(command: RecordBatch, loaded: Loaded) -> Sequence[BatchOutcome]:
    outcomes: dict[int, BatchOutcome] = {}
    ready: list[_Ready] = []
    seen: dict[str, int] = {}
    for place, row in enumerate(command.rows):
        try:
            if isinstance(row, Refusal):
                raise row
            if row.external_id is not None and row.external_id in loaded.recorded:
                outcomes[place] = Duplicate(loaded.recorded[row.external_id])
                continue
            if row.external_id is not None and seen.setdefault(row.external_id, place) != place:
                raise AlreadyExists("external_id of an earlier row", row.external_id)
            ready.append(_ready(place, row, loaded))
        except Refusal as refusal:
            outcomes[place] = refusal
    ready.sort(key=lambda row: (row.when.business_date, row.when.event_ts))
    if ready:
        security_ids = {row.security.security_id for row in ready if row.security is not None}
        loaded.reach(ready[0].when, sorted(security_ids), any(needs_history(row.command) for row in ready))
    outcomes.update(_decided(loaded.portfolio, ready))
    return [outcomes[place] for place in range(len(command.rows))]


def _register(rows: Sequence[RecordTransaction], tickers: set[str], user_id: UUID, work: UnitOfWork) -> None:
    """Register what nobody has, as an EQUITY in the currency of the first row that names it, else in dollars.

    An ISIN is no ticker: what it names has one, under which it must be registered.
    """
    named = [(Reference(ticker), None) for ticker in tickers]
    found = {reference.value for reference, _ in Securities(work).fetch_later(named)()}
    currencies = {row.ticker.strip().upper(): row.currency for row in reversed(rows) if row.ticker and row.currency}
    unknown = {ticker for ticker in tickers - found if not _ISIN.fullmatch(ticker)}
    for ticker in sorted(unknown):  # one order for all: no deadlock
        with suppress(AlreadyExists):  # then a parallel request was first, and has committed
            security = Security(0, ticker, AssetType.EQUITY, currencies.get(ticker) or "USD", ticker)
            Securities(work).add(security, user_id=user_id)


def _ready(place: int, row: RecordTransaction, loaded: Loaded) -> _Ready:
    account_id = loaded.account_id(row.account or MAIN_ACCOUNT)
    security = loaded.security(parse_ticker(row.ticker)) if row.ticker is not None else None
    return _Ready(place, row, account_id, security, when_of(row, loaded), terms_of(row, security))


def _decided(portfolio: Portfolio, ready: Sequence[_Ready]) -> Mapping[int, BatchOutcome]:
    """Decide in one pass, in order of event."""
    outcomes: dict[int, BatchOutcome] = {}
    past = portfolio.rewound()
    for row in ready:
        past.advance_to(row.when)
        try:
            rows = rows_of(row.command, past, row.account_id, row.security, row.when, row.terms)
            outcomes[row.place] = Recorded(tuple(each.seq for each in rows))
        except Refusal as refusal:
            outcomes[row.place] = refusal
    portfolio.adopt(past)
    return outcomes
