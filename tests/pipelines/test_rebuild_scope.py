"""Tables that a run compares with the last release: each that a mart reads is told apart."""

from contextlib import nullcontext
from datetime import date
from pathlib import Path

import pyarrow as pa

from pipelines.marts import by_portfolio
from pipelines.marts.assets import READ
from pipelines.replication.tables import BY_LAKE_TABLE
from pipelines.tables.rebuild_scope import (
    _FOLLOW_THE_LEDGER,
    _GROW,
    LAST,
    PORTFOLIOS,
    RebuildScope,
    _joined,
    _of_owners,
    _only_grew,
    _owners_changed,
)
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


def test_an_owners_own_prices_reach_that_owners_portfolios_from_their_first_changed_day(tmp_path: Path) -> None:
    lake, table = Lake(str(tmp_path), nullcontext), "raw/own_price"

    def version(*rows: tuple[str | None, int, float]) -> dict[str, int]:
        owners, days, closes = zip(*rows, strict=True)
        columns = {
            "owner_id": pa.array(owners, pa.string()),
            "price_date": [date(2016, 1, day) for day in days],
            "close": closes,
        }
        return {table: lake.publish(table, pa.table(columns)).version}

    before = version((None, 4, 1.0), ("ann", 4, 1.0), ("ann", 5, 1.0), ("ben", 4, 1.0))
    of_ann = version((None, 4, 1.0), ("ann", 4, 1.0), ("ann", 5, 2.0), ("ben", 4, 1.0), ("ann", 6, 1.0))
    for_all = version((None, 4, 3.0), ("ann", 4, 1.0), ("ann", 5, 2.0), ("ben", 4, 1.0), ("ann", 6, 1.0))
    users = pa.table({"portfolio_id": ["p", "q", "r"], "user_id": ["ann", "ben", "ann"]})
    portfolios = {PORTFOLIOS: lake.publish(PORTFOLIOS, users).version}

    owners = _owners_changed(lake, before, of_ann, [table])
    assert owners == {"ann": date(2016, 1, 5)}
    assert _owners_changed(lake, of_ann, for_all, [table]) is None
    assert _owners_changed(lake, before, of_ann, [table, "raw/price_daily"]) is None
    of_owners = _of_owners(lake, portfolios, owners)
    assert (of_owners.portfolios, of_owners.since) == (("p", "r"), date(2016, 1, 5))
    of_ledger = RebuildScope("a row", ("q",), date(2016, 1, 6))
    nothing, everything = RebuildScope("nothing", (), LAST), RebuildScope("everything")
    together = _joined(of_ledger, of_owners)
    assert (together.portfolios, together.since) == (("p", "q", "r"), date(2016, 1, 5))
    for one, other, joined in (
        (of_ledger, nothing, of_ledger),
        (nothing, of_owners, of_owners),
        (nothing, nothing, nothing),
        (everything, of_owners, everything),
        (of_ledger, everything, everything),
        (nothing, everything, everything),
    ):
        assert _joined(one, other) == joined
