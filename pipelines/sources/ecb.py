"""The European Central Bank's euro reference rates, from its own file.

What belongs here: fetching and reading the file. It is published about 16:00 in Frankfurt on the bank's business days;
a day it does not have is not filled in here. The bank has no shorter CSV than the whole history (0.7 MB), so each call
reads that, and corrections of old days come with it.
"""

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation

import pyarrow as pa

from pipelines.sources import market_tables
from pipelines.sources.http import BadResponse, RetryPolicy, Row, fetch_all, get, on_days

ROOT_URL = "https://www.ecb.europa.eu/stats/eurofxref"
HISTORY = "eurofxref-hist"


class EcbRateSource:
    """The exchange rates of `PriceSource`. `IncompleteMarket.missing` names the file: it is all or nothing."""

    name = "ecb"

    def __init__(
        self, root_url: str = ROOT_URL, patience: RetryPolicy | None = None, timeout_seconds: float = 30
    ) -> None:
        self._root_url = root_url
        self._patience = patience or RetryPolicy()
        self._timeout_seconds = timeout_seconds

    def fx_rates(self, start: date, end: date) -> pa.Table:
        def ask(file: str) -> Iterator[Row]:
            archive = get(f"{self._root_url}/{file}.zip", self._timeout_seconds)
            return on_days(_rates(archive, f"{file}.csv"), "rate_date", start, end)

        return fetch_all(self.name, [HISTORY], ask, self._patience, market_tables.FX_RATES, "currency", "rate_date")


def _rates(archive: bytes, file: str) -> list[Row]:
    """Every rate in the archive. The file has a column per currency, N/A where there is none, and a comma too many."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            lines = csv.DictReader(io.StringIO(opened.read(file).decode("utf-8")))
        return [
            {"currency": currency, "rate_date": date.fromisoformat(line["Date"]), "rate_per_eur": Decimal(rate)}
            for line in lines
            for currency, rate in line.items()
            if currency not in ("Date", "") and rate not in ("N/A", "", None)
        ]
    except (zipfile.BadZipFile, KeyError, ValueError, InvalidOperation) as error:
        raise BadResponse(f"the answer is no {file} in a zip file ({error})") from error
