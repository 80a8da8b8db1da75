"""Day counts: how much of a year lies between two days, by the conventions that bonds name.

Here: days, year fractions, what accrues within a coupon period, and months added to a day. Not here: which days are
coupon dates. Every function takes single days or arrays of them, and gives arrays (of no dimension for single days).

The conventions that a security's details can have are the first five. Of the others, the bond basis is ISDA's 30/360
without a rule for February, 30E/360 ISDA is the German one, and ACT/ACT EXCEL is a spreadsheet's YEARFRAC of basis 1.
"""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from domain.analytics.arrays import Days, Float64, Int64

DayOrDays = date | Sequence[date] | np.datetime64 | Days


class DayCount(StrEnum):
    ACT_ACT_ICMA = "ACT/ACT ICMA"
    THIRTY_360_US = "30/360 US"
    THIRTY_E_360 = "30E/360"
    ACT_360 = "ACT/360"
    ACT_365F = "ACT/365F"
    ACT_ACT_ISDA = "ACT/ACT ISDA"
    ACT_ACT_EXCEL = "ACT/ACT EXCEL"
    THIRTY_360_BOND_BASIS = "30/360 BOND BASIS"
    THIRTY_E_360_ISDA = "30E/360 ISDA"

    @property
    def has_equal_months(self) -> bool:
        """True if a month has 30 days and a year 360."""
        return self.value.startswith("30")


def days_of(days: DayOrDays) -> Days:
    """`days` as an array of whole days."""
    return np.asarray(days, dtype="datetime64[D]")


def plus_months(day: DayOrDays, months: int | Int64, keeps_month_end: bool = False) -> Days:
    """`day` moved by `months`, both broadcast: the same day of the month, or its last if it has no such day.

    With `keeps_month_end` always the last of the month: the end-of-month rule of a bond.
    """
    start = days_of(day)
    month = start.astype("datetime64[M]")
    into = start - month.astype("datetime64[D]")
    moved = month + np.asarray(months, dtype=np.int64).astype("timedelta64[M]")
    last = (moved + 1).astype("datetime64[D]") - 1
    return np.asarray(last if keeps_month_end else np.minimum(moved.astype("datetime64[D]") + into, last))


def day_plus_months(day: date, months: int, keeps_month_end: bool = False) -> date:
    """`plus_months` of one day."""
    return date.fromisoformat(str(plus_months(day, months, keeps_month_end)))


def is_month_end(day: DayOrDays) -> NDArray[np.bool_]:
    days = days_of(day)
    return np.asarray((days + 1).astype("datetime64[M]") != days.astype("datetime64[M]"))


def days_between(count: DayCount, start: DayOrDays, end: DayOrDays) -> Int64:
    """Days from `start` to `end`: calendar days, or those of twelve months of 30 days. Negative backwards.

    Notes
    -----
    30/360 US: a start at the end of February or on the 31st counts as the 30th; an end on the 31st too if the start
    does; an end at the end of February too if the start is one. Bond basis: the same without February. 30E/360: each
    31st is the 30th. 30E/360 ISDA: each last day of a month is the 30th, and an end in February that is the maturity
    would be excepted, which is not known here.
    Source: SIFMA Standard Securities Calculation Methods; ISDA 2006 Definitions 4.16 (f), (g), (h).
    """
    first, last = np.broadcast_arrays(days_of(start), days_of(end))
    if not count.has_equal_months:
        return np.asarray((last - first).astype(np.int64))
    (month1, day1), (month2, day2) = _month_and_day(first), _month_and_day(last)
    if count is DayCount.THIRTY_E_360_ISDA:
        day1 = np.where(is_month_end(first), 30, day1)
        day2 = np.where(is_month_end(last), 30, day2)
    elif count is DayCount.THIRTY_E_360:
        day1, day2 = np.minimum(day1, 30), np.minimum(day2, 30)
    else:
        if count is DayCount.THIRTY_360_US:
            starts_at_end = _is_end_of_february(first)
            day2 = np.where(starts_at_end & _is_end_of_february(last), 30, day2)
            day1 = np.where(starts_at_end, 30, day1)
        day2 = np.where((day2 == 31) & (day1 >= 30), 30, day2)
        day1 = np.minimum(day1, 30)
    return np.asarray(30 * (month2 - month1) + day2 - day1)


def year_fraction(count: DayCount, start: DayOrDays, end: DayOrDays) -> Float64:
    """Years from `start` to `end`.

    ValueError for ACT/ACT ICMA, which has no years without the coupon period: see `accrual_years`.

    Notes
    -----
    ACT/ACT ISDA: days in a leap year over 366, the others over 365. ACT/ACT EXCEL: over the mean length of the
    calendar years touched; within a year over 366 if a 29 February is in it or in the one calendar year.
    Source: ISDA 2006 Definitions 4.16 (b); the spreadsheet's by its published results.
    """
    if count is DayCount.ACT_ACT_ICMA:
        raise ValueError("ACT/ACT ICMA counts in coupon periods, which two days alone do not tell")
    if count is DayCount.ACT_ACT_ISDA:
        (year1, part1), (year2, part2) = _year_and_part(start), _year_and_part(end)
        return np.asarray((year2 - year1) + (part2 - part1))
    days = days_between(count, start, end).astype(np.float64)
    if count is DayCount.ACT_ACT_EXCEL:
        return days / _mean_year(days_of(start), days_of(end))
    return days / (365 if count is DayCount.ACT_365F else 360)


def accrual_years(
    count: DayCount, start: DayOrDays, end: DayOrDays, period_start: DayOrDays, period_end: DayOrDays, frequency: int
) -> Float64:
    """Return what accrues from `start` to `end`, both in one regular coupon period, in years of the coupon rate.

    A whole period of ACT/ACT ICMA or of equal months is exactly 1 / `frequency`, and a part of one is never more.
    By the other conventions a period is as long as it is. 0 if `end` is before `start`. Source: ICMA Rule 251.
    """
    first, last, opens, closes = (days_of(day) for day in (start, end, period_start, period_end))
    if count is DayCount.ACT_ACT_ICMA:
        years = (last - first) / (closes - opens) / frequency
    elif count.has_equal_months:
        part = np.minimum(days_between(count, first, last) / 360, 1 / frequency)
        years = np.where((first == opens) & (last == closes), 1 / frequency, part)
    else:
        years = year_fraction(count, first, last)
    return np.maximum(years, 0.0)


def _month_and_day(days: Days) -> tuple[Int64, Int64]:
    """Months since 1970 and the day of the month from 1."""
    months = days.astype("datetime64[M]")
    return months.astype(np.int64), (days - months.astype("datetime64[D]")).astype(np.int64) + 1


def _is_end_of_february(days: Days) -> NDArray[np.bool_]:
    months = days.astype("datetime64[M]").astype(np.int64)
    return np.asarray((months % 12 == 1) & is_month_end(days))


def _year_and_part(day: DayOrDays) -> tuple[Int64, Float64]:
    """Calendar year, counted from 1970, and the part of it that is over."""
    days = days_of(day)
    years = days.astype("datetime64[Y]")
    opens, closes = years.astype("datetime64[D]"), (years + 1).astype("datetime64[D]")
    return years.astype(np.int64), np.asarray((days - opens) / (closes - opens))


def _mean_year(start: Days, end: Days) -> Float64:
    first, last = start.astype("datetime64[Y]"), end.astype("datetime64[Y]")
    years = (last - first).astype(np.int64) + 1
    mean = ((last + 1).astype("datetime64[D]") - first.astype("datetime64[D]")).astype(np.int64) / years
    # Within twelve months there is no mean: the year has 366 days if a 29 February is among its days.
    leap_days = _leap_days_until(end) - _leap_days_until(start - 1)
    within = np.where((leap_days > 0) & (first != last), 366.0, 365.0)
    return np.where((first != last) & (end <= plus_months(start, 12)), within, mean)


def _leap_days_until(days: Days) -> Int64:
    """How many days called 29 February there are up to and with each of `days`, from some fixed year on."""
    years = days.astype("datetime64[Y]").astype(np.int64) + 1970
    before = years - 1
    is_leap = (years % 4 == 0) & ((years % 100 != 0) | (years % 400 == 0))
    past_february = days.astype("datetime64[M]").astype(np.int64) % 12 >= 2
    at_leap_day = _is_end_of_february(days)
    return np.asarray(before // 4 - before // 100 + before // 400 + (is_leap & (past_february | at_leap_day)))
