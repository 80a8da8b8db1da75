"""Ledgers read for export, all of one instant: as PostgreSQL's own COPY where nothing is decided about a row, and as
transactions where they are folded. SQL in `queries.sql`."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import starmap
from typing import Any, LiteralString
from uuid import UUID

from psycopg.rows import DictRow, args_row, class_row, tuple_row

from domain.errors import PortfolioNotFound
from domain.ledger import Transaction, TxnType
from domain.securities import AssetType
from oltp_api.connections import Connection
from oltp_api.exports.columns import TEXTS_SQL
from oltp_api.sight import current_sight
from oltp_api.unit_of_work import Pool
from storage.queries import statements

_EXPORTS = statements("oltp_api/exports/queries.sql")
_SECONDS = "600s"
"""How long one statement of an export, or the client's next read, may take."""
_BATCH = 5_000
_TYPES = {kind.value: kind for kind in TxnType}
_COPY_TO: Mapping[str, LiteralString] = {"csv": "format csv, header", "rows": "format csv", "text": "format text"}


@dataclass(frozen=True, slots=True)
class ExportedPortfolio:
    portfolio_id: UUID
    name: str
    base_currency: str
    kind: str
    cost_method: str
    time_zone: str
    version: int


@dataclass(frozen=True, slots=True)
class ExportedSecurity:
    security_id: int
    ticker: str
    name: str
    asset_type: str
    currency: str
    isin: str | None
    has_ticker: bool

    @property
    def is_bond(self) -> bool:
        return self.asset_type == AssetType.BOND

    @property
    def price_factor(self) -> Decimal:
        """Value of one unit per 1 of price."""
        return Decimal("0.01") if self.is_bond else Decimal(1)


@dataclass(frozen=True, slots=True)
class ExportedAccount:
    account_id: int
    identifier: str
    broker: str


@dataclass(frozen=True, slots=True)
class SplitRatio:
    """A split that stands: `split_old` units became `split_new`."""

    security_id: int
    split_new: Decimal
    split_old: Decimal


class LedgerExports:
    """Reads of one instant; each iterator is read to its end, or closed, before the next."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sight = current_sight()

    def now(self) -> datetime:
        """The beginning of the instant."""
        row = self._connection.execute(_EXPORTS["now"]).fetchone()
        assert row is not None
        found: datetime = row["now"]
        return found

    def portfolio(self, portfolio_id: UUID) -> ExportedPortfolio:
        cursor = self._connection.cursor(row_factory=class_row(ExportedPortfolio))
        found = cursor.execute(_EXPORTS["portfolio"], {"portfolio_id": portfolio_id}).fetchone()
        if found is None:
            raise PortfolioNotFound(portfolio_id)
        return found

    def listed(self, what: str, user_id: UUID) -> list[DictRow]:
        """The user's `portfolios` or `accounts`, or the `securities` that their ledgers name."""
        return self._connection.execute(_EXPORTS[what], {"user_id": user_id}).fetchall()

    def name_portfolios(self, user_id: UUID) -> None:
        """Have rows compared with the user's portfolios: to look up whose each of a million is takes seconds."""
        ids = frozenset(row["portfolio_id"] for row in self.listed("portfolios", user_id))
        replace(self._sight, portfolios=ids).say(self._connection, is_first=False)

    def copied(
        self, portfolio_id: UUID, selected: LiteralString, form: str, more: Mapping[str, object] | None = None
    ) -> Iterator[bytes]:
        """Rows of the ledger in its order, a block each, with `selected` of the text of their `cells`: as "csv" with a
        header, as "rows" of csv, or as "text"."""
        texts = f"select {TEXTS_SQL} from ({_EXPORTS['own']} order by ledger.seq) as ledger offset 0"  # once each
        query = f"copy (select {selected} from ({texts}) as cells) to stdout"
        asked = {"portfolio_id": portfolio_id, **(more or {})}
        with self._connection.cursor().copy(f"{query} ({_COPY_TO[form]})", asked) as copy:
            for block in copy:
                yield bytes(block)

    def effective(self, portfolio_id: UUID) -> Iterator[Transaction]:
        """The rows that stand, in order of event."""
        with self._connection.cursor("exported_rows", row_factory=tuple_row) as cursor:
            cursor.execute(_EXPORTS["effective"], {"portfolio_id": portfolio_id})
            while rows := cursor.fetchmany(_BATCH):  # a fetch of each row by itself costs a fifth more
                yield from starmap(_transaction, rows)

    def reversed(self, portfolio_id: UUID) -> list[tuple[int, int]]:
        """Rows that were taken back, each with the row that did it."""
        cursor = self._connection.cursor(row_factory=tuple_row)
        return cursor.execute(_EXPORTS["reversed"], {"portfolio_id": portfolio_id}).fetchall()

    def securities(self, portfolio_id: UUID) -> Mapping[int, ExportedSecurity]:
        cursor = self._connection.cursor(row_factory=class_row(ExportedSecurity))
        found = cursor.execute(_EXPORTS["named_securities"], {"portfolio_id": portfolio_id}).fetchall()
        return {each.security_id: each for each in found}

    def accounts(self, portfolio_id: UUID) -> Mapping[int, ExportedAccount]:
        cursor = self._connection.cursor(row_factory=class_row(ExportedAccount))
        found = cursor.execute(_EXPORTS["named_accounts"], {"portfolio_id": portfolio_id}).fetchall()
        return {each.account_id: each for each in found}

    def ratios(self, portfolio_id: UUID) -> Sequence[SplitRatio]:
        cursor = self._connection.cursor(row_factory=args_row(SplitRatio))
        return cursor.execute(_EXPORTS["ratios"], {"portfolio_id": portfolio_id}).fetchall()


@contextmanager
def one_instant(pool: Pool) -> Iterator[LedgerExports]:
    """Reads of the database as it is when the first of them is made, while inside."""
    with pool.connection() as connection:
        connection.execute(_EXPORTS["instant"])
        current_sight().say(connection)
        connection.execute(_EXPORTS["limits"], {"seconds": _SECONDS})
        yield LedgerExports(connection)


def _transaction(portfolio_id: UUID, seq: int, account_id: int, txn_type: str, *more: Any) -> Transaction:
    """From the columns of `effective`, which are in the order of the fields."""
    return Transaction(portfolio_id, seq, account_id, _TYPES[txn_type], *more)
