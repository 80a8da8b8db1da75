"""Orders: what is to be bought or sold, and what is set aside until it is filled or cancelled.

    PENDING -> PARTIALLY_FILLED -> FILLED
    PENDING or PARTIALLY_FILLED -> CANCELLED

An order is a part of its portfolio: it is decided together with it, under its lock, because the cash it reserves is
shared. A reservation belongs to one order; what is in the portfolio is the sum of those of its open orders.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from domain.entries import Terms, When, not_negative, positive
from domain.errors import (
    InsufficientPosition,
    InvalidInput,
    PortfolioIsArchived,
    Refusal,
    plain,
)
from domain.ledger import Transaction, TxnType
from domain.money import ZERO, money, parse_amount, parse_price, parse_quantity, payable, product, share
from domain.portfolio import Portfolio
from domain.positions import HoldingKey
from domain.securities import Security

HEADROOM = Decimal("1.05")
"""A purchase at the market reserves the last close times this, since the price may have moved."""
OLDEST_PRICE = timedelta(days=7)


class OrderFilledAlready(Refusal):
    code = "order_filled"

    def __init__(self, order_id: UUID) -> None:
        super().__init__(f"order {order_id} is filled", order_id=str(order_id))


class OrderCancelledAlready(Refusal):
    code = "order_cancelled"

    def __init__(self, order_id: UUID) -> None:
        super().__init__(f"order {order_id} is cancelled", order_id=str(order_id))


class Overfill(Refusal):
    code = "overfill"

    def __init__(self, order_id: UUID, left: Decimal, asked: Decimal) -> None:
        super().__init__(
            f"{plain(asked)} of order {order_id} cannot be filled, {plain(left)} are left",
            order_id=str(order_id),
            left=plain(left),
            asked=plain(asked),
        )


class WorseThanLimit(Refusal):
    code = "worse_than_limit"

    def __init__(self, order_id: UUID, limit: Decimal, price: Decimal) -> None:
        super().__init__(
            f"{plain(price)} is worse than the limit {plain(limit)} of order {order_id}",
            order_id=str(order_id),
            limit=plain(limit),
            price=plain(price),
        )


class FillConflict(Refusal):
    code = "fill_conflict"

    def __init__(self, order_id: UUID, fill_id: str) -> None:
        super().__init__(
            f"fill {fill_id!r} of order {order_id} is recorded with other figures",
            order_id=str(order_id),
            fill_id=fill_id,
        )


class NoRecentPrice(Refusal):
    code = "no_recent_price"

    def __init__(self, ticker: str, last: date | None) -> None:
        super().__init__(
            f"{ticker} has no price of the last 7 days to reserve cash by; give a limit_price in a LIMIT order",
            ticker=ticker,
            last_price_date=last.isoformat() if last else None,
        )


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class OrderType(StrEnum):
    MARKET = "MARKET"
    LIMIT = "LIMIT"


class OrderStatus(StrEnum):
    PENDING = "PENDING"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"


class FillSource(StrEnum):
    """MANUAL is what a person says; BROKER what a broker has confirmed, which happened whether we like it or not."""

    MANUAL = "MANUAL"
    BROKER = "BROKER"


@dataclass(frozen=True, slots=True)
class LastClose:
    """The last close, and the day it is from."""

    price: Decimal
    on: date

    def is_recent(self, today: date) -> bool:
        return today - self.on <= OLDEST_PRICE


@dataclass(frozen=True, slots=True)
class Execution:
    """Execution that is reported, under an id that identifies it when it is reported again.

    Absent are: the quantity, for all that is left; the fees, for the quantity's share of those expected.
    """

    fill_id: str
    price: Decimal
    quantity: Decimal | None = None
    fees: Decimal | None = None
    accrued: Decimal | None = None
    fx_rate: Decimal | None = None
    business_date: date | None = None
    source: FillSource = FillSource.MANUAL
    note: str = ""


@dataclass(frozen=True, slots=True)
class Fill:
    """An execution that was recorded as ledger row `seq`."""

    fill_id: str
    quantity: Decimal
    price: Decimal
    fees: Decimal
    accrued: Decimal
    fx_rate: Decimal
    business_date: date
    source: FillSource
    seq: int

    def is_of(self, execution: Execution) -> bool:
        """Say whether `execution` repeats this fill; what it leaves open does not contradict it."""
        compared = ("price", "quantity", "fees", "accrued", "fx_rate", "business_date", "source")
        return all(getattr(execution, name) in (None, getattr(self, name)) for name in compared)


@dataclass(slots=True)
class Order:
    """`fees` are those expected; `reserved_cash`, in the security's currency, and `reserved_quantity` are what is still
    set aside. `version` counts the transitions."""

    order_id: UUID
    portfolio_id: UUID
    account_id: int
    security: Security
    side: Side
    order_type: OrderType
    quantity: Decimal
    placed_at: datetime
    limit_price: Decimal | None = None
    fees: Decimal = ZERO
    status: OrderStatus = OrderStatus.PENDING
    filled_quantity: Decimal = ZERO
    reserved_cash: Decimal = ZERO
    reserved_quantity: Decimal = ZERO
    reason: str = ""
    is_overdrawn: bool = False
    version: int = 1
    fills: list[Fill] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.status in (OrderStatus.PENDING, OrderStatus.PARTIALLY_FILLED)

    @property
    def left(self) -> Decimal:
        return money(self.quantity - self.filled_quantity)

    @property
    def key(self) -> HoldingKey:
        return (self.account_id, self.security.security_id)

    def accepts(self, price: Decimal) -> bool:
        """Say whether `price` is no worse than the limit, if there is one."""
        if self.limit_price is None:
            return True
        return price <= self.limit_price if self.side is Side.BUY else price >= self.limit_price

    def place(self, portfolio: Portfolio, today: date, quote: LastClose | None = None) -> None:
        """Check a new order and set aside what it may need. `quote` is needed to buy at the market."""
        if portfolio.archived:
            raise PortfolioIsArchived(portfolio.portfolio_id)
        positive("quantity", parse_quantity(self.quantity, "quantity"))
        not_negative("fees", parse_amount(self.fees, "fees"))
        if (self.order_type is OrderType.LIMIT) != (self.limit_price is not None):
            raise InvalidInput("limit_price", "is for a LIMIT order, which needs it")
        if self.limit_price is not None:
            positive("limit_price", parse_price(self.limit_price, "limit_price"))
        if self.side is Side.SELL:
            portfolio.reserve_units(self.key, self.quantity)
            self.reserved_quantity = self.quantity
        else:
            price = self._dearest(today, quote) * self.security.price_factor
            needed = parse_amount(money(product(self.quantity, price) + self.fees), "quantity x price")
            portfolio.reserve_cash(self.security.currency, needed)
            self.reserved_cash = needed

    def fill(self, portfolio: Portfolio, execution: Execution, when: When) -> Fill | None:
        """Record `execution` in the ledger and free its share of the reservation, all that is left with the last one.

        None if it was recorded before. What it costs above its share comes from free cash; if that is not enough, what
        a person says is refused, and what a broker has confirmed is recorded and the order flagged as overdrawn.
        """
        if self._is_recorded(execution):
            return None
        self._refuse_closed()
        quantity = self._executed(portfolio, execution)
        row = self._traded(portfolio, execution, quantity, when)
        assert row.fx_rate is not None
        figures = (quantity, execution.price, row.fees, row.accrued, row.fx_rate, row.business_date)
        fill = Fill(execution.fill_id, *figures, execution.source, row.seq)
        self.fills.append(fill)
        self.filled_quantity = money(self.filled_quantity + quantity)
        self.status = OrderStatus.PARTIALLY_FILLED if self.left else OrderStatus.FILLED
        self.is_overdrawn |= row.cash_effect < 0 and self._lacks_cash(portfolio, execution)
        self.version += 1
        return fill

    def cancel(self, portfolio: Portfolio, reason: str) -> None:
        """Free what is left of the reservation; what was filled stays."""
        self._refuse_closed()
        self.reserved_cash, self.reserved_quantity = self._free(portfolio, self.left)
        self.status = OrderStatus.CANCELLED
        self.reason = reason
        self.version += 1

    def _dearest(self, today: date, quote: LastClose | None) -> Decimal:
        if self.limit_price is not None:
            return self.limit_price
        if quote is None or not quote.is_recent(today):
            raise NoRecentPrice(self.security.ticker, quote.on if quote else None)
        return quote.price * HEADROOM

    def _is_recorded(self, execution: Execution) -> bool:
        recorded = next((fill for fill in self.fills if fill.fill_id == execution.fill_id), None)
        if recorded is not None and not recorded.is_of(execution):
            raise FillConflict(self.order_id, execution.fill_id)
        return recorded is not None

    def _refuse_closed(self) -> None:
        if self.status is OrderStatus.FILLED:
            raise OrderFilledAlready(self.order_id)
        if self.status is OrderStatus.CANCELLED:
            raise OrderCancelledAlready(self.order_id)

    def _executed(self, portfolio: Portfolio, execution: Execution) -> Decimal:
        """The quantity, if so much is left and to be had, and the price is one that the order takes."""
        quantity = self.left if execution.quantity is None else execution.quantity
        positive("quantity", parse_quantity(quantity, "quantity"))
        if quantity > self.left:
            raise Overfill(self.order_id, left=self.left, asked=quantity)
        positive("price", parse_price(execution.price))
        if not self.accepts(execution.price):
            assert self.limit_price is not None
            raise WorseThanLimit(self.order_id, limit=self.limit_price, price=execution.price)
        held = portfolio.positions.holding(self.key).quantity
        if self.side is Side.SELL and held < quantity and not portfolio.allows_shorts:
            # Reserved units can only be gone after a split; not even a broker sells what is not there.
            raise InsufficientPosition(self.security.security_id, held=held, asked=quantity)
        return quantity

    def _traded(self, portfolio: Portfolio, execution: Execution, quantity: Decimal, when: When) -> Transaction:
        """The ledger row, after the reservation of what it trades is freed; all or nothing."""
        fees = self._share_of_fees(quantity) if execution.fees is None else execution.fees
        terms = Terms(
            currency=self.security.currency,
            fx_rate=execution.fx_rate,
            price_factor=self.security.price_factor,
            accrued=execution.accrued or ZERO,
            note=execution.note,
            external_id=f"order:{self.order_id}:{execution.fill_id}",
        )
        is_confirmed = execution.source is FillSource.BROKER
        units = (*self.key, quantity, execution.price, fees)
        reserved = dict(portfolio.reserved_cash), dict(portfolio.reserved_units)
        still_reserved = self._free(portfolio, quantity)
        try:
            row = portfolio.trade(TxnType(self.side.value), *units, when, terms, is_confirmed)
        except Refusal:
            portfolio.reserved_cash, portfolio.reserved_units = reserved
            raise
        self.reserved_cash, self.reserved_quantity = still_reserved
        return row

    def _share_of_fees(self, quantity: Decimal) -> Decimal:
        if quantity < self.left:
            return payable(share(self.fees, quantity, self.quantity), self.security.currency)
        return max(ZERO, money(self.fees - sum((fill.fees for fill in self.fills), ZERO)))

    def _free(self, portfolio: Portfolio, quantity: Decimal) -> tuple[Decimal, Decimal]:
        """Give the share of `quantity` in what is left back; the cash and units that stay reserved."""
        if self.side is Side.SELL:
            portfolio.reserve_units(self.key, -quantity)
            return ZERO, money(self.reserved_quantity - quantity)
        cash = share(self.reserved_cash, quantity, self.left)
        portfolio.reserve_cash(self.security.currency, -cash)
        return money(self.reserved_cash - cash), ZERO

    def _lacks_cash(self, portfolio: Portfolio, execution: Execution) -> bool:
        is_confirmed = execution.source is FillSource.BROKER
        return is_confirmed and not portfolio.allows_shorts and portfolio.available(self.security.currency) < 0
