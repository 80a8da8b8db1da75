"""Rulebook 4: splits, as far as the ledger has them; prices as traded are market data."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.corporate_events import split
from domain.errors import AlreadySplit
from domain.holdings import CostMethod, Holding, Lot
from domain.intervals import position_intervals
from domain.money import ZERO, share
from tests.domain.rulebook import MAIN, OTHER, OTHERS, UNITS, D, at, book, on, opened

EX_DATE = at(10, 0)


@pytest.mark.parametrize("method", list(CostMethod))
def test_a_split_multiplies_units_divides_unit_cost_and_leaves_total_cost_cash_and_gain(method: CostMethod) -> None:
    mine = opened(method=method).buy("10", "100").buy("10", "130", day=3).sell("5", "140", day=4)
    before, cash = mine.held, dict(mine.root.cash)
    split(mine.root, MAIN, UNITS, D(4), D(1), EX_DATE)

    assert mine.held.quantity == before.quantity * 4
    assert mine.held.avg_cost == share(before.avg_cost, D(1), D(4))
    assert (mine.held.cost_basis, mine.held.realised, mine.root.cash) == (before.cost_basis, before.realised, cash)


lots = st.lists(st.tuples(st.decimals("0.00000001", "10000", places=8), st.decimals("0", "99", places=8)), min_size=1)


@given(lots, st.integers(1, 50), st.integers(1, 50))
def test_the_lots_of_a_split_sum_to_the_split_of_their_sum_and_keep_their_cost(held_lots, new, old) -> None:
    held = Holding(tuple(Lot(quantity, cost, cost) for quantity, cost in held_lots))
    after = held.split(D(new), D(old))

    assert after.quantity == share(held.quantity, D(new), D(old))
    assert [lot.cost for lot in after.lots] == [lot.cost for lot in held.lots]


def test_a_fraction_is_paid_as_cash_in_lieu() -> None:
    mine = opened().buy("7", "10")
    cash = mine.root.cash["USD"]
    row, paid = split(mine.root, MAIN, UNITS, D(1), D(2), EX_DATE, in_lieu_price=D(20))

    assert (paid.quantity, paid.cash_effect) == (D("-0.5"), 10)
    assert (mine.held.quantity, mine.held.cost_basis, mine.held.realised) == (3, 60, 0)
    assert mine.root.cash["USD"] == cash + 10
    assert row.cash_effect == 0


def test_the_fraction_of_a_short_is_bought_back() -> None:
    short = book().sell("7", "10")
    _, bought = split(short.root, MAIN, UNITS, D(1), D(2), EX_DATE, in_lieu_price=D(20))

    assert (bought.quantity, bought.cash_effect, short.held.quantity) == (D("0.5"), -10, -3)


def test_the_fraction_is_of_all_that_the_split_applies_to_also_of_what_came_at_its_very_moment() -> None:
    mine = opened()
    mine.root.transfer_in(MAIN, UNITS, D(7), D(10), EX_DATE)
    split(mine.root, MAIN, UNITS, D(1), D(2), EX_DATE, in_lieu_price=D(20))

    assert mine.held.quantity == 3


def test_a_split_applies_in_every_account_to_what_is_open_at_the_ex_date_and_to_nothing_else() -> None:
    mine = opened().buy("10", "100").buy("6", "100", account=OTHER).buy("8", "50", day=10)
    mine.root.buy(MAIN, OTHERS, D(5), D(10), ZERO, on(3))
    split(mine.root, MAIN, UNITS, D(2), D(1), EX_DATE)

    assert mine.held.quantity == 10 * 2 + 8
    assert mine.root.holdings[OTHER, UNITS].quantity == 12
    assert mine.root.holdings[MAIN, OTHERS].quantity == 5


def test_a_split_applies_once() -> None:
    mine = opened().buy("10", "100")
    rows = split(mine.root, MAIN, UNITS, D(2), D(1), EX_DATE)
    with pytest.raises(AlreadySplit):
        split(mine.root, OTHER, UNITS, D(2), D(1), EX_DATE)

    mine.root.reverse(rows[0].seq)
    split(mine.root, MAIN, UNITS, D(3), D(1), EX_DATE)
    assert mine.held.quantity == 30


def quantity_on(mine, day: int) -> D:
    (found,) = [
        interval.quantity
        for interval in position_intervals(mine.root.rows)
        if interval.valid_from <= on(day).business_date
        and (interval.valid_to is None or on(day).business_date < interval.valid_to)
    ]
    return found


def test_an_earlier_day_keeps_the_quantity_of_that_day_so_that_its_as_traded_price_values_it() -> None:
    mine = opened().buy("100", "2")
    split(mine.root, MAIN, UNITS, D(1), D(50), EX_DATE)

    assert quantity_on(mine, 5) * 2 == 200
    assert quantity_on(mine, 10) == 2


def test_a_position_closed_before_two_reverse_splits_is_untouched_by_them() -> None:
    mine = opened().buy("100", "10").sell("100", "11", day=4)
    split(mine.root, MAIN, UNITS, D(1), D(5), at(10, 0))
    split(mine.root, MAIN, UNITS, D(1), D(4), at(14, 0))

    assert quantity_on(mine, 3) * 10 == 1_000
    assert (mine.held.quantity, mine.held.realised) == (0, 100)
