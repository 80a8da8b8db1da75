"""Prices as series: sorted columns, the jumps between neighbours, and the excursions that come back.

A jump is a difference of natural logarithms, from which the split of that day is taken out if the series is as
traded; so a good series is nearly flat, and 0.7 is twice the price. Loops run over jumps and splits, never over rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import exp, log, sqrt

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from domain.analytics.arrays import Bools, Float64, Int64
from domain.securities import PriceKind

UNKNOWN_DAY = np.iinfo(np.int64).min
LONGEST_RUN = 10
"""Sessions in which an excursion must have come back; longer ones may be the market."""
NEAR = 0.25
"""Two jumps are the same if they differ by at most this part of the larger."""
LEAST_SPLIT = log(1.15)
"""The smallest jump that is looked at."""
LEAST_JUDGED = log(1.4)
"""The smallest split whose absence from the closes can be told from a day's own move."""
SPLIT_WINDOW = 10
"""Sessions before and after a split's day in which its jump counts as misplaced rather than missing."""


@dataclass(frozen=True, slots=True)
class Split:
    """A split of a ticker: `jump` is ln(old / new), what it does to a price as traded."""

    ticker: str
    day: int
    jump: float
    words: str


@dataclass(frozen=True, slots=True)
class Dividend:
    """Payment of a ticker per unit to those who held it before the day."""

    ticker: str
    day: int
    amount: float


@dataclass(frozen=True, slots=True)
class Excursion:
    """Rows `start` up to `end`, without it, that jumped by `jump` and came back."""

    start: int
    end: int
    jump: float


@dataclass(frozen=True)
class PriceSheet:
    """The new and the known price rows of all tickers, by ticker, then day; `position` is -1 for a known row.

    Only a price as traded jumps at a split: every other kind has splits inside.
    """

    ticker: npt.NDArray[np.str_]
    day: Int64
    close: Float64
    adjusted: Float64
    volume: Float64
    is_as_traded: Bools
    has_dividends: Bools
    currency: npt.NDArray[np.str_]
    content: npt.NDArray[np.str_]
    position: Int64
    trusted: Bools
    splits: tuple[Split, ...]
    dividends: tuple[Dividend, ...]

    def where(self, keep: Bools) -> "PriceSheet":
        columns = {name: getattr(self, name)[keep] for name in _COLUMNS}
        return PriceSheet(**columns, splits=self.splits, dividends=self.dividends)

    def with_confirmed_splits(self) -> "PriceSheet":
        """The same rows, and of the splits those that the closes do not contradict."""
        columns = {name: getattr(self, name) for name in _COLUMNS}
        return PriceSheet(**columns, splits=tuple(confirmed(self, self.splits)), dividends=self.dividends)

    def as_series(self) -> "PriceSheet":
        """The rows that have a place in a series: one of each day, above 0."""
        is_twin: Bools = np.zeros(len(self.day), dtype=np.bool_)
        is_twin[1:] = ~self.is_first[1:] & (self.day[1:] == self.day[:-1])
        return self.where(np.isfinite(self.close) & (self.close > 0) & ~is_twin)

    @cached_property
    def is_first(self) -> Bools:
        """True where a row is the first of its ticker."""
        first: Bools = np.ones(len(self.ticker), dtype=np.bool_)
        first[1:] = self.ticker[1:] != self.ticker[:-1]
        return first

    @cached_property
    def starts(self) -> dict[str, tuple[int, int]]:
        """Where each ticker's rows begin and end."""
        begins = np.flatnonzero(self.is_first)
        ends = np.append(begins, len(self.ticker))[1:]
        return {str(self.ticker[b]): (int(b), int(e)) for b, e in zip(begins, ends, strict=True)}

    @cached_property
    def raw_jump(self) -> Float64:
        """ln(close / close before), 0 for a ticker's first row. Of positive closes only."""
        logs = np.log(self.close)
        jump = np.zeros(len(logs))
        jump[1:] = np.diff(logs)
        jump[self.is_first] = 0.0
        return jump

    @cached_property
    def split_jump(self) -> Float64:
        """Jump that splits make in the closes as traded of their days, by row; 0 without one."""
        made = np.zeros(len(self.day))
        for split in self.splits:
            row = self.row_of(split)
            if row is not None and not self.is_first[row] and self.is_as_traded[row]:
                made[row] += split.jump
        return made

    @cached_property
    def jump(self) -> Float64:
        """`raw_jump` less what splits explain, and less a dividend where that leaves less to explain."""
        jump = self.raw_jump - self.split_jump
        for dividend in self.dividends:
            row = self.row_of(dividend)
            if row is not None and not self.has_dividends[row] and 0 < (part := self.part_of(dividend, row)) < 1:
                unexplained = jump[row] - log(1 - part)
                if abs(unexplained) < abs(jump[row]):
                    jump[row] = unexplained
        return jump

    def part_of(self, dividend: Dividend, row: int) -> float:
        """A dividend as a part of the close before `row`, in units after any split of that row; 0 if there is none."""
        before = float(self.close[row - 1]) * exp(float(self.split_jump[row]))
        return 0.0 if self.is_first[row] else dividend.amount / before

    @cached_property
    def level(self) -> Float64:
        """Sum of the jumps: comparable within a ticker."""
        return np.cumsum(self.jump)

    def row_of(self, action: Split | Dividend) -> int | None:
        """The first row of the ticker on or after the action's day, if there is one."""
        start, end = self.starts.get(action.ticker, (0, 0))
        row = start + int(np.searchsorted(self.day[start:end], action.day))
        return row if row < end else None

    def bounds(self, row: int) -> tuple[int, int]:
        return self.starts[str(self.ticker[row])]

    def usual_move(self, start: int, end: int) -> float:
        """Deviation of the daily moves of the 30 rows before and after start..end: 1.4826 x median of their sizes."""
        first, last = self.bounds(start)
        around = np.concatenate(
            [self.jump[max(first + 1, start - 30) : start], self.jump[end + 1 : min(last, end + 30)]]
        )
        return 1.4826 * float(np.median(np.abs(around))) if len(around) else 0.0

    def said(self, row: int) -> str:
        """A row's price and day, for a sentence."""
        return f"{self.close[row]:.8g} of {day_text(int(self.day[row]))}"

    @cached_property
    def excursions(self) -> tuple[Excursion, ...]:
        """Jumps of at least `LEAST_SPLIT` that come back within `LONGEST_RUN` rows, the levels on both sides equal."""
        found = []
        free_from = 0
        for row in np.flatnonzero(np.abs(self.jump) >= LEAST_SPLIT):
            start = int(row)
            if start >= free_from and (end := self._back(start)):
                found.append(Excursion(start, end, float(self.jump[start])))
                free_from = end + 1
        return tuple(found)

    def _back(self, start: int) -> int | None:
        """The row with which the jump at `start` has come back, but for what the series moves in that time by itself.

        The levels compared are medians of up to 5 rows on each side.
        """
        first, last = self.bounds(start)
        size = self.jump[start]
        before = float(np.median(self.level[max(first, start - 5) : start]))
        for end in range(start + 1, min(start + LONGEST_RUN + 1, last)):
            if self.jump[end] * size < 0 and abs(self.jump[end]) >= (1 - 2 * NEAR) * abs(size):
                after = float(np.median(self.level[end : min(end + 5, last)]))
                step = abs(float(self.level[end] - self.level[start - 1]))
                own = 4.0 * self.usual_move(start, end) * sqrt(end - start + 1)
                if max(abs(after - before), step) <= max(NEAR * abs(size), min(own, 0.5 * abs(size))):
                    return end
        return None


_COLUMNS = (
    "ticker",
    "day",
    "close",
    "adjusted",
    "volume",
    "is_as_traded",
    "has_dividends",
    "currency",
    "content",
    "position",
    "trusted",
)


def sheet(
    new: pa.Table, known: pa.Table, ids: list[str], actions: pa.Table, waived: frozenset[str] = frozenset()
) -> PriceSheet:
    """New and known rows in order, and what the actions do to them; a known row delivered again is superseded."""
    kept = known.join(new.select(["ticker", "price_date"]), ["ticker", "price_date"], join_type="left anti")
    both = pa.concat_tables(
        [_needed(new, pa.array(ids, pa.string()), True), _needed(kept, pa.nulls(kept.num_rows, pa.string()), False)]
    )
    both = both.sort_by([("ticker", "ascending"), ("price_date", "ascending"), ("content", "ascending")])
    content = _texts(both["content"])
    position = both["position"].to_numpy().astype(np.int64)
    return PriceSheet(
        ticker=_texts(both["ticker"]),
        day=pc.fill_null(pc.cast(pc.cast(both["price_date"], pa.int32()), pa.int64()), UNKNOWN_DAY).to_numpy(),
        close=_floats(both["close"]),
        adjusted=_floats(both["adjusted_close"]),
        volume=_floats(both["volume"]),
        is_as_traded=_texts(both["price_kind"]) == PriceKind.AS_TRADED,
        has_dividends=np.isin(_texts(both["price_kind"]), [PriceKind.TOTAL_RETURN, PriceKind.PRICE_INDEX]),
        currency=_texts(both["currency"]),
        content=content,
        position=position,
        trusted=(position < 0) | np.isin(content, sorted(waived)),
        splits=splits_in(actions),
        dividends=dividends_in(actions),
    )


def _needed(rows: pa.Table, content: pa.Array, is_new: bool) -> pa.Table:
    count = rows.num_rows
    positions = np.arange(count) if is_new else np.full(count, -1)
    columns = {
        "ticker": pc.cast(rows["ticker"], pa.string()),
        "price_date": pc.cast(rows["price_date"], pa.date32()),
        "close": pc.cast(rows["close"], pa.float64()),
        "adjusted_close": _doubles(rows, "adjusted_close"),
        "volume": _doubles(rows, "volume"),
        "price_kind": pc.cast(rows["price_kind"], pa.string()),
        "currency": pc.cast(rows["currency"], pa.string()),
        "content": content,
        "position": pa.array(positions, pa.int64()),
    }
    return pa.table(columns)


def _doubles(rows: pa.Table, name: str) -> pa.Array | pa.ChunkedArray:
    return pc.cast(rows[name], pa.float64()) if name in rows.column_names else pa.nulls(rows.num_rows, pa.float64())


def _texts(column: pa.ChunkedArray) -> npt.NDArray[np.str_]:
    return np.asarray(pc.fill_null(column, "").to_numpy(), dtype=np.str_)


def _floats(column: pa.ChunkedArray) -> Float64:
    return np.asarray(pc.fill_null(column, float("nan")).to_numpy(), dtype=np.float64)


def splits_in(actions: pa.Table) -> tuple[Split, ...]:
    """The splits among corporate actions, those without two positive numbers left out."""
    return tuple(
        Split(
            row["ticker"],
            day_number(row["action_date"]),
            log(float(row["split_old"]) / float(row["split_new"])),
            f"{float(row['split_new']):g}:{float(row['split_old']):g} on {row['action_date']}",
        )
        for row in actions.filter(pc.equal(actions["action_type"], "SPLIT")).to_pylist()
        if (row["split_old"] or 0) > 0 and (row["split_new"] or 0) > 0
    )


def dividends_in(actions: pa.Table) -> tuple[Dividend, ...]:
    """The dividends among corporate actions that are above 0."""
    return tuple(
        Dividend(row["ticker"], day_number(row["action_date"]), float(row["amount"]))
        for row in actions.filter(pc.equal(actions["action_type"], "DIVIDEND")).to_pylist()
        if (row["amount"] or 0) > 0
    )


def is_near(one: float, other: float) -> bool:
    """Say whether two jumps, or their opposites, are the same."""
    return abs(abs(one) - abs(other)) <= NEAR * max(abs(one), abs(other))


def confirmed(prices: PriceSheet, splits: tuple[Split, ...]) -> Iterator[Split]:
    """The splits that closes do not contradict.

    A price as traded must have jumped by about the split, or twice it, within `SPLIT_WINDOW` rows of its day. A split
    still to come, a small one, and a series that has splits inside cannot be judged by it, and are believed.
    """
    for split in splits:
        row = prices.row_of(split)
        if row is None or prices.is_first[row] or not prices.is_as_traded[row] or abs(split.jump) < LEAST_JUDGED:
            yield split
            continue
        first, last = prices.bounds(row)
        near = prices.raw_jump[max(first, row - SPLIT_WINDOW) : min(last, row + SPLIT_WINDOW + 1)]
        if any(0.5 <= move / split.jump <= 2.5 for move in near):
            yield split


def day_number(day: object) -> int:
    """Days since 1970-01-01, as Arrow counts them."""
    return int(np.datetime64(str(day), "D").astype(np.int64))


def day_text(number: int) -> str:
    return str(np.datetime64(number, "D"))
