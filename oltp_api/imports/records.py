"""Files that are records and no lines of cells, as a header and lines of cells all the same.

The header is line 0 and the nth record line n. Its columns are the names that any record has, those inside another
joined to it by a dot (`assetProfile.symbol`), and `record`: where the record stands in the file. A number is a text as
it stands in the file.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from domain.errors import InvalidInput
from oltp_api.imports.flex import from_flex
from oltp_api.imports.ofx import from_ofx
from oltp_api.imports.sheets import Line

Record = Mapping[str, str]
_MOST_DIGITS = 40
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def records_of(text: str) -> tuple[str, list[Line]] | None:
    """The format of a text of records and its lines; None for a text of lines."""
    start = text.removeprefix("\ufeff").lstrip()
    for name, load in LOADERS.items():
        records = load(start)
        if records is not None:
            _refuse_unstorable(records, name)
            return name, _lines(records)
    return None


def _refuse_unstorable(records: list[Record], name: str) -> None:
    """Refuse what an escape may be made into, and no database keeps."""
    for place, each in enumerate(records, 1):
        if _UNSTORABLE.search("".join((*each, *each.values()))):
            raise InvalidInput(name, f"has a NUL character or half of a surrogate pair in record {place}")


def _lines(records: list[Record]) -> list[Line]:
    names = list(dict.fromkeys(name for each in records for name in each))
    return [(0, names), *((line, [each.get(name, "") for name in names]) for line, each in enumerate(records, 1))]


def from_json(text: str) -> list[Record] | None:
    """The objects of a list, or of every list in an object; None for a text that is no JSON."""
    if text[:1] not in ("{", "["):
        return None
    try:
        tree = json.loads(
            text, object_pairs_hook=_once, parse_float=_number, parse_int=_number, parse_constant=lambda name: name
        )
    except (json.JSONDecodeError, RecursionError):
        return None
    lists = {"": tree} if isinstance(tree, list) else tree
    return [
        {"record": place, **dict(_flat(each))}
        for place, found in lists.items()
        if isinstance(found, list)
        for each in found
    ]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise InvalidInput("json", f"has a name twice in one object: {', '.join(name for name, _ in pairs)[:200]}")
    return found


def _number(text: str) -> str:
    """As it stands, but for a power of ten, which is written out."""
    if "e" not in text.lower():
        return text
    number = Decimal(text)
    return format(number, "f") if abs(number.adjusted()) <= _MOST_DIGITS else text


def _flat(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The values by their paths; a list of values is one of them, written as JSON."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _flat(value, f"{path}.{name}" if path else name)
    elif node is not None:
        is_plain = isinstance(node, str)
        yield path or "value", node if is_plain else json.dumps(node) if node != [] else ""


LOADERS: Mapping[str, Callable[[str], list[Record] | None]] = {"json": from_json, "flex": from_flex, "ofx": from_ofx}
"""For each format of a profile but csv: the records of a text, or None if the text is of another format."""
