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
