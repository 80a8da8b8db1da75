"""Ledgers read for export, all of one instant: as PostgreSQL's own COPY where nothing is decided about a row, and as
transactions where they are folded. SQL in `queries.sql`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from itertools import chain, cycle, islice, starmap
from typing import Any, LiteralString
from uuid import UUID

from psycopg import sql
from psycopg.rows import DictRow, args_row, class_row, tuple_row
from psycopg_pool import PoolTimeout

from domain.errors import PortfolioNotFound
from domain.ledger import Transaction, TxnType
from domain.securities import AssetType
from oltp_api.connections import Connection
from oltp_api.exports.columns import TEXTS_SQL
from oltp_api.sight import Sight, current_sight
from oltp_api.unit_of_work import Pool
from storage.queries import statements

_EXPORTS = statements("oltp_api/exports/queries.sql")
_SECONDS = "600s"
"""How long one statement of an export, or the client's next read, may take."""
_BATCH = 5_000
_TYPES = {kind.value: kind for kind in TxnType}
_MANY_ROWS = 20_000
"""Rows of a ledger that is worth a second connection, which takes some milliseconds to begin."""
_ROWS_IN_TURN = 256
"""Rows of one connection before the other's: 60 to 200 KB, which PostgreSQL sends ahead of who reads them."""
_PATIENCE_S = 0.2
OpenSecond = Callable[[str, Sight], Connection | None]
"""A connection more that reads the instant of an exported snapshot for the same asker; None if none is free."""


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

    def __init__(self, connection: Connection, open_second: OpenSecond | None = None) -> None:
        self._connection = connection
        self._readers = [connection]
        self._open_second = open_second
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
        self._sight = replace(self._sight, portfolios=ids)
        for connection in self._readers:
            self._sight.say(connection, is_first=False)

    def copied(
        self, portfolio_id: UUID, selected: LiteralString, form: LiteralString, more: Mapping[str, object] | None = None
    ) -> Iterator[Sequence[bytes]]:
        """Rows of the ledger in its order, some at a time, with `selected` of the text of their `cells`, as "csv" or
        "text". Two connections make those of a long ledger in turns, each as far ahead as a socket holds."""
        connections = self._readers_of(portfolio_id)
        turns: LiteralString = _EXPORTS["in_turn"] if len(connections) > 1 else ""
        own = f"{_EXPORTS['own']}\n{turns} order by ledger.seq"
        texts = f"select {TEXTS_SQL} from ({own}) as ledger offset 0"  # once each
        query = f"copy (select {selected} from ({texts}) as cells) to stdout (format {form})"
        asked = {"portfolio_id": portfolio_id, "rows": _ROWS_IN_TURN, "readers": len(connections), **(more or {})}
        with ExitStack() as stack:
            copies = [
                stack.enter_context(connection.cursor().copy(query, {**asked, "turn": turn}))
                for turn, connection in enumerate(connections)
            ]
            readers = [map(bytes, copy) for copy in copies]
            for reader in cycle(readers):
                rows = list(islice(reader, _ROWS_IN_TURN))
                if not rows:
                    break
                yield rows
            assert next(chain(*readers), None) is None, "rows of a ledger are numbered without gaps"

    def _readers_of(self, portfolio_id: UUID) -> Sequence[Connection]:
        """Connections that read a ledger in turns: two of a long one, if another is free."""
        if self.portfolio(portfolio_id).version < _MANY_ROWS:
            return self._readers[:1]
        if len(self._readers) == 1 and self._open_second is not None:
            row = self._connection.execute(_EXPORTS["snapshot"]).fetchone()
            assert row is not None
            second = self._open_second(row["snapshot"], self._sight)
            self._readers += [] if second is None else [second]
        return self._readers

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
    with ExitStack() as stack:
        connection = stack.enter_context(pool.connection())
        _begin(connection, current_sight())
        yield LedgerExports(connection, partial(_second, pool, stack))


def _second(pool: Pool, stack: ExitStack, snapshot: str, sight: Sight) -> Connection | None:
    try:
        connection = stack.enter_context(pool.connection(timeout=_PATIENCE_S))
    except PoolTimeout:
        return None
    _begin(connection, sight, snapshot)
    return connection


def _begin(connection: Connection, sight: Sight, snapshot: str | None = None) -> None:
    """Begin a transaction that only reads, of an instant of its own or of an exported one."""
    connection.execute(_EXPORTS["instant"])
    if snapshot is not None:
        connection.execute(sql.SQL("set transaction snapshot {}").format(snapshot))
    sight.say(connection)
    connection.execute(_EXPORTS["limits"], {"seconds": _SECONDS})


def _transaction(portfolio_id: UUID, seq: int, account_id: int, txn_type: str, *more: Any) -> Transaction:
    """From the columns of `effective`, which are in the order of the fields."""
    return Transaction(portfolio_id, seq, account_id, _TYPES[txn_type], *more)
