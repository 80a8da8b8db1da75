"""Prices that people posted over HTTP or put into the folder, for securities that no market source prices.

Belongs here: reading both, and publishing what the audit accepts. Does not: what makes a price bad; that is
`pipelines.quality.own_prices`.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import pyarrow as pa

from pipelines.quality.own_prices import OwnPrices, own_prices
from pipelines.quality.price_histories import joined
from pipelines.quality.quarantine import OWN, keep, waived
from pipelines.quality.registry import Registry
from pipelines.quality.split_histories import LedgerSplit
from pipelines.runtime.resources import Platform
from pipelines.sources.market_tables import CORPORATE_ACTIONS, in_shape
from pipelines.sources.price_files.folder import PriceFiles, price_files
from pipelines.tables.publishing import publish
from pipelines.tables.version_set import pinned

POSTED, SECURITIES, IDENTIFIERS = "raw/pg_posted_price", "raw/pg_security_registry", "raw/pg_security_identifier"
MARKET, ACTIONS, LEDGER = "raw/price_daily", "raw/corporate_action", "raw/pg_transaction_ledger"
NEEDED = (POSTED, SECURITIES, IDENTIFIERS, MARKET, ACTIONS, LEDGER)
_SPLITS = """
with rows as (select * from {ledger})

select distinct
    security_id,
    business_date as day,
    split_new,
    split_old
from rows
anti join (select portfolio_id, reverses_seq as seq from rows where reverses_seq is not null) using (portfolio_id, seq)
where txn_type in ('SPLIT', 'BONUS') and reverses_seq is null
"""


@dg.asset(
    key=OWN.split("/"),
    deps=[dg.AssetKey(table.split("/")) for table in NEEDED],
    description="Prices that people posted or put into the folder; what an audit finds bad is in meta/quarantine.",
    group_name="own_prices",
    owners=["team:lakefolio"],
    kinds={"python", "deltalake"},
    code_version="3",
)
def own_price(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[Any]:
    versions = pinned(context.instance, context.run.run_id, platform.releases, known=NEEDED).versions
    lake, files = platform.lake, price_files(platform.settings.prices)
    verdict = judged(platform, files, versions)
    not_read = {**files.unreadable, **verdict.refused}
    notes = joined(files.notes, verdict.remarks)
    for name, why in {**notes, **not_read}.items():
        context.log.warning("%s/%s: %s", platform.settings.prices, name, why)
    n_new = keep(lake, OWN, verdict.quarantined, context.run.run_id)
    if n_new:
        context.log.warning("%s own prices are in quarantine for the first time: see meta/quarantine", n_new)
    extra = {
        "quarantined": verdict.quarantined.num_rows,
        "quarantined for the first time": n_new,
        "files not read": dg.MetadataValue.json(not_read),
        "files read with a remark": dg.MetadataValue.json(notes),
    }
    return publish(
        platform, context.asset_key, verdict.accepted, context.run.run_id, date_column="price_date", extra=extra
    )


def judged(platform: Platform, files: PriceFiles, versions: Mapping[str, int]) -> OwnPrices:
    """Judge posted prices and those in `files` by the registry and the ledger of `versions`."""
    lake = platform.lake
    return own_prices(
        lake.read(POSTED, versions[POSTED]),
        files.lines,
        Registry(lake.read(SECURITIES, versions[SECURITIES]), lake.read(IDENTIFIERS, versions[IDENTIFIERS])),
        priced_by_market(platform, versions),
        today=platform.market_today,
        actions=_market_actions(platform, versions),
        waived=waived(lake),
        splits=ledger_splits(platform, versions),
    )


def priced_by_market(platform: Platform, versions: Mapping[str, int]) -> frozenset[str]:
    """The tickers that the market source has a price of."""
    if MARKET not in versions:
        return frozenset()
    with platform.lake.connect() as connection:
        found = connection.execute(f"select distinct ticker from {platform.lake.scan(MARKET, versions[MARKET])}")
        return frozenset(row[0] for row in found.fetchall())


def ledger_splits(platform: Platform, versions: Mapping[str, int]) -> dict[int, list[LedgerSplit]]:
    """The splits and bonuses that stand in any ledger, by security."""
    if LEDGER not in versions:
        return {}
    found: dict[int, list[LedgerSplit]] = {}
    with platform.lake.connect() as connection:
        query = _SPLITS.format(ledger=platform.lake.scan(LEDGER, versions[LEDGER]))
        for security_id, day, new, old in connection.execute(query).fetchall():
            found.setdefault(security_id, []).append(LedgerSplit(day, new, old))
    return found


def _market_actions(platform: Platform, versions: Mapping[str, int]) -> pa.Table:
    if ACTIONS not in versions:
        return CORPORATE_ACTIONS.empty_table()
    return in_shape(platform.lake.read(ACTIONS, versions[ACTIONS]), CORPORATE_ACTIONS)


ASSETS = [own_price]
