"""A ledger that was recorded elsewhere is taken over as it is; what is none is refused, and nothing is left behind."""

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.corporate_events import Reorganisation, reorganise
from domain.entries import Terms, When
from domain.errors import PortfolioIsArchived, Refusal
from domain.history import History
from domain.holdings import CostMethod
from domain.ledger import Transaction, TxnType
from domain.portfolio import Portfolio
from domain.positions import Positions
from domain.replay import NotEmpty, take_over

D = Decimal
SHARE, CHILD = 1, 2


def day(number: int) -> When:
    moment = datetime(2016, 1, 4, 15, tzinfo=UTC) + timedelta(days=number)
    return When(moment, moment.date())


def ledger() -> Portfolio:
    """A purchase that overdrew, units moved and spun off, a late deposit, and two rows taken back."""
    book = Portfolio(UUID(int=1), UUID(int=2), "mine", "USD", positions=Positions(CostMethod.FIFO), history=History())
    book.deposit(1, D(1000), day(0))
    book.trade(TxnType.BUY, 1, SHARE, D(10), D(90), D(5), day(1))
    book.trade(TxnType.BUY, 1, SHARE, D(3), D(100), D(0), day(2), is_confirmed=True)
    book.move_units(1, 2, SHARE, D(4), day(3), UUID(int=7))
    event = Reorganisation(TxnType.SPIN_OFF, SHARE, CHILD, D(1), D(2), D("0.1"))
    reorganise(book, event, day(4), Terms(), UUID(int=8))
    book.deposit(1, D(500), day(1))
    book.sell(1, SHARE, D(2), D(120), D(1), day(6))
    book.reverse(book.rows[-1].seq, "no")
    book.withdraw(1, D(10), day(6))
    return book


def empty(**other: Any) -> Portfolio:
    return replace(
        Portfolio(UUID(int=1), UUID(int=2), "copy", "USD", positions=Positions(CostMethod.FIFO)),
        **other,
    )


def test_a_ledger_that_is_taken_over_holds_what_it_held_also_where_cash_was_short() -> None:
    book, copy = ledger(), empty()

    take_over(copy, book.rows)

    assert min(Positions.of(book.rows[:3]).cash.values()) < 0
    assert copy.holdings == {key: held for key, held in book.holdings.items() if held.lots}
    assert {key: [lot.seq for lot in held.lots] for key, held in copy.holdings.items()} == {
        key: [lot.seq for lot in held.lots] for key, held in book.holdings.items() if held.lots
    }
    assert copy.cash == book.cash
    assert (copy.version, copy.last, copy.rows) == (book.version, book.last, book.rows)
    assert copy.changed == copy.holdings.keys()


def test_what_is_not_empty_or_archived_takes_nothing_over() -> None:
    with pytest.raises(NotEmpty):
        take_over(ledger(), ledger().rows)
    with pytest.raises(PortfolioIsArchived):
        take_over(empty(archived=True), ledger().rows)


def test_an_empty_ledger_changes_nothing() -> None:
    copy = empty()
    take_over(copy, [])
    assert copy == empty()


def at(rows: list[Transaction], seq: int, **other: Any) -> list[Transaction]:
    return [replace(row, **other) if row.seq == seq else row for row in rows]


@pytest.mark.parametrize(
    "forge",
    [
        lambda rows: rows[1:],
        lambda rows: [*rows[:4], *rows[5:]],
        lambda rows: [rows[1], rows[0], *rows[2:]],
        lambda rows: at(rows, 1, cash_effect=D(-1000)),
        lambda rows: at(rows, 2, cash_effect=D(-906)),
        lambda rows: at(rows, 2, gross=D(901)),
        lambda rows: at(rows, 2, fees=D(-5)),
        lambda rows: at(rows, 2, quantity=D(-10)),
        lambda rows: at(rows, 2, quantity=None),
        lambda rows: at(rows, 2, price=None),
        lambda rows: at(rows, 2, security_id=None),
        lambda rows: at(rows, 2, txn_type=TxnType.SELL),
        lambda rows: at(rows, 2, fx_rate=D(0)),
        lambda rows: at(rows, 2, quantity=D("NaN")),
        lambda rows: at(rows, 2, gross=D("1e30")),
        lambda rows: at(rows, 4, quantity=D(4)),
        lambda rows: at(rows, 4, quantity=D(-400)),
        lambda rows: at(rows, 5, transfer_id=UUID(int=9)),
        lambda rows: at(rows, 6, basis_share=D("1.5")),
        lambda rows: at(rows, 6, basis_share=None),
        lambda rows: at(rows, 7, transfer_id=None),
        lambda rows: rows[:4],
        lambda rows: at(rows, len(rows) - 1, cash_effect=D(1)),
        lambda rows: at(rows, len(rows) - 1, reverses_seq=1),
        lambda rows: at(rows, len(rows) - 1, reverses_seq=99),
        lambda rows: at(rows, len(rows) - 1, reverses_seq=None),
        lambda rows: at(rows, len(rows), reverses_seq=1),
        lambda rows: at(rows, 1, txn_type=TxnType.SPLIT, cash_effect=D(0)),
        lambda rows: at(at(rows, 1, external_id="a"), 2, external_id="a"),
        lambda rows: at(rows, 1, split_new=D(-1)),
        lambda rows: at(rows, 1, basis_share=D(2)),
    ],
)
def test_what_no_portfolio_has_recorded_is_refused_and_leaves_nothing(forge: Any) -> None:
    copy = empty()

    with pytest.raises(Refusal) as refused:
        take_over(copy, forge(deepcopy(ledger().rows)))

    assert refused.value.code == "no_ledger"
    assert copy == empty()
