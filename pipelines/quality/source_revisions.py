"""The audit of what a source has changed after the event: what a unit cost or paid on a day never changes.

A source that keeps only split-adjusted figures is asked for its splits to undo them. If one of those never was, or its
figures are not adjusted for it yet, every day before it comes back times its ratio.
"""

from collections.abc import Collection, Iterable, Mapping
from math import log
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.securities import PriceKind
from pipelines.quality.series import LEAST_JUDGED, Split, is_near
from pipelines.quality.verdicts import Audited, Reason, Verdict, content_ids, parted

MEANINGS = {
    Reason.INVENTED_SPLIT: "a day keeps its figures, whatever split is told later that never was",
    Reason.UNADJUSTED_SPLIT: "a day keeps its figures, whatever split comes later",
}


def restated(prices: pa.Table, known: pa.Table, splits: Iterable[Split]) -> tuple[Split, ...]:
    """The splits by which delivered prices as traded differ from the known of their days."""
    return tuple(split for split in splits if abs(split.jump) >= LEAST_JUDGED and _is_seen(split, prices, known))


def _is_seen(split: Split, prices: pa.Table, known: pa.Table) -> bool:
    as_traded = [rows.filter(pc.equal(rows["price_kind"], PriceKind.AS_TRADED.value)) for rows in (prices, known)]
    delivered, before = (_before(rows, split, "price_date", "close") for rows in as_traded)
    was = {row["price_date"]: float(row["close"]) for row in before}
    moved = [log(float(row["close"]) / was[row["price_date"]]) for row in delivered if row["price_date"] in was]
    return bool(moved) and is_near(float(np.median(moved)), split.jump)


def rows_restated(
    rows: pa.Table,
    splits: Iterable[Split],
    date_column: str,
    column: str,
    *,
    waived: Collection[str] = frozenset(),
) -> Mapping[int, Split]:
    """Positions of the rows whose figure in `column` is of a day before a split that it was restated by; and by which.

    A waived row is none of them.
    """
    found: dict[int, Split] = {}
    for split in splits:
        for row in _before(rows, split, date_column, column):
            found.setdefault(row["position"], split)
    ids = content_ids(rows) if found else []
    return {position: split for position, split in found.items() if ids[position] not in waived}


def audited_restatement(
    rows: pa.Table, by: Mapping[int, Split], invented: Collection[Split], date_column: str, column: str
) -> Audited:
    """`rows` without those that were restated, `by` position; the reason says whether their split was `invented`."""
    ids = content_ids(rows) if by else []
    verdicts = []
    for position, split in by.items():
        reason = Reason.INVENTED_SPLIT if split in invented else Reason.UNADJUSTED_SPLIT
        figure, day = (rows[name][position].as_py() for name in (column, date_column))
        detail = f"{figure} of {day} has the split {split.words} in it, which came later"
        verdicts.append(Verdict(position, reason, MEANINGS[reason], detail, split.words))
    return parted(rows, ids, verdicts)


def _before(rows: pa.Table, split: Split, date_column: str, column: str) -> list[dict[str, Any]]:
    """The ticker's rows of days before the split with a figure, each with its position in `rows`."""
    is_its = pc.equal(rows["ticker"], split.ticker)
    is_earlier = pc.less(pc.cast(pc.cast(rows[date_column], pa.int32()), pa.int64()), split.day)
    placed = rows.append_column("position", pa.array(np.arange(rows.num_rows)))
    found = placed.filter(pc.and_(is_its, is_earlier)).to_pylist()
    return [row for row in found if row[column] is not None and 0 < row[column] < float("inf")]
