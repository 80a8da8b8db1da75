"""Time-weighted return over 5 million portfolio-days against pandas, and 10,000 money-weighted rates against pyxirr.

Each does what the other does: pandas takes value, flows and the portfolio of every row, and gives the daily returns,
their index and the return since inception and of the last year; pyxirr is called in a loop with arrays that are ready.
"""

from collections.abc import Callable
from itertools import pairwise
from time import perf_counter

import numpy as np
import pandas as pd
import pyxirr

from domain.analytics.returns.money_weighted import xirr_many
from domain.analytics.returns.panel import Linked
from domain.analytics.returns.performance import twr_index

PORTFOLIOS, DAYS = 2_500, 2_000
FLOWS, INVESTMENTS = 100, 10_000
ROUNDS = 3
FIRST = np.datetime64("2010-01-04")


def main() -> None:
    rows = _days()
    ours, pandas = together(lambda: swept(*rows), lambda: by_pandas(*rows))
    assert all(np.allclose(a, b, rtol=1e-9) for a, b in zip(swept(*rows), by_pandas(*rows), strict=True))
    print(
        f"time-weighted return of {PORTFOLIOS * DAYS / 1e6:.0f} million portfolio-days: {ours:.2f} s, "
        f"pandas {pandas:.2f} s, {pandas / ours:.1f} times as long"
    )
    offsets, days, amounts = _flows()
    each = [(days[first:last], amounts[first:last]) for first, last in pairwise(offsets)]
    ours, loop = together(
        lambda: xirr_many(offsets, days, amounts), lambda: [pyxirr.xirr(when, paid) for when, paid in each]
    )
    rates, status = xirr_many(offsets, days, amounts)
    assert np.allclose(rates, [pyxirr.xirr(when, paid) for when, paid in each], atol=1e-8)
    print(
        f"{INVESTMENTS} money-weighted rates of {FLOWS} flows, each proved ({status.count('OK')} the only one): "
        f"{ours:.2f} s, {ours / loop:.2f} times a loop over pyxirr ({loop:.2f} s)"
    )


def together(ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float]:
    """The best of some rounds, one after the other in each."""
    took = [(_timed(ours), _timed(theirs)) for _ in range(ROUNDS)]
    return min(first for first, _ in took), min(second for _, second in took)


def swept(portfolio: np.ndarray, days: np.ndarray, value: np.ndarray, inflow: np.ndarray, outflow: np.ndarray) -> list:
    first = np.searchsorted(portfolio, np.arange(PORTFOLIOS))
    last = np.append(first[1:], len(portfolio))
    begin = np.concatenate([[0.0], value[:-1]])
    begin[first] = 0.0
    found = twr_index(begin, value, inflow, outflow, starts=first)
    linked = Linked.of(found.returns)
    return [found.index, linked.over(first, last), linked.over(last - 365, last)]


def by_pandas(
    portfolio: np.ndarray, days: np.ndarray, value: np.ndarray, inflow: np.ndarray, outflow: np.ndarray
) -> list:
    frame = pd.DataFrame({"portfolio": portfolio, "day": days, "value": value, "inflow": inflow, "outflow": outflow})
    begin = frame.groupby("portfolio").value.shift(1, fill_value=0.0)
    base = (begin + frame.inflow).where(lambda base: base > 0)
    growth = ((frame.value + frame.outflow) / base).fillna(1.0)
    index = growth.groupby(frame.portfolio).cumprod()
    whole = index.groupby(frame.portfolio).last() - 1
    in_year = frame.day > frame.day.max() - pd.Timedelta(days=365)
    return [index, whole, growth[in_year].groupby(frame.portfolio[in_year]).prod() - 1]


def _days() -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(20170329)
    n = PORTFOLIOS * DAYS
    inflow = np.where(random.random(n) < 0.01, 1_000.0, 0.0)
    inflow[::DAYS] = 10_000.0
    outflow = np.where(random.random(n) < 0.005, 100.0, 0.0)
    growth = np.exp(random.normal(3e-4, 0.01, (PORTFOLIOS, DAYS)).cumsum(axis=1)).ravel()
    value = 10_000 * growth + 1_000 * (inflow == 1_000).reshape(PORTFOLIOS, DAYS).cumsum(axis=1).ravel()
    days = np.tile(FIRST + np.arange(DAYS), PORTFOLIOS)
    return np.repeat(np.arange(PORTFOLIOS), DAYS), days.astype("datetime64[ns]"), value, inflow, outflow


def _flows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Deposits and now and then a withdrawal over ten years, and what is left at the end."""
    random = np.random.default_rng(20170329)
    days = np.sort(random.random((INVESTMENTS, 3_650)).argpartition(FLOWS, axis=1)[:, :FLOWS], axis=1)
    amounts = np.where(random.random(days.shape) < 0.8, -1.0, 0.5) * random.integers(100, 5_000, days.shape)
    amounts[:, 0] = -50_000.0
    amounts[:, -1] = -amounts[:, :-1].sum(axis=1) * random.uniform(0.7, 2.5, INVESTMENTS)
    return np.arange(INVESTMENTS + 1) * FLOWS, (FIRST + days.ravel()).astype("datetime64[D]"), amounts.ravel()


def _timed(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started


if __name__ == "__main__":
    main()
