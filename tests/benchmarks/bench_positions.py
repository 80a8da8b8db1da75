"""Ledger to daily positions: the mart's own SQL against a dense grid with a window, and against ASOF joins.

10 million trades of 10,000 portfolios (LAKEFOLIO_BENCH_PORTFOLIOS changes that), two cores, 4 GB. Each query gives
every position of every day with its quantity and value; their rows are compared by number, sums and hash. The other two
get the mart's fast product of decimals, and its prices carried once per security. Then the stored history against its
expanded rows; and the fold of cost, compiled, against the rule in Python.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np

from domain.analytics.average_cost import UNIT, average_cost_intervals
from domain.holdings import Holding, Trade
from pipelines.marts.dbt_runner import PROJECT, DbtRunner
from pipelines.runtime.resources import Platform
from tests.benchmarks.state import demo_state

PORTFOLIOS = int(os.environ.get("LAKEFOLIO_BENCH_PORTFOLIOS", "10000"))
FIRST, LAST = "2015-01-01", "2016-05-13"
_VALUE = """
    cast(cast(trunc(quantity) as decimal(20, 0)) * close
    + cast(quantity - trunc(quantity) as decimal(8, 8)) * cast(trunc(close) as decimal(9, 0))
    + cast(cast(quantity - trunc(quantity) as decimal(8, 8)) * cast(close - trunc(close) as decimal(8, 8))
        as decimal(9, 8)) as decimal(28, 8)) as market_value
"""
_DAYS = f"select unnest(generate_series(date '{FIRST}', date '{LAST}', interval 1 day))::date as business_date"
_GRID = f"""
    keys as (select portfolio_id, account_id, security_id, min(business_date) as first_day from trade group by all),
    grid as (
        select keys.*, days.business_date
        from keys inner join ({_DAYS}) as days on days.business_date >= keys.first_day
    )
"""
_CARRIED = f"""
    carried as (
        select securities.security_id, days.business_date, price.close
        from (select distinct security_id from price) as securities cross join ({_DAYS}) as days
        asof join price on securities.security_id = price.security_id and days.business_date >= price.price_date
    )
"""
_DENSE = f"""
    with {_GRID}, {_CARRIED},
    daily as (
        select portfolio_id, account_id, security_id, business_date, sum(quantity) as quantity from trade group by all
    ),
    held as (
        select grid.*, sum(coalesce(daily.quantity, 0)) over (
            partition by portfolio_id, account_id, security_id order by business_date
        )::decimal(18, 8) as quantity
        from grid left join daily using (portfolio_id, account_id, security_id, business_date)
    )
    select portfolio_id, security_id, business_date, quantity, {_VALUE}
    from held inner join carried using (security_id, business_date)
"""
_ASOF = f"""
    with {_GRID},
    stepped as (
        select portfolio_id, account_id, security_id, business_date,
            sum(sum(quantity)) over by_day::decimal(18, 8) as quantity
        from trade group by portfolio_id, account_id, security_id, business_date
        window by_day as (partition by portfolio_id, account_id, security_id order by business_date)
    ),
    held as (
        select grid.*, stepped.quantity
        from grid asof join stepped
            on grid.portfolio_id = stepped.portfolio_id and grid.account_id = stepped.account_id
            and grid.security_id = stepped.security_id and grid.business_date >= stepped.business_date
    )
    select portfolio_id, held.security_id, business_date, quantity, {_VALUE}
    from held
    asof join price on held.security_id = price.security_id and held.business_date >= price.price_date
"""
_LEDGER = f"""
    create table trade as
    select
        '00000000-0000-4000-8000-' || lpad(owner::varchar, 12, '0') as portfolio_id,
        1::bigint as account_id,
        cast((owner * 7 + place * 13) % 500 as bigint) as security_id,
        date '{FIRST}' + cast(nth * 495 // 50 + hash(owner, place, nth) % 9 as integer) as business_date,
        cast(1 + hash(owner, place, nth, 7) % 1000 / 100.0 as decimal(18, 8)) as quantity
    from range({PORTFOLIOS}) as owners(owner), range(20) as places(place), range(50) as trades(nth);

    create table price as
    select
        security_id,
        calendar_date as price_date,
        cast(10 + hash(security_id, calendar_date) % 100000 / 1000.0 as decimal(18, 8)) as close
    from range(500) as securities(security_id), raw.trading_calendar
    where is_trading_day and calendar_date between date '2014-12-31' and date '{LAST}';
"""
_SOURCES = {
    "raw.pg_portfolio": "select distinct portfolio_id, 'USD' as base_currency from trade",
    "raw.pg_security_registry": "select distinct security_id, 'EQUITY' as asset_type, 'USD' as currency from price",
    "raw.pg_security_identifier": """
        select distinct security_id, 'TICKER' as id_type, 'T' || security_id as id_value, true as is_primary from price
    """,
    "raw.pg_transaction_ledger": "select null::bigint as seq where false",
    "raw.price_daily": "select 'T' || security_id as ticker, price_date, close, 'USD' as currency from price",
    "positions.position_interval": """
        select
            portfolio_id, account_id, security_id, business_date as valid_from,
            lead(business_date) over by_day as valid_to,
            sum(sum(quantity)) over by_day::decimal(18, 8) as quantity,
            sum(sum(quantity)) over by_day * 10 as cost_basis, 10 as avg_cost,
            sum(sum(quantity)) over by_day * 10 as cost_basis_base, 0 as realised, 0 as realised_base,
            0 as departed_base, true as is_basis_known, true as is_realised_known
        from trade group by portfolio_id, account_id, security_id, business_date
        window by_day as (partition by portfolio_id, account_id, security_id order by business_date)
    """,
}
_MEASURED = """
    select count(*), sum(quantity), sum(market_value),
        bit_xor(hash(portfolio_id, security_id, business_date, quantity, market_value))
    from ({query})
"""


def main() -> None:
    with demo_state() as state, TemporaryDirectory(prefix="lakefolio-bench-") as name:
        state.refresh()
        folder = Path(name)
        with _opened(folder) as connection:
            _generate(connection, Platform(lakefolio_home=str(state.home)))
        mart = _compiled(folder)
        with _opened(folder) as connection:
            _compare(connection, mart)
            stored, expanded = _sizes(connection, mart, folder)
            print(
                f"history as intervals is {expanded / stored:.1f} times smaller than as the mart's days "
                f"({stored:,} bytes)"
            )
    compiled, ruled = _fold_rows_a_second()
    print(
        f"cost by the fold: {compiled / 1e6:.1f} million rows a second, {compiled / ruled:.0f} times the rule in Python"
    )


def _compare(connection: duckdb.DuckDBPyConnection, mart: str) -> None:
    row = connection.execute("select count(*), count(distinct (portfolio_id, security_id)) from trade").fetchone()
    assert row is not None
    rows, mart_seconds = _measured(connection, mart)
    dense, dense_seconds = _measured(connection, _DENSE)
    asof, asof_seconds = _measured(connection, _ASOF)
    assert rows == dense == asof, f"the three differ: {rows}, {dense}, {asof}"
    print(
        f"{row[0]:,} trades of {row[1]:,} holdings to {rows[0]:,} daily positions, equal rows, at most 4 GB: "
        f"{dense_seconds / mart_seconds:.1f} times faster than a dense grid, "
        f"{asof_seconds / mart_seconds:.1f} times than ASOF joins "
        f"({mart_seconds:.1f}, {dense_seconds:.1f}, {asof_seconds:.1f} s)"
    )


@contextmanager
def _opened(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    options = {"memory_limit": "4GB", "threads": "2", "temp_directory": str(folder / "tmp")}
    with duckdb.connect(str(folder / "scratch.duckdb"), config=options) as connection:
        connection.execute("set TimeZone = 'UTC'; set asof_loop_join_threshold = 0")
        yield connection


def _generate(connection: duckdb.DuckDBPyConnection, platform: Platform) -> None:
    """The tables that the mart reads, with generated trades and prices in place of the demo's."""
    head = platform.releases.head()
    assert head is not None
    platform.lake.mount(connection, head.versions)
    connection.execute(_LEDGER)
    for table, query in _SOURCES.items():
        schema, _, view = table.partition(".")
        connection.execute(f"create table {schema}.generated as from {table} limit 0")
        connection.execute(f"insert into {schema}.generated by name {query}")
        connection.execute(f"drop view {table}; alter table {schema}.generated rename to {view}")
    for table in ("raw/own_price", "marts/fact_bond_valuation_daily"):
        nothing = f"from {platform.lake.scan(table, head.versions[table])} where false"
        connection.execute(f"create or replace view {table.replace('/', '.')} as {nothing}")


def _compiled(folder: Path) -> str:
    """The SQL of fact_position_daily, with the models that it is made from in it."""
    places = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(folder / "target")]
    DbtRunner().run(
        folder / "scratch.duckdb", ["compile", "--select", "fact_position_daily", "--log-level", "none", *places]
    )
    (found,) = (folder / "target" / "compiled").rglob("fact_position_daily.sql")
    return found.read_text()


def _measured(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[tuple[object, ...], float]:
    started = time.perf_counter()
    row = connection.execute(_MEASURED.format(query=query)).fetchone()
    assert row is not None
    return row, time.perf_counter() - started


def _sizes(connection: duckdb.DuckDBPyConnection, mart: str, folder: Path) -> tuple[int, int]:
    """Bytes in Parquet of the intervals, and of the mart's days; of the first thousand portfolios."""
    some = "where portfolio_id < '00000000-0000-4000-8000-000000001000'"
    sizes = []
    for name, query in (("intervals", f"from positions.position_interval {some}"), ("days", f"from ({mart}) {some}")):
        connection.execute(f"copy ({query}) to '{folder / name}.parquet' (format parquet)")
        sizes.append((folder / f"{name}.parquet").stat().st_size)
    return sizes[0], sizes[1]


def _fold_rows_a_second(count: int = 10_000_000, by_the_rule: int = 50_000) -> tuple[float, float]:
    """Trades a second through the compiled fold, and through the rule; a third of them are sales."""
    chance = np.random.default_rng(1)
    quantity = chance.integers(UNIT, 1000 * UNIT, count)
    quantity[1::3] = -quantity[1::3] // 4
    gross = np.abs(quantity) * 10 + chance.integers(0, UNIT, count)
    first, day = np.arange(0, count, 50), np.tile(np.arange(50, dtype=np.int32), count // 50)
    columns = (day, quantity, gross, np.full(count, UNIT), np.full(count, 110_000_000))
    average_cost_intervals(first[:1], *(column[:50] for column in columns))
    started = time.perf_counter()
    average_cost_intervals(first, *columns)
    compiled = count / (time.perf_counter() - started)
    started = time.perf_counter()
    for begin in range(0, by_the_rule, 50):
        holding = Holding()
        for i in range(begin, begin + 50):
            units, worth = (Decimal(int(column[i])).scaleb(-8) for column in (quantity, gross))
            holding = holding.after(Trade(units, worth, Decimal(1), Decimal("1.1")))
    return compiled, by_the_rule / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
