"""The track record of simulations on the bundled data: made by `make calibration`, committed, and read from there.

    python -m application.calibration [--workers 2]

Its rows carry the hash of the code and of the data that made them. Rows that were made by other code than there is now
are still shown, as what they are; a test says when they must be made again.
"""

import argparse
import csv
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from application.track_record import COMMITTED, LONG, SHARES
from domain.analytics.arrays import Float64
from domain.analytics.fixed_income.curves import Curves
from domain.analytics.fixed_income.day_counts import plus_months
from domain.analytics.simulation.calibration import PastStart, Tallies, merged, records, tallied
from domain.analytics.simulation.past_starts import (
    SHARE_HORIZONS,
    DailyMarket,
    daily_starts,
    long_starts,
    month_ends,
    random_portfolios,
)
from storage.bundled import LONG_SERIES, PRICES, YIELDS, long_series, market_index, par_yields, share_closes
from storage.code_hash import hash_of, hash_of_code
from storage.settings import REPOSITORY

JUDGED_FROM = {LONG: "1976-01", SHARES: "2004-01"}
"""The first start after the data end that shapes were fitted on."""
PORTFOLIOS, PORTFOLIO_SEED = 30, 20261129
_PART = 60
"""Starts that one process scores at a time."""
_DATA = (LONG_SERIES, PRICES, YIELDS)
_CODE = (
    "domain/analytics/estimates/correlation.py",
    "domain/analytics/estimates/posterior_drift.py",
    "domain/analytics/simulation/calibration.py",
    "domain/analytics/simulation/fitted.py",
    "domain/analytics/simulation/history.py",
    "domain/analytics/simulation/lanes.py",
    "domain/analytics/simulation/long_series.py",
    "domain/analytics/simulation/models.py",
    "domain/analytics/simulation/past_starts.py",
    "domain/analytics/simulation/scores.py",
    "application/calibration.py",
)


@lru_cache(maxsize=1)
def bundled_market() -> DailyMarket:
    """The 20 shares in 30 random portfolios, the index, and the risk-free rates of the ends of months."""
    days, index = market_index()
    tickers, closes = share_closes()
    ends = month_ends(days)
    weights = random_portfolios(len(tickers), PORTFOLIOS, PORTFOLIO_SEED)
    return DailyMarket(days, closes, index, weights, ends, risk_free_rates(days[ends]))


def risk_free_rates(days: np.ndarray) -> dict[int, Float64]:
    """Continuous rates (m,) by months ahead: the curve's zero yield, or the ten-year yield where no curve is near."""
    curve_days, tenors, yields = par_yields()
    curves, is_near = Curves.bootstrap(curve_days, tenors, yields).carried(days)
    series = long_series()
    long_rate = series.long_rate[np.searchsorted(series.months, days.astype("datetime64[M]")) - 1]
    rates = {}
    for months in SHARE_HORIZONS:
        ahead = (plus_months(curves.days[:, None], np.array([[months]])) - curves.days[:, None]).astype(np.int64)
        zero = -curves.log_discounts(ahead)[:, 0] * 12 / months
        rates[months] = np.where(is_near, zero, long_rate)
    return rates


def starts_of(series: str, first: int = 0, last: int | None = None) -> Iterator[PastStart]:
    """The past starts of a bundled series, from number `first` to `last`."""
    if series == LONG:
        return long_starts(long_series(), first, last)
    return daily_starts(bundled_market(), long_series(), first, last)


def calibrated(workers: int = 2) -> list[dict[str, Any]]:
    """All rows of the bundled data; the same for any number of workers."""
    months = {LONG: len(long_series().months), SHARES: len(bundled_market().month_ends)}
    tasks = [(series, first) for series, most in months.items() for first in range(0, most, _PART)]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        parts = list(pool.map(_part, *zip(*tasks, strict=True)))
    hashes = {"code_hash": code_hash(), "data_hash": data_hash()}
    rows = []
    for series, judged_from in JUDGED_FROM.items():
        own = [part for (of, _), part in zip(tasks, parts, strict=True) if of == series]
        rows += [{**row, **hashes} for row in records(series, merged(own), judged_from)]
    return rows


def _part(series: str, first: int) -> Tallies:
    return tallied(starts_of(series, first, first + _PART))


def code_hash() -> str:
    """SHA-256 of the code lines that the record hangs on."""
    return hash_of_code(_CODE)


def data_hash() -> str:
    """SHA-256 of the bundled files."""
    return hash_of((REPOSITORY / "sample_data" / name).read_bytes() for name in _DATA)


def write(rows: Sequence[Mapping[str, Any]], path: Path = COMMITTED) -> None:
    """Write the rows as they are committed: figures to six digits, which is less than their errors by far."""
    with path.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({name: f"{one:.6g}" if isinstance(one, float) else one for name, one in row.items()})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the committed track record of simulations again.")
    parser.add_argument("--workers", type=int, default=2)
    write(calibrated(parser.parse_args().workers))
