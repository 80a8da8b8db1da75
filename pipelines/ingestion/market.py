"""Market data as the source says it, by year: prices, corporate actions, curves, exchange rates, what is said of funds
and shares, and the trading calendar.

Belongs here: fetching and publishing. Does not: repairing, filling or converting a price.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from domain.ledger import FIRST_DAY
from domain.ports import IncompleteMarket
from pipelines.quality.market_audits import ACTION_TABLE, PRICE_TABLE, MarketAudits
from pipelines.quality.quarantine import keep
from pipelines.quality.verdicts import Audited
from pipelines.runtime.partitions import YEARS, DaysConfig
from pipelines.runtime.resources import EXCHANGE, Market, Platform
from pipelines.sources.market_tables import in_shape
from pipelines.sources.tracking import note
from pipelines.tables.publishing import Pictures, publish
from pipelines.tables.table_plots import of_curve, of_prices
from pipelines.tables.version_set import pinned
from storage.lake.delta import Window

KEYS = {
    "price_daily": ("ticker", "price_date"),
    "corporate_action": ("ticker", "action_date", "action_type"),
    "yield_curve": ("curve_date", "tenor_months"),
    "fx_rate_daily": ("currency", "rate_date"),
    "consumer_price": ("series", "index_month"),
    "fund_metadata": ("ticker", "as_of"),
    "analyst_target": ("ticker", "as_of"),
}
"""Columns that tell two rows of a table apart, and the order they stand in."""


def market_asset(name: str, description: str) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """A raw table by year, published by its source's window."""
    return dg.asset(
        key=["raw", name],
        description=description,
        group_name="market",
        partitions_def=YEARS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        owners=["team:lakefolio"],
        kinds={"python", "deltalake"},
        code_version="2",
    )


PRICES, ACTIONS = (dg.AssetKey(table.split("/")) for table in (PRICE_TABLE, ACTION_TABLE))


def _judged(key: dg.AssetKey, description: str, deps: Sequence[dg.AssetKey] = ()) -> dg.AssetSpec:
    return dg.AssetSpec(
        key,
        deps=deps,
        description=f"{description} goes to meta/quarantine instead.",
        group_name="market",
        owners=["team:lakefolio"],
        kinds={"python", "deltalake"},
        code_version="3",
        skippable=True,
    )


@dg.multi_asset(
    name="prices_and_actions",
    specs=[
        _judged(ACTIONS, "Splits and dividends by ex-date, per unit as it was; what the prices contradict"),
        _judged(PRICES, "Daily closing prices per ticker, as the source has them; what an audit finds bad", [ACTIONS]),
    ],
    partitions_def=YEARS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    can_subset=True,
)
def prices_and_actions(
    context: dg.AssetExecutionContext, config: DaysConfig, market: Market, platform: Platform
) -> Iterator[dg.MaterializeResult[Any]]:
    """Both at once, because each is judged by the other; either can be made alone, and then only it is published."""
    window = config.window_in(context.partition_time_window, platform.market_today)
    if window is None:
        yield from (_nothing(context, key) for key in sorted(context.selected_asset_keys))
        return
    source = market.source
    prices, actions = (
        _ask(ask, window.start, platform.market_today) for ask in (source.prices, source.corporate_actions)
    )
    judged_prices, judged_actions = MarketAudits(platform, window, _known(context, platform)).judged(
        prices.rows, actions.rows
    )
    if ACTIONS in context.selected_asset_keys:
        yield _published(context, platform, ACTIONS, actions, "action_date", window, judged_actions)
    if PRICES in context.selected_asset_keys:
        yield _published(context, platform, PRICES, prices, "price_date", window, judged_prices, pictures=of_prices)
        if window.start <= FIRST_DAY:
            note(platform.lake, market.tickers, prices.gaps, platform.market_today, context.run.run_id)


@market_asset("yield_curve", "US Treasury par yields by tenor, in per cent.")
def yield_curve(
    context: dg.AssetExecutionContext, config: DaysConfig, market: Market, platform: Platform
) -> dg.MaterializeResult[Any]:
    return _fetched(
        context, config, platform, "curve_date", market.source.yields, pictures=of_curve, remarks=market.source.remarks
    )


@market_asset("fx_rate_daily", "Units of each currency for one euro, as the European Central Bank says them.")
def fx_rate_daily(
    context: dg.AssetExecutionContext, config: DaysConfig, market: Market, platform: Platform
) -> dg.MaterializeResult[Any]:
    return _fetched(context, config, platform, "rate_date", market.source.fx_rates, remarks=market.source.remarks)


@market_asset("fund_metadata", "What funds say of themselves, on the day they were asked.")
def fund_metadata(
    context: dg.AssetExecutionContext, config: DaysConfig, market: Market, platform: Platform
) -> dg.MaterializeResult[Any]:
    return _fetched(context, config, platform, "as_of", market.source.fund_metadata)


@market_asset("analyst_target", "Analysts' prices in twelve months, on the day they were asked.")
def analyst_target(
    context: dg.AssetExecutionContext, config: DaysConfig, market: Market, platform: Platform
) -> dg.MaterializeResult[Any]:
    return _fetched(context, config, platform, "as_of", market.source.analyst_targets)


@market_asset("consumer_price", "Consumer price indices by month.")
def consumer_price(
    context: dg.AssetExecutionContext, config: DaysConfig, market: Market, platform: Platform
) -> dg.MaterializeResult[Any]:
    return _fetched(
        context, config, platform, "index_month", market.source.consumer_prices, remarks=market.source.remarks
    )


@market_asset("trading_calendar", "Every calendar day, and whether the exchange was open.")
def trading_calendar(
    context: dg.AssetExecutionContext, config: DaysConfig, platform: Platform
) -> dg.MaterializeResult[Any]:
    from pipelines.sources.calendar import trading_days

    return _fetched(context, config, platform, "calendar_date", lambda start, end: trading_days(EXCHANGE, start, end))


class Fetched(NamedTuple):
    """Rows that a source has told, and what is missing of them."""

    rows: pa.Table
    gaps: IncompleteMarket | None = None


def _ask(ask: Callable[[date, date], pa.Table], start: date, end: date) -> Fetched:
    try:
        return Fetched(ask(start, end))
    except IncompleteMarket as incomplete:
        return Fetched(incomplete.rows, incomplete)


def _known(context: dg.AssetExecutionContext, platform: Platform) -> Mapping[str, int]:
    """Return the run's versions of tables, among them the prices and actions that a delivery is compared with."""
    known = [PRICE_TABLE, ACTION_TABLE]
    return pinned(context.instance, context.run.run_id, platform.releases, known=known).versions


def _fetched(
    context: dg.AssetExecutionContext,
    config: DaysConfig,
    platform: Platform,
    date_column: str,
    fetch: Callable[[date, date], pa.Table],
    pictures: Pictures | None = None,
    remarks: Mapping[str, str] | None = None,
) -> dg.MaterializeResult[Any]:
    """Publish what `fetch` has for the window of the run; a year after the market's last day is empty.

    `remarks` are on files of rates of the folder, which are among what it has.
    """
    window = config.window_in(context.partition_time_window, platform.market_today)
    if window is None:
        return _nothing(context, context.asset_key)
    extra: dict[str, Any] = {"files of rates": dg.MetadataValue.json(dict(remarks))} if remarks else {}
    for name, why in (remarks or {}).items():
        context.log.warning("%s/%s: %s", platform.settings.prices, name, why)
    fetched = _ask(fetch, window.start, window.end)
    return _published(
        context, platform, context.asset_key, fetched, date_column, window, pictures=pictures, extra=extra
    )


def _nothing(context: dg.AssetExecutionContext, key: dg.AssetKey) -> dg.MaterializeResult[Any]:
    context.log.info("no market day of %s has come yet", context.partition_key_range)
    return dg.MaterializeResult(asset_key=key, metadata={"dagster/row_count": 0})


def _published(
    context: dg.AssetExecutionContext,
    platform: Platform,
    key: dg.AssetKey,
    fetched: Fetched,
    date_column: str,
    window: Window,
    verdict: Audited | None = None,
    *,
    pictures: Pictures | None = None,
    extra: Mapping[str, Any] | None = None,
) -> dg.MaterializeResult[Any]:
    """Publish what was told of the window, of what was judged what is accepted; and keep what is quarantined."""
    rows, said = fetched.rows, dict(extra or {})
    if fetched.gaps:
        said["missing"] = dg.MetadataValue.json(dict(fetched.gaps.missing))
        context.log.warning("%s; what was there of them stays, and the next refresh asks again", fetched.gaps)
    if verdict is not None:
        rows, out = verdict.accepted, verdict.quarantined
        n_new = keep(platform.lake, "/".join(key.path), out, context.run.run_id, date_column)
        said |= {"quarantined": out.num_rows, "quarantined for the first time": n_new}
        if n_new:
            context.log.warning("%s rows are in quarantine, %s of them new: see meta/quarantine", out.num_rows, n_new)
    if fetched.gaps:
        rows = with_the_last_good(rows, platform, key, date_column, window)
    return publish(
        platform,
        key,
        rows,
        context.run.run_id,
        date_column=date_column,
        window=window,
        extra=said,
        pictures=pictures,
    )


def with_the_last_good(
    rows: pa.Table, platform: Platform, key: dg.AssetKey, date_column: str, window: Window
) -> pa.Table:
    """`rows`, and of the window's rows on file those whose key is not among them."""
    table = "/".join(key.path)
    version = platform.lake.version(table)
    if version is None:
        return rows
    on_file = in_shape(platform.lake.read(table, version), rows.schema)
    days = on_file[date_column]
    on_file = on_file.filter(pc.and_(pc.greater_equal(days, window.start), pc.less_equal(days, window.end)))
    identity = list(KEYS[key.path[-1]])
    kept = on_file.join(rows.select(identity), keys=identity, join_type="left anti")
    return pa.concat_tables([rows, kept.select(rows.column_names)]).sort_by([(name, "ascending") for name in identity])


ASSETS = [
    *(prices_and_actions, yield_curve, fx_rate_daily, consumer_price),
    *(fund_metadata, analyst_target, trading_calendar),
]
