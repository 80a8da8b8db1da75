"""Position intervals in the lake: whole ledger rows reach the fold, and the fold is compared with the projection."""

from dataclasses import fields

import pytest

from domain.intervals import PositionInterval
from domain.ledger import Transaction
from pipelines.positions.interval_fold import SCHEMA
from pipelines.releases.checks import _DISPOSED, _PROJECTED, _REPLAYED
from pipelines.replication.tables import BY_LAKE_TABLE
from storage.lake.delta import memory_duckdb

COMPARED = [name.strip() for name in _PROJECTED.split(",")]
_SAME = """
    select 'p' as portfolio_id, 1 as account_id, 2 as security_id, 10 as quantity, 90 as cost_basis, 3 as realised,
        99 as cost_basis_base, 4 as realised_base, 1 as realised_fx_base, true as is_basis_known,
        true as is_realised_known, 'FIFO' as cost_method
"""


def test_every_field_of_a_transaction_is_replicated() -> None:
    replicated = [column.split(" as ")[-1] for column in BY_LAKE_TABLE["raw/pg_transaction_ledger"].columns]

    assert {field.name for field in fields(Transaction)} - set(replicated) == set()
    assert set(replicated) - {field.name for field in fields(Transaction)} == {"recorded_at", "row_hash"}


def test_every_field_of_an_interval_is_published() -> None:
    assert SCHEMA.names == [
        *(name for name in SCHEMA.names if name in {field.name for field in fields(PositionInterval)}),
        "cost_method",
    ]
    assert len(SCHEMA.names) == len(fields(PositionInterval)) + 1


def differences(change: str = "*", rows: str = _SAME) -> int:
    """Return what the check counts if the projection is `rows`, changed by `change`, where the fold is _SAME."""
    tables = {
        "intervals": f"(select *, null::date as valid_to from ({_SAME}))",
        "projected": f"(select * exclude (cost_method) from (select {change} from ({rows})))",
        "portfolios": f"(select portfolio_id, cost_method from (select {change} from ({_SAME})))",
    }
    with memory_duckdb() as connection:
        rows = connection.execute(_REPLAYED.format(**tables), {"left_out": []}).fetchall()
    return sum(count for _, count in rows)


def test_the_same_rows_do_not_differ() -> None:
    assert differences() == 0


@pytest.mark.parametrize("column", COMPARED)
def test_a_difference_in_any_column_is_found(column: str) -> None:
    is_text = column in ("portfolio_id", "cost_method")
    other = "'other'" if is_text else f"not {column}" if column.startswith("is_") else f"{column} + 1"

    assert differences(f"* replace ({other} as {column})") == 2


def test_a_missing_row_and_another_one_are_found() -> None:
    another = _SAME.replace("2 as security_id", "3 as security_id")

    assert differences(rows=f"{_SAME} where false") == 1
    assert differences(rows=f"{_SAME} union all {another}") == 1


_SOLD = """
    select 'p' as portfolio_id, 1 as account_id, 2 as security_id, part, gain, gain_base, fx_gain_base
    from (values (1, 1, 3, 2), (2, 2, 1, -1)) as sold (part, gain, gain_base, fx_gain_base)
"""


def unequal_gains(disposals: str = _SOLD, change: str = "*") -> int:
    """Return what the check counts if the disposals are these and the fold is _SAME, changed by `change`."""
    intervals = f"(select {change}, null::date as valid_to from ({_SAME}))"
    with memory_duckdb() as connection:
        query = _DISPOSED.format(intervals=intervals, disposals=f"({disposals})")
        return sum(count for _, count in connection.execute(query, {"left_out": []}).fetchall())


def test_disposals_that_sum_to_the_gain_do_not_differ() -> None:
    assert unequal_gains() == 0
    nothing = "* replace (0 as realised, 0 as realised_base, 0 as realised_fx_base)"
    assert unequal_gains(f"{_SOLD} where false", nothing) == 0


@pytest.mark.parametrize("column", ["realised", "realised_base", "realised_fx_base"])
def test_disposals_that_sum_to_another_gain_are_found(column: str) -> None:
    assert unequal_gains(change=f"* replace ({column} + 1 as {column})") == 1
    assert unequal_gains(f"{_SOLD} where part = 1") == unequal_gains(f"{_SOLD} where false") == 1


def test_a_gain_that_is_not_known_is_not_compared() -> None:
    assert unequal_gains(f"{_SOLD} where false", "* replace (false as is_realised_known)") == 0
