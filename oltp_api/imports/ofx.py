"""OFX and QFX files as records: one for each transaction of each account in them, with what is listed of its security.

`ofxtools` reads the markup, of either version; it is an optional extra, since it is under the GPL. Values are texts as
they stand in the file.
"""

import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any

from domain.errors import InvalidInput

_LOOKED_AT = 4_000
_DECIMAL_COMMA = re.compile(r"[-+]?[0-9]*,[0-9]+")
"""A number as OFX allows it: it has no thousands."""
_LISTS = ("INVTRANLIST", "BANKTRANLIST")
_PERIOD = ("DTSTART", "DTEND")
_STATEMENTS = ("INVSTMTRS", "STMTRS", "CCSTMTRS")


class ExtraMissing(InvalidInput):
    """A form of file that is read by a package that is not installed."""

    code = "extra_missing"


def from_ofx(text: str) -> list[Mapping[str, str]] | None:
    """The records of an OFX text; None for another text."""
    head = text[:_LOOKED_AT].upper()
    if not head.startswith(("OFXHEADER", "<?OFX", "<OFX>")) and not ("<?OFX" in head or "<OFX>" in head):
        return None
    tree = _tree(text[text.upper().index("<OFX>") :])
    securities = {_text(each, "UNIQUEID"): each for listed in tree.iter("SECLIST") for each in listed}
    records: list[Mapping[str, str]] = [
        {**{name: _text(listed, name) for name in _PERIOD}, **dict(_record(statement, each, securities))}
        for statement in tree.iter()
        if statement.tag in _STATEMENTS
        for listed in statement.iter()
        if listed.tag in _LISTS
        for each in listed
        if each.tag not in _PERIOD
    ]
    if not records:
        raise InvalidInput("ofx", "tells of no transactions; ask the broker for a longer period")
    return records


def _tree(body: str) -> Any:
    try:
        from ofxtools.Parser import ParseError, TreeBuilder
    except ImportError as error:
        why = "is OFX, and reading that needs a package: pip install 'lakefolio[ofx]'"
        raise ExtraMissing("file", why) from error
    builder = TreeBuilder()
    try:
        builder.feed(body)
        return builder.close()
    except (ParseError, AssertionError, IndexError) as error:  # the last: more ends than beginnings
        raise InvalidInput("ofx", f"cannot be read: {str(error)[:200]}") from error


def _record(statement: Any, transaction: Any, securities: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The values of a transaction by their tags, with its account, its currency and how its security is listed."""
    yield "record", transaction.tag
    yield "CURDEF", _text(statement, "CURDEF")
    yield "ACCTID", _text(statement, "ACCTID")
    listed = securities.get(_text(transaction, "UNIQUEID"))
    if listed is not None:
        yield "listed", listed.tag
        yield "TICKER", _text(listed, "TICKER")
        yield "SECNAME", _text(listed, "SECNAME")
    for each in transaction.iter():
        if not len(each) and each.text:
            text = unescape(each.text.strip())
            yield each.tag, text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else text
    for name in ("CURRENCY", "ORIGCURRENCY"):
        if (found := transaction.find(f".//{name}")) is not None:
            yield name, _text(found, "CURSYM")


def _text(node: Any, tag: str) -> str:
    found = node.find(f".//{tag}") if node is not None else None
    return unescape((found.text or "").strip()) if found is not None else ""
