"""Tables that a run compares with the last release: each that a mart reads is told apart."""

from pipelines.marts import by_portfolio
from pipelines.marts.assets import READ
from pipelines.replication.tables import BY_LAKE_TABLE
from pipelines.tables.rebuild_scope import _FOLLOW_THE_LEDGER, _GROW


def test_a_replicated_table_that_a_mart_reads_follows_the_ledger_or_grows() -> None:
    """Otherwise a trade changes it, and every portfolio is made anew for each: whoever adds one says which it is."""
    read = BY_LAKE_TABLE.keys() & {*READ, *by_portfolio.READ}

    assert len(read) > 5
    assert read - _FOLLOW_THE_LEDGER - _GROW == set()
    assert not _FOLLOW_THE_LEDGER & _GROW
