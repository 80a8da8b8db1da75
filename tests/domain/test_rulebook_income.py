"""Rulebook 3: income, fees and tax."""

import pytest

from domain.entries import Terms
from domain.errors import InvalidNumber
from domain.ledger import TxnType
from tests.domain.rulebook import MAIN, OTHER, UNITS, D, on, opened


def test_entitlement_is_the_holding_at_the_close_before_the_ex_date() -> None:
    mine = opened().buy("10", "100", day=2).buy("5", "100", day=3, account=OTHER).buy("7", "100", day=6)
    mine.sell("10", "100", day=6)

    assert mine.root.entitled(UNITS, on(6).business_date) == 15
    assert mine.root.entitled(UNITS, on(7).business_date) == 12
    assert mine.root.entitled(UNITS, on(2).business_date) == 0


def test_income_moves_cash_on_the_day_of_payment_and_names_its_ex_date() -> None:
    mine = opened(cash="0")
    (row,) = mine.root.receive_income(TxnType.DIVIDEND, MAIN, UNITS, D(30), on(20), on(6).business_date)

    assert (row.business_date, row.ex_date) == (on(20).business_date, on(6).business_date)
    assert mine.root.cash == {"USD": 30}


def test_withholding_is_a_row_of_its_own() -> None:
    mine = opened(cash="0")
    rows = mine.root.receive_income(TxnType.DIVIDEND, MAIN, UNITS, D(30), on(20), on(6).business_date, D("4.5"))

    assert [(row.txn_type, row.cash_effect) for row in rows] == [(TxnType.DIVIDEND, 30), (TxnType.TAX, D("-4.5"))]
    assert mine.root.cash == {"USD": D("25.5")}


def test_no_more_is_withheld_than_is_paid() -> None:
    with pytest.raises(InvalidNumber):
        opened().root.receive_income(TxnType.DIVIDEND, MAIN, UNITS, D(30), on(20), None, D(31))


def test_reinvestment_is_a_dividend_and_a_purchase() -> None:
    mine = opened(cash="1000").buy("10", "100")
    mine.root.receive_income(TxnType.DIVIDEND, MAIN, UNITS, D(30), on(20))
    mine.buy("0.25", "120", day=20)

    assert (mine.held.quantity, mine.held.cost_basis, mine.root.cash["USD"]) == (D("10.25"), 1_030, 0)


@pytest.mark.parametrize("kind", [TxnType.DIVIDEND, TxnType.COUPON])
def test_income_changes_neither_units_nor_cost_nor_realised_gain(kind: TxnType) -> None:
    mine = opened().buy("10", "100")
    before = mine.held
    mine.root.receive_income(kind, MAIN, UNITS, D(30), on(20))

    assert mine.held == before


def test_an_income_row_has_no_price_that_could_be_taken_for_a_quote() -> None:
    mine = opened().buy("10", "100")
    rows = mine.root.receive_income(TxnType.DIVIDEND, MAIN, UNITS, D(30), on(20), None, D(3))

    assert [(row.price, row.quantity, row.gross) for row in rows] == [(None, None, None)] * 2


def test_accrued_interest_is_paid_with_a_bond_but_never_in_its_cost() -> None:
    mine = opened()
    mine.buy("1000", "98.5", terms=Terms(price_factor=D("0.01"), accrued=D("12.34")))

    assert mine.held.cost_basis == 985
    assert mine.root.rows[-1].cash_effect == D("-997.34")
