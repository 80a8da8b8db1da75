"""Day counts of arrays, of coupon periods, and months added to a day; published ones are in tests/yardsticks."""

from datetime import date

import numpy as np
import pytest

from domain.analytics.fixed_income.day_counts import (
    DayCount,
    accrual_years,
    day_plus_months,
    days_of,
    is_month_end,
    year_fraction,
)


def test_days_by_array_are_the_days_one_by_one():
    starts = np.arange("2007-01-25", "2008-04-05", 3, dtype="datetime64[D]")
    ends = starts + np.arange(len(starts)) * 2
    for count in set(DayCount) - {DayCount.ACT_ACT_ICMA}:
        one_by_one = [float(year_fraction(count, start, end)) for start, end in zip(starts, ends, strict=True)]
        assert year_fraction(count, starts, ends).tolist() == one_by_one


def test_icma_years_need_their_coupon_period():
    with pytest.raises(ValueError, match="coupon periods"):
        year_fraction(DayCount.ACT_ACT_ICMA, date(2024, 1, 1), date(2024, 7, 1))


@pytest.mark.parametrize("count", [count for count in DayCount if count.has_equal_months])
def test_a_part_of_a_period_of_equal_months_never_accrues_more_than_the_whole(count):
    # From 28 February the bond basis and 30E/360 count 182 days until 30 August, two more than half a year has.
    opens, closes = date(2023, 2, 28), date(2023, 8, 31)
    part = accrual_years(count, opens, date(2023, 8, 30), opens, closes, 2)
    assert part <= accrual_years(count, opens, closes, opens, closes, 2) == 0.5


def test_months_are_added_up_to_the_last_day_of_a_month():
    assert day_plus_months(date(2024, 1, 31), 1) == date(2024, 2, 29)
    assert day_plus_months(date(2024, 2, 29), -12) == date(2023, 2, 28)
    assert day_plus_months(date(2023, 2, 28), 6) == date(2023, 8, 28)
    assert day_plus_months(date(2023, 2, 28), 6, keeps_month_end=True) == date(2023, 8, 31)
    assert is_month_end(days_of([date(2023, 2, 28), date(2024, 2, 28), date(2024, 12, 31)])).tolist() == [
        True,
        False,
        True,
    ]
