"""Commands to an order: lock its portfolio, load both, let the order decide, save both.

The portfolio's row is the only lock, and always the first one taken. Which portfolio that is never changes, so it is
looked up without a lock, and the order is read again behind it: of a fill and a cancel that meet, exactly one wins.
"""

from datetime import date
from uuid import UUID, uuid4

from domain.commands import CancelOrder, FillOrder, PlaceOrder
from domain.events import DomainEvent, OrderCancelled, OrderFilled, OrderPlaced
from domain.orders import Fill, Order, OrderType, Quote, Side
from domain.portfolio import Portfolio
from domain.ports import AnalyticsRepository
from domain.securities import Reference
from oltp_api.handlers.ledger import reached, save, tradable
from oltp_api.repositories.accounts import MAIN_ACCOUNT
from oltp_api.unit_of_work import UnitOfWork


def place_order(command: PlaceOrder, work: UnitOfWork, prices: AnalyticsRepository) -> UUID:
    """The id of a new order, whose reservation is made."""
    reference = Reference.parse(command.ticker)
    with work.at_once():
        asked_portfolio = work.portfolios.ask(command.user_id, command.portfolio_id, reference)
        asked_account = work.accounts.ask(command.user_id, command.account or MAIN_ACCOUNT)
        asked_security = work.securities.ask(reference)
    portfolio = asked_portfolio()
    order = Order(
        order_id=uuid4(),
        portfolio_id=portfolio.portfolio_id,
        account_id=asked_account(),
        security=tradable(asked_security(), command.ticker),
        side=command.side,
        order_type=command.order_type,
        quantity=command.quantity,
        placed_at=work.recorded_at,
        limit_price=command.limit_price,
        fees=command.fees,
    )
    today = work.clock.today(portfolio.time_zone)
    needs_price = order.side is Side.BUY and order.order_type is OrderType.MARKET
    order.place(portfolio, today, last_close(prices, order.security.ticker, today) if needs_price else None)
    _save(portfolio, order, _placed(order), work)
    return order.order_id


def fill_order(command: FillOrder, work: UnitOfWork) -> Fill | None:
    """The fill that was recorded with its ledger row; None if it was recorded before."""
    portfolio, order = _loaded(command.user_id, command.order_id, work)
    when = reached(command.execution.business_date, portfolio, order.security, work)
    fill = order.fill(portfolio, command.execution, when)
    if fill is not None:
        _save(portfolio, order, _filled(order, fill), work, fill)
    return fill


def cancel_order(command: CancelOrder, work: UnitOfWork) -> None:
    """Free what the order still has reserved."""
    portfolio, order = _loaded(command.user_id, command.order_id, work)
    order.cancel(portfolio, command.reason)
    event = OrderCancelled(order.order_id, order.portfolio_id, order.reason, order.filled_quantity)
    _save(portfolio, order, event, work)


def last_close(prices: AnalyticsRepository, ticker: str, today: date) -> Quote | None:
    """The last released close on or before `today`."""
    found = prices.get_price_for_date(ticker, today)
    return Quote(found.close, found.price_date) if found else None


def _loaded(user_id: UUID, order_id: UUID, work: UnitOfWork) -> tuple[Portfolio, Order]:
    portfolio_id, security_id = work.orders.whose(user_id, order_id)
    with work.at_once():
        asked_portfolio = work.portfolios.ask(user_id, portfolio_id, Reference(security_id=security_id))
        asked_order = work.orders.ask(order_id)
    return asked_portfolio(), asked_order()


def _save(portfolio: Portfolio, order: Order, event: DomainEvent, work: UnitOfWork, fill: Fill | None = None) -> None:
    save(portfolio, work, [(order.order_id, order.version, event)])
    work.orders.save(order, fill)


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
