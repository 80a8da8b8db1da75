"""Market data as the source says it, by year: prices, corporate actions, curves, exchange rates, what is said of funds
and shares, and the trading calendar.

Belongs here: fetching and publishing. Does not: repairing, filling or converting a price.
"""

from collections.abc import Callable
from datetime import date
from typing import Any

import dagster as dg
import pyarrow as pa

from pipelines.partitions import YEARS, DaysConfig
from pipelines.publishing import publish
from pipelines.resources import EXCHANGE, Market, Platform


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
        code_version="1",
    )


@market_asset("price_daily", "Daily closing prices per ticker, exactly as the source has them.")
def price_daily(
    context: dg.AssetExecutionContext, config: DaysConfig, market: Market, platform: Platform
) -> dg.MaterializeResult[Any]:
    return _fetched(context, config, platform, "price_date", market.source.prices)


@market_asset("yield_curve", "US Treasury par yields by tenor, in per cent.")
def yield_curve(
    context: dg.AssetExecutionContext, config: DaysConfig, market: Market, platform: Platform
) -> dg.MaterializeResult[Any]:
    return _fetched(context, config, platform, "curve_date", market.source.yields)


@market_asset("fx_rate_daily", "Units of each currency for one euro, as the European Central Bank says them.")
def fx_rate_daily(
    context: dg.AssetExecutionContext, config: DaysConfig, market: Market, platform: Platform
) -> dg.MaterializeResult[Any]:
    return _fetched(context, config, platform, "rate_date", market.source.fx_rates)


@market_asset("corporate_action", "Splits and dividends by ex-date, per unit as it was on the day.")
def corporate_action(
    context: dg.AssetExecutionContext, config: DaysConfig, market: Market, platform: Platform
) -> dg.MaterializeResult[Any]:
    return _fetched(context, config, platform, "action_date", market.source.corporate_actions)


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
    return _fetched(context, config, platform, "index_month", market.source.consumer_prices)


@market_asset("trading_calendar", "Every calendar day, and whether the exchange was open.")
def trading_calendar(
    context: dg.AssetExecutionContext, config: DaysConfig, platform: Platform
) -> dg.MaterializeResult[Any]:
    from pipelines.adapters.calendar import trading_days

    return _fetched(context, config, platform, "calendar_date", lambda start, end: trading_days(EXCHANGE, start, end))


def _fetched(
    context: dg.AssetExecutionContext,
    config: DaysConfig,
    platform: Platform,
    date_column: str,
    fetch: Callable[[date, date], pa.Table],
) -> dg.MaterializeResult[Any]:
    """Publish what `fetch` has for the window of the run; a year after the market's last day is empty."""
    window = config.window_in(context.partition_time_window, platform.market_today)
    if window is None:
        context.log.info("no market day of %s has come yet", context.partition_key_range)
        return dg.MaterializeResult(metadata={"dagster/row_count": 0})
    rows = fetch(window.start, window.end)
    return publish(platform, context.asset_key, rows, context.run.run_id, date_column=date_column, window=window)


ASSETS = [
    *(price_daily, corporate_action, yield_curve, fx_rate_daily, consumer_price),
    *(fund_metadata, analyst_target, trading_calendar),
]
