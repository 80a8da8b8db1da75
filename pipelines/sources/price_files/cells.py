"""Days and numbers in the forms that files have. Nothing is guessed: the format says the form, or the whole file does.

A form of days that a file has to decide is one that reads each day of it that any form reads. Where two do, the order
of the lines decides: a history goes one way. Where two do still, the file is refused, and its name may state the form.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from domain.sequences import longest_rise
from domain.written_numbers import decimal_signs

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_MIDNIGHT = re.compile(r"(\d{4})-(\d{2})-(\d{2})[ T]00:00:00(?:\.0+)?(?:Z|[+-]\d{2}:\d{2})?", re.ASCII)
_BASIC = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_PARTS = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})", re.ASCII)
_SHORT = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{2})", re.ASCII)
_MONTH_FIRST = re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2}), (\d{4})", re.ASCII)
_DAY_FIRST = re.compile(r"(\d{1,2}) ([A-Za-z]{3,9})\.? (\d{4})", re.ASCII)
_PLAIN = {mark: re.compile(rf"-?\d+(?:{re.escape(mark)}\d+)?", re.ASCII) for mark in ".,"}
_GROUPED = {
    ".": re.compile(r"-?\d{1,3}([,'’\u00a0\u202f ])\d{3}(?:\1\d{3})*(?:\.\d+)?", re.ASCII),
    ",": re.compile(r"-?\d{1,3}([.'’\u00a0\u202f ])\d{3}(?:\1\d{3})*(?:,\d+)?", re.ASCII),
}
_LEAST_DAILY, _DAILY, _FAR = 4, 4, timedelta(days=60)


class Undecided(Exception):
    """A file whose cells can be read in two ways, or in none."""


def _iso(text: str) -> date | None:
    return _of(_ISO.fullmatch(text), (1, 2, 3))


def _midnight(text: str) -> date | None:
    return _of(_MIDNIGHT.fullmatch(text), (1, 2, 3))


def _basic(text: str) -> date | None:
    return _of(_BASIC.fullmatch(text), (1, 2, 3))


def _mdy(text: str) -> date | None:
    found = _PARTS.fullmatch(text)
    return _of(found, (4, 1, 3)) if found and found[2] == "/" else None


def _dmy(text: str) -> date | None:
    return _of(_PARTS.fullmatch(text), (4, 3, 1))


def _mdy_short(text: str) -> date | None:
    found = _SHORT.fullmatch(text)
    return _mdy(_with_century(found)) if found else None


def _dmy_short(text: str) -> date | None:
    found = _SHORT.fullmatch(text)
    return _dmy(_with_century(found)) if found else None


def _with_century(found: re.Match[str]) -> str:
    """A year of two digits is of 1970 to 2069."""
    century = "19" if found[4] >= "70" else "20"
    return f"{found[1]}{found[2]}{found[3]}{found[2]}{century}{found[4]}"


def _month_name(text: str) -> date | None:
    found = _MONTH_FIRST.fullmatch(text)
    return _day(int(found[3]), _month(found[1]), int(found[2])) if found else None


def _day_month(text: str) -> date | None:
    found = _DAY_FIRST.fullmatch(text)
    return _day(int(found[3]), _month(found[2]), int(found[1])) if found else None


def _of(found: re.Match[str] | None, order: tuple[int, int, int]) -> date | None:
    year, month, day = order
    return _day(int(found[year]), int(found[month]), int(found[day])) if found else None


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _month(name: str) -> int:
    """1 to 12; 0 for no month."""
    short = name[:3].lower()
    return _MONTHS.index(short) + 1 if short in _MONTHS else 0


FORMS: Mapping[str, Callable[[str], date | None]] = {
    "iso": _iso,
    "midnight": _midnight,
    "basic": _basic,
    "mdy": _mdy,
    "dmy": _dmy,
    "mdy short": _mdy_short,
    "dmy short": _dmy_short,
    "month name": _month_name,
    "day month": _day_month,
}
EXAMPLES = {
    "iso": "2017-03-29",
    "midnight": "2017-03-29 00:00:00-04:00",
    "basic": "20170329",
    "mdy": "03/29/2017",
    "dmy": "29/03/2017",
    "mdy short": "03/29/17",
    "dmy short": "29/03/17",
    "month name": "Mar 29, 2017",
    "day month": "29 March 2017",
}


def form_of_days(texts: Sequence[str], forms: Sequence[str]) -> str:
    """The form in which a file writes its days, in the order of its lines; Undecided if there is not just one."""
    readings = {form: [FORMS[form](text) for text in texts] for form in forms}
    readable = [n for n in range(len(texts)) if any(days[n] for days in readings.values())]
    whole = [form for form, days in readings.items() if all(days[n] for n in readable)]
    if not readable:
        raise Undecided(
            f"its days, such as {texts[0][:40]!r}, are not written as {' or '.join(EXAMPLES[f] for f in forms)}"
        )
    if not whole:
        raise Undecided(_mixed(texts, readings))
    if len(whole) > 1:
        whole = [form for form in whole if goes_one_way([day for day in readings[form] if day])] or whole
    if len(whole) > 1:
        either = " or ".join(f"{EXAMPLES[form]}" for form in whole)
        names = " or ".join(form.split()[0] for form in whole)
        raise Undecided(
            f"its days can be read in two ways, as {either}, such as {texts[readable[0]]}: add {names} to "
            "its name before the dot, after a space"
        )
    return whole[0]


def _mixed(texts: Sequence[str], readings: Mapping[str, Sequence[date | None]]) -> str:
    """Two days that have no form in common, if there are two."""
    firsts: dict[frozenset[str], str] = {}
    for n, text in enumerate(texts):
        firsts.setdefault(frozenset(form for form, days in readings.items() if days[n]), text)
    for one, text in firsts.items():
        for two, other in firsts.items():
            if one and two and not one & two:
                return f"its days are written in two forms: {text} and {other}"
    return "its days are written in more than one form"


def usual_gap(days: Sequence[date]) -> int:
    """The median of the days between neighbours; 0 for fewer than two."""
    gaps = sorted(abs((two - one).days) for one, two in pairwise(days))
    return gaps[len(gaps) // 2] if gaps else 0


def far_away(days: Sequence[date]) -> list[int]:
    """The ends of daily `days`, in order, that more than two months part from all others."""
    if len(days) < _LEAST_DAILY or usual_gap(days) > _DAILY:
        return []
    ends = ((0, 1), (len(days) - 1, len(days) - 2))
    return [end for end, next_to in ends if abs(days[end] - days[next_to]) > _FAR]


def goes_one_way(days: Sequence[date]) -> bool:
    pairs = list(pairwise(days))
    return all(one <= two for one, two in pairs) or all(one >= two for one, two in pairs)


def out_of_order(days: Sequence[date]) -> list[int]:
    """The fewest positions without which `days` go one way, the one that most of them go."""
    rising = sum(1 if two > one else -1 for one, two in pairwise(days) if two != one)
    numbers = [day.toordinal() if rising >= 0 else -day.toordinal() for day in days]
    kept = longest_rise(numbers)
    return [n for n in range(len(days)) if n not in kept]


def decimal_mark(texts: Sequence[str]) -> str:
    """The mark before decimals in numbers that a file writes, "." if there is none; Undecided if it cannot be told."""
    found = decimal_signs(texts)
    if found.point and found.comma:
        raise Undecided("its numbers have decimal points and decimal commas")
    if not found.point and not found.comma and found.either:
        raise Undecided(f"{found.either!r} may be a thousand or a fraction: give one number more decimals, or none")
    return "," if found.comma else "."


def number(text: str, mark: str, thousands: bool, prefix: str = "") -> Decimal | None:
    """The number that `text` is with `mark` before its decimals; None if it is none."""
    bare = text.removeprefix(prefix).strip()
    if not _PLAIN[mark].fullmatch(bare) and not (thousands and _GROUPED[mark].fullmatch(bare)):
        return None
    return Decimal(re.sub(r"[^0-9.-]", "", bare if mark == "." else bare.replace(".", "").replace(",", ".")))
