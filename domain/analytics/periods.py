"""Performance over the periods that people ask for: a day to five years, and since the first transaction."""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Literal

import numpy as np

from domain.analytics.performance import annualise, xirr
from domain.analytics.series import Benchmark, Float64, PortfolioSeries, day_at


class Period(StrEnum):
    """From the close of a day to the close of `as_of`; SINCE_INCEPTION from the opening of the first day."""

    DAY = "1D"
    WEEK = "1W"
    MONTH_TO_DATE = "MTD"
    MONTH = "1M"
    QUARTER = "3M"
    YEAR_TO_DATE = "YTD"
    YEAR = "1Y"
    THREE_YEARS = "3Y"
    FIVE_YEARS = "5Y"
    SINCE_INCEPTION = "SINCE_INCEPTION"


_MONTHS_BACK: Mapping[Period, int] = {
    Period.MONTH: 1,
    Period.QUARTER: 3,
    Period.YEAR: 12,
    Period.THREE_YEARS: 36,
    Period.FIVE_YEARS: 60,
}


@dataclass(frozen=True, slots=True)
class PeriodPerformance:
    """What a portfolio earned from the close of `start` to the close of `as_of`. Returns are fractions.

    `status` is TOO_YOUNG where the portfolio had no transaction yet on `start`: then nothing else is known. `gain` is
    what came from neither flows nor the start. `twr` and `mwr` are those of the whole period, net of fees, weighted by
    time and by money; `twr_gross` is before fees. `*_annual` and `xirr` (which is `mwr` per year) are None under 365
    days. `benchmark_value` is what the start and the same flows had become in the benchmark, `active_return` is
    twr - benchmark_twr. Days on which something was not covered earn nothing: `n_uncovered_days` says how many.
    """

    period: Period
    status: Literal["OK", "TOO_YOUNG"]
    start: date
    as_of: date
    begin_value: float | None = None
    end_value: float | None = None
    net_contributions: float | None = None
    gain: float | None = None
    twr: float | None = None
    twr_annual: float | None = None
    twr_gross: float | None = None
    twr_gross_annual: float | None = None
    mwr: float | None = None
    xirr: float | None = None
    xirr_status: str | None = None
    n_uncovered_days: int | None = None
    benchmark_twr: float | None = None
    benchmark_twr_annual: float | None = None
    benchmark_value: float | None = None
    active_return: float | None = None


def performance(series: PortfolioSeries, benchmark: Benchmark | None = None) -> list[PeriodPerformance]:
    """The performance of `series` over every period that ends with it, shortest first; none of an empty series.

    See PeriodPerformance for units and conventions. Source: RULEBOOK 7 and 9.
    """
    return [_over(period, series, benchmark) for period in Period] if len(series) else []


def start_of(period: Period, series: PortfolioSeries) -> date:
    """The day at whose close the period starts; the first day itself for SINCE_INCEPTION, which begins with nothing.

    For 1D the session before the last one, for MTD and YTD the last day of the month or year before, for months and
    years the same day that long ago, or the last of a shorter month.
    """
    as_of = series.as_of
    if period is Period.SINCE_INCEPTION:
        return series.first_day
    if period is Period.DAY:
        sessions = np.flatnonzero(series.is_session)
        return series.day(int(sessions[-2])) if len(sessions) > 1 else series.first_day - timedelta(days=1)
    if period is Period.WEEK:
        return as_of - timedelta(days=7)
    if period is Period.MONTH_TO_DATE:
        return as_of.replace(day=1) - timedelta(days=1)
    if period is Period.YEAR_TO_DATE:
        return as_of.replace(month=1, day=1) - timedelta(days=1)
    return months_before(as_of, _MONTHS_BACK[period])


def first_of(period: Period, series: PortfolioSeries) -> int | None:
    """The position of the first day of the period in the series; None if the portfolio is too young for it."""
    start = start_of(period, series)
    if period is Period.SINCE_INCEPTION:
        return 0
    if start < series.first_day - timedelta(days=1):
        return None
    return int(np.searchsorted(series.days, np.datetime64(start), side="right"))


def months_before(day: date, months: int) -> date:
    """The same day of the month so long ago, or the last of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def benchmark_value(begin: float, inflow: Float64, outflow: Float64, returns: Float64) -> float:
    """What `begin` and the flows of (n,) days had become at a benchmark's `returns` (n,): in at the start of the day,
    out at its end. Below zero if more was taken out than there would have been."""
    value = begin
    for paid_in, paid_out, earned in zip(inflow, outflow, returns, strict=True):
        value = (value + paid_in) * (1 + earned) - paid_out
    return float(value)


def _over(period: Period, series: PortfolioSeries, benchmark: Benchmark | None) -> PeriodPerformance:
    start, first = start_of(period, series), first_of(period, series)
    if first is None:
        return PeriodPerformance(period, "TOO_YOUNG", start, series.as_of)
    days = (series.as_of - start).days
    begin = float(series.value[first - 1]) if first else 0.0
    end = float(series.value[-1])
    inflow, outflow = series.inflow[first:], series.outflow[first:]
    net = float(inflow.sum() - outflow.sum())
    twr, gross = (_linked(returns[first:]) for returns in (series.returns, series.gross_returns))
    mwr, rate, status = _money_weighted(series, first, begin)
    return PeriodPerformance(
        period,
        "OK",
        start,
        series.as_of,
        begin_value=begin,
        end_value=end,
        net_contributions=net,
        gain=end - begin - net,
        twr=twr,
        twr_annual=_annual(twr, days),
        twr_gross=gross,
        twr_gross_annual=_annual(gross, days),
        mwr=mwr,
        xirr=rate,
        xirr_status=status,
        n_uncovered_days=int((~series.is_covered[first:]).sum()),
        **_against(benchmark, series, first, days, begin, twr),
    )


def _against(
    benchmark: Benchmark | None, series: PortfolioSeries, first: int, days: int, begin: float, twr: float | None
) -> dict[str, float | None]:
    returns = benchmark.returns_on(series.days[first:]) if benchmark and first < len(series) else np.array([np.nan])
    if np.isnan(returns).any():
        return {}
    total = _linked(returns)
    assert total is not None, "a benchmark has returns here"
    return {
        "benchmark_twr": total,
        "benchmark_twr_annual": _annual(total, days),
        "benchmark_value": benchmark_value(begin, series.inflow[first:], series.outflow[first:], returns),
        "active_return": None if twr is None else twr - total,
    }


def _money_weighted(series: PortfolioSeries, first: int, begin: float) -> tuple[float | None, float | None, str]:
    """The return of the period, the same per year where it is a year, and the status of the answer."""
    are_values_rated = series.is_value_rated[[max(first - 1, 0), -1]].all() if first else series.is_value_rated[-1]
    if not (are_values_rated and series.are_flows_rated[first:].all()):
        return None, None, "FX_MISSING"
    amounts = np.concatenate([[-begin], series.outflow[first:] - series.inflow[first:]])
    amounts[-1] += series.value[-1]
    days = np.concatenate([series.days[first : first + 1] - 1, series.days[first:]])
    at = np.flatnonzero(amounts)
    answer = xirr([day_at(days, i) for i in at.tolist()], amounts[at].tolist())
    if answer.rate is None:
        return None, None, answer.status
    from_first_flow = int((days[-1] - days[at[0]]).astype(int))
    whole = float((1 + answer.rate) ** (from_first_flow / 365) - 1)
    return whole, answer.rate if from_first_flow >= 365 else None, answer.status


def _linked(returns: Float64) -> float | None:
    """The return of all days together; None if none of them has one."""
    return float(np.prod(1 + np.nan_to_num(returns)) - 1) if not np.isnan(returns).all() else None


def _annual(total: float | None, days: int) -> float | None:
    return None if total is None or total < -1 else annualise(total, days)
