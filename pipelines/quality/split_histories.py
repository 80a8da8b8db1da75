"""Downloaded closes that the source has adjusted for later splits, as they were traded.

A position is worth its units of the day times the close of the day as traded (docs/rulebook.md, Splits), and the ledger
has the units. So a close of before a split that a ledger has is multiplied by its ratio, if the history has no step on
that day: it is adjusted for it then. A history that ends before the split may be of either kind.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from math import log
from typing import Any

from domain.money import share

_SAME = timedelta(days=7)
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LedgerSplit:
    """`old` units of before `day` are `new` since; `new` is 0 where ledgers contradict each other."""

    day: date
    new: Decimal
    old: Decimal

    @property
    def ratio(self) -> Decimal:
        return self.new / self.old


@dataclass(frozen=True, slots=True)
class Undone:
    """`rows` as traded; `unsure` are those of which it cannot be known, each with the reason; `notes` are by file."""

    rows: Sequence[Row]
    unsure: Sequence[tuple[Row, str]]
    notes: Mapping[str, str]


def as_traded(rows: Sequence[Row], splits: Mapping[int, Sequence[LedgerSplit]]) -> Undone:
    """`rows` with `is_adjusted` ones restated over the splits of their security; in the order of files and days."""
    kept: list[Row] = [row for row in rows if not row.get("is_adjusted") or row["security_id"] not in splits]
    others = sorted((row for row in rows if row.get("is_adjusted") and row["security_id"] in splits), key=_place)
    unsure: list[tuple[Row, str]] = []
    notes: dict[str, str] = {}
    for (file, security_id), group in groupby(others, key=lambda row: _place(row)[:2]):
        history = list(group)
        for split in one_each(splits[security_id]):
            restated, doubt = _over(history, split)
            if doubt:
                unsure += [(row, doubt) for row in history if row["price_date"] < split.day]
                restated = [row for row in history if row["price_date"] >= split.day]
            elif restated != history:
                said = f"closes of before {split.day} are restated over the split of {split.new:f} for {split.old:f}"
                notes[file] = f"{said} that a ledger has"
            history = list(restated)
        kept += history
    return Undone(kept, unsure, notes)


def one_each(splits: Sequence[LedgerSplit]) -> list[LedgerSplit]:
    """`splits` in the order of days; what several ledgers have within a week is one."""
    found: list[LedgerSplit] = []
    for split in sorted(splits, key=lambda one: one.day):
        if found and split.day - found[-1].day <= _SAME:
            if split.ratio != found[-1].ratio:
                found[-1] = replace(found[-1], new=Decimal())
        else:
            found.append(split)
    return found


def _over(history: Sequence[Row], split: LedgerSplit) -> tuple[Sequence[Row], str]:
    """The history over one split, or the reason why that cannot be told."""
    before = [row for row in history if row["price_date"] < split.day]
    after = [row for row in history if row["price_date"] >= split.day]
    if not before or split.ratio == 1:
        return history, ""
    if not split.new:
        return history, f"ledgers have different splits around {split.day}"
    if not after:
        return history, f"it may be adjusted for the split of {split.day} or not: download the days after it too"
    if not (before[-1]["close"] > 0 and after[0]["close"] > 0):
        return history, ""
    step = log(after[0]["close"] / before[-1]["close"])
    if abs(step) > abs(step + log(split.ratio)):  # nearer to the step of a split than to none
        return history, ""
    return [*({**row, "close": share(row["close"], split.new, split.old)} for row in before), *after], ""


def _place(row: Row) -> tuple[str, int, date]:
    return row["file"], row["security_id"], row["price_date"]
