"""The audit of prices that a source has changed after the event: what a unit cost on a day never changes.

A source that keeps only split-adjusted closes is asked for its splits to undo them. If one of those never was, or its
closes are not adjusted for it yet, every day before it comes back times its ratio.
"""

from collections.abc import Collection
from math import log
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.securities import PriceKind
from pipelines.quality.quarantine import Audited, Reason, Verdict, content_ids, parted
from pipelines.quality.series import LEAST_JUDGED, Split, is_near, splits_in

MEANINGS = {
    Reason.INVENTED_SPLIT: "a day that has a price keeps it, whatever split is told later that never was",
    Reason.UNADJUSTED_SPLIT: "a day that has a price keeps it, whatever split comes later",
}


def audited_restatement(
    rows: pa.Table, known: pa.Table, actions: Audited, *, released: Collection[str] = frozenset()
) -> Audited:
    """`rows`, delivered prices, without those that differ from the `known` of their days by a split told now.

    `actions` are the audited ones of the same delivery. One such day is evidence against all days before that split.
    """
    told = [(split, Reason.INVENTED_SPLIT) for split in splits_in(actions.quarantined)]
    told += [(split, Reason.UNADJUSTED_SPLIT) for split in splits_in(actions.accepted)]
    verdicts: dict[int, Verdict] = {}
    ids = content_ids(rows) if told else []
    for split, reason in told:
        for verdict in _against(split, reason, rows, known):
            if ids[verdict.position] not in released:
                verdicts.setdefault(verdict.position, verdict)
    return parted(rows, ids, verdicts.values())


def _against(split: Split, reason: Reason, rows: pa.Table, known: pa.Table) -> list[Verdict]:
    if abs(split.jump) < LEAST_JUDGED:
        return []
    delivered, before = _before(rows, split), {row["price_date"]: row["close"] for row in _before(known, split)}
    moved = [log(float(row["close"]) / float(before[row["price_date"]])) for row in delivered if _is_on(row, before)]
    if not moved or not is_near(float(np.median(moved)), split.jump):
        return []
    told = f"and then a split was told, {split.words}" + (", that never was" if "INVENTED" in reason else "")
    verdicts = []
    for row in delivered:
        was = f"{before[row['price_date']]:f}" if row["price_date"] in before else "not known"
        detail = f"the close of {row['price_date']} came as {row['close']}; it was {was}, {told}"
        verdicts.append(Verdict(row["position"], reason, MEANINGS[reason], detail, was))
    return verdicts


def _is_on(row: dict[str, Any], before: dict[Any, Any]) -> bool:
    return row["price_date"] in before and row["close"] is not None and 0 < row["close"] < float("inf")


def _before(rows: pa.Table, split: Split) -> list[dict[str, Any]]:
    """The ticker's rows as traded of days before the split, each with its position."""
    is_its = pc.and_(pc.equal(rows["ticker"], split.ticker), pc.equal(rows["price_kind"], PriceKind.AS_TRADED.value))
    is_earlier = pc.less(pc.cast(pc.cast(rows["price_date"], pa.int32()), pa.int64()), split.day)
    placed = rows.append_column("position", pa.array(np.arange(rows.num_rows)))
    return list(placed.filter(pc.and_(is_its, is_earlier)).to_pylist())
