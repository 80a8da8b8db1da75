"""Day and moment that a command or a question means, where it does not say so itself."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from domain.entries import When
from domain.errors import DayToCome, InvalidInput
from domain.ledger import FIRST_DAY
from domain.ports import Clock
from domain.snapshots import business_date

_CLOSE = time(16)
_START_OF_DAY = time(0)


class FutureDay(DayToCome):
    code = InvalidInput.code

    def __init__(self, day: date, today: date, zone: str, clock: Clock) -> None:
        said = f"business_date {day} is in the future; today is {today} in {zone}"
        super().__init__(said, clock.last_day, field="business_date")


def event_time(day: date | None, event_ts: datetime | None, zone: str, clock: Clock) -> When:
    """The moment of a transaction: by default today in `zone`, at 16:00.

    A moment alone gives its day in `zone`. Given both, the day counts; they may be one day apart, since a trade after
    hours and a midnight in UTC belong to a neighbouring day, but more is a contradiction.
    """
    day_of_event = business_date(event_ts, zone) if event_ts else None
    decided = _accepted(day or day_of_event or clock.today(zone), zone, clock)
    if event_ts is None or day_of_event is None:
        return When(_at(decided, _CLOSE, zone), decided)
    if abs(day_of_event - decided) > timedelta(days=1):
        raise InvalidInput("event_ts", f"is on {day_of_event} in {zone}, but business_date is {decided}")
    return When(event_ts.astimezone(UTC), decided)


def opening_of(day: date | None, zone: str, clock: Clock) -> When:
    """When a portfolio opens: at the start of its first day, so that whatever else happens that day comes after."""
    decided = _accepted(day or clock.today(zone), zone, clock)
    return When(_at(decided, _START_OF_DAY, zone), decided)


def _accepted(day: date, zone: str, clock: Clock) -> date:
    today = clock.today(zone)
    if day > today:
        raise FutureDay(day, today, zone, clock)
    if day < FIRST_DAY:
        raise InvalidInput("business_date", f"{day} is before {FIRST_DAY}")
    return day


@lru_cache(maxsize=1_024)
def _at(day: date, wall: time, zone: str) -> datetime:
    return datetime.combine(day, wall, ZoneInfo(zone)).astimezone(UTC)


def end_of_day_utc(known: date) -> datetime:
    """A moment itself, or the end of a day in UTC."""
    return known if isinstance(known, datetime) else datetime.combine(known, time.max, UTC)
