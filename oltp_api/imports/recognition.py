"""Recognition of a file: the only profile that has all its words in one of the first lines, and its separator.

Statements and files of transactions are recognised alike.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from oltp_api.imports.profiles import Profile, ProfileQuestion
from oltp_api.imports.sheets import SEPARATORS, Line, head_of

Records = tuple[str, Sequence[Line]]
"""The format of a file of records, and its header and rows."""


class FileHead(NamedTuple):
    """The first lines of a file, by a format and separator that it may have; None for a file of records."""

    format: str
    separator: str | None
    lines: Sequence[Line]


class Recognised(NamedTuple):
    """A profile that fits, with the separator by which it does."""

    profile: Profile
    separator: str | None


def heads_of(text: str, records: Records | None = None) -> list[FileHead]:
    if records is not None:
        return [FileHead(records[0], None, records[1][:1])]
    return [FileHead("csv", each, head_of(text, each)) for each in SEPARATORS]


def fitting(heads: Iterable[FileHead], profiles: Iterable[Profile]) -> list[Recognised]:
    """Each profile that fits, by the first separator that shows its header."""
    listed = list(heads)
    found = (
        next((Recognised(each, head.separator) for head in listed if _fits(each, head)), None) for each in profiles
    )
    return [each for each in found if each is not None]


def only_one(found: Sequence[Recognised]) -> Recognised | None:
    """The only one that fits, or the owner's among several; ProfileQuestion if there are still several."""
    found = [each for each in found if each.profile.owner is not None] or found
    if len(found) > 1:
        raise ProfileQuestion([each.profile for each in found])
    return found[0] if found else None


def _fits(profile: Profile, head: FileHead) -> bool:
    return (
        bool(profile.recognised)
        and head.format == profile.format
        and profile.separator in (None, head.separator)
        and profile.header_in(head.lines) is not None
    )
