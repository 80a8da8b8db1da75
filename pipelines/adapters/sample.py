"""The sample market: the real prices and Treasury curves that come with the project, read from a folder.

What belongs here: finding the files, and the window. What the figures are and where they come from is in
`sample_data/README.md`; changing their shape is `sample_data/build.py`.
"""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


class SamplePriceSource:
    """`PriceSource` on two Parquet files: 20 shares and the S&P 500 to 2022-12-28, the par curve to 2017-03-29."""

    name = "sample"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def prices(self, start: date, end: date) -> pa.Table:
        """One row per ticker and trading day from `start` to `end`, both included, by ticker, then day.

        Columns: ticker, price_date, close (in `currency`, never null), currency, price_kind (see `PriceKind`).
        """
        return self._window("price_daily.parquet", "price_date", start, end)

    def yields(self, start: date, end: date) -> pa.Table:
        """One row per day and issued tenor from `start` to `end`, both included, by day, then tenor.

        Columns: curve_date, tenor_months, par_yield_pct (semiannual par yield in per cent; 0.00 is a real yield).
        """
        return self._window("yield_curve.parquet", "curve_date", start, end)

    def _window(self, file: str, day: str, start: date, end: date) -> pa.Table:
        """The file's rows in the window: no rows, but all its columns and types, where there are none."""
        path = self._folder / file
        if not path.is_file():
            raise FileNotFoundError(
                f"{path} is missing; build it with: python sample_data/build.py <folder with the source files>"
            )
        return pq.read_table(path, filters=[(day, ">=", start), (day, "<=", end)])
