"""Commands to an order: lock its portfolio, load both, let the order decide, save both.

The portfolio's row is the only lock, and always the first one taken. Which portfolio that is never changes, so it is
looked up without a lock, and the order is read again behind it: of a fill and a cancel that meet, exactly one wins.
"""

from datetime import date
from uuid import UUID, uuid4

from domain.accounts import MAIN_ACCOUNT
from domain.commands import CancelOrder, FillOrder, PlaceOrder
from domain.events import DomainEvent, OrderCancelled, OrderFilled, OrderPlaced
from domain.orders import Fill, LastClose, Order, OrderType, Side
from domain.portfolio import Portfolio
from domain.ports import AnalyticsRepository
from domain.securities import Reference
from oltp_api.ledger.writing import Loaded, Wanted, decided, load_one, save
from oltp_api.orders.repository import Orders
from oltp_api.unit_of_work import UnitOfWork


def place_order(command: PlaceOrder, work: UnitOfWork, prices: AnalyticsRepository) -> UUID:
    """The id of a new order, whose reservation is made."""
    account = command.account or MAIN_ACCOUNT
    named = (Reference.parse(command.ticker), None)
    loaded = load_one(Wanted(command.user_id, command.portfolio_id, (account,), (named,)), work)
    order = Order(
        order_id=uuid4(),
        portfolio_id=command.portfolio_id,
        account_id=loaded.account_id(account),
        security=loaded.security(command.ticker),
        side=command.side,
        order_type=command.order_type,
        quantity=command.quantity,
        placed_at=work.recorded_at,
        limit_price=command.limit_price,
        fees=command.fees,
    )
    today = work.clock.today(loaded.portfolio.time_zone)
    needs_price = order.side is Side.BUY and order.order_type is OrderType.MARKET
    order.place(loaded.portfolio, today, last_close(prices, order.security.ticker, today) if needs_price else None)
    _save(loaded.portfolio, order, _placed(order), work)
    return order.order_id


def fill_order(command: FillOrder, work: UnitOfWork) -> Fill | None:
    """The fill that was recorded with its ledger row; None if it was recorded before."""

    def act(loaded: Loaded) -> Fill | None:
        order, execution = _order(loaded), command.execution
        when = loaded.reached(execution.business_date, order.security)
        loaded.refuse_inverse("fx_rate", execution.fx_rate, order.security.currency, when.business_date)
        return order.fill(loaded.portfolio, execution, when)

    is_dated = command.execution.business_date is not None
    loaded, fill = decided(_wanted(command.user_id, command.order_id, work), act, work, is_dated)
    if fill is not None:
        order = _order(loaded)
        _save(loaded.portfolio, order, _filled(order, fill), work, fill)
    return fill


def cancel_order(command: CancelOrder, work: UnitOfWork) -> None:
    """Free what the order still has reserved."""
    loaded = load_one(_wanted(command.user_id, command.order_id, work), work)
    order = _order(loaded)
    order.cancel(loaded.portfolio, command.reason)
    event = OrderCancelled(order.order_id, order.portfolio_id, order.reason, order.filled_quantity)
    _save(loaded.portfolio, order, event, work)


def last_close(prices: AnalyticsRepository, ticker: str, today: date) -> LastClose | None:
    """The last released close on or before `today`."""
    found = prices.get_price_for_date(ticker, today)
    return LastClose(found.close, found.price_date) if found else None


def _wanted(user_id: UUID, order_id: UUID, work: UnitOfWork) -> Wanted:
    portfolio_id, security_id = Orders(work).whose(user_id, order_id)
    named = (Reference(security_id=security_id), None)
    return Wanted(user_id, portfolio_id, securities=(named,), also=lambda work: Orders(work).fetch_later(order_id))


def _order(loaded: Loaded) -> Order:
    assert isinstance(loaded.also, Order)
    return loaded.also


def _save(portfolio: Portfolio, order: Order, event: DomainEvent, work: UnitOfWork, fill: Fill | None = None) -> None:
    save(portfolio, work, [(order.order_id, order.version, event)])
    Orders(work).save(order, fill)


def _placed(order: Order) -> OrderPlaced:
    return OrderPlaced(
        order_id=order.order_id,
        portfolio_id=order.portfolio_id,
        account_id=order.account_id,
        security_id=order.security.security_id,
        side=order.side.value,
        order_type=order.order_type.value,
        quantity=order.quantity,
        limit_price=order.limit_price,
        reserved_cash=order.reserved_cash,
        reserved_quantity=order.reserved_quantity,
        currency=order.security.currency,
    )


def _filled(order: Order, fill: Fill) -> OrderFilled:
    return OrderFilled(
        order_id=order.order_id,
        portfolio_id=order.portfolio_id,
        fill_id=fill.fill_id,
        quantity=fill.quantity,
        price=fill.price,
        fees=fill.fees,
        source=fill.source.value,
        seq=fill.seq,
        is_complete=not order.left,
        is_overdrawn=order.is_overdrawn,
    )
