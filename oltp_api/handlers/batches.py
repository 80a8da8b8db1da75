"""Recording of a batch of transactions: one lock, a handful of questions, one pass of decisions, one statement.

A row that was recorded before, by its external id, is a duplicate and has no effect; so a batch can be sent again.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from domain.commands import BatchMode, RecordBatch, RecordTransaction
from domain.entries import Terms, When
from domain.errors import AlreadyExists, InvalidInput, Refusal
from domain.portfolio import Portfolio
from domain.securities import AssetType, Security, parse_ticker
from oltp_api.handlers.ledger import (
    decide,
    load_history,
    needs_history,
    save,
    terms_of,
    tradable,
    when_of,
)
from oltp_api.repositories.accounts import MAIN_ACCOUNT
from oltp_api.unit_of_work import UnitOfWork

_ISIN = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")


@dataclass(frozen=True, slots=True)
class Recorded:
    """The ledger rows of one transaction: the one that was asked for first, then what comes with it."""

    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Duplicate:
    seq: int


Outcome = Recorded | Duplicate | Refusal


@dataclass(frozen=True, slots=True)
class _Known:
    """Securities, accounts and recorded external ids that the rows of a batch name, asked once."""

    securities: Mapping[str, Security]
    accounts: Mapping[str, int]
    recorded: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Ready:
    """A row that can be decided. Its place is that among the rows that were given."""

    place: int
    command: RecordTransaction
    account_id: int
    security: Security | None
    when: When
    terms: Terms


def record_batch(command: RecordBatch, work: UnitOfWork) -> Sequence[Outcome]:
    """Record the rows that are not refused, or with ALL_OR_NOTHING all or none; return the outcome of each row, in the
    order given. If nothing is recorded because one is refused, the outcomes are what would have been."""
    portfolio, known = _loaded(command, work)
    outcomes: dict[int, Outcome] = {}
    ready: list[_Ready] = []
    seen: dict[str, int] = {}
    for place, row in enumerate(command.rows):
        try:
            if isinstance(row, Refusal):
                raise row
            if row.external_id is not None and row.external_id in known.recorded:
                outcomes[place] = Duplicate(known.recorded[row.external_id])
                continue
            if row.external_id is not None and seen.setdefault(row.external_id, place) != place:
                raise AlreadyExists("external_id of an earlier row", row.external_id)
            ready.append(_ready(place, row, portfolio, known, work))
        except Refusal as refusal:
            outcomes[place] = refusal
    ready.sort(key=lambda row: (row.when.business_date, row.when.event_ts))
    _load_for(portfolio, ready, work)
    outcomes.update(_decided(portfolio, ready))
    is_wanted = command.mode is BatchMode.PARTIAL or not any(isinstance(each, Refusal) for each in outcomes.values())
    if portfolio.rows and is_wanted:
        save(portfolio, work)
    return [outcomes[place] for place in range(len(command.rows))]


def _loaded(command: RecordBatch, work: UnitOfWork) -> tuple[Portfolio, _Known]:
    rows = [row for row in command.rows if isinstance(row, RecordTransaction)]
    tickers: set[str] = set()
    for ticker in {row.ticker for row in rows if row.ticker is not None}:
        with suppress(InvalidInput):  # the rows that have it are refused one by one
            tickers.add(parse_ticker(ticker))
    accounts = {row.account or MAIN_ACCOUNT for row in rows}
    external_ids = {row.external_id for row in rows if row.external_id is not None}
    if command.register_unknown:
        _register(rows, tickers, command.user_id, work)
    with work.at_once():
        asked_portfolio = work.portfolios.ask(command.user_id, command.portfolio_id)
        asked_securities = work.imports.ask_securities(tickers)
        asked_accounts = work.imports.ask_accounts(command.user_id, accounts)
        asked_recorded = work.imports.ask_recorded(command.portfolio_id, external_ids)
    portfolio = asked_portfolio()
    return portfolio, _Known(asked_securities(), asked_accounts(), asked_recorded())


def _register(rows: Sequence[RecordTransaction], tickers: set[str], user_id: UUID, work: UnitOfWork) -> None:
    """Register what nobody has, as an EQUITY in the currency of the first row that names it, else in dollars.

    An ISIN is no ticker: what it names has one, under which it must be registered.
    """
    found = work.imports.ask_securities(tickers)()
    currencies = {row.ticker.strip().upper(): row.currency for row in reversed(rows) if row.ticker and row.currency}
    unknown = {ticker for ticker in tickers - found.keys() if not _ISIN.fullmatch(ticker)}
    for ticker in sorted(unknown):  # one order for all: no deadlock
        with suppress(AlreadyExists):  # then a parallel request was first, and has committed
            security = Security(0, ticker, AssetType.EQUITY, currencies.get(ticker) or "USD", ticker)
            work.securities.add(security, user_id=user_id)


def _ready(place: int, row: RecordTransaction, portfolio: Portfolio, known: _Known, work: UnitOfWork) -> _Ready:
    account = row.account or MAIN_ACCOUNT
    if account not in known.accounts:
        raise InvalidInput("account", f"{account[:40]!r} is not one of your accounts")
    security = None
    if row.ticker is not None:
        security = tradable(known.securities.get(parse_ticker(row.ticker)), row.ticker)
    terms, when = terms_of(row, security), when_of(portfolio, row, work)
    return _Ready(place, row, known.accounts[account], security, when, terms)


def _load_for(portfolio: Portfolio, ready: Sequence[_Ready], work: UnitOfWork) -> None:
    """Load every holding, and the history if a row has to be decided against it."""
    work.portfolios.load_holdings(portfolio)
    if any(needs_history(portfolio, row.command, row.when) for row in ready):
        security_ids = {row.security.security_id for row in ready if row.security is not None}
        load_history(portfolio, sorted(security_ids), ready[0].when, work)


def _decided(portfolio: Portfolio, ready: Sequence[_Ready]) -> Mapping[int, Outcome]:
    """Decide in one pass, in order of event."""
    outcomes: dict[int, Outcome] = {}
    past = portfolio.rewound()
    for row in ready:
        past.advance_to(row.when)
        try:
            decided = decide(past, row.command, row.account_id, row.security, row.when, row.terms)
            outcomes[row.place] = Recorded(tuple(each.seq for each in decided))
        except Refusal as refusal:
            outcomes[row.place] = refusal
    portfolio.adopt(past)
    return outcomes
