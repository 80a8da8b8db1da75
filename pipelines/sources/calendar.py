"""Trading days of an exchange, from the `exchange_calendars` library.

What belongs here: the days only. Carrying a price or a curve over a closed day is an analytical rule, in dbt.
"""

import warnings
from datetime import date, timedelta

import pyarrow as pa

SCHEMA = pa.schema(
    [
        ("exchange", pa.string()),
        ("calendar_date", pa.date32()),
        ("is_trading_day", pa.bool_()),
        ("is_business_day", pa.bool_()),
    ]
)


def trading_days(exchange: str, start: date, end: date) -> pa.Table:
    """One row per calendar day from `start` to `end`, both included, in order; no rows if `start` is after `end`.

    `is_trading_day`: the exchange holds a session, if only a short one. `is_business_day`: Monday to Friday,
    holidays included; a business day that is no trading day is a closing. `exchange` is a MIC such as XNYS; an
    unknown one raises the library's InvalidCalendarName. One-off closings after its release are not yet known.

    On two cores (2026-11-20) one year takes 0.11 s and 1990 to 2026 takes 0.13 s: the library works out every
    holiday rule whatever the window. The first call in a process imports pandas too, 0.25 to 0.45 s more.
    """
    if start > end:
        return SCHEMA.empty_table()
    days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
    sessions = _sessions(exchange, start, end)
    return pa.table(
        [
            [exchange] * len(days),
            days,
            [day in sessions for day in days],
            [day.weekday() < 5 for day in days],
        ],
        schema=SCHEMA,
    )


def _sessions(exchange: str, start: date, end: date) -> set[date]:
    """The days with a session in the window, and some before it.

    The library refuses a window of one day and one without a session; 14 days more make both impossible. Its
    default window begins 20 years before today, hence both ends are given.
    """
    from exchange_calendars import get_calendar  # imports pandas, which is slow: only for those who ask

    with warnings.catch_warnings():
        # exchange_calendars 4.13.2 takes `.values` of a column with a zone, deprecated in pandas 3.1.
        warnings.filterwarnings("ignore", message="Series.values returning", category=DeprecationWarning)
        calendar = get_calendar(exchange, start=start - timedelta(days=14), end=end)
    return {session.date() for session in calendar.sessions}
