"""The audit of a source's own adjusted closes against the dividends it reports.

An adjusted close is evidence beside a close: a bad one never holds the close up. A step that no dividend explains
makes all adjusted closes before it wrong by that step, so they are out from there back.
"""

from collections.abc import Collection

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.analytics.arrays import Bools, Float64
from pipelines.quality.series import Dividend, PriceSheet, day_text, dividends_in, sheet
from pipelines.quality.verdicts import FINAL, Audited, Reason, Verdict, content_ids, parted, waived_ids

LEAST_STEP = 3e-4
"""Parts of the price; below it a step may be rounding."""
TOLERANCE = 0.1
"""Part of a dividend by which its adjustment may differ from it."""

MEANINGS = {
    Reason.NOT_A_NUMBER: "an adjusted close is a finite number above 0, or not given",
    Reason.BAD_ADJUSTED_CLOSE: f"adjusted closes step by a dividend on its day, to {100 * TOLERANCE:g} %, and else not",
}


def audited_adjusted(
    prices: pa.Table,
    actions: pa.Table,
    doubtful: pa.Table,
    *,
    waived: pa.Table | Collection[str] = frozenset(),
) -> Audited:
    """`prices` by their `adjusted_close` alone; a row without one is accepted.

    Give a ticker's whole series with its accepted closes, the accepted actions, and those in quarantine as `doubtful`:
    a step on such a day is bad only if it is the bad dividend's. Adjustments add up backwards.
    """
    ids = content_ids(prices)
    trusted = waived_ids(waived)
    rows = sheet(prices, prices.slice(0, 0), ids, actions)
    given = np.zeros(len(rows.day), dtype=np.bool_)
    given[np.argsort(rows.position)] = pc.is_valid(prices["adjusted_close"]).to_numpy()
    is_number = np.isfinite(rows.adjusted) & (rows.adjusted > 0)
    verdicts = [
        _verdict(
            rows, int(row), Reason.NOT_A_NUMBER, f"the adjusted close is {rows.adjusted[row]}", "any number above 0"
        )
        for row in np.flatnonzero(given & ~is_number)
    ]
    verdicts += _stepped(rows.where(is_number), dividends_in(doubtful))
    return parted(prices, ids, [v for v in verdicts if v.reason in FINAL or ids[v.position] not in trusted])


def _stepped(rows: PriceSheet, doubtful: tuple[Dividend, ...]) -> list[Verdict]:
    """The rows before the last unexplained step of each ticker."""
    step, paid, rumoured = _steps(rows), _paid(rows, rows.dividends), _paid(rows, doubtful)
    wrong = np.where(rumoured > 0, _is_same(step, paid + rumoured) & (step > LEAST_STEP), ~_is_same(step, paid))
    verdicts = []
    for first, last in rows.starts.values():
        places = np.flatnonzero(wrong[first:last])
        if len(places):
            at = first + int(places[-1])
            day = day_text(int(rows.day[at]))
            say = f"adjusted closes step {100 * step[at]:.3f} % on {day}, where {100 * paid[at]:.3f} % was paid"
            verdicts += [
                _verdict(rows, i, Reason.BAD_ADJUSTED_CLOSE, say, f"{100 * paid[at]:.3f} % on {day}")
                for i in range(first, at)
            ]
    return verdicts


def _steps(rows: PriceSheet) -> Float64:
    """The part of the price that the adjustment takes out between the row before and each row."""
    ratio = np.log(rows.adjusted / rows.close)
    step = np.zeros(len(ratio))
    step[1:] = 1.0 - np.exp(-np.diff(ratio) - rows.split_jump[1:])
    step[rows.is_first] = 0.0
    return step


def _paid(rows: PriceSheet, dividends: tuple[Dividend, ...]) -> Float64:
    """Dividends of each row's day as a part of the close before it."""
    paid = np.zeros(len(rows.day))
    for dividend in dividends:
        row = rows.row_of(dividend)
        if row is not None:
            paid[row] += rows.part_of(dividend, row)
    return paid


def _is_same(step: Float64, paid: Float64) -> Bools:
    return np.asarray(np.abs(step - paid) <= LEAST_STEP + TOLERANCE * np.maximum(np.abs(step), paid))


def _verdict(rows: PriceSheet, row: int, reason: Reason, detail: str, compared_with: str) -> Verdict:
    return Verdict(int(rows.position[row]), reason, MEANINGS[reason], detail, compared_with)
