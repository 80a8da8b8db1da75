"""Newest prices that count although nothing confirms them yet, of the market and of people's own.

Belongs here: which series are judged, and who has said that a price is right. Does not: what makes a price doubtful;
that is `pipelines.quality.unconfirmed`.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import pyarrow as pa

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
SCHEMA = pa.schema([("security_id", pa.int64()), ("price_date", pa.date32()), ("close", RATE), ("id", pa.string())])
MEANINGS = {
    "security_id": "Security.",
    "price_date": "Day of its newest price.",
    "close": "That price, which counts.",
    "id": "Its id in meta/quarantine, by which a person lets it pass.",
}
_NEWEST = """
    select * from {source}
    qualify row_number() over (partition by {key} order by price_date desc) <= {rows}
"""
_SAID_TWICE = """
    select security_id, price_date, close from {source}
    group by security_id, price_date, close having count(*) > 1
"""


@dg.asset(
    key=UNCONFIRMED.split("/"),
    deps=[dg.AssetKey(table.split("/")) for table in _NEEDED],
    description="Grain: one row per security whose newest price jumps and has none after it to confirm it.",
    group_name="own_prices",
    owners=["team:lakefolio"],
    kinds={"python", "deltalake"},
    code_version="1",
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
        context.log.warning("the newest price of %s is unconfirmed: %s", row["ticker"], row["detail"])
    table = pa.Table.from_pylist([{name: row[name] for name in SCHEMA.names} for row in rows], schema=SCHEMA)
    extra = {"unconfirmed for the first time": n_new}
    return publish(
        platform, context.asset_key, table.sort_by("security_id"), context.run.run_id, extra=extra, meanings=MEANINGS
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
    own = in_shape(_newest(lake, OWN, versions, "security_id").join(names, "security_id", join_type="inner"), PRICES)
    actions = in_shape(lake.read(ACTIONS, versions[ACTIONS]), CORPORATE_ACTIONS)
    doubtful = unconfirmed(own, actions, waived=passed)
    twice = _said_twice(lake, versions)
    keys = [(security_ids[row["ticker"]], row["price_date"], row["close"]) for row in doubtful.to_pylist()]
    return {
        MARKET: unconfirmed(market, actions, waived=passed),
        OWN: doubtful.filter(pa.array([key not in twice for key in keys], pa.bool_())),
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
