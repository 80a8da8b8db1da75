"""Yahoo's restated history turned back into what was traded."""

from datetime import date
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipelines.sources.sample import SamplePriceSource
from pipelines.sources.yahoo_history import TickerHistory, exact, whole_currency

Day = tuple[str, float, float, float]  # day, close as Yahoo says it now, dividend likewise, split


def history(*days: Day, volume: int = 1_000, currency: str = "USD") -> TickerHistory:
    """A history of a market that closed long ago."""
    moments = pd.DatetimeIndex([day for day, *_ in days]).tz_localize("America/New_York")
    frame = pd.DataFrame(
        [(close, close, volume, dividend, split) for _, close, dividend, split in days],
        index=moments,
        columns=["Close", "Adj Close", "Volume", "Dividends", "Stock Splits"],
    )
    session = {name: pd.Timestamp(f"2026-11-20 {at}", tz="America/New_York") for name, at in SESSION.items()}
    newest = pd.Timestamp("2026-11-20 16:00:01", tz="America/New_York")
    meta = {"currency": currency, "regularMarketTime": newest, "currentTradingPeriod": {"regular": session}}
    return TickerHistory("A", frame, meta)


SESSION = {"start": "09:30", "end": "16:00"}


def closes(of: TickerHistory) -> dict[str, Decimal]:
    return {str(row["price_date"]): row["close"] for row in of.prices()}


def test_a_reverse_split_does_not_make_an_earlier_day_worth_more() -> None:
    """Rulebook 4: 100 @ 2, then 1 for 50. The earlier day is worth 200, not 10,000."""
    traded = closes(history(("2020-01-02", 100, 0, 0), ("2020-01-03", 101, 0, 1 / 50)))

    assert 100 * traded["2020-01-02"] == 200
    assert traded["2020-01-03"] == 101


def test_later_splits_multiply() -> None:
    """Rulebook 4: bought at 10 in 2008, 1 for 5 in 2009, 1 for 4 in 2014; the provider now says 200 for 2008."""
    traded = closes(
        history(("2008-01-02", 200, 0, 0), ("2009-01-02", 200, 0, 0.2), ("2014-01-02", 200, 0, 0.25)),
    )

    assert traded == {"2008-01-02": 10, "2009-01-02": 50, "2014-01-02": 200}


@pytest.mark.parametrize(
    ("split", "new", "old"), [(4.0, 4, 1), (1.5, 3, 2), (1 / 3, 1, 3), (0.02, 1, 50), (1.1, 11, 10), (1.398, 699, 500)]
)
def test_a_split_is_a_ratio_of_whole_numbers(split: float, new: int, old: int) -> None:
    (row,) = history(("2020-01-02", 10, 0, 0), ("2020-01-03", 10, 0, split)).corporate_actions()

    assert (row["split_new"], row["split_old"]) == (new, old)


def test_quantity_times_price_is_the_same_before_and_after_as_traded_or_adjusted() -> None:
    """Rulebook 4's identity, on a split of 3 for 2."""
    restated = history(("2020-01-02", 40, 0, 0), ("2020-01-03", 40, 0, 1.5))
    traded = closes(restated)

    assert 100 * traded["2020-01-02"] == 150 * traded["2020-01-03"] == 150 * 40


def test_volume_is_in_units_of_the_day() -> None:
    first = history(("2020-01-02", 25, 0, 0), ("2020-01-03", 25, 0, 4.0), volume=4_000)
    assert {str(row["price_date"]): row["volume"] for row in first.prices()} == {
        "2020-01-02": 1_000,
        "2020-01-03": 4_000,
    }


def test_a_dividend_on_the_day_of_a_split_is_of_the_new_units() -> None:
    dividend, *_ = [
        row
        for row in history(("2020-01-02", 10, 0, 0), ("2020-01-03", 10, 0.5, 2.0)).corporate_actions()
        if row["action_type"] == "DIVIDEND"
    ]
    assert dividend["amount"] == Decimal("0.5")


def restated(rows: list[dict[str, Any]], splits: dict[date, int]) -> TickerHistory:
    """Return what Yahoo would say of an as-traded series: every close divided by the splits after it, in 32 bits."""
    days: list[Day] = []
    units = 1
    for row in reversed(rows):
        day = row["price_date"]
        close = float(np.float32(float(row["close"]) / units))
        days.append((str(day), close, 0, splits.get(day, 0)))
        units *= splits.get(day, 1)
    return history(*reversed(days))


def test_real_series_come_back_over_their_real_splits() -> None:
    """Apple (2000, 2005) and Microsoft (2003) of the as-traded market: Yahoo's 32 bits keep some seven digits."""
    market = SamplePriceSource(Path(__file__).parents[2] / "sample_data", "as_traded")
    actions = market.corporate_actions(date.min, date.max).to_pylist()
    for ticker, rows in groupby(market.prices(date.min, date.max).to_pylist(), key=lambda row: row["ticker"]):
        splits = {
            row["action_date"]: int(row["split_new"]) for row in actions if row["ticker"] == ticker and row["split_new"]
        }
        series = list(rows)
        traded = closes(restated(series, splits))

        for row in series:
            assert traded[str(row["price_date"])] == pytest.approx(row["close"], rel=Decimal("2e-7"))


def test_the_digits_that_yahoo_meant_come_back() -> None:
    assert exact(124.80750274658203) == Decimal("124.8075")
    assert exact(0.205) == Decimal("0.205")
    assert exact(33_512_595_456) == 33_512_595_456
    assert exact(float("nan")) is exact(float("inf")) is exact(None) is None


def test_minor_units_are_hundredths() -> None:
    assert whole_currency("GBp") == ("GBP", 100)
    assert whole_currency("ZAc") == ("ZAR", 100)
    assert whole_currency("GBP") == ("GBP", 1)
    assert closes(history(("2020-01-02", 250, 0, 0), currency="ZAc")) == {"2020-01-02": Decimal("2.5")}
