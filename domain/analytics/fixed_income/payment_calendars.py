"""Business days of payment calendars, and payments that are moved to one.

Here: which days a coupon or redemption is not paid on, and where it goes then. Not here: sessions of an exchange,
which are the market's. Holidays are those by rule since 2000, and single days that were decreed up to 2023. Sources:
the ECB's long-term calendar of TARGET; 5 U.S.C. 6103, as the Federal Reserve Banks keep it (a holiday on a Saturday is
not moved); the Banking and Financial Dealings Act 1971 and proclamations.
"""

from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from typing import Literal

import numpy as np

from domain.analytics.arrays import Days
from domain.analytics.fixed_income.day_counts import days_of

_YEARS = range(1970, 2200)
_SATURDAY = 5
_SUNDAY = 6


class PaymentCalendar(StrEnum):
    """WEEKENDS has Saturdays and Sundays alone; the others have holidays too."""

    WEEKENDS = "WEEKENDS"
    TARGET = "TARGET"
    US_FEDERAL = "US_FEDERAL"
    UK = "UK"


class PaymentConvention(StrEnum):
    """Where a payment goes that falls on no business day; interest accrues as if it were not moved."""

    FOLLOWING = "FOLLOWING"
    MODIFIED_FOLLOWING = "MODIFIED_FOLLOWING"
    PRECEDING = "PRECEDING"


_ROLLS: dict[PaymentConvention, Literal["following", "modifiedfollowing", "preceding"]] = {
    PaymentConvention.FOLLOWING: "following",
    PaymentConvention.MODIFIED_FOLLOWING: "modifiedfollowing",
    PaymentConvention.PRECEDING: "preceding",
}


def moved(days: Days, convention: PaymentConvention, calendar: PaymentCalendar) -> Days:
    """`days` (n,), those that are no business days moved to one; MODIFIED_FOLLOWING stays in the month."""
    return np.asarray(np.busday_offset(days, 0, _ROLLS[convention], busdaycal=_calendar(calendar)))


def business_days_before(days: Days, count: int, calendar: PaymentCalendar) -> Days:
    """The day (n,) that is so many business days before each of `days` (n,), which need not be one."""
    first = np.busday_offset(days, 0, "following", busdaycal=_calendar(calendar))
    return np.asarray(np.busday_offset(first, -count, busdaycal=_calendar(calendar)))


@cache
def _calendar(calendar: PaymentCalendar) -> np.busdaycalendar:
    closed = [day for year in _YEARS for day in _HOLIDAYS[calendar](year)]
    return np.busdaycalendar(holidays=days_of(closed))


def _weekends_only(_: int) -> list[date]:
    return []


def _target(year: int) -> list[date]:
    easter = _easter(year)
    fixed = [date(year, 1, 1), date(year, 5, 1), date(year, 12, 25), date(year, 12, 26)]
    last = [date(year, 12, 31)] if year in (1998, 1999, 2001) else []  # the change of century, and to euro notes
    return [*fixed, easter - timedelta(2), easter + timedelta(1), *last]


def _us_federal(year: int) -> list[date]:
    fixed = [date(year, 1, 1), date(year, 7, 4), date(year, 11, 11), date(year, 12, 25)]
    if year >= 2022:  # signed in June 2021, and kept from the next year on
        fixed.append(date(year, 6, 19))
    observed = [day + timedelta(1) if day.weekday() == _SUNDAY else day for day in fixed]
    mondays = [_nth_monday(year, 1, 3), _nth_monday(year, 2, 3), _last_monday(year, 5)]
    mondays += [_nth_monday(year, 9, 1), _nth_monday(year, 10, 2)]
    first = date(year, 11, 1)
    return [*observed, *mondays, first + timedelta((3 - first.weekday()) % 7 + 21)]


def _uk(year: int) -> list[date]:
    easter = _easter(year)
    found = [easter - timedelta(2), easter + timedelta(1), _after_weekend(date(year, 1, 1))]
    early = {1995: date(1995, 5, 8), 2020: date(2020, 5, 8)}.get(year, _nth_monday(year, 5, 1))
    spring = {2002: date(2002, 6, 4), 2012: date(2012, 6, 4), 2022: date(2022, 6, 2)}.get(year, _last_monday(year, 5))
    christmas = date(year, 12, 25)
    boxing = date(year, 12, 26)
    if christmas.weekday() >= _SATURDAY:  # both are made up for, and the 27th and 28th are Monday and Tuesday
        christmas, boxing = date(year, 12, 27), date(year, 12, 28 if christmas.weekday() == _SATURDAY else 26)
    elif boxing.weekday() == _SATURDAY:
        boxing = date(year, 12, 28)
    return [*found, early, spring, _last_monday(year, 8), christmas, boxing, *_UK_DECREED.get(year, ())]


_UK_DECREED = {
    1999: [date(1999, 12, 31)],
    2002: [date(2002, 6, 3)],
    2011: [date(2011, 4, 29)],
    2012: [date(2012, 6, 5)],
    2022: [date(2022, 6, 3), date(2022, 9, 19)],
    2023: [date(2023, 5, 8)],
}
_HOLIDAYS = {
    PaymentCalendar.WEEKENDS: _weekends_only,
    PaymentCalendar.TARGET: _target,
    PaymentCalendar.US_FEDERAL: _us_federal,
    PaymentCalendar.UK: _uk,
}


def _after_weekend(day: date) -> date:
    return day + timedelta(max(0, 7 - day.weekday())) if day.weekday() >= _SATURDAY else day


def _nth_monday(year: int, month: int, number: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(-first.weekday() % 7 + 7 * (number - 1))


def _last_monday(year: int, month: int) -> date:
    last = date(year, month + 1, 1) - timedelta(1)
    return last - timedelta(last.weekday())


def _easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar: the anonymous algorithm of 1876."""
    golden, century, of_century = year % 19, year // 100, year % 100
    correction = (century - (century + 8) // 25 + 1) // 3
    moon = (19 * golden + century - century // 4 - correction + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (of_century // 4) - moon - of_century % 4) % 7
    late = (golden + 11 * moon + 22 * weekday) // 451
    month, day = divmod(moon + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)
