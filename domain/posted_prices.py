"""Prices that people state themselves, for securities that no market source prices: what makes one acceptable."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from domain.errors import Conflict, CurrencyMismatch, DayToCome, InvalidInput, InvalidNumber, Refusal
from domain.ledger import FIRST_DAY
from domain.money import parse_price
from domain.securities import Security


class FuturePrice(DayToCome):
    code = "future_price"

    def __init__(self, price_date: date, today: date, last_day: date | None = None) -> None:
        super().__init__(
            f"the price is of {price_date}, and today is {today}",
            last_day,
            price_date=price_date.isoformat(),
            today=today.isoformat(),
        )


class PricedElsewhere(Conflict):
    """A security has prices from one source: a series of two would be of neither."""

    code = "priced_elsewhere"

    def __init__(self, ticker: str, source: str) -> None:
        super().__init__(f"{ticker} has prices from {source}, and two sources are never mixed", source=source)


class PriceSourceName(StrEnum):
    """Where prices are from. For all, the first of three that has any; else an owner's own, POSTED too; of a bond's
    other days the curve."""

    MARKET = "MARKET"
    POSTED = "POSTED"
    FOLDER = "FOLDER"
    CURVE = "CURVE"


@dataclass(frozen=True, slots=True)
class PostedPrice:
    """Close of one unit; for a bond the clean price, per cent of par."""

    price_date: date
    close: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class PostPrices:
    """Facts about `security`, given by any identifier; recorded all or not at all.

    Those that are published value everybody's holdings, others the user's own.
    """

    user_id: UUID
    security: str
    prices: tuple[PostedPrice, ...]
    is_published: bool

    @property
    def owner_id(self) -> UUID | None:
        return None if self.is_published else self.user_id


def checked(price: PostedPrice, security: Security, today: date, last_day: date | None = None) -> PostedPrice:
    """`price` as it is recorded; refused if it cannot be a price of `security` on a day that has come.

    `last_day` is the one of a bundled market.
    """
    close = parse_price(price.close, "close")
    if close <= 0:
        raise InvalidNumber("close", price.close, "must be above 0")
    if price.currency != security.currency:
        raise CurrencyMismatch(expected=security.currency, given=price.currency)
    if price.price_date > today:
        raise FuturePrice(price.price_date, today, last_day)
    if price.price_date < FIRST_DAY:
        raise InvalidInput("date", f"is before {FIRST_DAY}, where the calendar begins")
    return replace(price, close=close)


def checked_together(
    prices: Sequence[PostedPrice], security: Security, today: date, last_day: date | None = None
) -> list[PostedPrice]:
    """`prices`, each checked; refused if two are of one day."""
    accepted: dict[date, PostedPrice] = {}
    for price in prices:
        if price.price_date in accepted:
            raise InvalidInput("prices", f"has two prices of {price.price_date}; post a correction by itself")
        try:
            accepted[price.price_date] = checked(price, security, today, last_day)
        except Refusal as refusal:
            refusal.facts["price_date"] = price.price_date.isoformat()
            raise
    return list(accepted.values())
