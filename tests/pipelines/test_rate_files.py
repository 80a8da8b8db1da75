"""Files of rates beside a market: they fill days that it has not, and change none that it has."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from domain.ports import IncompleteMarket
from pipelines.runtime.resources import bundled_market
from pipelines.sources import market_tables
from pipelines.sources.live import LiveMarket
from pipelines.sources.rate_files import NoFred, WithRateFiles

SAMPLE = bundled_market("sample")
MONDAY, TUESDAY = date(2017, 3, 27), date(2017, 3, 28)


@dataclass
class SilentEcb:
    """A central bank that answers for nothing but the dollar of a day."""

    asked: list[tuple[date, date]] = field(default_factory=list)

    def fx_rates(self, start: date, end: date) -> pa.Table:
        self.asked.append((start, end))
        row = {"currency": "USD", "rate_date": MONDAY, "rate_per_eur": Decimal("1.0889")}
        raise IncompleteMarket("ecb", pa.Table.from_pylist([row], schema=market_tables.FX_RATES), {"eurofxref": "429"})


def rates(table: pa.Table) -> dict[tuple[str, date], Decimal]:
    return {(row["currency"], row["rate_date"]): row["rate_per_eur"] for row in table.to_pylist()}


def test_the_markets_own_rates_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "eurofxref.csv").write_text("Date,USD,JPY,XCG\n2017-03-27,9.9,9.9,1.95\n2017-03-25,1.08,120,1.94\n")

    joined = WithRateFiles(SAMPLE, tmp_path).fx_rates(MONDAY, TUESDAY)

    alone = SAMPLE.fx_rates(MONDAY, TUESDAY)
    assert joined.schema == alone.schema
    assert rates(joined) == {**rates(alone), ("XCG", MONDAY): Decimal("1.95")}


def test_without_files_it_is_the_market(tmp_path: Path) -> None:
    joined = WithRateFiles(SAMPLE, tmp_path / "none")

    for table in ("fx_rates", "yields", "consumer_prices", "prices", "corporate_actions", "fund_metadata"):
        assert getattr(joined, table)(MONDAY, TUESDAY).equals(getattr(SAMPLE, table)(MONDAY, TUESDAY)), table
    assert joined.analyst_targets(MONDAY, TUESDAY).equals(SAMPLE.analyst_targets(MONDAY, TUESDAY))
    assert joined.name == "sample"


def test_what_a_silent_market_lacks_is_filled_and_still_said_to_be_missing(tmp_path: Path) -> None:
    (tmp_path / "eurofxref.csv").write_text("Date,USD,JPY\n2017-03-27,1.0000,120.5\n2017-03-28,1.0859,120.01\n")
    live = LiveMarket(None, NoFred(), SilentEcb())

    with pytest.raises(IncompleteMarket) as raised:
        WithRateFiles(live, tmp_path).fx_rates(MONDAY, MONDAY)

    assert rates(raised.value.rows) == {("JPY", MONDAY): Decimal("120.5"), ("USD", MONDAY): Decimal("1.0889")}
    assert raised.value.missing == {"eurofxref": "429"}


def test_freds_files_are_a_curve_and_prices_without_a_key(tmp_path: Path) -> None:
    (tmp_path / "DGS10.csv").write_text("observation_date,DGS10\n2017-03-27,2.38\n2017-03-28,2.42\n")
    (tmp_path / "DGS3MO.csv").write_text("observation_date,DGS3MO\n2017-03-27,0.78\n")
    (tmp_path / "CPIAUCSL.csv").write_text("observation_date,CPIAUCSL\n2017-03-01,243.892\n")
    live = WithRateFiles(LiveMarket(None, NoFred(), SilentEcb()), tmp_path)

    curve = live.yields(MONDAY, MONDAY).to_pylist()
    levels = live.consumer_prices(date(2017, 1, 1), TUESDAY).to_pylist()

    assert [(row["tenor_months"], row["par_yield_pct"]) for row in curve] == [
        (3, Decimal("0.78")),
        (120, Decimal("2.38")),
    ]
    assert levels == [{"series": "CPIAUCSL", "index_month": date(2017, 3, 1), "index_level": Decimal("243.892")}]


def test_a_file_of_rates_that_cannot_be_read_is_named_once(tmp_path: Path) -> None:
    (tmp_path / "eurofxref.csv").write_text("Date,USD,JPY\n2017-03-27,1.0889,120.5\n28 March 2017,1.0859,120.01\n")
    (tmp_path / "list.csv").write_text("a,b\n1,2\n")

    found = WithRateFiles(SAMPLE, tmp_path)

    assert list(found.remarks) == ["eurofxref.csv"]
    assert "two forms" in found.remarks["eurofxref.csv"]
