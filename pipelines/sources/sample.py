"""The bundled markets: real prices, rates and Treasury curves that come with the project, read from a folder.

What belongs here: finding the files, and the window. What the figures are and where they come from is in
`sample_data/README.md`; changing their shape is `sample_data/build.py`.
"""

from datetime import date
from pathlib import Path

import pyarrow as pa
from pyarrow import csv
from pyarrow import parquet as pq

from pipelines.sources import market_tables


class SamplePriceSource:
    """`PriceSource` on files. Both markets have the same curve and exchange rates; each has securities of its own.

    `sample`: 20 shares and the S&P 500 to 2022-12-28, adjusted for splits and dividends, so without any of either.
    `as_traded`: five shares from 2000-03-01 to 2013-03-01 as they traded, with their splits and dividends.
    """

    def __init__(self, folder: Path, name: str = "sample") -> None:
        self.name = name
        self._folder = folder
        self._securities = folder if name == "sample" else folder / name

    def prices(self, start: date, end: date) -> pa.Table:
        return _window(self._securities / "price_daily.parquet", "price_date", start, end, market_tables.PRICES)

    def tickers(self) -> set[str]:
        """Everything that it has prices of."""
        return set(pq.read_table(self._securities / "price_daily.parquet", columns=["ticker"])["ticker"].to_pylist())

    def corporate_actions(self, start: date, end: date) -> pa.Table:
        if self.name == "sample":
            return market_tables.CORPORATE_ACTIONS.empty_table()
        return _window(
            self._securities / "corporate_action.parquet", "action_date", start, end, market_tables.CORPORATE_ACTIONS
        )

    def yields(self, start: date, end: date) -> pa.Table:
        return _window(self._folder / "yield_curve.parquet", "curve_date", start, end, market_tables.YIELDS)

    def fx_rates(self, start: date, end: date) -> pa.Table:
        return _window(self._folder / "fx_rate_daily.parquet", "rate_date", start, end, market_tables.FX_RATES)

    def consumer_prices(self, start: date, end: date) -> pa.Table:
        return _window(
            self._folder / "consumer_price.parquet", "index_month", start, end, market_tables.CONSUMER_PRICES
        )

    def fund_metadata(self, start: date, end: date) -> pa.Table:
        return _window(self._securities / "fund_metadata.csv", "as_of", start, end, market_tables.FUND_METADATA)

    def analyst_targets(self, start: date, end: date) -> pa.Table:
        return _window(self._securities / "analyst_target.csv", "as_of", start, end, market_tables.ANALYST_TARGETS)


def _window(path: Path, day: str, start: date, end: date, schema: pa.Schema) -> pa.Table:
    """The file's rows in the window: no rows, but all its columns and types, where there are none."""
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing; build it with: python sample_data/build.py <folder with the source files>"
        )
    within = [(day, ">=", start), (day, "<=", end)]
    if path.suffix == ".parquet":
        return market_tables.in_shape(pq.read_table(path, filters=within), schema)
    options = csv.ConvertOptions(column_types=schema, strings_can_be_null=True)
    rows = market_tables.in_shape(csv.read_csv(path, convert_options=options), schema)
    return rows.filter(pq.filters_to_expression(within))
