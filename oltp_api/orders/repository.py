"""Orders on PostgreSQL: for deciding, under their portfolio's lock; and as people see them. SQL in `queries.sql`."""

from collections.abc import Mapping
from dataclasses import asdict
from enum import StrEnum
from typing import Any, LiteralString
from uuid import UUID

from psycopg.rows import DictRow

from domain.errors import OrderNotFound
from domain.orders import Fill, FillSource, Order, OrderStatus, OrderType, Side
from domain.securities import AssetType, Security, parse_ticker
from oltp_api.connections import Deferred
from oltp_api.unit_of_work import UnitOfWork
from storage.queries import statements


class OrderSort(StrEnum):
    OLDEST_FIRST = "placed_at"
    NEWEST_FIRST = "-placed_at"


_ORDERS = statements("oltp_api/orders/queries.sql")
_GET = f"{_ORDERS['orders']}\n{_ORDERS['of_id']}"
_OPEN = f"{_ORDERS['orders']}\n{_ORDERS['open_after']}"
_PAGE: Mapping[OrderSort, LiteralString] = {
    OrderSort.OLDEST_FIRST: f"{_ORDERS['views']}\n{_ORDERS['oldest_first']}",
    OrderSort.NEWEST_FIRST: f"{_ORDERS['views']}\n{_ORDERS['newest_first']}",
}
_FILTERS = ("portfolio_id", "status", "side", "ticker")
_AT_ONCE = 500
OpenOrder = tuple[UUID, str, Order]
"""An order with its owner and its portfolio's time zone."""


class Orders:
    def __init__(self, work: UnitOfWork) -> None:
        self._work = work
        self._connection = work.connection

    def whose(self, user_id: UUID, order_id: UUID) -> tuple[UUID, int]:
        """The order's portfolio and security, neither of which ever changes; nothing is locked."""
        row = self._connection.execute(_ORDERS["whose"], {"user_id": user_id, "order_id": order_id}).fetchone()
        if row is None:
            raise OrderNotFound(order_id)
        return row["portfolio_id"], row["security_id"]

    def fetch_later(self, order_id: UUID) -> Deferred[Order]:
        """The order with its fills; ask after the lock of its portfolio."""
        found = self._connection.execute(_GET, {"order_id": order_id})
        filled = self._connection.execute(_ORDERS["fills"], {"order_id": order_id})

        def loaded() -> Order:
            row = found.fetchone()
            assert row is not None, "an order is never removed"
            return _order(row, [_fill(fill) for fill in filled.fetchall()])

        return loaded

    def open_ones(self, order_id: UUID | None = None) -> list[OpenOrder]:
        """Every open order, or the one asked for if open, oldest first, without its fills; nothing is locked."""
        asked: dict[str, object] = {"order_id": order_id, "cursor": None, "limit": _AT_ONCE}
        found: list[OpenOrder] = []
        while len(found) % _AT_ONCE == 0:
            rows = self._connection.execute(_OPEN, asked).fetchall()
            found += [(row["user_id"], row["time_zone"], _order(row, [])) for row in rows]
            if not rows:
                break
            asked["cursor"] = rows[-1]["order_id"]
        return found

    def save(self, order: Order, fill: Fill | None = None) -> None:
        """Write the order, and the fill that it just got."""
        values = {name: getattr(order, name) for name in Order.__slots__ if name not in ("security", "fills")}
        security = {"security_id": order.security.security_id, "currency": order.security.currency}
        self._work.defer(_ORDERS["save"], {**values, **security, "updated_at": self._work.recorded_at})
        if fill is not None:
            recorded = {**asdict(fill), "order_id": order.order_id, "filled_at": self._work.recorded_at}
            self._work.defer(_ORDERS["add_fill"], recorded)

    def one(self, user_id: UUID, order_id: UUID) -> DictRow:
        """The order, with its `fills`."""
        self._work.flush()
        rows = self._rows(OrderSort.OLDEST_FIRST, user_id, limit=1, order_id=order_id)
        if not rows:
            raise OrderNotFound(order_id)
        fills = self._connection.execute(_ORDERS["fills"], {"order_id": order_id}).fetchall()
        return {**rows[0], "fills": fills}

    def page(
        self,
        user_id: UUID,
        limit: int,
        cursor: UUID | None = None,
        sort: OrderSort = OrderSort.OLDEST_FIRST,
        portfolio_id: UUID | None = None,
        status: OrderStatus | None = None,
        side: Side | None = None,
        ticker: str | None = None,
    ) -> dict[str, Any]:
        """Orders after `cursor`, the last one seen."""
        asked = {"portfolio_id": portfolio_id, "status": status, "side": side}
        known_as = parse_ticker(ticker) if ticker else None
        rows = self._rows(sort, user_id, limit + 1, cursor=cursor, ticker=known_as, **asked)
        return {"items": rows[:limit], "next_cursor": rows[limit - 1]["order_id"] if len(rows) > limit else None}

    def _rows(self, sort: OrderSort, user_id: UUID, limit: int, **given: object) -> list[DictRow]:
        absent = dict.fromkeys(("order_id", "cursor", *_FILTERS))
        return self._connection.execute(_PAGE[sort], {**absent, **given, "user_id": user_id, "limit": limit}).fetchall()


def _order(row: DictRow, fills: list[Fill]) -> Order:
    return Order(
        order_id=row["order_id"],
        portfolio_id=row["portfolio_id"],
        account_id=row["account_id"],
        security=Security(
            row["security_id"], row["ticker"], AssetType(row["asset_type"]), row["currency"], row["display_name"]
        ),
        side=Side(row["side"]),
        order_type=OrderType(row["order_type"]),
        quantity=row["quantity"],
        placed_at=row["placed_at"],
        limit_price=row["limit_price"],
        fees=row["fees"],
        status=OrderStatus(row["status"]),
        filled_quantity=row["filled_quantity"],
        reserved_cash=row["reserved_cash"],
        reserved_quantity=row["reserved_quantity"],
        reason=row["reason"],
        is_overdrawn=row["is_overdrawn"],
        version=row["version"],
        fills=fills,
    )


def _fill(row: DictRow) -> Fill:
    recorded = {name: row[name] for name in Fill.__slots__}
    recorded["source"] = FillSource(row["source"])
    return Fill(**recorded)
