"""Performance: what every portfolio, account and position returned over ten periods.

Belongs here: whose days go in, and the shape of what comes out. Does not: any formula; those are in domain/analytics.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.analytics.arrays import Days
from domain.analytics.returns.series import Benchmark, first_value
from domain.analytics.returns.subjects import Level, ReturnSeries, subject_performance
from pipelines.marts.by_portfolio import Measuring, made, specs_of
from pipelines.marts.definition import MONEY, Mart
from pipelines.runtime.resources import Platform
from pipelines.tables.metadata_plots import Picture, contribution_chart, growth_chart

_TEXT, _ID, _DATE, _NUMBER, _COUNT = pa.string(), pa.int64(), pa.date32(), pa.float64(), pa.int32()
TABLE = "marts/fact_performance"
FACT_PERFORMANCE = Mart(
    "Grain: one row per portfolio, account or position and period: time- and money-weighted return.",
    {
        "portfolio_id": (_TEXT, "Portfolio."),
        "level": (
            _TEXT,
            "PORTFOLIO, with its cash; ACCOUNT, the holdings of one account; POSITION, one security in all accounts.",
        ),
        "account_id": (_ID, "Account; null unless ACCOUNT."),
        "security_id": (_ID, "Security; null unless POSITION."),
        "period": (_TEXT, "1D, 1W, MTD, 1M, 3M, YTD, 1Y, 3Y, 5Y or SINCE_INCEPTION."),
        "status": (
            _TEXT,
            "OK; RUINED: lost more than there was, so no time-weighted return; TOO_YOUNG: nothing was recorded yet "
            "when the period began; NOT_HELD in it. TOO_YOUNG and NOT_HELD have no figures.",
        ),
        "start": (_DATE, "The period is from the close of this day; SINCE_INCEPTION from its opening."),
        "as_of": (_DATE, "To the close of this day."),
        "begin_value": (MONEY, "Value at the start, in the portfolio's currency."),
        "end_value": (MONEY, "Value at the end, in the portfolio's currency."),
        "net_contributions": (MONEY, "Inflows less outflows of fact_return_daily."),
        "gain": (MONEY, "end_value - begin_value - net_contributions."),
        "twr": (_NUMBER, "Time-weighted return of the whole period, a fraction, net of fees."),
        "twr_annual": (_NUMBER, "The same per year, from the first day with money to the last; null under 365 days."),
        "twr_gross": (_NUMBER, "Time-weighted return before fees."),
        "twr_gross_annual": (_NUMBER, "The same per year; null under 365 days."),
        "mwr": (_NUMBER, "Money-weighted return of the whole period, over which it is solved; a fraction."),
        "xirr": (_NUMBER, "The same per year, ACT/365, over the days of twr_annual."),
        "xirr_status": (
            _TEXT,
            "Of mwr and xirr. OK, MULTIPLE (the root nearest 10 % a year), NO_SIGN_CHANGE, or UNCOVERED: a value or "
            "flow is not known.",
        ),
        "contribution": (
            _NUMBER,
            "Of a POSITION to its portfolio's twr, a fraction; with cash, standalone fees and tax they sum "
            "to it. Null if it was not held in the period.",
        ),
        "n_uncovered_days": (_COUNT, "Days on which a price or a rate is missing; they earn nothing."),
        "benchmark_twr": (
            _NUMBER,
            "The benchmark's return from the close of the first value in the period to the last day with "
            "money; null in another currency.",
        ),
        "benchmark_twr_annual": (_NUMBER, "The same per year, over the days of twr_annual."),
        "benchmark_value": (
            MONEY,
            "What begin_value and the same flows had become in the benchmark, the first money at the close of the "
            "first value.",
        ),
        "active_return": (_NUMBER, "twr - benchmark_twr."),
    },
    key=("portfolio_id", "level", "account_id", "security_id", "period"),
    rules={
        "figures are there if and only if the status is OK or RUINED": lambda rows: pc.equal(
            pc.is_in(rows["status"], pa.array(["OK", "RUINED"])), pc.is_valid(rows["end_value"])
        ),
        "a ruin has no time-weighted return": lambda rows: pc.or_(
            pc.not_equal(rows["status"], "RUINED"), pc.is_null(rows["twr"])
        ),
        "a rate is there only with a status that has one": lambda rows: pc.or_(
            pc.is_null(rows["mwr"]), pc.is_in(rows["xirr_status"], pa.array(["OK", "MULTIPLE"]))
        ),
        "nothing loses more than everything": lambda rows: pc.fill_null(pc.greater_equal(rows["twr"], -1), True),
    },
)


@dg.multi_asset(name="performance", **specs_of({TABLE: FACT_PERFORMANCE}))
def performance(
    context: dg.AssetExecutionContext, platform: Platform
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    ticker = platform.settings.benchmark_ticker
    yield from made(
        context,
        platform,
        {TABLE: FACT_PERFORMANCE},
        lambda found: {TABLE: pa.concat_tables([FACT_PERFORMANCE.schema.empty_table(), *_performances(found, ticker)])},
        {TABLE: lambda found, rows: pictures(found, rows, ticker)},
    )


def _performances(found: Measuring, benchmark_ticker: str) -> Iterator[pa.Table]:
    """The rows of every portfolio that is measured."""
    as_of, sessions = found.analytics.get_last_day(), found.analytics.get_sessions()
    for currency, portfolio_ids in found.groups():
        for ticker, some in _by_benchmark(found, portfolio_ids, benchmark_ticker).items():
            series = found.analytics.get_subject_series(some)
            if series and as_of:
                yield from _rows(series, as_of, sessions, found.analytics.get_benchmark(ticker, currency))


def _by_benchmark(found: Measuring, portfolio_ids: Sequence[str], default: str) -> Mapping[str, Sequence[str]]:
    """The portfolios by the benchmark that they have chosen, or the default."""
    chosen = found.analytics.get_benchmarks(portfolio_ids)
    grouped: dict[str, list[str]] = {}
    for portfolio_id in portfolio_ids:
        grouped.setdefault(chosen.get(portfolio_id, default), []).append(portfolio_id)
    return grouped


def _rows(series: ReturnSeries, as_of: date, sessions: Days, benchmark: Benchmark | None) -> Iterator[pa.Table]:
    named = {
        name: [getattr(subject, name) for subject in series.subjects]
        for name in ("portfolio_id", "level", "account_id", "security_id")
    }
    for period, columns in subject_performance(series, as_of, sessions, benchmark).items():
        yield FACT_PERFORMANCE.table({**named, "period": np.full(len(series.subjects), str(period), object), **columns})


def pictures(found: Measuring, rows: pa.Table, benchmark_ticker: str) -> Mapping[str, Picture]:
    """Draw the growth of the portfolio that is worth most beside the benchmark's, and what added to the last year's."""
    portfolio_id = largest(rows)
    series = found.analytics.get_subject_series([portfolio_id]) if portfolio_id else None
    if portfolio_id is None or series is None:
        return {}
    (whole,) = np.flatnonzero(series.at(Level.PORTFOLIO)).tolist()
    of = slice(series.panel.offsets[whole], series.panel.offsets[whole + 1])
    days = series.panel.days[of]
    index = np.cumprod(1 + np.nan_to_num(series.panel.returns[of]), dtype=np.float64)
    currency = next(key for key, ids in found.analytics.get_portfolios([portfolio_id]).items() if ids)
    ticker = found.analytics.get_benchmarks([portfolio_id]).get(portfolio_id, benchmark_ticker)
    benchmark = found.analytics.get_benchmark(ticker, currency)
    first = first_value(days, series.panel.inflow[of], series.panel.end[of])
    beside = benchmark.growth_since(first, days) if benchmark else None
    held = rows.filter(pc.equal(rows["portfolio_id"], portfolio_id)).to_pylist()
    added = [row for row in held if row["period"] == "1Y" and row["contribution"] is not None]
    names = found.analytics.get_tickers()
    return {
        "growth": growth_chart(days, index, "growth of 1, time-weighted", beside, benchmark.name if benchmark else ""),
        "contribution": contribution_chart(
            [names.get(row["security_id"], str(row["security_id"])) for row in added],
            np.array([row["contribution"] for row in added]),
            "contribution to the return of one year",
        ),
    }


def largest(rows: pa.Table) -> str | None:
    """The portfolio with the highest value at the end of any period."""
    worth = rows.filter(pc.is_valid(rows["end_value"])).sort_by(
        [("end_value", "descending"), ("portfolio_id", "ascending")]
    )
    return str(worth["portfolio_id"][0]) if worth.num_rows else None


ASSETS = [performance]
