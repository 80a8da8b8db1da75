"""Interactive Brokers' Flex XML as records: one for each trade, payment, transfer and corporate action in it.

`ibflex` knows the elements and reads their days, numbers and words. An element that it cannot read is a record all the
same, with `unread` saying why, so that it is refused and not passed over.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import date, datetime
from enum import Enum
from typing import Any
from xml.etree import ElementTree

from domain.errors import InvalidInput

_RECORDS = ("Trade", "CashTransaction", "Transfer", "CorporateAction", "SalesTax", "StockGrantActivity")
"""Elements that move cash or units; others of a statement are sums, positions and prices."""
_START = "<FlexQueryResponse"
_LOOKED_AT = 2_000


def from_flex(text: str) -> list[Mapping[str, str]] | None:
    """The records of a Flex query's answer; None for a text that is none."""
    if _START not in text[:_LOOKED_AT]:
        return None
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise InvalidInput("xml", f"cannot be read: {error}") from error
    records: list[Mapping[str, str]] = [dict(_record(each)) for each in root.iter() if each.tag in _RECORDS]
    if not records:
        raise InvalidInput("xml", f"has none of {', '.join(_RECORDS)}; add such sections to the query")
    return records


def _record(element: ElementTree.Element) -> Iterator[tuple[str, str]]:
    import ibflex  # a sixth of the time in which the API starts, for files that few send
    from ibflex.parser import FlexParserError, parse_data_element

    yield "record", element.tag
    known = {each.name for each in fields(getattr(ibflex, element.tag))}
    bare = ElementTree.Element(element.tag, {name: text for name, text in element.attrib.items() if name in known})
    try:
        read = parse_data_element(bare)
    except (FlexParserError, ValueError, ArithmeticError) as error:
        yield "unread", f"cannot be read: {error}"[:200]
        return
    for name in bare.attrib:
        text = _written(getattr(read, name))
        if text:
            yield name, text


def _written(value: Any) -> str:
    match value:
        case None | ():
            return ""
        case Enum():
            return str(value.value)
        case datetime():
            return value.isoformat(" ")
        case date():
            return value.isoformat()
        case tuple():
            return ";".join(map(_written, value))
        case _:
            return str(value)
