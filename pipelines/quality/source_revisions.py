"""The audit of what a source has changed after the event: what a unit cost or paid on a day never changes.

A source that keeps only split-adjusted figures is asked for its splits to undo them. If one of those never was, or its
figures are not adjusted for it yet, every day before it comes back times its ratio.
"""

from collections.abc import Collection, Sequence
from math import log
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.securities import PriceKind
from pipelines.quality.series import LEAST_JUDGED, Split, is_near, splits_in
from pipelines.quality.verdicts import Audited, Reason, Verdict, content_ids, parted

MEANINGS = {
    Reason.INVENTED_SPLIT: "a day keeps its figures, whatever split is told later that never was",
    Reason.UNADJUSTED_SPLIT: "a day keeps its figures, whatever split comes later",
}
Restated = Sequence[tuple[Split, Reason]]


def restated(prices: pa.Table, known: pa.Table, actions: Audited) -> Restated:
    """The splits among `actions` by which delivered prices as traded differ from the known of their days."""
    told = [(split, Reason.INVENTED_SPLIT) for split in splits_in(actions.quarantined)]
    told += [(split, Reason.UNADJUSTED_SPLIT) for split in splits_in(actions.accepted)]
    return [
        (split, reason) for split, reason in told if abs(split.jump) >= LEAST_JUDGED and _is_seen(split, prices, known)
    ]


def _is_seen(split: Split, prices: pa.Table, known: pa.Table) -> bool:
    as_traded = [rows.filter(pc.equal(rows["price_kind"], PriceKind.AS_TRADED.value)) for rows in (prices, known)]
    delivered, before = (_before(rows, split, "price_date", "close") for rows in as_traded)
    was = {row["price_date"]: float(row["close"]) for row in before}
    moved = [log(float(row["close"]) / was[row["price_date"]]) for row in delivered if row["price_date"] in was]
    return bool(moved) and is_near(float(np.median(moved)), split.jump)


def audited_restatement(
    rows: pa.Table, told: Restated, date_column: str, column: str, *, waived: Collection[str] = frozenset()
) -> Audited:
    """`rows` without those whose figure in `column` is of a day before a split that it was restated by."""
    ids = content_ids(rows) if told else []
    verdicts: dict[int, Verdict] = {}
    for split, reason in told:
        for row in _before(rows, split, date_column, column):
            if ids[row["position"]] not in waived:
                detail = f"{row[column]} of {row[date_column]} has the split {split.words} in it, which came later"
                verdict = Verdict(row["position"], reason, MEANINGS[reason], detail, split.words)
                verdicts.setdefault(verdict.position, verdict)
    return parted(rows, ids, verdicts.values())


def _before(rows: pa.Table, split: Split, date_column: str, column: str) -> list[dict[str, Any]]:
    """The ticker's rows of days before the split with a figure, each with its position in `rows`."""
    is_its = pc.equal(rows["ticker"], split.ticker)
    is_earlier = pc.less(pc.cast(pc.cast(rows[date_column], pa.int32()), pa.int64()), split.day)
    placed = rows.append_column("position", pa.array(np.arange(rows.num_rows)))
    found = placed.filter(pc.and_(is_its, is_earlier)).to_pylist()
    return [row for row in found if row[column] is not None and 0 < row[column] < float("inf")]
