"""Numbers as files write them: which sign stands before the decimals. Nothing is guessed."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_NOT_OF_A_NUMBER = re.compile(r"[^0-9.,'’]+")
_SURELY = (
    r"[0-9{group}'’]*{sign}(?:[0-9]{{1,2}}|[0-9]{{4,}})|[0-9]{{1,3}}(?:{group}[0-9]{{3}})+{sign}[0-9]*|0{sign}[0-9]+"
    r"|[0-9]{{4,}}{sign}[0-9]+|[0-9]{{1,3}}(?:{group}[0-9]{{3}}){{2,}}"
)
_PATTERNS = {
    "point": re.compile(_SURELY.format(sign=r"\.", group=",")),
    "comma": re.compile(_SURELY.format(sign=",", group=r"\.")),
    "either": re.compile(r"[0-9]{1,3}[.,][0-9]{3}"),
}


@dataclass(frozen=True, slots=True)
class DecimalSigns:
    """Numbers of a file: the first that surely has a decimal point, that surely has a comma, and that may have either,
    since 1.234 may be a thousand."""

    point: str | None = None
    comma: str | None = None
    either: str | None = None


def decimal_signs(texts: Iterable[str]) -> DecimalSigns:
    """Tell by all numbers of a file; a currency, a minus and spaces at one count for nothing."""
    found: dict[str, str] = {}
    for text in texts:
        bare = _NOT_OF_A_NUMBER.sub("", text)
        kind = next((name for name, pattern in _PATTERNS.items() if pattern.fullmatch(bare)), None)
        if kind is not None:
            found.setdefault(kind, text)
    return DecimalSigns(**found)
