"""The types of single fields on the wire: decimals as plain text, days, moments, text. Everything else is refused."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Annotated, TypeVar
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from domain.currencies import MINOR_UNITS, UnknownCurrency, parse_currency
from domain.errors import plain
from domain.limits import MOST_ID

_NUMBER = r"-?[0-9]{1,40}(\.[0-9]{1,40})?"
_PLAIN_NUMBER = re.compile(_NUMBER)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:.,]+([Zz]|[+-][0-9:]+)?")
_MOST_DIGITS = 40
_MOST_IN_FULL = 20
_MOST_SHORT = 200
_CENT = Decimal("0.01")
_NOT_A_PLACE = {"Factory", "localtime"}


def _number(value: object) -> Decimal:
    """Text is the form of choice. A JSON number comes as it was sent, with all of its digits (`bodies.parse_json`)."""
    text = value if isinstance(value, str) else _written_out(value)
    if text is None or not _PLAIN_NUMBER.fullmatch(text):
        raise PydanticCustomError("invalid_number", 'must be a plain decimal number in a string, such as "12.50"')
    return Decimal(text)


def _written_out(value: object) -> str | None:
    """The digits of a number; None if they are too many to be meant, or if it is none."""
    if isinstance(value, Decimal) and value.is_finite():
        is_readable = value.adjusted() <= _MOST_DIGITS and int(value.as_tuple().exponent) >= -_MOST_DIGITS
        return f"{value:f}" if is_readable else None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**_MOST_DIGITS else None
    return None


def is_plain_number(value: Decimal) -> bool:
    """Say whether a Number takes `value` as it is, at first sight: it may take others too."""
    text = str(value)
    return len(text) <= _MOST_DIGITS and "E" not in text and value.is_finite()


def is_plain_text(value: str) -> bool:
    """Say whether a ShortText takes `value` as it is, at first sight: it may take others too."""
    return len(value) <= _MOST_SHORT and value.isascii() and "\0" not in value


def _day(value: object) -> object:
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise PydanticCustomError("invalid_date", "must be a day such as 2017-03-29")
    if not isinstance(value, (str, date)):
        raise PydanticCustomError("invalid_date", "must be a day in a string, such as 2017-03-29")
    return value


def _moment(value: object) -> object:
    if not isinstance(value, datetime) and not (isinstance(value, str) and _MOMENT.fullmatch(value)):
        raise PydanticCustomError("invalid_moment", "must be a moment such as 2017-03-29T15:30:00Z")
    return value


def _in_our_time(value: datetime) -> datetime:
    if not 1970 <= value.year <= 2999:
        raise PydanticCustomError("invalid_moment", "must be between 1970 and 2999")
    return value


def _to_a_cent(value: object) -> object:
    return Decimal(value).quantize(_CENT, ROUND_HALF_UP) if isinstance(value, float) else value


def _text(value: str) -> str:
    if "\0" in value or (not value.isascii() and _SURROGATE.search(value)):
        raise PydanticCustomError("invalid_text", "must not contain a NUL character or half of a surrogate pair")
    return value


def at_most(length: int) -> BeforeValidator:
    """Refuse a longer list as a whole, where pydantic would tell what is wrong with each item of it."""

    def check(value: object) -> object:
        if isinstance(value, Sequence) and len(value) > length:
            raise PydanticCustomError("too_long", "must have at most {length} items", {"length": length})
        return value

    return BeforeValidator(check)


def context_of_rows() -> dict[str, int]:
    """The context in which a body of many rows is validated."""
    return {"errors": 0}


def _few_errors(value: object, validate: ValidatorFunctionWrapHandler, info: ValidationInfo) -> object:
    """Tell only the first wrong rows of a long list in full: a million errors would be a gigabyte."""
    if info.context is None:
        return validate(value)
    try:
        return validate(value)
    except ValidationError as error:
        if info.context["errors"] >= _MOST_IN_FULL:
            raise PydanticCustomError("invalid_row", "is wrong too") from None
        info.context["errors"] += error.error_count()
        raise


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - _NOT_A_PLACE)


def _zone(value: str) -> str:
    if value not in _zones():
        raise PydanticCustomError("unknown_time_zone", "must be an IANA time zone such as America/New_York")
    return value


def _currency(value: str) -> str:
    try:
        return parse_currency(value)
    except UnknownCurrency as refusal:
        raise PydanticCustomError("unknown_currency", "{why}", {"why": refusal.message.partition(" ")[2]}) from None


def _quoted_currency(value: str) -> str:
    return value if value in MINOR_UNITS else _currency(value)


Number = Annotated[Decimal, BeforeValidator(_number), WithJsonSchema({"type": "string", "pattern": f"^{_NUMBER}$"})]
Amount = Annotated[Decimal, PlainSerializer(plain, return_type=str), WithJsonSchema({"type": "string"})]
Rounded = Annotated[Amount, BeforeValidator(_to_a_cent)]
"""An amount that was computed in doubles: shown to 0.01, never to be booked."""
Day = Annotated[date, BeforeValidator(_day)]
Moment = Annotated[AwareDatetime, BeforeValidator(_moment), AfterValidator(_in_our_time)]
Text = Annotated[str, StringConstraints(strict=True), AfterValidator(_text)]
ShortText = Annotated[Text, StringConstraints(max_length=_MOST_SHORT)]
Zone = Annotated[ShortText, AfterValidator(_zone)]
T = TypeVar("T", bound=BaseModel)
Row = Annotated[T, WrapValidator(_few_errors)]
"""A model as a row of a long list, which is validated with `context_of_rows`."""
SecurityId = Annotated[int, Field(ge=1, le=MOST_ID)]
Currency = Annotated[
    str,
    StringConstraints(strict=True),
    AfterValidator(_currency),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217."}),
]
QuotedCurrency = Annotated[
    str,
    StringConstraints(strict=True),
    AfterValidator(_quoted_currency),
    WithJsonSchema({"type": "string", "pattern": "^[A-Za-z]{3}$", "description": "ISO 4217, GBX, GBp, ZAc or ILA."}),
]
"""A currency that a price or an amount may be written in; what is recorded is in the major unit."""
