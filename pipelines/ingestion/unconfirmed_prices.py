"""Newest prices that count although nothing confirms them yet, of the market and of people's own.

Belongs here: which series are judged, and who has said that a price is right. Does not: what makes a price doubtful;
that is `pipelines.quality.unconfirmed`.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import pyarrow as pa

from pipelines.quality.own_prices import actions_of, prices_of, series_of
from pipelines.quality.quarantine import OWN, UNCONFIRMED, keep, waived
from pipelines.quality.registry import Registry
from pipelines.quality.unconfirmed import ROWS, unconfirmed
from pipelines.runtime.resources import Platform
from pipelines.sources.market_tables import CORPORATE_ACTIONS, PRICES, RATE, in_shape
from pipelines.tables.publishing import publish
from pipelines.tables.version_set import pinned
from storage.lake.delta import Lake

MARKET, ACTIONS, POSTED = "raw/price_daily", "raw/corporate_action", "raw/pg_posted_price"
SECURITIES, IDENTIFIERS = "raw/pg_security_registry", "raw/pg_security_identifier"
_NEEDED = [MARKET, ACTIONS, OWN, POSTED, SECURITIES, IDENTIFIERS]
SCHEMA = pa.schema(
    [
        ("security_id", pa.int64()),
        ("owner_id", pa.string()),
        ("price_date", pa.date32()),
        ("close", RATE),
        ("id", pa.string()),
    ]
)
MEANINGS = {
    "security_id": "Security.",
    "owner_id": "Whose own price it is; null of the market's and of those published for all.",
    "price_date": "Day of its newest price.",
    "close": "That price, which counts.",
    "id": "Its id in meta/quarantine, by which a person lets it pass.",
}
_OWNER = pa.field("owner_id", pa.string())
_NEWEST = """
    select * from {source}
    qualify row_number() over (partition by {key} order by price_date desc) <= {rows}
"""
_SAID_TWICE = """
    select security_id, owner_id, price_date, close from {source}
    group by security_id, owner_id, price_date, close having count(*) > 1
"""


@dg.asset(
    key=UNCONFIRMED.split("/"),
    deps=[dg.AssetKey(table.split("/")) for table in _NEEDED],
    description="Grain: one row per series of prices whose newest jumps and has none after it to confirm it.",
    group_name="own_prices",
    owners=["team:lakefolio"],
    kinds={"python", "deltalake"},
    code_version="2",
)
def unconfirmed_price(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[Any]:
    versions = pinned(context.instance, context.run.run_id, platform.releases, known=_NEEDED).versions
    lake = platform.lake
    registry = Registry(lake.read(SECURITIES, versions[SECURITIES]), lake.read(IDENTIFIERS, versions[IDENTIFIERS]))
    security_ids = {name: security_id for security_id, name in registry.names.items()}
    found = _found(lake, versions, security_ids, waived(lake))
    n_new = sum(keep(lake, table, rows, context.run.run_id) for table, rows in found.items())
    rows = [{**row, "security_id": security_ids[row["ticker"]]} for each in found.values() for row in each.to_pylist()]
    for row in rows:
        detail = "see meta/quarantine" if row["owner_id"] else row["detail"]
        context.log.warning("the newest price of %s is unconfirmed: %s", row["ticker"], detail)
    table = pa.Table.from_pylist([{name: row[name] for name in SCHEMA.names} for row in rows], schema=SCHEMA)
    extra = {"unconfirmed for the first time": n_new}
    return publish(
        platform,
        context.asset_key,
        table.sort_by([("security_id", "ascending"), ("owner_id", "ascending")]),
        context.run.run_id,
        extra=extra,
        meanings=MEANINGS,
    )


def _found(
    lake: Lake, versions: Mapping[str, int], security_ids: Mapping[str, int], passed: frozenset[str]
) -> dict[str, pa.Table]:
    """The unconfirmed rows of the market's prices and of people's own, of securities that are registered."""
    names = pa.table(
        {
            "security_id": pa.array(list(security_ids.values()), pa.int64()),
            "ticker": pa.array(list(security_ids), pa.string()),
        }
    )
    market = in_shape(_newest(lake, MARKET, versions, "ticker").join(names, "ticker", join_type="inner"), PRICES)
    own = (
        _newest(lake, OWN, versions, "security_id, owner_id").join(names, "security_id", join_type="inner").to_pylist()
    )
    actions = in_shape(lake.read(ACTIONS, versions[ACTIONS]), CORPORATE_ACTIONS)
    series = {series_of(row["ticker"], row["owner_id"]): row for row in own}
    tickers = {name: row["ticker"] for name, row in series.items()}
    twice = _said_twice(lake, versions)
    doubtful = [
        {**row, "ticker": one["ticker"], "owner_id": one["owner_id"]}
        for row in unconfirmed(prices_of(own), actions_of(actions, tickers), waived=passed).to_pylist()
        for one in [series[row["ticker"]]]
        if (one["security_id"], one["owner_id"], row["price_date"], row["close"]) not in twice
    ]
    found = unconfirmed(market, actions, waived=passed)
    return {
        MARKET: found.append_column(_OWNER, pa.nulls(found.num_rows, pa.string())),
        OWN: pa.Table.from_pylist(doubtful, schema=found.schema.append(_OWNER)),
    }


def _newest(lake: Lake, table: str, versions: Mapping[str, int], key: str) -> pa.Table:
    with lake.connect() as connection:
        query = _NEWEST.format(source=lake.scan(table, versions[table]), key=key, rows=ROWS)
        return connection.execute(query).to_arrow_table()


def _said_twice(lake: Lake, versions: Mapping[str, int]) -> set[tuple[Any, ...]]:
    """Prices that were posted again as they were: so a person says that one is right."""
    with lake.connect() as connection:
        query = _SAID_TWICE.format(source=lake.scan(POSTED, versions[POSTED]))
        return set(connection.execute(query).fetchall())


ASSETS = [unconfirmed_price]
