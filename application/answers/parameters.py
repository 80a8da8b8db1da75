"""Parameters of the tools: what each may be, checked before anything is asked."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from application.answers.asking import NotAnswered
from application.answers.figures import MOST

_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([Tt ][\d:.]{5,20}([Zz]|[+-][\d:]{2,6}))?")
_MOST_TEXT = 400


@dataclass(frozen=True, slots=True)
class ArgumentKind:
    """`schema` is what a client is told; `read` makes the value of what it sends, or raises ValueError."""

    schema: Mapping[str, Any]
    read: Callable[[Any], Any]
    form: str


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _MOST_TEXT or "\0" in value:
        raise ValueError
    value.encode()  # half of a surrogate pair is no text
    return value


def _id(value: Any) -> str:
    if not _ID.fullmatch(_text(value)):
        raise ValueError
    return str(value).lower()


def _day(value: Any) -> str:
    return date.fromisoformat(_text(value)).isoformat()


def _moment(value: Any) -> str:
    if not _MOMENT.fullmatch(_text(value)):
        raise ValueError
    return str(value)


def _limit(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST:
        raise ValueError
    return int(value)


def _year(value: Any) -> str:
    if not re.fullmatch(r"all|[12]\d{3}", str(value)):
        raise ValueError
    return str(value)


_STRING = {"type": "string"}
ID = ArgumentKind({"type": "string", "format": "uuid"}, _id, "an id")
DAY = ArgumentKind({"type": "string", "format": "date"}, _day, "a day, as 2017-03-29")
MOMENT = ArgumentKind(_STRING, _moment, "a day, or a moment with its zone, as 2017-03-29T15:30:00Z")
TEXT = ArgumentKind(_STRING, _text, f"a text of at most {_MOST_TEXT} characters")
LIMIT = ArgumentKind({"type": "integer", "maximum": MOST}, _limit, f"a number from 1 to {MOST}")
YEAR = ArgumentKind(_STRING, _year, "a year, or all")


def one_of(*names: str) -> ArgumentKind:
    def read(value: Any) -> str:
        if value not in names:
            raise ValueError
        return str(value)

    return ArgumentKind({"enum": list(names)}, read, f"one of {', '.join(names)}")


def arguments_of(
    parameters: Mapping[str, ArgumentKind], required: tuple[str, ...], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Arguments, read by their kinds; NotAnswered says which one is wrong, in one sentence."""
    read = {}
    for name, value in given.items():
        if name not in parameters:
            raise NotAnswered(f"there is no argument {name[:40]!r}; there are {', '.join(parameters)}")
        if value is None:
            continue
        try:
            read[name] = parameters[name].read(value)
        except (ValueError, TypeError) as error:
            raise NotAnswered(f"{name} must be {parameters[name].form}") from error
    missing = [name for name in required if name not in read]
    if missing:
        raise NotAnswered(f"{missing[0]} is missing: {parameters[missing[0]].form}")
    return read
