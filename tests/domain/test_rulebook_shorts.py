"""Rulebook 2: oversell and shorts."""

import pytest

from domain.errors import InsufficientCash, InsufficientPosition
from domain.holdings import CostMethod
from domain.ledger import TxnType
from domain.money import ZERO
from domain.portfolio import Portfolio
from tests.domain.rulebook import MAIN, OTHER, UNITS, D, at, book, on, opened


def state(root: Portfolio) -> tuple[object, ...]:
    return dict(root.holdings), dict(root.cash), root.version, list(root.rows), root.last


def test_an_oversell_is_refused_whole_without_a_row_or_cash_and_carries_held_and_asked() -> None:
    mine = opened().buy("10", "100")
    before = state(mine.root)

    with pytest.raises(InsufficientPosition) as refusal:
        mine.sell("11", "100", day=3)

    assert (refusal.value.facts["held"], refusal.value.facts["asked"]) == ("10", "11")
    assert state(mine.root) == before


def test_a_back_dated_sale_that_makes_a_later_day_negative_names_the_first_violating_date() -> None:
    mine = opened().buy("10", "100").sell("4", "100", day=7).sell("6", "100", day=9)
    before = state(mine.root)

    with pytest.raises(InsufficientPosition) as refusal:
        mine.sell("5", "100", day=3)

    assert refusal.value.facts["first_violating_date"] == "2017-03-09"
    assert (refusal.value.facts["held"], refusal.value.facts["asked"]) == ("0", "5")
    assert state(mine.root) == before


def test_a_back_dated_withdrawal_that_overdraws_a_later_day_names_it_and_what_was_available() -> None:
    mine = opened(cash="1000")
    mine.root.withdraw(MAIN, D(600), on(8))

    with pytest.raises(InsufficientCash) as refusal:
        mine.root.withdraw(MAIN, D(500), on(3))

    facts = refusal.value.facts
    assert (facts["first_violating_date"], facts["available"], facts["asked"]) == ("2017-03-08", "400", "500")


def test_a_back_dated_deposit_is_taken_although_a_confirmed_fill_overdrew_a_later_day() -> None:
    mine = opened(cash="100")
    mine.root.trade(TxnType.BUY, MAIN, UNITS, D(1), D(300), ZERO, on(5), is_confirmed=True)
    mine.root.deposit(MAIN, D(50), on(3))

    assert mine.root.cash["USD"] == -150


def test_a_trading_book_has_negative_quantity() -> None:
    short = book().sell("50", "182")

    assert (short.held.quantity, short.held.cost_basis, short.held.avg_cost) == (-50, -9_100, 182)


@pytest.mark.parametrize("method", list(CostMethod))
def test_crossing_zero_is_two_legs(method: CostMethod) -> None:
    mine = book()
    mine.root.restate(method)
    mine.buy("50", "180").sell("100", "182", day=3)

    assert mine.held.realised == 100
    assert (mine.held.quantity, mine.held.avg_cost) == (-50, 182)


def test_covering_realises_open_less_cover_for_each_unit() -> None:
    mine = book().sell("50", "182").buy("20", "170", day=3)

    assert mine.held.realised == (182 - 170) * 20
    assert (mine.held.quantity, mine.held.avg_cost) == (-30, 182)


def test_a_short_pays_the_dividend() -> None:
    mine = book().sell("50", "182")
    cash = mine.root.cash["USD"]
    owed = mine.root.entitled(UNITS, on(5).business_date) * D("0.5")
    mine.root.receive_income(TxnType.DIVIDEND, MAIN, UNITS, owed, on(8), on(5).business_date)

    assert owed == -25
    assert mine.root.cash["USD"] == cash - 25


def test_a_disposal_without_known_lots_has_an_unknown_gain_never_zero() -> None:
    mine = opened()
    mine.root.transfer_in(MAIN, UNITS, D(10), None, on(2))
    assert not mine.held.is_basis_known

    mine.sell("4", "100", day=3)
    assert not mine.held.is_realised_known
    assert not mine.held.is_basis_known


def test_known_lots_that_leave_first_have_a_known_gain_even_beside_unknown_ones() -> None:
    mine = opened(method=CostMethod.FIFO).buy("4", "10")
    mine.root.transfer_in(MAIN, UNITS, D(10), None, on(3))
    mine.sell("4", "100", day=4)
    assert (mine.held.realised, mine.held.is_realised_known) == (360, True)

    mine.sell("1", "100", day=5)
    assert not mine.held.is_realised_known


def test_units_do_not_leave_a_short_nor_enter_one_by_transfer_since_lots_go_along() -> None:
    short = book().sell("50", "182", account=MAIN).buy("5", "182", account=OTHER)
    before = state(short.root)
    refused = [
        lambda: short.root.transfer_out(MAIN, UNITS, D(1), on(3)),
        lambda: short.root.transfer_in(MAIN, UNITS, D(1), D(1), on(3)),
        lambda: short.root.transfer_in(MAIN, UNITS, D(60), D(1), on(3)),
        lambda: short.root.move_units(OTHER, MAIN, UNITS, D(1), on(3), short.root.portfolio_id),
    ]
    for act in refused:
        with pytest.raises(InsufficientPosition):
            act()
    assert state(short.root) == before


def test_a_back_dated_sale_in_a_book_is_refused_where_a_later_transfer_would_find_too_little() -> None:
    mine = book().buy("10", "100")
    mine.root.transfer_out(MAIN, UNITS, D(10), at(9))

    with pytest.raises(InsufficientPosition) as refusal:
        mine.sell("5", "100", day=5)

    assert refusal.value.facts["first_violating_date"] == "2017-03-09"
