"""Position intervals and disposals of a replicated ledger: columns for the compiled fold, rows for the rule.

Under average cost, the buys and sells of a holding go through `domain.analytics.average_cost`, millions a second.
Securities of a portfolio that had an event, or came without a cost, portfolios by FIFO, and amounts too
large for 62 bits go through `domain.intervals`, row by row. Both give the same (tests/pipelines/test_interval_fold.py).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any, NamedTuple
from uuid import UUID

import duckdb
import numpy as np
import pyarrow as pa

from domain.disposals import LONG_TERM_DAYS, Disposal
from domain.holdings import CostMethod
from domain.intervals import PositionInterval, position_intervals
from domain.ledger import Transaction, TxnType
from pipelines.positions import disposal_columns
from pipelines.positions.decimal_columns import decimals, integers

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
    select
        portfolio_id,
        cost_method,
        coalesce(long_term_days, {long_term_days}) as long_term_days,
        cast(row_number() over (order by portfolio_id) - 1 as integer) as owner
    from (from {portfolios} union all by name (select null::integer as long_term_days where false)) where {chosen};

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
        owner, account_id, security_id, business_date, seq, txn_type, currency, quantity,
        cast(gross as decimal(28, 8)) as gross, cast(fees as decimal(28, 8)) as fees,
        cast(coalesce(fx_rate, 1) as decimal(18, 8)) as fx_rate
    from effective
    inner join owners using (portfolio_id)
    anti join by_the_rule using (portfolio_id, security_id)
    where txn_type in ('BUY', 'SELL')
    order by owner, account_id, security_id, business_date, event_ts, seq
"""


class Folded(NamedTuple):
    """Relations of one connection."""

    intervals: duckdb.DuckDBPyRelation
    disposals: duckdb.DuckDBPyRelation


def fold(
    connection: duckdb.DuckDBPyConnection,
    ledger: str,
    portfolios: str,
    chosen: Sequence[str] | None = None,
    worth_compiling: int = WORTH_COMPILING,
    left_out: Sequence[str] = (),
) -> Folded:
    """The intervals and disposals of `ledger`, as tables of `connection`, by each portfolio's own method and term.

    `ledger` and `portfolios` are table expressions; `chosen` portfolios only, or all of them but those `left_out`.
    A table of portfolios from before they had a term of their own is read too.
    """
    listed = "true" if chosen is None else f"portfolio_id in {_listed(chosen)}"
    if left_out:
        listed += f" and portfolio_id not in {_listed(left_out)}"
    tables = {"ledger": ledger, "portfolios": portfolios, "chosen": listed}
    connection.execute(_LEDGER.format(**tables, limit=2**62 // 10**8, long_term_days=LONG_TERM_DAYS))
    for name, schema in (("intervals", SCHEMA), ("disposals", disposal_columns.SCHEMA)):
        connection.register("nothing", schema.empty_table())
        connection.execute(f"create or replace table {name} as from nothing")
    count = connection.execute("select count(*) from effective").fetchone()
    if count and count[0] < worth_compiling:
        connection.execute("insert into by_the_rule select distinct portfolio_id, security_id from effective")
    else:
        _fold_columns(connection)
    _add(connection, *_by_the_rule(connection))
    return Folded(connection.table("intervals"), connection.table("disposals"))


def _add(connection: duckdb.DuckDBPyConnection, intervals: pa.Table, disposals: pa.Table) -> None:
    for name, rows in (("intervals", intervals), ("disposals", disposals)):
        connection.register("batch", rows)
        connection.execute(f"insert into {name} from batch")


def _listed(portfolios: Sequence[str]) -> str:
    return f"({', '.join(repr(str(one)) for one in portfolios) or 'null'})"


def _fold_columns(connection: duckdb.DuckDBPyConnection) -> None:
    owners = connection.execute("select portfolio_id from owners order by owner").to_arrow_table()["portfolio_id"]
    connection.execute(f"create or replace table trades as {_TRADES}")
    reader = connection.cursor().execute("from trades").to_arrow_reader(_BATCH_ROWS)
    for trades in _by_whole_holdings(reader):
        intervals, disposals, left_out = _folded(trades, owners)
        _add(connection, intervals, disposals)
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


def _folded(trades: pa.Table, owners: pa.ChunkedArray) -> tuple[pa.Table, pa.Table, pa.Table]:
    """The intervals and disposals of `trades`, and the (portfolio, security) of holdings that did not fit."""
    from domain.analytics.average_cost import OPEN, average_cost_intervals

    first = _first(trades)
    numbers = [integers(trades[name]) for name in ("quantity", "gross", "fees", "fx_rate")]
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
        **{name: decimals(getattr(found, name), SCHEMA.field(name).type) for name in _COMPUTED},
        "departed_base": decimals(np.zeros(count, np.int64), _MONEY),
        "carried_base": decimals(np.zeros(count, np.int64), _MONEY),
        "is_basis_known": pa.repeat(True, count),
        "is_realised_known": pa.repeat(True, count),
        "cost_method": pa.repeat(CostMethod.AVCO.value, count),
    }
    return pa.table(columns, schema=SCHEMA), disposal_columns.of_closings(found.closings, trades, owners), left_out


def _by_the_rule(connection: duckdb.DuckDBPyConnection) -> tuple[pa.Table, pa.Table]:
    rows = connection.execute(
        """
        select effective.*, owners.cost_method, owners.long_term_days
        from effective
        inner join owners using (portfolio_id)
        semi join by_the_rule using (portfolio_id, security_id)
        """
    ).to_arrow_table()
    methods: dict[str, str] = {}
    long_term_days: dict[str, int] = {}
    disposed: list[Disposal] = []
    by_portfolio: dict[str, list[Transaction]] = defaultdict(list)
    for row in rows.to_pylist():
        methods[row["portfolio_id"]] = row["cost_method"]
        long_term_days[row["portfolio_id"]] = row["long_term_days"]
        by_portfolio[row["portfolio_id"]].append(_transaction(row))
    intervals = [
        interval
        for portfolio_id, transactions in sorted(by_portfolio.items())
        for interval in position_intervals(transactions, CostMethod(methods[portfolio_id]), disposed)
    ]
    columns = {field.name: [getattr(row, field.name) for row in intervals] for field in fields(PositionInterval)}
    columns["portfolio_id"] = [str(identifier) for identifier in columns["portfolio_id"]]
    columns["cost_method"] = [methods[portfolio_id] for portfolio_id in columns["portfolio_id"]]
    return pa.Table.from_pydict(columns, schema=SCHEMA), disposal_columns.of_disposals(disposed, long_term_days)


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
