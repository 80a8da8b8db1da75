"""Bodies of requests to place, fill and cancel orders, and views of orders and their fills."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from pydantic import ConfigDict, Field

from domain.commands import CancelOrder, FillOrder, PlaceOrder
from domain.money import ZERO
from domain.orders import Execution, FillSource, OrderStatus, OrderType, Side
from oltp_api.web.fields import Amount, Day, Number, ShortText, Text
from oltp_api.web.schemas import TICKER, Request, View

_FILL: dict[str, Any] = {
    "fill_id": "fill-1",
    "quantity": "4",
    "price": "150.5",
    "fees": "0",
    "accrued": "0",
    "fx_rate": "1",
    "business_date": "2017-03-29",
    "source": "MANUAL",
    "seq": 2,
    "filled_at": "2017-03-29T20:00:05Z",
}
_ORDER: dict[str, Any] = {
    "order_id": "7f2c7e0e-52a1-4a43-9d35-0d3f6c0b7a11",
    "portfolio_id": "11111111-1111-4111-8111-111111111111",
    "account": "MAIN",
    "security_id": 1,
    "ticker": "AAPL",
    "side": "BUY",
    "order_type": "LIMIT",
    "quantity": "10",
    "limit_price": "151",
    "fees": "1",
    "status": "PARTIALLY_FILLED",
    "filled_quantity": "4",
    "left_quantity": "6",
    "reserved_cash": "906.6",
    "reserved_quantity": "0",
    "currency": "USD",
    "reason": "",
    "is_overdrawn": False,
    "version": 2,
    "placed_at": "2017-03-29T20:00:00Z",
    "updated_at": "2017-03-29T20:00:05Z",
}


def _example(*examples: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": list(examples)})


class OrderRequest(Request):
    """A MARKET BUY reserves the last released close x 1.05, a LIMIT BUY its limit, a SELL its units."""

    model_config = _example(
        {
            "portfolio_id": "11111111-1111-4111-8111-111111111111",
            "ticker": "AAPL",
            "quantity": "10",
            "order_type": "MARKET",
        },
        {
            "portfolio_id": "11111111-1111-4111-8111-111111111111",
            "ticker": "AAPL",
            "side": "SELL",
            "quantity": "2.5",
            "order_type": "LIMIT",
            "limit_price": "160",
            "fees": "1",
        },
    )

    portfolio_id: UUID
    ticker: ShortText = Field(validation_alias=TICKER, description="Or another identifier.")
    quantity: Number = Field(description="Units, above 0; for a bond, the face amount.")
    side: Side = Side.BUY
    order_type: OrderType = OrderType.MARKET
    limit_price: Number | None = Field(default=None, description="Per unit; for a LIMIT order, which needs it.")
    fees: Number = Field(default=ZERO, description="Those expected, in the security's currency.")
    account: ShortText | None = Field(default=None, description="The account's identifier; MAIN if absent.")

    def command(self, user_id: UUID) -> PlaceOrder:
        return PlaceOrder(user_id=user_id, **self.model_dump())


class CancelRequest(Request):
    model_config = _example({"reason": "User requested cancellation"})

    reason: Text = Field(default="", max_length=1000)

    def command(self, user_id: UUID, order_id: UUID) -> CancelOrder:
        return CancelOrder(user_id, order_id, self.reason)


class FillRequest(Request):
    model_config = _example(
        {"fill_price": "150.50"},
        {"fill_price": "150.50", "quantity": "4", "fees": "1", "fill_id": "broker-4711"},
        {"fill_price": "12", "fx_rate": "1.2", "business_date": "2017-03-28"},
    )

    fill_price: Number = Field(description="Per unit, what was paid; for a bond, clean, per cent of par.")
    quantity: Number | None = Field(default=None, description="All that is left if absent.")
    fees: Number | None = Field(default=None, description="The quantity's share of the order's fees if absent.")
    accrued: Number | None = Field(default=None, description="Interest bought or sold with a bond.")
    fx_rate: Number | None = Field(
        default=None, description="One unit of the security's currency in base currency; needed where they differ."
    )
    fill_id: ShortText | None = Field(default=None, min_length=1, description="The broker's id; recorded once.")
    business_date: Day | None = Field(default=None, description="Today if absent.")
    note: Text = Field(default="", max_length=1000)

    def command(self, user_id: UUID, order_id: UUID) -> FillOrder:
        execution = Execution(
            fill_id=self.fill_id or str(uuid4()),
            price=self.fill_price,
            source=FillSource.MANUAL,
            **self.model_dump(exclude={"fill_id", "fill_price"}),
        )
        return FillOrder(user_id, order_id, execution)


class FillView(View):
    """One execution; `seq` is its row in the portfolio's ledger."""

    model_config = _example(_FILL)

    fill_id: str
    quantity: Amount
    price: Amount
    fees: Amount
    accrued: Amount
    fx_rate: Amount
    business_date: date
    source: FillSource
    seq: int
    filled_at: datetime


class OrderView(View):
    model_config = _example(_ORDER)

    order_id: UUID
    portfolio_id: UUID
    account: str
    security_id: int
    ticker: str
    side: Side
    order_type: OrderType
    quantity: Amount
    limit_price: Amount | None
    fees: Amount = Field(description="Those expected.")
    status: OrderStatus
    filled_quantity: Amount
    left_quantity: Amount
    reserved_cash: Amount = Field(description="Still set aside, in `currency`.")
    reserved_quantity: Amount = Field(description="Units still set aside.")
    currency: str
    reason: str = Field(description="Why it was cancelled.")
    is_overdrawn: bool = Field(description="A fill that the broker had confirmed cost more cash than there was.")
    version: int = Field(description="Grows by one with every transition.")
    placed_at: datetime
    updated_at: datetime


class OrderWithFills(OrderView):
    model_config = _example({**_ORDER, "fills": [_FILL]})

    fills: Sequence[FillView]


class OrderPage(View):
    model_config = _example({"items": [_ORDER], "next_cursor": None})

    items: Sequence[OrderView]
    next_cursor: UUID | None
