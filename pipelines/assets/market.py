"""Market data: prices, the Treasury curve, exchange rates and the trading calendar, as the source says them, by year.

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


ASSETS = [price_daily, yield_curve, fx_rate_daily, trading_calendar]
