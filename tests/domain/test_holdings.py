from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from domain.holdings import CostMethod, Holding, Trade, total
from domain.money import ZERO, money, product

D = Decimal


def holding(*trades: tuple[str, str] | tuple[str, str, str]) -> Holding:
    """The holding after trades of (signed quantity, price) or (signed quantity, price, fees)."""
    held = Holding()
    for quantity, price, *fees in trades:
        held = held.after(trade(D(quantity), D(price), D(fees[0]) if fees else ZERO))
    return held


def trade(quantity: Decimal, price: Decimal, fees: Decimal = ZERO) -> Trade:
    return Trade(quantity, product(abs(quantity), price), fees)


def figures(held: Holding) -> tuple[Decimal, Decimal, Decimal]:
    return held.quantity, held.cost_basis, held.realised


def test_selling_everything_resets_the_average_cost() -> None:
    assert holding(("10", "100"), ("-10", "120"), ("10", "300")).avg_cost == 300


def test_a_sale_never_moves_the_average_cost() -> None:
    assert holding(("100", "180"), ("-50", "182")).avg_cost == 180


def test_average_cost_of_the_rulebook_relieves_half_of_two_purchases() -> None:
    held = holding(("100", "10"), ("100", "20"), ("-100", "25"))

    assert (held.realised, held.cost_basis) == (1_000, 1_500)


def test_two_accounts_are_one_position_at_the_weighted_average() -> None:
    a, b = holding(("50", "500")), holding(("30", "520"))
    position = total([a, b])

    assert (position.quantity, position.avg_cost) == (80, D("507.5"))


def test_crossing_zero_realises_the_long_and_opens_a_short_at_the_new_price() -> None:
    held = holding(("50", "180"), ("-100", "182"))

    assert figures(held) == (-50, -9_100, 100)
    assert held.avg_cost == 182


def test_covering_a_short_realises_open_minus_cover() -> None:
    assert figures(holding(("-50", "182"), ("50", "170"))) == (0, 0, 600)


def test_covering_through_zero_opens_a_long() -> None:
    assert figures(holding(("-50", "182"), ("80", "170"))) == (30, 5_100, 600)


def test_a_fee_raises_the_cost_of_a_purchase_and_lowers_the_gain_of_a_sale() -> None:
    held = holding(("10", "100", "5"), ("-10", "110", "7"))

    assert holding(("10", "100", "5")).avg_cost == D("100.5")
    assert held.realised == 1_100 - 7 - 1_005


def test_the_fee_of_a_trade_through_zero_goes_with_the_closing_leg() -> None:
    assert figures(holding(("50", "180"), ("-100", "182", "10"))) == (-50, -9_100, 90)


def test_a_billion_units_at_a_hundred_thousand_are_exact() -> None:
    held = holding(("1000000000", "100000.00000001"), ("-999999999.99999999", "100000.00000001"))

    assert held.quantity == D("0.00000001")
    assert held.cost_basis == D("0.001")
    assert held.realised == ZERO


def test_a_third_of_a_unit_sold_three_times_leaves_exactly_nothing() -> None:
    third = "-0.33333333"
    held = holding(("1", "100"), (third, "100"), (third, "100"), (third, "100"), ("-0.00000001", "100"))

    assert (held.quantity, held.cost_basis) == (ZERO, ZERO)


quantities = st.decimals("0.00000001", "1000000000", places=8)
prices = st.decimals("0.00000001", "100000", places=8)
fees = st.decimals("0", "1000", places=8)


@given(bought=quantities, cost=prices, fee=fees, price=prices, share_sold=st.fractions(0, 1))
def test_cost_is_conserved_whatever_is_sold(bought, cost, fee, price, share_sold) -> None:
    before = Holding().after(trade(bought, cost, fee))
    sold = money(bought * share_sold.numerator / share_sold.denominator)
    after = before.after(trade(-sold, price, ZERO))

    proceeds = money(sold * price)
    relieved = proceeds - (after.realised - before.realised)
    assert relieved + after.cost_basis == before.cost_basis


@given(trades=st.lists(st.tuples(quantities, prices, fees), min_size=1, max_size=8), price=prices)
def test_selling_all_leaves_zero_units_and_zero_cost(trades, price) -> None:
    held = Holding()
    for bought in trades:
        held = held.after(trade(*bought))

    closed = held.after(trade(-held.quantity, price, ZERO))

    assert (closed.quantity, closed.cost_basis) == (ZERO, ZERO)


@given(bought=quantities, cost=prices, price=prices, parts=st.lists(st.integers(1, 1000), min_size=1, max_size=8))
def test_selling_in_parts_gives_the_gain_of_selling_at_once(bought, cost, price, parts) -> None:
    held = Holding().after(trade(bought, cost, ZERO))
    left = held
    for part in parts:
        left = left.after(trade(-money(left.quantity * part / 2000), price, ZERO))
    left = left.after(trade(-left.quantity, price, ZERO))

    at_once = held.after(trade(-bought, price, ZERO))
    assert abs(left.realised - at_once.realised) <= D("0.00000001") * (len(parts) + 1)


@given(trades=st.lists(st.tuples(st.decimals("-1000", "1000", places=8), prices, fees), max_size=10))
def test_cost_and_quantity_always_have_the_same_sign_without_fees(trades) -> None:
    held = Holding()
    for quantity, price, _ in trades:
        held = held.after(trade(quantity, price, ZERO))
        assert held.quantity * held.cost_basis >= 0


@given(trades=st.lists(st.tuples(st.decimals("-1000", "1000", places=8), prices, fees), max_size=20))
def test_sums_that_go_on_from_trade_to_trade_are_those_of_the_lots(trades) -> None:
    held = Holding()
    for number, (quantity, price, fee) in enumerate(trades):
        held = held.after(trade(quantity, price, fee), CostMethod.FIFO)
        held = held.recosted(D(number % 3), D(1)) if number % 5 == 4 else held
        lots = held.lots

        assert held.quantity == sum((lot.quantity for lot in lots), ZERO)
        assert held.cost_basis == sum((lot.cost for lot in lots), ZERO)
        assert held.cost_basis_base == sum((lot.cost_base for lot in lots), ZERO)
