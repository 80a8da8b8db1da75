"""Rulebook 6: back-dating and correction."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import CannotReverse, InsufficientPosition
from domain.holdings import CostMethod
from domain.intervals import position_intervals
from domain.ledger import TxnType
from domain.money import ZERO
from domain.portfolio import Portfolio
from domain.positions import Positions
from tests.domain.rulebook import MAIN, OTHER, OTHERS, UNITS, D, at, book, on, opened


def test_a_reversal_names_its_original_and_takes_its_effects_back() -> None:
    mine = opened().buy("10", "100")
    (reversal,) = mine.root.reverse(2, "typed twice")

    assert (reversal.txn_type, reversal.reverses_seq, reversal.note) == (TxnType.REVERSAL, 2, "typed twice")
    assert (reversal.cash_effect, reversal.quantity) == (1_000, -10)
    assert mine.root.cash["USD"] == 1_000_000
    assert mine.held.quantity == mine.held.cost_basis == 0


def test_a_holding_or_balance_whose_only_rows_were_reversed_is_told_to_be_nothing() -> None:
    mine = opened(cash="1000").buy("10", "100")
    mine.root.changed.clear()
    mine.root.reverse(2)
    mine.root.reverse(1)

    assert mine.root.changed == {(MAIN, UNITS)}
    assert mine.root.cash == {"USD": 0}


def test_a_row_is_reversed_once() -> None:
    mine = opened().buy("10", "100")
    mine.root.reverse(2)

    with pytest.raises(CannotReverse, match="was reversed by transaction 3"):
        mine.root.reverse(2)


@pytest.mark.parametrize("seq", [3, 99])
def test_neither_a_reversal_nor_what_is_not_there_is_reversed(seq: int) -> None:
    mine = opened().buy("10", "100")
    mine.root.reverse(2)

    with pytest.raises(CannotReverse):
        mine.root.reverse(seq)


def test_both_legs_of_a_transfer_are_reversed_together() -> None:
    mine = opened().buy("10", "100")
    mine.root.move_units(MAIN, OTHER, UNITS, D(4), on(3), UUID(int=7))
    rows = mine.root.reverse(4)

    assert [row.reverses_seq for row in rows] == [3, 4]
    assert (mine.held.quantity, mine.held.cost_basis) == (10, 1_000)


def test_a_reversal_that_would_leave_a_later_sale_without_units_is_refused_by_its_date() -> None:
    mine = opened().buy("10", "100").sell("8", "100", day=7)

    with pytest.raises(InsufficientPosition) as refusal:
        mine.root.reverse(2)
    assert refusal.value.facts["first_violating_date"] == "2017-03-07"


def test_a_correction_is_a_reversal_and_a_new_row() -> None:
    mine = opened().buy("10", "100").sell("5", "120", day=9)
    mine.root.buy(MAIN, UNITS, D(10), D(90), ZERO, on(2))
    mine.root.reverse(2)

    assert (mine.held.cost_basis, mine.held.realised) == (450, 150)
    assert [row.seq for row in mine.root.rows] == [1, 2, 3, 4, 5]


def test_a_back_dated_row_rebuilds_forward_from_its_date_and_rewrites_nothing_else() -> None:
    mine = opened().buy("10", "100").buy("10", "200", day=9)
    mine.root.buy(MAIN, OTHERS, D(1), D(1), ZERO, on(12))
    before = list(position_intervals(mine.root.rows))
    mine.root.changed.clear()
    mine.buy("10", "300", day=5)
    after = list(position_intervals(mine.root.rows))

    assert mine.root.changed == {(MAIN, UNITS)}
    assert [i for i in after if i.security_id == OTHERS] == [i for i in before if i.security_id == OTHERS]
    assert after[0].valid_to == on(5).business_date
    assert (after[0].quantity, after[0].cost_basis) == (before[0].quantity, before[0].cost_basis)
    assert [interval.avg_cost for interval in after[:3]] == [100, 200, 200]


trades = st.lists(
    st.tuples(
        st.sampled_from([TxnType.BUY, TxnType.SELL]),
        st.sampled_from([MAIN, OTHER]),
        st.decimals("0.00000001", "50", places=8),
        st.decimals("0.00000001", "200", places=8),
    ),
    max_size=12,
)


@given(trades, st.randoms(use_true_random=False), st.sampled_from(list(CostMethod)))
def test_any_order_of_arrival_gives_the_same_rows(given_trades, random, method) -> None:
    dated = [(trade, at(1 + place // 4, 5 * (place % 4) + 1)) for place, trade in enumerate(given_trades)]

    def arrived(order) -> Portfolio:
        root = book().root
        root.restate(method)
        for (kind, account, quantity, price), when in order:
            root.trade(kind, account, UNITS, quantity, price, ZERO, when)
        return root

    one, other = arrived(dated), arrived(random.sample(dated, len(dated)))
    assert [*position_intervals(one.rows, method)] == [*position_intervals(other.rows, method)]
    assert one.holdings == other.holdings


@given(trades, st.sampled_from(list(CostMethod)))
def test_the_incremental_result_is_the_full_rebuild_exactly(given_trades, method) -> None:
    root = book().root
    root.restate(method)
    for place, (kind, account, quantity, price) in enumerate(given_trades):
        root.trade(kind, account, UNITS, quantity, price, ZERO, at(1 + place))
        assert Positions.of(root.rows, method).holdings == root.holdings
