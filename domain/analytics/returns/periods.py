"""Performance over the periods that people ask for: a day to five years, and since the first transaction."""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Literal

import numpy as np

from domain.analytics.arrays import Days
from domain.analytics.returns.panel import Column, Linked, Panel, measured
from domain.analytics.returns.series import Benchmark, PortfolioSeries


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
    """Performance from the close (SINCE_INCEPTION: opening) of `start` to the close of `as_of`. Returns are fractions.

    `status` is TOO_YOUNG where the portfolio had no transaction yet on `start`: then nothing else is known.
    NOT_HELD is a position or account without a value or a flow in the period. RUINED, by a day worth less than
    nothing, has no time-weighted return. `gain` is what came from neither flows nor the start. `twr` and `mwr` are
    those of the whole period, net of fees, weighted by time and by money; `twr_gross` is before fees. `*_annual`
    and `xirr` (which is `mwr` per year) count the days from the first with money to the last in the period and are
    None if they are under 365; `xirr_status` is of both `mwr` and `xirr`. `benchmark_value` is what the start and the
    same flows had become in the benchmark, `active_return` is twr - benchmark_twr. Days on which something was not
    covered earn nothing: `n_uncovered_days` says how many.
    """

    period: Period
    status: Literal["OK", "RUINED", "TOO_YOUNG", "NOT_HELD"]
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
    if not len(series):
        return []
    found = performance_of(Panel.of(series), series.as_of, series.days[series.is_session], benchmark)
    return [period_performance(period, columns, 0) for period, columns in found.items()]


def period_performance(period: Period, columns: Mapping[str, Column], i: int) -> PeriodPerformance:
    """Return the performance of series i, out of what `performance_of` says of many."""
    given = {field.name: columns[field.name][i] for field in fields(PeriodPerformance) if field.name in columns}
    return PeriodPerformance(period, **{name: _figure(value) for name, value in given.items()})


def performance_of(
    panel: Panel, as_of: date, sessions: Days, benchmark: Benchmark | None = None
) -> dict[Period, Mapping[str, Column]]:
    """The performance of every series of `panel` over every period that ends with `as_of`: the fields of
    PeriodPerformance, each (m,), NaN where there is nothing to tell.

    `status` may be NOT_HELD too: a series that had neither a value nor a flow in the period. `sessions` are the
    exchange's, in order.
    """
    returns = Linked.of(panel.returns, panel.is_ruin), Linked.of(panel.gross_returns, panel.is_ruin)
    return {period: _over(period, panel, returns, as_of, sessions, benchmark) for period in Period}


def starts_of(period: Period, first_days: Days, as_of: date, sessions: Days) -> Days:
    """(m,) The days at whose close the period starts, of series that begin on `first_days` (m,).

    For 1D the last of `sessions` before the newest, for MTD and YTD the last day of the month or year before, for
    months and years the same day that long ago, or the last of a shorter month. SINCE_INCEPTION starts with the first
    day's opening, and so does 1D where it is the first session: with nothing, at the close of the day before.
    """
    before = first_days - np.timedelta64(1, "D")
    if period is Period.SINCE_INCEPTION:
        return before
    if period is Period.DAY:
        past = sessions[sessions <= np.datetime64(as_of)]
        return np.maximum(before, past[-2]) if len(past) > 1 else before
    return np.full(len(first_days), np.datetime64(_start(period, as_of)))


def starts_since(first_day: date, as_of: date, sessions: Days) -> list[date]:
    """The days at whose close the periods start, of a series that begins on `first_day`."""
    starts = (starts_of(period, np.array([first_day], "datetime64[D]"), as_of, sessions) for period in Period)
    return sorted({date.fromisoformat(str(start[0])) for start in starts})


def _start(period: Period, as_of: date) -> date:
    if period is Period.WEEK:
        return as_of - timedelta(days=7)
    if period is Period.MONTH_TO_DATE:
        return as_of.replace(day=1) - timedelta(days=1)
    if period is Period.YEAR_TO_DATE:
        return as_of.replace(month=1, day=1) - timedelta(days=1)
    return months_before(as_of, _MONTHS_BACK[period])


def months_before(day: date, months: int) -> date:
    """The same day of the month so long ago, or the last of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _over(
    period: Period,
    panel: Panel,
    returns: tuple[Linked, Linked],
    as_of: date,
    sessions: Days,
    benchmark: Benchmark | None,
) -> Mapping[str, Column]:
    starts = starts_of(period, panel.first_days, as_of, sessions)
    found = measured(panel, returns, starts, np.datetime64(as_of), benchmark)
    is_too_young = starts < panel.first_days - np.timedelta64(1, "D")
    first = panel.first_rows(starts)
    is_held = first < panel.offsets[1:]
    is_ruined = returns[0].ruined(first, panel.offsets[1:])
    status = np.where(is_too_young, "TOO_YOUNG", np.where(~is_held, "NOT_HELD", np.where(is_ruined, "RUINED", "OK")))
    has_figures = np.isin(status, ["OK", "RUINED"])
    return {
        "status": status.astype(object),
        "start": starts + (1 if period is Period.SINCE_INCEPTION else 0),
        "as_of": np.full(len(panel), np.datetime64(as_of)),
        **{
            name: np.where(has_figures, column, np.array(None if column.dtype.kind in "Oi" else np.nan))
            for name, column in found.items()
        },
    }


def _figure(value: Any) -> Any:
    """One of a column; None for NaN."""
    plain = value.item() if isinstance(value, np.generic) else value
    return None if plain != plain else plain
