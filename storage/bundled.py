"""Series that come with the project, and are read wherever it runs: the long monthly one, and the index day by day.

What they are and where they come from is in `sample_data/README.md`.
"""

from functools import lru_cache

import numpy as np
from pyarrow import parquet as pq

from domain.analytics.arrays import Days, Float64
from domain.analytics.simulation.long_series import LongSeries
from storage.settings import REPOSITORY

_FOLDER = REPOSITORY / "sample_data"
LONG_SERIES, PRICES, YIELDS = "sp500_monthly.parquet", "price_daily.parquet", "yield_curve.parquet"
MARKET = "SP500"


@lru_cache(maxsize=1)
def long_series() -> LongSeries:
    table = pq.read_table(_FOLDER / LONG_SERIES)
    names = ("index_level", "dividend_annual", "consumer_price", "long_yield_pct")
    months = table["month"].to_numpy().astype("datetime64[M]")
    return LongSeries(months, *(np.array(table[name].to_pylist(), dtype=float) for name in names))


@lru_cache(maxsize=1)
def market_index() -> tuple[Days, Float64]:
    """The days (n,) and closes (n,) of the S&P 500, without dividends."""
    rows = pq.read_table(_FOLDER / PRICES, columns=["price_date", "close"], filters=[("ticker", "=", MARKET)])
    return rows["price_date"].to_numpy().astype("datetime64[D]"), np.array(rows["close"].to_pylist(), dtype=float)


@lru_cache(maxsize=1)
def share_closes() -> tuple[tuple[str, ...], Float64]:
    """The tickers (n,) of the bundled shares, and their adjusted closes (d, n) on the days of `market_index`."""
    rows = pq.read_table(_FOLDER / PRICES, columns=["ticker", "close"]).to_pydict()
    tickers = sorted({ticker for ticker in rows["ticker"] if not ticker.startswith(MARKET)})
    closes: dict[str, list[float]] = {ticker: [] for ticker in tickers}
    for ticker, close in zip(rows["ticker"], rows["close"], strict=True):
        if ticker in closes:
            closes[ticker].append(float(close))
    return tuple(tickers), np.array([closes[ticker] for ticker in tickers]).T


@lru_cache(maxsize=1)
def par_yields() -> tuple[Days, tuple[int, ...], Float64]:
    """The days (d,) of the bundled Treasury curves, their tenors in months, and yields (d, m) in per cent, NaN where
    there is none."""
    table = pq.read_table(_FOLDER / YIELDS)
    days, row = np.unique(table["curve_date"].to_numpy().astype("datetime64[D]"), return_inverse=True)
    tenors, column = np.unique(table["tenor_months"].to_numpy(), return_inverse=True)
    yields = np.full((len(days), len(tenors)), np.nan)
    yields[row, column] = [float(one) for one in table["par_yield_pct"].to_pylist()]
    return days, tuple(tenors.tolist()), yields
