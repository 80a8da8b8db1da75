"""Posting of prices: lock the security, look up its one source, check every price."""

from collections.abc import Callable

from domain.posted_prices import PostedPrice, PostPrices, PricedElsewhere, PriceSourceName, checked_together
from domain.securities import Security
from oltp_api.prices.repository import PostedPrices
from oltp_api.registry.repository import Securities
from oltp_api.unit_of_work import UnitOfWork

EXCHANGE_ZONE = "America/New_York"
"""Time zone that decides which day is today; the pipelines use the same."""
PricedBy = Callable[[Security], PriceSourceName | None]


def post_prices(command: PostPrices, priced_by: PricedBy, work: UnitOfWork) -> tuple[Security, list[PostedPrice]]:
    """The recorded prices; all are refused if one is, or if the security has another source or another poster."""
    security = Securities(work).lock(command.security)
    source = priced_by(security)
    if source and source is not PriceSourceName.POSTED:
        raise PricedElsewhere(security.ticker, source)
    if PostedPrices(work).poster(security.security_id) not in (None, command.user_id):
        raise PricedElsewhere(security.ticker, "another user")
    prices = checked_together(command.prices, security, work.clock.today(EXCHANGE_ZONE))
    PostedPrices(work).post(command.user_id, security, prices)
    return security, prices
