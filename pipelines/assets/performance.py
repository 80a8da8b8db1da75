"""Performance: what every portfolio, account and position returned over ten periods.

Belongs here: whose days go in, and the shape of what comes out. Does not: any formula; those are in domain/analytics.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa

from domain.analytics.subjects import SubjectSeries, subject_performance
from pipelines.assets.marts import SOURCES_OF
from pipelines.by_portfolio import MONEY, READ, Measuring, measuring, table_of
from pipelines.publishing import publish
from pipelines.resources import Platform

TABLE = "marts/fact_performance"
_SOURCES = sorted(SOURCES_OF["marts/fact_return_daily"])
SCHEMA = pa.schema(
    [
        ("portfolio_id", pa.string()),
        ("level", pa.string()),
        ("account_id", pa.int64()),
        ("security_id", pa.int64()),
        ("period", pa.string()),
        ("status", pa.string()),
        ("start", pa.date32()),
        ("as_of", pa.date32()),
        ("begin_value", MONEY),
        ("end_value", MONEY),
        ("net_contributions", MONEY),
        ("gain", MONEY),
        ("twr", pa.float64()),
        ("twr_annual", pa.float64()),
        ("twr_gross", pa.float64()),
        ("twr_gross_annual", pa.float64()),
        ("mwr", pa.float64()),
        ("xirr", pa.float64()),
        ("xirr_status", pa.string()),
        ("contribution", pa.float64()),
        ("n_uncovered_days", pa.int32()),
        ("benchmark_twr", pa.float64()),
        ("benchmark_twr_annual", pa.float64()),
        ("benchmark_value", MONEY),
        ("active_return", pa.float64()),
    ]
)
MEANINGS = {
    "portfolio_id": "Portfolio.",
    "level": "PORTFOLIO, with its cash; ACCOUNT, the holdings of one account; POSITION, one security in all accounts.",
    "account_id": "Account; null unless ACCOUNT.",
    "security_id": "Security; null unless POSITION.",
    "period": "1D, 1W, MTD, 1M, 3M, YTD, 1Y, 3Y, 5Y or SINCE_INCEPTION.",
    "status": "OK; TOO_YOUNG: nothing was recorded yet when the period began; NOT_HELD in it. Without OK no figures.",
    "start": "The period is from the close of this day; SINCE_INCEPTION from its opening.",
    "as_of": "To the close of this day.",
    "begin_value": "Value at the start, in the portfolio's currency.",
    "end_value": "Value at the end, in the portfolio's currency.",
    "net_contributions": "Inflows less outflows of fact_return_daily.",
    "gain": "end_value - begin_value - net_contributions.",
    "twr": "Time-weighted return of the whole period, a fraction, net of fees.",
    "twr_annual": "The same per year; null under 365 days.",
    "twr_gross": "Time-weighted return before fees.",
    "twr_gross_annual": "The same per year; null under 365 days.",
    "mwr": "Money-weighted return of the whole period, a fraction.",
    "xirr": "The same per year, ACT/365; null under 365 days.",
    "xirr_status": "OK, MULTIPLE (the root nearest 10 %), NO_SIGN_CHANGE, or UNCOVERED: a value or flow is not known.",
    "contribution": "Of a POSITION to its portfolio's twr, a fraction; with cash, standalone fees and tax they sum"
    " to it. Null if it was not held in the period.",
    "n_uncovered_days": "Days on which a price or a rate is missing; they earn nothing.",
    "benchmark_twr": "The benchmark's return over the period; null in another currency.",
    "benchmark_twr_annual": "The same per year; null under 365 days.",
    "benchmark_value": "What begin_value and the same flows had become in the benchmark.",
    "active_return": "twr - benchmark_twr.",
}


@dg.asset(
    key=TABLE.split("/"),
    deps=[dg.AssetKey(table.split("/")) for table in READ],
    description="Grain: one row per portfolio, account or position and period: time- and money-weighted return.",
    group_name="marts",
    owners=["team:lakefolio"],
    kinds={"python", "deltalake"},
    code_version="1",
)
def fact_performance(context: dg.AssetExecutionContext, platform: Platform) -> dg.MaterializeResult[Any]:
    with measuring(context, platform, made=[TABLE], sources=_SOURCES) as found:
        rows = pa.concat_tables([SCHEMA.empty_table(), *performances(found, platform.settings.benchmark_ticker)])
    return publish(
        platform,
        context.asset_key,
        rows,
        context.run.run_id,
        lake_key=found.scope.key,
        extra=found.scope.metadata,
        meanings=MEANINGS,
    )


def performances(found: Measuring, benchmark_ticker: str) -> Iterator[pa.Table]:
    """The rows of every portfolio that is measured."""
    as_of, sessions = found.analytics.get_last_day(), found.analytics.get_sessions()
    for currency, portfolio_ids in found.groups():
        series = found.analytics.get_subject_series(portfolio_ids)
        if series and as_of:
            benchmark = found.analytics.get_benchmark(benchmark_ticker, currency)
            yield from _rows(series, as_of, sessions, benchmark)


def _rows(series: SubjectSeries, as_of: date, sessions: Any, benchmark: Any) -> Iterator[pa.Table]:
    named = {
        name: [getattr(subject, name) for subject in series.subjects]
        for name in ("portfolio_id", "level", "account_id", "security_id")
    }
    for period, columns in subject_performance(series, as_of, sessions, benchmark).items():
        yield table_of(SCHEMA, {**named, "period": np.full(len(series.subjects), str(period), object), **columns})


ASSETS = [fact_performance]
