"""Newest prices that nothing confirms yet: one jumps as an outlier does, and no later one shows whether it stays.

Such a price counts, for a share does fall by 96 % in a day; but it is marked until the next price comes, or a person
says that it is right. Should the next one come back, the audit of prices puts it out (OUTLIER).
"""

from collections.abc import Collection
from math import exp

import pyarrow as pa

from pipelines.quality.prices import LEAST_OUTLIER, USUAL_MOVES
from pipelines.quality.series import PriceSheet, sheet
from pipelines.quality.verdicts import Reason, Verdict, content_ids, parted, waived_ids

ROWS = 90
"""Newest rows of a series that it takes: 30 usual moves, and a run of the same price before."""
MEANING = f"the newest close has not jumped 45 % and {USUAL_MOVES:g} usual moves, with none after it to confirm it"


def unconfirmed(prices: pa.Table, actions: pa.Table, *, waived: pa.Table | Collection[str] = frozenset()) -> pa.Table:
    """The rows of `prices`, accepted ones, that are their ticker's newest and unconfirmed, with the columns SAID.

    Whole series or their last `ROWS`; `actions` are those that stand, and `waived` the ids that a person has let pass.
    A split or a dividend of the day that explains the jump confirms it, and so does nothing to compare with.
    """
    ids = content_ids(prices)
    rows = sheet(prices, prices.slice(0, 0), ids, actions, waived_ids(waived)).as_series().with_confirmed_splits()
    verdicts = [verdict for _, end in rows.starts.values() for verdict in _judged(rows, end - 1)]
    return parted(prices, ids, verdicts).quarantined


def _judged(rows: PriceSheet, last: int) -> list[Verdict]:
    if rows.is_first[last] or rows.trusted[last]:
        return []
    usual, jump = rows.usual_move(last, last), float(rows.jump[last])
    if abs(jump) < max(LEAST_OUTLIER, USUAL_MOVES * usual):
        return []
    before = rows.said(last - 1)
    say = f"{rows.close[last]:.8g} is {exp(jump):.3g} times {before}, and there is none after it; it counts until then"
    return [Verdict(int(rows.position[last]), Reason.UNCONFIRMED, MEANING, say, before)]
