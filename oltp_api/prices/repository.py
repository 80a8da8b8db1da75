"""Posted prices on PostgreSQL: rows are added, and the newest of a security and day counts."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from domain.posted_prices import PostedPrice
from domain.securities import Security
from oltp_api.unit_of_work import UnitOfWork
from oltp_api.web.pages import fetch_page, orders
from storage.queries import statements

_PRICES = statements("oltp_api/prices/queries.sql")
_ORDERS = orders(date={"price_date": date.fromisoformat, "posted_price_id": int})


class PostedPrices:
    def __init__(self, work: UnitOfWork) -> None:
        self._connection = work.connection
        self._posted_at = work.recorded_at

    def is_published(self, security_id: int) -> bool:
        """Say if the security has prices for all. Lock the security before."""
        row = self._connection.execute(_PRICES["is_published"], {"security_id": security_id}).fetchone()
        return bool(row and row["is_published"])

    def post(self, user_id: UUID, owner_id: UUID | None, security: Security, prices: Sequence[PostedPrice]) -> None:
        """Add prices that `user_id` states, of `owner_id`, or published for all."""
        values = {
            "security_id": security.security_id,
            "currency": security.currency,
            "user_id": user_id,
            "owner_id": owner_id,
            "posted_at": self._posted_at,
            "days": [price.price_date for price in prices],
            "closes": [price.close for price in prices],
        }
        self._connection.execute(_PRICES["post"], values)

    def page(
        self,
        user_id: UUID,
        security: Security,
        start: date | None,
        end: date | None,
        superseded: bool,
        limit: int,
        cursor: str | None,
    ) -> dict[str, Any]:
        """The user's own and those for all, oldest day first; `superseded` adds those that have been corrected."""
        asked = {
            "user_id": user_id,
            "security_id": security.security_id,
            "start": start,
            "end": end,
            "superseded": superseded,
        }
        return fetch_page(self._connection, _PRICES["posted"], asked, _ORDERS["date"], limit, cursor)
