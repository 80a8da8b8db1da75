"""Bad prices of every kind, delivered by a source to the real assets: in quarantine with their reason, in no mart.

Each round gives every kind to a security of its own, all of the same days, over prices that are on file: 42 rounds,
1,008 injections with `make chaos`. Each prints its seed and LAKEFOLIO_SEED repeats a run. The short forms are
test_bad_prices.py, of every kind, and tests/e2e/test_live_market.py, of the way into the lake.
"""

import os
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from math import isfinite
from pathlib import Path

import dagster as dg
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipelines.definitions import build_defs
from pipelines.runtime.resources import Market as MarketResource
from pipelines.runtime.resources import Platform
from pipelines.sources import market_tables as tables
from pipelines.sources.calendar import trading_days
from storage.clock import SAMPLE_MARKET_TODAY
from storage.lake.delta import Lake, memory_duckdb
from storage.postgres.database import Database
from tests.bad_prices import KINDS, KNOWN, NEW, Delivery, Market, Row
from tests.fakes import FakePriceSource

ROUNDS = 42
SEED = int(os.environ.get("LAKEFOLIO_SEED") or 20170329)
SAMPLE = Path(__file__).parents[2] / "sample_data" / "price_daily.parquet"
FIRST = date(2016, 1, 4)
TODAY = SAMPLE_MARKET_TODAY
Kept = Counter[tuple[str, ...]]


class GivenSource(FakePriceSource):
    """Says what it was given, whatever it is asked for."""

    def __init__(self, prices: pa.Table, actions: pa.Table) -> None:
        super().__init__({}, {})
        self._given = prices, actions

    def prices(self, start: date, end: date) -> pa.Table:
        return self._given[0]

    def corporate_actions(self, start: date, end: date) -> pa.Table:
        return self._given[1]


def deliveries(luck: random.Random) -> list[Delivery]:
    """Every kind once, under a ticker that tells which, of the last sessions before the market's last day."""
    rows = pq.read_table(SAMPLE)
    rows = rows.filter(pc.and_(pc.greater_equal(rows["price_date"], FIRST), pc.less_equal(rows["price_date"], TODAY)))
    market = Market(rows, trading_days("XNYS", FIRST, TODAY), luck)
    found = []
    for number, kind in enumerate(KINDS.values(), start=1):
        name = luck.choice(sorted(market.rows))
        series = [{**row, "ticker": f"{number:02}{name}"} for row in market.rows[name][-KNOWN - NEW :]]
        found.append(kind(Delivery(series[:KNOWN], series[KNOWN:], [], market.holidays, luck)))
    return found


def as_delivered(row: Row) -> Row:
    """An adapter has no decimal for what is no number, so it says nothing."""
    numbers = {name: row.get(name) for name in ("close", "split_new", "split_old")}
    exact = {
        name: Decimal(f"{number:.8f}") if number is not None and isfinite(number) else None
        for name, number in numbers.items()
    }
    return {**row, **exact}


def table(rows: Sequence[Row], schema: pa.Schema, by: str) -> pa.Table:
    kept = [{name: row.get(name) for name in schema.names} for row in map(as_delivered, rows)]
    return tables.table_of(kept, schema, "ticker", by)


def registered(database: Database, tickers: Sequence[str]) -> None:
    with psycopg.connect(database.admin_url) as connection:
        for ticker in tickers:
            connection.execute(
                "with added as (insert into security_registry (asset_type, currency, display_name)"
                " values ('EQUITY', 'USD', 'A kind') returning security_id)"
                " insert into security_identifier select security_id, 'TICKER', %s, true from added",
                (ticker,),
            )


def made(platform: Platform, source: GivenSource, first: date) -> None:
    """All that a price's mart is made of, of the window since `first`."""

    class Given(MarketResource):
        @property
        def source(self) -> GivenSource:
            return source

    defs = build_defs(platform, market=Given(platform=platform))
    graph = defs.resolve_asset_graph()
    marts = [dg.AssetKey(["marts", name]) for name in ("fact_price_daily", "dim_security")]
    selected = dg.AssetSelection.assets(*marts).upstream().resolve(graph)
    days = {"config": {"from": str(first)}}
    with dg.DagsterInstance.ephemeral() as instance:
        done = defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance,
            asset_selection=sorted(selected),
            tags={
                "dagster/asset_partition_range_start": "1990",
                "dagster/asset_partition_range_end": str(TODAY.year),
            },
            run_config={"ops": {"prices_and_actions": days}},
        )
    assert done.success


def said_of(lake: Lake) -> Mapping[str, Kept]:
    """Count the rows of the delivery in the lake, in the mart, and in quarantine."""
    named = f"{lake.scan('marts/fact_price_daily')} inner join {lake.scan('marts/dim_security')} using (security_id)"
    queries = {
        "prices": f"select ticker, price_date::varchar, close::varchar from {lake.scan('raw/price_daily')}",
        "in the mart": f"select ticker, price_date::varchar, close::varchar from {named}",
        "actions": f"select ticker, action_date::varchar, split_new::varchar from {lake.scan('raw/corporate_action')}",
        "quarantine": f"select ticker, row_date::varchar, reason from {lake.scan('meta/quarantine')}",
    }
    with memory_duckdb() as connection:
        return {name: Counter(connection.execute(query).fetchall()) for name, query in queries.items()}


def expected_of(bad: Sequence[Delivery]) -> Mapping[str, Kept]:
    new = [as_delivered(row) for delivery in bad for row in delivery.new]
    known = [as_delivered(row) for delivery in bad for row in delivery.known]
    actions = [as_delivered(row) for delivery in bad for row in delivery.actions]
    good = Counter(
        (row["ticker"], str(row["price_date"]), str(row["close"])) for row in [*known, *new] if not row["why"]
    )
    out = {(row["ticker"], str(row["price_date"]), str(row["why"]), str(row["close"])) for row in new if row["why"]}
    out |= {(row["ticker"], str(row["action_date"]), str(row["why"]), "") for row in actions if row["why"]}
    as_split = [(row["ticker"], str(row["action_date"]), str(row["split_new"])) for row in actions if not row["why"]]
    return {
        "prices": good,
        "in the mart": good,
        "actions": Counter(as_split),
        "quarantine": Counter(key[:3] for key in out),
    }


@pytest.fixture(params=range(ROUNDS))
def luck(request: pytest.FixtureRequest) -> random.Random:
    seed = SEED + request.param
    print(f"seed {seed}, {len(KINDS)} injections")
    return random.Random(seed)


def test_every_kind_of_bad_price_stops_before_the_lake_and_no_good_row_does(
    luck: random.Random, new_database: Callable[[], Database], tmp_path: Path
) -> None:
    bad = deliveries(luck)
    database = new_database()
    platform = Platform(
        lakefolio_home=str(tmp_path),
        database_url=database.app_url,
        database_admin_url=database.admin_url,
        database_services_url=database.services_url,
        lake_uri=str(tmp_path / "a lake"),
        market_source="sample",
    )
    registered(database, sorted({row["ticker"] for delivery in bad for row in delivery.new}))
    known = [row for delivery in bad for row in delivery.known]
    platform.lake.publish("raw/price_daily", table(known, tables.PRICES, "price_date"), date_column="price_date")
    prices = table([row for delivery in bad for row in delivery.new], tables.PRICES, "price_date")
    actions = table([row for delivery in bad for row in delivery.actions], tables.CORPORATE_ACTIONS, "action_date")

    made(platform, GivenSource(prices, actions), min(row["price_date"] for one in bad for row in one.new))

    said, expected = said_of(platform.lake), expected_of(bad)
    wrong = {name: (expected[name] - said[name], said[name] - expected[name]) for name in said}
    assert wrong == dict.fromkeys(said, (Counter(), Counter()))
    assert len({key[2] for key in said["quarantine"]}) >= 11
