"""RULEBOOK 14: each sentence that states a rule is a test."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.corporate_events import split
from domain.entries import When
from domain.errors import (
    FxMissing,
    InsufficientCash,
    InsufficientPosition,
    InvalidInput,
    InvalidNumber,
    PortfolioIsArchived,
)
from domain.history import History
from domain.money import ZERO
from domain.orders import (
    Execution,
    Fill,
    FillConflict,
    FillSource,
    LastClose,
    NoRecentPrice,
    Order,
    OrderCancelledAlready,
    OrderFilledAlready,
    OrderStatus,
    OrderType,
    Overfill,
    Side,
    WorseThanLimit,
)
from domain.portfolio import Portfolio, PortfolioKind
from domain.securities import AssetType, Security

D = Decimal
MAIN = 1
TODAY = date(2017, 3, 29)
AAPL = Security(10, "AAPL", AssetType.EQUITY, "USD", "Apple")
MSFT = Security(11, "MSFT", AssetType.EQUITY, "USD", "Microsoft")
SAP = Security(12, "SAP", AssetType.EQUITY, "EUR", "SAP")
T10 = Security(13, "T10", AssetType.BOND, "USD", "Treasury")
AT_100 = LastClose(D(100), TODAY)


def on(day: int) -> When:
    return When(datetime.combine(date(2017, 3, day), time(16), UTC), date(2017, 3, day))


def portfolio(cash: str = "1000", aapl: str = "0", kind: PortfolioKind = PortfolioKind.INVESTMENT) -> Portfolio:
    opened = Portfolio(UUID(int=1), UUID(int=2), "mine", "USD", kind, history=History())
    if D(cash):
        opened.deposit(MAIN, D(cash), on(1))
    if D(aapl):
        opened.transfer_in(MAIN, AAPL.security_id, D(aapl), D(50), on(1))
    return opened


def order(
    quantity: str, side: Side = Side.BUY, security: Security = AAPL, limit: str | None = None, fees: str = "0"
) -> Order:
    kind = OrderType.MARKET if limit is None else OrderType.LIMIT
    price = None if limit is None else D(limit)
    placed_at = datetime(2017, 3, 29, 20, tzinfo=UTC)
    return Order(
        UUID(int=3), UUID(int=1), MAIN, security, side, kind, D(quantity), placed_at, limit_price=price, fees=D(fees)
    )


def placed(mine: Portfolio, quantity: str, *of: Any, **more: Any) -> Order:
    made = order(quantity, *of, **more)
    made.place(mine, TODAY, AT_100)
    return made


def fill(
    mine: Portfolio,
    given: Order,
    price: str,
    quantity: str | None = None,
    fill_id: str = "f",
    source: FillSource = FillSource.MANUAL,
    **more: Any,
) -> Fill | None:
    units = None if quantity is None else D(quantity)
    return given.fill(mine, Execution(fill_id, D(price), units, source=source, **more), on(29))


def test_a_reservation_belongs_to_one_order() -> None:
    mine = portfolio()
    first, second = placed(mine, "1", limit="100"), placed(mine, "1", limit="200")
    first.cancel(mine, "")

    assert (first.reserved_cash, second.reserved_cash) == (0, 200)
    assert mine.reserved_cash == {"USD": 200}


def test_a_purchase_at_the_market_reserves_the_last_close_times_1_05_and_the_fee() -> None:
    mine = portfolio()

    assert placed(mine, "2", fees="3").reserved_cash == D("213")
    assert mine.available("USD") == D("787")


@pytest.mark.parametrize("quote", [None, LastClose(D(100), date(2017, 3, 21))])
def test_a_purchase_at_the_market_without_a_price_at_most_7_days_old_is_refused(quote: LastClose | None) -> None:
    mine = portfolio()

    with pytest.raises(NoRecentPrice) as refusal:
        order("1").place(mine, TODAY, quote)

    assert refusal.value.facts["ticker"] == "AAPL"
    assert mine.reserved_cash == {}


def test_a_price_of_7_days_ago_is_recent_enough() -> None:
    order("1").place(portfolio(), TODAY, LastClose(D(100), date(2017, 3, 22)))


def test_a_limit_purchase_reserves_its_limit_and_the_fee_and_needs_no_price() -> None:
    mine, bought = portfolio(), order("2", limit="90", fees="3")
    bought.place(mine, TODAY, None)

    assert bought.reserved_cash == 183


def test_a_sale_reserves_its_units_and_no_cash() -> None:
    mine = portfolio(aapl="10")
    sold = placed(mine, "4", Side.SELL)

    assert (sold.reserved_quantity, sold.reserved_cash) == (4, 0)
    assert mine.available_units((MAIN, AAPL.security_id)) == 6


def test_a_bond_reserves_per_cent_of_par() -> None:
    assert placed(portfolio("6000"), "5000", security=T10, limit="99").reserved_cash == 4950


def test_an_order_without_enough_free_cash_is_refused() -> None:
    mine = portfolio("100")
    placed(mine, "1", limit="60")

    with pytest.raises(InsufficientCash) as refusal:
        order("1", security=MSFT, limit="41").place(mine, TODAY)

    assert (refusal.value.facts["available"], refusal.value.facts["asked"]) == ("40", "41")


def test_an_order_for_more_units_than_are_free_is_refused() -> None:
    mine = portfolio(aapl="10")
    placed(mine, "6", Side.SELL)

    with pytest.raises(InsufficientPosition) as refusal:
        order("5", Side.SELL).place(mine, TODAY)

    assert (refusal.value.facts["held"], refusal.value.facts["asked"]) == ("4", "5")


def test_units_that_an_order_reserved_can_be_neither_sold_nor_moved_away() -> None:
    mine = portfolio(aapl="10")
    placed(mine, "6", Side.SELL)

    with pytest.raises(InsufficientPosition):
        mine.sell(MAIN, AAPL.security_id, D(5), D(100), ZERO, on(29))
    with pytest.raises(InsufficientPosition):
        mine.transfer_out(MAIN, AAPL.security_id, D(5), on(29))
    mine.sell(MAIN, AAPL.security_id, D(4), D(100), ZERO, on(29))


def test_cash_that_an_order_reserved_can_be_neither_withdrawn_nor_spent() -> None:
    mine = portfolio("100")
    placed(mine, "1", limit="60")

    with pytest.raises(InsufficientCash):
        mine.withdraw(MAIN, D("40.01"), on(29))
    with pytest.raises(InsufficientCash):
        mine.buy(MAIN, MSFT.security_id, D(1), D("40.01"), ZERO, on(29))
    mine.withdraw(MAIN, D(40), on(29))


def test_a_fill_pays_the_actual_price_and_frees_what_is_left_of_the_reservation() -> None:
    mine = portfolio()
    bought = placed(mine, "2")
    recorded = fill(mine, bought, "90", fees=D(1))

    assert recorded is not None
    assert (recorded.seq, mine.rows[-1].cash_effect) == (2, D(-181))
    assert (bought.status, bought.reserved_cash) == (OrderStatus.FILLED, 0)
    assert (mine.cash["USD"], mine.available("USD")) == (819, 819)


def test_a_fill_above_the_reservation_draws_free_cash() -> None:
    mine = portfolio()
    bought = placed(mine, "2")
    fill(mine, bought, "500")

    assert mine.cash["USD"] == 0


def test_a_manual_fill_without_enough_free_cash_is_refused_and_changes_nothing() -> None:
    mine = portfolio()
    bought = placed(mine, "2")
    placed(mine, "1", limit="700", security=MSFT)

    with pytest.raises(InsufficientCash):
        fill(mine, bought, "150.01")

    assert (bought.status, bought.reserved_cash, bought.version) == (OrderStatus.PENDING, 210, 1)
    assert (mine.cash["USD"], mine.reserved_cash["USD"], mine.version) == (1000, 910, 1)
    fill(mine, bought, "150")


def test_a_brokers_confirmed_fill_is_recorded_anyway_and_flagged_as_overdrawn() -> None:
    mine = portfolio()
    bought = placed(mine, "2")
    fill(mine, bought, "600", source=FillSource.BROKER)

    assert (bought.status, bought.is_overdrawn) == (OrderStatus.FILLED, True)
    assert mine.available("USD") == -200


def test_a_brokers_fill_that_takes_what_another_order_reserved_is_overdrawn_too() -> None:
    mine = portfolio()
    bought = placed(mine, "2")
    placed(mine, "1", limit="700", security=MSFT)
    fill(mine, bought, "200", source=FillSource.BROKER)

    assert bought.is_overdrawn
    assert (mine.cash["USD"], mine.available("USD")) == (600, -100)


def test_a_brokers_fill_within_the_cash_is_not_flagged() -> None:
    mine = portfolio()
    bought = placed(mine, "2")
    fill(mine, bought, "500", source=FillSource.BROKER)

    assert not bought.is_overdrawn


def test_partial_fills_add_up() -> None:
    mine = portfolio()
    bought = placed(mine, "3")
    fill(mine, bought, "90", "1", "a")
    assert (bought.status, bought.filled_quantity, bought.left) == (OrderStatus.PARTIALLY_FILLED, 1, 2)
    fill(mine, bought, "95", "1.5", "b")
    fill(mine, bought, "100", fill_id="c")

    assert (bought.status, bought.filled_quantity) == (OrderStatus.FILLED, 3)
    assert mine.quantity_of(AAPL.security_id) == 3
    assert mine.cash["USD"] == D("1000") - 90 - D("142.5") - 50


def test_each_partial_fill_frees_its_share_and_the_last_leaves_no_stranded_cent() -> None:
    mine = portfolio()
    bought = placed(mine, "3", limit="33.33333333", fees="0.00000001")  # reserves 100
    left = []
    for part in "abc":
        fill(mine, bought, "1", "1", part)
        left.append(bought.reserved_cash)

    assert left == [D("66.66666667"), D("33.33333333"), 0]
    assert mine.reserved_cash == {"USD": 0}


def test_the_expected_fee_is_shared_among_the_fills_to_the_last_cent() -> None:
    mine = portfolio()
    bought = placed(mine, "3", limit="10", fees="1")
    fees = [filled.fees for part in "abc" if (filled := fill(mine, bought, "10", "1", part))]

    assert fees == [D("0.33"), D("0.33"), D("0.34")]


def test_a_duplicate_fill_id_is_a_replay_without_a_second_effect() -> None:
    mine = portfolio()
    bought = placed(mine, "2")
    fill(mine, bought, "90", "1")

    assert fill(mine, bought, "90", "1") is None
    assert (bought.filled_quantity, bought.version, mine.version) == (1, 2, 2)


def test_a_fill_of_all_that_was_left_is_a_replay_when_it_is_told_again() -> None:
    mine = portfolio()
    bought = placed(mine, "2")
    fill(mine, bought, "90")

    assert fill(mine, bought, "90") is None


@pytest.mark.parametrize(
    ("price", "quantity", "more"),
    [("91", "1", {}), ("90", "2", {}), ("90", "1", {"fees": D(1)}), ("90", "1", {"source": FillSource.BROKER})],
)
def test_a_duplicate_fill_id_with_other_content_is_refused(price: str, quantity: str, more: dict[str, Any]) -> None:
    mine = portfolio()
    bought = placed(mine, "2")
    fill(mine, bought, "90", "1")

    with pytest.raises(FillConflict):
        fill(mine, bought, price, quantity, **more)


def test_the_same_fill_id_of_two_orders_is_two_fills() -> None:
    mine = portfolio()
    one, other = placed(mine, "1"), placed(mine, "1")
    other.order_id = UUID(int=4)

    assert fill(mine, one, "90")
    assert fill(mine, other, "90")
    assert len({row.external_id for row in mine.rows}) == 3


def test_a_filled_order_cannot_be_cancelled_nor_filled_again() -> None:
    mine = portfolio()
    bought = placed(mine, "1")
    fill(mine, bought, "90")

    with pytest.raises(OrderFilledAlready):
        bought.cancel(mine, "")
    with pytest.raises(OrderFilledAlready):
        fill(mine, bought, "90", fill_id="other")


def test_a_cancelled_order_cannot_be_filled_nor_cancelled_again() -> None:
    mine = portfolio()
    bought = placed(mine, "1")
    bought.cancel(mine, "changed my mind")

    with pytest.raises(OrderCancelledAlready):
        fill(mine, bought, "90")
    with pytest.raises(OrderCancelledAlready):
        bought.cancel(mine, "")
    assert (bought.status, bought.reason, mine.version) == (OrderStatus.CANCELLED, "changed my mind", 1)


def test_cancelling_frees_what_is_left_and_keeps_what_was_filled() -> None:
    mine = portfolio(aapl="10")
    bought, sold = placed(mine, "3", limit="100"), placed(mine, "10", Side.SELL)
    fill(mine, bought, "100", "1")
    bought.cancel(mine, "")
    sold.cancel(mine, "")

    assert (bought.filled_quantity, mine.cash["USD"]) == (1, 900)
    assert (mine.available("USD"), mine.available_units((MAIN, AAPL.security_id))) == (900, 11)


def test_an_overfill_is_refused() -> None:
    mine = portfolio()
    bought = placed(mine, "2")
    fill(mine, bought, "90", "1", "a")

    with pytest.raises(Overfill) as refusal:
        fill(mine, bought, "90", "1.00000001", "b")

    assert (refusal.value.facts["left"], refusal.value.facts["asked"]) == ("1", "1.00000001")


def test_a_price_worse_than_the_limit_is_refused_and_a_better_one_taken() -> None:
    mine = portfolio(aapl="1")
    bought, sold = placed(mine, "1", limit="100"), placed(mine, "1", Side.SELL, limit="100")

    with pytest.raises(WorseThanLimit):
        fill(mine, bought, "100.01")
    with pytest.raises(WorseThanLimit):
        fill(mine, sold, "99.99")
    assert fill(mine, bought, "99.99")
    assert fill(mine, sold, "100.01")


def test_a_fill_in_another_currency_needs_its_rate() -> None:
    mine = portfolio()
    mine.convert(MAIN, D(550), D(500), "EUR", on(2), UUID(int=9))
    bought = placed(mine, "5", security=SAP, limit="90")

    assert mine.available("EUR") == 50
    with pytest.raises(FxMissing):
        fill(mine, bought, "80")
    assert mine.reserved_cash["EUR"] == 450
    fill(mine, bought, "80", fx_rate=D("1.2"))
    assert (mine.cash["EUR"], mine.available("EUR")) == (100, 100)
    assert mine.holdings[MAIN, SAP.security_id].cost_basis_base == 480


def test_a_trading_book_reserves_but_is_not_refused_for_a_shortage() -> None:
    book = portfolio("0", kind=PortfolioKind.TRADING_BOOK)
    bought, sold = placed(book, "1"), placed(book, "5", Side.SELL, MSFT)

    assert (book.available("USD"), book.available_units((MAIN, MSFT.security_id))) == (-105, -5)
    fill(book, bought, "200")
    fill(book, sold, "10", source=FillSource.BROKER)
    assert not bought.is_overdrawn
    assert (book.cash["USD"], book.quantity_of(MSFT.security_id)) == (-150, -5)


@pytest.mark.parametrize("source", FillSource)
def test_units_that_a_reverse_split_took_cannot_be_sold_and_the_order_can_be_cancelled(source: FillSource) -> None:
    mine = portfolio(aapl="10")
    sold = placed(mine, "10", Side.SELL)
    split(mine, MAIN, AAPL.security_id, D(1), D(5), on(28))

    with pytest.raises(InsufficientPosition):
        fill(mine, sold, "500", source=source)
    sold.cancel(mine, "reverse split")
    assert (mine.quantity_of(AAPL.security_id), mine.available_units(sold.key)) == (2, 2)


def test_two_orders_for_different_securities_of_one_portfolio_see_each_other() -> None:
    mine = portfolio("100")
    placed(mine, "1", security=MSFT, limit="100")

    with pytest.raises(InsufficientCash):
        order("1", limit="0.01").place(mine, TODAY)


@pytest.mark.parametrize("quantity", ["0", "-1", "NaN", "Infinity", "1e10", "0.000000001"])
def test_a_quantity_that_is_not_one_is_refused(quantity: str) -> None:
    mine = portfolio()
    with pytest.raises(InvalidNumber):
        order(quantity).place(mine, TODAY, AT_100)
    with pytest.raises(InvalidNumber):
        fill(mine, placed(mine, "1"), "90", quantity)


def test_a_limit_price_and_a_limit_order_belong_together() -> None:
    without, with_price = order("1"), order("1", limit="5")
    without.order_type, with_price.order_type = OrderType.LIMIT, OrderType.MARKET

    for contradictory in (without, with_price):
        with pytest.raises(InvalidInput):
            contradictory.place(portfolio(), TODAY, AT_100)


def test_an_archived_portfolio_takes_no_orders() -> None:
    mine = portfolio()
    mine.archived = True

    with pytest.raises(PortfolioIsArchived):
        order("1").place(mine, TODAY, AT_100)
