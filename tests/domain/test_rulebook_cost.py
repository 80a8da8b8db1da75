"""Rulebook 0, 1 and 13: numbers, cost, and the holdings of a position."""

import ast
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.entries import Terms
from domain.errors import InvalidNumber, TooManyHoldings
from domain.holdings import CostMethod, Holding, Trade, total
from domain.ledger import TxnType
from domain.money import ZERO, money, parse_money, parse_quantity, product, share
from tests.domain.rulebook import MAIN, OTHER, UNITS, D, Opened, at, on, opened

DOMAIN = Path(__file__).parents[2] / "domain"
LEDGER_MODULES = (
    *("money", "holdings", "ledger", "positions", "entries", "timeline", "rules", "portfolio", "intervals", "commands"),
)
METHODS = list(CostMethod)


@pytest.mark.parametrize("value", ["1e10", "0.000000001", "NaN", "-Infinity"])
def test_a_quantity_price_or_rate_has_at_most_18_digits_8_after_the_point(value: str) -> None:
    assert parse_quantity(D("9999999999.99999999"), "quantity") == D("9999999999.99999999")
    with pytest.raises(InvalidNumber):
        parse_quantity(D(value), "quantity")


@pytest.mark.parametrize("value", ["1e20", "0.000000001"])
def test_money_has_at_most_28_digits_8_after_the_point(value: str) -> None:
    assert parse_money(D("99999999999999999999.99999999"), "amount")
    with pytest.raises(InvalidNumber):
        parse_money(D(value), "amount")


def test_no_float_is_near_money() -> None:
    floats = [
        f"{module}:{node.lineno}"
        for module in LEDGER_MODULES
        for node in ast.walk(ast.parse((DOMAIN / f"{module}.py").read_text()))
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Name) and node.id == "float")
    ]
    assert floats == []


def test_one_function_rounds_money() -> None:
    rounding = [module for module in LEDGER_MODULES if ".quantize(" in (DOMAIN / f"{module}.py").read_text()]
    assert rounding == ["money"]
    assert (DOMAIN / "money.py").read_text().count(".quantize(") == 2, "money at 8 places, and cash at its currency's"


def test_a_product_or_quotient_is_rounded_at_once_half_away_from_zero_at_eight_places() -> None:
    assert product(D("0.5"), D("0.00000001")) == D("0.00000001")
    assert product(D("-0.5"), D("0.00000001")) == D("-0.00000001")
    assert share(D(2), D(1), D(3)) == D("0.66666667")
    assert share(D("0.00000001"), D(49), D(100)) == ZERO


def test_relieved_cost_is_cost_times_sold_over_held_rounded() -> None:
    mine = opened().buy("3", "33.34").sell("1", "40", day=3).sell("1", "40", day=4)

    assert mine.held.cost_basis == D("100.02") - 2 * money(D("100.02") / 3)
    mine = opened().buy("3", "33", fees="1").sell("1", "40", day=3)
    assert mine.held.cost_basis == 100 - D("33.33333333")


def test_the_last_sale_takes_the_remainder() -> None:
    mine = opened().buy("3", "33", fees="1")
    for day in (3, 4, 5):
        mine.sell("1", "40", day=day)

    assert (mine.held.quantity, mine.held.cost_basis) == (0, 0)
    assert mine.held.realised == 20


def test_a_billion_units_at_a_hundred_thousand_in_another_currency_are_exact() -> None:
    mine = opened(cash="0")
    mine.root.move_cash(TxnType.DEPOSIT, MAIN, D("100000000000000"), on(1), Terms("EUR"))
    mine.buy("1000000000", "99999.99999999", terms=Terms("EUR", D("1.12345678")))

    assert mine.held.cost_basis == D("99999999999990")
    assert mine.held.cost_basis_base == D("112345677999988.7654322")
    assert mine.root.cash["EUR"] == D(10)


def test_a_purchases_fee_raises_cost_and_a_sales_fee_lowers_proceeds() -> None:
    mine = opened().buy("10", "100", fees="5")
    assert mine.held.cost_basis == 1_005

    mine.sell("10", "110", fees="7", day=3)
    assert mine.held.realised == 1_100 - 7 - 1_005


@pytest.mark.parametrize("method", METHODS)
def test_fees_in_cost_are_kept_apart_in_the_row(method: CostMethod) -> None:
    mine = opened(method=method).buy("10", "100", fees="5")
    row = mine.root.rows[-1]

    assert (row.gross, row.fees, mine.held.cost_basis) == (1_000, 5, 1_005)


quantities = st.decimals("0.00000001", "1000000", places=8)
prices = st.decimals("0.00000001", "100000", places=8)
rates = st.decimals("0.0001", "1000", places=8)
bought = st.lists(st.tuples(quantities, prices, rates), min_size=1, max_size=6)


def holding_of(purchases: list[tuple[Decimal, Decimal, Decimal]], method: CostMethod) -> Holding:
    held = Holding()
    for quantity, price, rate in purchases:
        held = held.after(Trade(quantity, product(quantity, price), D(1), rate), method)
    return held


@given(bought, st.fractions(0, 1), prices)
def test_a_sale_never_changes_average_cost(purchases, part, price) -> None:
    before = holding_of(purchases, CostMethod.AVCO)
    sold = money(before.quantity * part.numerator / part.denominator)
    after = before.after(Trade(-sold, product(sold, price)))

    if after.quantity:  # but for the rounding of the relieved cost, spread over what is left
        assert abs(after.cost_basis / after.quantity - before.cost_basis / before.quantity) * after.quantity <= D(
            "1e-8"
        )


def test_selling_everything_resets_the_average() -> None:
    mine = opened().buy("10", "100").sell("10", "120", day=3).buy("10", "300", day=4)

    assert mine.held.avg_cost == 300


@pytest.mark.parametrize(("method", "gain", "left"), [(CostMethod.FIFO, 1_500, 2_000), (CostMethod.AVCO, 1_000, 1_500)])
def test_fifo_relieves_the_oldest_and_average_cost_the_mean(method: CostMethod, gain: int, left: int) -> None:
    mine = opened(method=method).buy("100", "10").buy("100", "20", day=3).sell("100", "25", day=4)

    assert (mine.held.realised, mine.held.cost_basis) == (gain, left)


def test_two_accounts_are_one_position_at_the_weighted_average() -> None:
    mine = opened().buy("50", "500").buy("30", "520", account=OTHER)
    position = total(mine.root.holdings.values())

    assert (position.quantity, position.avg_cost) == (80, D("507.5"))
    assert position.quantity * 550 == 44_000
    assert position.quantity * 550 - position.cost_basis == 3_400


@given(bought, st.fractions(0, 1), prices, rates, st.sampled_from(METHODS))
def test_cost_is_conserved_in_local_and_in_base_currency(purchases, part, price, rate, method) -> None:
    before = holding_of(purchases, method)
    sold = money(before.quantity * part.numerator / part.denominator)
    after = before.after(Trade(-sold, product(sold, price), ZERO, rate), method)

    proceeds = product(sold, price)
    assert proceeds - after.realised + after.cost_basis == before.cost_basis
    assert product(proceeds, rate) - after.realised_base + after.cost_basis_base == before.cost_basis_base


def test_changing_the_method_restates_cost_and_gain() -> None:
    mine = opened().buy("100", "10").buy("100", "20", day=3).sell("100", "25", day=4)
    mine.root.restate(CostMethod.FIFO)
    assert (mine.held.realised, mine.held.cost_basis) == (1_500, 2_000)

    mine.root.restate(CostMethod.AVCO)
    assert (mine.held.realised, mine.held.cost_basis) == (1_000, 1_500)


def test_at_the_same_moment_ledger_order_decides() -> None:
    mine = opened().buy("10", "100", day=2).sell("10", "120", day=2).buy("10", "300", day=2)

    assert (mine.held.cost_basis, mine.held.realised) == (3_000, 200)


def test_of_two_lots_of_one_day_the_earlier_moment_leaves_first_whatever_the_ledgers_order() -> None:
    mine = opened(method=CostMethod.FIFO)
    mine.root.buy(MAIN, UNITS, D(10), D(20), ZERO, at(2, 16))
    mine.root.buy(MAIN, UNITS, D(10), D(10), ZERO, at(2, 9))
    mine.root.sell(MAIN, UNITS, D(10), D(30), ZERO, at(3))

    assert mine.held.realised == 200


@given(bought, st.lists(st.fractions(0, 1), max_size=5), prices, st.sampled_from(METHODS))
def test_selling_all_leaves_exactly_zero_units_and_zero_cost(purchases, parts, price, method) -> None:
    held = holding_of(purchases, method)
    for part in parts:
        sold = money(held.quantity * part.numerator / part.denominator)
        held = held.after(Trade(-sold, product(sold, price)), method)
    held = held.after(Trade(-held.quantity, product(held.quantity, price)), method)

    assert (held.quantity, held.cost_basis, held.cost_basis_base, held.lots) == (0, 0, 0, ())


def in_accounts(count: int) -> Opened:
    mine = opened()
    for account in range(1, count + 1):
        mine.buy("1", "10", account=account)
    return mine


def test_a_position_has_at_most_six_holdings() -> None:
    mine = in_accounts(6)
    with pytest.raises(TooManyHoldings):
        mine.buy("1", "10", account=7)

    mine.sell("1", "10", account=1).buy("1", "10", account=7)
    assert sum(1 for held in mine.root.holdings.values() if held.quantity) == 6


def test_there_is_one_holding_for_each_account() -> None:
    mine = opened().buy("1", "10").buy("2", "13")

    assert list(mine.root.holdings) == [(MAIN, UNITS)]
    assert (mine.held.quantity, mine.held.avg_cost) == (3, 12)


def test_adding_a_holding_recomputes_quantity_and_average() -> None:
    mine = opened().buy("50", "500")
    mine.root.transfer_in(OTHER, UNITS, D(30), D(520), on(3))

    position = total(mine.root.holdings.values())
    assert (position.quantity, position.avg_cost) == (80, D("507.5"))


def test_removing_a_holding_recomputes_quantity_and_average() -> None:
    mine = opened().buy("50", "500").buy("30", "520", account=OTHER)
    mine.root.transfer_out(MAIN, UNITS, D(50), on(3))

    position = total(mine.root.holdings.values())
    assert (position.quantity, position.avg_cost, position.realised) == (30, 520, 0)


@pytest.mark.parametrize("quantity", ["0", "-1"])
def test_a_holdings_quantity_is_above_zero(quantity: str) -> None:
    with pytest.raises(InvalidNumber):
        opened().root.transfer_in(MAIN, UNITS, D(quantity), D(1), on(2))


def test_bought_units_cost_more_than_nothing() -> None:
    with pytest.raises(InvalidNumber):
        opened().buy("1", "0")


def test_received_units_may_cost_nothing() -> None:
    mine = opened()
    mine.root.transfer_in(MAIN, UNITS, D(10), ZERO, on(2))

    assert (mine.held.avg_cost, mine.held.is_basis_known) == (0, True)
