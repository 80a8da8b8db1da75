"""How a file writes numbers and days. What could be read in two ways is asked, never guessed."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache

from domain.currencies import CURRENCIES, DOLLARS
from domain.errors import InvalidInput
from domain.written_numbers import decimal_signs

_NOTHING = frozenset({"", "-", "--", "n/a", "na", "not available", "null", "none"})
_SIGNS = "$€£¥₹"
_SPACES = re.compile(r"[\s\u00a0\u202f]+")
_POINT = re.compile(r"[0-9]{1,40}(?:\.[0-9]{1,40})?|[0-9]{1,3}(?:[,'’][0-9]{3})+(?:\.[0-9]{1,40})?|\.[0-9]{1,40}")
_COMMA = re.compile(r"[0-9]{1,40}(?:,[0-9]{1,40})?|[0-9]{1,3}(?:[.'’][0-9]{3})+(?:,[0-9]{1,40})?|,[0-9]{1,40}")
_MONEY = re.compile(rf"(?P<sign>[{re.escape(_SIGNS)}])|(?P<code>[A-Z]{{3}})")
_SIGN_OF = {"$": "$", "€": "EUR", "£": "GBP", "¥": "¥", "₹": "INR"}
SHARED_SIGNS: Mapping[str, frozenset[str]] = {
    "$": DOLLARS | {"MXN", "CLP", "COP", "ARS", "BRL"},
    "¥": frozenset({"JPY", "CNY"}),
}
"""Signs of several currencies, $ also of pesos and reais: which it is, what is traded or the portfolio says."""
_CODES = CURRENCIES | SHARED_SIGNS.keys()


@dataclass(frozen=True, slots=True)
class WrittenNumber:
    """A number, with the decimals that it was written with, and the currency that was written at it."""

    value: Decimal
    currency: str | None = None


class NotANumber(ValueError):
    """A cell that is no number in the form of its file; the message says what it would have to be."""


def number(text: str, decimal: str) -> WrittenNumber | None:
    """Read `text` with that decimal sign (`.` or `,`), a currency at either end, thousands, parentheses or a minus;
    None for what is written where there is nothing."""
    written = _SPACES.sub("", text)
    if written.casefold() in _NOTHING or text.strip().casefold() in _NOTHING:
        return None
    bare, currency = written, None
    for found in _MONEY.finditer(written):
        if currency is not None:
            raise NotANumber("names two currencies")
        bare = bare.replace(found[0], "", 1)
        currency = found["code"] or _SIGN_OF[found["sign"]]
    is_negative = False
    if bare.startswith("(") and bare.endswith(")"):
        is_negative, bare = True, bare[1:-1]
    if bare[:1] in "+-−" or bare[-1:] == "-":
        is_negative ^= bare[:1] in "-−" or bare[-1:] == "-"
        bare = bare[1:] if bare[:1] in "+-−" else bare[:-1]
    if not (_POINT if decimal == "." else _COMMA).fullmatch(bare):
        raise NotANumber(f"must be a number, such as 12{decimal}50")
    plain = bare.replace("'", "").replace("’", "")
    plain = plain.replace(",", "") if decimal == "." else plain.replace(".", "").replace(",", ".")
    value = Decimal(plain)
    return WrittenNumber(-value if is_negative else value, currency if currency in _CODES else None)


def decimal_of(texts: Iterable[str], stated: str | None) -> str:
    """The decimal sign of a file, as stated or as its numbers show; InvalidInput if they could be read both ways."""
    if stated is not None:
        return stated
    found = decimal_signs(texts)
    if found.point and found.comma:
        raise InvalidInput(
            "csv", f"has numbers with decimal points ({found.point}) and with decimal commas ({found.comma})"
        )
    if not found.point and not found.comma and found.either:
        raise InvalidInput(
            "csv", f"has numbers that could be read in two ways, such as {found.either}; say decimal=. or ,"
        )
    return "," if found.comma else "."


_DAY = {
    "iso": ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d"),
    "dmy": ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d/%m/%y", "%d.%m.%y"),
    "mdy": ("%m/%d/%Y", "%m-%d-%Y", "%m/%d/%y"),
    "named": ("%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%d-%b-%y", "%d %b, %Y"),
}
EXAMPLES = {"iso": "2016-01-05", "dmy": "05/01/2016", "mdy": "01/05/2016"}
_TWO_WAYS = re.compile(r"([0-9]{1,2})[/\-]([0-9]{1,2})[/\-]([0-9]{2}|[0-9]{4})")
_MOMENT = re.compile(
    r"(?P<day>.+?)(?:[T ,;]+(?P<time>[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?|[0-9]{6})(?:[.,][0-9]{1,9})?"
    r"(?: ?(?P<half>[AaPp][Mm]))?(?: ?(?P<zone>Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}|E[SD]T))?)?"
)
_ZONES = {"UTC": "Z", "GMT": "Z", "EST": "-05:00", "EDT": "-04:00"}


@dataclass(frozen=True, slots=True)
class WrittenDay:
    """A day, with its time where one is written, and the time's zone; midnight is no time: exports that know the day
    alone write it so."""

    day: date
    clock: str | None = None
    zone: str | None = None


def forms_of(stated: str | Sequence[str] | None, texts: Iterable[str]) -> tuple[str, ...]:
    """The forms of a file's days: as stated (iso, dmy, mdy, or patterns), or as the days show; where they could be read
    both ways, the file must say."""
    if stated is None:
        stated = _shown_by(texts)
    if isinstance(stated, str):
        return (*_DAY[stated], *_DAY["named"]) if stated in _DAY else (stated,)
    return tuple(stated)


def _shown_by(texts: Iterable[str]) -> str:
    first = second = False
    found = None
    for text in texts:
        written = _TWO_WAYS.match(text.strip())
        if written is None:
            if re.match(r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{2,4}", text.strip()):
                return "dmy"
            continue
        found = found or text
        first |= int(written[1]) > 12
        second |= int(written[2]) > 12
    if first and second:
        raise InvalidInput("csv", "has days written both ways round; say dates=dmy or dates=mdy, and mend the others")
    if found and not (first or second):
        raise InvalidInput("csv", f"has days that could be read both ways, such as {found}; say dates=dmy or dates=mdy")
    return "dmy" if first else "mdy" if second else "iso"


def moment(text: str, forms: tuple[str, ...]) -> WrittenDay | None:
    """The day that `text` is in one of the forms, with its time; None if it is none, or no clock shows the time."""
    text = text.strip()
    day = day_in(text, forms)
    if day is not None:
        return WrittenDay(day)
    found = _MOMENT.fullmatch(text)
    if found is None or found["time"] is None:
        return None
    day = day_in(found["day"].rstrip(",; "), forms)
    if day is None:
        return None
    clock = clock_of(found["time"], found["half"])
    if clock is None:
        return None
    if clock == "00:00:00":
        return WrittenDay(day)
    zone = found["zone"]
    return WrittenDay(day, clock, _ZONES.get(zone, zone) if zone else None)


def clock_of(text: str, half: str | None = None) -> str | None:
    """`hh:mm:ss`, or None if no clock shows it."""
    digits = text if ":" in text else f"{text[:2]}:{text[2:4]}:{text[4:]}"
    hour, minute, *second = digits.split(":")
    hours = int(hour)
    if half is not None:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half.lower() == "pm" else 0)
    seconds = int(second[0]) if second and second[0] else 0
    if hours > 23 or int(minute) > 59 or seconds > 59:
        return None
    return f"{hours:02}:{int(minute):02}:{seconds:02}"


def day_in(text: str, forms: tuple[str, ...]) -> date | None:
    for form in forms:
        try:
            if (digits := _digits_of(form)) is not None:
                if found := digits.fullmatch(text):
                    return date(int(found["Y"]), int(found["m"]), int(found["d"]))
                continue
            return datetime.strptime(text, form).date()  # noqa: DTZ007, a day has no zone
        except ValueError:
            continue
    return None


@cache
def _digits_of(form: str) -> re.Pattern[str] | None:
    """The form as a pattern, where it has nothing but the digits of a day: strptime takes ten times as long."""
    if not re.fullmatch(r"%[Ymd][/.-]?%[Ymd][/.-]?%[Ymd]", form) or form == "%Y%m%d":
        return None
    parts = {"%Y": "(?P<Y>[0-9]{4})", "%m": "(?P<m>[0-9]{1,2})", "%d": "(?P<d>[0-9]{1,2})"}
    return re.compile(re.sub("%[Ymd]", lambda part: parts[str(part[0])], form.replace(".", r"\.")))
