"""The broker's side of an order: a simulated one, and the loop's body that records what any broker has confirmed.

Nothing is remembered between two looks: what is due is seen from the open orders themselves, so that a crash loses
nothing and any number of workers may look at once. Their fills have the same ids, and one told twice is a replay.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from functools import lru_cache, partial
from uuid import UUID

from domain.commands import FillOrder
from domain.errors import NoRelease, Refusal
from domain.orders import Execution, FillSource, LastClose, Order
from domain.ports import AnalyticsRepository, Broker
from oltp_api.context import AppContext
from oltp_api.orders.handlers import fill_order, last_close
from oltp_api.orders.repository import Orders
from oltp_api.sight import owner_in_sight, seeing, sight_of
from storage.jobs import for_each
from storage.settings import Settings

_LOG = logging.getLogger(__name__)
_LARGE = Decimal(100)
"""More than this is executed in two parts."""
_MOST_CLOSES = 10_000


class SimulatedBroker:
    """Executes at the last released close once `delay` has gone by, at one part of an order per look.

    An order whose limit the close does not meet stays as it is, and so does one without a recent price.
    """

    def __init__(self, prices: AnalyticsRepository, delay: timedelta) -> None:
        self._prices = prices
        self._delay = delay

        @lru_cache(_MOST_CLOSES)
        def close_of(release_id: int, owner_id: UUID | None, ticker: str, today: date) -> LastClose | None:
            del release_id, owner_id  # another release has other prices, and so has another owner
            return last_close(prices, ticker, today)

        self._close_of = close_of

    def executions(self, order: Order, today: date, now: datetime) -> Sequence[Execution]:
        if abs(now - order.placed_at) < self._delay:  # in the future by more: the clock was set back since
            return []
        quote = self._close_of(self._prices.release().release_id, owner_in_sight(), order.security.ticker, today)
        if quote is None or not quote.is_recent(today) or not order.accepts(quote.price):
            return []
        part, quantity = _next_part(order)
        return [Execution(f"simulated-{part}", quote.price, quantity, source=FillSource.BROKER)]


def broker_of(settings: Settings, prices: AnalyticsRepository) -> Broker | None:
    """The broker that the settings name; None where only people fill orders."""
    delay = timedelta(seconds=settings.broker_delay_s)
    return SimulatedBroker(prices, delay) if settings.broker == "simulated" else None


def fill_due_orders(context: AppContext, broker: Broker, now: datetime) -> int:
    """How many fills were recorded. What is refused is logged, and looked at again the next time."""
    return _fill_open_orders(context, broker, now, None)


def handle_order_placed(context: AppContext, broker: Broker, payload: Mapping[str, object], now: datetime) -> int:
    """The same for the one order of an OrderPlaced; what is not due yet is left to `fill_due_orders`."""
    return _fill_open_orders(context, broker, now, UUID(str(payload["order_id"])))


def _fill_open_orders(context: AppContext, broker: Broker, now: datetime, order_id: UUID | None) -> int:
    opened = context.transact(lambda work: Orders(work).open_ones(order_id))
    return for_each(opened, lambda found: _filled(context, broker, *found, now))


def _filled(context: AppContext, broker: Broker, user_id: UUID, zone: str, order: Order, now: datetime) -> int:
    recorded = 0
    try:
        with seeing(sight_of(user_id, user_id)):
            executions = list(broker.executions(order, context.clock.today(zone), now))
        for execution in executions:
            act = partial(fill_order, FillOrder(user_id, order.order_id, execution))
            recorded += context.transact(act) is not None
    except NoRelease:
        _LOG.debug("order %s waits for the first release", order.order_id)
    except Refusal as refusal:
        _LOG.info("order %s cannot be filled: %s", order.order_id, refusal.message)
    return recorded


def _next_part(order: Order) -> tuple[int, Decimal]:
    """The number and quantity of the part that is next; a large order's first part ends at its half."""
    half = (order.quantity / 2).quantize(Decimal(1), ROUND_DOWN)
    if order.quantity <= _LARGE:
        return 1, order.left
    return (1, half - order.filled_quantity) if order.filled_quantity < half else (2, order.left)
