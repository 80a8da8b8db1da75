"""Recording of a batch of transactions in one portfolio: all its rows are decided in one pass.

A row that was recorded before, by its external id, is a duplicate and has no effect; so a batch can be sent again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import groupby
from typing import Protocol

from domain.accounts import MAIN_ACCOUNT
from domain.commands import BatchMode, RecordBatch, RecordTransaction
from domain.entries import Terms
from domain.errors import AlreadyExists, InsufficientCash, InsufficientPosition, InvalidInput, Refusal, plain
from domain.ledger import Transaction, TxnType
from domain.money import payable, rounded_up
from domain.portfolio import Portfolio
from domain.positions import HoldingKey
from domain.securities import Reference, parse_ticker
from domain.values import quickly_made
from oltp_api.connections import Deferred
from oltp_api.ledger.decisions import Prepared, drafted, prepared, rows_of
from oltp_api.ledger.repository import RecordedRow
from oltp_api.ledger.writing import Loaded, Wanted, decided, saving
from oltp_api.registry.repository import Named
from oltp_api.unit_of_work import UnitOfWork

_PURCHASES_FIRST: Mapping[TxnType, int] = {
    TxnType.BUY: 1,
    TxnType.SELL: 2,
    **dict.fromkeys((TxnType.WITHDRAW, TxnType.FEE, TxnType.TAX, TxnType.TRANSFER_OUT), 3),
}
_SALES_FIRST: Mapping[TxnType, int] = {**_PURCHASES_FIRST, TxnType.BUY: 2, TxnType.SELL: 1}
"""Orders of a day's rows that may be covered where the given one is not: what brings money or units comes first."""
ROWS_BETWEEN = 660
"""Rows that are read, or decided, between two pieces of what is written: 500 rows, or 1,000 identities."""
_MOST_PAID_AT_ONCE = 3
"""Rows of one transaction that may each need cash of one currency: an exchange, its trade and a fee."""
ASSUMED_CASH = "assumed: the cash that the rows of the day need was not there"


@quickly_made
@dataclass(frozen=True, slots=True)
class Recorded:
    """The ledger rows of one transaction: the one that was asked for first, then what comes with it.

    `is_put_in_order`: the day's rows were not covered in the order given, and stand in another. `assumed` is the
    deposit of the cash that it needed and that was not there.
    """

    seqs: tuple[int, ...]
    is_put_in_order: bool = False
    assumed: Transaction | None = None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A row whose id is recorded; `change` says what it moves otherwise than the recorded one, None if nothing."""

    seq: int
    change: str | None = None


BatchOutcome = Recorded | Duplicate | Refusal


@quickly_made
@dataclass(frozen=True, slots=True)
class _Ready:
    """A row that can be decided. Its place is that among the rows that were given."""

    place: int
    asked: Prepared


class Recognises(Protocol):
    """Knowledge of rows that were recorded before by something else than an id in the ledger."""

    def fetch_later(self, work: UnitOfWork) -> Deferred[object]:
        """Ask for it in the round trip that asks for the portfolio, under its lock."""

    def duplicates(self, found: object) -> Mapping[int, Duplicate]:
        """The rows that are known, by their places among those that were given."""


@dataclass(frozen=True, slots=True)
class Balances:
    """Holdings of a portfolio: cash by currency, and units by account and security."""

    cash: Mapping[str, Decimal]
    units: Mapping[HoldingKey, Decimal]

    @classmethod
    def of(cls, portfolio: Portfolio) -> "Balances":
        held = portfolio.positions
        units = {key: each.quantity for key, each in held.holdings.items() if each.quantity}
        return cls({currency: amount for currency, amount in held.cash.items() if amount}, units)


@dataclass(frozen=True, slots=True)
class RecordedBatch:
    """The outcome of each row, in the order given, what the portfolio had before and after, and the portfolio itself,
    to be decided on."""

    outcomes: Sequence[BatchOutcome]
    before: Balances
    after: Balances
    portfolio: Portfolio


def record_batch(command: RecordBatch, work: UnitOfWork, known: Recognises | None = None) -> RecordedBatch:
    """Record the rows that are not refused, or with ALL_OR_NOTHING all or none. If nothing is recorded because one is
    refused, the outcomes are what would have been."""
    done, writing = decided_batch(command, work, known)
    for _ in writing:
        pass
    return done


def decided_batch(
    command: RecordBatch, work: UnitOfWork, known: Recognises | None = None, as_decided: Portfolio | None = None
) -> tuple[RecordedBatch, Iterator[None]]:
    """`record_batch` whose rows are yet to be written, a piece with each step. Before the last one only a batch may be
    decided that is given the portfolio of this one; what is written behind goes on meanwhile."""
    wanted = replace(_wanted_by(command, known), as_decided=as_decided)

    def act(loaded: Loaded) -> tuple[Balances, Sequence[BatchOutcome]]:
        before = Balances.of(loaded.portfolio)
        return before, _outcomes(command, loaded, known, work.write_some)

    loaded, (before, outcomes) = decided(wanted, act, work)
    is_wanted = command.mode is BatchMode.PARTIAL or not any(isinstance(each, Refusal) for each in outcomes)
    portfolio = loaded.portfolio
    writing = saving(portfolio, work) if portfolio.rows and is_wanted else iter(())
    portfolio.go_on()
    return RecordedBatch(outcomes, before, Balances.of(portfolio), portfolio), writing


def _wanted_by(command: RecordBatch, known: Recognises | None) -> Wanted:
    """All that the rows name, asked once. A security is what goes by its identifier on a row's day, or else now."""
    rows = [row for row in command.rows if isinstance(row, RecordTransaction)]
    named: set[Named] = set()
    for name, day in {(name, row.business_date) for row in rows for name in (row.ticker, row.into) if name is not None}:
        with suppress(InvalidInput):  # the rows that have it are refused one by one
            reference = _named(name)
            named |= {(reference, None)} if reference.security_id else {(reference, day), (reference, None)}
    return Wanted(
        command.user_id,
        command.portfolio_id,
        accounts=tuple({row.account or MAIN_ACCOUNT for row in rows}),
        securities=tuple(named),
        external_ids=tuple({row.external_id for row in rows if row.external_id is not None}),
        holds_all=True,
        also=known.fetch_later if known is not None else None,
    )


def _outcomes(
    command: RecordBatch, loaded: Loaded, known_rows: Recognises | None, between: Callable[[], None]
) -> Sequence[BatchOutcome]:
    outcomes: dict[int, BatchOutcome] = dict(known_rows.duplicates(loaded.also)) if known_rows is not None else {}
    ready: list[_Ready] = []
    seen: dict[str, int] = {}
    for place, row in enumerate(command.rows):
        if place in outcomes:
            continue
        try:
            if isinstance(row, Refusal):
                raise row
            if row.external_id is not None and (known := loaded.recorded.get(row.external_id)):
                outcomes[place] = Duplicate(known.seq, _change(row, known, loaded))
                continue
            if row.external_id is not None and seen.setdefault(row.external_id, place) != place:
                raise AlreadyExists("external_id of an earlier row", row.external_id)
            ready.append(_Ready(place, prepared(row, loaded, _named)))
        except Refusal as refusal:
            outcomes[place] = refusal
    ready.sort(key=_moment)
    if ready:
        security_ids = {security_id for row in ready for security_id in row.asked.security_ids}
        loaded.reach(ready[0].asked.when, sorted(security_ids), any(row.asked.needs_history for row in ready))
    outcomes.update(_decided(loaded.portfolio, ready, command.assumes_cash, between))
    return [outcomes[place] for place in range(len(command.rows))]


def _decided(
    portfolio: Portfolio, ready: Sequence[_Ready], assumes_cash: bool, between: Callable[[], None]
) -> Mapping[int, BatchOutcome]:
    """Decide in one pass, in order of event."""
    outcomes: dict[int, BatchOutcome] = {}
    past, due = portfolio.rewound(), ROWS_BETWEEN
    for _, together in groupby(ready, key=_moment):
        rows = list(together)
        past.advance_to(rows[0].asked.when)
        outcomes.update(_of_one_moment(past, rows, assumes_cash))
        if len(outcomes) >= due:
            between()
            due += ROWS_BETWEEN
    portfolio.adopt(past)
    return outcomes


def _of_one_moment(past: Portfolio, rows: Sequence[_Ready], assumes_cash: bool) -> Mapping[int, BatchOutcome]:
    """Decide rows in the order given; if one is not covered then, and none has a time, in one that works; if none does,
    with the cash that is missing where that may be assumed."""
    if len(rows) == 1 or any(row.asked.command.event_ts is not None for row in rows):
        return _in_order(past, rows, assumes_cash)
    begin = past.mark()
    given = _in_order(past, rows)
    if not _is_short(given):
        return given
    if any(row.asked.command.received is not None for row in rows):
        past.back_to(begin)
        return _as_covered(past, rows, assumes_cash)
    for turns in (_PURCHASES_FIRST, _SALES_FIRST):
        past.back_to(begin)
        ordered = sorted(rows, key=lambda row: turns.get(row.asked.command.txn_type, 0))
        found = _in_order(past, ordered)
        if not _is_short(found):
            return {place: _put_in_order(outcome) for place, outcome in found.items()}
    past.back_to(begin)
    return _in_order(past, rows, assumes_cash)


def _as_covered(past: Portfolio, rows: Sequence[_Ready], assumes_cash: bool) -> Mapping[int, BatchOutcome]:
    """Decide rows of a day on which cash is exchanged: each as soon as what it needs is there, which an exchange that
    is written after it may have brought."""
    outcomes: dict[int, BatchOutcome] = {}
    waiting, fewer = list(rows), True
    while waiting and fewer:
        for row in waiting:
            found = _in_order(past, [row])
            if not _is_short(found):
                outcomes |= found
        fewer = any(row.place in outcomes for row in waiting)
        waiting = [row for row in waiting if row.place not in outcomes]
    outcomes |= _in_order(past, waiting, assumes_cash)
    order = list(outcomes)
    is_as_given = order == sorted(order)
    return outcomes if is_as_given else {place: _put_in_order(outcome) for place, outcome in outcomes.items()}


def _change(row: RecordTransaction, known: RecordedRow, loaded: Loaded) -> str | None:
    """Say what `row` moves otherwise than the row that has its id; of what is refused, nothing."""
    try:
        moved = drafted(prepared(row, loaded, _named), loaded.portfolio)
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


def _in_order(past: Portfolio, rows: Sequence[_Ready], assumes_cash: bool = False) -> dict[int, BatchOutcome]:
    outcomes: dict[int, BatchOutcome] = {}
    for row in rows:
        try:
            outcomes[row.place] = Recorded(tuple([each.seq for each in rows_of(row.asked, past)]))
        except InsufficientCash as refusal:
            outcomes[row.place] = _with_assumed_cash(past, row, refusal) if assumes_cash else refusal
        except Refusal as refusal:
            outcomes[row.place] = refusal
    return outcomes


def _with_assumed_cash(past: Portfolio, row: _Ready, short: InsufficientCash) -> BatchOutcome:
    """Record a deposit of what is missing, marked as assumed, and then the row."""
    begin, asked = past.mark(), row.asked
    currency, missing = str(short.facts["currency"]), _missing(short)
    rate = asked.command.fx_rate if currency == asked.terms.currency else asked.command.fee_fx_rate
    terms = Terms(currency=currency, fx_rate=rate, note=ASSUMED_CASH)
    for _ in range(_MOST_PAID_AT_ONCE):
        try:
            amount = rounded_up(missing, currency)
            deposit = past.move_cash(TxnType.DEPOSIT, asked.account_id, amount, asked.when, terms)
            return Recorded(tuple(each.seq for each in rows_of(asked, past)), assumed=deposit)
        except InsufficientCash as again:
            past.back_to(begin)
            short, missing = again, missing + _missing(again)
            if again.facts["currency"] != currency:
                break
        except Refusal as refusal:
            past.back_to(begin)
            return refusal
    return short


def _missing(short: InsufficientCash) -> Decimal:
    return Decimal(str(short.facts["asked"])) - Decimal(str(short.facts["available"]))


def _is_short(outcomes: Mapping[int, BatchOutcome]) -> bool:
    return any(isinstance(each, (InsufficientCash, InsufficientPosition)) for each in outcomes.values())


def _put_in_order(outcome: BatchOutcome) -> BatchOutcome:
    return replace(outcome, is_put_in_order=True) if isinstance(outcome, Recorded) else outcome


@lru_cache(maxsize=1_024)
def _named(text: str) -> Reference:
    """A security by a ticker, which no ISIN nor CUSIP is taken for here, or by our own id."""
    return Reference.parse(text) if text.startswith("id:") else Reference(parse_ticker(text))


def _moment(row: _Ready) -> tuple[date, datetime]:
    return (row.asked.when.business_date, row.asked.when.event_ts)
