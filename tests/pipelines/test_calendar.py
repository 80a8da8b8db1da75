import subprocess
import sys
import warnings
from collections import Counter
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from exchange_calendars.errors import InvalidCalendarName

from pipelines.sources.calendar import trading_days


def rows(start: date, end: date) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = trading_days("XNYS", start, end).to_pylist()
    return listed


@cache
def whole() -> list[dict[str, Any]]:
    """All years at once: the library takes 0.3 s for a calendar, of a day or of many years."""
    return rows(date(1990, 1, 1), date(2026, 12, 31))


def is_trading_day(day: str) -> bool:
    return bool(whole()[(date.fromisoformat(day) - date(1990, 1, 1)).days]["is_trading_day"])


def test_every_calendar_day_of_the_window_has_one_row_in_order() -> None:
    days = [row["calendar_date"] for row in whole()]

    assert days == [date(1990, 1, 1) + timedelta(days=n) for n in range(13_514)]


def test_the_columns_have_their_types() -> None:
    assert [(field.name, field.type) for field in trading_days("XNYS", date(2015, 1, 1), date(2015, 1, 9)).schema] == [
        ("exchange", pa.string()),
        ("calendar_date", pa.date32()),
        ("is_trading_day", pa.bool_()),
        ("is_business_day", pa.bool_()),
    ]


def test_a_week_with_a_holiday_reads_as_it_was() -> None:
    # Independence Day 2015 was a Saturday, kept on Friday the 3rd.
    assert [
        (row["exchange"], row["calendar_date"].day, row["is_trading_day"], row["is_business_day"])
        for row in rows(date(2015, 7, 2), date(2015, 7, 6))
    ] == [
        ("XNYS", 2, True, True),
        ("XNYS", 3, False, True),
        ("XNYS", 4, False, False),
        ("XNYS", 5, False, False),
        ("XNYS", 6, True, True),
    ]


@pytest.mark.parametrize(
    "day",
    [
        "1994-04-27",  # President Nixon's funeral
        "2001-09-11",
        "2001-09-14",
        "2004-06-11",  # President Reagan's funeral
        "2007-01-02",  # mourning for President Ford
        "2012-10-29",  # hurricane Sandy
        "2012-10-30",
        "2018-12-05",  # mourning for President G. H. W. Bush
        "2025-01-09",  # mourning for President Carter
        "1998-01-19",  # Martin Luther King Day, kept from 1998
        "2022-06-20",  # Juneteenth, kept from 2022
        "2026-04-03",  # Good Friday
        "2026-12-25",
    ],
)
def test_the_nyse_was_closed_on(day: str) -> None:
    assert not is_trading_day(day)


@pytest.mark.parametrize(
    "day",
    [
        "1990-01-02",
        "1997-01-20",  # Martin Luther King Day, before it was kept
        "2001-09-17",
        "2021-06-18",  # the eve of Juneteenth, before it was kept
        "2015-10-12",  # Columbus Day: the bond market alone is closed
        "2015-11-27",  # a short session is a session
        "2026-12-31",
    ],
)
def test_the_nyse_was_open_on(day: str) -> None:
    assert is_trading_day(day)


# Sessions a year as the NYSE had them: 248 in 2001 (four days lost in September), 250 in 2012 (two to the hurricane).
@pytest.mark.parametrize(
    ("year", "sessions"), [(1990, 253), (1996, 254), (2001, 248), (2012, 250), (2015, 252), (2022, 251)]
)
def test_a_window_of_one_year_has_its_sessions(year: int, sessions: int) -> None:
    assert sum(row["is_trading_day"] for row in whole() if row["calendar_date"].year == year) == sessions


def test_a_year_reads_the_same_alone_as_within_the_whole_window() -> None:
    for year in (1990, 2001, 2017, 2026):
        alone = rows(date(year, 1, 1), date(year, 12, 31))
        assert alone == [row for row in whole() if row["calendar_date"].year == year]


def test_a_business_day_is_monday_to_friday_and_every_trading_day_is_one() -> None:
    business_days = [row for row in whole() if row["is_business_day"]]

    assert Counter(row["calendar_date"].weekday() for row in business_days).keys() == set(range(5))
    assert all(row["is_business_day"] == (row["calendar_date"].weekday() < 5) for row in whole())
    assert all(row["is_business_day"] for row in whole() if row["is_trading_day"])


def test_a_weekend_alone_is_two_days_without_trading() -> None:
    weekend = rows(date(2015, 7, 4), date(2015, 7, 5))

    assert [row["is_trading_day"] for row in weekend] == [False, False]


def test_a_window_that_ends_before_it_starts_has_columns_and_no_rows() -> None:
    none = trading_days("XNYS", date(2015, 7, 6), date(2015, 7, 5))

    assert none.num_rows == 0
    assert none.schema == trading_days("XNYS", date(2015, 7, 6), date(2015, 7, 6)).schema


def test_an_unknown_exchange_is_refused_by_name() -> None:
    with pytest.raises(InvalidCalendarName, match="XXXX"):
        trading_days("XXXX", date(2015, 1, 1), date(2015, 12, 31))


def test_the_filter_on_the_librarys_warning_does_not_outlive_the_call() -> None:
    before = list(warnings.filters)

    trading_days("XNYS", date(2015, 1, 1), date(2015, 12, 31))

    assert list(warnings.filters) == before


def test_pandas_is_not_imported_until_a_calendar_is_asked_for() -> None:
    script = "import sys, pipelines.sources.calendar, pipelines.sources.sample; sys.exit('pandas' in sys.modules)"

    ran = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2], check=False)

    assert ran.returncode == 0
