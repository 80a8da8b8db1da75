"""Replicating the ledger: whole against PostgreSQL's COPY through psycopg and against dlt; new rows against dlt's own.

dlt is the default one: `sql_table` into DuckDB, here without its telemetry. Its whole load is measured on fewer rows,
since its time grows with them; `rows a second` is what is compared.
"""

import logging
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from pipelines.replication.postgres_reader import reader
from pipelines.replication.tables import deliver, heads_of, replicate
from storage.lake.appending import head_of
from storage.lake.delta import Lake, lake_at, memory_duckdb
from storage.postgres import embedded
from storage.postgres.database import Database, embedded_database, prepare

ROWS = 1_000_000
PORTFOLIO_ROWS = 1_000
DLT_ROWS = 50_000
NEW_ROWS = 1_000
ROUNDS = 3
NEW_ROUNDS = 7
LEDGER = "raw/pg_transaction_ledger"
_SECURITY = "insert into security_registry (asset_type, currency, display_name) values ('EQUITY', 'USD', 'A')"
_FILL = """
    with made as (
        insert into portfolio (portfolio_id, user_id, name, base_currency, kind, time_zone)
        select gen_random_uuid(), '00000000-0000-4000-8000-000000000001', 'bench', 'USD', 'INVESTMENT', 'UTC'
        from generate_series(1, %(portfolios)s)
        returning portfolio_id
    )
    select count(*) from made
"""
_ADD = """
    with longer as (
        update portfolio set version = version + %(rows)s, ledger_hash = %(hash)s
        where portfolio_id in (select portfolio_id from portfolio order by portfolio_id limit %(portfolios)s)
        returning portfolio_id, version - %(rows)s as before
    )
    insert into transaction_ledger (
        portfolio_id, seq, account_id, security_id, txn_type, quantity, price, gross, fees, cash_effect, currency,
        fx_rate, business_date, event_ts, recorded_at, row_hash
    )
    select portfolio_id, before + n, 1, 1, case n %% 3 when 0 then 'SELL' else 'BUY' end,
           case n %% 3 when 0 then -1 else 2 end, 100 + n %% 7,
           (100 + n %% 7) * case n %% 3 when 0 then 1 else 2 end, 1,
           (100 + n %% 7) * case n %% 3 when 0 then 1 else -2 end - 1, 'USD', 1, date '2010-01-01' + n::int,
           timestamptz '2010-01-01' + n * interval '1 day', now(), %(hash)s
    from longer cross join generate_series(1, %(rows)s) as n
"""
_DLT_TABLE = """
    create table for_dlt as select * from transaction_ledger limit %(rows)s;
    alter table for_dlt drop column xid;  -- a type that it does not know
    alter table for_dlt add column id bigint generated always as identity primary key
"""
_DLT_ADD = """
    insert into for_dlt overriding user value
    select for_dlt.* from for_dlt order by id limit %(rows)s
"""


def main() -> None:
    with filled() as database, tempfile.TemporaryDirectory(prefix="lakefolio-bench-") as folder:
        lake = lake_at(f"{folder}/lake", database.admin_url)
        ours, copied = [], []
        for _ in range(ROUNDS):
            copied.append(seconds(partial(copy_out, database)))
            ours.append(seconds(partial(whole, database)))
        published = seconds(partial(replicated, database, Lake(f"{folder}/other", lake.lock)))
        dlt = Dlt(database, Path(folder))
        dlt_rate, rate = DLT_ROWS / seconds(dlt.load_whole), ROWS / min(ours)
        print(
            f"the whole ledger, {ROWS:,} rows, into Arrow and checked: {min(copied) / min(ours):.2f} times COPY's "
            f"speed ({rate:,.0f} against {ROWS / min(copied):,.0f} rows a second; {ROWS / published:,.0f} until it "
            f"is in the lake), {rate / dlt_rate:.0f} times dlt's ({dlt_rate:,.0f})"
        )
        print(new_rows(database, lake, dlt))
        print(mounted(database, lake))


def new_rows(database: Database, lake: Lake, dlt: "Dlt") -> str:
    """Until they are in the lake, and until dlt has loaded as many."""
    replicated(database, lake)
    dlt.load_new()
    ours, others = [], []
    for _ in range(NEW_ROUNDS):
        add(database, portfolios=100, rows=NEW_ROWS // 100)
        ours.append(seconds(partial(replicated, database, lake)))
        dlt.add(NEW_ROWS)
        others.append(seconds(dlt.load_new))
    return (
        f"{NEW_ROWS:,} new rows, until they are in the lake: {min(others) / min(ours):.0f} times dlt's speed "
        f"({min(ours) * 1e3:.0f} ms against {min(others) * 1e3:.0f})"
    )


def mounted(database: Database, lake: Lake) -> str:
    """A version of many small files, against the same rows in one."""
    while (head := head_of(lake, LEDGER)) and head.small_files < 64:
        add(database, portfolios=1, rows=1)
        replicated(database, lake)
    many = min(seconds(partial(counted, lake)) for _ in range(ROUNDS))
    add(database, portfolios=1, rows=1)
    replicated(database, lake)
    one = min(seconds(partial(counted, lake)) for _ in range(ROUNDS))
    return f"mounting and summing 64 small files takes {many / one:.1f} times as long as one ({many * 1e3:.0f} ms)"


def counted(lake: Lake) -> None:
    version = lake.version(LEDGER)
    assert version is not None
    with memory_duckdb() as connection:
        lake.mount(connection, {LEDGER: version})
        connection.execute("select count(*), sum(cash_effect) from raw.pg_transaction_ledger").fetchall()


def whole(database: Database) -> None:
    with reader() as connection:
        assert replicate(connection, database.reader_dsn, [LEDGER]).rows[LEDGER].num_rows == ROWS


def replicated(database: Database, lake: Lake) -> None:
    """Replicate the ledger as the asset does."""
    heads = heads_of(lake, [LEDGER])
    with reader() as connection:
        replica = replicate(connection, database.reader_dsn, [LEDGER], heads)
    copy = replica.copies[LEDGER]
    assert copy.head or not heads[LEDGER], copy.why
    deliver(lake, LEDGER, copy, replica.instant, "bench")


def copy_out(database: Database) -> None:
    """All rows in memory, as PostgreSQL sends them."""
    query = "copy transaction_ledger to stdout (format binary)"
    with psycopg.connect(database.admin_url) as connection, connection.cursor().copy(query) as copied:
        received = [bytes(block) for block in copied]
    assert len(received) > ROWS


class Dlt:
    """dlt as it comes, over a copy of the ledger with a column that it can take for its cursor and key.

    New rows are merged by key, as they must be if none is to be doubled; a late commit is lost all the same.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        os.environ.update(RUNTIME__DLTHUB_TELEMETRY="false", RUNTIME__LOG_LEVEL="ERROR", DLT_DATA_DIR=str(folder))
        import dlt

        logging.getLogger("dlt").setLevel(logging.ERROR)
        self.dlt, self.database, self.folder = dlt, database, folder
        self.url = "postgresql+psycopg://" + database.admin_url.partition("://")[2]
        with psycopg.connect(database.admin_url) as owner:
            for statement in _DLT_TABLE.split(";\n"):
                owner.execute(statement % {"rows": DLT_ROWS})

    def add(self, rows: int) -> None:
        with psycopg.connect(self.database.admin_url) as owner:
            owner.execute(_DLT_ADD, {"rows": rows})

    def load_whole(self) -> None:
        self._run("whole")

    def load_new(self) -> None:
        """Load what is new since the last time; at first everything."""
        incremental = self.dlt.sources.incremental("id")
        self._run("new", write_disposition="merge", incremental=incremental, primary_key="id")

    def _run(self, name: str, write_disposition: Any = None, **options: Any) -> None:
        from dlt.sources.sql_database import sql_table

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            destination = self.dlt.destinations.duckdb(str(self.folder / f"{name}.duckdb"))
            pipeline = self.dlt.pipeline(name, str(self.folder / "dlt"), destination=destination)
            pipeline.run(sql_table(self.url, table="for_dlt", **options), write_disposition=write_disposition)


def add(database: Database, portfolios: int, rows: int) -> None:
    """So many rows for each of so many portfolios, in one unit of work."""
    with psycopg.connect(database.admin_url) as owner:
        hashed = os.urandom(32)
        owner.execute(_ADD, {"portfolios": portfolios, "rows": rows, "hash": hashed})


def seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@contextmanager
def filled(portfolios: int = ROWS // PORTFOLIO_ROWS, rows: int = PORTFOLIO_ROWS) -> Iterator[Database]:
    """A new database with the ledger of so many portfolios, each of so many rows."""
    with tempfile.TemporaryDirectory(prefix="lakefolio-bench-") as folder:
        database = embedded_database(embedded.start(Path(folder)))
        try:
            prepare(database)
            with psycopg.connect(database.admin_url, autocommit=True) as owner:
                owner.execute(_SECURITY)
                owner.execute(_FILL, {"portfolios": portfolios})
                add(database, portfolios=portfolios, rows=rows)
                owner.execute("vacuum analyze")
            yield database
        finally:
            embedded.stop(Path(folder))


if __name__ == "__main__":
    main()
