"""RULEBOOK 10: the business date is a day in the book's own zone. Zones with odd days hold."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.snapshots import business_date

DAYS = 730
# Twelve zones, each with the first of 730 days that hold something odd.
ZONES = {
    "UTC": date(2016, 1, 1),
    "America/New_York": date(2016, 1, 1),  # summer time, and a leap year
    "Europe/London": date(2016, 1, 1),
    "Asia/Tokyo": date(2016, 1, 1),
    "Asia/Kathmandu": date(2016, 1, 1),  # 5 h 45 min
    "Australia/Lord_Howe": date(2016, 1, 1),  # half an hour of summer time
    "America/Nuuk": date(2022, 6, 1),  # moved in March 2023, and dropped summer time for that year
    "Pacific/Apia": date(2011, 1, 1),  # had no 30 December 2011
    "Pacific/Kiritimati": date(1994, 1, 1),  # 14 h ahead of UTC, and skipped 31 December 1994
    "America/Sao_Paulo": date(2017, 1, 1),  # summer time begins at midnight: a day without its first hour
    "Asia/Pyongyang": date(2015, 1, 1),  # half an hour back in August 2015
    "Africa/Casablanca": date(2018, 1, 1),  # summer time all year, but for Ramadan
}


def instants(zone: str) -> Iterator[datetime]:
    """Three a day: at the first moment of the zone's day, a second before it, and somewhere in the middle."""
    for number in range(DAYS):
        start = starts(ZONES[zone] + timedelta(days=number), zone)
        yield from (start, start - timedelta(seconds=1), start + timedelta(hours=11, minutes=7))


def starts(day: date, zone: str) -> datetime:
    """The moment at which a day begins there, found from the wall clock alone; also a day that never was."""
    return datetime.combine(day, time(0), ZoneInfo(zone)).astimezone(UTC)


def days_with(moment: datetime, zone: str) -> list[date]:
    """The days whose span, from their start to the next one's, holds the moment."""
    near = [moment.date() + timedelta(days=number) for number in range(-2, 3)]
    return [day for day in near if starts(day, zone) <= moment < starts(day + timedelta(days=1), zone)]


def astray(zone: str, dated: Callable[[datetime], date]) -> int:
    """How many instants are not in exactly one day, or not dated by it."""
    return sum(days_with(moment, zone) != [dated(moment)] for moment in instants(zone))


@pytest.mark.parametrize("zone", ZONES)
def test_every_instant_is_in_exactly_one_business_day(zone: str) -> None:
    assert astray(zone, lambda moment: business_date(moment, zone)) == 0


@pytest.mark.parametrize("zone", [zone for zone in ZONES if zone != "UTC"])
def test_control_the_servers_date_puts_instants_in_the_wrong_day(zone: str) -> None:
    assert astray(zone, lambda moment: moment.date()) > DAYS // 2


def test_control_todays_offset_is_wrong_where_clocks_change() -> None:
    def dated(moment: datetime) -> date:
        offset = ZoneInfo("Pacific/Apia").utcoffset(datetime(2012, 6, 1))  # noqa: DTZ001
        assert offset
        return (moment + offset).date()

    assert astray("Pacific/Apia", dated) > DAYS // 4


@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        # Lord Howe: UTC+10:30, and half an hour more in summer
        ("Australia/Lord_Howe", "2017-07-01T13:29:59Z", "2017-07-01"),
        ("Australia/Lord_Howe", "2017-07-01T13:30:00Z", "2017-07-02"),
        ("Australia/Lord_Howe", "2017-01-01T12:59:59Z", "2017-01-01"),
        ("Australia/Lord_Howe", "2017-01-01T13:00:00Z", "2017-01-02"),
        # Nuuk: UTC-3 in the winter of 2017, UTC-2 since it moved in March 2023
        ("America/Nuuk", "2017-01-10T02:59:59Z", "2017-01-09"),
        ("America/Nuuk", "2017-01-10T03:00:00Z", "2017-01-10"),
        ("America/Nuuk", "2024-01-10T01:59:59Z", "2024-01-09"),
        ("America/Nuuk", "2024-01-10T02:00:00Z", "2024-01-10"),
        # Apia crossed the date line: after 29 December 2011 came the 31st
        ("Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29"),
        ("Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31"),
    ],
)
def test_the_business_date_is_the_day_in_the_books_own_zone(zone: str, moment: str, day: str) -> None:
    assert business_date(datetime.fromisoformat(moment), zone).isoformat() == day


def test_there_was_no_30_december_2011_in_apia() -> None:
    minutes = [datetime(2011, 12, 28, tzinfo=UTC) + timedelta(minutes=15 * n) for n in range(4 * 24 * 5)]

    assert date(2011, 12, 30) not in {business_date(minute, "Pacific/Apia") for minute in minutes}


def test_the_same_moment_has_the_same_business_date_whatever_zone_it_is_written_in() -> None:
    written = datetime.fromisoformat("2017-03-29T23:30:00-04:00")

    assert business_date(written, "Asia/Tokyo") == business_date(written.astimezone(UTC), "Asia/Tokyo")


def test_a_moment_without_a_zone_has_no_business_date() -> None:
    with pytest.raises(AssertionError, match="without a zone"):
        business_date(datetime(2017, 3, 29), "UTC")  # noqa: DTZ001
