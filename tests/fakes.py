"""Stand-ins for the outside world, each held to the contract of its port in tests/contracts."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from uuid import UUID

import pyarrow as pa

from domain.snapshots import PositionSnapshot


class FakePriceSource:
    """A market of the given closes by (ticker, day), in dollars as traded, and ten-year yields by day."""

    name = "fake"

    def __init__(self, closes: Mapping[tuple[str, date], Decimal], yields: Mapping[date, Decimal]) -> None:
        self._prices = [
            {"ticker": ticker, "price_date": day, "close": close, "currency": "USD", "price_kind": "AS_TRADED"}
            for (ticker, day), close in closes.items()
        ]
        self._yields = [{"curve_date": day, "tenor_months": 120, "par_yield_pct": rate} for day, rate in yields.items()]

    def prices(self, start: date, end: date) -> pa.Table:
        schema = {"ticker": pa.string(), "price_date": pa.date32(), "close": pa.decimal128(18, 8)}
        rows = [row for row in self._prices if start <= row["price_date"] <= end]
        return pa.Table.from_pylist(rows, pa.schema({**schema, "currency": pa.string(), "price_kind": pa.string()}))

    def yields(self, start: date, end: date) -> pa.Table:
        schema = {"curve_date": pa.date32(), "tenor_months": pa.int16(), "par_yield_pct": pa.decimal128(18, 8)}
        rows = [row for row in self._yields if start <= row["curve_date"] <= end]
        return pa.Table.from_pylist(rows, pa.schema(schema))


class FakePositionSnapshotRepository:
    """Current snapshots in memory."""

    def __init__(self) -> None:
        self._current: dict[tuple[UUID, date], PositionSnapshot] = {}

    def current(self, portfolio_id: UUID, business_date: date) -> PositionSnapshot | None:
        return self._current.get((portfolio_id, business_date))

    def store(self, snapshot: PositionSnapshot) -> None:
        self._current[snapshot.portfolio_id, snapshot.business_date] = snapshot
