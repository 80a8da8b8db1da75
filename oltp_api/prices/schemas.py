"""Bodies about posted prices."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue

from domain.currencies import parse_quoted
from domain.posted_prices import PostedPrice, PostPrices
from oltp_api.analytics.schemas import ReleaseView
from oltp_api.web.fields import Amount, Day, Number, QuotedCurrency, Row, at_most
from oltp_api.web.schemas import Request, View

MOST_PRICES = 10_000
_PRICES: list[JsonValue] = [
    {"date": "2017-03-28", "close": "12.40", "currency": "USD"},
    {"date": "2017-03-29", "close": "12.55", "currency": "USD"},
]


class PriceRequest(Request):
    price_date: Day = Field(validation_alias="date")
    close: Number = Field(description="Of one unit; of a bond the clean price, per cent of par.")
    currency: QuotedCurrency = Field(description="The security's own, or its minor unit, such as GBX for GBP.")

    @property
    def posted(self) -> PostedPrice:
        """The price in the major unit."""
        currency, size = parse_quoted(self.currency)
        return PostedPrice(self.price_date, self.close * size, currency)


class PricesRequest(Request):
    """All are recorded or none; a second price of a day corrects the first, and is posted by itself."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"prices": _PRICES}]})

    prices: Annotated[Sequence[Row[PriceRequest]], at_most(MOST_PRICES)] = Field(min_length=1, max_length=MOST_PRICES)

    def command(self, user_id: UUID, security: str, is_published: bool) -> PostPrices:
        return PostPrices(user_id, security, tuple(one.posted for one in self.prices), is_published)


class PricesPostedView(View):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "security_id": 23,
                    "ticker": "ACME",
                    "posted": 2,
                    "first_date": "2017-03-28",
                    "last_date": "2017-03-29",
                    "posted_at": "2017-03-29T20:00:00Z",
                }
            ]
        }
    )

    security_id: int
    ticker: str
    posted: int
    first_date: date
    last_date: date
    posted_at: datetime


class PostedPriceView(View):
    """`is_current` is false for a price that a newer one of its day has corrected. One that `is_published` values
    everybody's holdings, and comes before your own."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "posted_price_id": 2,
                    "price_date": "2017-03-29",
                    "close": "12.55",
                    "currency": "USD",
                    "posted_at": "2017-03-29T20:00:00Z",
                    "is_published": False,
                    "is_current": True,
                }
            ]
        }
    )

    posted_price_id: int
    price_date: date
    close: Amount
    currency: str
    posted_at: datetime
    is_published: bool
    is_current: bool


class PostedPricePage(View):
    items: Sequence[PostedPriceView]
    next_cursor: str | None


class PriceView(ReleaseView):
    ticker: str
    asked: date
    price_date: date
    close: Amount
    currency: str
