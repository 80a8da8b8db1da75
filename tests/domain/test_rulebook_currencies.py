"""Rulebook 5: currencies, as far as the ledger has them; finding a day's rate is market data."""

from uuid import UUID

import pytest

from domain.entries import Terms
from domain.errors import FxMissing, InsufficientCash, InvalidInput, InvalidNumber
from domain.holdings import CostMethod
from domain.ledger import TxnType
from domain.money import ZERO
from tests.domain.rulebook import MAIN, OTHER, UNITS, D, on, opened


def euros(rate: str | None = None) -> Terms:
    return Terms("EUR", D(rate) if rate else None)


def with_euros(method: CostMethod = CostMethod.AVCO):
    mine = opened(method=method)
    mine.root.move_cash(TxnType.DEPOSIT, MAIN, D(100_000), on(1), euros())
    return mine


def test_a_gain_in_another_currency_is_340_of_which_240_is_price_and_100_the_rate() -> None:
    mine = with_euros().buy("100", "10", terms=euros("1.10")).sell("100", "12", day=3, terms=euros("1.20"))

    assert mine.held.realised_base == 340
    assert mine.held.realised_fx == 100
    assert mine.held.realised_base - mine.held.realised_fx == 240


def test_each_lot_costs_what_its_own_days_rate_made_it_cost_and_proceeds_are_at_the_sales() -> None:
    mine = with_euros(CostMethod.FIFO).buy("10", "10", terms=euros("1.10")).buy("10", "10", day=3, terms=euros("1.30"))
    assert [lot.cost_base for lot in mine.held.lots] == [110, 130]

    mine.sell("10", "10", day=4, terms=euros("1.20"))
    assert (mine.held.realised, mine.held.realised_base, mine.held.cost_basis_base) == (0, 10, 130)


def test_a_trade_without_a_rate_is_fx_missing_and_not_a_rate_of_one() -> None:
    with pytest.raises(FxMissing) as refusal:
        with_euros().buy("1", "10", terms=euros())

    assert refusal.value.code == "fx_missing"


def test_units_received_at_a_cost_in_another_currency_need_a_rate_too() -> None:
    mine = opened()
    with pytest.raises(FxMissing):
        mine.root.transfer_in(MAIN, UNITS, D(1), D(10), on(2), euros())

    mine.root.transfer_in(MAIN, UNITS, D(1), None, on(2), euros())
    mine.root.transfer_in(OTHER, UNITS, D(1), ZERO, on(2), euros())
    assert not mine.held.is_basis_known


def test_the_base_currencys_rate_is_one_and_nothing_else() -> None:
    with pytest.raises(InvalidNumber):
        opened().buy("1", "10", terms=Terms("USD", D("1.1")))
    assert opened().buy("1", "10").root.rows[-1].fx_rate == 1


def test_cash_is_kept_in_each_currency_and_never_summed() -> None:
    mine = opened(cash="100")
    mine.root.move_cash(TxnType.DEPOSIT, MAIN, D(50), on(2), euros())
    assert mine.root.cash == {"USD": 100, "EUR": 50}

    with pytest.raises(InsufficientCash) as refusal:
        mine.root.move_cash(TxnType.WITHDRAW, MAIN, D(51), on(3), euros())
    assert refusal.value.facts["currency"] == "EUR"


def test_a_conversion_is_two_legs_of_one_transfer_and_no_flow() -> None:
    mine = opened(cash="1100")
    rows = mine.root.convert(MAIN, D(1100), D(1000), "EUR", on(2), UUID(int=7))

    assert mine.root.cash == {"USD": 0, "EUR": 1000}
    assert [row.txn_type for row in rows] == [TxnType.TRANSFER_OUT, TxnType.TRANSFER_IN]
    assert {row.transfer_id for row in rows} == {UUID(int=7)}
    assert not {row.txn_type for row in rows} & {TxnType.DEPOSIT, TxnType.WITHDRAW}


def test_a_currency_is_not_converted_into_itself() -> None:
    with pytest.raises(InvalidInput):
        opened().root.convert(MAIN, D(1), D(1), "USD", on(2), UUID(int=7))


def test_a_reversed_conversion_that_was_spent_names_the_currency_that_is_short() -> None:
    mine = opened(cash="1100")
    rows = mine.root.convert(MAIN, D(1100), D(1000), "EUR", on(2), UUID(int=7))
    mine.root.move_cash(TxnType.WITHDRAW, MAIN, D(400), on(3), euros())

    with pytest.raises(InsufficientCash) as refusal:
        mine.root.reverse(rows[0].seq)

    facts = refusal.value.facts
    assert (facts["currency"], facts["available"], facts["asked"]) == ("EUR", "600", "1000")


def test_units_moved_between_accounts_keep_their_lots_and_realise_nothing() -> None:
    mine = with_euros(CostMethod.FIFO).buy("10", "10", terms=euros("1.10")).buy("10", "20", day=3, terms=euros("1.30"))
    mine.root.move_units(MAIN, OTHER, UNITS, D(15), on(4), UUID(int=7), euros())

    moved = mine.root.holdings[OTHER, UNITS]
    assert [(lot.quantity, lot.cost, lot.cost_base) for lot in moved.lots] == [(10, 100, 110), (5, 100, 130)]
    assert (moved.realised, mine.held.realised, mine.held.cost_basis_base) == (0, 0, 130)


def test_of_units_moved_beside_younger_ones_the_older_leave_first() -> None:
    mine = with_euros(CostMethod.FIFO).buy("10", "10", terms=euros("1.10"))
    mine.buy("10", "20", day=3, account=OTHER, terms=euros("1.30"))
    mine.root.move_units(MAIN, OTHER, UNITS, D(10), on(4), UUID(int=7), euros())
    mine.sell("10", "20", day=5, account=OTHER, terms=euros("1.20"))

    assert mine.root.holdings[OTHER, UNITS].realised == 100
