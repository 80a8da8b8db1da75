"""Position intervals of a replicated ledger: columns for the compiled fold, rows for the rule.

Under average cost, the buys and sells of a holding go through `domain.analytics.average_cost`, millions a second.
Securities of a portfolio that had an event, or came without a cost, portfolios by FIFO, and amounts too
large for 62 bits go through `domain.intervals`, row by row. Both give the same (tests/pipelines/test_interval_fold.py).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any
from uuid import UUID

import duckdb
import numpy as np
import pyarrow as pa

from domain.holdings import CostMethod
from domain.intervals import PositionInterval, position_intervals
from domain.ledger import Transaction, TxnType

_QUANTITY, _MONEY = pa.decimal128(18, 8), pa.decimal128(28, 8)
SCHEMA = pa.schema(
    [
        ("portfolio_id", pa.string()),
        ("account_id", pa.int64()),
        ("security_id", pa.int64()),
        ("valid_from", pa.date32()),
        ("valid_to", pa.date32()),
        ("quantity", _QUANTITY),
        ("cost_basis", _MONEY),
        ("avg_cost", _MONEY),
        ("realised", _MONEY),
        ("cost_basis_base", _MONEY),
        ("realised_base", _MONEY),
        ("realised_fx_base", _MONEY),
        ("departed_base", _MONEY),
        ("carried_base", _MONEY),
        ("is_basis_known", pa.bool_()),
        ("is_realised_known", pa.bool_()),
        ("cost_method", pa.string()),
    ]
)
_BATCH_ROWS = 1_000_000
WORTH_COMPILING = 50_000
"""Rows of a ledger below which the rule is done before the compiled fold is loaded."""
_COMPUTED = ("quantity", "cost_basis", "avg_cost", "realised", "cost_basis_base", "realised_base", "realised_fx_base")
_LEDGER = """
    create or replace temp table owners as
    select portfolio_id, cost_method, cast(row_number() over (order by portfolio_id) - 1 as integer) as owner
    from {portfolios} where {chosen};

    create or replace temp view effective as
    select ledger.*
    from {ledger} as ledger
    anti join (select portfolio_id, reverses_seq from {ledger} where reverses_seq is not null) as taken_back
        on ledger.portfolio_id = taken_back.portfolio_id and ledger.seq = taken_back.reverses_seq
    where reverses_seq is null and {chosen};

    create or replace temp table by_the_rule as
    select distinct portfolio_id, security_id
    from effective inner join owners using (portfolio_id)
    where
        security_id is not null
        and (
            (cost_method <> 'AVCO' and txn_type in ('BUY', 'SELL'))
            or txn_type not in ('BUY', 'SELL', 'DEPOSIT', 'WITHDRAW', 'FEE', 'TAX', 'INTEREST', 'DIVIDEND', 'COUPON')
            or (txn_type in ('BUY', 'SELL') and (gross is null or gross >= {limit} or fees >= {limit}))
        );
"""
_TRADES = """
    select
        owner, account_id, security_id, business_date, quantity,
        cast(gross as decimal(28, 8)) as gross, cast(fees as decimal(28, 8)) as fees,
        cast(coalesce(fx_rate, 1) as decimal(18, 8)) as fx_rate
    from effective
    inner join owners using (portfolio_id)
    anti join by_the_rule using (portfolio_id, security_id)
    where txn_type in ('BUY', 'SELL')
    order by owner, account_id, security_id, business_date, event_ts, seq
"""


def fold(
    connection: duckdb.DuckDBPyConnection,
    ledger: str,
    portfolios: str,
    chosen: Sequence[str] | None = None,
    worth_compiling: int = WORTH_COMPILING,
    left_out: Sequence[str] = (),
) -> duckdb.DuckDBPyRelation:
    """The intervals of `ledger`, as the relation `intervals` of `connection`, by each portfolio's own method.

    `ledger` and `portfolios` are table expressions; `chosen` portfolios only, or all of them but those `left_out`.
    """
    listed = "true" if chosen is None else f"portfolio_id in {_listed(chosen)}"
    if left_out:
        listed += f" and portfolio_id not in {_listed(left_out)}"
    connection.execute(_LEDGER.format(ledger=ledger, portfolios=portfolios, chosen=listed, limit=2**62 // 10**8))
    connection.register("nothing", SCHEMA.empty_table())
    connection.execute("create or replace table intervals as from nothing")
    count = connection.execute("select count(*) from effective").fetchone()
    if count and count[0] < worth_compiling:
        connection.execute("insert into by_the_rule select distinct portfolio_id, security_id from effective")
    else:
        _fold_columns(connection)
    connection.register("batch", _by_the_rule(connection))
    connection.execute("insert into intervals from batch")
    return connection.table("intervals")


def _listed(portfolios: Sequence[str]) -> str:
    return f"({', '.join(repr(str(one)) for one in portfolios) or 'null'})"


def _fold_columns(connection: duckdb.DuckDBPyConnection) -> None:
    owners = connection.execute("select portfolio_id from owners order by owner").to_arrow_table()["portfolio_id"]
    connection.execute(f"create or replace table trades as {_TRADES}")
    reader = connection.cursor().execute("from trades").to_arrow_reader(_BATCH_ROWS)
    for trades in _by_whole_holdings(reader):
        batch, left_out = _folded(trades, owners)
        connection.register("batch", batch)
        connection.execute("insert into intervals from batch")
        if left_out.num_rows:
            connection.register("left_out", left_out)
            connection.execute("insert into by_the_rule from left_out")


def _by_whole_holdings(reader: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """The reader's rows in large tables, none of which ends within a holding."""
    kept: list[pa.Table] = []
    for batch in reader:
        rows = pa.concat_tables([*kept, pa.Table.from_batches([batch])]).combine_chunks()
        if rows.num_rows < _BATCH_ROWS:
            kept = [rows]
            continue
        begin = int(_first(rows)[-1])
        yield rows.slice(0, begin)
        kept = [rows.slice(begin)]
    yield from (rows.combine_chunks() for rows in kept if rows.num_rows)


def _first(trades: pa.Table) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The index at which each holding's trades begin."""
    changes = np.zeros(trades.num_rows, np.bool_)
    changes[:1] = True
    for name in ("owner", "account_id", "security_id"):
        column = trades[name].to_numpy()
        changes[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(changes).astype(np.int64)


def _folded(trades: pa.Table, owners: pa.ChunkedArray) -> tuple[pa.Table, pa.Table]:
    """The intervals of `trades`, and the (portfolio, security) of holdings that did not fit."""
    from domain.analytics.average_cost import OPEN, average_cost_intervals

    first = _first(trades)
    numbers = [_integers(trades[name]) for name in ("quantity", "gross", "fees", "fx_rate")]
    day = trades["business_date"].combine_chunks().cast(pa.int32()).to_numpy()
    found = average_cost_intervals(first, day, *numbers)
    where, whole = pa.array(found.trade), pa.array(found.overflowed)
    left_out = pa.table(
        {"portfolio_id": owners.take(trades["owner"].take(whole)), "security_id": trades["security_id"].take(whole)}
    )
    count = len(found.trade)
    columns: dict[str, Any] = {
        "portfolio_id": owners.take(trades["owner"].take(where)),
        "account_id": trades["account_id"].take(where),
        "security_id": trades["security_id"].take(where),
        "valid_from": pa.array(found.valid_from).cast(pa.date32()),
        "valid_to": pa.array(found.valid_to, mask=found.valid_to == OPEN).cast(pa.date32()),
        **{name: _decimals(getattr(found, name), SCHEMA.field(name).type) for name in _COMPUTED},
        "departed_base": _decimals(np.zeros(count, np.int64), _MONEY),
        "carried_base": _decimals(np.zeros(count, np.int64), _MONEY),
        "is_basis_known": pa.repeat(True, count),
        "is_realised_known": pa.repeat(True, count),
        "cost_method": pa.repeat(CostMethod.AVCO.value, count),
    }
    return pa.table(columns, schema=SCHEMA), left_out


def _integers(column: pa.ChunkedArray) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Decimals as integers of their last place: the lower half of their 128 bits, in which they are known to fit."""
    array = column.combine_chunks()
    array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
    halves = np.frombuffer(array.buffers()[1], np.int64)
    return halves[2 * array.offset : 2 * (array.offset + len(array)) : 2].copy()


def _decimals(values: np.ndarray[Any, np.dtype[np.int64]], kind: pa.DataType) -> pa.Array:
    halves = np.empty((len(values), 2), np.int64)
    halves[:, 0], halves[:, 1] = values, values >> 63
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(halves)])


def _by_the_rule(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    rows = connection.execute(
        """
        select effective.*, owners.cost_method
        from effective
        inner join owners using (portfolio_id)
        semi join by_the_rule using (portfolio_id, security_id)
        """
    ).to_arrow_table()
    methods: dict[str, str] = {}
    by_portfolio: dict[str, list[Transaction]] = defaultdict(list)
    for row in rows.to_pylist():
        methods[row["portfolio_id"]] = row["cost_method"]
        by_portfolio[row["portfolio_id"]].append(_transaction(row))
    intervals = [
        interval
        for portfolio_id, transactions in sorted(by_portfolio.items())
        for interval in position_intervals(transactions, CostMethod(methods[portfolio_id]))
    ]
    columns = {field.name: [getattr(row, field.name) for row in intervals] for field in fields(PositionInterval)}
    columns["portfolio_id"] = [str(identifier) for identifier in columns["portfolio_id"]]
    columns["cost_method"] = [methods[portfolio_id] for portfolio_id in columns["portfolio_id"]]
    return pa.Table.from_pydict(columns, schema=SCHEMA)


def _transaction(row: dict[str, Any]) -> Transaction:
    return Transaction(
        portfolio_id=UUID(row["portfolio_id"]),
        seq=row["seq"],
        account_id=row["account_id"],
        txn_type=TxnType(row["txn_type"]),
        currency=row["currency"],
        cash_effect=row["cash_effect"],
        event_ts=row["event_ts"],
        business_date=row["business_date"],
        security_id=row["security_id"],
        quantity=row["quantity"],
        price=row["price"],
        fees=row["fees"],
        note=row["note"],
        gross=row["gross"],
        accrued=row["accrued"],
        fx_rate=row["fx_rate"],
        ex_date=row["ex_date"],
        split_new=row["split_new"],
        split_old=row["split_old"],
        transfer_id=UUID(row["transfer_id"]) if row["transfer_id"] else None,
        reverses_seq=row["reverses_seq"],
        external_id=row["external_id"],
        cost_effect=row["cost_effect"],
        basis_share=row["basis_share"],
    )
