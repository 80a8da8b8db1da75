"""Posting of prices: lock the security, look up its one source, check every price."""

from collections.abc import Collection

from application.analytics.review import LakeAnalyticsRepository
from domain.errors import NoRelease, SecurityNotFound
from domain.posted_prices import PostedPrice, PostPrices, PricedElsewhere, PriceSourceName, checked_together
from domain.securities import Security
from oltp_api.prices.repository import PostedPrices
from oltp_api.registry.repository import Securities
from oltp_api.unit_of_work import UnitOfWork

EXCHANGE_ZONE = "America/New_York"
"""Time zone that decides which day is today; the pipelines use the same."""


def post_prices(
    command: PostPrices, work: UnitOfWork, analytics: LakeAnalyticsRepository, bundled: Collection[str]
) -> tuple[Security, list[PostedPrice]]:
    """The recorded prices; all are refused if one is, or if the security has another source, as a user's own have where
    prices are published.

    `bundled` are the tickers of a bundled market, which it prices before anything is released.
    """
    security = Securities(work).lock(command.security)
    source = PriceSourceName.MARKET if security.ticker in bundled else _released_source(security, analytics)
    if source and source is not PriceSourceName.POSTED:
        raise PricedElsewhere(security.ticker, source)
    if not command.is_published and PostedPrices(work).is_published(security.security_id):
        raise PricedElsewhere(security.ticker, PriceSourceName.POSTED)
    prices = checked_together(command.prices, security, work.clock.today(EXCHANGE_ZONE), work.clock.last_day)
    PostedPrices(work).post(command.user_id, command.owner_id, security, prices)
    return security, prices


def security_named(identifier: str, work: UnitOfWork) -> Security:
    security = Securities(work).find(identifier)
    if security is None:
        raise SecurityNotFound(identifier)
    return security


def _released_source(security: Security, analytics: LakeAnalyticsRepository) -> PriceSourceName | None:
    try:
        return analytics.get_price_source(security.security_id)
    except NoRelease:
        return None
