"""Order in sequences."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any


def longest_rise(keys: Sequence[Any]) -> set[int]:
    """Places of a longest part of `keys` that never falls, by patience sorting."""
    ends: list[Any] = []
    tails: list[int] = []
    before: list[int | None] = []
    for place, key in enumerate(keys):
        at = bisect_right(ends, key)
        before.append(tails[at - 1] if at else None)
        ends[at : at + 1], tails[at : at + 1] = [key], [place]
    kept: set[int] = set()
    at_last = tails[-1] if tails else None
    while at_last is not None:
        kept.add(at_last)
        at_last = before[at_last]
    return kept
