import csv
import gzip
import runpy
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import parquet as pq

from domain.securities import AssetType, PriceKind
from pipelines.sources.calendar import trading_days
from pipelines.sources.sample import SamplePriceSource

FOLDER = Path(__file__).parents[2] / "sample_data"
SOURCE = SamplePriceSource(FOLDER)

FIRST, LAST_PRICE, LAST_CURVE = date(1990, 1, 2), date(2022, 12, 28), date(2017, 3, 29)
SHARES = {
    *("AAPL", "AMD", "BAC", "BBY", "CVX", "GE", "HD", "JNJ", "JPM", "KO"),
    *("LLY", "MRK", "MSFT", "PEP", "PFE", "PG", "RRC", "UNH", "WMT", "XOM"),
}
RATE = pa.decimal128(18, 8)

# Trading days of a bond holiday: Columbus Day, Veterans Day, and in January until the NYSE kept the day too (1998).
TRADING_DAYS_WITHOUT_A_CURVE = """
    1990-01-15 1990-10-08 1990-11-12 1991-01-21 1991-10-14 1991-11-11 1992-01-20 1992-10-12 1992-11-11 1993-01-18
    1993-10-11 1993-11-11 1994-01-17 1994-10-10 1994-11-11 1995-01-16 1995-10-09 1996-01-15 1996-10-14 1996-11-11
    1997-01-20 1997-10-13 1997-11-11 1998-10-12 1998-11-11 1999-10-11 1999-11-11 2000-10-09 2001-10-08 2001-11-12
    2002-10-14 2002-11-11 2003-10-13 2003-11-11 2004-10-11 2004-11-11 2005-10-10 2005-11-11 2006-10-09 2007-10-08
    2007-11-12 2008-10-13 2008-11-11 2009-10-12 2009-11-11 2010-10-11 2010-11-11 2011-10-10 2011-11-11 2012-10-08
    2012-11-12 2013-10-14 2013-11-11 2014-10-13 2014-11-11 2015-10-12 2015-11-11 2016-10-10 2016-11-11
"""

# Good Fridays, two days after the attacks of 2001, the mourning for President Ford, the hurricane Sandy.
CURVE_DAYS_WITHOUT_TRADING = """
    1996-04-05 1999-04-02 2001-09-13 2001-09-14 2007-01-02 2007-04-06 2010-04-02 2012-04-06 2012-10-29 2015-04-03
"""


@pytest.fixture(scope="module")
def prices() -> pa.Table:
    return SOURCE.prices(date.min, date.max)


@pytest.fixture(scope="module")
def yields() -> pa.Table:
    return SOURCE.yields(date.min, date.max)


@pytest.fixture(scope="module")
def sessions() -> set[date]:
    days = trading_days("XNYS", date(1990, 1, 1), LAST_PRICE)
    return set(days.filter(days["is_trading_day"])["calendar_date"].to_pylist())


def close_of(ticker: str, day: str) -> object:
    table = SOURCE.prices(date.fromisoformat(day), date.fromisoformat(day))
    (close,) = table.filter(pc.field("ticker") == ticker)["close"].to_pylist()
    return close


def yield_of(tenor_months: int, day: str) -> object:
    table = SOURCE.yields(date.fromisoformat(day), date.fromisoformat(day))
    (par_yield_pct,) = table.filter(pc.field("tenor_months") == tenor_months)["par_yield_pct"].to_pylist()
    return par_yield_pct


def days_by_ticker(prices: pa.Table) -> dict[str, list[date]]:
    by_ticker: dict[str, list[date]] = {}
    for ticker, day in zip(prices["ticker"].to_pylist(), prices["price_date"].to_pylist(), strict=True):
        by_ticker.setdefault(ticker, []).append(day)
    return by_ticker


def test_prices_have_the_columns_and_types_of_the_port(prices: pa.Table) -> None:
    assert [(field.name, field.type) for field in prices.schema] == [
        ("ticker", pa.string()),
        ("price_date", pa.date32()),
        ("close", RATE),
        ("currency", pa.string()),
        ("price_kind", pa.string()),
        ("adjusted_close", RATE),
        ("volume", pa.int64()),
    ]


def test_a_total_return_has_no_adjusted_close_no_volume_and_no_corporate_actions(prices: pa.Table) -> None:
    assert prices["adjusted_close"].null_count == prices["volume"].null_count == prices.num_rows
    assert SOURCE.corporate_actions(date.min, date.max).num_rows == 0


def test_yields_have_the_columns_and_types_of_the_port(yields: pa.Table) -> None:
    assert [(field.name, field.type) for field in yields.schema] == [
        ("curve_date", pa.date32()),
        ("tenor_months", pa.int16()),
        ("par_yield_pct", RATE),
    ]


def test_there_are_twenty_shares_and_the_index_with_8313_days_each(prices: pa.Table) -> None:
    counts = {ticker: len(set(days)) for ticker, days in days_by_ticker(prices).items()}

    assert counts == dict.fromkeys(SHARES | {"SP500", "SP500DIV"}, 8_313)
    assert prices.num_rows == 22 * 8_313


# Total returns of the S&P 500 per calendar year in per cent, as S&P Dow Jones Indices publishes them.
PUBLISHED = {
    **{1991: 30.47, 1992: 7.62, 1993: 10.08, 1994: 1.32, 1995: 37.58, 1996: 22.96, 1997: 33.36, 1998: 28.58},
    **{1999: 21.04, 2000: -9.10, 2001: -11.89, 2002: -22.10, 2003: 28.68, 2004: 10.88, 2005: 4.91, 2006: 15.79},
    **{2007: 5.49, 2008: -37.00, 2009: 26.46, 2010: 15.06, 2011: 2.11, 2012: 16.00, 2013: 32.39, 2014: 13.69},
    **{2015: 1.38, 2016: 11.96, 2017: 21.83, 2018: -4.38, 2019: 31.49, 2020: 18.40, 2021: 28.71},
}


def test_the_index_with_dividends_has_the_published_total_returns(prices: pa.Table) -> None:
    index = prices.filter(pc.field("ticker") == "SP500DIV")
    last = {
        day.year: float(level)
        for day, level in zip(*(index[c].to_pylist() for c in ("price_date", "close")), strict=True)
    }
    found = {year: 100 * (last[year] / last[year - 1] - 1) for year in PUBLISHED}

    assert found == {year: pytest.approx(published, abs=0.45) for year, published in PUBLISHED.items()}
    per_year = [100 * (np.prod([1 + one / 100 for one in of.values()]) ** (1 / 31) - 1) for of in (found, PUBLISHED)]
    assert per_year[0] == pytest.approx(per_year[1], abs=0.1)


def test_prices_are_sorted_by_ticker_then_day(prices: pa.Table) -> None:
    assert prices.equals(prices.sort_by([("ticker", "ascending"), ("price_date", "ascending")]))


def test_yields_are_sorted_by_day_then_tenor_and_unique(yields: pa.Table) -> None:
    keys = list(zip(yields["curve_date"].to_pylist(), yields["tenor_months"].to_pylist(), strict=True))

    assert keys == sorted(set(keys))


def test_the_shares_are_total_return_and_the_index_is_a_price_index_all_in_dollars(prices: pa.Table) -> None:
    kinds = prices.group_by(["ticker", "price_kind", "currency"]).aggregate([]).to_pylist()

    assert {row["ticker"]: (row["price_kind"], row["currency"]) for row in kinds} == {
        **dict.fromkeys(SHARES, ("TOTAL_RETURN", "USD")),
        "SP500": ("PRICE_INDEX", "USD"),
        "SP500DIV": ("TOTAL_RETURN", "USD"),
    }
    assert len(kinds) == 22


@pytest.mark.parametrize(
    ("ticker", "day", "text"),
    [
        ("AAPL", "1990-01-02", "0.264"),
        ("AMD", "1990-01-03", "4.0"),
        ("XOM", "1990-01-04", "3.987"),
        ("RRC", "2022-12-27", "26.375"),
        ("UNH", "2022-12-28", "524.422"),
        ("SP500", "1990-01-02", "359.69"),
        ("SP500", "2022-12-28", "3783.22"),
    ],
)
def test_a_close_is_the_source_text_exactly(ticker: str, day: str, text: str) -> None:
    assert close_of(ticker, day) == Decimal(text)


@pytest.mark.parametrize(
    ("tenor_months", "day", "text"),
    [
        (3, "1990-01-02", "7.83"),  # 0.0783; as a float times 100 it is 7.829999999999999
        (120, "1990-01-02", "7.94"),
        (360, "1990-01-02", "8.00"),
        (1, "2008-12-10", "0.00"),
        (1, "2017-03-29", "0.76"),
        (24, "2017-03-28", "1.30"),
        (240, "2017-03-29", "2.74"),
    ],
)
def test_a_par_yield_is_the_source_text_in_per_cent_exactly(tenor_months: int, day: str, text: str) -> None:
    assert yield_of(tenor_months, day) == Decimal(text)


def test_every_close_that_a_source_has_is_positive_with_at_most_three_decimals(prices: pa.Table) -> None:
    closes = prices.filter(pc.field("ticker") != "SP500DIV")["close"].to_pylist()

    assert min(closes) > 0
    assert all(close == close.quantize(Decimal("0.001")) for close in closes)


def test_yields_are_per_cent_with_at_most_two_decimals(yields: pa.Table) -> None:
    pcts = yields["par_yield_pct"].to_pylist()

    assert (min(pcts), max(pcts)) == (Decimal("0.00"), Decimal("9.18"))
    assert all(pct == pct.quantize(Decimal("0.01")) for pct in pcts)


def test_a_tenor_has_a_row_only_where_it_was_issued(yields: pa.Table) -> None:
    days = dict(zip(*yields.group_by("tenor_months").aggregate([("curve_date", "count")]).columns, strict=True))

    assert {tenor.as_py(): count.as_py() for tenor, count in days.items()} == {
        **dict.fromkeys([3, 6, 12, 24, 36, 60, 84, 120], 6_816),
        1: 3_917,
        240: 5_877,
        360: 5_822,
    }


def test_every_ticker_has_a_price_on_every_session_of_the_nyse_and_on_no_other_day(
    prices: pa.Table, sessions: set[date]
) -> None:
    assert {ticker for ticker, days in days_by_ticker(prices).items() if set(days) != sessions} == set()
    assert len(sessions) == 8_313


def test_the_trading_days_without_a_curve_are_the_bond_holidays(yields: pa.Table, sessions: set[date]) -> None:
    without = {day for day in sessions if day <= LAST_CURVE} - set(yields["curve_date"].to_pylist())

    assert sorted(day.isoformat() for day in without) == TRADING_DAYS_WITHOUT_A_CURVE.split()
    assert len(without) == 59


def test_the_curve_days_without_trading_are_the_closings_of_the_nyse_alone(
    yields: pa.Table, sessions: set[date]
) -> None:
    without = set(yields["curve_date"].to_pylist()) - sessions

    assert sorted(day.isoformat() for day in without) == CURVE_DAYS_WITHOUT_TRADING.split()


def test_both_ends_of_the_window_are_included() -> None:
    prices = SOURCE.prices(date(2017, 3, 24), date(2017, 3, 29))
    yields = SOURCE.yields(date(2017, 3, 24), date(2017, 3, 29))

    days = {date(2017, 3, day) for day in (24, 27, 28, 29)}
    assert set(prices["price_date"].to_pylist()) == days
    assert set(yields["curve_date"].to_pylist()) == days
    assert (prices.num_rows, yields.num_rows) == (4 * 22, 4 * 11)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (date(2017, 3, 25), date(2017, 3, 26)),  # a weekend
        (date(1980, 1, 1), date(1989, 12, 31)),
        (date(2023, 1, 1), date(2026, 12, 31)),
        (date(2017, 3, 29), date(2017, 3, 24)),  # ends before it starts
    ],
)
def test_a_window_without_rows_keeps_its_columns_and_types(
    start: date, end: date, prices: pa.Table, yields: pa.Table
) -> None:
    no_prices, no_yields = SOURCE.prices(start, end), SOURCE.yields(start, end)

    assert (no_prices.num_rows, no_yields.num_rows) == (0, 0)
    assert (no_prices.schema, no_yields.schema) == (prices.schema, yields.schema)


def test_the_curve_ends_before_the_prices(prices: pa.Table, yields: pa.Table) -> None:
    assert (pc.min(prices["price_date"]).as_py(), pc.max(prices["price_date"]).as_py()) == (FIRST, LAST_PRICE)
    assert (pc.min(yields["curve_date"]).as_py(), pc.max(yields["curve_date"]).as_py()) == (FIRST, LAST_CURVE)


def test_a_missing_file_is_named_with_what_builds_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"price_daily\.parquet is missing.*sample_data/build\.py"):
        SamplePriceSource(tmp_path).prices(FIRST, LAST_PRICE)
    with pytest.raises(FileNotFoundError, match=r"yield_curve\.parquet is missing.*sample_data/build\.py"):
        SamplePriceSource(tmp_path).yields(FIRST, LAST_CURVE)


def test_each_ticker_has_one_registered_security_of_the_same_price_kind(prices: pa.Table) -> None:
    with (FOLDER / "securities.csv").open(encoding="utf-8", newline="") as lines:
        securities = list(csv.DictReader(lines))

    kinds = dict(zip(prices["ticker"].to_pylist(), prices["price_kind"].to_pylist(), strict=True))
    assert [row["ticker"] for row in securities] == sorted(kinds)
    for row in securities:
        assert PriceKind(row["price_kind"]) == kinds[row["ticker"]]
        is_index = AssetType(row["asset_type"]) is AssetType.INDEX
        assert is_index == (row["ticker"] in ("SP500", "SP500DIV"))
        assert all(row[column] for column in ("display_name", "currency", "country"))
        assert all(bool(row[column]) != is_index for column in ("exchange", "sector", "industry"))


def test_the_long_series_is_shillers_by_month_without_a_gap() -> None:
    rows = pq.read_table(FOLDER / "sp500_monthly.parquet").to_pylist()
    months = np.array([row["month"] for row in rows], "datetime64[M]")

    assert (str(months[0]), str(months[-1]), len(rows)) == ("1871-01", "2023-06", 1_830)
    assert (np.diff(months) == np.timedelta64(1, "M")).all()
    assert all(value > 0 for row in rows for name, value in row.items() if name != "month")
    assert (rows[0]["index_level"], rows[0]["dividend_annual"], rows[0]["long_yield_pct"]) == (
        Decimal("4.44"),
        Decimal("0.26"),
        Decimal("5.32"),
    )


def test_the_long_series_is_the_mean_of_the_months_closes(prices) -> None:
    """SP500 is another source's, by day."""
    rows = pq.read_table(FOLDER / "sp500_monthly.parquet").to_pylist()
    index = prices.filter(pc.equal(prices["ticker"], "SP500")).to_pydict()
    closes: dict[str, list[float]] = {}
    for day, close in zip(index["price_date"], index["close"], strict=True):
        closes.setdefault(f"{day:%Y-%m}", []).append(float(close))
    levels = {f"{row['month']:%Y-%m}": float(row["index_level"]) for row in rows}

    off = [abs(np.mean(closes[month]) / levels[month] - 1) for month in closes if month < "2022-12"]
    assert max(off) < 0.004
    assert np.median(off) < 1e-5


def test_the_sample_is_small_enough_to_commit() -> None:
    assert sum(file.stat().st_size for file in FOLDER.rglob("*") if file.is_file()) < 1_500_000


def gz(path: Path, text: str) -> None:
    path.write_bytes(gzip.compress(text.encode()))


def test_building_keeps_digits_that_a_float_would_lose(tmp_path: Path) -> None:
    gz(tmp_path / "sp500_dataset.csv.gz", "Date,B,A\n1990-01-02,9999999999.12345678,0.1\n")
    gz(tmp_path / "sp500_index.csv.gz", "Date,SP500\n1990-01-02,359.69\n")
    gz(tmp_path / "shiller_sp500_monthly.csv.gz", "Date,Dividend\n1990-01-01,11.14\n")

    table = runpy.run_path(str(FOLDER / "build.py"))["price_daily"](tmp_path)

    assert dict(zip(table["ticker"].to_pylist(), table["close"].to_pylist(), strict=True)) == {
        "A": Decimal("0.1"),
        "B": Decimal("9999999999.12345678"),
        "SP500": Decimal("359.69"),
        "SP500DIV": Decimal("359.69"),
    }


def test_building_refuses_a_ninth_decimal(tmp_path: Path) -> None:
    gz(tmp_path / "sp500_dataset.csv.gz", "Date,A\n1990-01-02,0.123456789\n")
    gz(tmp_path / "sp500_index.csv.gz", "Date,SP500\n1990-01-02,359.69\n")
    gz(tmp_path / "shiller_sp500_monthly.csv.gz", "Date,Dividend\n1990-01-01,11.14\n")

    with pytest.raises(pa.ArrowInvalid, match="data loss"):
        runpy.run_path(str(FOLDER / "build.py"))["price_daily"](tmp_path)


def test_building_leaves_blank_tenors_out_and_keeps_zero_yields(tmp_path: Path) -> None:
    tenors = "1month,3month,6month,1year,2year,3year,5year,7year,10year,20year,30year"
    day = "1990-01-02 00:00:00+00:00"
    gz(tmp_path / "treasury_curves.csv.gz", f"Time Period,{tenors}\n{day},,0.0783,,,,,,,,,0.0\n")

    table = runpy.run_path(str(FOLDER / "build.py"))["yield_curve"](tmp_path)

    assert table["tenor_months"].to_pylist() == [3, 360]
    assert table["par_yield_pct"].to_pylist() == [Decimal("7.83"), Decimal(0)]


def test_building_refuses_a_source_of_another_length_and_writes_nothing(tmp_path: Path) -> None:
    gz(tmp_path / "sp500_dataset.csv.gz", "Date,A\n1990-01-02,0.1\n")
    gz(tmp_path / "sp500_index.csv.gz", "Date,SP500\n1990-01-02,359.69\n")
    gz(tmp_path / "shiller_sp500_monthly.csv.gz", "Date,Dividend\n1990-01-01,11.14\n")
    gz(tmp_path / "treasury_curves.csv.gz", "Time Period,1month\n1990-01-02,0.0783\n")

    with pytest.raises(SystemExit, match=r"price_daily\.parquet: 3 rows where 182,886 were expected"):
        runpy.run_path(str(FOLDER / "build.py"))["build"](tmp_path, tmp_path)
    assert list(tmp_path.glob("*.parquet")) == []


def test_the_same_table_is_written_as_the_same_bytes(tmp_path: Path, yields: pa.Table) -> None:
    write = runpy.run_path(str(FOLDER / "build.py"))["write"]

    write(yields, tmp_path / "once.parquet")
    write(yields, tmp_path / "twice.parquet")

    assert (tmp_path / "once.parquet").read_bytes() == (tmp_path / "twice.parquet").read_bytes()
