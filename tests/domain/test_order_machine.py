"""Whatever is placed, filled, cancelled, paid in and traded, in any order: what must hold, holds."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import product
from uuid import UUID

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from domain.corporate_events import split
from domain.entries import When
from domain.errors import InsufficientCash, InsufficientPosition, Refusal
from domain.history import History
from domain.money import ZERO, money
from domain.orders import (
    Execution,
    FillSource,
    LastClose,
    Order,
    OrderCancelledAlready,
    OrderFilledAlready,
    OrderStatus,
    OrderType,
    Side,
)
from domain.portfolio import Portfolio
from domain.positions import Positions
from domain.securities import AssetType, Security

D = Decimal
TODAY = date(2017, 3, 29)
NOW = datetime(2017, 3, 29, 20, tzinfo=UTC)
SECURITIES = [Security(10 + n, f"S{n}", AssetType.EQUITY, "USD", f"S{n}") for n in range(2)]
CLOSES = {10: D("33.33333333"), 11: D("7.01")}
ACCOUNTS = [1, 2]

quantities = st.decimals("0.00000001", "40", places=8)
prices = st.decimals("0.00000001", "60", places=8)
amounts = st.decimals("0.01", "2000", places=2)
fees = st.decimals("0", "3", places=8)
days = st.integers(1, 29)


def on(day: int) -> When:
    return When(datetime.combine(date(2017, 3, day), time(16), UTC), date(2017, 3, day))


def refusal_of(act: Callable[[], object]) -> Refusal | None:
    try:
        act()
    except Refusal as refusal:
        return refusal
    return None


class Orders(RuleBasedStateMachine):
    orders = Bundle("orders")
    make: type[Order] = Order

    def __init__(self) -> None:
        super().__init__()
        self.mine = Portfolio(UUID(int=1), UUID(int=2), "mine", "USD", history=History())
        self.placed: list[Order] = []
        self.may_be_overdrawn = False

    @initialize(cash=amounts)
    def open(self, cash: Decimal) -> None:
        self.mine.deposit(1, cash, on(1))
        for account, security in product(ACCOUNTS, SECURITIES):
            self.mine.transfer_in(account, security.security_id, D(20), D(5), on(1))

    @rule(amount=amounts, day=days)
    def deposit(self, amount: Decimal, day: int) -> None:
        self.mine.deposit(1, amount, on(day))

    @rule(amount=amounts, day=days)
    def withdraw(self, amount: Decimal, day: int) -> None:
        self._try(lambda: self.mine.withdraw(1, amount, on(day)))

    @rule(
        is_buy=st.booleans(),
        account=st.sampled_from(ACCOUNTS),
        security=st.sampled_from(SECURITIES),
        quantity=quantities,
        price=prices,
        day=days,
    )
    def trade(
        self, is_buy: bool, account: int, security: Security, quantity: Decimal, price: Decimal, day: int
    ) -> None:
        act = self.mine.buy if is_buy else self.mine.sell
        self._try(lambda: act(account, security.security_id, quantity, price, ZERO, on(day)))

    @rule(security=st.sampled_from(SECURITIES), new=st.integers(2, 3), day=days)
    def split(self, security: Security, new: int, day: int) -> None:
        self._try(lambda: split(self.mine, 1, security.security_id, D(new), D(1), on(day)))

    @rule(
        target=orders,
        side=st.sampled_from(Side),
        account=st.sampled_from(ACCOUNTS),
        security=st.sampled_from(SECURITIES),
        quantity=quantities,
        limit=st.none() | prices,
        fee=fees,
    )
    def place(
        self, side: Side, account: int, security: Security, quantity: Decimal, limit: Decimal | None, fee: Decimal
    ) -> Order:
        kind = OrderType.MARKET if limit is None else OrderType.LIMIT
        order_id = UUID(int=100 + len(self.placed))
        order = self.make(
            order_id, UUID(int=1), account, security, side, kind, quantity, NOW, limit_price=limit, fees=fee
        )
        if self._try(lambda: order.place(self.mine, TODAY, LastClose(CLOSES[security.security_id], TODAY))):
            self.placed.append(order)
        else:
            order.status = OrderStatus.CANCELLED  # as if it had never been; the rules may still try it
        return order

    @rule(
        order=orders,
        quantity=st.none() | quantities,
        price=prices,
        source=st.sampled_from(FillSource),
        fill_id=st.sampled_from("abcdef"),
        day=days,
    )
    def fill(
        self, order: Order, quantity: Decimal | None, price: Decimal, source: FillSource, fill_id: str, day: int
    ) -> None:
        was, known = order.status, {fill.fill_id for fill in order.fills}
        execution = Execution(fill_id, price, quantity, source=source)
        before = self._state()
        is_confirmed = source is FillSource.BROKER
        if not self._try(lambda: order.fill(self.mine, execution, on(day)), is_confirmed):
            return
        if fill_id in known:
            assert self._state() == before, "a replay has no second effect"
        else:
            assert was in (OrderStatus.PENDING, OrderStatus.PARTIALLY_FILLED), "what is closed cannot be filled"
            self.may_be_overdrawn |= is_confirmed

    @rule(order=orders, part=st.sampled_from("xyz"), share=st.integers(1, 3))
    def fill_a_part_at_its_own_price(self, order: Order, part: str, share: int) -> None:
        price = order.limit_price or CLOSES[order.security.security_id]
        quantity = money(order.left / share) or None
        self._try(lambda: order.fill(self.mine, Execution(part, price, quantity), on(29)))

    @rule(order=orders)
    def tell_a_fill_again(self, order: Order) -> None:
        before = self._state()
        for fill in order.fills:
            again = Execution(fill.fill_id, fill.price, fill.quantity, fill.fees, source=fill.source)
            assert order.fill(self.mine, again, on(29)) is None
        assert self._state() == before

    @rule(order=orders)
    def cancel(self, order: Order) -> None:
        was_open = order.is_open
        try:
            order.cancel(self.mine, "")
        except (OrderFilledAlready, OrderCancelledAlready):
            assert not was_open
        else:
            assert was_open

    def _try(self, act: Callable[[], object], is_confirmed: bool = False) -> bool:
        """Say whether the rules allow it. A refusal changes nothing; only a broker may take what is not there."""
        before, available = self._state(), self.mine.available("USD")
        refusal = refusal_of(act)
        if refusal is not None:
            assert self._state() == before, f"refused, and yet changed: {refusal}"
            if available >= 0:
                self._shortage_is_true(refusal)
            return False
        assert is_confirmed or self.mine.available("USD") >= min(ZERO, available)
        return True

    def _shortage_is_true(self, refusal: Refusal) -> None:
        if isinstance(refusal, (InsufficientCash, InsufficientPosition)):
            asked = D(refusal.facts["asked"])
            assert asked > D(refusal.facts.get("available", refusal.facts.get("held")))

    def _state(self) -> object:
        mine = self.mine
        of_orders = [
            (order.status, order.filled_quantity, order.reserved_cash, order.reserved_quantity, order.version)
            for order in self.placed
        ]
        spoken_for = {key: units for key, units in mine.reserved_units.items() if units}
        return dict(mine.holdings), dict(mine.cash), mine.version, spoken_for, mine.reserved_cash.get("USD"), of_orders

    @invariant()
    def what_is_available_is_not_negative_but_for_a_brokers_fill(self) -> None:
        if not self.may_be_overdrawn:
            assert self.mine.available("USD") >= 0
        for key in self.mine.reserved_units.keys() | self.mine.holdings.keys():
            assert self.mine.available_units(key) >= 0
        flagged = any(order.is_overdrawn for order in self.placed)
        assert flagged or self.mine.available("USD") >= 0, "without a flag nothing is overdrawn"

    @invariant()
    def what_is_reserved_is_the_sum_of_the_open_orders(self) -> None:
        cash = sum((order.reserved_cash for order in self.placed), ZERO)
        units: dict[tuple[int, int], Decimal] = {}
        for order in self.placed:
            units[order.key] = units.get(order.key, ZERO) + order.reserved_quantity
        assert self.mine.reserved_cash.get("USD", ZERO) == cash
        for key in units.keys() | self.mine.reserved_units.keys():
            assert self.mine.reserved_units.get(key, ZERO) == units.get(key, ZERO)

    @invariant()
    def no_cent_is_stranded_in_a_closed_order(self) -> None:
        for order in self.placed:
            assert order.reserved_cash >= 0
            assert order.reserved_quantity == (order.left if order.is_open and order.side is Side.SELL else 0)
            assert order.is_open or order.reserved_cash == 0

    @invariant()
    def status_and_fills_tell_the_same(self) -> None:
        for order in self.placed:
            assert order.filled_quantity == sum((fill.quantity for fill in order.fills), ZERO) <= order.quantity
            assert (order.status is OrderStatus.FILLED) == (order.filled_quantity == order.quantity)
            assert order.status is not OrderStatus.PENDING or not order.fills
            assert order.version == 1 + len(order.fills) + (order.status is OrderStatus.CANCELLED)

    @invariant()
    def every_fill_is_a_row_and_the_rows_replay_to_the_state(self) -> None:
        told = {f"order:{order.order_id}:{fill.fill_id}": fill for order in self.placed for fill in order.fills}
        rows = {row.external_id: row for row in self.mine.rows if row.external_id}
        assert rows.keys() == told.keys()
        assert all(rows[name].seq == fill.seq for name, fill in told.items())
        replayed = Positions.of(self.mine.rows)
        assert (replayed.holdings, replayed.cash) == (self.mine.holdings, self.mine.cash)


def test_orders_and_cash_keep_their_rules_under_any_commands() -> None:
    run_state_machine_as_test(Orders, settings=settings(max_examples=60, stateful_step_count=30, deadline=None))


class StrandingOrder(Order):
    """Frees a share that was rounded down, and does not give the remainder to the last fill."""

    def _free(self, portfolio: Portfolio, quantity: Decimal) -> tuple[Decimal, Decimal]:
        held_back = Decimal("0.00000001") if self.reserved_cash and quantity < self.quantity else ZERO
        cash, units = super()._free(portfolio, quantity)
        portfolio.reserved_cash["USD"] = portfolio.reserved_cash.get("USD", ZERO) + held_back
        return cash, units


class StrandingOrders(Orders):
    make = StrandingOrder


def test_control_an_order_that_strands_a_hundred_millionth_is_found() -> None:
    thorough = settings(
        max_examples=500,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )

    with pytest.raises(AssertionError):
        run_state_machine_as_test(StrandingOrders, settings=thorough)
