"""Deciding n rows in one pass is n times deciding one, and both are what folding the whole ledger each time gives."""

import time
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as wall
from decimal import Decimal
from itertools import count
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.corporate_events import Reorganisation, adjust_cost, grow, reorganise, return_capital, split
from domain.entries import Terms, When
from domain.errors import InsufficientCash, InsufficientPosition, Refusal
from domain.history import History
from domain.holdings import CostMethod, Holding
from domain.ledger import BETWEEN_SECURITIES, TxnType, effective
from domain.portfolio import Portfolio, PortfolioKind
from domain.positions import HoldingKey, Positions
from domain.timeline import cash_step
from tests.effort import examples
from tests.oracles.folding import FoldingPortfolio

D = Decimal
FIRST = date(2017, 3, 1)
Act = Callable[[Portfolio], object]
Command = tuple[When, Act]


def at(day: int, hour: int = 16) -> When:
    on = FIRST + timedelta(days=day)
    return When(datetime.combine(on, wall(hour), UTC), on)


def _amounts(*values: str) -> st.SearchStrategy[Decimal]:
    return st.sampled_from([D(value) for value in values])


def held(state: Portfolio | Positions) -> dict[HoldingKey, Holding]:
    """Return what is or was held, without a holding that never was anything."""
    return {key: holding for key, holding in state.holdings.items() if holding != Holding()}


def nonzero(cash: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return {currency: balance for currency, balance in cash.items() if balance}


_IDS = count(1)
"""Ids of events, each of its own."""
_FORWARD = "BUY BUY SELL SELL IN OUT DEPOSIT WITHDRAW EUR DIVIDEND RETURN COST"


@st.composite
def commands(draw: st.DrawFn, kinds: str = f"{_FORWARD} PER_UNIT SPLIT BONUS EVENT") -> Command:
    """A decision about one of two securities in one of nine accounts, on one of twelve days."""
    when = at(draw(st.integers(0, 11)), draw(st.sampled_from([10, 16])))
    kind = draw(st.sampled_from(kinds.split()))
    account, security = draw(st.sampled_from([1, 1, 1, 2, 3, 4, 5, 6, 7])), draw(st.sampled_from([10, 11]))
    units = draw(_amounts("1", "3", "10", "0.5", "7.12345678"))
    price = draw(_amounts("1", "9.99", "100"))
    cash = draw(_amounts("1", "50", "333.33", "1000"))
    fees = draw(_amounts("0", "1.5"))
    seq = draw(st.integers(1, 30))
    ratio = draw(st.sampled_from([(D(2), D(1)), (D(1), D(3)), (D(3), D(2))]))
    in_lieu = draw(st.sampled_from([None, D("2.5")]))
    ex_date = when.business_date - timedelta(days=draw(st.integers(0, 5)))
    event, into, transfer_id = draw(st.sampled_from(sorted(BETWEEN_SECURITIES))), 21 - security, UUID(int=next(_IDS))
    opening = at((when.business_date - FIRST).days, 0)

    def act(on: Portfolio) -> object:
        match kind:
            case "BUY" | "SELL":
                return on.trade(TxnType(kind), account, security, units, price, fees, when)
            case "IN":
                return on.transfer_in(account, security, units, price, when)
            case "OUT":
                return on.transfer_out(account, security, units, when)
            case "DEPOSIT" | "WITHDRAW":
                return on.move_cash(TxnType(kind), account, cash, when)
            case "EUR":
                return on.move_cash(TxnType.DEPOSIT, account, cash, when, Terms("EUR"))
            case "DIVIDEND":
                return on.receive_income(TxnType.DIVIDEND, account, security, cash, when, withheld=D(1))
            case "REVERSE":
                return on.reverse(seq)
            case "PER_UNIT":
                held = on.entitled(security, ex_date)
                return on.receive_income(TxnType.DIVIDEND, account, security, held, when) if held > 0 else None
            case "RETURN":
                return return_capital(on, account, security, cash, when, Terms())
            case "COST":
                return adjust_cost(on, account, security, cash, when, Terms(), is_paid=bool(in_lieu))
            case "BONUS":
                return grow(on, security, ratio, opening, Terms(), transfer_id, in_lieu)
            case "EVENT":
                said = Reorganisation(event, security, into, *ratio, D("0.25"), None, in_lieu, in_lieu, Terms())
                return reorganise(on, said, opening, Terms(), transfer_id)
            case _:
                return split(on, account, security, *ratio, opening, in_lieu)

    has_security = kind not in ("DEPOSIT", "WITHDRAW", "EUR", "REVERSE")
    vars(act).update(security=security if has_security else None, reverses=seq if kind == "REVERSE" else None)
    return (at((when.business_date - FIRST).days, 0) if kind in ("SPLIT", "BONUS", "EVENT") else when, act)


def ledger(before: Sequence[Command], method: CostMethod, kind: PortfolioKind) -> Portfolio:
    """A portfolio as it is loaded, after `before` in their order; of an investment portfolio, some are reversed."""
    mine = FoldingPortfolio(
        UUID(int=1), UUID(int=2), "mine", "USD", kind, positions=Positions(method), history=History()
    )
    mine.deposit(1, D(2000), at(0, 0))
    for _, act in before:
        attempt(act, mine)
    for seq in range(3, mine.version, 5) if kind is PortfolioKind.INVESTMENT else ():
        attempt(lambda on, seq=seq: on.reverse(seq), mine)
    mine.rows, mine.changed = [], set()
    return mine


def attempt(act: Act, on: Portfolio) -> object:
    try:
        return act(on)
    except Refusal as refusal:
        return (refusal.code, refusal.message)


def one_by_one(mine: Portfolio, rows: Sequence[Command]) -> list[object]:
    return [attempt(act, mine) for _, act in rows]


def in_one_pass(mine: Portfolio, rows: Sequence[Command]) -> list[object]:
    outcomes, past = [], mine.rewound()
    for when, act in rows:
        past.advance_to(when)
        outcomes.append(attempt(act, past))
    mine.adopt(past)
    return outcomes


def copied(mine: Portfolio) -> Portfolio:
    """The same portfolio, which decides as the product does."""
    fresh = deepcopy(mine)
    return Portfolio(**{each.name: getattr(fresh, each.name) for each in fields(Portfolio)})


def in_order(rows: Sequence[Command]) -> list[Command]:
    return sorted(rows, key=lambda row: (row[0].business_date, row[0].event_ts))


@settings(max_examples=examples(400), deadline=None)
@given(
    st.lists(commands(), max_size=25),
    st.lists(commands(), max_size=12),
    st.sampled_from(CostMethod),
    st.sampled_from(PortfolioKind),
)
def test_a_batch_is_what_deciding_its_rows_one_by_one_gives(before, rows, method, kind) -> None:
    folded = ledger(before, method, kind)
    alone, batch = copied(folded), copied(folded)

    expected = one_by_one(folded, in_order(rows))

    assert in_one_pass(batch, in_order(rows)) == expected
    assert one_by_one(alone, in_order(rows)) == expected
    for mine in (batch, alone):
        assert (mine.rows, mine.version, mine.last) == (folded.rows, folded.version, folded.last)
        assert (held(mine), nonzero(mine.cash)) == (held(folded), nonzero(folded.cash))


@settings(max_examples=examples(300), deadline=None)
@given(
    st.lists(commands(), max_size=25),
    st.lists(commands(f"{_FORWARD} PER_UNIT SPLIT REVERSE REVERSE"), max_size=12),
    st.sampled_from(CostMethod),
    st.sampled_from(PortfolioKind),
)
def test_one_decision_needs_its_securitys_rows_and_the_cash_that_follows(before, rows, method, kind) -> None:
    """As the repository loads them, with what events tied to it; other holdings and other cash are what they were."""
    folded = ledger(before, method, kind)
    alone = copied(folded)

    for command in rows:
        loaded = partly(alone, command)
        assert attempt(command[1], loaded) == attempt(command[1], folded)
        assert (loaded.version, loaded.last) == (folded.version, folded.last)
        merged = Positions(method, {**alone.holdings, **loaded.holdings}, {**alone.cash, **loaded.cash})
        assert (held(merged), nonzero(merged.cash)) == (held(folded), nonzero(folded.cash))
        alone = copied(folded)


def partly(mine: Portfolio, command: Command) -> Portfolio:
    """Loaded for one command: the rows of its security over their whole lives, all cash from its moment on."""
    assert mine.history is not None
    (when, act), rows, asked = command, mine.history.rows, copied(mine)
    security, seq = vars(act)["security"], vars(act)["reverses"]
    originals = [row for row in rows if row.seq == seq]
    for original in originals:
        when, security = When(original.event_ts, original.business_date), original.security_id
    tied = {security}
    if any(row.txn_type in BETWEEN_SECURITIES and row.security_id == security for row in rows):
        tied |= {row.security_id for row in rows if row.txn_type in BETWEEN_SECURITIES}  # there are only two
    known = [
        row
        for row in rows
        if (security is not None and row.security_id in tied)
        or (seq is not None and seq in (row.seq, row.reverses_seq))
    ]
    since = (when.business_date, when.event_ts)
    cash = [cash_step(row) for row in effective(rows) if row.cash_effect and (row.business_date, row.event_ts) >= since]
    asked.positions.holdings = {key: lots for key, lots in asked.holdings.items() if key[1] in tied}
    asked.history = History(known, cash)
    return asked


def test_a_late_split_that_leaves_a_later_sale_short_is_refused_with_what_is_held_then() -> None:
    """The fraction that is sold in lieu is of other units than those before the split."""
    bought: Command = (at(0, 10), lambda on: on.trade(TxnType.BUY, 1, 10, D(1), D(1), D(0), at(0, 10)))
    sold: Command = (at(1, 10), lambda on: on.trade(TxnType.SELL, 1, 10, D(1), D(1), D(0), at(1, 10)))
    reverse_split: Command = (at(1, 0), lambda on: split(on, 1, 10, D(1), D(3), at(1, 0), D("2.5")))
    alone = ledger([bought, sold], CostMethod.FIFO, PortfolioKind.INVESTMENT)
    batch = copied(alone)

    said = ("insufficient_position", "1 asked of security 10, 0 held on 2017-03-02")
    assert one_by_one(alone, [reverse_split]) == in_one_pass(batch, [reverse_split]) == [said]


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(commands(), max_size=15), st.lists(commands(), max_size=12), st.sampled_from(CostMethod))
def test_a_batch_leaves_what_replaying_the_whole_ledger_gives(before, rows, method) -> None:
    batch = copied(ledger(before, method, PortfolioKind.INVESTMENT))

    in_one_pass(batch, in_order(rows))

    assert batch.history is not None
    replayed = Positions.of(batch.history.rows, method)
    assert (held(replayed), nonzero(replayed.cash)) == (held(batch), nonzero(batch.cash))
    assert all(held.quantity >= 0 for held in batch.holdings.values())
    assert all(balance >= 0 for balance in batch.cash.values())


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(commands(), max_size=12), st.lists(commands(_FORWARD), max_size=12))
def test_without_history_a_batch_goes_on_from_the_newest_row(before, rows) -> None:
    alone = ledger(before, CostMethod.AVCO, PortfolioKind.INVESTMENT)
    later = [row for row in in_order(rows) if not alone.is_back_dated(row[0])]
    loaded = deepcopy(alone)
    loaded.history = None
    batch, loaded_positions = copied(loaded), loaded.positions

    assert in_one_pass(batch, later) == one_by_one(alone, later)
    assert (batch.rows, held(batch), batch.cash) == (alone.rows, held(alone), alone.cash)
    assert batch.changed == {key for key, held in batch.holdings.items() if held != loaded_positions.holding(key)}


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(commands(_FORWARD), max_size=15), st.lists(commands(_FORWARD), max_size=10))
def test_a_trading_book_may_be_short_but_never_of_what_was_transferred_out(before, rows) -> None:
    mine = ledger(in_order(before), CostMethod.FIFO, PortfolioKind.TRADING_BOOK)
    batch = copied(mine)

    in_one_pass(batch, in_order(rows))

    assert batch.history is not None
    assert held(Positions.of(batch.history.rows, CostMethod.FIFO)) == held(batch)


def test_a_sale_that_leaves_a_later_sale_uncovered_is_refused_and_the_others_are_not() -> None:
    mine = Portfolio(UUID(int=1), UUID(int=2), "mine", "USD", history=History())
    mine.deposit(1, D(1000), at(0))
    mine.buy(1, 10, D(10), D(10), D(0), at(1))
    mine.sell(1, 10, D(8), D(10), D(0), at(9))
    batch = mine.rewound()

    def sell(units: int, day: int) -> object:
        batch.advance_to(at(day))
        return attempt(lambda on: on.sell(1, 10, D(units), D(10), D(0), at(day)), batch)

    first, second = sell(2, 3), sell(1, 4)
    mine.adopt(batch)

    assert first.quantity == -2
    assert second == ("insufficient_position", "1 asked of security 10, 0 held on 2017-03-10")
    assert mine.quantity_of(10) == 0


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (lambda on: on.withdraw(1, D(51), at(2)), InsufficientCash),
        (lambda on: on.sell(1, 10, D(2), D(1), D(0), at(2)), InsufficientPosition),
    ],
)
def test_what_orders_have_reserved_is_not_taken_by_a_batch(act, error) -> None:
    mine = Portfolio(UUID(int=1), UUID(int=2), "mine", "USD", history=History())
    mine.deposit(1, D(1000), at(0))
    mine.buy(1, 10, D(10), D(10), D(0), at(1))
    mine.reserve_cash("USD", D(850))
    mine.reserve_units((1, 10), D(9))
    batch = mine.rewound()
    batch.advance_to(at(2))

    with pytest.raises(error):
        act(batch)


def test_ten_times_the_back_dated_rows_do_not_take_a_hundred_times_as_long() -> None:
    """Control: one by one they do, since each folds the whole history."""

    def history(rows: int) -> Portfolio:
        mine = Portfolio(UUID(int=1), UUID(int=2), "mine", "USD")
        for day in range(rows):
            mine.deposit(1, D(100), at(50 + day))
        return replace(mine, history=History(list(mine.rows)), rows=[])

    def seconds(decide: Callable[[Portfolio], object], rows: int) -> float:
        mine = history(rows)
        started = time.process_time()
        decide(mine)
        return time.process_time() - started

    def early(rows: int) -> list[Command]:
        return [(at(10), lambda on: on.deposit(1, D(1), at(10)))] * rows

    def passed(rows: int) -> float:
        return min(seconds(lambda mine: in_one_pass(mine, early(rows)), rows) for _ in range(3))

    def alone(rows: int) -> float:
        return min(seconds(lambda mine: one_by_one(mine, early(rows)), rows) for _ in range(2))

    assert passed(1000) < 30 * passed(100)
    assert alone(400) > 30 * alone(40)
