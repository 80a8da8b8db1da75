"""Replicating again and again under write load: every copy is one instant; table by table they are not.

LAKEFOLIO_CHAOS=long makes it the long form. Each copy but the first takes only the ledger's new rows, and the version
that it makes must agree with what was copied whole of the other tables, and with the database at that horizon.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest

from pipelines.replication.postgres_reader import attached, reader
from pipelines.replication.tables import BY_LAKE_TABLE, Replica, _copied, deliver, heads_of, replicate
from storage.lake.delta import Lake, memory_duckdb
from storage.postgres.database import Database
from tests.ledger_writer import add_security, writing

LONG = os.environ.get("LAKEFOLIO_CHAOS") == "long"
SEED = int(os.environ.get("LAKEFOLIO_SEED", "20170329"))
COPIES = 500 if LONG else 10
COMPARED_EVERY = 10 if LONG else 5
CONTROLS = 100 if LONG else 5
LEDGER, PORTFOLIOS, CASH, POSITIONS = (
    f"raw/pg_{name}" for name in ("transaction_ledger", "portfolio", "cash_balance", "position_current")
)
TABLES = (LEDGER, PORTFOLIOS, CASH, POSITIONS)
_DIFFERENCES = """
    with rows as (
        select portfolio_id, count(*) as rows, count(distinct seq) as seqs, max(seq) as last, sum(cash_effect) as cash,
               sum(quantity) as units
        from ledger group by portfolio_id
    )
    select 'rows are not 1 to version' from portfolios full join rows using (portfolio_id)
    where version <> coalesce(rows, 0) or version <> coalesce(seqs, 0) or version <> coalesce(last, 0)
          or version is null
    union all
    select 'cash' from cash full join rows using (portfolio_id)
    where coalesce(balance, 0) <> coalesce(rows.cash, 0)
    union all
    select 'units' from positions full join rows using (portfolio_id)
    where coalesce(quantity, 0) <> coalesce(units, 0)
"""


@pytest.fixture
def database(new_database: Callable[[], Database]) -> Database:
    created = new_database()
    add_security(created)
    return created


def differences(ledger: pa.Table, portfolios: pa.Table, cash: pa.Table, positions: pa.Table) -> list[str]:
    """List in what the ledger and another table differ; they agree after every unit of work."""
    with memory_duckdb() as connection:
        for name, rows in {"ledger": ledger, "portfolios": portfolios, "cash": cash, "positions": positions}.items():
            connection.register(name, rows)
        return [row[0] for row in connection.execute(_DIFFERENCES).fetchall()]


def taken(database: Database, lake: Lake) -> tuple[Replica, int]:
    """One replication, and the version of the ledger that it made."""
    heads = heads_of(lake, TABLES)
    with reader() as connection:
        replica = replicate(connection, database.reader_dsn, TABLES, heads)
    return replica, deliver(lake, LEDGER, replica.copies[LEDGER], replica.instant, "").version


def seen_by(replica: Replica, database: Database) -> pa.Table:
    """The ledger as it was at the replica's horizon, copied whole."""
    with reader() as connection, attached(connection, database.reader_dsn):
        seen = f" where pg_visible_in_snapshot(xid, '{replica.horizon.snapshot}'::pg_snapshot)"
        return _copied(connection, BY_LAKE_TABLE[LEDGER], seen)


def in_order(rows: pa.Table) -> pa.Table:
    return rows.sort_by([("portfolio_id", "ascending"), ("seq", "ascending")]).combine_chunks()


def test_every_copy_under_load_is_one_instant(database: Database, tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"), lock=nullcontext)
    started, sizes, modes = time.monotonic(), [], Counter[str]()
    with writing(database, seed=SEED), psycopg.connect(database.admin_url, autocommit=True) as own:
        for number in range(COPIES):
            replica, version = taken(database, lake)
            ledger = lake.read(LEDGER, version)
            others = (replica.rows[name] for name in (PORTFOLIOS, CASH, POSITIONS))
            assert differences(ledger, *others) == [], f"copy {number}"
            visible = own.execute(
                "select count(*) from transaction_ledger where pg_visible_in_snapshot(xid, %s::pg_snapshot)",
                (replica.horizon.snapshot,),
            ).fetchone()
            assert visible == (ledger.num_rows,)
            if number % COMPARED_EVERY == 0:
                assert in_order(ledger) == in_order(seen_by(replica, database))
            sizes.append(ledger.num_rows)
            modes["new rows" if replica.copies[LEDGER].head else "whole"] += 1

    print(
        f"\nreplication: seed {SEED}, {COPIES} copies of 4 tables under 3 writers, {modes['new rows']} of them of new"
        f" rows only, {sizes[0]} to {sizes[-1]} ledger rows, 0 inconsistent, {time.monotonic() - started:.1f} s",
        file=sys.__stderr__,
    )
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]
    assert modes == {"whole": 1, "new rows": COPIES - 1}


def test_control_table_by_table_the_copies_do_not_agree(database: Database) -> None:
    inconsistent = 0
    with writing(database, seed=SEED):
        for _ in range(CONTROLS):
            with reader() as connection:
                rows = [replicate(connection, database.reader_dsn, [name]).rows[name] for name in TABLES]
            inconsistent += bool(differences(*rows))

    print(f"\nreplication: table by table, {inconsistent} of {CONTROLS} copies inconsistent", file=sys.__stderr__)
    assert inconsistent > 0
