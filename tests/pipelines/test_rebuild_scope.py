"""Tables that a run compares with the last release: each that a mart reads is told apart."""

from contextlib import nullcontext
from pathlib import Path

import pyarrow as pa

from pipelines.marts import by_portfolio
from pipelines.marts.assets import READ
from pipelines.replication.tables import BY_LAKE_TABLE
from pipelines.tables.rebuild_scope import _FOLLOW_THE_LEDGER, _GROW, _only_grew
from storage.lake.delta import Lake


def test_a_replicated_table_that_a_mart_reads_follows_the_ledger_or_grows() -> None:
    """Otherwise a trade changes it, and every portfolio is made anew for each: whoever adds one says which it is."""
    read = BY_LAKE_TABLE.keys() & {*READ, *by_portfolio.READ}

    assert len(read) > 5
    assert read - _FOLLOW_THE_LEDGER - _GROW == set()
    assert not _FOLLOW_THE_LEDGER & _GROW


def test_a_table_that_gained_a_column_is_not_one_that_only_grew(tmp_path: Path) -> None:
    lake, table = Lake(str(tmp_path), nullcontext), "raw/pg_bond_details"
    before = pa.table({"security_id": [1]})
    versions = [
        {table: lake.publish(table, rows).version}
        for rows in (
            before,
            pa.table({"security_id": [1, 2]}),
            pa.table({"security_id": [1, 2], "dated_date": [None, "2016-01-04"]}),
        )
    ]

    assert _only_grew(lake, table, versions[0], versions[1])
    assert not _only_grew(lake, table, versions[1], versions[2])
    assert not _only_grew(lake, table, versions[1], versions[0])
