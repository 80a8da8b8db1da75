"""Intervals and disposals by columns are those by the rule, for books with everything in them."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import duckdb
import pyarrow as pa
import pytest

from domain.disposals import Disposal, term_of
from domain.holdings import CostMethod
from domain.intervals import position_intervals
from domain.ledger import Transaction, TxnType
from pipelines.positions import disposal_columns, interval_fold
from pipelines.positions.interval_fold import SCHEMA, fold
from tests.replicated import replicated

D = Decimal
FIRST_DAY = date(2015, 1, 1)
PORTFOLIOS = {str(UUID(int=number)): method for number, method in enumerate(["AVCO", "FIFO", "AVCO", "AVCO"], 1)}
LONG_TERM_DAYS = {str(UUID(int=2)): 20}


def a_ledger(seed: int, count: int = 120) -> list[Transaction]:
    """Random trades of four securities in two accounts; the fourth one is split, moved and comes without a cost."""
    chance = random.Random(seed)
    rows = []
    for portfolio_id in PORTFOLIOS:
        for seq in range(1, count + 1):
            on = FIRST_DAY + timedelta(days=chance.randrange(60))
            security_id = chance.randrange(1, 5)
            quantity = D(chance.choice([-3, -1, 1, 1, 2, 5])) * D(chance.randrange(1, 10**9)).scaleb(-7)
            row = Transaction(
                UUID(portfolio_id),
                seq,
                chance.choice([1, 2]),
                TxnType.BUY if quantity > 0 else TxnType.SELL,
                "USD",
                D(0),
                datetime.combine(on, datetime.min.time(), UTC) + timedelta(hours=chance.randrange(3)),
                on,
                security_id=security_id,
                quantity=quantity,
                price=D(10),
                gross=D(chance.randrange(1, 10**13)).scaleb(-8),
                fees=D(chance.choice([0, 0, 3])),
                fx_rate=chance.choice([None, D("1.1"), D("0.90909091")]),
            )
            if chance.random() < 0.05:
                row = replace(row, txn_type=TxnType.DEPOSIT, security_id=None, quantity=None, gross=None)
            elif security_id == 4 and chance.random() < 0.2:
                split = {"split_new": D(3), "split_old": D(2), "quantity": None, "gross": None}
                arrival = {"quantity": abs(quantity), "gross": chance.choice([None, D(5)])}
                row = chance.choice(
                    [
                        replace(row, txn_type=TxnType.SPLIT, **split),
                        replace(row, txn_type=TxnType.TRANSFER_IN, **arrival),
                    ]
                )
            rows.append(row)
        taken_back = chance.choice(rows[-count:-1])
        rows.append(replace(taken_back, seq=count + 1, txn_type=TxnType.REVERSAL, reverses_seq=taken_back.seq))
    return rows


Rows = list[dict[str, object]]


def folded(rows: list[Transaction], worth_compiling: int, chosen: list[str] | None = None) -> tuple[Rows, Rows]:
    """Intervals and disposals; only one portfolio has a number of days of its own, as the lake's newest column."""
    owners = {"portfolio_id": list(PORTFOLIOS), "cost_method": list(PORTFOLIOS.values())}
    own_days = pa.array([LONG_TERM_DAYS.get(one) for one in PORTFOLIOS], pa.int32())
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.register("ledger", replicated(rows))
        connection.register("portfolios", pa.table({**owners, "long_term_days": own_days}))
        intervals, disposals = fold(connection, "ledger", "portfolios", chosen, worth_compiling)
        return tuple(table.order("all").to_arrow_table().to_pylist() for table in (intervals, disposals))


def ruled(rows: list[Transaction]) -> tuple[Rows, Rows]:
    intervals, disposals = [], []
    for portfolio_id, method in PORTFOLIOS.items():
        own: list[Disposal] = []
        ledger = [row for row in rows if str(row.portfolio_id) == portfolio_id]
        for interval in position_intervals(ledger, CostMethod(method), own):
            named = {name: getattr(interval, name) for name in SCHEMA.names if name != "cost_method"}
            intervals.append({**named, "portfolio_id": portfolio_id, "cost_method": method})
        for one in own:
            named = {name: getattr(one, name) for name in disposal_columns.SCHEMA.names if name != "term"}
            term = term_of(one.days_held, LONG_TERM_DAYS.get(portfolio_id, 365))
            disposals.append({**named, "portfolio_id": portfolio_id, "term": term})
    return (
        in_order(intervals, SCHEMA.names, ("portfolio_id", "account_id", "security_id", "valid_from")),
        in_order(disposals, disposal_columns.SCHEMA.names, disposal_columns.SCHEMA.names[:5]),
    )


def in_order(rows: Rows, names: list[str], key: tuple[str, ...]) -> Rows:
    return sorted(({name: row[name] for name in names} for row in rows), key=lambda row: [row[name] for name in key])


@pytest.mark.parametrize("seed", range(6))
def test_columns_and_the_rule_give_the_same(seed: int) -> None:
    rows = a_ledger(seed)

    assert folded(rows, worth_compiling=0) == folded(rows, worth_compiling=10**9) == ruled(rows)


def test_batches_end_between_holdings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interval_fold, "_BATCH_ROWS", 17)
    rows = a_ledger(7)

    assert folded(rows, worth_compiling=0) == ruled(rows)


def test_only_the_chosen_portfolios_are_folded() -> None:
    rows = a_ledger(8)
    first = next(iter(PORTFOLIOS))

    of_first = tuple([one for one in table if one["portfolio_id"] == first] for table in ruled(rows))
    assert folded(rows, 0, [first]) == of_first
    assert all(of_first)
    assert folded(rows, 0, []) == ([], [])


def test_amounts_too_large_for_62_bits_go_by_the_rule() -> None:
    rows = [
        replace(row, gross=D(40_000_000_000)) if row.txn_type is TxnType.BUY and row.security_id == 1 else row
        for row in a_ledger(9)
    ]

    assert folded(rows, worth_compiling=0) == ruled(rows)


def test_a_table_of_portfolios_from_before_they_had_a_term_is_read() -> None:
    rows = [row for row in a_ledger(10) if str(row.portfolio_id) == str(UUID(int=2))]
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.register("ledger", replicated(rows))
        connection.register("portfolios", pa.table({"portfolio_id": [str(UUID(int=2))], "cost_method": ["FIFO"]}))
        terms = fold(connection, "ledger", "portfolios").disposals.aggregate("term", "term").fetchall()

    assert terms == [("SHORT",)]
