"""The ledger read back, checked and folded anew: what `make verify` and `make rebuild` stand on.

The projections (holdings, cash) must be what the rows add up to, the rows must be dense, and each row's hash must be
that of its bytes and of the row before it. Everything is recomputed by the domain's own fold; nothing is repaired here
unless `rebuild` is asked for, and even that never touches a row of the ledger.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import dict_row, tuple_row

from domain.holdings import CostMethod, Holding
from domain.ledger import Transaction, TxnType, first_hash, row_hash
from domain.positions import HoldingKey, Positions

_BATCH = 5_000
_FIELDS = Transaction.__slots__
_TXN_TYPE, _RECORDED_AT, _ROW_HASH = _FIELDS.index("txn_type"), len(_FIELDS), len(_FIELDS) + 1
_PORTFOLIOS = "select portfolio_id, version, cost_method, ledger_hash from portfolio order by portfolio_id"
_LOCK = "select portfolio_id, version, cost_method, ledger_hash from portfolio where portfolio_id = %s for update"
_ROWS = f"""
    select {", ".join(_FIELDS)}, recorded_at, row_hash from transaction_ledger where portfolio_id = %s order by seq
"""
_CASH = "select currency, balance, reserved from cash_balance where portfolio_id = %s"
_RESERVED = """
    select currency, coalesce(sum(cash_balance.reserved), 0) as stored,
           coalesce((select sum(reserved_cash) from orders
                     where orders.portfolio_id = %(id)s and orders.currency = cash_balance.currency), 0) as asked
    from cash_balance where portfolio_id = %(id)s group by currency
    union all
    select 'units of security ' || security_id || ' in account ' || account_id, reserved,
           coalesce((select sum(reserved_quantity) from orders
                     where orders.portfolio_id = %(id)s and orders.security_id = account_holding.security_id
                           and orders.account_id = account_holding.account_id), 0)
    from account_holding where portfolio_id = %(id)s
    order by 1
"""
_HOLDINGS = """
    select account_id, security_id, quantity, cost_basis, cost_basis_base, realised, realised_base, realised_fx_base,
           is_basis_known, is_realised_known, lots, reserved
    from account_holding where portfolio_id = %s
"""
_SAVE = """
    insert into account_holding (
        portfolio_id, account_id, security_id, quantity, cost_basis, cost_basis_base, realised, realised_base,
        realised_fx_base, is_basis_known, is_realised_known, lots
    )
    values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    on conflict (portfolio_id, security_id, account_id) do update set
        quantity = excluded.quantity, cost_basis = excluded.cost_basis, cost_basis_base = excluded.cost_basis_base,
        realised = excluded.realised, realised_base = excluded.realised_base,
        realised_fx_base = excluded.realised_fx_base, is_basis_known = excluded.is_basis_known,
        is_realised_known = excluded.is_realised_known, lots = excluded.lots
"""
_SAVE_CASH = """
    insert into cash_balance (portfolio_id, currency, balance) values (%s, %s, %s)
    on conflict (portfolio_id, currency) do update set balance = excluded.balance
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something recorded that is not what the ledger says; `seq` names the row where a row is wrong."""

    portfolio_id: UUID
    what: str
    seq: int | None = None

    def __str__(self) -> str:
        where = f", row {self.seq}" if self.seq is not None else ""
        return f"portfolio {self.portfolio_id}{where}: {self.what}"


@dataclass(frozen=True, slots=True)
class Checked:
    """One portfolio that was looked at."""

    portfolio_id: UUID
    rows: int
    differences: Sequence[Difference]


def verify(connection: psycopg.Connection[Any]) -> Iterator[Checked]:
    """Every portfolio, checked at one instant of the database; the first wrong row of each is named."""
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        with connection.cursor(row_factory=dict_row) as cursor:
            portfolios = cursor.execute(_PORTFOLIOS).fetchall()
        for portfolio in portfolios:
            yield _checked(connection, portfolio)


def rebuild(connection: psycopg.Connection[Any], portfolio_id: UUID) -> int:
    """Write the portfolio's projections anew from its ledger, its row locked; how many rows were folded."""
    with connection.transaction():
        with connection.cursor(row_factory=dict_row) as cursor:
            portfolio = cursor.execute(_LOCK, (portfolio_id,)).fetchone()
            assert portfolio is not None, "the portfolio is there"
            stored = {(row["account_id"], row["security_id"]) for row in cursor.execute(_HOLDINGS, (portfolio_id,))}
        rows = [_transaction(row) for row in _stream(connection, portfolio_id)]
        method = CostMethod(portfolio["cost_method"])
        folded = Positions.of(rows, method)
        holdings = {key: folded.holding(key) for key in stored | folded.holdings.keys()}
        saved = [(portfolio_id, *key, *_stored(held, method)) for key, held in sorted(holdings.items())]
        with connection.cursor() as cursor:
            cursor.executemany(_SAVE, saved)
            cursor.executemany(_SAVE_CASH, [(portfolio_id, *balance) for balance in sorted(folded.cash.items())])
    return len(rows)


def portfolio_ids(connection: psycopg.Connection[Any]) -> list[UUID]:
    return [row[0] for row in connection.execute("select portfolio_id from portfolio order by portfolio_id")]


def holding_columns(held: Holding, method: CostMethod) -> dict[str, object]:
    """A holding as the columns of `account_holding`. Lots are kept apart only under FIFO: quantity, cost, cost in base,
    day opened, row, whether the basis is known."""
    lots = [[lot.quantity, lot.cost, lot.cost_base, lot.opened_on, lot.seq, lot.is_known] for lot in held.lots]
    return {
        "quantity": held.quantity,
        "cost_basis": held.cost_basis,
        "cost_basis_base": held.cost_basis_base,
        "realised": held.realised,
        "realised_base": held.realised_base,
        "realised_fx_base": held.realised_fx,
        "is_basis_known": held.is_basis_known,
        "is_realised_known": held.is_realised_known,
        "lots": lots if method is CostMethod.FIFO else None,
    }


def _stored(held: Holding, method: CostMethod) -> list[object]:
    *values, lots = holding_columns(held, method).values()
    return [*values, None if lots is None else json.dumps(lots, default=str)]


def _checked(connection: psycopg.Connection[Any], portfolio: Mapping[str, Any]) -> Checked:
    portfolio_id, method = portfolio["portfolio_id"], CostMethod(portfolio["cost_method"])
    head, rows = first_hash(portfolio_id), list[Transaction]()
    for row in _stream(connection, portfolio_id):
        try:
            recorded = _transaction(row)
            head, is_right = row_hash(head, recorded, row[_RECORDED_AT]), row[_ROW_HASH]
        except (ValueError, TypeError, AttributeError) as error:
            return _wrong_row(portfolio_id, len(rows) + 1, row[1], f"is not a transaction: {error}")
        wrong = None if head == is_right else "is not what was recorded: its hash is another"
        if recorded.seq != len(rows) + 1:
            wrong = f"stands where row {len(rows) + 1} should be; the ledger has a gap"
        if wrong:
            return _wrong_row(portfolio_id, len(rows) + 1, row[1], wrong)
        rows.append(recorded)
    found = [] if rows or portfolio["version"] == 0 else [f"version {portfolio['version']}, but no row"]
    if rows and (portfolio["version"] != rows[-1].seq or portfolio["ledger_hash"] != head):
        found.append(f"version {portfolio['version']} is not its last row, {rows[-1].seq}, or the last hash is another")
    found += _projection_differences(connection, portfolio_id, Positions.of(rows, method), method)
    return Checked(portfolio_id, len(rows), [Difference(portfolio_id, what) for what in found])


def _wrong_row(portfolio_id: UUID, rows: int, seq: int, what: str) -> Checked:
    return Checked(portfolio_id, rows, [Difference(portfolio_id, what, seq)])


def _projection_differences(
    connection: psycopg.Connection[Any], portfolio_id: UUID, folded: Positions, method: CostMethod
) -> Iterator[str]:
    with connection.cursor(row_factory=dict_row) as cursor:
        cash = {row["currency"]: row["balance"] for row in cursor.execute(_CASH, (portfolio_id,))}
        stored = {(row["account_id"], row["security_id"]): row for row in cursor.execute(_HOLDINGS, (portfolio_id,))}
    for what, reserved, asked in _tuples(connection, _RESERVED, {"id": portfolio_id}):
        if reserved != asked:
            yield f"{reserved} {what} are reserved, the open orders say {asked}"
    for currency in sorted(cash.keys() | folded.cash.keys()):
        says, is_now = folded.cash.get(currency, Decimal(0)), cash.get(currency, Decimal(0))
        if says != is_now:
            yield f"cash is {is_now} {currency}, the ledger says {says}"
    for key in sorted(stored.keys() | folded.holdings.keys()):
        what = _holding_difference(key, stored.get(key), folded.holding(key), method)
        if what:
            yield what


def _holding_difference(
    key: HoldingKey, stored: Mapping[str, Any] | None, held: Holding, method: CostMethod
) -> str | None:
    name = f"security {key[1]} in account {key[0]}"
    if stored is None:
        return f"{name} is not projected, the ledger says {held.quantity}"
    says = holding_columns(held, method)
    lots = says.pop("lots")
    for column, value in says.items():
        if stored[column] != value:
            return f"{column} of {name} is {stored[column]}, the ledger says {value}"
    if _exact(stored["lots"]) != _exact(json.loads(json.dumps(lots, default=str))):
        return f"the lots of {name} are not those of the ledger"
    return None


def _exact(lots: list[list[Any]] | None) -> list[list[Any]] | None:
    return None if lots is None else [[*map(Decimal, lot[:3]), *lot[3:]] for lot in lots]


def _stream(connection: psycopg.Connection[Any], portfolio_id: UUID) -> Iterator[tuple[Any, ...]]:
    with connection.cursor("ledger_rows", row_factory=tuple_row) as cursor:
        cursor.itersize = _BATCH
        yield from cursor.execute(_ROWS, (portfolio_id,))


def _tuples(
    connection: psycopg.Connection[Any], query: LiteralString, asked: Mapping[str, object]
) -> list[tuple[Any, ...]]:
    with connection.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(query, asked).fetchall()


def _transaction(row: tuple[Any, ...]) -> Transaction:
    """The first columns are a transaction's fields, in their order."""
    facts = list(row[:_RECORDED_AT])
    facts[_TXN_TYPE] = TxnType(facts[_TXN_TYPE])
    return Transaction(*facts)
