"""Performance over many daily series at once: of portfolios, of their accounts, of what they hold.

All rows lie one series after another, so that a period of every series is one sweep. What a series gets does not depend
on the others, to the bit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from domain.analytics.arrays import Bools, Days, Float64, Int64
from domain.analytics.returns.money_weighted import DAYS_PER_YEAR, xirr_many
from domain.analytics.returns.performance import annualise
from domain.analytics.returns.series import Benchmark, PortfolioSeries

Column = NDArray[Any]
_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, slots=True)
class Panel:
    """The rows of series i are those from offsets[i] to offsets[i + 1], in order of `days`; at least one each.

    `offsets` (m + 1,), all else (n,); amounts of a series in its own currency. A day without a row is one at whose
    start and end there was nothing, and in which nothing flowed. `begin` at the start of the day, `end` at its close;
    `inflow` at the start and >= 0, `outflow` at the end (below 0 if more was charged than paid out). `returns` and
    `gross_returns` of the day, NaN where a break or a ruin, which `is_ruin` tells. `is_covered` if nothing was left
    out; `is_begin_known`, `is_end_known` and `are_flows_known` say the same of each amount: without, there is no
    money-weighted return.
    """

    offsets: Int64
    days: Days
    begin: Float64
    end: Float64
    inflow: Float64
    outflow: Float64
    returns: Float64
    gross_returns: Float64
    is_covered: Bools
    is_begin_known: Bools
    is_end_known: Bools
    are_flows_known: Bools
    is_ruin: Bools

    @classmethod
    def of(cls, series: PortfolioSeries) -> Self:
        """One portfolio's series alone, which has a day at least."""
        return cls(
            np.array([0, len(series)]),
            series.days,
            series.begin,
            series.value,
            series.inflow,
            series.outflow,
            series.returns,
            series.gross_returns,
            series.is_covered,
            np.concatenate([[True], series.is_value_covered[:-1]]),
            series.is_value_covered,
            series.are_flows_known,
            series.is_ruin,
        )

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def owners(self) -> Int64:
        """(n,) The series of each row."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    @property
    def first_days(self) -> Days:
        """(m,) The first day of each series."""
        return self.days[self.offsets[:-1]]

    def first_rows(self, starts: Days) -> Int64:
        """(m,) The first row of each series after the close of its day in `starts` (m,)."""
        is_later = self.days > np.repeat(starts, np.diff(self.offsets))
        return np.asarray(self.offsets[1:] - summed(is_later.astype(np.int64), self.offsets[:-1], self.offsets[1:]))


@dataclass(frozen=True, slots=True)
class Linked:
    """Daily returns (n,), ready to be linked over any days: growth of each, 1 at a break, and where the breaks and the
    ruins are."""

    growth: Float64
    is_break: Int64 | None
    is_ruin: Int64 | None

    @classmethod
    def of(cls, returns: Float64, is_ruin: Bools | None = None) -> Self:
        growth = 1 + returns
        is_break = np.isnan(growth)
        if not is_break.any():
            return cls(growth, None, None)
        growth[is_break] = 1.0
        has_ruin = is_ruin is not None and is_ruin.any()
        return cls(
            growth, is_break.astype(np.int64), is_ruin.astype(np.int64) if is_ruin is not None and has_ruin else None
        )

    def over(self, first: Int64, last: Int64) -> Float64:
        """(m,) The return of the days from first[i] up to last[i] together; NaN if none of them has one, or one of them
        was a ruin."""
        found = _reduced(np.multiply, self.growth, first, last, 1.0) - 1
        n_breaks = 0 if self.is_break is None else summed(self.is_break, first, last)
        return np.where((last - first > n_breaks) & ~self.ruined(first, last), found, np.nan)

    def ruined(self, first: Int64, last: Int64) -> Bools:
        """(m,) Whether a day from first[i] up to last[i] was a ruin."""
        if self.is_ruin is None:
            return np.zeros(len(first), dtype=bool)
        return np.asarray(summed(self.is_ruin, first, last) > 0)


def measured(
    panel: Panel,
    returns: tuple[Linked, Linked],
    starts: Days,
    as_of: np.datetime64,
    benchmark: Benchmark | None,
) -> Mapping[str, Column]:
    """Measure what every series earned from the close of its day in `starts` (m,) to that of `as_of`.

    `returns` are the panel's, net and gross. What is per year counts the days from the first with money to the last, a
    gap between included: of one sold last year the days until then. The benchmark is measured over the same.

    By name, each (m,), NaN where there is none: `begin_value`, `end_value`, `net_contributions` and `gain`, which came
    from neither flows nor the start; `twr`, `twr_gross`, `mwr` and the benchmark's `benchmark_twr`,
    `benchmark_value` and `active_return`, of the whole period, and the same per year as `*_annual` and `xirr` where it
    is a year; `xirr_status`; `n_uncovered_days`. Source: RULEBOOK 7 and 9.
    """
    first, last = panel.first_rows(starts), panel.offsets[1:]
    is_there = first < last
    begin, begins_known = _at(panel.begin, first, is_there), _at(panel.is_begin_known, first, is_there, True)
    is_last_day = _at(panel.days, last - 1, is_there, as_of - _DAY) == as_of
    end = _at(panel.end, last - 1, is_there & is_last_day)
    ends_known = _at(panel.is_end_known, last - 1, is_there & is_last_day, True)
    net = summed(panel.inflow, first, last) - summed(panel.outflow, first, last)
    twr, gross = (linked.over(first, last) for linked in returns)
    are_known = begins_known & ends_known & (summed((~panel.are_flows_known).astype(np.int64), first, last) == 0)
    spans = _Spans.of(panel, first)
    weighted = _money_weighted(panel, first, begin, end, spans.n_days, are_known)
    against = _against(panel, benchmark, spans, first, as_of, begin, twr) if benchmark else {}
    return {
        "begin_value": begin,
        "end_value": end,
        "net_contributions": net,
        "gain": end - begin - net,
        "twr": twr,
        "twr_annual": annualise(twr, spans.n_days),
        "twr_gross": gross,
        "twr_gross_annual": annualise(gross, spans.n_days),
        **weighted,
        "n_uncovered_days": summed((~panel.is_covered).astype(np.int64), first, last),
        **against,
        **({"benchmark_twr_annual": annualise(against["benchmark_twr"], spans.n_days)} if against else {}),
    }


def _at(column: Column, rows: Int64, is_there: Bools, otherwise: object = 0) -> Column:
    if not len(column):
        return np.full(len(rows), otherwise, dtype=column.dtype)
    return np.where(is_there, column[np.where(is_there, rows, 0)], np.asarray(otherwise, dtype=column.dtype))


def _reduced(ufunc: np.ufunc, column: Column, first: Int64, last: Int64, empty: float) -> Column:
    """Reduce the rows from first[i] up to last[i] of every series; no rows give `empty`."""
    found = np.full(len(first), empty, dtype=column.dtype)
    filled = np.flatnonzero(first < last)
    if len(filled):
        bounds = np.stack([first[filled], last[filled]], axis=1).ravel()
        found[filled] = ufunc.reduceat(column, bounds[:-1] if bounds[-1] == len(column) else bounds)[::2]
    return found


def summed(column: Column, first: Int64, last: Int64) -> Column:
    """(m,) The sums of the rows of `column` (n,) from first[i] up to last[i]."""
    return _reduced(np.add, column, first, last, 0)


@dataclass(frozen=True, slots=True)
class _Spans:
    """First and last day with money of each series (m,), of the rows of a period; NaT without any.

    `starts` is the close from which there is a value: the one before a day that begins with it, else that of the day on
    which money comes, `is_new` (m,). `ends` is the last day that had anything. `n_days` is 0 without, and where both
    are one.
    """

    starts: Days
    ends: Days
    is_new: Bools

    @classmethod
    def of(cls, panel: Panel, first: Int64) -> Self:
        """Spans of the rows from first[i] on."""
        has_money = (panel.begin != 0) | (panel.inflow != 0) | (panel.outflow != 0) | (panel.end != 0)
        rows = np.flatnonzero(has_money & (np.arange(len(panel.days)) >= np.repeat(first, np.diff(panel.offsets))))
        owners, m = panel.owners[rows], np.arange(len(panel))
        begins, ends = np.searchsorted(owners, m), np.searchsorted(owners, m, side="right")
        some = np.flatnonzero(begins < ends)
        none = np.full(len(panel), "NaT", "datetime64[D]")
        found = cls(none, none.copy(), np.zeros(len(panel), dtype=bool))
        one, other = rows[begins[some]], rows[ends[some] - 1]
        found.is_new[some] = panel.begin[one] == 0
        found.starts[some] = panel.days[one] - np.where(found.is_new[some], 0, 1)
        found.ends[some] = panel.days[other]
        return found

    @property
    def n_days(self) -> Int64:
        return np.where(np.isnat(self.starts), 0, (self.ends - self.starts).astype(np.int64))


def _money_weighted(
    panel: Panel, first: Int64, begin: Float64, end: Float64, spans: Int64, are_known: Bools
) -> dict[str, Column]:
    """The return of the period, the same per year where it is a year, and the status of the answer.

    It is the rate of `spans` (m,) days, solved as such where they are less than a year. Two ends have no rate that a
    root could be: money of a single day has earned what is there at its end; of what came to nothing all is lost.
    """
    last = panel.offsets[1:]
    flows = panel.outflow - panel.inflow
    within = np.arange(len(flows)) >= np.repeat(first, np.diff(panel.offsets))
    rows = np.flatnonzero(within & (flows != 0))
    some = np.flatnonzero(first < last)
    owners = np.concatenate([some, panel.owners[rows], some])
    days = np.concatenate([panel.days[first[some]] - _DAY, panel.days[rows], panel.days[last[some] - 1]])
    amounts = np.concatenate([-begin[some], flows[rows], end[some]])
    order = np.lexsort((np.repeat([0, 1, 2], [len(some), len(rows), len(some)]), days, owners))
    kept = order[amounts[order] != 0]
    offsets = np.searchsorted(owners[kept], np.arange(len(panel) + 1))
    rate_days = np.clip(spans, 1, DAYS_PER_YEAR)
    rates, found = xirr_many(offsets, days[kept], amounts[kept], rate_days)
    paid_in = summed(panel.inflow, first, last)
    of_a_day = (spans == 0) & (paid_in > 0)
    growth = np.divide(
        summed(panel.outflow, first, last) + end, paid_in, out=np.full(len(paid_in), np.nan), where=of_a_day
    )
    rates = np.where(of_a_day & (growth >= 0), growth - 1, rates)
    rates = np.where(_came_to_nothing(offsets, days[kept], amounts[kept], spans), -1.0, rates)
    status = np.where(np.isnan(rates), "NO_SIGN_CHANGE", np.where(np.array(found) == "MULTIPLE", "MULTIPLE", "OK"))
    rates[~are_known] = np.nan
    has_rate = ~np.isnan(rates)  # NaN to the power of 0 days would be 1
    whole = np.where(has_rate, np.where(has_rate, 1 + rates, 1.0) ** (np.maximum(spans, 1) / rate_days) - 1, np.nan)
    return {
        "mwr": np.where(rate_days < DAYS_PER_YEAR, rates, whole),
        "xirr": np.where(spans >= DAYS_PER_YEAR, rates, np.nan),
        "xirr_status": np.where(are_known, status, "UNCOVERED").astype(object),
    }


def _came_to_nothing(offsets: Int64, days: Days, amounts: Float64, spans: Int64) -> Bools:
    """(m,) Whether money was paid in, nothing came back, and the last of it went later than it came."""
    found = np.zeros(len(spans), dtype=bool)
    some = np.flatnonzero(np.diff(offsets) > 0)
    if len(some):
        latest = (days[offsets[some + 1] - 1] - days[offsets[some]]).astype(np.int64)
        highest = np.maximum.reduceat(amounts, offsets[some])
        found[some] = (highest < 0) & (latest < spans[some])
    return found


def _against(
    panel: Panel,
    benchmark: Benchmark,
    spans: _Spans,
    first: Int64,
    as_of: np.datetime64,
    begin: Float64,
    twr: Float64,
) -> dict[str, Float64]:
    """Return what `begin` and the flows had become in the benchmark: in at the start of the day, out at its end. Below
    zero if more was taken out than there would have been.

    The first money of a series goes in at the close at which the series has its first value: to have had the benchmark
    a close earlier would be a day's return for money that was not there.
    """
    at_start, at_end = benchmark.growth_at(spans.starts), benchmark.growth_at(np.array([as_of]))
    is_first = (panel.days == np.repeat(spans.starts, np.diff(panel.offsets))) & spans.is_new[panel.owners]
    before, after = benchmark.growth_at(panel.days - np.where(is_first, 0, 1)), benchmark.growth_at(panel.days)
    bought = np.divide(panel.inflow, before, out=np.zeros_like(before), where=panel.inflow != 0)
    sold = np.divide(panel.outflow, after, out=np.zeros_like(after), where=panel.outflow != 0)
    units = begin / at_start + summed(bought - sold, first, panel.offsets[1:])
    total = benchmark.growth_at(spans.ends) / at_start - 1
    return {"benchmark_twr": total, "benchmark_value": units * at_end, "active_return": twr - total}
