"""A million rows out: our csv against psql's COPY of the bare table, Parquet against pandas, other forms by rows.

The table that is copied has half of the columns, and nothing in it is looked up or digested: it is the floor. pandas
reads the same rows of PostgreSQL through psycopg and writes them, which is what a notebook would do. The other forms
are folded row by row, on fewer rows, for a second of them says it.
"""

import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from oltp_api.exports.handlers import FORMATS, exported
from oltp_api.unit_of_work import Pool
from storage.postgres import embedded
from tests.benchmarks.bench_replication import filled

ROWS = 1_000_000
FEWER_ROWS = 100_000
_COPY = "\\copy (select * from transaction_ledger where portfolio_id = '{}' order by seq) to '{}' csv"
_NAME = "insert into security_identifier (security_id, id_type, id_value, is_primary) values (1, 'TICKER', 'AA', true)"


def main() -> None:
    with opened(ROWS) as (pool, url, portfolio_id), tempfile.TemporaryDirectory(prefix="lakefolio-bench-") as folder:
        floor = ROWS / seconds(lambda: copy_with_psql(url, portfolio_id, Path(folder) / "psql.csv"))
        before = memory_mb()
        csv = rate(pool, portfolio_id, "csv", ROWS)
        parquet = rate(pool, portfolio_id, "parquet", ROWS)
        print(
            f"{ROWS:,} rows as csv: {csv / floor:.2f} times psql's speed with the bare table "
            f"({csv:,.0f} against {floor:,.0f} rows a second); as Parquet {parquet:,.0f}; "
            f"{memory_mb() - before:,.0f} MB more than before"
        )
    with opened(FEWER_ROWS) as (pool, url, portfolio_id), tempfile.TemporaryDirectory(prefix="lakefolio-") as folder:
        pandas = FEWER_ROWS / seconds(lambda: with_pandas(url, portfolio_id, Path(folder) / "pandas.parquet"))
        print(f"Parquet is {parquet / pandas:.1f} times as fast as pandas ({pandas:,.0f} rows a second)")
        for name in sorted(FORMATS.keys() - {"csv", "parquet"}):
            print(f"{FEWER_ROWS:,} rows as {name}: {rate(pool, portfolio_id, name, FEWER_ROWS):,.0f} rows a second")


@contextmanager
def opened(rows: int) -> Iterator[tuple[Pool, str, UUID]]:
    """A portfolio of so many rows: the application's connections, the owner's address, and its id."""
    with filled(portfolios=1, rows=rows) as database:
        with psycopg.connect(database.admin_url) as owner:
            owner.execute(_NAME)
            row = owner.execute("select portfolio_id from portfolio").fetchone()
        assert row is not None
        settings = {"row_factory": dict_row}
        pool: Pool = ConnectionPool(database.services_url, min_size=1, max_size=2, kwargs=settings, open=True)
        with pool:
            yield pool, database.admin_url, row[0]


def rate(pool: Pool, portfolio_id: UUID, name: str, rows: int) -> float:
    """Rows a second."""
    return rows / seconds(lambda: drained(exported(pool, portfolio_id, FORMATS[name], {})))


def memory_mb() -> float:
    """The most that this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def drained(pieces: Iterator[bytes]) -> None:
    assert sum(map(len, pieces)) > 0


def copy_with_psql(url: str, portfolio_id: UUID, file: Path) -> None:
    subprocess.run([str(embedded.binaries() / "psql"), "-q", url, "-c", _COPY.format(portfolio_id, file)], check=True)


def with_pandas(url: str, portfolio_id: UUID, file: Path) -> None:
    import pandas as pd

    with psycopg.connect(url) as connection:
        query = "select * from transaction_ledger where portfolio_id = %s order by seq"
        cursor = connection.execute(query, (portfolio_id,))
        names = [column.name for column in cursor.description or ()]
        frame = pd.DataFrame(cursor.fetchall(), columns=names)
    frame["portfolio_id"] = frame["portfolio_id"].astype(str)
    frame.drop(columns=["transfer_id", "xid"]).to_parquet(file)


def seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
