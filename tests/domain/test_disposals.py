"""Disposals: what was sold, of which lot, and what was gained; vectors of the rulebook's sections 1 to 6a and 16."""

from datetime import date
from uuid import UUID

import pytest

from domain.corporate_events import Reorganisation, reorganise, return_capital, split
from domain.disposals import Disposal, Term, term_of
from domain.entries import PLAIN, Terms
from domain.holdings import CostMethod
from domain.intervals import position_intervals
from domain.ledger import TxnType
from domain.money import ZERO
from domain.portfolio import Portfolio
from tests.domain.rulebook import MAIN, OTHER, OTHERS, UNITS, D, Opened, at, book, on, opened

FIFO, AVCO = CostMethod.FIFO, CostMethod.AVCO
EVENT = UUID(int=9)


def disposed(mine: Opened | Portfolio) -> list[Disposal]:
    root = mine.root if isinstance(mine, Opened) else mine
    found: list[Disposal] = []
    list(position_intervals(root.rows, root.cost_method, found))
    return found


def figures(one: Disposal) -> tuple[object, ...]:
    return one.units, one.proceeds, one.cost, one.gain


def days(one: Disposal) -> tuple[object, ...]:
    return one.acquired_on, one.sold_on, one.days_held


def test_fifo_disposes_of_the_oldest_lot_and_average_cost_of_the_mean() -> None:
    by_lot = opened(method=FIFO).buy("100", "10").buy("100", "20", day=3).sell("100", "25", day=8)
    by_mean = opened(method=AVCO).buy("100", "10").buy("100", "20", day=3).sell("100", "25", day=8)

    assert [figures(one) for one in disposed(by_lot)] == [(100, 2_500, 1_000, 1_500)]
    assert [figures(one) for one in disposed(by_mean)] == [(100, 2_500, 1_500, 1_000)]


def test_a_disposal_names_the_rows_and_the_days_of_its_sale_and_of_its_lot() -> None:
    first, second = disposed(opened(method=FIFO).buy("10", "10").buy("10", "20", day=3).sell("15", "25", day=8))

    assert (first.seq, first.sale_seq, first.lot_seq, first.part) == (4, 4, 2, 1)
    assert (second.seq, second.sale_seq, second.lot_seq, second.part) == (4, 4, 3, 2)
    assert days(first) == (date(2017, 3, 2), date(2017, 3, 8), 6)
    assert days(second) == (date(2017, 3, 3), date(2017, 3, 8), 5)
    assert (first.units, second.units) == (10, 5)


def test_proceeds_by_lot_sum_to_those_of_the_sale_to_the_last_decimal() -> None:
    mine = opened(method=FIFO).buy("1", "1").buy("1", "1").buy("1", "1").sell("3", "33.33", fees="0.01")

    assert sum(one.proceeds for one in disposed(mine)) == D("99.98")
    assert [one.proceeds for one in disposed(mine)] == [D("33.32666667"), D("33.32666666"), D("33.32666667")]


def test_under_average_cost_a_lot_has_no_row_and_no_day() -> None:
    (sold,) = disposed(opened(method=AVCO).buy("10", "10").sell("10", "12", day=8))

    assert (sold.lot_seq, sold.acquired_on, sold.days_held) == (None, None, None)
    assert (sold.sale_seq, sold.sold_on) == (3, date(2017, 3, 8))


def test_a_purchases_fee_is_in_the_cost_and_a_sales_fee_not_in_the_proceeds() -> None:
    mine = opened(method=FIFO).buy("10", "100", fees="5").sell("10", "110", fees="7")

    assert figures(disposed(mine)[0]) == (10, 1_093, 1_005, 88)


def test_a_gain_of_340_in_another_currency_has_100_of_its_rate() -> None:
    mine = opened(method=FIFO)
    mine.root.move_cash(TxnType.DEPOSIT, MAIN, D(100_000), on(1), Terms("EUR"))
    mine.buy("100", "10", terms=Terms("EUR", D("1.10"))).sell("100", "12", day=3, terms=Terms("EUR", D("1.20")))
    (sold,) = disposed(mine)

    assert (sold.currency, *figures(sold)) == ("EUR", 100, 1_200, 1_000, 200)
    assert (sold.proceeds_base, sold.cost_base, sold.gain_base, sold.fx_gain_base) == (1_440, 1_100, 340, 100)


def test_a_shorts_opening_is_its_sale_and_what_covers_it_the_purchase() -> None:
    short = book()
    short.root.restate(FIFO)
    (covered,) = disposed(short.sell("50", "182").buy("50", "170", day=9))

    assert figures(covered) == (50, 9_100, 8_500, 600)
    assert days(covered) == (date(2017, 3, 9), date(2017, 3, 2), 0)
    assert (covered.seq, covered.sale_seq, covered.lot_seq) == (3, 2, 3)
    assert covered.realised_on == date(2017, 3, 9)


def test_through_zero_only_what_was_held_is_disposed_of() -> None:
    (closed,) = disposed(book().buy("50", "180").sell("100", "182", day=3))

    assert figures(closed) == (50, 9_100, 9_000, 100)


def test_an_unknown_basis_has_no_cost_and_no_gain_beside_a_known_one() -> None:
    mine = opened(method=FIFO)
    mine.root.transfer_in(MAIN, UNITS, D(10), None, on(2))
    unknown, known = disposed(mine.buy("10", "20", day=3).sell("15", "30", day=4))

    assert figures(unknown) == (10, 300, None, None)
    assert (unknown.cost_base, unknown.gain_base, unknown.fx_gain_base) == (None, None, None)
    assert figures(known) == (5, 150, 100, 50)


def test_a_lot_keeps_its_day_and_row_through_a_transfer_and_a_split() -> None:
    mine = opened(method=FIFO).buy("10", "100")
    mine.root.move_units(MAIN, OTHER, UNITS, D(10), on(3), EVENT)
    split(mine.root, MAIN, UNITS, D(2), D(1), at(4, 0))
    (sold,) = disposed(mine.sell("20", "60", day=8, account=OTHER))

    assert (sold.account_id, sold.lot_seq, *days(sold)) == (OTHER, 2, date(2017, 3, 2), date(2017, 3, 8), 6)
    assert figures(sold) == (20, 1_200, 1_000, 200)


@pytest.mark.parametrize("kind", [TxnType.SPIN_OFF, TxnType.MERGER, TxnType.EXCHANGE])
def test_a_lot_keeps_its_day_and_row_through_an_event(kind: TxnType) -> None:
    mine = opened(method=FIFO).buy("5", "100")
    fraction = D("0.1") if kind is TxnType.SPIN_OFF else D(1)
    reorganise(mine.root, Reorganisation(kind, UNITS, OTHERS, D(1), D(1), fraction), at(4, 0), PLAIN, EVENT)
    assert disposed(mine) == []

    mine.root.trade(TxnType.SELL, MAIN, OTHERS, D(5), D(200), ZERO, at(8), PLAIN)
    (sold,) = disposed(mine)
    assert (sold.security_id, sold.lot_seq, *days(sold)) == (OTHERS, 2, date(2017, 3, 2), date(2017, 3, 8), 6)
    assert sold.cost == 500 * fraction


def test_cash_of_a_merger_disposes_of_the_part_that_it_was_given_for() -> None:
    mine = opened(method=FIFO).buy("10", "100")
    event = Reorganisation(TxnType.MERGER, UNITS, OTHERS, D(1), D(2), D("0.6"), cash_per_unit=D(50))
    reorganise(mine.root, event, at(4, 0), PLAIN, EVENT)
    (sold,) = disposed(mine)

    assert (sold.txn_type, *figures(sold)) == (TxnType.MERGER, 4, 500, 400, 100)
    assert days(sold) == (date(2017, 3, 2), date(2017, 3, 4), 2)


def test_cash_in_lieu_disposes_of_the_fraction() -> None:
    mine = opened(method=FIFO).buy("5", "100")
    event = Reorganisation(TxnType.MERGER, UNITS, OTHERS, D(1), D(2), in_lieu_price=D(220))
    reorganise(mine.root, event, at(4, 0), PLAIN, EVENT)
    (sold,) = disposed(mine)

    assert (sold.txn_type, *figures(sold)) == (TxnType.CASH_IN_LIEU, D("0.5"), 110, 100, 10)
    assert sold.acquired_on == date(2017, 3, 2)


def test_capital_beyond_the_cost_is_a_disposal_of_no_units_and_within_it_none() -> None:
    mine = opened(method=FIFO).buy("100", "10")
    return_capital(mine.root, MAIN, UNITS, D(100), on(3), PLAIN)
    assert disposed(mine) == []

    return_capital(mine.root, MAIN, UNITS, D(1_000), on(8), PLAIN)
    (excess,) = disposed(mine)
    assert (excess.txn_type, *figures(excess)) == (TxnType.RETURN_OF_CAPITAL, 0, 100, 0, 100)
    assert days(excess) == (date(2017, 3, 2), date(2017, 3, 8), 6)


def test_a_reversed_sale_has_no_disposal() -> None:
    mine = opened(method=FIFO).buy("10", "10").sell("10", "12", day=3)
    mine.root.reverse(3)

    assert disposed(mine) == []


def test_units_that_leave_without_a_sale_are_no_disposal() -> None:
    mine = opened(method=FIFO).buy("10", "10")
    mine.root.transfer_out(MAIN, UNITS, D(10), on(3))

    assert disposed(mine) == []


def test_more_days_than_the_setting_are_long_term() -> None:
    assert [term_of(days, 365) for days in (0, 365, 366, None)] == [Term.SHORT, Term.SHORT, Term.LONG, None]
    assert term_of(366, 730) is Term.SHORT
