"""Recording of a batch of transactions in one portfolio: all its rows are decided in one pass.

A row that was recorded before, by its external id, is a duplicate and has no effect; so a batch can be sent again.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from uuid import UUID

from domain.accounts import MAIN_ACCOUNT
from domain.commands import BatchMode, RecordBatch, RecordTransaction
from domain.errors import AlreadyExists, InsufficientCash, InsufficientPosition, InvalidInput, Refusal, plain
from domain.ledger import TxnType
from domain.money import payable
from domain.portfolio import Portfolio
from domain.securities import AssetType, Reference, Security, parse_ticker
from oltp_api.ledger.decisions import Prepared, drafted, prepared, rows_of
from oltp_api.ledger.repository import RecordedRow
from oltp_api.ledger.writing import Loaded, Wanted, decided, save
from oltp_api.registry.repository import Named, Securities
from oltp_api.unit_of_work import UnitOfWork

_PURCHASES_FIRST: Mapping[TxnType, int] = {
    TxnType.BUY: 1,
    TxnType.SELL: 2,
    **dict.fromkeys((TxnType.WITHDRAW, TxnType.FEE, TxnType.TAX, TxnType.TRANSFER_OUT), 3),
}
_SALES_FIRST: Mapping[TxnType, int] = {**_PURCHASES_FIRST, TxnType.BUY: 2, TxnType.SELL: 1}
"""Orders of a day's rows that may be covered where the given one is not: what brings money or units comes first."""
_ISIN = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")


@dataclass(frozen=True, slots=True)
class Recorded:
    """The ledger rows of one transaction: the one that was asked for first, then what comes with it.

    `is_put_in_order`: the day's rows were not covered in the order given, and stand in another.
    """

    seqs: tuple[int, ...]
    is_put_in_order: bool = False


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A row whose id is recorded; `change` says what it moves otherwise than the recorded one, None if nothing."""

    seq: int
    change: str | None = None


BatchOutcome = Recorded | Duplicate | Refusal


@dataclass(frozen=True, slots=True)
class _Ready:
    """A row that can be decided. Its place is that among the rows that were given."""

    place: int
    asked: Prepared


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
    """All that the rows name, asked once. A security is what goes by its identifier on a row's day, or else now."""
    rows = [row for row in command.rows if isinstance(row, RecordTransaction)]
    named: set[Named] = set()
    for name, day in {(name, row.business_date) for row in rows for name in (row.ticker, row.into) if name is not None}:
        with suppress(InvalidInput):  # the rows that have it are refused one by one
            named |= {(_by_ticker(name), day), (_by_ticker(name), None)}
    tickers = {str(reference.value) for reference, _ in named}
    if command.register_unknown:
        _register(rows, tickers, command.user_id, work)
    return Wanted(
        command.user_id,
        command.portfolio_id,
        accounts=tuple({row.account or MAIN_ACCOUNT for row in rows}),
        securities=tuple(named),
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
            if row.external_id is not None and (known := loaded.recorded.get(row.external_id)):
                outcomes[place] = Duplicate(known.seq, _change(row, known, loaded))
                continue
            if row.external_id is not None and seen.setdefault(row.external_id, place) != place:
                raise AlreadyExists("external_id of an earlier row", row.external_id)
            ready.append(_Ready(place, prepared(row, loaded, _by_ticker)))
        except Refusal as refusal:
            outcomes[place] = refusal
    ready.sort(key=_moment)
    if ready:
        security_ids = {security_id for row in ready for security_id in row.asked.security_ids}
        loaded.reach(ready[0].asked.when, sorted(security_ids), any(row.asked.needs_history for row in ready))
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


def _decided(portfolio: Portfolio, ready: Sequence[_Ready]) -> Mapping[int, BatchOutcome]:
    """Decide in one pass, in order of event."""
    outcomes: dict[int, BatchOutcome] = {}
    past = portfolio.rewound()
    for _, together in groupby(ready, key=_moment):
        rows = list(together)
        past.advance_to(rows[0].asked.when)
        outcomes.update(_of_one_moment(past, rows))
    portfolio.adopt(past)
    return outcomes


def _of_one_moment(past: Portfolio, rows: Sequence[_Ready]) -> Mapping[int, BatchOutcome]:
    """Decide rows in the order given; if one is not covered then, and none has a time, in one that works."""
    if len(rows) == 1 or any(row.asked.command.event_ts is not None for row in rows):
        return _in_order(past, rows)
    begin = past.mark()
    given = _in_order(past, rows)
    if not _is_short(given):
        return given
    for turns in (_PURCHASES_FIRST, _SALES_FIRST):
        past.back_to(begin)
        ordered = sorted(rows, key=lambda row: turns.get(row.asked.command.txn_type, 0))
        found = _in_order(past, ordered)
        if not _is_short(found):
            return {place: _put_in_order(outcome) for place, outcome in found.items()}
    past.back_to(begin)
    return _in_order(past, rows)


def _change(row: RecordTransaction, known: RecordedRow, loaded: Loaded) -> str | None:
    """Say what `row` moves otherwise than the row that has its id; of what is refused, nothing."""
    try:
        moved = drafted(prepared(row, loaded, _by_ticker), loaded.portfolio)
    except Refusal:
        return None
    if moved is None:
        return None
    recorded = (payable(known.cash_effect, known.currency), known.quantity)
    if recorded == moved:
        return None
    was, now = (" and ".join(_amounts(*each, known.currency)) for each in (recorded, moved))
    return f"is recorded as row {known.seq} with {was}; the file now says {now}: reverse that row, and send it again"


def _amounts(cash: Decimal, quantity: Decimal | None, currency: str) -> list[str]:
    return [f"{plain(cash)} {currency}"] + ([f"{plain(quantity)} units"] if quantity is not None else [])


def _in_order(past: Portfolio, rows: Sequence[_Ready]) -> dict[int, BatchOutcome]:
    outcomes: dict[int, BatchOutcome] = {}
    for row in rows:
        try:
            outcomes[row.place] = Recorded(tuple(each.seq for each in rows_of(row.asked, past)))
        except Refusal as refusal:
            outcomes[row.place] = refusal
    return outcomes


def _is_short(outcomes: Mapping[int, BatchOutcome]) -> bool:
    return any(isinstance(each, (InsufficientCash, InsufficientPosition)) for each in outcomes.values())


def _put_in_order(outcome: BatchOutcome) -> BatchOutcome:
    return replace(outcome, is_put_in_order=True) if isinstance(outcome, Recorded) else outcome


def _by_ticker(text: str) -> Reference:
    return Reference(parse_ticker(text))


def _moment(row: _Ready) -> tuple[date, datetime]:
    return (row.asked.when.business_date, row.asked.when.event_ts)
